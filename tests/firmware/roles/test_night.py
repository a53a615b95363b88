"""Night without a clock: learned lengths and virtual midnight."""

from firmware.roles.night import Nights, virtual_night
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
)
from tests.firmware.roles.street import antony

WINTER_NIGHT_MIN = 840


def week(length_min=WINTER_NIGHT_MIN):
    return Nights([length_min] * 7, 0)


def test_two_nights_that_agree_are_needed():
    nights = Nights([])
    assert nights.length_min() is None
    nights.add(840)
    assert nights.length_min() is None
    nights.add(836)
    assert nights.length_min() == 840


def test_the_longest_that_another_confirms_holds():
    assert Nights([400, 500, 840, 836, 400]).length_min() == 840
    assert Nights([840, 836, 1075]).length_min() == 840  # somebody forgot to switch off


def test_when_outages_make_everything_unclear_nothing_is_concluded():
    assert Nights([540, 390, 435, 840, 630, 375, 435]).length_min() is None


def test_what_cannot_be_a_night_is_not_learned():
    nights = week()
    for length_min in (0, 5, 359, 1081, 5000):
        nights.add(length_min)
    assert nights.lengths_min == [840] * 7


def test_seven_nights_are_kept():
    nights = week()
    for _ in range(7):
        nights.add(400)
    assert nights.lengths_min == [400] * 7
    assert Nights([1] * 9).lengths_min == [1] * 7


def test_a_whole_night_before_says_that_one_begins():
    nights = week()
    assert nights.power_up(838)
    assert nights.before_min == 0


def test_nothing_is_sure_before_lengths_are_known():
    nights = Nights([])
    assert not nights.power_up(840)
    assert not nights.power_up(0)
    assert nights.before_min is None


def test_an_outage_in_the_night_leaves_the_hour_unknown_until_the_night_is_over():
    nights = week()
    assert not nights.power_up(300)  # it was cut after 5 hours, and came back
    assert nights.power_up(530)  # the other 9 hours, less 10 minutes


def test_after_a_long_outage_a_whole_night_must_pass():
    nights = week()
    assert not nights.power_up(300)
    assert not nights.power_up(360)  # three hours are missing
    assert not nights.power_up(300)  # another split night: not the rest of the first
    assert nights.power_up(840)


def test_a_flicker_at_dusk_leaves_the_hour_unknown():
    nights = week()
    assert not nights.power_up(0)
    assert nights.before_min == 1


def test_a_day_with_power_is_no_night():
    nights = week()
    assert not nights.power_up(24 * 60 + 400)


def slots(levels):
    """(slot, level) where the level changes."""
    found = []
    for k, level in enumerate(levels):
        if not found or found[-1][1] != level:
            found.append((k, level))
    return found


def test_the_default_programme_on_a_virtual_winter_night():
    """Dimmed from 23:00 to 05:00 by winter and by summer time: 23:00 to 04:00, less half an hour at each end."""
    levels = virtual_night(DEFAULT_PROGRAMME, antony(), WINTER_NIGHT_MIN)
    # The sun's midnight of Antony is 00:50; half a night before it, power came at 17:50. Slot 23 begins at 23:35.
    assert slots(levels) == [(0, 100), (23, 50), (38, 100)]
    assert len(levels) == 56


def test_where_the_clock_never_changes_more_of_the_night_is_known():
    site = antony()
    steady = Site(60, False, site.sun, site.twilight, [])
    assert slots(virtual_night(DEFAULT_PROGRAMME, steady, WINTER_NIGHT_MIN)) == [(0, 100), (23, 50), (42, 100)]


def test_a_programme_that_goes_dark_does_so_on_a_virtual_night_too():
    dark = Programme(DayType(EVERY_DAY, Step(SUNSET, 0, 80, 0), Step(CLOCK, 0, 0, 0), Step(CLOCK, 300, 80, 0)))
    assert slots(virtual_night(dark, antony(), WINTER_NIGHT_MIN)) == [(0, 80), (27, 0), (38, 80)]


def test_of_several_day_types_the_brightest_counts():
    feast = DayType(HOLIDAYS, Step(SUNSET, 0, 100, 0), Step(CLOCK, 60, 70, 0), Step(SUNRISE, 0, 0, 0))
    programme = Programme(DEFAULT_PROGRAMME.day_types[0], feast)
    assert slots(virtual_night(programme, antony(), WINTER_NIGHT_MIN)) == [(0, 100), (31, 70), (38, 100)]


def test_steps_of_the_sun_follow_the_ends_of_the_night():
    programme = Programme(DayType(EVERY_DAY, Step(DUSK, 120, 60, 0), Step(DAWN, -120, 90, 0), Step(CLOCK, 1080, 5, 0)))
    # 18:00 lies before the programme opens; the step that opens it is widened by half an hour on the brighter side.
    assert slots(virtual_night(programme, antony(), WINTER_NIGHT_MIN)) == [(0, 90), (10, 60), (46, 90)]


def test_a_programme_by_the_clock_alone_needs_no_sun():
    programme = Programme(DayType(EVERY_DAY, Step(CLOCK, 1380, 40, 0), Step(CLOCK, 300, 90, 0)))
    assert slots(virtual_night(programme, antony(), WINTER_NIGHT_MIN)) == [(0, 90), (23, 40), (38, 90)]


def test_a_short_night_may_have_no_dimmed_hour():
    assert slots(virtual_night(DEFAULT_PROGRAMME, antony(), 360)) == [(0, 100), (7, 50), (22, 100)]
    early = Programme(DayType(EVERY_DAY, Step(SUNSET, 0, 90, 0), Step(CLOCK, 1200, 40, 0), Step(CLOCK, 1320, 90, 0)))
    assert slots(virtual_night(early, antony(), 360)) == [(0, 90)]
