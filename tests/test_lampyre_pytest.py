"""The pytest plugin in a town's own repository: run by a pytest of its own, on two workers.

That repository has folders called as ours are. Its tests say what they expect; here it is counted which of them passed,
and read what the failed ones say.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).parents[1]
SCENARIO = """\
name = "Our street"
hours = 2
expect = ["delivered >= {least}"]
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
[[gateways]]
name = "mairie"
x_m = 0
y_m = 60
[[nodes]]
role = "air"
at = [[0, 0], [50, 0]]
"""
TESTS = """\
import dataclasses

import lampyre_pytest
import pytest


@pytest.fixture(scope="module", name="report")
def _report(lampyre_simulate):
    return lampyre_simulate("street.toml", seed=7, check=False)


def test_a_report_is_typed(report):
    assert isinstance(report, lampyre_pytest.Report)
    assert report.seed == 7
    assert len(bytes.fromhex(report.digest)) == 32
    assert 0 < report.uplinks["received"] <= report.uplinks["sent"]
    assert 10 < report.readings["delivered"] <= report.readings["taken"]
    assert 0.5 < report.delivered <= 1
    assert all(claim.value is None for claim in report.truths)
    [expectation] = report.expectations
    assert expectation.held
    assert 0.5 < expectation.value <= 1
    assert report.content["uplinks"] == report.uplinks
    assert report.path.is_file()
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.seed = 8


def test_the_same_seed_in_another_process_is_the_same_run(report, lampyre_simulate):
    assert lampyre_simulate("street.toml", seed=7, check=False).digest == report.digest


def test_what_does_not_hold_fails(lampyre_simulate):
    with pytest.raises(lampyre_pytest.NotHeldError) as caught:
        lampyre_simulate("impossible.toml", hours=1)
    assert "delivered == 2" in str(caught.value)
    assert caught.value.report.failures[-1:] == [caught.value.report.expectations[0].name]


def test_meant_to_fail(lampyre_simulate):
    lampyre_simulate("impossible.toml", hours=1)


def test_meant_to_break(lampyre_simulate):
    lampyre_simulate("broken.toml", seed=3, hours=0.5)


def test_meant_to_go_unwritten(lampyre_simulate):
    lampyre_simulate("street.toml", hours=0.5, check=False, arguments=("--html", "/dev/full"))


def test_a_folder_called_as_a_scenario_that_comes_along_is_not_taken_for_it(lampyre_simulate):
    assert lampyre_simulate("twenty-nodes", hours=0.2, check=False).readings["taken"] > 0


def test_meant_to_miss(lampyre_simulate):
    lampyre_simulate("strret")


def test_meant_to_last(lampyre_simulate):
    lampyre_simulate("street.toml", timeout_s=0.01)
"""


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with tests of its own, and with packages that are called as ours are."""
    town = tmp_path_factory.mktemp("town of ours")
    for name in ("gateway", "simulator", "protocol", "typer", "twenty-nodes"):
        (town / name).mkdir()
        (town / name / "__init__.py").write_text("raise RuntimeError('this is the town')\n", encoding="utf-8")
    (town / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (town / "street.toml").write_text(SCENARIO.format(least=0.5), encoding="utf-8")
    (town / "impossible.toml").write_text(SCENARIO.format(least=0.5).replace(">= 0.5", "== 2"), encoding="utf-8")
    (town / "broken.toml").write_text(SCENARIO.format(least=0.5).replace("x_m = 0", "x_m = 'west'"), encoding="utf-8")
    (town / "test_town.py").write_text(TESTS, encoding="utf-8")
    return town


@pytest.fixture(name="outcomes", scope="module")
def _outcomes(town: Path) -> dict[str, str]:
    """By test: "" if it passed, else what was said."""
    options = ("-p", "lampyre_pytest", "-n", "2", "-q", "--junit-xml", "results.xml", "-p", "no:cacheprovider")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(REPOSITORY), str(town))))
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", *options],
        cwd=town,
        env=environment,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout.decode() + done.stderr.decode()
    cases = ElementTree.parse(town / "results.xml").iter("testcase")
    return {
        case.attrib["name"]: "".join(
            f"{fault.get('message')}\n{fault.text}" for fault in case if fault.tag != "skipped"
        )
        for case in cases
    }


def test_the_towns_tests_pass_though_its_folders_are_called_as_ours_are(outcomes):
    failed = {name: said for name, said in outcomes.items() if said and "_meant_" not in name}
    assert not failed
    assert len(outcomes) == 9


def test_what_did_not_hold_is_named_with_the_command_that_repeats_it(outcomes, town):
    said = outcomes["test_meant_to_fail"]
    assert re.search(r"did not hold: .*delivered == 2", said)
    assert f"repeat it with: lampyre simulate run '{town}/impossible.toml' --hours 1" in said


def test_a_mistake_in_the_scenario_comes_through(outcomes, town):
    said = outcomes["test_meant_to_break"]
    assert "broken.toml:11: [[gateways]] x_m is" in said
    assert f"repeat it with: lampyre simulate run '{town}/broken.toml' --seed 3 --hours 0.5" in said


def test_a_file_of_the_run_that_cannot_be_written_is_told(outcomes):
    said = outcomes["test_meant_to_go_unwritten"]
    assert "the run ended with status 1 and said:" in said
    assert "cannot write: " in said


def test_a_scenario_that_is_not_there_is_told(outcomes):
    assert "strret: there is no such file" in outcomes["test_meant_to_miss"]


def test_a_run_that_takes_too_long_is_ended(outcomes):
    assert "the run did not end within 0.01 s; repeat it with: lampyre simulate run" in outcomes["test_meant_to_last"]


def test_it_imports_nothing_but_pytest_and_the_standard_library():
    """Of the latter there is a list in `sys`; so a run that does not simulate waits for nothing."""
    tree = ast.parse((REPOSITORY / "lampyre_pytest.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"pytest"}
