"""Whether the log was damaged: SQLite stops at the first frame that does not hold and takes the rest for never written.

That is right for the tail of a power cut, and wrong for a flipped bit: then commits that were acknowledged are gone
without a word, and downlink counters go back. So it is looked at before SQLite sees it (fileformat2.html §4).
"""

import struct
from pathlib import Path

_HEADER = struct.Struct(">8I")  # magic, format, page size, sequence, salt 1, salt 2, checksum 1, checksum 2
_FRAME = struct.Struct(">6I")  # page, pages after the commit or 0, salt 1, salt 2, checksum 1, checksum 2
_MAGIC_LITTLE, _MAGIC_BIG = 0x377F0682, 0x377F0683


def log_fault(log: Path) -> str | None:
    """What is wrong with the log at this path; None: nothing, or no more than a power cut may leave.

    A cut leaves at most one commit behind the first frame that does not hold: the one that was never acknowledged.
    """
    content = log.read_bytes() if log.exists() else b""
    if len(content) < _HEADER.size:
        return None
    magic, _, page_size, _, salt_1, salt_2, sum_1, sum_2 = _HEADER.unpack_from(content)
    order = {_MAGIC_LITTLE: "<", _MAGIC_BIG: ">"}.get(magic)
    if order is None or _checksum(content[:24], order, (0, 0)) != (sum_1, sum_2):
        return "the header of its log does not hold"
    sums = (sum_1, sum_2)
    holds = True
    lost = 0
    for at in range(_HEADER.size, len(content) - _FRAME.size - page_size + 1, _FRAME.size + page_size):
        _, commit, *salts, frame_1, frame_2 = _FRAME.unpack_from(content, at)
        if salts != [salt_1, salt_2]:
            if holds:  # from here on what the log held before it began anew
                break
            continue
        if holds:
            sums = _checksum(content[at : at + 8], order, sums)
            sums = _checksum(content[at + _FRAME.size : at + _FRAME.size + page_size], order, sums)
            holds = sums == (frame_1, frame_2)
        if not holds and commit:
            lost += 1
    return f"its log is damaged before {lost} commits" if lost > 1 else None


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
