"""What a lamp knows of its town: the sun and the time zone, as the flashing tool writes them."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import dawn, dusk, sunrise, sunset

from protocol.civil import DAY_S
from protocol.dimming import Site as LampSite
from protocol.dimming import SunTable
from simulator.scenario.model import Site

_DAYS = 368  # a year and two days, of which `SunTable.build` makes its points
_EPOCH = date(1970, 1, 1)


def lamp_site(site: Site, start_s: int) -> bytes:
    """The site of lamps in *site*, with the sun of the year from *start_s* (Unix) on; no holidays."""
    return _encoded(site.latitude_deg, site.longitude_deg, site.time_zone, start_s // DAY_S)


@cache
def _encoded(latitude_deg: float, longitude_deg: float, time_zone: str, first_day: int) -> bytes:
    offset_min, summer_rule = _zone(time_zone, first_day)
    observer = Observer(latitude_deg, longitude_deg)
    times: dict[str, list[int]] = {"sunrise": [], "sunset": [], "dawn": [], "dusk": []}
    for day in range(first_day, first_day + _DAYS):
        midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=-offset_min)
        on = _EPOCH + timedelta(days=day)
        for name, event in (("sunrise", sunrise), ("sunset", sunset), ("dawn", dawn), ("dusk", dusk)):
            times[name].append(round((event(observer, date=on) - midnight).total_seconds() / 6))
    sun = SunTable.build(first_day, times["sunrise"], times["sunset"])
    twilight = SunTable.build(first_day, times["dawn"], times["dusk"])
    return LampSite(offset_min, summer_rule, sun, twilight, []).encode()


def _zone(name: str, day: int) -> tuple[int, bool]:
    """Minutes of standard time ahead of UTC, and whether the place keeps summer time."""
    year = (_EPOCH + timedelta(days=day)).year
    zone = ZoneInfo(name)
    ahead = [datetime(year, month, 15, tzinfo=zone).utcoffset() for month in (1, 7)]
    winter, summer = (int(offset.total_seconds()) // 60 if offset else 0 for offset in ahead)
    return winter, summer != winter
