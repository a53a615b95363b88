"""The node's code on the Python it is for: compiled as for the street, tested on real MicroPython."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.benchmarks.heap import compile_for, live
from tests.benchmarks.lives import life_of
from tests.firmware.day import day
from tests.micropython.compile import PACKAGES, REPOSITORY, compile_all

HERE = Path(__file__).parent
TIMEOUT_S = 1200  # of a part on a machine that does much else; alone it takes half a minute
PARTS = 8


@pytest.fixture(name="compiled", scope="module")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("mpy")
    compile_all(target)
    return target


def node(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts beside this file under Node."""
    executable = os.environ.get("LAMPYRE_NODE") or shutil.which("node")
    assert executable, "no Node.js: set LAMPYRE_NODE, or put `node` on the PATH"
    return subprocess.run(
        [executable, HERE / script, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def files_of(part: int) -> list[Path]:
    """Every PARTS-th of the test files that both Pythons run."""
    tests = REPOSITORY / "tests"
    files = [path for folder in ("protocol", "firmware") for path in sorted((tests / folder).rglob("test_*.py"))]
    return files[part::PARTS]


def count_in(files: list[Path]) -> int:
    """How many test functions these files have."""
    functions = [
        item.name
        for path in files
        for item in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(item, ast.FunctionDef)
    ]
    return sum(name.startswith("test_") for name in functions)


def test_every_module_of_the_node_compiles(compiled):
    made = {path.relative_to(compiled).with_suffix(".py") for path in compiled.rglob("*.mpy")}
    sources = {path.relative_to(REPOSITORY) for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")}
    assert made == sources
    assert {"protocol", "firmware"} == {path.parts[0] for path in made}


@pytest.mark.parametrize("part", range(PARTS))
def test_all_tests_of_protocol_and_firmware_pass_there_and_none_is_left_out(compiled, part):
    files = files_of(part)
    done = node("run_tests.mjs", REPOSITORY, compiled, *[path.relative_to(REPOSITORY) for path in files])
    count = count_in(files)
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert re.findall(r"^(\d+) passed, (\d+) failed$", done.stdout, re.MULTILINE) == [(str(count), "0")], shown


@pytest.mark.parametrize("role", ["air", "light", "bridge"])
def test_a_node_lives_there_as_here_with_the_code_that_is_flashed(role, tmp_path):
    life = life_of(role)
    compile_for([life], tmp_path)
    lived = live(tmp_path, life)  # it refuses another life
    assert role == "bridge" or len(life.sent) > 30
    assert f"firmware.roles.{role}" in lived["modules"]
    assert not {"firmware.joining", "protocol.settings", "protocol.orders"} & set(lived["modules"])


def test_a_node_sends_the_same_frames_there_and_here(compiled):
    done = node("print_day.mjs", REPOSITORY, compiled)
    assert done.returncode == 0, done.stdout + done.stderr
    here = day()
    assert len(here) > 96
    assert done.stdout.splitlines() == here


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def test_wrong():\n    assert 1 == 2\n", "FAILED tests.protocol.test_planted.test_wrong"),
        ("import dataclasses\n\ndef test_never_runs():\n    pass\n", "FAILED tests.protocol.test_planted (import)"),
    ],
)
def test_a_test_that_fails_there_fails_here(compiled, tmp_path, source, says):
    for folder in ("protocol", "firmware", "fakes", "data"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
    (tmp_path / "tests/protocol/test_planted.py").write_text(source, encoding="utf-8")
    done = node("run_tests.mjs", tmp_path, compiled)
    assert done.returncode == 1
    assert says in done.stdout
