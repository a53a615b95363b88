"""Opening the gateway's one SQLite file, with the settings that make a commit durable."""

from pathlib import Path

import apsw


def open_database(path: Path | str, *, durable: bool = True) -> apsw.Connection:
    """Open or create the file; ":memory:" for one that ends with the process.

    durable: False leaves out the physical sync, for runs in virtual time; code and transactions stay the same.
    Raises apsw.Error with SQLite's reason when the file cannot be used.
    """
    database = apsw.Connection(str(path))
    database.pragma("journal_mode", "WAL")
    database.pragma("synchronous", "FULL" if durable else "OFF")
    return database


def read_database(path: Path) -> apsw.Connection:
    """Open a file that exists, only to read: a file that turns out not to be a gateway's stays as it is.

    Raises apsw.Error with SQLite's reason when the file cannot be used.
    """
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
