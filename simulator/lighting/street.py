"""The street on which programmes are compared: its lamps, what they give and take, who walks there, what a kWh costs.

Read from a TOML file; every key has a default, and an unknown one is a mistake.
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# EN 13201-2:2015, maintained averages that each class asks for: luminance of M classes in cd/m² (table 1), illuminance
# of P classes in lx (table 3).
CLASSES: dict[str, tuple[tuple[str, float], ...]] = {
    "M": (("M1", 2.0), ("M2", 1.5), ("M3", 1.0), ("M4", 0.75), ("M5", 0.5), ("M6", 0.3)),
    "P": (("P1", 15.0), ("P2", 10.0), ("P3", 7.5), ("P4", 5.0), ("P5", 3.0), ("P6", 2.0)),
}
UNITS = {"M": "cd/m²", "P": "lx"}
MAX_LEN = 65_536  # bytes of a file


class StreetError(ValueError):
    """What is wrong with a street's file, a sentence ready to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """Where, and what stands there.

    lamps, spacing_m; watts, lumens: of one at full light. standby_w: of a dark lamp's driver; driver_share: of the
    watts, that a lit one's driver takes at any level. classes: "M" by luminance or "P" by illuminance; full: what the
    street has at full light, in cd/m² or lx. enough_pct: a passage is met with light from this level of the nearest
    lamp on. people_per_hour: at the busiest hour of the week; cyclists, cars: shares of them. motion: each how many
    lamps has a motion input, 0 for none; own_boost_pct, own_boost_s: what such a lamp does by itself; delay_s: until
    the gateway has the street boosted, where the programme says so. curfew_from, curfew_to: local time.
    """

    name: str = "a residential street"
    insee: str = "92002"
    latitude_deg: float = 48.7536
    longitude_deg: float = 2.2975
    time_zone: str = "Europe/Paris"
    year: int = 2027
    seed: int = 1
    lamps: int = 50
    spacing_m: float = 30.0
    watts: float = 42.0
    lumens: float = 5500.0
    standby_w: float = 0.4
    driver_share: float = 0.05
    classes: str = "P"
    full: float = 10.0
    enough_pct: int = 20
    people_per_hour: float = 25.0
    cyclists: float = 0.15
    cars: float = 0.25
    motion: int = 5
    own_boost_pct: int = 0
    own_boost_s: int = 120
    delay_s: float = 5.0
    curfew_from: str = "01:00"
    curfew_to: str = "05:00"
    eur_per_kwh: float = 0.20
    co2_g_per_kwh: float = 52.0

    def taken_w(self, level_pct: float) -> float:
        """What one lamp takes at a level."""
        if not level_pct:
            return self.standby_w
        return self.watts * (self.driver_share + (1 - self.driver_share) * level_pct / 100)


_BOUNDS: dict[str, tuple[float, float]] = {
    "latitude_deg": (-60, 60),
    "longitude_deg": (-180, 180),
    "year": (2020, 2090),
    "seed": (0, 1 << 40),
    "lamps": (1, 1000),
    "spacing_m": (5, 100),
    "watts": (1, 2000),
    "lumens": (100, 200_000),
    "standby_w": (0, 20),
    "driver_share": (0, 0.5),
    "full": (0.1, 200),
    "enough_pct": (1, 100),
    "people_per_hour": (0, 2000),
    "cyclists": (0, 1),
    "cars": (0, 1),
    "motion": (0, 1000),
    "own_boost_pct": (0, 100),
    "own_boost_s": (10, 3600),
    "delay_s": (0, 120),
    "eur_per_kwh": (0, 10),
    "co2_g_per_kwh": (0, 2000),
}


def load_street(path: Path) -> Street:
    """Read a street's file. Raises StreetError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StreetError(f"{path}: {error.strerror}; it must be a file that can be read") from None
    if len(raw) > MAX_LEN:
        raise StreetError(f"{path}: has more than {MAX_LEN} bytes; this is no street")
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StreetError(f"{path}: this is not TOML: {error}") from None
    return _street(document, path)


def _street(document: dict[str, Any], path: Path) -> Street:
    hints = get_type_hints(Street)
    for key, value in document.items():
        if key not in hints:
            raise StreetError(f"{path}: there is no key {key!r}; a street has {', '.join(hints)}")
        wanted = hints[key]
        right = isinstance(value, (int, float) if wanted is float else wanted) and not isinstance(value, bool)
        if not right:
            raise StreetError(f"{path}: {key} is {value!r}; write {_WANTED[wanted]}")
        low, high = _BOUNDS.get(key, (None, None))
        if low is not None and high is not None and not low <= value <= high:
            raise StreetError(f"{path}: {key} is {value}; write {low:g}..{high:g}")
    street = Street(**document)
    if street.classes not in CLASSES:
        raise StreetError(f'{path}: classes is {street.classes!r}; write "M" (luminance) or "P" (illuminance)')
    if street.cyclists + street.cars > 1:
        raise StreetError(
            f"{path}: cyclists and cars are {street.cyclists + street.cars:g} together; write shares of 1"
        )
    for key in ("curfew_from", "curfew_to"):
        minutes_of(getattr(street, key), f"{path}: {key}")
    try:
        ZoneInfo(street.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise StreetError(f'{path}: time_zone is {street.time_zone!r}; write one as "Europe/Paris"') from None
    return street


_WANTED: dict[Any, str] = {
    int: "a whole number without quotes",
    float: "a number without quotes",
    str: "text in quotes",
}
KEYS = tuple(field.name for field in fields(Street))


def minutes_of(text: str, where: str) -> int:
    """Minutes of the day of a time as `01:00`. Raises StreetError."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):
        raise StreetError(f'{where} is {text!r}; write a time as "01:00"')
    return int(hours) * 60 + int(minutes)
