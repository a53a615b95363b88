"""The front door: what it lists, what it opens, and what it says when a package is not installed."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import lampyre

REPOSITORY = Path(__file__).parents[1]


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(lampyre.app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def test_help_lists_every_command():
    result = invoke("--help")
    assert result.exit_code == 0
    assert "simulate" in result.stdout
    assert "gateway" in result.stdout


def test_the_version_is_that_of_the_distribution():
    assert invoke("--version").stdout == f"lampyre {importlib.metadata.version('lampyre')}\n"


def test_all_that_follows_a_command_is_the_packages_own(tmp_path):
    database = tmp_path / "run.sqlite"
    run = invoke("simulate", "run", "--nodes", "1", "--hours", "1", "--loss", "0", "--database", database)
    assert run.exit_code == 0, run.output
    shown = invoke("gateway", "readings", "--database", database, "--after", "1")
    assert shown.exit_code == 0, shown.output
    told = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [each["key"]["seq"] for each in told if each["kind"] == "reading"][:3] == [0, 1, 2]


@pytest.mark.parametrize("command", ["demo", "simulate", "gateway"])
def test_help_behind_a_command_is_the_packages_own(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert f"lampyre {command}" in result.stdout


@pytest.mark.parametrize(("command", "exit_code"), [("simulate run --nodes 2 --loss 0.9 --hours 1", 1), ("tea", 2)])
def test_exit_codes_come_through(command, exit_code):
    assert invoke(*command.split()).exit_code == exit_code


def test_the_front_door_opens_without_the_packages_behind_it():
    """Sub-commands load lazily: help costs neither the gateway's nor the simulator's imports."""
    probe = "import sys, lampyre; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True
    )
    assert not {"apsw", "boards", "firmware", "gateway", "simulator"} & set(done.stdout.split())


def missing(name: str | None) -> type:
    class Finder:
        @staticmethod
        def import_module(module: str) -> None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return Finder


def test_a_missing_extra_is_one_sentence_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(lampyre, "importlib", missing("apsw"))
    result = invoke("simulate", "run")
    assert result.exit_code == 1
    assert result.stderr == (
        "`lampyre simulate` needs the package apsw, which is not installed. "
        "Install it with: pip install 'lampyre[simulator]'\n"
    )


@pytest.mark.parametrize("name", ["gateway.nowhere", None])
def test_a_module_of_ours_that_is_missing_is_our_mistake_and_not_hidden(monkeypatch, name):
    monkeypatch.setattr(lampyre, "importlib", missing(name))
    assert isinstance(invoke("simulate", "run").exception, ModuleNotFoundError)
