"""What a technician decides about a node: one table of settings, and one way to check them on laptop and node.

The laptop reads them by name from a file, the node by number from CBOR (`lampyre.cddl`, rule `settings`), and an order
changes one by its number. A setting's number is its place in the table, which is append-only. Keys are no settings,
and neither are pins: those belong to the board.
"""

from . import cbor
from .compat import const
from .errors import FrameError, SettingsError
from .items import is_integer
from .lorawan.eui import EUI_LEN, eui_from_text
from .region import PLANS

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

ROLES = tuple("parking air light bridge".split())
PARKING = const(0)
AIR = const(1)
LIGHT = const(2)
BRIDGE = const(3)

MAX_SETTINGS_LEN = const(512)  # of the CBOR; three times what it takes today

_ROLE = const(0)
_SHOWN = const(40)  # of a wrong value: a whole table in the wrong place should not become the message

_PARKING = const(1)  # roles as bits
_AIR = const(2)
_LIGHT = const(4)
_NODES = const(7)
_ALL = const(15)
_FIXED = const(16)  # when the node is flashed: no order changes it

# name, roles, default (None: must be given; a tuple: by role), least, greatest or the choices or "EUI", unit. Literals
# and not the lines of text of `quantity_table.py`: a node reads this table whenever it wakes.
SETTINGS: "tuple[tuple[str, int, Any, int, Any, str], ...]" = (
    ("role", _ALL | _FIXED, None, 0, ("parking", "air", "light", "bridge"), ""),
    ("dev_eui", _ALL | _FIXED, None, 0, "EUI", ""),
    ("join_eui", _NODES | _FIXED, b"\0\0\0\0\0\0\0\0", 0, "EUI", ""),
    ("link", _NODES | _FIXED, 0, 0, ("radio", "cable"), ""),
    ("activation", _NODES | _FIXED, 0, 0, ("otaa", "abp"), ""),
    ("plan", _ALL, 0, 0, ("full", "single-channel"), ""),
    ("device_class", _NODES, (0, 0, 1, 0), 0, ("A", "C"), ""),
    ("min_dr", _NODES, 0, 0, 5, "data rate"),
    ("rx_delay_s", _NODES, 5, 1, 15, "seconds"),
    ("rx2_dr", _NODES, 3, 0, 5, "data rate"),
    ("status_interval_s", _NODES, 86400, 3600, 604800, "seconds"),
    ("reading_interval_s", _AIR | _LIGHT, (900, 900, 3600, 900), 60, 86400, "seconds"),
    ("heartbeat_s", _PARKING, 3600, 300, 3600, "seconds"),
    ("bays", _PARKING | _FIXED, 1, 1, 2, "bays"),
    ("detector", _PARKING | _FIXED, 0, 0, ("magnetic", "distance", "watched"), ""),
    ("taken_field_dut", _PARKING, 150, 30, 2000, "tenths of a microtesla"),
    ("left_field_dut", _PARKING, 50, 10, 1000, "tenths of a microtesla"),
    ("swing_field_dut", _PARKING, 180, 30, 4000, "tenths of a microtesla"),
    ("taken_distance_cm", _PARKING, 150, 20, 600, "centimetres"),
    ("fan_warm_up_s", _AIR, 30, 10, 300, "seconds"),
    ("growth_per_mille", _AIR, 182, 0, 1000, "thousandths"),
    ("heads", _LIGHT | _FIXED, 1, 1, 2, "heads"),
    ("supply", _LIGHT | _FIXED, 0, 0, ("permanent", "switched"), ""),
    ("dimming_curve", _LIGHT, 0, 0, ("linear", "logarithmic"), ""),
    ("floor_pct", _LIGHT, 30, 0, 100, "percent"),
    ("rated_dw", _LIGHT, 0, 0, 20000, "tenths of a watt"),
    ("hot_limit_dcel", _LIGHT, 700, 400, 1000, "tenths of a degree Celsius"),
    ("boost_pct", _LIGHT, 100, 0, 100, "percent"),
    ("boost_s", _LIGHT, 120, 10, 3600, "seconds"),
    ("on_lux", _LIGHT, 0, 0, 1000, "lux"),
    ("off_lux", _LIGHT, 70, 1, 2000, "lux"),
    ("motion_interval_s", _LIGHT, 0, 0, 3600, "seconds"),
)
_ABP_ONLY = ("rx_delay_s", "rx2_dr")
_DISTANCE = const(1)  # among the choices of `detector`

# What must not be greater than what. The defaults obey, so that roles without a pair of these have nothing to say.
_ORDERED = (
    ("left_field_dut", "taken_field_dut"),
    ("taken_field_dut", "swing_field_dut"),
    ("fan_warm_up_s", "reading_interval_s"),
    ("on_lux", "off_lux"),
)


class Settings:
    """The settings of one node, each under its name: choices as their place in the list, EUIs as 8 bytes.

    values: what was given, by number; the rest have their defaults. Raises SettingsError with a line for each fault.
    """

    _wire = b""  # what they were read from

    role: int
    dev_eui: bytes
    join_eui: bytes
    link: int
    activation: int
    plan: int
    device_class: int
    min_dr: int
    rx_delay_s: int
    rx2_dr: int
    status_interval_s: int
    reading_interval_s: int
    heartbeat_s: int
    bays: int
    detector: int
    taken_field_dut: int
    left_field_dut: int
    swing_field_dut: int
    taken_distance_cm: int
    fan_warm_up_s: int
    growth_per_mille: int
    heads: int
    supply: int
    dimming_curve: int
    floor_pct: int
    rated_dw: int
    hot_limit_dcel: int
    boost_pct: int
    boost_s: int
    on_lux: int
    off_lux: int
    motion_interval_s: int

    def __init__(self, values: dict[int, object]) -> None:
        faults = self._take(values)
        if not faults:
            faults = self._contradictions()
        if faults:
            raise SettingsError("\n".join(faults))

    @staticmethod
    def from_names(given: dict[str, object]) -> "Settings":
        """Check what a settings file gives, by name: numbers, choices by name, EUIs as text.

        Raises SettingsError with a line for each fault.
        """
        values: dict[int, object] = {}
        faults = []
        for name in sorted([str(name) for name in given]):
            number = number_of(name)
            if number is None:
                faults.append(f"settings: {_shown(name)} is unknown; did you mean {_nearest(name)}?")
                continue
            try:
                values[number] = _from_file(number, given.get(name))
            except SettingsError as error:
                faults.append(str(error))
        if faults:
            raise SettingsError("\n".join(faults))
        return Settings(values)

    @staticmethod
    def decode(data: bytes) -> "Settings":
        """Read what `encode` wrote; numbers of a newer version are skipped. Raises CborError or SettingsError."""
        if len(data) > MAX_SETTINGS_LEN:
            raise SettingsError(f"settings have {len(data)} bytes; expected at most {MAX_SETTINGS_LEN}")
        items = cbor.decode(data)
        if not isinstance(items, dict):
            raise SettingsError(f"settings are {_shown(items)}; expected a map")
        known = {number: items[number] for number in items if 0 <= number < len(SETTINGS)}
        settings = Settings(known)
        if len(known) == len(items):
            settings._wire = bytes(data)
        return settings

    def encode(self) -> bytes:
        """What was read; else CBOR of all settings of this role by number, so that no later default changes one."""
        return self._wire or cbor.encode(self._values())

    def changed(self, number: int, value: int | None) -> "Settings":
        """A copy with one setting changed, None: back to its default. Raises SettingsError for what no order may do."""
        if not 0 <= number < len(SETTINGS):
            raise SettingsError(f"settings: number {number} is unknown; the newest known is {len(SETTINGS) - 1}")
        if SETTINGS[number][1] & _FIXED:
            raise SettingsError(f"settings: {SETTINGS[number][0]} is fixed when the node is flashed; flash it again")
        values = self._values()
        if value is None:
            values.pop(number, None)
        else:
            values[number] = value
        return Settings(values)

    def _values(self) -> dict[int, object]:
        values = {}
        for number, row in enumerate(SETTINGS):
            if row[1] >> self.role & 1:
                values[number] = getattr(self, row[0])
        return values

    def _take(self, values: dict[int, object]) -> list[str]:
        """Take over *values* and defaults; returns the faults."""
        role = values.get(_ROLE)
        if not isinstance(role, int) or _fault(_ROLE, role):
            return [_missing(_ROLE) if role is None else _fault(_ROLE, role)]
        faults = []
        for number, (name, roles, default, _, _, _) in enumerate(SETTINGS):
            value = values.get(number)
            fault = ""
            if value is None:
                value = default[role] if isinstance(default, tuple) else default
                fault = "" if value is not None else _missing(number)
            elif not roles >> role & 1:
                fault = f"settings: {name} is not for role {ROLES[role]}; leave it out"
            else:
                fault = _fault(number, value)
            if fault:
                faults.append(fault)
            setattr(self, name, value)
        return faults

    def _contradictions(self) -> list[str]:
        faults = []
        for less, more in _ORDERED:
            low, high = getattr(self, less), getattr(self, more)
            if low > high:
                faults.append(f"settings: {less} is {low} and {more} {high}; write {more} no smaller than {less}")
        plan = PLANS[self.plan]
        if self.min_dr > plan.max_dr:
            faults.append(f"settings: min_dr is {self.min_dr}; plan {plan.name} goes up to {plan.max_dr}")
        if not self.activation:
            told = [row[0] for row in SETTINGS if row[0] in _ABP_ONLY and getattr(self, row[0]) != row[2]]
            faults += [f"settings: {name} is for abp; an otaa node is told as it joins, leave it out" for name in told]
        if self.bays > 1 and self.detector == _DISTANCE:
            faults.append("settings: bays is 2; the distance detector sees one, write 1")
        return faults


def number_of(name: str) -> int | None:
    """The number of the setting called *name*, or None."""
    for number, row in enumerate(SETTINGS):
        if row[0] == name:
            return number
    return None


def expected(number: int) -> str:
    """What may be written for a setting, such as `60..86400 (seconds)`."""
    _, _, _, low, high, unit = SETTINGS[number]
    if isinstance(high, int):
        return f"{low}..{high} ({unit})"
    if isinstance(high, str):
        return "the 16 hex digits printed on the label, in quotes"
    return " or ".join([f'"{choice}"' for choice in high])


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _missing(number: int) -> str:
    return f"settings: {SETTINGS[number][0]} is missing; write {expected(number)}"


def _fault(number: int, value: object) -> str:
    """What is wrong with the value of a setting as the program holds it; "" if nothing is."""
    name, _, _, low, high, _ = SETTINGS[number]
    if isinstance(high, str):
        right = isinstance(value, bytes) and len(value) == EUI_LEN
    else:
        right = is_integer(value, low, high if isinstance(high, int) else len(high) - 1)
    if right:
        return ""
    hint = " without quotes" if isinstance(high, int) and isinstance(value, str) else ""
    return f"settings: {name} is {_shown(value)}; write {expected(number)}{hint}"


def _from_file(number: int, value: object) -> object:
    """A value as a file gives it, turned into what the program holds. Raises SettingsError."""
    name, _, _, _, high, _ = SETTINGS[number]
    if isinstance(high, int):
        fault = _fault(number, value)
        if fault:
            raise SettingsError(fault)
        return value
    if isinstance(value, str):
        if isinstance(high, str):
            try:
                return eui_from_text(value, name)
            except FrameError as error:
                raise SettingsError(f"settings: {error}")
        for place, choice in enumerate(high):
            if choice == value:
                return place
    raise SettingsError(f"settings: {name} is {_shown(value)}; write {expected(number)}")


def _nearest(name: str) -> str:
    """The setting whose name needs the fewest letters changed to become *name*."""
    name = name[:_SHOWN]
    return min([(_distance(name, row[0]), row[0]) for row in SETTINGS])[1]


def _distance(left: str, right: str) -> int:
    """Letters to insert, remove or change to make one of the other (Levenshtein)."""
    costs = list(range(len(right) + 1))
    for row, letter in enumerate(left):
        corner = row
        costs[0] = row + 1
        for column, other in enumerate(right):
            cost = min(costs[column] + 1, costs[column + 1] + 1, corner + (letter != other))
            corner = costs[column + 1]
            costs[column + 1] = cost
    return costs[-1]
