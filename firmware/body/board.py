"""The board as the node reads it: which chip hangs on which pins, from /board.json, which the flashing tool writes.

It is data, kept outside of both slots: an update changes no wire, and no mistake in it can keep /boot.py from running.
"""

import json

from protocol.compat import const
from protocol.errors import SettingsError

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    Part = dict[str, Any]  # numbers, and the name of a chip

NAME = "board.json"
MAX_LEN = const(2048)
BOOT_MS = const(700)  # from a deep sleep's end until the node can do something, where the table says nothing else

_OF_RADIO = "busy dio0 dio1 wakes rx_enable tcxo dio2_switch dcdc boost boosted max_dbm gain_db antenna_dbi"
# part; what it must have; two blanks; what it may have. Pins are numbers of GPIOs.
_ROWS = (
    "radio     chip spi sck miso mosi cs reset  " + _OF_RADIO,
    "i2c       scl sda  id hz",
    "pmu       chip  address",
    "field0    chip  address int",
    "field1    chip  address int",
    "particles uart tx rx",
    "distance  uart tx rx",
    "co2       chip  address",
    "climate   chip  address",
    "lux       chip  address",
    "meter     uart tx rx  address volt_counts ampere_counts watt_counts",
    "lamp0     kind pin  relay hz least_duty most_duty inverted rx address",
    "lamp1     kind pin  relay hz least_duty most_duty inverted rx address",
    "battery   pin ratio_permille  control atten",
    "led       pin  lit",
    "rail      pin  on",
    "motion    pin  level",
    "mains     pin  level",
    "sleep       light deep_from_ms boot_ms",
)
_CHIPS = ("sx1262", "sx1276", "mmc5983ma", "lis3mdl", "pms5003", "scd41", "bme280", "bh1750", "axp", "pwm", "dali")


class Board:
    """name: as people call it. parts: by their names above, each a dict; a part that is not there is left out."""

    def __init__(self, name: str, parts: "dict[str, Part]") -> None:
        self.name = name
        self._parts = parts

    def part(self, name: str) -> "Part | None":
        """What the table says of a part, or None if the board has none."""
        return self._parts.get(name)

    def number(self, part: str, name: str, missing: int = 0) -> int:
        """One number of a part."""
        value: int = (self._parts.get(part) or {}).get(name, missing)
        return value


def read_board(path: str, checked: bool = False) -> Board:
    """Read the table. Raises SettingsError with a line for each fault; checked: it had none since power came on."""
    try:
        with open(path) as file:
            text = file.read(MAX_LEN + 1)
    except OSError:
        raise SettingsError(f"{NAME} is missing: the flashing tool writes it; flash the node again")
    if len(text) > MAX_LEN:
        raise SettingsError(f"{NAME} has more than {MAX_LEN} characters; flash the node again")
    try:
        found = json.loads(text)
    except ValueError:
        raise SettingsError(f"{NAME} cannot be read: it was cut or edited by hand; flash the node again")
    if checked and isinstance(found, dict):
        return Board(str(found.pop("name", "")), found)
    return board_of(found)


def board_of(found: object) -> Board:
    """Check a table. Raises SettingsError with a line for each fault."""
    if not isinstance(found, dict):
        raise SettingsError(f"{NAME} is no table; flash the node again")
    rows = {}
    for row in _ROWS:
        needed, _, allowed = row[10:].partition("  ")
        rows[row.split()[0]] = needed.split(), allowed.split()
    faults = []
    name = ""
    parts = {}
    for key in sorted(found):
        if key == "name":
            name = str(found[key])
        elif key not in rows:
            faults.append(f"{NAME}: there is no part '{key}'; expected one of {' '.join(sorted(rows))}")
        else:
            faults += _faults(key, found[key], rows[key][0], rows[key][1])
            parts[key] = found[key]
    if faults:
        raise SettingsError("\n".join(faults))
    return Board(name, parts)


def _faults(key: str, part: object, needed: list[str], allowed: list[str]) -> list[str]:
    if not isinstance(part, dict):
        return [f"{NAME}: {key} is {part!r}; expected a table"]
    faults = [f"{NAME}: {key} has no {name}" for name in needed if name not in part]
    for name in sorted(part):
        value = part[name]
        if name not in needed and name not in allowed:
            faults.append(f"{NAME}: {key} has no use for {name}; expected {' '.join(needed + allowed)}")
        elif name in ("chip", "kind"):
            if value not in _CHIPS:
                faults.append(f"{NAME}: {key} {name} is {value!r}; expected one of {' '.join(_CHIPS)}")
        elif not isinstance(value, (int, bool)):
            faults.append(f"{NAME}: {key} {name} is {value!r}; expected a number")
    return faults
