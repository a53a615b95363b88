"""Fetching rows: always all of a statement at once, as one left open would hold the log and let it grow."""

from typing import Any

import apsw


def fetch(database: apsw.Connection, sql: str, bindings: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All rows of a SELECT that bounds them itself."""
    return database.execute(sql, bindings).fetchall()
