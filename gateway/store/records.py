"""The table of records: append-only, in the order of acceptance, and so the outbox of every publisher.

Each row carries a checksum of all its columns, its id included; what does not match is never handed out.
Ids grow and are never given twice, although old rows are deleted: the newest row stays (`gateway.store.retention`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import apsw

from gateway.readings.record import Kind, Record
from gateway.store.faults import StoreError
from gateway.store.rows import fetch, insert

_ALL = 1 << 62  # above every id
_SIGN = 1 << 31  # as in gateway.store.checksum
_KINDS = {kind.value: kind for kind in Kind}


class StoredRecord(NamedTuple):
    """A record and its place in the order of acceptance; a tuple, as a publisher reads thousands a second."""

    id: int
    record: Record


@dataclass(frozen=True, slots=True)
class Page:
    """Some records in order. last_id: where the next page begins after, also when the last rows were damaged.

    damaged: ids of rows that do not match their checksum; they are left out. more: whether there may be others.
    """

    records: tuple[StoredRecord, ...]
    last_id: int
    damaged: tuple[int, ...]
    more: bool


class RecordWriter:
    """Appends; it knows the next id. The one there is belongs to whoever owns the writing connection."""

    def __init__(self) -> None:
        self._next_id: int | None = None

    def append(self, database: apsw.Connection, records: Sequence[Record]) -> None:
        """Append in order, in the caller's transaction; when that fails, `forget` must be called."""
        first = self._first_free(database) if self._next_id is None else self._next_id
        self._next_id = first + len(records)
        insert(database, "record", map(_to_row, range(first, self._next_id), records))

    @property
    def last_id(self) -> int:
        """The id appended last, 0 when that is not known."""
        return 0 if self._next_id is None else self._next_id - 1

    def forget(self) -> None:
        """A transaction failed: look the next id up again."""
        self._next_id = None

    @staticmethod
    def _first_free(database: apsw.Connection) -> int:
        # After a file was salvaged a cursor may stand behind its records; what comes next must be ahead of it.
        newest, delivered = fetch(
            database, "SELECT (SELECT max(id) FROM record), (SELECT max(delivered_id) FROM cursor)"
        )[0]
        return max(newest or 0, delivered or 0) + 1


def records_after(database: apsw.Connection, after: int, limit: int, upto: int | None = None) -> Page:
    """Up to *limit* rows with an id above *after* (and not above *upto*), verified, in order.

    Raises apsw.CorruptError when a page of the file is beyond reading.
    """
    return _page(database, "id > ? AND id <= ? ORDER BY id", (after, _ALL if upto is None else upto, limit), after)


def records_before(database: apsw.Connection, before: int | None, limit: int) -> Page:
    """Up to *limit* rows with an id below *before* (None: from the newest), newest first; last_id is the lowest."""
    return _page(database, "id < ? ORDER BY id DESC", (_ALL if before is None else before, limit), before or 0)


def id_range(database: apsw.Connection) -> tuple[int, int]:
    """The lowest and the highest id there is; (1, 0) when there are no records."""
    # Two look-ups at the ends of the table; min and max in one SELECT would scan it.
    low, high = fetch(database, "SELECT (SELECT min(id) FROM record), (SELECT max(id) FROM record)")[0]
    return (low, high) if low is not None else (1, 0)


def delete_records(database: apsw.Connection, ids: Iterable[int]) -> None:
    """Delete by id, in the caller's transaction; which ones is `gateway.store.retention`'s to decide."""
    database.executemany("DELETE FROM record WHERE id = ?", [(row_id,) for row_id in ids])


def row_checksum(row: Sequence[Any]) -> int:
    """The checksum of the ten columns before `crc`."""
    row_id, kind, device, epoch, seq, received_ms, boot, observed_ms, time_error_s, content = row
    head = f"{row_id},{kind},{device},{epoch},{seq},{received_ms},{boot},{observed_ms},{time_error_s};"
    return crc32(content, crc32(head.encode())) - _SIGN


def _to_row(row_id: int, record: Record) -> tuple[Any, ...]:
    row = (
        row_id,
        record.kind.value,
        record.device,
        record.epoch,
        record.seq,
        record.received_ms,
        record.boot,
        record.observed_ms,
        record.time_error_s,
        record.content,
    )
    return (*row, row_checksum(row))


def _page(database: apsw.Connection, where: str, bindings: tuple[int, ...], after: int) -> Page:
    try:
        rows = fetch(database, f"SELECT * FROM record WHERE {where} LIMIT ?", bindings)
    except StoreError:
        rows = _one_by_one(database, where, bindings)
    records = []
    damaged = []
    for row in rows:
        stored = _from_row(row)
        if stored is None:
            damaged.append(row[0])
        else:
            records.append(stored)
    last_id = rows[-1][0] if rows else after
    return Page(tuple(records), last_id, tuple(damaged), len(rows) == bindings[-1])


def _one_by_one(database: apsw.Connection, where: str, bindings: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """The rows of a page of which one cannot even be fetched; that one is no more than its id."""
    rows = []
    for (row_id,) in fetch(database, f"SELECT id FROM record WHERE {where} LIMIT ?", bindings):
        try:
            rows += fetch(database, "SELECT * FROM record WHERE id = ?", (row_id,))
        except StoreError:
            rows.append((row_id, *[None] * 10))
    return rows


def _from_row(row: tuple[Any, ...]) -> StoredRecord | None:
    """None: the row is not what was written. Flipped bits can make a text or a null of anything."""
    (row_id, kind, device, epoch, seq, received_ms, boot, observed_ms, time_error_s, content, crc) = row
    if type(content) is not bytes or row_checksum(row[:10]) != crc:
        return None
    record = Record(
        kind=_KINDS[kind],
        device=device,
        epoch=epoch,
        seq=seq,
        received_ms=received_ms,
        boot=boot,
        observed_ms=observed_ms,
        time_error_s=time_error_s,
        content=content,
    )
    return StoredRecord(row_id, record)
