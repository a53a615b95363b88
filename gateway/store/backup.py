"""Copies of the whole database: made while the gateway runs, verified, and put back on a blank machine."""

import contextlib
import os
import shutil
from pathlib import Path

import apsw

from gateway.store import sessions
from gateway.store.database import FileLock, open_database, quick_check, read_database
from gateway.store.faults import FaultKind, StoreError, explain
from gateway.store.files import put_in_place, rebuilt_name, sync_folder
from gateway.store.migrate import migrate, migrations, version_of
from gateway.store.records import id_range
from gateway.store.snapshot import raise_counters

PAGES = 512  # copied in one go: some 10 ms, and an answer never waits longer for the writer
KEPT = 7  # scheduled backups: a week of nights
_NAME = "lampyre-*.sqlite"


class Backup:
    """A copy on its way. Call `step` again and again as an `alone` call of the writer until it says True."""

    def __init__(self, target: Path, pages: int = PAGES) -> None:
        """pages: copied in a step. Raises StoreError when there is a file at *target*."""
        if target.exists():
            raise StoreError(FaultKind.IO, f"{target}: is there already; a backup never replaces a file")
        self._target = target
        self._pages = pages
        self._partial = target.with_name(target.name + ".part")
        self._copy: apsw.Connection | None = None
        self._backup: apsw.Backup | None = None

    def step(self, database: apsw.Connection) -> bool:
        """Copy some pages; True: the copy is whole, verified and in place. What is written meanwhile is in it.

        Raises StoreError when it cannot be; nothing of it stays then.
        """
        try:
            if self._backup is None:
                self._begin(database)
            assert self._backup is not None
            self._backup.step(self._pages)
            if not self._backup.done:
                return False
            self._finish()
        except (apsw.Error, OSError) as error:
            self.cancel()
            if isinstance(error, apsw.Error):
                raise explain(error, str(self._target)) from error
            raise StoreError(FaultKind.IO, f"{self._target}: {error.strerror}") from error
        except StoreError:
            self.cancel()
            raise
        return True

    def cancel(self) -> None:
        """Leave it; what was copied goes."""
        self._close()
        for part in ("", "-journal"):
            with contextlib.suppress(OSError):
                self._partial.with_name(self._partial.name + part).unlink()

    def _begin(self, database: apsw.Connection) -> None:
        self._target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = int(database.pragma("page_count")) * int(database.pragma("page_size"))
        free = shutil.disk_usage(self._target.parent).free
        if free < size * 11 // 10:
            raise StoreError(
                FaultKind.FULL,
                f"{self._target}: a backup takes {size >> 20} MB, {free >> 20} MB are free there; name another disk",
            )
        self._partial.unlink(missing_ok=True)
        os.close(os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._copy = apsw.Connection(str(self._partial))
        self._backup = self._copy.backup("main", database, "main")

    def _finish(self) -> None:
        assert self._copy is not None
        assert self._backup is not None
        self._backup.close()
        self._backup = None
        self._copy.pragma("journal_mode", "DELETE")  # all of it in one file that can be carried away
        self._close()
        verify(self._partial)
        self._partial.replace(self._target)
        sync_folder(self._target.parent)

    def _close(self) -> None:
        if self._backup is not None:
            self._backup.close(True)
            self._backup = None
        if self._copy is not None:
            self._copy.close(True)
            self._copy = None


def verify(path: Path) -> int:
    """Look through a backup; returns how many ids of records it spans. Raises StoreError when it cannot be trusted."""
    try:
        database = read_database(path)
        try:
            finding = quick_check(database)
            if finding is not None:
                raise StoreError(FaultKind.CORRUPT, f"{path}: is no backup, or a damaged one ({finding}); take another")
            if version_of(database) == migrations()[-1][0]:
                sessions.load_devices(database)
            low, high = id_range(database)
            return high - low + 1
        finally:
            database.close(True)
    except apsw.Error as error:
        raise explain(error, str(path)) from error


def newest_ms(folder: Path) -> int | None:
    """Unix ms of when the newest backup in *folder* was made; None: there is none that can be seen."""
    with contextlib.suppress(OSError):
        return max((path.stat().st_mtime_ns // 1_000_000 for path in folder.glob(_NAME)), default=None)
    return None


def forget_old(folder: Path, kept: int = KEPT) -> list[Path]:
    """Delete all but the newest *kept* backups that bear a name as `backup_name` gives; returns which."""
    old = sorted(folder.glob(_NAME))[:-kept]
    for path in old:
        path.unlink()
    return old


def backup_name(stamp: str) -> str:
    """The file name of a scheduled backup; *stamp* sorts by time, such as 20261122T031500."""
    return _NAME.replace("*", stamp)


def restore(backup: Path, path: Path, stamp: str) -> Path | None:
    """Put *backup* in place of the database at *path*; returns where the one that was there is now.

    Counters are raised so that no node needs a visit. Raises StoreError when the gateway runs, or the backup is damaged
    or newer than this program: then all is as before.
    """
    verify(backup)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(path)
    partial = path.with_name(path.name + ".restoring")
    try:
        _fill(backup, partial)
        partial.replace(rebuilt_name(path))
        sync_folder(path.parent)
        aside = put_in_place(rebuilt_name(path), path, f"before-restore-{stamp}")
    except apsw.Error as error:
        raise explain(error, str(path)) from error
    finally:
        for part in ("", "-wal", "-shm"):
            partial.with_name(partial.name + part).unlink(missing_ok=True)
        lock.close()
    return aside


def _fill(backup: Path, partial: Path) -> None:
    for part in ("", "-wal", "-shm"):
        partial.with_name(partial.name + part).unlink(missing_ok=True)
    database = open_database(partial)
    source = read_database(backup)
    try:
        with database.backup("main", source, "main") as copying:
            copying.step()
        migrate(database)
        with database:
            raise_counters(database)
        database.pragma("journal_mode", "DELETE")  # all of it in the one file that is renamed
    finally:
        source.close(True)
        database.close(True)
