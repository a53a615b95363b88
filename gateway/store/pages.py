"""Rows read straight from the pages of a damaged file (SQLite file format, sqlite.org/fileformat2.html §1.6, §2.1).

SQLite cannot reach what lies below a page that is damaged, and its recovery extension is not part of apsw. A row that
carries its own checksum needs no tree around it to be believed, so every page is looked at for itself.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Value = int | float | str | bytes | None
_LEAF = 0x0D
_WAL_HEADER, _FRAME_HEADER = 32, 24
_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8)


class _DamagedError(Exception):
    pass


def scan(path: Path, columns: int, page_size: int) -> Iterator[tuple[Value, ...]]:
    """Every row with so many columns on any leaf page of the file at *path* and of its log.

    The first column is taken for the row's id (INTEGER PRIMARY KEY). Rows may come twice, and long deleted ones too.
    """
    with path.open("rb") as file:

        def page(number: int) -> bytes:
            file.seek((number - 1) * page_size)
            return file.read(page_size)

        for number in range(1, path.stat().st_size // page_size + 1):
            yield from _rows(page(number), 100 if number == 1 else 0, columns, page)
    log = path.with_name(path.name + "-wal")
    if log.exists():
        yield from _scan_log(log, columns, page_size)


def _scan_log(log: Path, columns: int, page_size: int) -> Iterator[tuple[Value, ...]]:
    with log.open("rb") as file:
        file.seek(_WAL_HEADER)
        while len(frame := file.read(_FRAME_HEADER + page_size)) == _FRAME_HEADER + page_size:
            yield from _rows(frame[_FRAME_HEADER:], 0, columns, _no_page)


def _no_page(_number: int) -> bytes:
    """A row of the log that goes on on another page: which version of it cannot be told."""
    return b""


def _rows(page: bytes, begin: int, columns: int, other: Callable[[int], bytes]) -> Iterator[tuple[Value, ...]]:
    if len(page) <= begin + 8 or page[begin] != _LEAF:
        return
    cells = int.from_bytes(page[begin + 3 : begin + 5], "big")
    for index in range(min(cells, (len(page) - begin - 8) // 2)):
        at = begin + 8 + 2 * index
        try:
            row = _cell(page, int.from_bytes(page[at : at + 2], "big"), columns, other)
        except (_DamagedError, IndexError, UnicodeDecodeError):
            continue
        yield row


def _cell(page: bytes, at: int, columns: int, other: Callable[[int], bytes]) -> tuple[Value, ...]:
    size, at = _varint(page, at)
    row_id, at = _varint(page, at)
    usable = len(page)
    local = size
    if size > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= usable - 35 else least
    payload = page[at : at + local]
    if local < size:
        payload += _overflow(int.from_bytes(page[at + local : at + local + 4], "big"), size - local, usable, other)
    if len(payload) != size:
        raise _DamagedError
    return (row_id, *_values(payload, columns)[1:])


def _overflow(number: int, size: int, usable: int, other: Callable[[int], bytes]) -> bytes:
    content = b""
    while number and len(content) < size:  # each page adds to content, so a circle ends too
        page = other(number)
        if len(page) != usable:
            raise _DamagedError
        content += page[4:]
        number = int.from_bytes(page[:4], "big")
    return content[:size]


def _values(payload: bytes, columns: int) -> list[Value]:
    header, at = _varint(payload, 0)
    types = []
    while at < header:
        kind, at = _varint(payload, at)
        types.append(kind)
    if len(types) != columns or at != header:
        raise _DamagedError
    values: list[Value] = []
    for kind in types:
        value, at = _value(payload, at, kind)
        values.append(value)
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind <= 6:
        end = at + _INTEGER_SIZES[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind in (8, 9):
        return kind - 8, at
    if kind < 12:
        raise _DamagedError
    end = at + (kind - 12) // 2
    return (payload[at:end].decode() if kind % 2 else payload[at:end]), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9
