"""Saving what can be read of a damaged file into a new one.

Row by row with checksums, as pages may be beyond reading: SQLite's own recovery is not part of apsw. The registry comes
whole from the damaged file if every row of it holds, else whole from the snapshot, so that it is of one moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from gateway.store import devices, groups, sessions
from gateway.store.faults import StoreError
from gateway.store.migrate import migrate, migrations, version_of
from gateway.store.records import row_checksum
from gateway.store.rows import fetch
from gateway.store.snapshot import TABLES, Snapshot, Table, fill, raise_counters, read_table

_EXTRA = ("boot", "cursor", "parked", "quarantine", "node_order")  # each for itself: worth having, not worth guessing
_SLICE = 200  # rows read at once; when that fails, one by one
_STEADY = 64  # looks one by one: a page holds some 20 rows; then the steps grow
_HOPELESS = 20_000  # looks without a row: three million ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was saved. registry: from the "file", the "snapshot" or "nothing".

    damaged: at least so many records are lost. tables: which others were saved.
    """

    registry: str
    records: int
    damaged: int
    tables: tuple[str, ...]


def salvage(damaged: Path | None, database: apsw.Connection, snapshot: Snapshot | None) -> Salvaged:
    """Fill the new *database* from the file *damaged* and from *snapshot*; counters are raised.

    damaged: None if it is gone.
    """
    old = None if damaged is None else _open(damaged)
    try:
        return _salvage(old, database, snapshot)
    finally:
        if old is not None:
            old.close(True)


def _salvage(old: apsw.Connection | None, database: apsw.Connection, snapshot: Snapshot | None) -> Salvaged:
    schema = _schema_of(old)
    registry = _registry(old) if schema else None
    source = "file" if registry is not None else "snapshot" if snapshot is not None else "nothing"
    if registry is None and snapshot is not None:
        registry = snapshot.tables
        if schema != snapshot.schema:  # from before a migration: the file's other tables may not fit beside it
            old, schema = None, snapshot.schema
    migrate(database, upto=schema or None)
    records = lost = 0
    tables: tuple[str, ...] = ()
    with database:
        fill(database, registry or {})
        if old is not None and schema:
            tables = _extra(old, database)
            records, lost = _records(old, database)
    migrate(database)
    with database:
        raise_counters(database)
    return Salvaged(registry=source, records=records, damaged=lost, tables=tables)


def _open(path: Path) -> apsw.Connection | None:
    try:
        old = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)  # closing must not bring a bad log home
        old.pragma("cell_size_check", True)
        fetch(old, "SELECT count(*) FROM sqlite_schema")
    except apsw.Error:
        return None
    return old


def _schema_of(old: apsw.Connection | None) -> int:
    """The schema of the damaged file, 0 when it is not to be believed."""
    if old is None:
        return 0
    try:
        version = version_of(old)
    except apsw.Error:
        return 0
    return version if 0 < version <= len(migrations()) else 0


def _registry(old: apsw.Connection | None) -> dict[str, Table] | None:
    """The registry's tables, None unless every row of them is as it was written."""
    if old is None:
        return None
    try:
        if devices.damaged_devices(old):
            return None
        sessions.load_devices(old)
        groups.load_groups(old)
        return {name: read_table(old, name) for name in TABLES}
    except (apsw.Error, StoreError, ValueError, UnicodeDecodeError):
        return None


def _extra(old: apsw.Connection, database: apsw.Connection) -> tuple[str, ...]:
    saved = []
    for name in _EXTRA:
        try:
            table = read_table(old, name)
            with database:
                fill(database, {name: table})
        except (apsw.Error, UnicodeDecodeError):
            continue
        saved.append(name)
    return tuple(saved)


def _records(old: apsw.Connection, database: apsw.Connection) -> tuple[int, int]:
    saved = lost = 0
    for row in _readable(old):
        if row is None or not _holds(row):
            lost += 1
            continue
        # Two pages may claim the same rows; the first that holds is as good as the second.
        database.execute("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        saved += database.changes()
    return saved, lost


def _holds(row: tuple[Any, ...]) -> bool:
    return type(row[9]) is bytes and row_checksum(row[:10]) == row[10]


def _readable(old: apsw.Connection) -> Iterator[tuple[Any, ...] | None]:
    """Rows of `record` by id; None for each look behind a page that cannot be read.

    SQLite finds the row behind *after* on the page where it would be; while that page cannot be read, *after* moves on,
    ever faster, as it may be a page above thousands of rows.
    """
    after = misses = 0
    while misses < _HOPELESS:
        limit = 1 if misses else _SLICE
        try:
            rows = fetch(old, "SELECT * FROM record WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
        except (apsw.Error, UnicodeDecodeError):
            if misses:
                after += 1 + misses // _STEADY
                yield None
            misses += 1
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1][0]
        misses = 0
