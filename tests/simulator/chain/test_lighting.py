"""A programme written on the gateway reaches lamps over the air, and so does a scene; both are known to have."""

import io
import json
from datetime import datetime

import pytest

from protocol.settings import Settings
from simulator.chain.chain import Chain
from simulator.scenario.model import Radio, Role, StimulusSpec
from tests.simulator.chain.runs import HOUR_S, broken, node, scenario

PROGRAMME = """
name = "rue"
[[nights]]
days = ["every-day"]
steps = [
  { at = "sunset", level_pct = 90, fade_s = 0 },
  { at = "22:00", level_pct = 40, fade_s = 0 },
  { at = "sunrise", level_pct = 0, fade_s = 0 },
]
"""
LOSSY = Radio(shadowing_db=0.0, fading_db=0.0, loss_up=0.1, loss_down=0.1)


EVENING_S = 1_772_480_700  # 2026-03-02T19:45:00Z: it is dark, and the programme dims in 75 minutes


def street(lamps=8, hours=2.5, **more):
    """A street that is lit in daylight until it has a programme; it begins at 08:00."""
    nodes = tuple(node(Role.LIGHT, number, group="rue") for number in range(1, lamps + 1))
    return Chain(scenario(hours, nodes=nodes, radio=LOSSY, **more))


def levels(chain):
    return [node.hardware.lamps[0][0] for node in chain.fleet.nodes.values()]


def stored(chain):
    """The versions of the programmes that lamps have in their flash."""
    programmes = [bytes(node.hardware.persisted.get("programme", b"")) for node in chain.fleet.nodes.values()]
    return {int.from_bytes(programme[:2], "little") for programme in programmes}


def unix_s(text):
    return datetime.fromisoformat(text).timestamp()


def heard_at_once(message):
    """Whether an event came over the air when it happened, and not from the node's log later on."""
    return unix_s(message["received"]) - unix_s(message["observed"]) < 10


def gate(hours, radio):
    """A street in the evening, of which only the first lamp sees people; and the lines of what the town is told."""
    walkers = StimulusSpec(role=Role.LIGHT, zone="gate", motions_per_hour=30.0, failures_per_year=0.0)
    nobody = StimulusSpec(role=Role.LIGHT, motions_per_hour=0.0, failures_per_year=0.0)
    zones = ("gate", *[""] * 7)
    nodes = tuple(node(Role.LIGHT, number, group="rue", zone=zone) for number, zone in enumerate(zones, 1))
    lines = io.StringIO()
    evening = scenario(hours, nodes=nodes, radio=radio, stimuli=(walkers, nobody), start_s=EVENING_S)
    chain = Chain(evening, lines=lines)
    chain.run(1)
    return chain, lines


def motions(lines):
    """What the town was told of motion, whenever it was."""
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [message for message in told if message.get("event") == "motion_seen" and message["place"]]


def explained(setpoint):
    """What `light explain` says of a lamp: which rule holds it at which level, and on whose account."""
    return setpoint.rule.value, setpoint.level_pct, setpoint.detail


def test_a_programme_reaches_every_lamp_and_the_gateway_knows():
    chain = street()
    chain.run(HOUR_S)
    chain.cabinet.plan(PROGRAMME, "rue")
    chain.run(2 * HOUR_S)
    light = chain.cabinet.lighting()
    version = light.programme_named("rue").version
    assert stored(chain) == {version}
    assert {lamp.version for lamp in light.lamps.values()} == {version}
    assert all(lamp.keys for lamp in light.lamps.values())
    downlinks = chain.cabinet.counts["downlinks"]
    chain.run(2.5 * HOUR_S)
    assert chain.cabinet.counts["downlinks"] - downlinks <= 8, "now that all have it there is nothing to send"
    assert broken(chain.finish()) == set()


def test_a_gateway_that_dies_while_it_distributes_goes_on_after_its_start():
    chain = street(5)
    chain.run(HOUR_S)
    chain.cabinet.plan(PROGRAMME, "rue")
    chain.run(HOUR_S + 3)
    before = stored(chain)
    chain.cabinet.kill()
    chain.run(HOUR_S + 60)
    chain.cabinet.begin()
    chain.run(2.5 * HOUR_S)
    light = chain.cabinet.lighting()
    version = light.programme_named("rue").version
    assert before != {version}, "it died before every lamp had it"
    assert stored(chain) == {version}
    assert {lamp.version for lamp in light.lamps.values()} == {version}


def test_a_scene_reaches_a_street_at_once_and_every_lamp_is_known_to_follow():
    chain = street(12)
    chain.run(2 * HOUR_S)
    chain.cabinet.hold("rue", 70, 3600)
    chain.run(2 * HOUR_S + 10)
    assert levels(chain).count(70) >= 11
    chain.run(2 * HOUR_S + 900)
    light = chain.cabinet.lighting()
    assert levels(chain) == [70] * 12
    assert [light.scenes.confirmed(lamp) for lamp in light.lamps] == [True] * 12
    at_s = int(chain.scenario.start_s + 2 * HOUR_S + 900)
    assert {light.expected(lamp, at_s).level_pct for lamp in light.lamps} == {70}
    chain.cabinet.hold("rue", None, 0)
    chain.run(2 * HOUR_S + 920)
    assert levels(chain).count(70) <= 1, "it was ended"


@pytest.mark.parametrize("killed_s", [1.5, 120.0], ids=["between its frames", "between its receipts"])
def test_a_gateway_that_dies_in_a_scene_tells_it_anew_and_finds_out_who_follows(killed_s):
    chain = street(12)
    chain.run(2 * HOUR_S)
    chain.cabinet.hold("rue", 70, 3600)
    chain.run(2 * HOUR_S + killed_s)
    chain.cabinet.kill()
    chain.run(2 * HOUR_S + 180)
    chain.cabinet.begin()
    light = chain.cabinet.lighting()
    chain.run(2 * HOUR_S + 190)
    assert levels(chain).count(70) >= 11
    assert not any(light.scenes.confirmed(lamp) for lamp in light.lamps), "what it knew of each is gone"
    chain.run(2 * HOUR_S + 180 + 900)
    assert levels(chain) == [70] * 12
    assert [light.scenes.confirmed(lamp) for lamp in light.lamps] == [True] * 12
    assert broken(chain.finish()) == set()


def test_a_gateway_that_dies_when_somebody_ends_a_scene_ends_it():
    chain = street(12)
    chain.run(2 * HOUR_S)
    chain.cabinet.hold("rue", 70, 3600)
    chain.run(2 * HOUR_S + 600)
    chain.cabinet.hold("rue", None, 3000)
    chain.cabinet.kill()  # before a frame went out
    chain.run(2 * HOUR_S + 660)
    assert levels(chain) == [70] * 12
    chain.cabinet.begin()
    chain.run(2 * HOUR_S + 660 + 900)
    light = chain.cabinet.lighting()
    assert levels(chain) == [0] * 12
    assert [light.scenes.confirmed(lamp) for lamp in light.lamps] == [True] * 12


def test_motion_near_one_lamp_brightens_its_neighbours_for_a_while():
    """None brightens by itself, so that what is seen came over the air."""
    chain, lines = gate(2.75, LOSSY)
    presence = "[presence]\nlevel_pct = 80\nhold_s = 300\nplaces = ['92002-lamp-001']\n"
    chain.cabinet.plan(f"{PROGRAMME}{presence}[lamps]\nboost_pct = 0\n", "rue")
    light = chain.cabinet.lighting()
    seen = []
    for at_s in range(4600, int(2.75 * HOUR_S), 10):  # the street has been at 40 % for 100 s
        chain.run(at_s)
        says = {explained(light.expected(lamp, EVENING_S + at_s)) for lamp in light.lamps}
        seen.append((at_s, levels(chain), says))
    report = chain.finish()
    arrivals = [unix_s(message["observed"]) - EVENING_S for message in motions(lines) if heard_at_once(message)]
    assert len([at_s for at_s in arrivals if at_s > 4600]) >= 6
    for at_s, street, says in seen:
        if any(arrived_s + 15 <= at_s < arrived_s + 299 for arrived_s in arrivals):
            assert street.count(80) >= 7, at_s
            assert says == {("presence", 80, "92002-lamp-001")}
        elif not any(arrived_s <= at_s < arrived_s + 310 for arrived_s in arrivals):
            assert street == [40] * 8, at_s
            assert {said[:2] for said in says} == {("programme", 40)}
    assert broken(report) == set()


def test_of_motions_whose_frame_is_lost_most_are_heard_a_few_steps_later():
    """A fifth of all frames is lost: told once, as many motions would brighten nothing."""
    chain, lines = gate(11, Radio(shadowing_db=0.0, fading_db=0.0, loss_up=0.2, loss_down=0.2))
    chain.cabinet.plan(f"{PROGRAMME}[presence]\nlevel_pct = 80\nhold_s = 60\nplaces = ['92002-lamp-001']\n", "rue")
    chain.run(11 * HOUR_S)
    assert broken(chain.finish()) == set()
    moved = motions(lines)
    assert len(moved) >= 40
    assert sum(map(heard_at_once, moved)) >= 0.9 * len(moved)


def test_settings_that_the_file_names_no_longer_are_the_default_again_in_every_lamp():
    """As lamps keep them in flash, and as they shine when somebody comes."""
    walkers = StimulusSpec(role=Role.LIGHT, motions_per_hour=30.0, failures_per_year=0.0)
    nodes = tuple(node(Role.LIGHT, number, group="rue") for number in range(1, 7))
    chain = Chain(scenario(6.5, nodes=nodes, radio=LOSSY, stimuli=(walkers,), start_s=EVENING_S))
    chain.run(1)
    chain.cabinet.plan(f"{PROGRAMME}[lamps]\nboost_pct = 60\nboost_s = 30\non_lux = 80\noff_lux = 120\n", "rue")
    chain.run(2.5 * HOUR_S)
    assert settings(chain) == {(60, 30, 80, 120)}
    assert brightest(chain, 2.5 * HOUR_S, 3 * HOUR_S) == 60
    chain.cabinet.plan(PROGRAMME, "rue")
    chain.run(5.5 * HOUR_S)
    assert settings(chain) == {(100, 120, 0, 70)}
    assert brightest(chain, 5.5 * HOUR_S, 6 * HOUR_S) == 100
    light = chain.cabinet.lighting()
    assert not any(light.distribution.lacks_settings(lamp) for lamp in light.lamps.values())
    downlinks = chain.cabinet.counts["downlinks"]
    chain.run(6.5 * HOUR_S)
    assert chain.cabinet.counts["downlinks"] - downlinks <= 8, "now that all have them there is nothing to send"
    assert broken(chain.finish()) == set()


def settings(chain):
    """What lamps have in their flash of what a file may name."""
    kept = [Settings.decode(bytes(node.hardware.persisted["settings"])) for node in chain.fleet.nodes.values()]
    return {(known.boost_pct, known.boost_s, known.on_lux, known.off_lux) for known in kept}


def brightest(chain, from_s, until_s):
    """The highest level that a lamp shows in a while."""
    found = 0
    for at_s in range(int(from_s), int(until_s), 10):
        chain.run(at_s)
        found = max(found, *levels(chain))
    return found


def test_a_new_lamp_joins_and_gets_its_key_and_its_programme_by_itself():
    chain = street(5, warm=False)
    chain.run(1)
    chain.cabinet.plan(PROGRAMME, "rue")
    chain.run(1.5 * HOUR_S)
    light = chain.cabinet.lighting()
    version = light.programme_named("rue").version
    assert stored(chain) == {version}
    assert {lamp.version for lamp in light.lamps.values()} == {version}
    chain.cabinet.hold("rue", 70, 3600)
    chain.run(1.5 * HOUR_S + 10)
    assert levels(chain).count(70) >= 4, "the key of the group came with it"
