"""A street for the tests of lighting: site, lamps, programmes, and times of its town as people write them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.lighting.files import read_programme
from gateway.network.registration import Group, Registration, Role
from protocol.civil import day_of
from protocol.dimming import Site, SunTable

_SUN = json.loads((Path(__file__).parents[2] / "data" / "sun_table.json").read_text(encoding="utf-8"))
_PARIS = ZoneInfo("Europe/Paris")
HOLIDAYS = [day_of(2026, 12, 25), day_of(2027, 1, 1), day_of(2027, 7, 14)]
SITE = Site(
    60,
    True,
    SunTable.build(_SUN["first_day"], _SUN["sunrise"], _SUN["sunset"]),
    SunTable.build(_SUN["first_day"], _SUN["dawn"], _SUN["dusk"]),
    HOLIDAYS,
)
RUE = """
name = "rue"
[[nights]]
days = ["weekdays"]
steps = [
  { at = "sunset", level_pct = 90 },
  { at = "22:00", level_pct = 40 },
  { at = "05:00", level_pct = 80 },
  { at = "sunrise", level_pct = 0 },
]
[[nights]]
days = ["weekend", "holidays"]
steps = [
  { at = "sunset", level_pct = 100 },
  { at = "00:30", level_pct = 50 },
  { at = "sunrise", level_pct = 0 },
]
"""
LONG = (
    'name = "long"\n'
    + "".join(
        f'[[nights]]\ndays = ["{day}"]\nsteps = [\n'
        + "".join(f'  {{ at = "{hour}:07", level_pct = {hour}, fade_s = {60 + hour} }},\n' for hour in (18, 20, 22))
        + '  { at = "sunset", level_pct = 90 }, { at = "sunrise", level_pct = 0 },\n]\n'
        for day in ("monday", "tuesday", "wednesday", "thursday")
    )
    + '[[nights]]\ndays = ["friday", "weekend"]\nsteps = [ { at = "sunset", level_pct = 90 } ]\n'
)


def lamp(number: int) -> Registration:
    """A lamp of the street."""
    return Registration(
        device=number,
        dev_eui=bytes([2, 0, 0, 0, 0, 1, number >> 8, number & 0xFF]),
        role=Role.LIGHT,
        name=f"lamp {number}",
        gen_app_key=bytes(range(16)),
        class_c=True,
    )


def street(lamps: int, number: int = 1) -> tuple[list[Registration], Group]:
    """So many lamps, and the group that they are in."""
    members = [lamp(at) for at in range(1, lamps + 1)]
    euis = tuple(member.dev_eui for member in members)
    group = Group(number=number, name="rue-a", mc_addr=0xFF000000 + number, mc_key=bytes(16), members=euis)
    return members, group


def at(text: str) -> int:
    """Unix seconds of a local time in Paris, as `2026-12-21 17:30`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=_PARIS).timestamp())


def local(at_s: int) -> str:
    """The inverse of `at`."""
    return datetime.fromtimestamp(at_s, UTC).astimezone(_PARIS).strftime("%Y-%m-%d %H:%M")


def programme(text: str = RUE):
    """A programme as its file says it."""
    return read_programme(text)
