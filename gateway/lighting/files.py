"""A programme as the town writes it: a TOML file, read into a `LightProgramme`, every fault a sentence.

    name = "rue-residentielle"
    installation = "road"

    [[nights]]
    days = ["weekdays"]
    steps = [
      { at = "sunset+10", level_pct = 100, fade_s = 60 },
      { at = "23:00", level_pct = 50, fade_s = 60 },
      { at = "sunrise-10", level_pct = 0 },
    ]

A night belongs to the day on which it begins. `opens` and `closes` say when activity there begins and ends, which some
articles of the law count from. `[[events]]` has `name`, `from`, `to` (dates) and `steps`; `[presence]`
has `level_pct`, `hold_s` and `places`; `[lux]` has `level_pct`, `on_lux`, `off_lux` and `device`; `[lamps]` has
settings of the lamps by their names. The same file is read by the command line, by the API and at each start, so it is
read without pydantic's 11 MB.
"""

import difflib
import re
import tomllib
from binascii import crc_hqx
from datetime import date, datetime
from typing import Any

from protocol.dimming import (
    CLOCK,
    DAWN,
    DUSK,
    EVERY_DAY,
    HOLIDAYS,
    SUNRISE,
    SUNSET,
    DayType,
    Programme,
    Step,
)
from protocol.errors import FrameError, ProtocolError
from protocol.lorawan.eui import eui_from_text
from protocol.settings import SETTINGS

from . import tuning
from .plan import Event, Installation, LightProgramme, LuxThreshold, Presence

MAX_LEN = 32_768  # bytes of a file; ten times the longest sensible one
MAX_EVENTS = 32
MAX_PLACES = 256
_EPOCH = date(1970, 1, 1)
_MAX_DAYS = 60  # of one event; what lasts longer is another programme
_ANCHORS = {"sunset": SUNSET, "sunrise": SUNRISE, "dusk": DUSK, "dawn": DAWN}
_DAYS = {
    "monday": 1,
    "tuesday": 2,
    "wednesday": 4,
    "thursday": 8,
    "friday": 16,
    "saturday": 32,
    "sunday": 64,
    "weekdays": 31,
    "weekend": 96,
    "every-day": EVERY_DAY,
    "holidays": HOLIDAYS,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SUN = re.compile(r"(sunset|sunrise|dusk|dawn)(?:\s*([+-])\s*(\d{1,3}))?")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_KEYS = {
    "": ("name", "installation", "opens", "closes", "nights", "events", "presence", "lux", "lamps"),
    "[[nights]]": ("days", "steps"),
    "[[events]]": ("name", "from", "to", "steps"),
    "[presence]": ("level_pct", "hold_s", "places"),
    "[lux]": ("level_pct", "on_lux", "off_lux", "device"),
    "[lamps]": tuning.SETTINGS,
    "steps": ("at", "level_pct", "fade_s"),
}


class ProgrammeError(ValueError):
    """What is wrong with a programme's file, a sentence ready to be shown."""


def read_programme(text: str) -> LightProgramme:
    """Read the text of a programme's file. Raises ProgrammeError."""
    if len(text.encode()) > MAX_LEN:
        raise ProgrammeError(f"the file has more than {MAX_LEN} bytes; this is no programme")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProgrammeError(f"this is not TOML: {error}; texts stand in quotes, and a name has one value") from None
    _known(document, "")
    name = document.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ProgrammeError(f"name is {name!r}; write 1..40 letters, digits, '.', '_' and '-' in quotes")
    nights = _nights(document.get("nights"))
    return LightProgramme(
        name=name,
        nights=nights,
        text=text,
        installation=_installation(document.get("installation", "road")),
        opens_min=_hour(document, "opens"),
        closes_min=_hour(document, "closes"),
        events=_events(document.get("events", [])),
        presence=_presence(document["presence"]) if "presence" in document else None,
        lux=_lux(document["lux"]) if "lux" in document else None,
        lamps=_lamps(document["lamps"]) if "lamps" in document else (),
        version=version_of(nights),
    )


def version_of(nights: Programme) -> int:
    """The version that lamps are given of a programme: CRC-16 of its encoding. Raises ProgrammeError if it is too long.

    It comes from what the programme says, so that no gateway restored from an old copy gives a number twice.
    """
    try:
        return crc_hqx(nights.encode(), 0xFFFF)
    except ProtocolError as error:
        raise ProgrammeError(str(error)) from None


def _nights(tables: object) -> Programme:
    if not isinstance(tables, list) or not tables:
        raise ProgrammeError("there are no [[nights]]; write one at least, with days and steps")
    day_types = []
    for number, table in enumerate(tables, 1):
        where = f"[[nights]] number {number}"
        _table(table, where, "[[nights]]")
        day_types.append(_day_type(_days(table.get("days"), where), table.get("steps"), where))
    try:
        return Programme(*day_types)
    except ProtocolError as error:
        raise ProgrammeError(str(error)) from None


def _day_type(days: int, steps: object, where: str) -> DayType:
    if not isinstance(steps, list) or not steps:
        raise ProgrammeError(f'{where} needs steps, as [{{ at = "sunset", level_pct = 100 }}]')
    try:
        return DayType(days, *[_step(step, f"{where}, step {number}") for number, step in enumerate(steps, 1)])
    except ProtocolError as error:
        raise ProgrammeError(f"{where}: {error}") from None


def _step(step: object, where: str) -> Step:
    table = _table(step, where, "steps")
    at = table.get("at")
    anchor, offset_min = _anchor(at) if isinstance(at, str) else (None, 0)
    if anchor is None:
        raise ProgrammeError(
            f'{where}: at is {at!r}; write a time as "23:00", or "sunset", "sunrise", "dusk" or "dawn" (of civil '
            'twilight) with minutes as "sunset+15"'
        )
    level_pct = _number(table, "level_pct", where, 0, 100)
    fade_s = _number(table, "fade_s", where, 0, 600, 60)
    try:
        return Step(anchor, offset_min, level_pct, fade_s)
    except ProtocolError as error:
        raise ProgrammeError(f"{where}: {error}") from None


def _anchor(text: str) -> tuple[int | None, int]:
    clock = _TIME.fullmatch(text)
    if clock:
        return CLOCK, int(clock[1]) * 60 + int(clock[2])
    sun = _SUN.fullmatch(text)
    if sun is None:
        return None, 0
    return _ANCHORS[sun[1]], int(f"{sun[2]}{sun[3]}") if sun[3] else 0


def _days(names: object, where: str) -> int:
    if not isinstance(names, list) or not names:
        raise ProgrammeError(f'{where} needs days, as ["weekdays"]; there are {", ".join(_DAYS)}')
    days = 0
    for name in names:
        if name not in _DAYS:
            raise ProgrammeError(f"{where}: there are no days {name!r}; {_near(str(name), list(_DAYS))}")
        if days & _DAYS[name]:
            raise ProgrammeError(f"{where}: {name} stands there twice")
        days |= _DAYS[name]
    return days


def _installation(text: object) -> Installation:
    known = [entry.value for entry in Installation]
    if text not in known:
        raise ProgrammeError(f"installation is {text!r}; {_near(str(text), known)}")
    return Installation(text)


def _hour(document: dict[str, Any], key: str) -> int | None:
    text = document.get(key)
    if text is None:
        return None
    clock = _TIME.fullmatch(text) if isinstance(text, str) else None
    if clock is None:
        raise ProgrammeError(f'{key} is {text!r}; write a time in quotes, as "20:00"')
    return int(clock[1]) * 60 + int(clock[2])


def _events(tables: object) -> tuple[Event, ...]:
    if not isinstance(tables, list) or len(tables) > MAX_EVENTS:
        raise ProgrammeError(f"[[events]] stand in double brackets, at most {MAX_EVENTS} of them")
    events: list[Event] = []
    for number, table in enumerate(tables, 1):
        where = f"[[events]] number {number}"
        _table(table, where, "[[events]]")
        name = table.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= 60:
            raise ProgrammeError(f"{where}: name is {name!r}; write what people call it, in quotes")
        first, last = (_day(table, key, where) for key in ("from", "to"))
        if not 0 <= last - first < _MAX_DAYS:
            raise ProgrammeError(
                f"{where}: it lasts from {table['from']} to {table['to']}; an event ends within {_MAX_DAYS} days, what "
                "lasts longer is another programme"
            )
        nights = Programme(_day_type(EVERY_DAY, table.get("steps"), where))
        for other in events:
            if first <= other.last and other.first <= last:
                raise ProgrammeError(f"{where}: {name} and {other.name} fall on the same nights; a night has one event")
        events.append(Event(name=name, first=first, last=last, nights=nights))
    return tuple(events)


def _day(table: dict[str, Any], key: str, where: str) -> int:
    found = table.get(key)
    if not isinstance(found, date) or isinstance(found, datetime):
        raise ProgrammeError(f"{where}: {key} is {found!r}; write a date without quotes, as 2027-06-21")
    return (found - _EPOCH).days


def _presence(table: object) -> Presence:
    found = _table(table, "[presence]", "[presence]")
    places = found.get("places")
    if (
        not isinstance(places, list)
        or not 0 < len(places) <= MAX_PLACES
        or not all(isinstance(place, str) for place in places)
    ):
        raise ProgrammeError(f'[presence] needs places, 1..{MAX_PLACES} of them, as ["92002-bay-a12"]')
    return Presence(
        level_pct=_number(found, "level_pct", "[presence]", 1, 100),
        hold_s=_number(found, "hold_s", "[presence]", 60, 3600),
        places=tuple(places),
    )


def _lux(table: object) -> LuxThreshold:
    found = _table(table, "[lux]", "[lux]")
    on_lux = _number(found, "on_lux", "[lux]", 1, 1000)
    off_lux = _number(found, "off_lux", "[lux]", 1, 2000)
    if off_lux <= on_lux:
        raise ProgrammeError(
            f"[lux] off_lux is {off_lux}, on_lux {on_lux}; off must be above on, or lamps would flicker"
        )
    try:
        dev_eui = eui_from_text(str(found.get("device", "")), "device")
    except FrameError as error:
        raise ProgrammeError(f"[lux]: {error}") from None
    return LuxThreshold(
        level_pct=_number(found, "level_pct", "[lux]", 1, 100), on_lux=on_lux, off_lux=off_lux, dev_eui=dev_eui
    )


def _lamps(table: object) -> tuple[tuple[str, int], ...]:
    found = _table(table, "[lamps]", "[lamps]")
    ranges = {name: (low, high) for name, _, _, low, high, _ in SETTINGS}
    told = {name: _number(found, name, "[lamps]", *ranges[name]) for name in found}
    if ("on_lux" in told) != ("off_lux" in told) or told.get("on_lux", 0) > told.get("off_lux", 0):
        raise ProgrammeError("[lamps] needs on_lux and off_lux together, off_lux the greater, or lamps would flicker")
    return tuple(told.items())


def _table(table: object, where: str, kind: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ProgrammeError(f"{where} is {table!r}; expected a table with {', '.join(_KEYS[kind])}")
    _known(table, kind, where)
    return table


def _known(table: dict[str, Any], kind: str, where: str = "the file") -> None:
    for key in table:
        if key not in _KEYS[kind]:
            raise ProgrammeError(f"{where} has no key {key!r}; {_near(key, list(_KEYS[kind]))}")


def _number(table: dict[str, Any], key: str, where: str, low: int, high: int, default: int | None = None) -> int:
    found = table.get(key, default)
    if type(found) is not int or not low <= found <= high:
        raise ProgrammeError(f"{where}: {key} is {found!r}; write a whole number {low}..{high} without quotes")
    return found


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
