"""The scenarios that come with Lampyre: that they are right, what they hold, and that the commented one tells all."""

import dataclasses
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from simulator.scenario.document import keys_of
from simulator.scenario.model import AttackKind, GatewayKind, Role, Scenario
from simulator.scenario.reading import RUN_KEYS, SECTIONS, load_scenario, parse_scenario
from simulator.scenario.shipped import scenario_path, shipped, template_text
from simulator.scenario.tables import NodesTable
from tests.simulator.scenario.towns import WHOLE, read

SCENARIOS = {name: load_scenario(path) for name, path in shipped().items()}


def roles(scenario: Scenario) -> dict[Role, int]:
    return Counter(node.role for node in scenario.nodes)


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_says_what_it_shows_and_what_it_expects(name):
    scenario = SCENARIOS[name]
    assert shipped()[name].read_text(encoding="utf-8").startswith("# ")
    assert scenario.about.endswith(".")
    assert scenario.expectations
    assert scenario.final_quiet_s
    assert len({place for node in scenario.nodes for place in node.place_ids}) == sum(
        len(node.place_ids) for node in scenario.nodes
    )
    assert len({node.dev_eui for node in scenario.nodes}) == len(scenario.nodes)


def test_they_are_what_the_simulator_was_made_for():
    assert list(SCENARIOS) == [
        "attacker",
        "bad-week",
        "cold-start",
        "demo",
        "replay",
        "scene",
        "single-channel",
        "switched-feeders",
        "town",
        "twenty-nodes",
    ]
    assert 190 <= len(SCENARIOS["demo"].nodes) <= 210
    assert set(roles(SCENARIOS["demo"])) == set(Role)
    assert {fault.kind.value for fault in SCENARIOS["demo"].faults} >= {"broker_away", "loss"}
    assert len(SCENARIOS["twenty-nodes"].nodes) == 20
    assert [stimulus.role for stimulus in SCENARIOS["replay"].stimuli if stimulus.replay] == [Role.AIR, Role.PARKING]
    assert len(SCENARIOS["cold-start"].nodes) == 5000
    assert not SCENARIOS["cold-start"].warm
    assert any(fault.drawn for fault in SCENARIOS["bad-week"].faults)
    assert SCENARIOS["attacker"].attacker is not None
    assert {attack.kind for attack in SCENARIOS["attacker"].attacker.attacks} == set(AttackKind)
    town = SCENARIOS["town"]
    assert (len(town.nodes), len(town.gateways), town.hours, town.warm) == (5000, 9, 24, True)
    assert {node.interval_s for node in town.nodes} == {900}
    single = SCENARIOS["single-channel"]
    assert (len(single.nodes), single.radio.plan) == (50, "single-channel")
    assert [gateway.kind for gateway in single.gateways] == [GatewayKind.BRIDGE]
    assert {node.group for node in SCENARIOS["scene"].nodes} == {order.target for order in SCENARIOS["scene"].orders}
    assert (len(SCENARIOS["scene"].nodes), SCENARIOS["scene"].radio.loss_down) == (200, 0.1)
    feeders = {feeder.name for feeder in SCENARIOS["switched-feeders"].feeders}
    assert {node.feeder for node in SCENARIOS["switched-feeders"].nodes} == feeders
    assert len(feeders) == 2


def test_a_command_takes_a_name_or_a_path_and_a_file_of_yours_comes_first(tmp_path, monkeypatch):
    assert scenario_path("demo") == shipped()["demo"]
    assert scenario_path("nothing.toml") == Path("nothing.toml")
    monkeypatch.chdir(tmp_path)
    Path("demo").mkdir()
    assert scenario_path("demo") == shipped()["demo"]
    Path("demo").rmdir()
    Path("demo").write_text("", encoding="utf-8")
    assert scenario_path("demo") == Path("demo")


def uncommented() -> str:
    """The template with everything that is behind a # at the beginning of a line in force."""
    lines = template_text().splitlines()
    key = re.compile(r"# ((?:\[|[a-z_0-9]+ = ).*)")
    return "\n".join(match[1] if (match := key.fullmatch(line)) else line for line in lines)


def test_the_template_is_right_as_it_is_and_with_everything_in_force(tmp_path):
    assert len(parse_scenario(template_text().encode(), tmp_path / "new.toml").nodes) == 41
    (tmp_path / "air.csv").write_text("time,PM2.5,T °F\n", encoding="utf-8")
    (tmp_path / "capture.jsonl").write_text("", encoding="utf-8")
    scenario = parse_scenario(uncommented().encode(), tmp_path / "new.toml")
    assert scenario.attacker is not None
    assert scenario.captures
    assert scenario.bad_weeks


def test_what_the_template_calls_defaults_are_the_defaults():
    """Keys behind a # in [radio], [[gateways]], [[nodes]] and above all tables, held against what reading makes."""
    behind = tomllib.loads(uncommented())
    usual = read(WHOLE)
    for key in ("seed", "hours", "warm"):
        assert behind[key] == getattr(usual, key)
    assert behind["start"].timestamp() == usual.start_s
    radio = {
        key: value for key, value in behind["radio"].items() if key not in ("bursts", "dr", "loss_up", "loss_down")
    }
    for key, value in radio.items():
        found = getattr(usual.radio, key)
        assert value == getattr(found, "value", found), key
    for key, value in behind["gateways"][0].items():
        if key not in ("name", "x_m", "y_m"):
            found = getattr(usual.gateways[0], key)
            assert value == getattr(found, "value", found), key
    parking = behind["nodes"][0]
    for key in ("height_m", "interval_s", "bays", "battery_mah", "board", "excess_loss_db"):
        assert parking[key] == getattr(usual.nodes[0], key), key
    defaults = {entry.name: entry.default for entry in dataclasses.fields(NodesTable)}
    for key in ("first_m", "clock_ppm_max", "sleep_ppm_max"):
        assert parking[key] == defaults[key], key


def test_the_template_names_every_key():
    text = template_text()
    assert [section for section in (*RUN_KEYS, *SECTIONS) if not re.search(rf"\b{section}\b", text)] == []
    assert [key for key in keys_of(NodesTable) if not re.search(rf"\b{key}\b", text)] == []
