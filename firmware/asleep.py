"""What of a MAC goes through deep sleep beside what is persisted: some 60 to 700 bytes of RTC memory, as plain data.

Loaded for the moment before the sleep and the one after it. An image is to be believed once: RTC memory survives a
crash too, and then tells of the sleep before, with counters that have been used since. So the body erases an image when
it reads it, before anything else.
"""

import binascii
import struct

from protocol.compat import const

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
