"""Which level a programme asks for at a moment, and how long it holds.

A lighting day runs from noon to noon, local time, so that a night is never cut in two; the weekday and holiday of its
evening choose the steps. Steps tied to the sun open and close the night: steps by the clock count only between the
first evening one and the last morning one. So "05:00 to 70 %" lights no lamp after a June sunrise, and "22:00 to 50 %"
does nothing on a June evening that is still bright at 22:00: there is more light than planned, never less. Without
a step that opens, or closes, the night is open to noon on that side. Before its first step a lighting day keeps
the last level of the one before.

In the nights of the change to and from summer time every step still happens exactly once and in the order of the clock:
the hour left out in March happens at the moment of change (03:00 summer time), the hour shown twice in October happens
at its first showing. Steps tied to the sun take no notice.
"""

from ..civil import DAY_S, from_gps, weekday
from ..compat import const
from .programme import CLOCK, DAWN, DUSK, SUNRISE, SUNSET, Programme, Step
from .site import Site

_NOON_S = const(43200)
_NOON_MIN = const(720)
_TENTH_S = const(6)


def setpoint_at(programme: Programme, site: Site, gps_s: int) -> tuple[int, int, int, int]:
    """What a lamp should do at *gps_s*: (level_pct, fade_s, since_s, until_s).

    level_pct: where the lamp is, or is on its way to, since the step *since_s* ago with a fade of *fade_s*; until_s:
    seconds to the next step, 1 or more, like since_s below 49 hours; until then nothing changes, and that step may name
    the same level again.
    """
    utc_day, utc_s = from_gps(gps_s)
    day, second = site.to_local(utc_day, utc_s)
    if second < _NOON_S:
        day -= 1
    now_s = (utc_day - day) * DAY_S + utc_s
    steps = lighting_day(programme, site, day)
    past = [step for step in steps if step[0] <= now_s]
    future = [step for step in steps if step[0] > now_s]
    if past:
        at_s, level_pct, fade_s = past[-1]
    else:
        at_s, level_pct, fade_s = lighting_day(programme, site, day - 1)[-1]
        at_s -= DAY_S
    next_s = future[0][0] if future else lighting_day(programme, site, day + 1)[0][0] + DAY_S
    return level_pct, fade_s, now_s - at_s, next_s - now_s


def lighting_day(programme: Programme, site: Site, day: int) -> list[tuple[int, int, int]]:
    """The steps from local noon of *day* (since 1970-01-01) to the next, as they happen: (at_s, level_pct, fade_s).

    at_s: seconds since 00:00 UTC of *day*. There is at least one; of several at the same second the last one holds.
    """
    day_type = programme.day_type(weekday(day), site.is_holiday(day))
    first_s = _from_local(site, day, day, _NOON_S)
    end_s = _from_local(site, day, day + 1, _NOON_S)
    # With its place in the list, because MicroPython's sort does not keep the order of equals.
    timed = []
    for place, step in enumerate(day_type.steps):
        at_s = min(max(_at_s(step, site, day), first_s), end_s - 1)
        timed.append((at_s, place, step))
    evening = [at_s for at_s, _, step in timed if step.anchor in (SUNSET, DUSK)]
    morning = [at_s for at_s, _, step in timed if step.anchor in (SUNRISE, DAWN)]
    opens_s = min(evening) if evening else first_s - 1
    closes_s = max(morning) if morning else end_s
    return [
        (at_s, step.level_pct, step.fade_s)
        for at_s, _, step in sorted(timed)
        if step.anchor != CLOCK or opens_s < at_s < closes_s
    ]


def _at_s(step: Step, site: Site, day: int) -> int:
    """When *step* of the lighting day *day* is due, in seconds since 00:00 UTC of *day*."""
    if step.anchor == CLOCK:
        date = day if step.offset_min >= _NOON_MIN else day + 1
        return _from_local(site, day, date, step.offset_min * 60)
    table = site.sun if step.anchor in (SUNSET, SUNRISE) else site.twilight
    if step.anchor in (SUNSET, DUSK):
        standard_s = table.evening(day) * _TENTH_S
    else:
        standard_s = table.morning(day + 1) * _TENTH_S + DAY_S
    return standard_s + (step.offset_min - site.utc_offset_min) * 60


def _from_local(site: Site, origin: int, day: int, second: int) -> int:
    """Seconds since 00:00 UTC of *origin* at a local day and second."""
    utc_day, utc_s = site.from_local(day, second)
    return (utc_day - origin) * DAY_S + utc_s
