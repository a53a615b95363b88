"""What is worked out on demand: the same as `setpoint_at` says all day long, and "not known" when it cannot be had."""

from firmware.roles.outlook import outlook
from firmware.roles.rarely import learn, learned, readable, virtual_levels
from protocol.civil import DAY_S, day_of, to_gps
from protocol.dimming import CLOCK, DEFAULT_PROGRAMME, SUNRISE, SUNSET, DayType, Programme, Step, setpoint_at
from tests.firmware.roles.street import antony, stored
from tests.protocol.expect import refused

SITE = antony().encode()
DEFAULT = stored(DEFAULT_PROGRAMME)
WEEKENDS = Programme(
    DayType(0x1F, Step(SUNSET, -5, 90, 30), Step(CLOCK, 150, 20, 600), Step(SUNRISE, 0, 0, 60)),
    DayType(0x60, Step(CLOCK, 1080, 80, 0), Step(CLOCK, 1080, 70, 0)),
)


def level_at(steps, now_s):
    past = [step for step in steps if step[0] <= now_s]
    return past[-1][1:]


def test_for_a_day_its_steps_are_those_of_the_programme_and_for_another_day_too():
    for programme in (DEFAULT_PROGRAMME, WEEKENDS):
        for day, hour in ((day_of(2027, 6, 21), 3), (day_of(2027, 10, 30), 12), (day_of(2028, 3, 24), 23)):
            gps_s = to_gps(day, hour * 3600)
            steps, _, look_s = outlook(stored(programme), SITE, gps_s)
            assert steps[0][0] <= 0 < look_s <= 90_000
            assert steps[-1][1:] == (100, 0)
            assert steps[-1][0] - look_s in (DAY_S - 3600, DAY_S, DAY_S + 3600)
            for now_s in range(0, steps[-1][0], 1741):
                level_pct, fade_s, since_s, _ = setpoint_at(programme, antony(), gps_s + now_s)
                assert level_at(steps, now_s) == (level_pct, fade_s), f"{now_s} s from {day}"
                assert [at_s for at_s, _, _ in steps if at_s <= now_s][-1] == now_s - since_s


def test_it_is_found_anew_at_noon():
    gps_s = to_gps(day_of(2027, 6, 21), 36000)  # noon of summer time
    assert outlook(DEFAULT, SITE, gps_s - 1)[2] == 1
    assert outlook(DEFAULT, SITE, gps_s)[2] == DAY_S


def test_the_sun_sets_and_rises_twice():
    """On 21 June 2027 the sun sets in Antony at 19:57 UTC, and rises the next day at 03:47."""
    noon_s = to_gps(day_of(2027, 6, 21), 43200)
    for programme in (DEFAULT, b""):
        _, sun, _ = outlook(programme, SITE, noon_s)
        minutes = [at_s // 60 for at_s in sun]
        assert abs(minutes[0] - 477) <= 1
        assert abs(minutes[1] - 947) <= 1
        assert [abs(later - earlier - 1440) <= 1 for later, earlier in zip(minutes[2:], minutes)] == [True, True]
    assert outlook(b"", SITE, noon_s)[0] == []


def test_what_cannot_be_read_is_said():
    refused("", outlook, b"\x01\x00\xff", SITE, 1_500_000_000)
    refused("", outlook, DEFAULT, b"\x80", 1_500_000_000)
    assert readable(DEFAULT, SITE) == (DEFAULT, SITE)
    assert readable(DEFAULT + b"\x00", SITE[:-1]) == (b"", b"")
    assert readable(b"", b"") == (b"", b"")


def test_nights_are_learned_without_keeping_more_than_numbers():
    week = [840] * 7
    assert learned(week, 0, 840) == (week, 0, 840)
    assert learned(week, 0, 300) == (week, 300, 840)
    assert learned(week, 300, -1) == (week, 300, 840)  # a restart in good order teaches nothing
    assert learned([], None, 0) == ([], None, None)
    assert learn(week, 830) == [840] * 6 + [830]
    assert learn(week, 5) == week
    assert virtual_levels(DEFAULT, SITE, [840]) == b""
    assert virtual_levels(DEFAULT, SITE, week) == b"\x64" * 23 + b"\x32" * 15 + b"\x64" * 18
