"""Bringing a file to the newest schema: each step in one transaction, after a copy of the file was put beside it."""

import os
import re
from importlib import resources
from pathlib import Path

import apsw

from gateway.store.faults import FaultKind, StoreError

KEPT_COPIES = 3  # of files before a migration: as many steps back as anybody goes, and a bounded share of the card
_NAME = re.compile(r"(\d{4})_\w+\.sql")


def migrations() -> list[tuple[int, str]]:
    """The numbers and SQL of all steps there are, in order, from 1 without gaps."""
    found = []
    for file in resources.files("gateway.store.migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            found.append((int(match[1]), file.read_text(encoding="utf-8")))
    found.sort()
    assert [number for number, _ in found] == list(range(1, len(found) + 1)), "migrations are numbered from 1"
    return found


def version_of(database: apsw.Connection) -> int:
    """The number of the last step the file has been through; 0: it is new."""
    return int(database.pragma("user_version") or 0)


def migrate(database: apsw.Connection, steps: list[tuple[int, str]] | None = None, upto: int | None = None) -> int:
    """Apply the *steps* that *database* lacks, up to number *upto*; returns how many.

    A file that holds something is copied first. Raises StoreError when a newer program wrote the file, apsw.Error
    when SQLite cannot do it: then the file is as before the failing step.
    """
    steps = migrations() if steps is None else steps
    version = version_of(database)
    newest = steps[-1][0]
    if version > newest:
        raise StoreError(
            FaultKind.NEWER,
            f"{database.filename or 'the database'}: written by a newer Lampyre (schema {version}, this program knows"
            f" {newest}); install that version again, or restore a backup made before the update",
        )
    pending = [step for step in steps if step[0] > version and (upto is None or step[0] <= upto)]
    if pending and version and database.filename:
        _copy(database, Path(database.filename), version)
    for number, sql in pending:
        database.execute("BEGIN IMMEDIATE")
        try:
            database.execute(sql)
            database.pragma("user_version", number)
            database.execute("COMMIT")
        except BaseException:
            if not database.get_autocommit():
                database.execute("ROLLBACK")
            raise
    return len(pending)


def _copy(database: apsw.Connection, path: Path, version: int) -> None:
    """Put the file as it is beside itself, whole or not at all, and forget the oldest copies."""
    copy = path.with_name(f"{path.name}.before-{version + 1:04d}")
    partial = copy.with_name(copy.name + ".part")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT, 0o600))
    target = apsw.Connection(str(partial))
    try:
        with target.backup("main", database, "main") as backup:
            backup.step()
    finally:
        target.close()
    partial.replace(copy)
    for old in sorted(path.parent.glob(f"{path.name}.before-????"))[:-KEPT_COPIES]:
        old.unlink()
