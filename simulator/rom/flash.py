"""A NOR flash chip: erasing a sector sets all its bits, writing can only clear them."""

import hashlib

SECTOR = 4096
_SIZES_MB = {1: 0x14, 2: 0x15, 4: 0x16, 8: 0x17, 16: 0x18}  # JEDEC: the size as a power of two
_MAKER = 0xC8  # GigaDevice
_KIND = 0x40


class Flash:
    """size_mb: 1 to 16. content: survives everything; blank when it is new. erased: sectors, in all its life."""

    def __init__(self, size_mb: int, content: bytes = b"") -> None:
        self.size_mb = size_mb
        self.content = bytearray(content.ljust(size_mb << 20, b"\xff"))
        self.erased = 0

    @property
    def jedec_id(self) -> int:
        """What it answers to RDID, as a little-endian number."""
        return _SIZES_MB[self.size_mb] << 16 | _KIND << 8 | _MAKER

    def holds(self, at: int, length: int) -> bool:
        """Whether so many bytes from there on are on it."""
        return min(at, length) >= 0 and at + length <= len(self.content)

    def erase(self, at: int, length: int) -> None:
        """Erase all sectors that the range touches."""
        begin, end = at // SECTOR * SECTOR, -(-(at + length) // SECTOR) * SECTOR
        self.content[begin:end] = b"\xff" * (end - begin)
        self.erased += (end - begin) // SECTOR

    def write(self, at: int, data: bytes) -> None:
        """Clear the bits that are clear in *data*."""
        kept = int.from_bytes(self.content[at : at + len(data)], "big")
        self.content[at : at + len(data)] = (kept & int.from_bytes(data, "big")).to_bytes(len(data), "big")

    def md5(self, at: int, length: int) -> bytes:
        """The digest of a range."""
        return hashlib.md5(memoryview(self.content)[at : at + length], usedforsecurity=False).digest()
