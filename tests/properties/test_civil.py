"""Local time agrees with Python's datetime and the tz database's Europe/Paris."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from protocol.civil import date_of, day_of, from_gps, from_local, is_summer, to_gps, to_local, weekday

PARIS = ZoneInfo("Europe/Paris")
EPOCH = date(1970, 1, 1)
GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2060, 12, 31), timezones=st.just(UTC))


def split(when: datetime) -> tuple[int, int]:
    """Day number and second of the day that *when* shows."""
    return (when.date() - EPOCH).days, when.hour * 3600 + when.minute * 60 + when.second


@given(moments)
def test_gps_utc_and_paris_agree_with_datetime(when: datetime):
    when = when.replace(microsecond=0)
    gps_s = int((when - GPS_EPOCH).total_seconds()) + 18
    assert from_gps(gps_s) == split(when)
    assert to_gps(*split(when)) == gps_s
    assert to_local(*split(when), 60, True) == split(when.astimezone(PARIS))


def test_every_change_of_the_clock_from_2024_to_2060():
    """Both sides of 01:00 UTC on every day of 37 years."""
    day, last = day_of(2024, 1, 1), day_of(2060, 12, 31)
    while day <= last:
        for second in (3599, 3600):
            when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)
            assert is_summer(day, second) == bool(when.astimezone(PARIS).dst())
        day += 1


@given(st.integers(date.min.toordinal(), date.max.toordinal()))
def test_dates_agree_with_datetime(ordinal: int):
    there = date.fromordinal(ordinal)
    day = (there - EPOCH).days
    assert date_of(day) == (there.year, there.month, there.day)
    assert day_of(there.year, there.month, there.day) == day
    assert weekday(day) == there.weekday()


@given(moments)
def test_the_first_moment_a_clock_shows_a_time_or_later(when: datetime):
    """PEP 495: fold=0 is the first showing; a time that no clock shows becomes the moment of change."""
    wall = when.replace(microsecond=0, tzinfo=PARIS, fold=0)
    utc = wall.astimezone(UTC)
    if utc.astimezone(PARIS).replace(tzinfo=None) != wall.replace(tzinfo=None):
        utc = utc.replace(hour=1, minute=0, second=0)
    assert from_local(*split(wall), 60, True) == split(utc)


@given(moments, st.integers(0, 7200), st.sampled_from([-60, 0, 60, 120]), st.booleans())
def test_what_is_earlier_on_the_clock_is_not_later_in_truth(when: datetime, more: int, offset: int, summer: bool):
    day, second = split(when)
    later = divmod(second + more, 86400)
    assert from_local(day, second, offset, summer) <= from_local(day + later[0], later[1], offset, summer)


@given(moments, st.sampled_from([-60, 0, 60, 120]))
def test_the_nights_of_change_are_met(when: datetime, offset: int):
    """Random moments seldom hit the two hours a year that matter: move each into one of them."""
    year = when.year
    for month in (3, 10):
        day = day_of(year, month, 31)
        day -= (weekday(day) + 1) % 7
        second = (offset * 60 + 3600 + when.minute * 60 + when.second) % 86400
        utc = from_local(day, second, offset, True)
        shown = to_local(*utc, offset, True)
        assert shown >= (day, second)
        before = (utc[0], utc[1] - 1) if utc[1] else (utc[0] - 1, 86399)
        assert to_local(*before, offset, True) < (day, second)
