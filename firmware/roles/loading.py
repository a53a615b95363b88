"""How a programme reaches a lamp: its parts in any order, the last of which puts it in force, or shows it is none."""

from protocol.compat import const
from protocol.dimming import Programme
from protocol.errors import ProtocolError
from protocol.orders import MAX_PART_LEN

MISSING = const(0)  # parts, still
CHANGED = const(1)  # this was the last part: another programme is in force
IN_FORCE = const(2)  # it was already
REFUSED = const(3)  # this was the last part, and what came is no programme: the one before stays


class Loader:
    """stored: as persisted under "programme", b"" on a new lamp.

    programme: what runs, or None; stored: its version, two bytes little-endian, and its encoding. refused: the version
    of a stored programme that is none, or -1.
    """

    def __init__(self, stored: bytes) -> None:
        self.programme: Programme | None = None
        self.stored = b""
        self._version = -1  # of the parts below
        self._parts: list[bytes | None] = []
        self.refused = -1
        if stored and not self._use(stored):
            self.refused = int.from_bytes(stored[:2], "little")

    def load(self, version: int, part: int, parts: int, data: bytes) -> tuple[int, int]:
        """Take in part 0..parts-1; returns MISSING, CHANGED, IN_FORCE or REFUSED, and the bits of the parts here.

        A part of another programme forgets the parts of the one before.
        """
        if self._runs(version, part, parts, data):
            return IN_FORCE, 0
        if version != self._version or parts != len(self._parts):
            self._version = version
            self._parts = [None] * parts
        self._parts[part] = data
        arrived = 0
        stored = version.to_bytes(2, "little")
        for k, piece in enumerate(self._parts):
            if piece is not None:
                arrived |= 1 << k
                stored += piece
        if arrived != (1 << parts) - 1:
            return MISSING, arrived
        self._version = -1
        self._parts = []
        return (CHANGED if self._use(stored) else REFUSED), arrived

    def _runs(self, version: int, part: int, parts: int, data: bytes) -> bool:
        """Whether this is a part, sent again, of the programme in force."""
        stored = self.stored
        if not stored or int.from_bytes(stored[:2], "little") != version:
            return False
        at = 2 + part * MAX_PART_LEN
        return parts == (len(stored) - 3) // MAX_PART_LEN + 1 and data == stored[at : at + MAX_PART_LEN]

    def _use(self, stored: bytes) -> bool:
        try:
            self.programme = Programme.decode(stored[2:])
        except ProtocolError:
            return False
        self.stored = stored
        return True
