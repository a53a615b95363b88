"""What a lamp does, told as evenings: ordinary ones, bright ones, feasts, and the nights when the clock changes."""

from protocol.civil import day_of, to_gps
from protocol.dimming import (
    CLOCK,
    DAWN,
    DEFAULT_PROGRAMME,
    DUSK,
    EVERY_DAY,
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
from tests.protocol.expect import vectors

ASTRAL = vectors("sun_table")
WINTER, SUMMER = day_of(2026, 12, 15), day_of(2026, 6, 23)  # two Tuesdays
MARCH, OCTOBER = day_of(2026, 3, 28), day_of(2026, 10, 24)  # the Saturdays whose nights change the clock
BASTILLE = day_of(2026, 7, 14)  # a Tuesday


def antony(holidays=()):
    """48.7° N, 2.3° E, from astral's times."""
    first = ASTRAL["first_day"]
    sun = SunTable.build(first, ASTRAL["sunrise"], ASTRAL["sunset"])
    twilight = SunTable.build(first, ASTRAL["dawn"], ASTRAL["dusk"])
    return Site(60, True, sun, twilight, holidays)


def flat(sunrise_min, sunset_min, utc_offset_min=60, summer_rule=True):
    """A place where the sun keeps to the clock; twilight lasts half an hour."""
    sun = SunTable((sunrise_min * 10,) * 24, (sunset_min * 10,) * 24)
    twilight = SunTable((sunrise_min * 10 - 300,) * 24, (sunset_min * 10 + 300,) * 24)
    return Site(utc_offset_min, summer_rule, sun, twilight, [])


ANTONY = antony()
SIX_TO_SIX = flat(6 * 60, 18 * 60)


def every_day(*steps):
    return Programme(DayType(EVERY_DAY, *steps))


def at(programme, site, day, hour, minute=0, second=0):
    """Level, fade, seconds since and until a step, at UTC."""
    return setpoint_at(programme, site, to_gps(day, hour * 3600 + minute * 60 + second))


def levels(programme, site, day):
    """The lighting day as (UTC hour, minute, level); hours from 24 on are the next day's."""
    return [(at_s // 3600, at_s // 60 % 60, level_pct) for at_s, level_pct, _ in lighting_day(programme, site, day)]


def test_a_winter_night_by_default():
    sunset_s = ASTRAL["sunset"][WINTER - 20454] * 6 - 3600
    sunrise_s = ASTRAL["sunrise"][WINTER + 1 - 20454] * 6 - 3600 + 86400
    steps = lighting_day(DEFAULT_PROGRAMME, ANTONY, WINTER)
    assert [level_pct for _, level_pct, _ in steps] == [100, 50, 100, 0]
    assert abs(steps[0][0] - sunset_s) <= 30
    assert steps[1][0] == 22 * 3600 and steps[2][0] == 28 * 3600
    assert abs(steps[3][0] - sunrise_s) <= 30


def test_since_and_until_meet_at_the_step():
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER, 21, 59, 59) == (100, 60, 5 * 3600 - 1, 1)
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER, 22) == (50, 60, 0, 6 * 3600)
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER + 1, 4) == (100, 60, 0, 3600)


def test_the_afternoon_keeps_what_the_morning_left_and_waits_for_the_evening():
    """Sunrise at 05:00 UTC, sunset at 17:00 UTC; noon is at 11:00 UTC."""
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER, 10, 59, 59) == (0, 60, 21599, 21601)
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER, 11) == (0, 60, 21600, 21600)
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER, 16, 59, 59) == (0, 60, 43199, 1)
    assert at(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER, 17) == (100, 60, 0, 18000)


def test_summer_time_moves_the_clock_but_not_the_sun():
    assert levels(DEFAULT_PROGRAMME, SIX_TO_SIX, WINTER) == [(17, 0, 100), (22, 0, 50), (28, 0, 100), (29, 0, 0)]
    assert levels(DEFAULT_PROGRAMME, SIX_TO_SIX, SUMMER) == [(17, 0, 100), (21, 0, 50), (27, 0, 100), (29, 0, 0)]
    overseas = flat(6 * 60, 18 * 60, 660, False)  # Nouméa
    assert levels(DEFAULT_PROGRAMME, overseas, SUMMER) == [(7, 0, 100), (12, 0, 50), (18, 0, 100), (19, 0, 0)]


def test_a_clock_step_after_a_june_sunrise_lights_no_lamp():
    programme = every_day(Step(SUNSET, 0, 100, 0), Step(CLOCK, 6 * 60, 70, 0), Step(SUNRISE, 0, 0, 0))
    assert [level for _, _, level in levels(programme, ANTONY, WINTER)] == [100, 70, 0]
    assert [level for _, _, level in levels(programme, ANTONY, SUMMER)] == [100, 0]
    assert at(programme, ANTONY, SUMMER + 1, 4, 1)[0] == 0  # 06:01 on the clock


def test_a_clock_step_before_a_june_dusk_darkens_nothing():
    programme = every_day(Step(DUSK, 0, 100, 0), Step(CLOCK, 22 * 60, 50, 0), Step(DAWN, 0, 0, 0))
    assert [level for _, _, level in levels(programme, ANTONY, WINTER)] == [100, 50, 0]
    assert [level for _, _, level in levels(programme, ANTONY, SUMMER)] == [100, 0]


def test_a_clock_step_at_the_very_moment_of_the_sun_gives_way_to_it():
    programme = every_day(
        Step(CLOCK, 18 * 60, 20, 0), Step(SUNSET, 0, 100, 0), Step(SUNRISE, 0, 0, 0), Step(CLOCK, 6 * 60, 70, 0)
    )
    assert levels(programme, SIX_TO_SIX, WINTER) == [(17, 0, 100), (29, 0, 0)]


def test_the_first_and_the_last_step_of_the_sun_are_the_bounds():
    programme = every_day(
        Step(DUSK, 0, 100, 0),
        Step(SUNSET, 0, 40, 0),
        Step(CLOCK, 18 * 60 + 10, 60, 0),
        Step(CLOCK, 5 * 60 + 50, 30, 0),
        Step(DAWN, 0, 50, 0),
        Step(SUNRISE, 5, 0, 0),
    )
    wanted = [(17, 0, 40), (17, 10, 60), (17, 30, 100), (28, 30, 50), (28, 50, 30), (29, 5, 0)]
    assert levels(programme, SIX_TO_SIX, WINTER) == wanted


def test_a_night_without_a_closing_step_stays_open():
    """Part-night lighting: dark from 23:00 on, on again from 05:00, also in June."""
    programme = every_day(Step(SUNSET, 0, 100, 0), Step(CLOCK, 23 * 60, 0, 0), Step(CLOCK, 11 * 60 + 59, 10, 0))
    assert levels(programme, SIX_TO_SIX, WINTER) == [(17, 0, 100), (22, 0, 0), (34, 59, 10)]
    opened = every_day(Step(CLOCK, 12 * 60, 80, 0), Step(SUNRISE, 0, 0, 0), Step(CLOCK, 8 * 60, 10, 0))
    assert levels(opened, SIX_TO_SIX, WINTER) == [(11, 0, 80), (29, 0, 0)]


def test_a_programme_by_the_clock_alone_keeps_every_step():
    programme = every_day(Step(CLOCK, 11 * 60 + 59, 1, 0), Step(CLOCK, 12 * 60, 2, 0), Step(CLOCK, 0, 3, 0))
    assert levels(programme, ANTONY, SUMMER) == [(10, 0, 2), (22, 0, 3), (33, 59, 1)]


def test_one_step_holds_for_ever_and_comes_back_every_day():
    programme = every_day(Step(CLOCK, 12 * 60, 80, 5))
    assert at(programme, ANTONY, WINTER, 10, 59, 59) == (80, 5, 86399, 1)
    assert at(programme, ANTONY, WINTER, 11) == (80, 5, 0, 86400)


def test_of_two_steps_at_the_same_second_the_later_listed_holds():
    for first, second in ((30, 60), (60, 30)):
        programme = every_day(*[Step(CLOCK, 20 * 60, level, 0) for level in (10, first, second)])
        assert at(programme, ANTONY, WINTER, 19, 0)[0] == second
        assert at(programme, ANTONY, WINTER, 18, 59)[0] == second  # since yesterday


def test_a_night_belongs_to_its_evening():
    """Wednesday at noon the day type changes; Wednesday morning is still Tuesday's night."""
    tuesday = DayType(0x02, Step(SUNSET, 0, 11, 0), Step(SUNRISE, 0, 1, 0))
    others = DayType(0x7D, Step(SUNSET, 0, 22, 0), Step(SUNRISE, 0, 2, 0))
    programme = Programme(tuesday, others)
    assert at(programme, SIX_TO_SIX, WINTER, 20)[0] == 11
    assert at(programme, SIX_TO_SIX, WINTER + 1, 4)[0] == 11
    assert at(programme, SIX_TO_SIX, WINTER + 1, 16)[0] == 1
    assert at(programme, SIX_TO_SIX, WINTER + 1, 17)[0] == 22
    assert at(programme, SIX_TO_SIX, WINTER, 16)[0] == 2


def test_the_evening_of_a_holiday():
    ordinary = DayType(EVERY_DAY, Step(SUNSET, 0, 50, 0), Step(SUNRISE, 0, 0, 0))
    feast = DayType(HOLIDAYS, Step(SUNSET, 0, 100, 0), Step(SUNRISE, 0, 0, 0))
    site = antony([BASTILLE])
    assert [at(Programme(ordinary, feast), site, BASTILLE + more, 22)[0] for more in (-1, 0, 1)] == [50, 100, 50]
    assert at(Programme(ordinary, feast), site, BASTILLE + 1, 1)[0] == 100
    assert at(Programme(ordinary), site, BASTILLE, 22)[0] == 50


NIGHT = every_day(
    Step(SUNSET, 0, 100, 0),
    Step(CLOCK, 60, 90, 0),
    Step(CLOCK, 125, 80, 0),
    Step(CLOCK, 150, 70, 0),
    Step(CLOCK, 185, 60, 0),
    Step(CLOCK, 240, 50, 0),
    Step(SUNRISE, 0, 0, 0),
)


def test_the_night_of_march_does_every_step_once_in_order():
    """02:05 and 02:30 do not exist: both are done at 01:00 UTC, when the clock jumps to 03:00."""
    wanted = [(17, 0, 100), (24, 0, 90), (25, 0, 80), (25, 0, 70), (25, 5, 60), (26, 0, 50), (29, 0, 0)]
    assert levels(NIGHT, SIX_TO_SIX, MARCH) == wanted
    assert at(NIGHT, SIX_TO_SIX, MARCH + 1, 0, 59, 59) == (90, 0, 3599, 1)
    assert at(NIGHT, SIX_TO_SIX, MARCH + 1, 1) == (70, 0, 0, 300)


def test_the_night_of_october_does_every_step_once_in_order():
    """02:05 and 02:30 are shown twice: the steps are done at the first showing, in summer time."""
    wanted = [(17, 0, 100), (23, 0, 90), (24, 5, 80), (24, 30, 70), (26, 5, 60), (27, 0, 50), (29, 0, 0)]
    assert levels(NIGHT, SIX_TO_SIX, OCTOBER) == wanted
    assert at(NIGHT, SIX_TO_SIX, OCTOBER + 1, 1, 29) == (70, 0, 59 * 60, 36 * 60)


def test_steps_that_leave_their_lighting_day_are_held_at_its_ends():
    """Sunset at 14:00 less three hours, sunrise at 10:00 plus three: nothing in France, but nothing breaks."""
    programme = every_day(Step(SUNSET, -180, 100, 0), Step(SUNRISE, 180, 0, 0))
    site = flat(10 * 60, 14 * 60)
    assert lighting_day(programme, site, WINTER) == [(11 * 3600, 100, 0), (35 * 3600 - 1, 0, 0)]
    assert at(programme, site, WINTER, 10, 59, 59) == (0, 0, 0, 1)
    assert at(programme, site, WINTER, 11) == (100, 0, 0, 86399)


def test_the_default_programme_is_lit_at_every_midnight_of_the_year():
    for day in range(20454, 20454 + 365):
        level_pct, _, since_s, until_s = at(DEFAULT_PROGRAMME, ANTONY, day, 23)
        assert level_pct in (50, 100)
        assert since_s >= 0 and until_s > 0
