"""Saving what can be read of a damaged file into a new one.

Records are believed by their own checksum, on whatever page they are found; for those that are lost nodes are asked
again. The registry comes whole from the damaged
file if every row of it holds, else whole from the snapshot, so that it is of one moment.
"""

from dataclasses import dataclass
from pathlib import Path

import apsw

from gateway.store import cursors, devices, groups, sessions
from gateway.store.database import PAGE_SIZE
from gateway.store.faults import StoreError
from gateway.store.lost_rows import miss_lost_rows
from gateway.store.migrate import migrate, migrations, version_of
from gateway.store.pages import scan
from gateway.store.records import row_checksum
from gateway.store.rows import fetch
from gateway.store.snapshot import LIGHT_TABLES, TABLES, Snapshot, Table, fill, raise_counters, read_table

_EXTRA = (
    "boot",
    "cursor",
    "parked",
    "quarantine",
    "node_order",
    "airtime",
    *LIGHT_TABLES,
    "light_override",
    "lamp_state",
    "lamp_fault",
    "feeder_outage",
    "lamp_night",
)  # each for itself: worth having, not worth guessing
_RECORD_COLUMNS = 11  # since the first schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was saved. registry: from the "file", the "snapshot" or "nothing".

    damaged: so many rows of records did not hold; others are lost without a trace. missing: numbers of nodes' logs that
    have no row any more, which the nodes will be asked for. tables: which others were saved.
    """

    registry: str
    records: int
    damaged: int
    missing: int
    tables: tuple[str, ...]


def salvage(damaged: Path | None, database: apsw.Connection, snapshot: Snapshot | None) -> Salvaged:
    """Fill the new *database* from the file *damaged* and from *snapshot*; counters are raised.

    damaged: None if it is gone.
    """
    old = None if damaged is None else _open(damaged)
    try:
        return _salvage(damaged, old, database, snapshot)
    finally:
        if old is not None:
            old.close(True)


def _salvage(
    damaged: Path | None, old: apsw.Connection | None, database: apsw.Connection, snapshot: Snapshot | None
) -> Salvaged:
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
        if damaged is not None:
            records, lost = _records(damaged, database)
    migrate(database)
    missing = 0
    with database:
        if damaged is not None or (snapshot is not None and snapshot.backlog):
            missing = miss_lost_rows(database, cursors.delivered_by_all(database) if "cursor" in tables else None)
        raise_counters(database)
    return Salvaged(registry=source, records=records, damaged=lost, missing=missing, tables=tables)


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
    except (apsw.Error, StoreError, ValueError):
        return None


def _extra(old: apsw.Connection, database: apsw.Connection) -> tuple[str, ...]:
    saved = []
    for name in _EXTRA:
        try:
            table = read_table(old, name)
            with database:
                fill(database, {name: table})
        except (apsw.Error, StoreError):
            continue
        saved.append(name)
    return tuple(saved)


def _records(damaged: Path, database: apsw.Connection) -> tuple[int, int]:
    """Copy every record of which the checksum holds; the order of pages is not the order of ids, SQLite sorts them."""
    saved = lost = 0
    for row in scan(damaged, _RECORD_COLUMNS, PAGE_SIZE):
        if type(row[9]) is not bytes or row_checksum(row[:10]) != row[10]:
            lost += 1
            continue
        database.execute("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        saved += database.changes()
    return saved, lost
