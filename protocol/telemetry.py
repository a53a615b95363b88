"""What nodes tell: readings with their repetition, events and status, as CBOR arrays (`lampyre.cddl`).

`telemetry_reader.py` is the gateway's side.

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
from .items import integer, integer_or_none, is_integer
from .quantities import size_of
from .reading import Reading as Reading

F_PORT_READINGS = const(1)
F_PORT_EVENT = const(2)
F_PORT_STATUS = const(3)

MAX_ERROR_TEXT = const(20)  # bytes of the last error in a status, so that the longest status fits DR0's 51
INSTANCE_SHIFT = const(8)  # in the map form a key is quantity | instance << 8
MAX_VALUES = const(32)  # quantities in one reading; the largest set has 9
_MAX_DETAILS = const(4)


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
    count = size_of(set_number)
    if not readings:
        raise MessageError(f"no reading of set {set_number} to encode; expected at least one")
    newest = readings[0]
    _check_values(newest, count)
    first: list[object] = [set_number, newest.seq & 0xFFFF, _age_s(newest, boot, uptime_s)]
    first.extend(newest.values)
    body = cbor.encode_sequence(first)
    items = len(first)
    bases = list(newest.values)
    carried = 1
    for older in readings[1:]:
        row = _row(readings[carried - 1], older, bases)
        if row is None:
            break
        encoded = cbor.encode_sequence(row)
        if len(cbor.array_head(items + len(row))) + len(body) + len(encoded) > room:
            break
        body += encoded
        items += len(row)
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
        values[quantity | instance << INSTANCE_SHIFT] = reading.values[position]
    if len(values) < len(quantities):
        raise MessageError(f"reading {reading.seq} names a quantity twice: {quantities!r}")
    if not 0 < len(values) <= MAX_VALUES:
        raise MessageError(f"reading {reading.seq} has {len(values)} values; expected 1..{MAX_VALUES}")
    return cbor.encode([values, reading.seq & 0xFFFF, _age_s(reading, boot, uptime_s)])


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


def encode_status(status: Status, room: int) -> bytes:
    """Encode a status into at most *room* bytes; the last error is cut to what fits, and to MAX_ERROR_TEXT bytes.

    Raises MessageError for a value outside its range, or when the rest alone (31 bytes at most) does not fit;
    CborError for an error text that is not Unicode.
    """
    integer(status.epoch, "status: epoch", 0, 0xFFFF)
    integer(status.reset_cause, "status: reset cause", 0, 23)
    integer(status.uptime_s, "status: uptime")
    integer_or_none(status.battery_mv, "status: battery", 0, 0xFFFF)
    integer_or_none(status.heap_free, "status: heap")
    integer_or_none(status.link_margin_db, "status: link margin", 0, 254)
    integer(status.next_seq, "status: next seq")
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
    return payload


def _age_s(reading: Reading, boot: int, uptime_s: int) -> int | None:
    """Seconds since *reading*, or None when another boot lies between: a node does not know how long it was off."""
    if reading.boot != boot:
        return None
    return integer(uptime_s - reading.uptime_s, f"age of reading {reading.seq}")


def _check_values(reading: Reading, count: int) -> None:
    if len(reading.values) != count:
        raise MessageError(f"reading {reading.seq} has {len(reading.values)} values; expected {count}")
    for value in reading.values:
        if value is not None and not is_integer(value, MIN_INT):
            integer(value, "readings: value", MIN_INT)  # says so


def _row(newer: Reading, older: Reading, bases: list[int | None]) -> list[object] | None:
    """The items of *older* as differences to *bases*, which then hold its values.

    None when more than 32767 numbers or 32 bits of difference lie between: the row has no way to say so.
    """
    _check_values(older, len(bases))
    skipped = newer.seq - older.seq - 1
    if skipped < 0:
        raise MessageError(f"reading {older.seq} follows {newer.seq}; expected a smaller number")
    if skipped >= 0x8000:
        return None
    row: list[object] = [-skipped] if skipped else []
    row.append(_age_s(older, newer.boot, newer.uptime_s))
    for position, value in enumerate(older.values):
        if value is None:
            row.append(None)
        else:
            difference = value - (bases[position] or 0)
            if not is_integer(difference):
                return None
            row.append(difference)
            bases[position] = value
    return row


def _detail(item: object) -> int:
    return integer(item, "event: detail", MIN_INT)
