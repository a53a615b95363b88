"""Fetching rows: always all of a statement at once, as one left open would hold the log and let it grow."""

from typing import Any

import apsw

from gateway.store.faults import FaultKind, StoreError


def fetch(database: apsw.Connection, sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a SELECT that bounds them itself.

    Raises apsw.Error, and StoreError when a flipped bit has made text of what cannot be one.
    """
    try:
        return database.execute(sql, bindings).fetchall()
    except UnicodeDecodeError as error:
        raise StoreError(FaultKind.CORRUPT, f"a text in {database.filename} is not UTF-8: {error}") from None
