"""Of all rules the strongest holds a lamp, and says until when."""

import pytest

from firmware.roles.setpoint import MANUAL, PRESENCE, PROGRAMME, SAFETY
from gateway.lighting.lighting import Lighting, Plan, State
from gateway.lighting.plan import SITE as ALL
from gateway.lighting.plan import Boost, Override, Rule
from protocol.quantities import LAMP_TOO_HOT
from tests.gateway.lighting.samples import RUE, SITE, at, lamp, local, programme, street

EVENT = (
    RUE
    + '[[events]]\nname = "Fête"\nfrom = 2027-06-21\nto = 2027-06-21\nsteps = [{ at = "sunset", level_pct = 100 }, '
    + '{ at = "02:00", level_pct = 60 }, { at = "03:30", level_pct = 0 }]\n'
)
LAMP = lamp(1).dev_eui
NEIGHBOUR = lamp(2).dev_eui


def town(text=RUE, lamps=2):
    """A street whose lamps have the programme that they shall have."""
    members, group = street(lamps)
    found = programme(text)
    light = Lighting(members, [group], State(Plan((found,), {1: found.name}), site=SITE))
    for member in members:
        light.lamps[member.dev_eui].version = found.version
    return light


def holding(target, level_pct, since, until, number=1):
    return Override(
        id=number,
        target=target,
        level_pct=level_pct,
        fade_s=2,
        since_s=at(since),
        until_s=at(until),
        source="test",
    )


def says(light, when, whom=LAMP):
    found = light.expected(whom, at(when))
    return found.level_pct, found.rule, None if found.until_s is None else local(found.until_s)


def test_rules_have_the_order_that_lamps_have():
    firmware = [SAFETY, MANUAL, PRESENCE, PROGRAMME]
    assert firmware == sorted(firmware)
    order = [rule for rule in Rule if rule in (Rule.SAFETY, Rule.MANUAL, Rule.PRESENCE, Rule.PROGRAMME)]
    assert order == [Rule.SAFETY, Rule.MANUAL, Rule.PRESENCE, Rule.PROGRAMME]


def test_a_programme_holds_from_step_to_step():
    light = town()
    assert says(light, "2026-12-22 23:00") == (40, Rule.PROGRAMME, "2026-12-23 05:00")
    assert says(light, "2026-12-24 12:30")[0] == 0
    # Christmas Day is a Friday: the night of a holiday is dimmed later, and less.
    assert says(light, "2026-12-25 23:00") == (100, Rule.PROGRAMME, "2026-12-26 00:30")


def test_a_lamp_is_expected_to_run_what_it_has_and_not_what_it_shall_get():
    light = town()
    light.lamps[LAMP].version = None
    assert says(light, "2026-12-22 23:00") == (100, Rule.NO_PROGRAMME, None)
    assert light.wanted(LAMP).name == "rue"


def test_an_override_holds_until_it_expires():
    light = town()
    light.override(holding(LAMP, 70, "2026-12-22 22:30", "2026-12-22 23:30"))
    assert says(light, "2026-12-22 22:29")[1] is Rule.PROGRAMME
    assert says(light, "2026-12-22 22:30") == (70, Rule.MANUAL, "2026-12-22 23:30")
    assert says(light, "2026-12-22 23:30")[:2] == (40, Rule.PROGRAMME)
    assert says(light, "2026-12-22 23:00", NEIGHBOUR)[1] is Rule.PROGRAMME


@pytest.mark.parametrize("target", [LAMP, 1, ALL])
def test_of_two_overrides_the_newer_one_holds(target):
    light = town()
    light.override(holding(1 if target != 1 else ALL, 30, "2026-12-22 22:30", "2026-12-23 04:00"))
    light.override(holding(target, 70, "2026-12-22 23:00", "2026-12-22 23:30", 2))
    assert says(light, "2026-12-22 23:10")[0] == 70
    assert says(light, "2026-12-22 23:40")[1] is Rule.PROGRAMME, "in the lamp the newer one has replaced the older"


def test_an_override_that_was_ended_holds_nothing():
    light = town()
    light.override(holding(1, 70, "2026-12-22 22:30", "2026-12-23 04:00"))
    light.override(holding(1, None, "2026-12-22 23:00", "2026-12-23 04:00", 2))
    assert says(light, "2026-12-22 23:10")[1] is Rule.PROGRAMME


def test_somebody_who_is_there_brightens_and_never_dims():
    light = town()
    light.door.boosts[1, Rule.PRESENCE] = Boost(
        group=1, rule=Rule.PRESENCE, level_pct=80, until_s=at("2026-12-22 22:05"), source="bay"
    )
    assert says(light, "2026-12-22 21:59")[:2] == (90, Rule.PROGRAMME)
    assert says(light, "2026-12-22 22:01") == (80, Rule.PRESENCE, "2026-12-22 22:05")
    assert says(light, "2026-12-22 22:05")[:2] == (40, Rule.PROGRAMME)
    light.override(holding(1, 30, "2026-12-22 22:00", "2026-12-22 23:00"))
    assert says(light, "2026-12-22 22:01")[:2] == (30, Rule.MANUAL)


def test_by_day_presence_lights_nothing_and_darkness_does():
    light = town()
    for rule in (Rule.PRESENCE, Rule.LUX):
        light.door.boosts[1, rule] = Boost(
            group=1, rule=rule, level_pct=60, until_s=at("2026-12-22 18:00"), source="somewhere"
        )
    assert says(light, "2026-12-22 14:00") == (60, Rule.LUX, "2026-12-22 18:00")
    del light.door.boosts[1, Rule.LUX]
    assert says(light, "2026-12-22 14:00")[:2] == (0, Rule.PROGRAMME)


def test_a_special_event_holds_on_its_night():
    light = town(EVENT)
    assert says(light, "2027-06-20 23:30")[1] is Rule.PROGRAMME
    assert says(light, "2027-06-21 20:00")[1] is Rule.PROGRAMME, "the sun is up"
    assert says(light, "2027-06-21 23:30") == (100, Rule.EVENT, "2027-06-22 02:00")
    assert says(light, "2027-06-22 02:30") == (60, Rule.EVENT, "2027-06-22 03:30")
    assert says(light, "2027-06-22 03:31")[1] is Rule.PROGRAMME
    assert says(light, "2027-06-22 23:30")[1] is Rule.PROGRAMME


def test_what_is_too_hot_is_no_brighter_than_it_said():
    light = town()
    light.lamps[LAMP].level_pct, light.lamps[LAMP].status = 50, LAMP_TOO_HOT
    assert says(light, "2026-12-22 20:00") == (50, Rule.SAFETY, None)
    assert says(light, "2026-12-22 23:00")[:2] == (40, Rule.PROGRAMME)


def test_no_order_to_a_group_is_thought_to_hold_beyond_sunrise():
    light = town()
    # Sunrise at Antony: 21 December 8:42, 21 June 5:48 (tests/data/sun_table.json, within minutes).
    assert local(light.door.next_sunrise_s(at("2026-12-20 23:00"))).startswith("2026-12-21 08:4")
    assert local(light.door.next_sunrise_s(at("2026-06-21 05:30"))).startswith("2026-06-21 05:4")
    assert local(light.door.next_sunrise_s(at("2026-06-21 06:00"))).startswith("2026-06-22 05:4")


def test_without_an_almanac_full_light_is_expected():
    members, group = street(1)
    found = programme()
    light = Lighting(members, [group], State(Plan((found,), {1: "rue"})))
    light.lamps[LAMP].version = found.version
    assert says(light, "2026-12-22 23:00") == (100, Rule.NO_PROGRAMME, None)
    assert not light.door.sun_is_down(at("2026-12-22 23:00"))
