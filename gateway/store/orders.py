"""The table of orders: the open ones until they are over, and the last finished ones to show."""

from collections.abc import Collection

import apsw

from gateway.store.rows import fetch
from gateway.store.writes import KeepOrder

KEPT = 1000  # finished orders: the ring of an operator who asks what happened last night
_COLUMNS = (
    "id, target_device, target_group, wire_id, verb, description, payload, source, made_ms, expiry_gps_s, state,"
    " detail, tries, changed_ms"
)


def write_order(database: apsw.Connection, write: KeepOrder) -> None:
    """Keep the order as it stands; what was kept under its id is replaced."""
    database.execute(
        f"INSERT OR REPLACE INTO node_order ({_COLUMNS}) VALUES ({', '.join('?' * 14)})",
        tuple(getattr(write, name.strip()) for name in _COLUMNS.split(",")),
    )


def list_orders(
    database: apsw.Connection, before: int | None = None, limit: int = 100, states: Collection[str] = ()
) -> list[KeepOrder]:
    """Up to *limit* orders with an id below *before*, newest first; states: only those, if any are given."""
    wanted = f" AND state IN ({', '.join('?' * len(states))})" if states else ""
    rows = fetch(
        database,
        f"SELECT {_COLUMNS} FROM node_order WHERE id < ?{wanted} ORDER BY id DESC LIMIT ?",
        ((1 << 62) if before is None else before, *states, limit),
    )
    names = [name.strip() for name in _COLUMNS.split(",")]
    return [KeepOrder(**dict(zip(names, row, strict=True))) for row in rows]


def next_order_id(database: apsw.Connection) -> int:
    """An id that no order ever had, as far as this file knows: raised after a restore."""
    newest, floor = fetch(database, "SELECT (SELECT max(id) FROM node_order), (SELECT max(id) FROM order_floor)")[0]
    return max(newest or 0, floor or 0) + 1


def raise_order_ids(database: apsw.Connection, step: int) -> None:
    """Skip *step* ids: a node takes an id that it has seen for a repeat, and does not obey. In a transaction."""
    floor = next_order_id(database) - 1 + step
    database.execute("DELETE FROM order_floor")
    database.execute("INSERT INTO order_floor VALUES (?)", (floor,))


def forget_orders(database: apsw.Connection, finished: Collection[str], kept: int = KEPT) -> int:
    """Delete all but the newest *kept* orders whose state is one of *finished*; returns how many. In a transaction."""
    marks = ", ".join("?" * len(finished))
    raise_order_ids(database, 0)
    database.execute(
        f"DELETE FROM node_order WHERE state IN ({marks}) AND id NOT IN"
        f" (SELECT id FROM node_order WHERE state IN ({marks}) ORDER BY id DESC LIMIT ?)",
        (*finished, *finished, kept),
    )
    return database.changes()
