"""What a database file says, whoever has it: read without a lock and without a configuration."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import apsw

from gateway.api.desk import Desk
from gateway.api.station import Json
from gateway.governance.defaults import datasets_of
from gateway.store.database import read_database
from gateway.store.opening import Layout
from gateway.store.records import id_range

_PAGE = 500  # rows in one go: a running gateway's log must not wait for a reader


def read_rows(path: Path, after: int = 0) -> Iterator[Json]:
    """What the records behind the id *after* say, oldest first.

    Raises apsw.NotADBError or apsw.SQLError for a file that is no gateway's, apsw.Error for one that cannot be read.
    """
    database = read_database(path)
    try:
        id_range(database)
        desk = Desk(
            layout=Layout(database=path),
            backups=path.parent,
            keep=1,
            read=database,
            write=_only_read,
            datasets=datasets_of("").values(),
            site="-",
        )
        cursor: int | None = after
        while cursor is not None:
            rows, cursor = asyncio.run(desk.readings(cursor, _PAGE))
            yield from rows
    finally:
        database.close(True)


def _only_read(function: object, *, alone: bool = False) -> NoReturn:
    raise apsw.ReadOnlyError("this connection reads")
