"""What the next two days ask of a lamp whose time is known: the steps of its programme, and the sun.

Found once a day, at noon, where lighting days meet, and for another programme. The second day is there for a lamp that
cannot find it again at the next noon. Loaded on demand (`rarely.py`).
"""

from protocol.civil import DAY_S, from_gps
from protocol.compat import const
from protocol.dimming import Programme, Site, lighting_day
from protocol.errors import ProtocolError

_NOON_S = const(43200)
_TENTH_S = const(6)
_FULL_PCT = const(100)


def is_site(data: bytes) -> bool:
    """Whether *data* is a site."""
    try:
        Site.decode(data)
    except ProtocolError:
        return False
    return True


def outlook(programme: bytes, site: bytes, gps_s: int) -> tuple[list[tuple[int, int, int]], tuple[int, ...], int]:
    """The steps from *gps_s* on, the sun's times, and when to find both anew, 1 or more; all in s since *gps_s*.

    programme: as stored, its version before it, or b""; site: as stored. Steps are (at_s, level_pct, fade_s): first the
    one that holds now, last the end of what is known, with full light. Without a programme there are none. The sun's
    times are sunset, sunrise, sunset, sunrise. Raises ProtocolError for a programme or a site that is none.
    """
    place = Site.decode(site)
    utc_day, utc_s = from_gps(gps_s)
    day, second = place.to_local(utc_day, utc_s)
    if second < _NOON_S:
        day -= 1
    origin_s = (day - utc_day) * DAY_S - utc_s  # 00:00 UTC of *day*
    steps: list[tuple[int, int, int]] = []
    if programme:
        plan = Programme.decode(programme[2:])
        for after in (-1, 0, 1):
            for at_s, level_pct, fade_s in lighting_day(plan, place, day + after):
                at_s += origin_s + after * DAY_S
                if at_s <= 0:
                    steps = []
                steps.append((at_s, level_pct, fade_s))
        steps.append((origin_s + _noon_s(place, day, 2), _FULL_PCT, 0))
    return steps, _sun(place, day, origin_s), origin_s + _noon_s(place, day, 1)


def _noon_s(place: Site, day: int, after: int) -> int:
    """Local noon *after* days after *day*, in seconds since 00:00 UTC of *day*."""
    utc_day, utc_s = place.from_local(day + after, _NOON_S)
    return (utc_day - day) * DAY_S + utc_s


def _sun(place: Site, day: int, origin_s: int) -> tuple[int, ...]:
    """Sunset of *day*, the sunrise after it, and both of the next night."""
    times = []
    for after in (0, 1):
        at_s = origin_s + after * DAY_S - place.utc_offset_min * 60
        times.append(at_s + place.sun.evening(day + after) * _TENTH_S)
        times.append(at_s + DAY_S + place.sun.morning(day + after + 1) * _TENTH_S)
    return tuple(times)
