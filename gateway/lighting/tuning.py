"""What a plan wants of each lamp's settings: what its file says of all of them, and of some that they tell of motion.

What a plan never named stays as it is. What it named and names no longer goes back to its default
(`protocol/settings.py`), also in a lamp that was taken out of its group: of these settings no default is darker than
what may be written, but for how long a boost lasts.
"""

from collections.abc import Iterable, Mapping

from protocol.settings import SETTINGS as TABLE
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


_DEFAULTS = {number: int(TABLE[number][2]) for number in map(_number, (*SETTINGS, "motion_interval_s"))}


def settings_of(
    groups: Iterable[tuple[LightGroup, LightProgramme]],
    places: Mapping[str, Source],
    lamps: Mapping[bytes, Lamp],
    unread: Iterable[LightGroup] = (),
) -> dict[bytes, dict[int, int]]:
    """The settings that each lamp should have, by number; of a lamp in two groups the last one's.

    groups: those with a programme. places: who hangs where. lamps: all, with what they were told before. unread: groups
    whose programme cannot be read, so that nobody knows what it names: their lamps give nothing back.
    """
    kept = {member for group in unread for member in group.members}
    wanted = {dev_eui: _to_give_back(lamp) for dev_eui, lamp in lamps.items() if dev_eui not in kept}
    for dev_eui, named in _named(groups, places, lamps).items():
        wanted[dev_eui] = wanted.get(dev_eui, {}) | named
    return {dev_eui: settings for dev_eui, settings in wanted.items() if settings}


def count_to_tell(
    group: LightGroup, programme: LightProgramme, places: Mapping[str, Source], lamps: Mapping[bytes, Lamp]
) -> int:
    """How many settings lamps would have to be told one by one if *group* ran *programme*."""
    named = _named([(group, programme)], places, lamps)
    backs = {member: _to_give_back(lamps[member]) for member in group.members}
    wanted = backs | {dev_eui: backs.get(dev_eui, {}) | settings for dev_eui, settings in named.items()}
    return sum(lamps[lamp].lacks_setting(*setting) for lamp, settings in wanted.items() for setting in settings.items())


def _to_give_back(lamp: Lamp) -> dict[int, int]:
    """The defaults of what it was told of."""
    told = {*lamp.settings, *lamp.asked}
    return {number: default for number, default in _DEFAULTS.items() if number in told}


def _named(
    groups: Iterable[tuple[LightGroup, LightProgramme]], places: Mapping[str, Source], lamps: Mapping[bytes, Lamp]
) -> dict[bytes, dict[int, int]]:
    """What programmes name: for all lamps of their groups, and for those that are to tell of motion."""
    wanted: dict[bytes, dict[int, int]] = {}
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
