"""`lampyre simulate run` as a developer in CI uses it: what it prints, writes and returns."""

import json
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from simulator.cli import app
from simulator.scenario.metrics import METRICS

SHORT = ("run", "--nodes", "2", "--hours", "1", "--loss", "0")
SCENARIO = """
name = "Small"
seed = 4
hours = 1
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.75
longitude_deg = 2.3
[[gateways]]
name = "mairie"
x_m = 0
y_m = 0
[[nodes]]
role = "air"
name = "air"
at = [[10, 10], [20, 20]]
"""


def invoke(*arguments: str | Path) -> Result:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, words, env={"COLUMNS": "200", "LC_ALL": "C"})


def test_a_run_ends_with_a_summary_and_success():
    result = invoke(*SHORT)
    assert result.exit_code == 0, result.output
    delivered, _, taken = result.stdout.partition(" readings delivered (100")[0].partition(" of ")
    assert delivered == taken
    assert 7 <= int(taken) <= 8
    assert "✓ no node's firmware fell over" in result.stdout
    assert "✗" not in result.stdout
    assert result.stderr == ""


def test_the_report_has_what_readers_of_reports_look_for(tmp_path):
    path = tmp_path / "report.json"
    assert invoke(*SHORT, "--seed", "5", "--json", path).exit_code == 0
    report = json.loads(path.read_text(encoding="utf-8"))
    assert report["seed"] == 5
    assert len(bytes.fromhex(report["digest"])) == 32
    assert report["uplinks"].keys() == {"sent", "received"}
    assert report["readings"].keys() == {"taken", "delivered"}
    assert report["readings"]["taken"] == report["readings"]["delivered"] > 6
    assert report["truths"]
    assert all(truth.keys() == {"name", "held", "event"} and truth["held"] is True for truth in report["truths"])
    assert METRICS.keys() <= report["figures"].keys()
    assert report["expectations"] == [{"name": "delivered >= 0.99", "value": 1.0, "held": True}]


def test_a_scenario_runs_from_a_file_with_its_own_seed_or_another(tmp_path):
    file, path = tmp_path / "small.toml", tmp_path / "report.json"
    file.write_text(SCENARIO, encoding="utf-8")
    for options, seed, hours in (((), 4, 1.0), (("--seed", "9", "--hours", "0.5"), 9, 0.5)):
        result = invoke("run", file, *options, "--json", path)
        assert result.exit_code == 0, result.output
        report = json.loads(path.read_text(encoding="utf-8"))
        assert (report["name"], report["seed"], report["hours"]) == ("Small", seed, hours)


def test_page_and_junit_are_written_where_they_are_wanted(tmp_path):
    result = invoke(*SHORT, "--html", tmp_path / "page.html", "--junit", tmp_path / "tests.xml", "--lang", "fr")
    assert result.exit_code == 0, result.output
    assert '<html lang="fr">' in (tmp_path / "page.html").read_text(encoding="utf-8")
    suites = ET.parse(tmp_path / "tests.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "0"]
    assert "relevés livrés" in result.stdout
    assert result.stderr.count("written: ") == 2


def test_boards_run_beside_it_where_their_files_are_and_else_a_sentence_says_why_not(tmp_path):
    assert "virtual boards" not in invoke(*SHORT).stdout
    result = invoke(*SHORT, "--firmware", tmp_path)
    assert result.exit_code == 0, result.output
    assert "no virtual boards beside them: --firmware names no folder with their files" in result.stdout


def test_the_readings_are_json_lines_in_the_order_of_acceptance(tmp_path):
    path = tmp_path / "readings.jsonl"
    assert invoke(*SHORT, "--readings", path).exit_code == 0
    messages = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {"status", "reading"} <= {message["kind"] for message in messages}
    assert [message["received"] for message in messages] == sorted(message["received"] for message in messages)
    assert {message["place"] for message in messages if message["kind"] == "reading"} == {
        "92002-station-01",
        "92002-station-02",
    }


def test_the_database_stays_and_is_never_overwritten(tmp_path):
    path = tmp_path / "run.sqlite"
    assert invoke(*SHORT, "--database", path).exit_code == 0
    assert list(tmp_path.iterdir()) == [path], "all of it is in one file"
    before = path.read_bytes()
    again = invoke(*SHORT, "--database", path)
    assert again.exit_code == 2
    assert "exists; name a file that does not" in again.stderr
    assert path.read_bytes() == before


def test_what_did_not_hold_is_named_with_the_command_that_repeats_it(tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    result = invoke("run", "--seed", "3", "--nodes", "2", "--hours", "2", "--loss", "0.9", "--json", first)
    assert result.exit_code == 1
    assert "delivered >= 0.99" in result.stderr
    assert "✗ records delivered ≥ 99" in result.stdout
    [command] = [line for line in result.stderr.splitlines() if "repeat it with:" in line]
    front_door, simulate, *arguments = shlex.split(command.partition("repeat it with:")[2])
    assert (front_door, simulate) == ("lampyre", "simulate")
    assert invoke(*arguments, "--json", second).exit_code == 1
    assert first.read_bytes() == second.read_bytes()


def test_the_command_that_repeats_a_scenario_names_its_file_and_seed(tmp_path):
    file = tmp_path / "a street.toml"
    file.write_text(SCENARIO.replace("seed = 4", 'seed = 4\nexpect = ["battery_p10_years >= 1"]'), encoding="utf-8")
    result = invoke("run", file, "--hours", "0.5")
    assert result.exit_code == 1
    assert "(nothing to measure)" in result.stdout
    assert f"repeat it with: lampyre simulate run '{file}' --seed 4 --hours 0.5" in result.stderr


def test_a_scenario_with_mistakes_is_told_and_not_run(tmp_path):
    file = tmp_path / "small.toml"
    file.write_text(SCENARIO.replace("hours = 1", "hours = -1"), encoding="utf-8")
    result = invoke("run", file)
    assert result.exit_code == 1
    assert "small.toml" in result.stderr
    assert "hours" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_series_with_a_mistake_is_one_sentence(tmp_path):
    file = tmp_path / "replay.toml"
    assert invoke("new", file, "--like", "replay").exit_code == 0
    series = tmp_path / "air.csv"
    head, first, *rest = series.read_text(encoding="utf-8").splitlines()
    series.write_text("\n".join([head, first.replace("9,4", "plenty"), *rest]), encoding="utf-8")
    result = invoke("run", file)
    assert result.exit_code == 1
    assert "air.csv, line 2" in result.stderr
    assert "'plenty'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_scenario_says_its_own_nodes_and_loss(tmp_path):
    for option in (("--nodes", "3"), ("--loss", "0.5")):
        result = invoke("run", "twenty-nodes", *option)
        assert result.exit_code == 2
        assert "a scenario says its own" in result.stderr


@pytest.mark.parametrize("option", ["--json", "--junit", "--html", "--readings", "--database"])
def test_a_file_that_cannot_be_written_is_told_before_the_run(tmp_path, option):
    for path, told in ((tmp_path / "nowhere" / "file", "there is no folder"), (tmp_path, "")):
        result = invoke(*SHORT, option, path)
        assert result.exit_code == 2
        assert told in result.stderr
        assert "Traceback" not in result.stderr
        assert result.stdout == ""


def test_two_outputs_need_two_files(tmp_path):
    result = invoke(*SHORT, "--json", tmp_path / "same", "--readings", tmp_path / "same")
    assert result.exit_code == 2
    assert "--json and --readings need files of their own" in result.stderr
    assert not (tmp_path / "same").exists()


@pytest.mark.parametrize("wrong", [("--nodes", "0"), ("--loss", "1.5"), ("--hours", "soon"), ("--seed", "-1")])
def test_wrong_usage_ends_with_two_and_names_the_option(wrong):
    result = invoke("run", *wrong)
    assert result.exit_code == 2
    assert wrong[0] in result.stderr


def test_without_a_command_it_shows_its_help():
    assert "Run a scenario, or a quick street of air nodes" in invoke("run", "--help").stdout
    result = invoke()
    assert "run" in result.output


def test_energy_shows_years_for_each_data_rate_and_the_assumptions():
    result = invoke("energy")
    assert result.exit_code == 0
    assert "Parking on heltec-v3, 19 Ah Li-SOCl2 D: years" in result.stdout
    rows = [line.split("│")[1:-1] for line in result.stdout.splitlines() if line.startswith("│ 3600 s")]
    years = {row[1].strip(): [float(cell) for cell in row[2:]] for row in rows}
    assert years.keys() == {"polled", "threshold"}
    assert years["threshold"][3] >= 4
    assert "threshold: LIS3MDL, wakes every 188 s, deep sleep" in result.stdout


def test_energy_halves_with_the_cell_and_falls_with_the_board():
    def first(*options: str) -> float:
        line = next(line for line in invoke("energy", *options).stdout.splitlines() if line.startswith("│ 900 s"))
        return float(line.split("│")[-2])

    assert first("--capacity-ah", "9.5") < first() < first("--capacity-ah", "38")
    assert first("--board", "esp32-rfm95") < first()


def test_energy_of_an_air_node_says_what_feeds_it():
    result = invoke("energy", "--role", "air")
    assert result.exit_code == 0
    assert "Air on heltec-v3: mA at 5 V" in result.stdout
    assert "Mains, or solar: a panel of" in result.stdout


def test_energy_of_an_unknown_board_names_those_there_are():
    result = invoke("energy", "--board", "esp8266")
    assert result.exit_code == 2
    assert "heltec-v3" in result.stderr
    assert "Traceback" not in result.stderr


def test_parking_shows_how_much_is_told_right_at_each_noise():
    result = invoke("parking", "--weeks", "1", "--seed", "2001")
    assert result.exit_code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines() if "µT" in line]
    noises = [row[0] for row in rows if row]
    assert (noises[0], noises[-1]) == ("0.1 µT", "4 µT")
    right = [float(row[4].removesuffix(" %")) for row in rows if row]
    assert right[0] > 98 > right[-1]
    assert "not of a street" in result.stdout
