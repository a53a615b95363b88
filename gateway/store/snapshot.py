"""The registry snapshot: what a gateway needs so that no node notices that its database was lost.

A small file beside the database, rewritten when the registry or a session changes and every hour: devices, keys,
sessions, nonces, groups, places, as rows of their tables, with the schema they belong to. Restored, every FCntDown and
group counter is raised by 4,096 and JoinNonce by 256: as many may have been used since it was written.

Format: a line with the SHA-256 of the rest in hex, then JSON; bytes are {"hex": "…"}. Mode 0600, as it holds keys.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from gateway.store import counters, cursors, groups, orders, records, sessions
from gateway.store.faults import FaultKind, StoreError
from gateway.store.files import write_private
from gateway.store.migrate import migrate, version_of
from gateway.store.rows import fetch

# Parents before children, for the foreign keys.
TABLES = ("device", "session", "counter", "multicast_group", "group_member", "place", "installed", "order_floor")
LIGHT_TABLES = ("light_programme", "light_group", "light_lamp")  # since schema 4
F_CNT_DOWN_STEP = 4096  # far more downlinks than one device gets in an hour, or a lamp in a week
JOIN_NONCE_STEP = 256  # joins of one device in a week of an old backup
ORDER_STEP = 4096  # as for FCntDown: a node takes an order id it has seen for a repeat
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table, of the columns named."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry as it was at made_ms (Unix, None: nobody knew), of the schema with that number.

    backlog: records that had not left then, all of them where nothing is published.
    """

    schema: int
    made_ms: int | None
    tables: dict[str, Table] = field(repr=False)
    backlog: int = 0


def take_snapshot(database: apsw.Connection, made_ms: int | None) -> Snapshot:
    """Read the registry, in one transaction so that all of it is of one moment; a reading connection will do."""
    with database:
        tables = {name: read_table(database, name) for name in TABLES + LIGHT_TABLES}
        # Orders do not go along, but no id of theirs may be given again.
        tables["order_floor"] = Table(("id",), [(orders.next_order_id(database) - 1,)])
        version = version_of(database)
        backlog = records.id_range(database)[1] - (cursors.delivered_by_all(database) or 0)
    return Snapshot(version, made_ms, tables, max(backlog, 0))


def read_table(database: apsw.Connection, name: str) -> Table:
    """All rows of a small table. Raises apsw.Error when a page cannot be read."""
    columns = tuple(row[1] for row in fetch(database, f"PRAGMA table_info({name})"))
    return Table(columns, fetch(database, f"SELECT {', '.join(columns)} FROM {name}"))


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write the file atomically; the one before stays as `<name>.previous`. Raises OSError when it cannot be."""
    body = json.dumps(
        {
            "format": _FORMAT,
            "schema": snapshot.schema,
            "made_ms": snapshot.made_ms,
            "backlog": snapshot.backlog,
            "tables": {name: [table.columns, table.rows] for name, table in snapshot.tables.items()},
        },
        default=lambda value: {"hex": value.hex()},
        separators=(",", ":"),
    ).encode()
    if path.exists():
        path.replace(_previous(path))
    write_private(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def read_snapshot(path: Path) -> Snapshot | None:
    """The snapshot, or the one before it if that is damaged; None: there is none that can be trusted."""
    for candidate in (path, _previous(path)):
        try:
            return _parse(candidate.read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def fill(database: apsw.Connection, tables: dict[str, Table]) -> None:
    """Put rows into the empty tables of a database of the same schema, in the caller's transaction."""
    for name, table in tables.items():
        marks = ", ".join("?" * len(table.columns))
        database.executemany(f"INSERT INTO {name} ({', '.join(table.columns)}) VALUES ({marks})", table.rows)


def restore_snapshot(database: apsw.Connection, snapshot: Snapshot) -> None:
    """Fill a new database from *snapshot*, bring it to the newest schema, and skip the counters."""
    migrate(database, upto=snapshot.schema)
    if version_of(database) != snapshot.schema:
        raise StoreError(
            FaultKind.NEWER,
            f"the registry snapshot has schema {snapshot.schema}, this program knows {version_of(database)};"
            " install the Lampyre that wrote it, or a newer one",
        )
    with database:
        fill(database, snapshot.tables)
    migrate(database)
    with database:
        raise_counters(database)


def raise_counters(database: apsw.Connection) -> None:
    """Skip all that may have been used since a copy was made, and doubt what was heard by then. In a transaction."""
    sessions.raise_after_restore(database, F_CNT_DOWN_STEP, JOIN_NONCE_STEP)
    groups.raise_f_cnt_down(database, F_CNT_DOWN_STEP)
    orders.raise_order_ids(database, ORDER_STEP)
    counters.doubt_logs(database)


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


def _parse(content: bytes) -> Snapshot:
    """Raises ValueError, KeyError or TypeError when it is not what was written."""
    digest, _, body = content.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("the registry snapshot does not match its checksum")
    read = json.loads(body, object_hook=lambda value: bytes.fromhex(value["hex"]) if "hex" in value else value)
    if read["format"] != _FORMAT:
        raise ValueError(f"the registry snapshot has format {read['format']}, this program knows {_FORMAT}")
    tables = {
        name: Table(tuple(columns), [tuple(row) for row in rows]) for name, (columns, rows) in read["tables"].items()
    }
    return Snapshot(read["schema"], read["made_ms"], tables, read.get("backlog", 0))
