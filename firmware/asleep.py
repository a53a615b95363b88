"""What of a MAC goes through deep sleep beside what is persisted: some 60 to 700 bytes of RTC memory, as plain data.

Loaded for the moment before the sleep and the one after it. An image is to be believed once: RTC memory survives a
crash too, and then tells of the sleep before, with counters that have been used since. So the body erases an image when
it reads it, before anything else.
"""

import binascii
import struct

from protocol.compat import const

from .dialogue import Dialogue
from .duty import Access
from .flight import Flight, flight_from_wire

IMAGE_MAX_LEN = const(700)  # of the 2048 bytes of RTC memory, which mind, role and log share

_NUMBERS = "<BBHBBBH"  # version, flags, ADRACKCnt, data rate, TXPower, NbTrans, channel mask
_NUMBERS_LEN = const(9)
_TIMES = "<QQQHQIIHHH"  # next uplink, silence, answer, the join's four, the dice's three
_TIMES_LEN = const(48)
_PARTS = const(4)
_VERSION = const(1)

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    Numbers = tuple[int, ...]


def image_of(
    talk: Dialogue,
    access: Access,
    begun: bool,
    next_up: int,
    joins: "tuple[int, int, int, int]",
    in_flight: bytes,
    now_ms: int,
) -> bytes:
    """The image of a MAC: what it owes and is owed, its airtime, and the frame that goes again."""
    session = talk.session
    live = (0, 0, 0, 0)
    if session is not None:
        live = (session.dr, session.tx_power, session.nb_trans, session.channels.mask)
    flags = begun | talk.ack << 1 | talk.rejoin << 2 | (talk.answer_at is not None) << 3
    return pack(
        (flags, min(talk.unheard, 0xFFFF)) + live,
        (next_up, access.quiet_ms, talk.answer_at or 0) + joins + access.dice.state,
        (talk.sticky, talk.answers, talk.requests, in_flight),
        access.ledger.to_wire(now_ms),
    )


def wake(
    image: bytes, talk: Dialogue, access: Access
) -> "tuple[bool, int, tuple[int, int, int, int], Flight | None] | None":
    """Give back what `image_of` took: begun, next_up, joins and the flight are returned; None if it is damaged."""
    kept = unpack(image)
    if kept is None:
        return None
    (flags, talk.unheard, dr, tx_power, nb_trans, mask), times, parts, ledger = kept
    talk.ack = bool(flags & 2)
    talk.rejoin = bool(flags & 4)
    talk.answer_at = times[2] if flags & 8 else None
    talk.sticky, talk.answers, talk.requests, in_flight = parts
    access.quiet_ms = times[1]
    access.dice.state = (times[7], times[8], times[9])
    access.ledger.from_wire(ledger, 0)
    session = talk.session
    if session is not None:
        session.dr = dr
        session.tx_power = tx_power
        session.nb_trans = nb_trans
        session.channels.enable(mask)
        session.not_below(talk.min_dr)  # which an order may have raised before the sleep
    return bool(flags & 1), times[0], (times[3], times[4], times[5], times[6]), flight_from_wire(in_flight)


def pack(numbers: "Numbers", times: "Numbers", parts: tuple[bytes, ...], ledger: bytes) -> bytes:
    """The image: six numbers, ten times and counters, four byte strings of at most 255 bytes, and the ledger."""
    body = struct.pack(_NUMBERS, _VERSION, *numbers) + struct.pack(_TIMES, *times)
    for part in parts:
        body += bytes([len(part)]) + part
    body += ledger
    return body + struct.pack("<I", binascii.crc32(body) & 0xFFFFFFFF)


def unpack(image: bytes) -> "tuple[Numbers, Numbers, list[bytes], bytes] | None":
    """What `pack` was given, or None for an image that is damaged or of another version."""
    body = image[:-4]
    if (
        len(body) < _NUMBERS_LEN
        or image[-4:] != struct.pack("<I", binascii.crc32(body) & 0xFFFFFFFF)
        or body[0] != _VERSION
    ):
        return None
    numbers = struct.unpack_from(_NUMBERS, body)
    times = struct.unpack_from(_TIMES, body, _NUMBERS_LEN)
    at = _NUMBERS_LEN + _TIMES_LEN
    parts = []
    for _ in range(_PARTS):
        end = at + 1 + body[at]
        parts.append(body[at + 1 : end])
        at = end
    return numbers[1:], times, parts, body[at:]
