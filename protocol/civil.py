"""Civil time from GPS seconds with small integers: dates, weekdays and European summer time.

GPS seconds themselves exceed 2^30; every function here speaks of a *day* (days since 1970-01-01, the Unix epoch) and
a *second* of that day (0..86399), so that all arithmetic after the first division is small.
"""

from .compat import const

LEAP_S = const(18)  # GPS − UTC since 2017-01-01 (IERS Bulletin C 52, and no leap second announced since)
DAY_S = const(86400)

_GPS_EPOCH_DAY = const(3657)  # 1980-01-06
_CHANGE_S = const(3600)  # summer time begins and ends at 01:00 UTC
_HOUR_S = const(3600)


def from_gps(gps_s: int, leap_s: int = LEAP_S) -> tuple[int, int]:
    """UTC (day, second) of *gps_s*, seconds since 1980-01-06 00:00:00 UTC that count leap seconds.

    leap_s: GPS − UTC at that time; only times before 2017 need another than the default.
    """
    day, second = divmod(gps_s - leap_s, DAY_S)
    return _GPS_EPOCH_DAY + day, second


def to_gps(day: int, second: int, leap_s: int = LEAP_S) -> int:
    """GPS seconds of a UTC day and second; the inverse of `from_gps`."""
    return (day - _GPS_EPOCH_DAY) * DAY_S + second + leap_s


def day_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a Gregorian date; month 1..12, a day past the month's end runs on into the next."""
    # Counted from 1 March, so that the leap day is the last of its year; 153 days are five months from March on.
    if month < 3:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469


def date_of(day: int) -> tuple[int, int, int]:
    """Gregorian (year, month 1..12, day 1..31) of a day number; the inverse of `day_of`."""
    era, in_era = divmod(day + 719468, 146097)  # 400 years from 1 March of the year 0
    year = (in_era - in_era // 1460 + in_era // 36524 - in_era // 146096) // 365
    in_year = in_era - (365 * year + year // 4 - year // 100)
    month = (5 * in_year + 2) // 153  # 0 is March
    in_month = in_year - (153 * month + 2) // 5 + 1
    if month < 10:
        return era * 400 + year, month + 3, in_month
    return era * 400 + year + 1, month - 9, in_month


def weekday(day: int) -> int:
    """0 for Monday .. 6 for Sunday."""
    return (day + 3) % 7  # day 0 was a Thursday


def is_summer(day: int, second: int) -> bool:
    """Whether European summer time holds at a UTC day and second (Directive 2000/84/EC, articles 1 to 3).

    From 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of October.
    """
    year = date_of(day)[0]
    begin = _sunday_up_to(day_of(year, 3, 31))
    end = _sunday_up_to(day_of(year, 10, 31))
    return (begin, _CHANGE_S) <= (day, second) < (end, _CHANGE_S)


def to_local(day: int, second: int, utc_offset_min: int, summer_rule: bool) -> tuple[int, int]:
    """What calendar and clock show, as (day, second), at a UTC day and second.

    utc_offset_min: minutes of standard time ahead of UTC; summer_rule: whether the place keeps European summer time.
    """
    ahead_s = utc_offset_min * 60
    if summer_rule and is_summer(day, second):
        ahead_s += _HOUR_S
    return _carried(day, second + ahead_s)


def from_local(day: int, second: int, utc_offset_min: int, summer_rule: bool) -> tuple[int, int]:
    """UTC (day, second) at which calendar and clock first show a local day and second, or later.

    An hour shown twice in October means its first showing; the hour left out in March means the moment of change. So
    what is earlier on the clock is never later in truth, and everything planned happens exactly once.
    """
    standard = _carried(day, second - utc_offset_min * 60)
    if not summer_rule:
        return standard
    summer = _carried(standard[0], standard[1] - _HOUR_S)
    if is_summer(*summer):
        return summer
    if not is_summer(*standard):
        return standard
    return standard[0], _CHANGE_S


def _sunday_up_to(day: int) -> int:
    return day - (weekday(day) + 1) % 7


def _carried(day: int, second: int) -> tuple[int, int]:
    """The same moment with second in 0..86399."""
    days, second = divmod(second, DAY_S)
    return day + days, second
