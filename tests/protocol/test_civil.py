"""Dates, weekdays and summer time against published ones."""

from protocol.civil import date_of, day_of, from_gps, from_local, is_summer, to_gps, to_local, weekday

# Commission Communication 2022/C 67/01: summer time begins and ends at 01:00 UTC on these dates.
SUMMERS = (
    ((2022, 3, 27), (2022, 10, 30)),
    ((2023, 3, 26), (2023, 10, 29)),
    ((2024, 3, 31), (2024, 10, 27)),
    ((2025, 3, 30), (2025, 10, 26)),
    ((2026, 3, 29), (2026, 10, 25)),
)
MARCH = day_of(2026, 3, 29)
OCTOBER = day_of(2026, 10, 25)


def at(hour, minute=0, second=0):
    return hour * 3600 + minute * 60 + second


def test_gps_seconds_count_the_leap_seconds():
    """The pair that LoRaWAN 1.0.3 §5.9 gives for DeviceTimeAns; 17 leap seconds had passed then."""
    assert from_gps(1139322288, 17) == (day_of(2016, 2, 12), at(14, 24, 31))
    assert to_gps(day_of(2016, 2, 12), at(14, 24, 31), 17) == 1139322288
    assert from_gps(0, 0) == (day_of(1980, 1, 6), 0)
    assert from_gps(0, 19) == (day_of(1980, 1, 5), at(23, 59, 41))


def test_today_gps_is_18_seconds_ahead():
    """IERS Bulletin C 52: from 2017-01-01 UTC − TAI is −37 s, and GPS time is TAI − 19 s."""
    midnight = (day_of(2017, 1, 1) - day_of(1980, 1, 6)) * 86400
    assert from_gps(midnight + 37 - 19) == (day_of(2017, 1, 1), 0)
    assert to_gps(day_of(2017, 1, 1), 0) == midnight + 18


def test_known_day_numbers():
    for day, date in (
        (0, (1970, 1, 1)),
        (-1, (1969, 12, 31)),
        (3657, (1980, 1, 6)),
        (11016, (2000, 2, 29)),
        (11017, (2000, 3, 1)),
        (20454, (2026, 1, 1)),
        (47540, (2100, 2, 28)),
        (47541, (2100, 3, 1)),
    ):
        assert date_of(day) == date
        assert day_of(*date) == day


def test_every_day_of_two_centuries_is_followed_by_the_next():
    day, date = day_of(1950, 1, 1), (1950, 1, 1)
    lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    while date[0] < 2150:
        assert date_of(day) == date and day_of(*date) == day
        year, month, in_month = date
        leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
        day += 1
        if in_month < lengths[month - 1] + (leap and month == 2):
            date = year, month, in_month + 1
        else:
            date = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def test_weekdays_count_from_monday():
    assert weekday(0) == 3  # 1 January 1970, a Thursday
    assert weekday(day_of(2026, 11, 22)) == 6  # a Sunday
    assert weekday(day_of(1969, 12, 29)) == 0


def test_summer_time_begins_and_ends_at_one_utc_on_the_published_sundays():
    for begin, end in SUMMERS:
        assert not is_summer(day_of(*begin), at(0, 59, 59))
        assert is_summer(day_of(*begin), at(1))
        assert is_summer(day_of(*end), at(0, 59, 59))
        assert not is_summer(day_of(*end), at(1))


def test_local_time_in_france():
    assert to_local(MARCH, at(0, 59, 59), 60, True) == (MARCH, at(1, 59, 59))
    assert to_local(MARCH, at(1), 60, True) == (MARCH, at(3))
    assert to_local(OCTOBER, at(0, 59, 59), 60, True) == (OCTOBER, at(2, 59, 59))
    assert to_local(OCTOBER, at(1), 60, True) == (OCTOBER, at(2))
    assert to_local(day_of(2026, 12, 31), at(23), 60, True) == (day_of(2027, 1, 1), 0)
    assert to_local(day_of(2026, 7, 1), at(12), 60, True) == (day_of(2026, 7, 1), at(14))


def test_places_without_summer_time_or_west_of_greenwich():
    assert to_local(day_of(2026, 7, 1), at(12), 60, False) == (day_of(2026, 7, 1), at(13))
    assert to_local(day_of(2026, 7, 1), at(2), -180, False) == (day_of(2026, 6, 30), at(23))
    assert from_local(day_of(2026, 6, 30), at(23), -180, False) == (day_of(2026, 7, 1), at(2))


def test_the_hour_left_out_in_march_is_the_moment_of_change():
    assert from_local(MARCH, at(1, 59), 60, True) == (MARCH, at(0, 59))
    for minute in (0, 1, 30, 59):
        assert from_local(MARCH, at(2, minute), 60, True) == (MARCH, at(1))
    assert from_local(MARCH, at(3, 1), 60, True) == (MARCH, at(1, 1))


def test_the_hour_shown_twice_in_october_means_its_first_showing():
    assert from_local(OCTOBER, at(1, 59), 60, True) == (OCTOBER - 1, at(23, 59))
    assert from_local(OCTOBER, at(2, 30), 60, True) == (OCTOBER, at(0, 30))
    assert from_local(OCTOBER, at(3), 60, True) == (OCTOBER, at(2))
