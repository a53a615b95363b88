"""A programme written on the gateway reaches lamps over the air, and so does a scene; both are known to have."""

from simulator.chain.chain import Chain
from simulator.scenario.model import Radio, Role
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
