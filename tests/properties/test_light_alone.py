"""Lamps alone for fifty weeks: what they do, against almanac and time zone database, never against themselves."""

import random
from bisect import bisect_right
from datetime import timedelta
from functools import cache

import pytest

from firmware.roles.supply import SAVE_S
from protocol.civil import day_of
from protocol.dimming import CLOCK, DEFAULT_PROGRAMME, EVERY_DAY, SUNRISE, SUNSET, DayType, Programme, Step
from tests.firmware.roles.street import DAY_S, Lamp, World, stored
from tests.properties.dimming.almanac import PLACES
from tests.properties.dimming.test_setpoint import EPOCH, ERROR_S, RICH, by_the_sun, gps, site_at, slow_lighting_day

PLACE = PLACES[1]
START = day_of(2027, 9, 20)  # both changes of the clock, Christmas and 29 February 2028 lie in the weeks that follow
DAYS = 350
PARTLY_DARK = Programme(
    DayType(
        EVERY_DAY, Step(SUNSET, 0, 90, 60), Step(CLOCK, 0, 0, 60), Step(CLOCK, 5 * 60, 90, 60), Step(SUNRISE, 0, 0, 60)
    )
)
PROGRAMMES = {"default": DEFAULT_PROGRAMME, "rich": RICH, "dark after midnight": PARTLY_DARK}


def world_s(when) -> int:
    """Times of these tests are GPS seconds."""
    return gps(when)


def noon_s(day: int) -> int:
    return world_s(EPOCH + timedelta(days=day, hours=12))


def sunset_s(day: int) -> int:
    return world_s(by_the_sun(PLACE, "sunset", day, 0))


def sunrise_s(day: int) -> int:
    return world_s(by_the_sun(PLACE, "sunrise", day, 0))


@cache
def planned(name: str) -> tuple[list[int], list[int]]:
    """All steps of a programme: when, and to which level."""
    steps = []
    for day in range(START - 1, START + DAYS + 1):
        steps += slow_lighting_day(PROGRAMMES[name], PLACE, day) or pytest.fail("unclear day: choose another year")
    return [world_s(when) for when, _, _ in steps], [level for _, level, _ in steps]


def level_planned(name: str, at_s: int) -> int:
    times, levels = planned(name)
    return levels[bisect_right(times, at_s) - 1]


def least_planned(name: str, at_s: int, around_s: int) -> int:
    """The least level planned within *around_s* of a moment."""
    times, levels = planned(name)
    first = bisect_right(times, at_s - around_s) - 1
    return min(levels[first : bisect_right(times, at_s + around_s)])


def lamp_with(name: str, **options) -> Lamp:
    return Lamp(
        at_s=noon_s(START),
        site=site_at(PLACE).encode(),
        programme=stored(PROGRAMMES[name]),
        **options,
    )


def level_at(lamp: Lamp, at_s: int) -> int:
    """What head 0 was told last."""
    return lamp.changes[bisect_right(lamp.changes, at_s, key=lambda change: change[0]) - 1][2]


@pytest.mark.parametrize("name", PROGRAMMES)
def test_permanent_supply_with_time_told_once(name):
    """Every change of level within the error of the sun table, through 2^30, 2^31 and 2^32 ms of uptime."""
    lamp = lamp_with(name).power_on()
    lamp.tell_time(lamp.at_s)
    lamp.run(DAYS * DAY_S)
    assert lamp.now_ms() > 2**32
    times, levels = planned(name)
    expected = [
        (at_s, level)
        for at_s, before, level in zip(times[1:], levels, levels[1:], strict=False)
        if level != before and noon_s(START) < at_s < noon_s(START + DAYS)
    ]
    found = [(at_s, level) for at_s, _, level, _ in lamp.changes]
    assert found.pop(0) == (noon_s(START), 0)
    assert [level for _, level in found] == [level for _, level in expected]
    for (at_s, _), (planned_s, _) in zip(found, expected, strict=True):
        assert abs(at_s - planned_s) <= ERROR_S + 1
    assert lamp.wakes <= 700 * DAYS
    assert len(lamp.writes) <= (DAY_S // SAVE_S) * DAYS + 1
    assert 24 * DAYS <= len(lamp.readings) <= 24 * DAYS * 3600 // (3600 - 32)  # each up to 32 s early
    assert lamp.told == []


class Street:
    """A cabinet that switches a feeder, with outages: *power* is (from_s, to_s) of each time that there is some."""

    def __init__(self, seed: int, outages: float) -> None:
        dice = random.Random(seed)
        self.power = []
        for day in range(START, START + DAYS):
            # A cabinet of this kind switches by its own light sensor, up to a quarter of an hour into the night.
            from_s = sunset_s(day) + dice.randint(0, 900)
            to_s = sunrise_s(day + 1) - dice.randint(0, 900)
            while dice.random() < outages and to_s - from_s > 120:
                cut_s = dice.randint(from_s, to_s - 60)
                self.power.append((from_s, cut_s))
                from_s = min(to_s - 30, cut_s + dice.choice((2, 60, 600, 3 * 3600)))
            self.power.append((from_s, to_s))


@pytest.mark.parametrize(
    ("name", "seed", "outages"),
    [
        ("default", 1, 0.0),
        ("dark after midnight", 1, 0.0),
        ("rich", 1, 0.0),
        ("default", 2, 0.1),
        ("dark after midnight", 3, 0.6),
    ],
)
def test_switched_feeder_without_a_clock(name, seed, outages):
    """Never less light than the programme would have given; and after a quiet week it does dim."""
    lamp = lamp_with(name, supply="switched", seed=seed)
    street = Street(seed, outages)
    for from_s, to_s in street.power:
        lamp.run_until(from_s)
        lamp.power_on()
        lamp.run_until(to_s)
        lamp.power_off(gasp=seed == 2)
    for from_s, to_s in street.power:
        for at_s in range(from_s + 1, to_s, 300):
            assert level_at(lamp, at_s) >= least_planned(name, at_s, 120), f"{at_s - from_s} s after power came"
    if not outages:
        assert lamp.told == []
        dimmed = [level_at(lamp, at_s) <= 50 for from_s, to_s in street.power[8:] for at_s in range(from_s, to_s, 300)]
        hours = {"default": 3, "dark after midnight": 2, "rich": 0}[name]  # rich: any night may be a holiday's
        assert sum(dimmed) * 300 >= (DAYS - 8) * hours * 3600


def sunset_s_of(at_s: int) -> bool:
    """Whether the sun is down."""
    day = (at_s - noon_s(START)) // DAY_S + START
    return sunset_s(day) < at_s < sunrise_s(day + 1)


def sun_is_up(at_s: int, within_s: int = 0) -> bool:
    """Whether the sun is up, and is so *within_s* before and after."""
    return not any(sunset_s(day) - within_s < at_s < sunrise_s(day + 1) + within_s for day in nights_near(at_s))


def nights_near(at_s: int) -> tuple[int, int]:
    day = (at_s - noon_s(START)) // DAY_S + START
    return day - 1, day


@pytest.mark.parametrize(("name", "seed"), [("dark after midnight", 4), ("rich", 5)])
def test_switched_feeder_that_hears_the_time_each_night(name, seed):
    """Full light or a virtual night until the time comes, then exactly the programme; through any outages."""
    lamp = lamp_with(name, supply="switched", seed=seed)
    dice = random.Random(seed)
    for from_s, to_s in Street(seed, 0.2).power:
        lamp.run_until(from_s)
        lamp.power_on()
        told_s = from_s + dice.randint(1, 1800)
        if told_s < to_s:
            lamp.run_until(told_s)
            lamp.tell_time(told_s)
        lamp.run_until(to_s)
        for at_s in range(from_s + 1, to_s, 300):
            least = least_planned(name, at_s, ERROR_S)
            if at_s < told_s:
                assert level_at(lamp, at_s) >= least
            elif least == level_planned(name, at_s) == level_planned(name, at_s + ERROR_S):
                assert level_at(lamp, at_s) == least
        lamp.power_off(gasp=dice.random() < 0.5)


def daylight(at_s: int) -> int:
    """Lux under a clear sky, crudely: 400 at sunset, a third for every six minutes that the sun is down."""
    day = (at_s - noon_s(START)) // DAY_S + START
    down_s = min(at_s - sunset_s(day), sunrise_s(day + 1) - at_s)
    if down_s < 0:
        return min(54612, 400 - down_s * 4) + at_s // 60 % 2
    return 400 // 3 ** min(down_s // 360, 8)


@pytest.mark.parametrize(("days", "outages"), [(30, 0.0), (DAYS, 0.1)])
def test_permanent_supply_with_a_photocell_and_no_clock(days, outages):
    """Lit from dusk to dawn and off by day, after any outage; never less light than the programme would have given."""
    dice = random.Random(6)
    world = World()
    world.lux = daylight
    lamp = lamp_with("default", world=world, on_lux=35, off_lux=70)
    lamp.power_on()
    powered_s = lamp.at_s
    lit_by_day = wrong = 0
    for _ in range(days * 24):
        if dice.random() < outages / 24:
            lamp.run(dice.randint(0, 3599))
            lamp.power_off()
            lamp.run(dice.choice((1, 600, 20_000)))
            powered_s = lamp.at_s
            lamp.power_on()
        lamp.run(3600)
        at_s = lamp.at_s - 1800
        if at_s < powered_s + 900:
            continue
        level = level_at(lamp, at_s)
        if sun_is_up(at_s, 1500):
            lit_by_day += level > 0
        elif not sun_is_up(at_s, -1500):
            wrong += level < least_planned("default", at_s, 120)
    assert (lit_by_day, wrong) == (0, 0)
    assert lamp.wakes < 2500 * days


@pytest.mark.parametrize("broken", ["silent", "stuck bright", "noisy bright", "gone"])
def test_a_photocell_that_fails_leaves_no_street_dark(broken):
    """From a day on that it had seen well; stuck values are doubted after 6 hours, days without end after 18."""
    world = World()
    world.lux = daylight
    lamp = lamp_with("default", world=world, on_lux=35, off_lux=70)
    lamp.power_on()
    lamp.run(3 * DAY_S)
    faults = {
        "silent": lambda at_s: None,
        "stuck bright": lambda at_s: 800,
        "noisy bright": lambda at_s: 800 + at_s // 60 % 7,
        "gone": lambda at_s: 0,
    }
    world.lux = faults[broken]
    broken_s = lamp.at_s
    lamp.run(40 * DAY_S)
    doubted_s = (
        broken_s + {"silent": 600, "stuck bright": 6 * 3600 + 120, "noisy bright": 18 * 3600 + 120, "gone": 300}[broken]
    )
    assert all(level_at(lamp, at_s) >= 50 for at_s in range(doubted_s, lamp.at_s, 600))


def test_without_a_programme_or_a_way_to_know_the_night_there_is_full_light():
    for options in ({"site": b""}, {}, {"supply": "switched"}):
        lamp = lamp_with("default", **options) if "site" not in options else Lamp(at_s=noon_s(START))
        lamp.power_on()
        lamp.run(3 * DAY_S)
        assert {level for _, _, level, _ in lamp.changes} == {100}
