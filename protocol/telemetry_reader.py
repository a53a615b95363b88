"""What nodes tell, as the gateway reads it: the rows of `telemetry.py` with their repetition undone.

decode, in each function: what turns the payload into items; the gateway hands in its own.
"""

from . import cbor
from .cbor import MIN_INT
from .errors import MessageError
from .items import array, integer, integer_or_none, is_integer
from .quantities import quantities_of
from .telemetry import INSTANCE_SHIFT, MAX_VALUES, Status

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    Decode = Callable[[bytes | memoryview], object]


class Row:
    """A reading as it arrived: seq (16 bits), age_s when its frame was built and gap_s to the newer row, or None."""

    def __init__(self, seq: int, age_s: int | None, gap_s: int | None, values: tuple[int | None, ...]) -> None:
        self.seq = seq
        self.age_s = age_s
        self.gap_s = gap_s
        self.values = values


class Readings:
    """A payload of FPort 1: the (quantity, instance) pairs its values stand for, and its rows, newest first."""

    def __init__(self, quantities: tuple[tuple[int, int], ...], rows: list[Row]) -> None:
        self.quantities = quantities
        self.rows = rows


class Event:
    """A payload of FPort 2: seq (16 bits), age_s or None, the event's number and its details (integers)."""

    def __init__(self, seq: int, age_s: int | None, event: int, details: tuple[int, ...]) -> None:
        self.seq = seq
        self.age_s = age_s
        self.event = event
        self.details = details


def decode_readings(payload: bytes | memoryview, decode: "Decode" = cbor.decode) -> Readings:
    """Decode a payload of FPort 1, in either form. Raises CborError or MessageError.

    What follows the last row is of a newer version and skipped; it begins with neither an integer nor null, as a
    row does.
    """
    items = array(decode(payload), "readings", 3)
    age_s = integer_or_none(items[2], "readings: age")
    if isinstance(items[0], dict):
        return _decode_rare(items[0], _seq(items[1]), age_s)
    quantities = quantities_of(integer(items[0], "readings: set"))
    count = len(quantities)
    if len(items) < 3 + count:
        raise MessageError(f"readings: {len(items) - 3} values of {count} in set {items[0]}: was the frame cut short?")
    seq = _seq(items[1])
    values = [_value(item) for item in items[3 : 3 + count]]
    rows = [Row(seq, age_s, None, tuple(values))]
    at = 3 + count
    while at < len(items) and (items[at] is None or is_integer(items[at])):
        at = _decode_row(items, at, rows, values)
    return Readings(quantities, rows)


def decode_event(payload: bytes | memoryview, decode: "Decode" = cbor.decode) -> Event:
    """Decode a payload of FPort 2. An unknown event keeps its number. Raises CborError or MessageError."""
    items = array(decode(payload), "event", 3)
    details = array(items[3], "event: details") if len(items) > 3 else []
    return Event(
        _seq(items[0]),
        integer_or_none(items[1], "event: age"),
        integer(items[2], "event: number"),
        tuple([_detail(detail) for detail in details]),
    )


def decode_status(payload: bytes | memoryview, decode: "Decode" = cbor.decode) -> Status:
    """Decode a payload of FPort 3. Raises CborError or MessageError."""
    items = array(decode(payload), "status", 9)
    version = integer(items[0], "status: version", 0, 0xFFFFFF)
    last_error = items[6]
    if last_error is not None and not isinstance(last_error, str):
        raise MessageError(f"status: last error {last_error!r}; expected text or null")
    return Status(
        (version >> 16, version >> 8 & 0xFF, version & 0xFF),
        integer(items[1], "status: epoch", 0, 0xFFFF),
        integer(items[2], "status: reset cause", 0, 23),
        integer(items[3], "status: uptime"),
        integer_or_none(items[4], "status: battery", 0, 0xFFFF),
        integer_or_none(items[5], "status: heap"),
        last_error,
        integer_or_none(items[7], "status: link margin", 0, 254),
        integer(items[8], "status: next seq"),
    )


def _decode_row(items: list[object], at: int, rows: list[Row], bases: list[int | None]) -> int:
    """Read the row that begins at items[at] into *rows*; returns where the next one begins."""
    newer = rows[-1]
    skipped = 0
    first = items[at]
    if isinstance(first, int) and first < 0:
        skipped = -first
        at += 1
    if skipped >= 0x8000 or len(items) - at < 1 + len(bases):
        raise MessageError(f"readings: row {len(rows)} skips {skipped} numbers and has {len(items) - at} items left")
    gap_s = integer_or_none(items[at], f"readings: gap of row {len(rows)}")
    values: list[int | None] = []
    for position, item in enumerate(items[at + 1 : at + 1 + len(bases)]):
        value = _value(item)
        if value is not None:
            bases[position] = value = _value(value + (bases[position] or 0))
        values.append(value)
    age_s = None
    if newer.age_s is not None and gap_s is not None:
        age_s = integer(newer.age_s + gap_s, f"readings: age of row {len(rows)}")
    rows.append(Row((newer.seq - skipped - 1) & 0xFFFF, age_s, gap_s, tuple(values)))
    return at + 1 + len(bases)


def _decode_rare(values: dict[object, object], seq: int, age_s: int | None) -> Readings:
    if not 0 < len(values) <= MAX_VALUES:
        raise MessageError(f"readings: a map of {len(values)} values; expected 1..{MAX_VALUES}")
    quantities = []
    known = []
    keys = [integer(key, "readings: quantity", 0, 0xFFFF) for key in values]
    for key in sorted(keys):  # MicroPython's dicts have no order
        quantities.append((key & 0xFF, key >> INSTANCE_SHIFT))
        known.append(_value(values[key]))
    return Readings(tuple(quantities), [Row(seq, age_s, None, tuple(known))])


def _value(item: object) -> int | None:
    return integer_or_none(item, "readings: value", MIN_INT)


def _detail(item: object) -> int:
    return integer(item, "event: detail", MIN_INT)


def _seq(item: object) -> int:
    return integer(item, "seq", 0, 0xFFFF)
