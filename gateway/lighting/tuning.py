"""What a plan wants of each lamp's settings: what its file says of all of them, and of some that they tell of motion.

What a plan does not name stays as it is; but a lamp that was asked to tell of motion, and need not any more, is told.
"""

from collections.abc import Iterable, Mapping

from protocol.settings import number_of

from .lamps import Lamp
from .plan import LightGroup, LightProgramme
from .watching import Source

# What a lamp may tell of motion: at DR0 twenty frames of 21 bytes take 30 s of the 36 s that an hour allows.
_LEAST_INTERVAL_S = 180
_AHEAD_S = 30  # the street is told to stay bright before it would go dim

SETTINGS = ("boost_pct", "boost_s", "on_lux", "off_lux")  # in `[lamps]` of a programme's file


def _number(name: str) -> int:
    number = number_of(name)
    assert number is not None, name
    return number


_MOTION_INTERVAL_S = _number("motion_interval_s")


def settings_of(
    groups: Iterable[tuple[LightGroup, LightProgramme]], places: Mapping[str, Source], lamps: Mapping[bytes, Lamp]
) -> dict[bytes, dict[int, int]]:
    """The settings that each lamp should have, by number; of a lamp in two groups the last one's.

    groups: those with a programme. places: who hangs where. lamps: all, with what they were told before.
    """
    wanted: dict[bytes, dict[int, int]] = {
        dev_eui: {_MOTION_INTERVAL_S: 0} for dev_eui, lamp in lamps.items() if lamp.settings.get(_MOTION_INTERVAL_S)
    }
    for group, programme in groups:
        told = {_number(name): value for name, value in programme.lamps}
        for member in group.members if told else ():
            wanted.setdefault(member, {}).update(told)
        if programme.presence is None:
            continue
        interval_s = max(programme.presence.hold_s - _AHEAD_S, _LEAST_INTERVAL_S)
        there = {places[place][0] for place in programme.presence.places if place in places}
        for dev_eui in there & lamps.keys():
            known = wanted.setdefault(dev_eui, {})
            known[_MOTION_INTERVAL_S] = min(interval_s, known.get(_MOTION_INTERVAL_S) or interval_s)
    return wanted
