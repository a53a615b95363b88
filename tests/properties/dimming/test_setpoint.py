"""The evaluation of a programme against a slow one written with datetime, the tz database and astral."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.civil import day_of, from_gps, to_gps
from protocol.dimming import (
    CLOCK,
    DAWN,
    DEFAULT_PROGRAMME,
    DUSK,
    HOLIDAYS,
    SUNRISE,
    SUNSET,
    DayType,
    Programme,
    Site,
    Step,
    SunTable,
    lighting_day,
    setpoint_at,
)
from tests.properties.dimming.almanac import DAYS, FIRST, OFFSET_MIN, PLACES, exact, rounded
from tests.properties.dimming.strategies import programmes

PARIS = ZoneInfo("Europe/Paris")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ERROR_S = 18  # what test_sun.py allows the table
FEASTS = [day_of(year, month, day) for year in range(2026, 2036) for month, day in ((1, 1), (5, 1), (7, 14), (12, 25))]
EVENING, MORNING = {SUNSET: "sunset", DUSK: "dusk"}, {SUNRISE: "sunrise", DAWN: "dawn"}

RICH = Programme(
    DayType(
        0x1F,
        Step(SUNSET, -10, 100, 30),
        Step(CLOCK, 22 * 60, 70, 60),
        Step(CLOCK, 23 * 60 + 30, 30, 600),
        Step(CLOCK, 2 * 60 + 30, 20, 60),
        Step(CLOCK, 5 * 60, 70, 60),
        Step(SUNRISE, 5, 0, 30),
    ),
    DayType(0x60, Step(DUSK, 0, 80, 60), Step(CLOCK, 60, 40, 60), Step(DAWN, -15, 0, 60)),
    DayType(HOLIDAYS, Step(SUNSET, 0, 100, 60), Step(SUNRISE, 0, 0, 60)),
)

places = st.sampled_from(PLACES)
evenings = st.one_of(
    st.integers(FIRST + 2, FIRST + DAYS - 3),  # the almanac knows two days more on either side
    st.sampled_from([day_of(2026, 3, 28), day_of(2026, 10, 24), day_of(2027, 3, 27), day_of(2032, 10, 30)]),
)


@cache
def site_at(place):
    sun = SunTable.build(FIRST, rounded(place, "sunrise"), rounded(place, "sunset"))
    twilight = SunTable.build(FIRST, rounded(place, "dawn"), rounded(place, "dusk"))
    return Site(OFFSET_MIN, True, sun, twilight, FEASTS)


def by_the_clock(day: int, minute: int) -> datetime:
    """When a clock in Paris first shows this, or the moment at which it jumps over it."""
    wall = datetime.combine(date(1970, 1, 1) + timedelta(days=day), time(minute // 60, minute % 60), PARIS)
    utc = wall.astimezone(UTC)
    if utc.astimezone(PARIS).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return utc
    return utc.replace(hour=1, minute=0)


def by_the_sun(place, event: str, day: int, minutes: int) -> datetime:
    assert day >= FIRST
    tenths = exact(place, event)[day - FIRST]
    return EPOCH + timedelta(days=day, minutes=tenths / 10 - OFFSET_MIN + minutes)


def slow_lighting_day(programme, place, day):
    """[(when, level, fade)] of a lighting day, or None where the table's error may change what happens."""
    of_weekday = [
        found for found in programme.day_types if found.days >> (date(1970, 1, 1) + timedelta(day)).weekday() & 1
    ]
    of_holiday = [found for found in programme.day_types if found.days & HOLIDAYS and day in FEASTS]
    clock, evening, morning = [], [], []
    for step in (of_holiday or of_weekday)[0].steps:
        if step.anchor in EVENING:
            evening.append((by_the_sun(place, EVENING[step.anchor], day, step.offset_min), step))
        elif step.anchor in MORNING:
            morning.append((by_the_sun(place, MORNING[step.anchor], day + 1, step.offset_min), step))
        else:
            clock.append((by_the_clock(day if step.offset_min >= 720 else day + 1, step.offset_min), step))
    margin = timedelta(seconds=2 * ERROR_S)
    moments = sorted([when for when, _ in evening + morning] + [when for when, _ in clock])
    sunny = {when for when, _ in evening + morning}
    if any(after - before < margin and {before, after} & sunny for before, after in pairwise(moments)):
        return None
    if evening:
        clock = [(when, step) for when, step in clock if when > min(found for found, _ in evening)]
    if morning:
        clock = [(when, step) for when, step in clock if when < max(found for found, _ in morning)]
    order = list((of_holiday or of_weekday)[0].steps)
    happening = sorted(clock + evening + morning, key=lambda pair: (pair[0], order.index(pair[1])))
    return [(when, step.level_pct, step.fade_s) for when, step in happening]


def gps(when: datetime) -> int:
    return int((when - datetime(1980, 1, 6, tzinfo=UTC)).total_seconds()) + 18


def same(found, expected, day):
    """Same levels and fades in the same order, each at its time within the error of the table."""
    assert [step[1:] for step in found] == [step[1:] for step in expected]
    for (at_s, _, _), (when, _, _) in zip(found, expected, strict=True):
        assert abs((when - EPOCH).total_seconds() - day * 86400 - at_s) <= ERROR_S


@pytest.mark.parametrize("programme", [DEFAULT_PROGRAMME, RICH], ids=["default", "rich"])
@pytest.mark.parametrize("place", PLACES)
def test_ten_years_walked_from_step_to_step(programme, place):
    """Whatever `until_s` promises is kept: following it meets each step of each night, and no other."""
    site = site_at(place)
    gps_s = gps(by_the_clock(FIRST + 1, 720))
    unclear = 0
    for day in range(FIRST + 1, FIRST + DAYS - 1):
        steps = []
        _, _, _, until_s = setpoint_at(programme, site, gps_s)
        noon = gps(by_the_clock(day + 1, 720))
        while gps_s + until_s < noon:
            gps_s += until_s
            level_pct, fade_s, since_s, until_s = setpoint_at(programme, site, gps_s)
            assert since_s == 0
            utc_day, utc_s = from_gps(gps_s)
            steps.append(((utc_day - day) * 86400 + utc_s, level_pct, fade_s))
        expected = slow_lighting_day(programme, place, day)
        if expected is None:
            unclear += 1
        else:
            same(steps, expected, day)
    assert unclear < DAYS // 50


@given(programmes(), places, evenings)
def test_any_programme_on_any_evening(programme, place, day):
    expected = slow_lighting_day(programme, place, day)
    assume(expected is not None)
    same(lighting_day(programme, site_at(place), day), expected, day)


@given(programmes(), places, evenings, st.integers(0, 86399))
def test_any_programme_at_any_second(programme, place, day, second):
    days = [slow_lighting_day(programme, place, near) for near in (day - 2, day - 1, day, day + 1, day + 2)]
    assume(None not in days)
    steps = [step for steps in days for step in steps]
    when = EPOCH + timedelta(days=day, seconds=second)
    assume(all(abs((when - step[0]).total_seconds()) > ERROR_S for step in steps))
    at = bisect_right([step[0] for step in steps], when)
    level_pct, fade_s, since_s, until_s = setpoint_at(programme, site_at(place), to_gps(day, second))
    assert (level_pct, fade_s) == steps[at - 1][1:]
    assert abs((when - steps[at - 1][0]).total_seconds() - since_s) <= ERROR_S
    assert abs((steps[at][0] - when).total_seconds() - until_s) <= ERROR_S


@given(programmes(), places, evenings, st.integers(0, 86399), st.data())
def test_nothing_changes_until_the_next_step(programme, place, day, second, data):
    """Exact to the second, whatever the sun's error: levels are the programme's, times are consistent."""
    site, gps_s = site_at(place), to_gps(day, second)
    level_pct, fade_s, since_s, until_s = setpoint_at(programme, site, gps_s)
    assert (level_pct, fade_s) in {
        (step.level_pct, step.fade_s) for found in programme.day_types for step in found.steps
    }
    assert 0 <= since_s < 49 * 3600
    assert 1 <= until_s < 49 * 3600
    more = data.draw(st.integers(-since_s, until_s - 1))
    assert setpoint_at(programme, site, gps_s + more) == (level_pct, fade_s, since_s + more, until_s - more)
    assert setpoint_at(programme, site, gps_s + until_s)[2] == 0


@pytest.mark.parametrize("place", PLACES)
def test_every_minute_around_every_change_of_the_clock(place):
    """20 nights, minute by minute: levels as the slow evaluator has them, lit from sunset to sunrise."""
    for year in range(2026, 2036):
        for month in (3, 10):
            last = date(year, month, 31)
            day = day_of(year, month, 31 - (last.weekday() + 1) % 7) - 1
            steps = slow_lighting_day(DEFAULT_PROGRAMME, place, day)
            for minute in range(int((steps[-1][0] - steps[0][0]).total_seconds()) // 60):
                when = steps[0][0] + timedelta(seconds=minute * 60 + ERROR_S + 1)
                level_pct = setpoint_at(DEFAULT_PROGRAMME, site_at(place), gps(when))[0]
                if all(abs((when - step[0]).total_seconds()) > ERROR_S for step in steps):
                    assert level_pct == [step[1] for step in steps if step[0] <= when][-1]
                    assert level_pct > 0


@pytest.mark.parametrize("place", PLACES)
def test_by_default_it_is_never_dark_at_night_nor_lit_by_day(place):
    """At every local midnight and noon, and just inside each night, of ten years."""
    site, error = site_at(place), timedelta(seconds=ERROR_S + 1)
    for day in range(FIRST + 1, FIRST + DAYS - 1):
        begin, end = by_the_sun(place, "sunset", day, 0), by_the_sun(place, "sunrise", day + 1, 0)
        for when in (begin + error, by_the_clock(day + 1, 0), end - error):
            assert setpoint_at(DEFAULT_PROGRAMME, site, gps(when))[0] >= 50
        for when in (by_the_clock(day, 720), begin - error, end + error):
            assert setpoint_at(DEFAULT_PROGRAMME, site, gps(when))[0] == 0
