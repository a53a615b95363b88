"""How a programme reaches a lamp: its parts in any order, the last of which puts it in force, or shows it is none.

Loaded on demand (`rarely.py`). A programme is stored as its version, two bytes little-endian, and its encoding.
"""

from protocol.dimming import Programme
from protocol.errors import ProtocolError
from protocol.orders import BAD_ARGUMENT, DONE, INCOMPLETE, MAX_PART_LEN

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    Held = tuple[int, list[bytes | None]]  # the parts here of a programme that is under way, and its version

NOTHING_HELD: "Held" = (-1, [])


def take_part(
    running: bytes, held: "Held", version: int, part: int, parts: int, data: bytes
) -> "tuple[int, int, bytes, Held]":
    """Take in part 0..parts-1 while the stored programme *running* is in force, b"" for none.

    Returns the outcome of the order, its detail, the stored programme now in force, and the parts held from now on. The
    detail is the programme's version, or with INCOMPLETE the bits of the parts here. BAD_ARGUMENT says that this was
    the last part, and what came is no programme. A part of another programme forgets the parts of the one before.
    """
    if _runs(running, version, part, parts, data):
        return DONE, version, running, held
    pieces: list[bytes | None] = [None] * parts
    if (version, parts) == (held[0], len(held[1])):
        pieces = list(held[1])
    pieces[part] = data
    arrived = 0
    stored = version.to_bytes(2, "little")
    for k, piece in enumerate(pieces):
        if piece is not None:
            arrived |= 1 << k
            stored += piece
    if arrived != (1 << parts) - 1:
        return INCOMPLETE, arrived, running, (version, pieces)
    if is_programme(stored):
        return DONE, version, stored, NOTHING_HELD
    return BAD_ARGUMENT, version, running, NOTHING_HELD


def is_programme(stored: bytes) -> bool:
    """Whether what is stored is a programme."""
    try:
        Programme.decode(stored[2:])
    except ProtocolError:
        return False
    return True


def _runs(running: bytes, version: int, part: int, parts: int, data: bytes) -> bool:
    """Whether this is a part, sent again, of the programme in force."""
    if not running or int.from_bytes(running[:2], "little") != version:
        return False
    at = 2 + part * MAX_PART_LEN
    return parts == (len(running) - 3) // MAX_PART_LEN + 1 and data == running[at : at + MAX_PART_LEN]
