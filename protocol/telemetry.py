"""What nodes tell: readings with their repetition, events and status, as CBOR arrays (`lampyre.cddl`).

Readings and events of a node share one numbering (`seq`, 32 bits, modulo 2^16 on the air) and one log. Each frame of
readings carries the newest one in full and repeats older ones as rows of differences, as many as fit: what a lost
frame carried comes with the next. A row reads: the numbers skipped below the row before (as a negative integer, left
out when there are none: events in between), the seconds to the row before (null across a restart), then for each
quantity the difference to the nearest newer value of this frame that is known (to 0 when none is). Null stays null.
"""

from . import cbor
from .cbor import MIN_INT
from .compat import const
from .errors import MessageError
from .items import array, integer, integer_or_none, is_integer
from .quantities import quantities_of

F_PORT_READINGS = const(1)
F_PORT_EVENT = const(2)
F_PORT_STATUS = const(3)

MAX_ERROR_TEXT = const(20)  # bytes of the last error in a status, so that the longest status fits DR0's 51
_INSTANCE_SHIFT = const(8)  # in the map form a key is quantity | instance << 8
_MAX_VALUES = const(32)  # quantities in one reading; the largest set has 9
_MAX_DETAILS = const(4)


class Reading:
    """A reading in a node's log: when, on which clock, and the scaled values in the order of their set.

    seq: full 32-bit number. boot: number of the boot during which it was taken; uptime_s: seconds into that boot.
    """

    def __init__(self, seq: int, boot: int, uptime_s: int, values: tuple[int | None, ...]) -> None:
        self.seq = seq
        self.boot = boot
        self.uptime_s = uptime_s
        self.values = values


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


class Status:
    """A payload of FPort 3; None is "not known".

    version: (major, minor, patch) of the firmware. epoch: 16-bit number of the log. reset_cause: as
    machine.reset_cause() gives it. uptime_s. battery_mv. heap_free: bytes. last_error: text of at most
    MAX_ERROR_TEXT bytes. link_margin_db: of the last LinkCheckAns, 0..254 (TS001-1.0.4 §5.1). next_seq: the full
    number that the next record will get, from which the gateway widens the 16 bits on the air.
    """

    def __init__(
        self,
        version: tuple[int, int, int],
        epoch: int,
        reset_cause: int,
        uptime_s: int,
        battery_mv: int | None,
        heap_free: int | None,
        last_error: str | None,
        link_margin_db: int | None,
        next_seq: int,
    ) -> None:
        self.version = version
        self.epoch = epoch
        self.reset_cause = reset_cause
        self.uptime_s = uptime_s
        self.battery_mv = battery_mv
        self.heap_free = heap_free
        self.last_error = last_error
        self.link_margin_db = link_margin_db
        self.next_seq = next_seq


def encode_readings(set_number: int, readings: list[Reading], boot: int, uptime_s: int, room: int) -> tuple[bytes, int]:
    """Encode readings of one set, newest first, as many as fit into *room* bytes.

    boot, uptime_s: the node's clock now; ages are counted from it. room: bytes the MAC has left for the payload.
    Returns the payload and how many of *readings* it carries. Raises MessageError when not even the newest fits,
    for an unknown set, values that do not suit it, and numbers or times that do not fall from one reading to the
    next. A reading too far from the one before, in number or in value, ends the repetition: no row can say it.
    """
    count = len(quantities_of(set_number))
    if not readings:
        raise MessageError(f"no reading of set {set_number} to encode; expected at least one")
    newest = readings[0]
    _check_values(newest, count)
    body = cbor.encode(set_number) + cbor.encode(newest.seq & 0xFFFF) + cbor.encode(_age_s(newest, boot, uptime_s))
    for value in newest.values:
        body += cbor.encode(value)
    items = 3 + count
    bases = list(newest.values)
    carried = 1
    for older in readings[1:]:
        row = _row(readings[carried - 1], older, bases)
        if row is None or len(cbor.array_head(items + row[1])) + len(body) + len(row[0]) > room:
            break
        body += row[0]
        items += row[1]
        carried += 1
    payload = cbor.array_head(items) + body
    if len(payload) > room:
        raise MessageError(f"a reading of set {set_number} takes {len(payload)} bytes, {room} are left in the frame")
    return payload, carried


def encode_rare(reading: Reading, quantities: tuple[tuple[int, int], ...], boot: int, uptime_s: int) -> bytes:
    """Encode one reading of quantities that no set lists, in the map form. Raises MessageError for a mismatch.

    quantities: 1..32 (quantity, instance) pairs, each 0..255, in the order of the values; they may be known to newer
    versions only.
    """
    _check_values(reading, len(quantities))
    values = {}
    for position, (quantity, instance) in enumerate(quantities):
        integer(quantity, "readings: quantity", 0, 0xFF)
        integer(instance, "readings: instance", 0, 0xFF)
        values[quantity | instance << _INSTANCE_SHIFT] = reading.values[position]
    if len(values) < len(quantities):
        raise MessageError(f"reading {reading.seq} names a quantity twice: {quantities!r}")
    if not 0 < len(values) <= _MAX_VALUES:
        raise MessageError(f"reading {reading.seq} has {len(values)} values; expected 1..{_MAX_VALUES}")
    return cbor.encode([values, reading.seq & 0xFFFF, _age_s(reading, boot, uptime_s)])


def decode_readings(payload: bytes | memoryview) -> Readings:
    """Decode a payload of FPort 1, in either form. Raises CborError or MessageError.

    What follows the last row is of a newer version and skipped; it begins with neither an integer nor null, as a
    row does.
    """
    items = array(cbor.decode(payload), "readings", 3)
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


def encode_event(seq: int, age_s: int | None, event: int, details: tuple[int, ...] = ()) -> bytes:
    """Encode an event; seq: its full number, details: at most 4 integers that `events.py` gives a meaning.

    Raises MessageError for more details than that, and for what is no integer of 32 bits.
    """
    items: list[object] = [seq & 0xFFFF, integer_or_none(age_s, "event: age"), integer(event, "event: number")]
    if len(details) > _MAX_DETAILS:
        raise MessageError(f"event {event}: {len(details)} details; expected at most {_MAX_DETAILS}")
    if details:
        items.append([_detail(detail) for detail in details])
    return cbor.encode(items)


def decode_event(payload: bytes | memoryview) -> Event:
    """Decode a payload of FPort 2. An unknown event keeps its number. Raises CborError or MessageError."""
    items = array(cbor.decode(payload), "event", 3)
    details = array(items[3], "event: details") if len(items) > 3 else []
    return Event(
        _seq(items[0]),
        integer_or_none(items[1], "event: age"),
        integer(items[2], "event: number"),
        tuple([_detail(detail) for detail in details]),
    )


def encode_status(status: Status, room: int) -> bytes:
    """Encode a status into at most *room* bytes; the last error is cut to what fits, and to MAX_ERROR_TEXT bytes.

    Raises MessageError for a value outside its range, or when the rest alone (31 bytes at most) does not fit;
    CborError for an error text that is not Unicode.
    """
    major, minor, patch = [integer(part, "status: version part", 0, 255) for part in status.version]
    last_error = status.last_error
    while last_error and len(cbor.encode(last_error)) > 1 + MAX_ERROR_TEXT:
        last_error = last_error[:-1]
    while True:
        payload = cbor.encode(
            [
                major << 16 | minor << 8 | patch,
                status.epoch,
                status.reset_cause,
                status.uptime_s,
                status.battery_mv,
                status.heap_free,
                last_error,
                status.link_margin_db,
                status.next_seq,
            ]
        )
        if len(payload) <= room or not last_error:
            break
        last_error = last_error[:-1]
    if len(payload) > room:
        raise MessageError(f"a status takes {len(payload)} bytes, {room} are left in the frame")
    decode_status(payload)  # refuses here what the gateway would refuse there
    return payload


def decode_status(payload: bytes | memoryview) -> Status:
    """Decode a payload of FPort 3. Raises CborError or MessageError."""
    items = array(cbor.decode(payload), "status", 9)
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


def _age_s(reading: Reading, boot: int, uptime_s: int) -> int | None:
    """Seconds since *reading*, or None when another boot lies between: a node does not know how long it was off."""
    if reading.boot != boot:
        return None
    return integer(uptime_s - reading.uptime_s, f"age of reading {reading.seq}")


def _check_values(reading: Reading, count: int) -> None:
    if len(reading.values) != count:
        raise MessageError(f"reading {reading.seq} has {len(reading.values)} values; expected {count}")
    for value in reading.values:
        _value(value)


def _row(newer: Reading, older: Reading, bases: list[int | None]) -> tuple[bytes, int] | None:
    """Encode *older* as differences to *bases*, which then hold its values; returns the bytes and their items.

    None when more than 32767 numbers or 32 bits of difference lie between: the row has no way to say so.
    """
    _check_values(older, len(bases))
    skipped = newer.seq - older.seq - 1
    if skipped < 0:
        raise MessageError(f"reading {older.seq} follows {newer.seq}; expected a smaller number")
    if skipped >= 0x8000:
        return None
    row = cbor.encode(-skipped) if skipped else b""
    row += cbor.encode(_age_s(older, newer.boot, newer.uptime_s))
    for position, value in enumerate(older.values):
        if value is None:
            row += cbor.encode(None)
        else:
            difference = value - (bases[position] or 0)
            if not is_integer(difference):
                return None
            row += cbor.encode(difference)
            bases[position] = value
    return row, len(bases) + (2 if skipped else 1)


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
    if not 0 < len(values) <= _MAX_VALUES:
        raise MessageError(f"readings: a map of {len(values)} values; expected 1..{_MAX_VALUES}")
    quantities = []
    known = []
    keys = [integer(key, "readings: quantity", 0, 0xFFFF) for key in values]
    for key in sorted(keys):  # MicroPython's dicts have no order
        quantities.append((key & 0xFF, key >> _INSTANCE_SHIFT))
        known.append(_value(values[key]))
    return Readings(tuple(quantities), [Row(seq, age_s, None, tuple(known))])


def _value(item: object) -> int | None:
    return integer_or_none(item, "readings: value", MIN_INT)


def _detail(item: object) -> int:
    return integer(item, "event: detail", MIN_INT)


def _seq(item: object) -> int:
    return integer(item, "seq", 0, 0xFFFF)
