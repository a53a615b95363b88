"""The tables of publishers: how far each is, and which records it had to park."""

from dataclasses import dataclass

import apsw

from gateway.store.checksum import checksum
from gateway.store.rows import fetch

MAX_PARKED = 1000  # of each publisher: enough to see what the broker refuses; the rest is only counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a publisher is. delivered_id: all records up to it have left or are parked, so retention may take them.

    state: the publisher's own text, with what is beyond (its lanes).
    """

    publisher: str
    delivered_id: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record the broker refused *tries* times; parked_ms: Unix time, 0 while nobody knows it."""

    publisher: str
    record_id: int
    tries: int
    reason: str
    parked_ms: int


def keep_cursor(database: apsw.Connection, cursor: Cursor) -> None:
    """Keep how far a publisher is; in a transaction."""
    row = (cursor.publisher, cursor.delivered_id, cursor.state)
    database.execute(
        "INSERT INTO cursor VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET delivered_id = ?2, state = ?3, crc = ?4",
        (*row, checksum(*row)),
    )


def load_cursor(database: apsw.Connection, publisher: str) -> Cursor | None:
    """How far the publisher is. None: unknown, or damaged; then it begins at the oldest record."""
    for name, delivered_id, state, crc in fetch(database, "SELECT * FROM cursor WHERE publisher = ?", (publisher,)):
        if checksum(name, delivered_id, state) == crc:
            return Cursor(publisher=name, delivered_id=delivered_id, state=state)
    return None


def forget_cursor(database: apsw.Connection, publisher: str) -> None:
    """The publisher is no more; it must not hold records back."""
    database.execute("DELETE FROM cursor WHERE publisher = ?", (publisher,))
    database.execute("DELETE FROM parked WHERE publisher = ?", (publisher,))


def delivered_by_all(database: apsw.Connection) -> int | None:
    """The highest id up to which every publisher has delivered; None when there is no publisher."""
    delivered_id: int | None = fetch(database, "SELECT min(delivered_id) FROM cursor")[0][0]
    return delivered_id


def park(database: apsw.Connection, parked: Parked) -> None:
    """Remember a record that is not tried again by itself; the oldest beyond MAX_PARKED is forgotten."""
    database.execute(
        "INSERT OR REPLACE INTO parked (publisher, record_id, tries, reason, parked_ms) VALUES (?, ?, ?, ?, ?)",
        (parked.publisher, parked.record_id, parked.tries, parked.reason, parked.parked_ms),
    )
    database.execute(
        "DELETE FROM parked WHERE publisher = ?1 AND record_id <= (SELECT record_id FROM parked WHERE publisher = ?1"
        " ORDER BY record_id DESC LIMIT 1 OFFSET ?2)",
        (parked.publisher, MAX_PARKED),
    )


def unpark(database: apsw.Connection, publisher: str, record_id: int) -> None:
    """The record left after all, or is tried again."""
    database.execute("DELETE FROM parked WHERE publisher = ? AND record_id = ?", (publisher, record_id))


def list_parked(database: apsw.Connection, publisher: str) -> list[Parked]:
    """All parked records, by id; at most MAX_PARKED."""
    return [
        Parked(publisher=name, record_id=record_id, tries=tries, reason=reason, parked_ms=parked_ms)
        for name, record_id, tries, reason, parked_ms in fetch(
            database,
            "SELECT publisher, record_id, tries, reason, parked_ms FROM parked WHERE publisher = ? ORDER BY record_id",
            (publisher,),
        )
    ]
