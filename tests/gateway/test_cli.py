"""`lampyre gateway readings` on a gateway's file, and on files that are none."""

import json
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.store.database import open_database
from gateway.store.records import RecordStore
from tests.gateway.store.test_records import commit_of


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.sqlite"
    RecordStore(open_database(path)).commit(commit_of(2, 1, 0))
    return path


def seqs(result: Result) -> list[int]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["seq"] for line in result.stdout.splitlines()]


def test_readings_come_as_json_lines_oldest_first(path):
    assert seqs(invoke("readings", "--database", path)) == [0, 1, 2]


def test_after_leaves_out_the_oldest(path):
    assert seqs(invoke("readings", "--database", path, "--after", "2")) == [2]


def test_a_gateway_that_is_running_does_not_mind(path):
    store = RecordStore(open_database(path))
    store.commit(commit_of(3))
    assert seqs(invoke("readings", "--database", path)) == [0, 1, 2, 3]
    store.commit(commit_of(4))


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    result = invoke("readings", "--database", tmp_path / "none.sqlite")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert not (tmp_path / "none.sqlite").exists()


def not_sqlite(path: Path) -> None:
    path.write_text("dear diary, " * 100, encoding="utf-8")


def of_another_program(path: Path) -> None:
    apsw.Connection(str(path)).execute("CREATE TABLE diary (text)")


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize("make", [not_sqlite, of_another_program, empty])
def test_a_file_that_is_no_gateways_is_refused_and_stays_as_it_is(tmp_path, make):
    path = tmp_path / "strange.sqlite"
    make(path)
    before = path.read_bytes()
    result = invoke("readings", "--database", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"{path} is not a gateway's database\n"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
