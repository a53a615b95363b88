"""Rows in and out: fetched always all of a statement at once, as one left open would hold the log and let it grow."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import apsw

from gateway.store.faults import FaultKind, StoreError

_TOGETHER = 32  # rows of one statement; more makes a row hardly cheaper


def fetch(database: apsw.Connection, sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a SELECT that bounds them itself.

    Raises apsw.Error, and StoreError when a flipped bit has made text of what cannot be one.
    """
    try:
        return database.execute(sql, bindings).fetchall()
    except UnicodeDecodeError as error:
        raise StoreError(FaultKind.CORRUPT, f"a text in {database.filename} is not UTF-8: {error}") from None


def insert(database: apsw.Connection, into: str, rows: Iterable[Sequence[Any]], conflict: str = "") -> None:
    """INSERT INTO *into* all *rows*, with *conflict* behind it, many rows to a statement. Raises apsw.Error.

    For each step of a statement the writer's thread lets go of the interpreter, and to get it back from a loop that
    hears uplinks takes longer than a row does.
    """
    left = iter(rows)
    while together := list(islice(left, _TOGETHER)):
        database.execute(_insert(into, len(together), len(together[0]), conflict), tuple(chain.from_iterable(together)))


@lru_cache(maxsize=4 * _TOGETHER)  # statements of the few tables that many rows go into
def _insert(into: str, rows: int, columns: int, conflict: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} {conflict}"
