"""A scenario file: what it means, and what it says when it is wrong."""

from pathlib import Path

import pytest

from simulator.scenario.document import MAX_LEN, ScenarioError
from simulator.scenario.model import (
    Attack,
    AttackKind,
    Bursts,
    FaultKind,
    GatewayKind,
    Interference,
    Operator,
    Order,
    Role,
)
from simulator.scenario.reading import load_scenario, parse_scenario
from tests.simulator.scenario import towns
from tests.simulator.scenario.towns import BAYS, GATEWAY, LAMPS, SITE, STATION, STREET, WHOLE, faults, read


def mistakes() -> list[tuple[str, str]]:
    """(text, sentence) from the file beside this one."""
    cases = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("\n\n")[1:]
    found = []
    for case in cases:
        text, _, says = case.strip("\n").partition("\n=> ")
        for name in ("WHOLE", "SITE", "GATEWAY", "STREET", "BAYS"):
            text = text.replace(f"@{name}", getattr(towns, name).rstrip())
        found.append((text, says))
    assert len(found) > 60
    return found


@pytest.mark.parametrize(("text", "says"), mistakes())
def test_a_mistake_is_a_sentence_with_its_line_and_what_to_write_instead(text, says):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.encode(), Path("town.toml"))
    assert [fault for fault in caught.value.faults if fault.startswith(says)], caught.value


def test_all_mistakes_of_a_step_are_told_at_once_in_the_order_of_the_file():
    text = WHOLE.replace('"Antony"', '""').replace("x_m = 0", 'x_m = "0"').replace("count = 4", "count = 0")
    found = faults(text, top="hours = -1\n")
    lines = [int(fault.split(":")[1]) for fault in found]
    assert len(found) == 4
    assert lines == sorted(lines)


def test_what_is_left_out_is_a_usual_town():
    scenario = read()
    assert (scenario.seed, scenario.hours, scenario.warm, scenario.start_s) == (1, 24, True, 1_772_434_800)
    assert scenario.radio.interference is Interference.CROCE
    assert (scenario.faults, scenario.attacker, scenario.expectations, scenario.captures) == ((), None, (), ())
    [gateway] = scenario.gateways
    assert (gateway.kind, gateway.channels, gateway.height_m) == (GatewayKind.CONCENTRATOR, 8, 20)
    roles = [node.role for node in scenario.nodes]
    assert roles == 4 * [Role.PARKING] + 3 * [Role.LIGHT] + [Role.AIR]
    assert {scenario.stimulus(node).role for node in scenario.nodes} == set(Role)


def test_everything_given_arrives():
    scenario = read(
        WHOLE
        + """
[radio]
interference = "aloha"
dr = 3
[radio.bursts]
good_s = "22h"
bad_s = 7200
loss = 0.9
[[faults]]
kind = "loss"
targets = ["role:light", "mairie"]
from_s = "1h30m"
for_s = "90s"
share = 0.5
down = false
[[faults]]
kind = "clock_jump"
targets = ["gateways"]
from_s = 60
for_s = "1h"
by_s = "-2d"
[[orders]]
at_s = "12h"
target = "rue"
level_pct = 30
hold_s = "1h"
[[orders]]
at_s = "2h"
[attacker]
x_m = 5
y_m = 6
[[attacker.attacks]]
kind = "replay"
from_s = "10h"
for_s = "1h"
every_s = "2s"
""",
        top='expect = ["delivered>=0.5", "published_twice == 0", "latency_p99_s <= 3600"]\n',
    )
    assert scenario.radio.bursts == Bursts(good_s=79_200, bad_s=7_200, loss=0.9)
    assert (scenario.radio.dr, scenario.radio.interference) == (3, Interference.ALOHA)
    jump, loss = scenario.faults  # by their begin
    assert (jump.kind, jump.targets, jump.by_s) == (FaultKind.CLOCK_JUMP, ("mairie",), -172_800)
    assert (loss.targets, loss.from_s, loss.until_s) == (
        ("mairie", "light-rue-001", "light-rue-002", "light-rue-003"),
        5400,
        5490,
    )
    assert (loss.share, loss.up, loss.down, loss.drawn) == (0.5, True, False, False)
    assert scenario.orders == (
        Order(at_s=7200),
        Order(at_s=43_200, target="rue", level_pct=30, hold_s=3600),
    )
    assert scenario.attacker is not None
    assert scenario.attacker.attacks == (Attack(kind=AttackKind.REPLAY, from_s=36_000, for_s=3600, every_s=2),)
    assert [expectation.text for expectation in scenario.expectations] == [
        "delivered >= 0.5",
        "published_twice == 0",
        "latency_p99_s <= 3600",
    ]
    assert [expectation.operator for expectation in scenario.expectations] == [
        Operator.AT_LEAST,
        Operator.EQUAL,
        Operator.AT_MOST,
    ]


def test_an_expectation_says_whether_it_held():
    at_least, equal, at_most = read(
        top='expect = ["delivered >= 0.5", "joined == 1", "latency_p50_s <= 9"]\n'
    ).expectations
    assert [at_least.held(value) for value in (0.49, 0.5, 1)] == [False, True, True]
    assert [equal.held(value) for value in (0.999, 1, 1.001)] == [False, True, False]
    assert [at_most.held(value) for value in (9, 9.1)] == [True, False]


LATER = """
[[faults]]
kind = "broker_away"
from_s = "2h"
for_s = "4h"
[[faults]]
kind = "broker_away"
from_s = "12h"
for_s = "1h"
[[bad_weeks]]
from_s = 0
until_s = "20h"
severity = 1
[[orders]]
at_s = "2h"
[[orders]]
at_s = "12h"
[attacker]
x_m = 0
y_m = 0
[[attacker.attacks]]
kind = "replay"
from_s = "1h"
for_s = "1h"
[[attacker.attacks]]
kind = "truncated"
from_s = "12h"
for_s = "1h"
"""


def test_a_seed_can_be_told_beside_the_file():
    assert read(seed=7).seed == 7


def test_a_shorter_run_is_the_beginning_of_the_whole_one():
    whole, short = (read(WHOLE + LATER, 'final_quiet_s = "2h"\n', **told) for told in ({}, {"hours": 5}))
    assert short.end_s == 5 * 3600
    assert short.faults == tuple(fault for fault in whole.faults if fault.from_s < 5 * 3600)
    assert short.orders == whole.orders[:1]
    assert short.attacker.attacks == whole.attacker.attacks[:1]
    assert short.nodes == whole.nodes


def test_the_quiet_end_of_a_shorter_run_is_one_or_none():
    assert read(WHOLE + LATER, 'final_quiet_s = "2h"\n', hours=5).final_quiet_s == 0  # the broker is away at its end
    assert read(top='final_quiet_s = "2h"\n', hours=5).final_quiet_s == 7200
    assert read(top='final_quiet_s = "2h"\n', hours=3).final_quiet_s == 0  # it would be most of the run
    assert read(top='final_quiet_s = "2h"\n', hours=48).final_quiet_s == 7200


def test_a_time_without_an_offset_is_the_sites():
    """2026-07-01 is in summer time, two hours before UTC."""
    assert read(top="start = 2026-07-01T12:00:00\n").start_s == read(top="start = 2026-07-01T10:00:00Z\n").start_s
    assert read(top="start = 2026-07-01T12:00:00\n").start_s == 1_782_900_000


def test_a_bridge_has_one_channel():
    bridge = GATEWAY + 'kind = "bridge"\n'
    [gateway] = read('[radio]\nplan = "single-channel"\n' + SITE + bridge + STREET + BAYS).gateways
    assert gateway.channels == 1


def test_a_zone_sees_what_is_said_for_it_and_else_what_is_said_for_the_role():
    stimuli = """
[[stimuli]]
role = "air"
traffic = 2
[[stimuli]]
role = "parking"
stay_min = 99
[[stimuli]]
role = "parking"
zone = "centre"
stay_min = 11
"""
    scenario = read(WHOLE + '[[nodes]]\nrole = "parking"\nat = [[0, 0]]\n' + stimuli)
    seen = {node.name: scenario.stimulus(node) for node in scenario.nodes}
    assert (seen["parking-rue-001"].stay_min, seen["parking-001"].stay_min) == (11, 99)
    assert (seen["air-001"].traffic, seen["light-rue-001"].mains_v) == (2, 231)


def test_only_mains_nodes_lose_their_power_with_the_mains():
    cut = '[[faults]]\nkind = "power_cut"\nfrom_s = 0\nfor_s = 60\ntargets = ["all"]\n'
    assert read(WHOLE + cut).faults[0].targets == (
        "mairie",
        "light-rue-001",
        "light-rue-002",
        "light-rue-003",
        "air-001",
    )
    assert "cannot strike" in faults(WHOLE + cut.replace("all", "parking-rue-001"))[0]


def test_lines_are_found_where_a_value_goes_over_several():
    [fault] = faults(SITE + GATEWAY + STREET.replace("[[0, 0],", "[\n[0, 0],\n") + LAMPS + "heads = 3\n")
    assert fault.startswith("town.toml:25: [[nodes]] heads is 3; write a whole number 1..2")


def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path):
    with pytest.raises(ScenarioError, match="no such file; `lampyre simulate new` writes one"):
        load_scenario(tmp_path / "town.toml")
    with pytest.raises(ScenarioError, match=r"of those that come with Lampyre did you mean demo\?"):
        load_scenario(Path("dmo"))
    with pytest.raises(ScenarioError, match="it must be a file that you can read"):
        load_scenario(tmp_path)


def test_what_is_no_toml_is_told_with_its_line():
    with pytest.raises(ScenarioError, match=r"^town.toml:2: this is not TOML: .*; texts stand in quotes"):
        parse_scenario(b'name = "x"\nhours = late\n', Path("town.toml"))
    with pytest.raises(ScenarioError, match=r"^town.toml:1: this is not TOML"):
        parse_scenario(b'name = "x', Path("town.toml"))
    with pytest.raises(ScenarioError, match=r"town.toml:4: byte \d+ is not UTF-8; save the file as UTF-8"):
        parse_scenario(f'name = "x"\n{SITE.replace("Antony", "Évry")}'.encode("latin-1"), Path("town.toml"))
    with pytest.raises(ScenarioError, match=f"more than {MAX_LEN} bytes; this is no scenario"):
        parse_scenario(b"#" * (MAX_LEN + 1), Path("town.toml"))


def test_an_editor_of_windows_may_have_written_it():
    text = f'name = "Test"\n{WHOLE}'.replace("\n", "\r\n").encode()
    assert parse_scenario(b"\xef\xbb\xbf" + text, Path("town.toml")).nodes == read().nodes


def test_a_station_needs_no_zone():
    assert read(SITE + GATEWAY + STATION).nodes[0].zone == ""
