"""What a lamp has to know of its place: sun, time zone and public holidays, for the ten years after it is flashed."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from boards.causes import BoardError, Cause
from boards.flashing.plan import Wish
from protocol.dimming import Site, SunTable
from protocol.errors import MessageError

YEARS = 10
_DAYS = YEARS * 365 + 4
_EPOCH = date(1970, 1, 1)
_COUNTRY = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9]{1,5}))?")


def site_of(wish: Wish, today: date) -> bytes:
    """The site of a lamp as it is kept on the node. Raises BoardError: SETTING_WRONG."""
    assert wish.spot.latitude_deg is not None
    assert wish.spot.longitude_deg is not None
    try:
        offset_min, summer_rule = _zone(wish.time_zone, today.year)
        sun, twilight = _tables(wish.spot.latitude_deg, wish.spot.longitude_deg, offset_min, today)
        days = holidays_of(wish.holidays, today.year)
        return Site(offset_min, summer_rule, sun, twilight, days).encode()
    except (ValueError, MessageError) as error:
        raise BoardError(Cause.SETTING_WRONG, detail=f"the lamp's place: {error}") from error


def holidays_of(region: str, year: int) -> list[int]:
    """Public holidays of a country or of a part of it, FR or FR-57, as days since 1970. Raises ValueError."""
    import holidays

    if not region:
        return []
    found = _COUNTRY.fullmatch(region)
    if not found:
        raise ValueError(f"holidays '{region[:20]}'; write a country, such as FR, or one with a part of it, FR-57")
    try:
        days = holidays.country_holidays(found[1], subdiv=found[2], years=range(year, year + YEARS))
    except NotImplementedError as error:
        raise ValueError(f"holidays '{region[:20]}' are not known: {error}") from error
    return sorted((day - _EPOCH).days for day in days)


def _tables(latitude_deg: float, longitude_deg: float, offset_min: int, first: date) -> tuple[SunTable, SunTable]:
    """Sunrise and sunset, dawn and dusk. Raises ValueError where the sun does not set every day."""
    from astral import Observer
    from astral.sun import dawn, dusk, sunrise, sunset

    observer = Observer(latitude_deg, longitude_deg)
    first_day = (first - _EPOCH).days
    made = []
    for morning, evening in ((sunrise, sunset), (dawn, dusk)):
        times: list[list[int]] = [[], []]
        for number in range(first_day, first_day + _DAYS):
            on = _EPOCH + timedelta(days=number)
            midnight = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(minutes=offset_min)
            for list_, event in zip(times, (morning, evening), strict=True):
                list_.append(round((event(observer, date=on) - midnight).total_seconds() / 6))
        made.append(SunTable.build(first_day, times[0], times[1]))
    return made[0], made[1]


def _zone(name: str, year: int) -> tuple[int, bool]:
    """Minutes of standard time ahead of UTC, and whether the place keeps summer time. Raises ValueError."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"time zone '{name[:40]}' is not known; write one such as Europe/Paris") from error
    ahead = [datetime(year, month, 15, tzinfo=zone).utcoffset() for month in (1, 7)]
    winter, summer = (int(offset.total_seconds()) // 60 if offset else 0 for offset in ahead)
    return winter, summer != winter
