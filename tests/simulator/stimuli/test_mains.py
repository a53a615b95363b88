"""The supply: cuts as told and by chance, a cabinet that follows the sun, and the voltage that Europe allows."""

import statistics

import pytest

from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S, YEAR_S, Noise
from simulator.stimuli.daylight import Daylight
from simulator.stimuli.mains import Feeder, Mains
from simulator.stimuli.spans import NEVER_S
from simulator.streams import Stream

DAY = 20_514
START_S = DAY * DAY_S
NOISE = Noise(Stream(1, "noise"))
SUN = Daylight(48.75, 2.3, 60, DAY)


def mains(seed: int = 1, for_s: float = YEAR_S, **kind) -> Mains:
    kind.setdefault("cuts_per_year", 0)
    return Mains(Stream(seed, "mains"), NOISE, Calendar("Europe/Paris"), START_S, for_s, **kind)


def changes(supply: Mains, until_s: float) -> list[tuple[float, bool]]:
    found = []
    time_s: float = START_S
    while (time_s := supply.next_change_s(time_s)) < until_s:
        found.append((time_s, supply.on(time_s)))
    return found


def test_power_that_nothing_cuts_stays():
    assert mains().on(START_S)
    assert mains().next_change_s(START_S) == NEVER_S


def test_cuts_are_there_when_told():
    supply = mains(cuts=[(START_S + 100, START_S + 200)])
    assert changes(supply, NEVER_S) == [(START_S + 100, False), (START_S + 200, True)]
    assert not supply.on(START_S + 150)


def test_cuts_by_chance_are_as_many_as_told_and_last_as_long():
    cuts = [changes(mains(seed, cuts_per_year=6.0), START_S + YEAR_S) for seed in range(60)]
    assert statistics.mean(len(found) / 2 for found in cuts) == pytest.approx(6, rel=0.15)
    lasting = [up[0] - down[0] for found in cuts for down, up in zip(found[::2], found[1::2], strict=False)]
    assert statistics.mean(lasting) == pytest.approx(40 * 60, rel=0.2)
    assert min(lasting) >= 5


def test_a_cabinet_switches_with_the_sun():
    supply = mains(feeder=Feeder(SUN, on_after_sunset_min=10, off_after_sunrise_min=-5))
    expected = []
    for day in range(DAY, DAY + 3):
        expected += [(SUN.sunrise_s(day) - 300, False), (SUN.sunset_s(day) + 600, True)]
    assert changes(supply, START_S + 3 * DAY_S) == expected
    assert supply.on(START_S)
    assert not supply.on(START_S + 12 * 3600)


def test_a_cut_at_night_ends_into_what_the_cabinet_says():
    sunset_s = SUN.sunset_s(DAY)
    supply = mains(feeder=Feeder(SUN), cuts=[(sunset_s - 600, sunset_s + 600), (START_S + 40_000, START_S + 40_100)])
    assert changes(supply, START_S + DAY_S) == [(SUN.sunrise_s(DAY), False), (sunset_s + 600, True)]


def test_the_voltage_is_what_en_50160_allows_and_lowest_when_people_cook():
    supply = mains()
    volts = [supply.volts(START_S + step * 600) for step in range(30 * 144)]
    assert all(207 < value < 253 for value in volts)
    evenings = statistics.mean(volts[18 * 6 :: 144])
    nights = statistics.mean(volts[6 * 6 :: 144])
    assert evenings < nights - 3
    assert statistics.mean(mains(volts=225).volts(START_S + step * 600) for step in range(4320)) == pytest.approx(
        225, abs=1
    )
