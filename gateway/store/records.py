"""The tables of records and of counters, and the only code that writes them: one uplink is one transaction."""

import json
from collections.abc import Iterator
from typing import Any

import apsw

from gateway.network.events import Commit

_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY,
    dev_eui BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    message TEXT NOT NULL,
    UNIQUE (dev_eui, epoch, seq)
) STRICT;
CREATE TABLE IF NOT EXISTS counter (
    dev_eui BLOB PRIMARY KEY,
    f_cnt_up INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


class RecordStore:
    """What was accepted, in the order of acceptance; repeats of a record fold into the first."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database
        if not database.readonly("main"):
            database.execute(_SCHEMA)

    def commit(self, commit: Commit) -> int:
        """Write one uplink; returns how many of its records are new.

        Raises apsw.Error when SQLite cannot write; then nothing of it was written.
        """
        new = 0
        with self._database:
            self._database.execute(
                "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET f_cnt_up = ?2, epoch = ?3",
                (commit.dev_eui, commit.f_cnt_up, commit.epoch),
            )
            for record in reversed(commit.records):  # oldest first, as a reader expects
                self._database.execute(
                    "INSERT INTO record (dev_eui, epoch, seq, message) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (*record.key, json.dumps(record.to_message())),
                )
                new += self._database.changes()
        return new

    def messages(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """The published form of each record with an id above *after*, with that id, in order."""
        for row_id, message in self._database.execute(
            "SELECT id, message FROM record WHERE id > ? ORDER BY id", (after,)
        ):
            yield row_id, json.loads(message)
