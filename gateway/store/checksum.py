"""A checksum for each row that matters: SQLite itself does not notice most flipped bits (facts/reliability.md §0.3)."""

from zlib import crc32

_SIGN = 1 << 31  # SQLite keeps 32 signed bits in 4 bytes, and 32 unsigned ones in 6


def checksum(*columns: int | str | bytes | None) -> int:
    """CRC-32 over *columns*, -2³¹..2³¹-1. Each goes in with its kind and length: none passes for two."""
    crc = 0
    for column in columns:
        if isinstance(column, bytes):
            crc = crc32(column, crc32(b"b%d:" % len(column), crc))
        elif isinstance(column, str):
            text = column.encode()
            crc = crc32(text, crc32(b"s%d:" % len(text), crc))
        else:
            crc = crc32(b"n;" if column is None else b"i%d;" % column, crc)
    return crc - _SIGN
