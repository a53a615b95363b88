"""Opening the store: the lock, the check, the schema, and what happens when the file is damaged."""

import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from gateway.store import devices, groups, sessions
from gateway.store.database import FileLock, open_database, quick_check, read_database
from gateway.store.faults import DAMAGE_KINDS, FaultKind, StoreError, explain, kind_of
from gateway.store.files import exists, put_in_place, rebuilt_name, sync_folder
from gateway.store.migrate import migrate
from gateway.store.retention import Reserve
from gateway.store.salvage import salvage
from gateway.store.snapshot import read_snapshot
from gateway.store.wal import log_fault
from gateway.store.writer import Deliver, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things are: all beside the database, so that moving the folder moves the gateway."""

    database: Path

    @property
    def snapshot(self) -> Path:
        """The registry snapshot."""
        return self.database.with_name("registry.snapshot")

    @property
    def reserve(self) -> Path:
        """Space kept back, so that deletes succeed on a full disk."""
        return self.database.with_name(self.database.name + ".reserve")

    @property
    def backups(self) -> Path:
        """The folder of scheduled backups."""
        return self.database.with_name("backups")


class Store:
    """An open store: exclusive, checked, of the newest schema.

    notes: what an operator must know of how it was opened, sentences; each is an alarm.
    """

    def __init__(
        self, path: Path, *, durable: bool = True, max_bytes: int | None = None, check: bool = True, stamp: str = ""
    ) -> None:
        """Open or make the database at *path*.

        durable: False in virtual time. max_bytes: what the file may grow to. check: whether SQLite looks through the
        whole file, some 30 s per GB on a card. stamp: what a damaged file's new name carries, a date or the boot.
        Raises StoreError when another process has it, a newer program wrote it, or it cannot be used.
        """
        self.layout = Layout(database=path)
        self._durable = durable
        self._max_bytes = max_bytes
        self.notes: list[str] = []
        self._lock = _lock(path)
        try:
            self._prepare(check, stamp or time.strftime("%Y%m%dT%H%M%S", time.gmtime()))
        except apsw.Error as error:
            self._lock.close()
            raise explain(error, str(path)) from error
        except OSError as error:
            self._lock.close()
            raise StoreError(FaultKind.IO, f"{path}: {error.strerror}; check owner and mount of its folder") from error
        except BaseException:
            self._lock.close()
            raise

    def connect(self) -> apsw.Connection:
        """A connection that writes; there must be one at a time."""
        return open_database(self.layout.database, durable=self._durable, max_bytes=self._max_bytes)

    def reader(self) -> apsw.Connection:
        """A connection that reads, for one thread."""
        return read_database(self.layout.database)

    def writer(self, deliver: Deliver) -> Writer:
        """The thread that writes; *deliver* is called from it."""
        return Writer(self.connect, deliver)

    def reserve(self) -> Reserve:
        """The space kept back."""
        return Reserve(self.layout.reserve)

    def close(self) -> None:
        """Let another process have it; writer and readers must be closed."""
        self._lock.close()

    def _prepare(self, check: bool, stamp: str) -> None:
        path, rebuilt = self.layout.database, rebuilt_name(self.layout.database)
        if rebuilt.exists() and not path.exists():  # the power went when the old file was just set aside
            put_in_place(rebuilt, path, f"corrupt-{stamp}")
        rebuilt.unlink(missing_ok=True)  # the power went before: the old file stands, and is looked at anew
        found = exists(path)
        finding = self._examine(check) if found else None
        if finding is not None:
            self._rebuild(path, finding, stamp)
        elif not found and self.layout.snapshot.exists():
            self._rebuild(None, "it is gone, but its registry snapshot is there", stamp)
        elif not found:
            database = self.connect()
            migrate(database)
            database.close()

    def _examine(self, check: bool) -> str | None:
        """Bring the file to the newest schema; what is wrong with it, None: nothing."""
        path = self.layout.database
        try:
            # Reading only, because SQLite deletes a log that it cannot read as soon as it may write.
            finding = log_fault(path.with_name(path.name + "-wal")) or (_structure_fault(path) if check else None)
            if finding is not None:
                return finding
            database = self.connect()
            try:
                migrate(database)
                return _registry_fault(database)
            finally:
                database.close(True)
        except apsw.Error as error:
            if kind_of(error) in DAMAGE_KINDS:
                return str(error)
            raise
        except StoreError as error:
            if error.kind in DAMAGE_KINDS:
                return str(error)
            raise

    def _rebuild(self, damaged: Path | None, finding: str, stamp: str) -> None:
        """Make a new file of what is left. A power cut at any point leaves the damaged file or the new one in place."""
        path = self.layout.database
        rebuilding, rebuilt = path.with_name(path.name + ".rebuilding"), rebuilt_name(path)
        for part in ("", "-wal", "-shm"):
            rebuilding.with_name(rebuilding.name + part).unlink(missing_ok=True)
        database = open_database(rebuilding, durable=self._durable)
        try:
            saved = salvage(damaged, database, read_snapshot(self.layout.snapshot))
            database.pragma("journal_mode", "DELETE")  # all of it in the one file that is renamed
        finally:
            database.close(True)
        rebuilding.replace(rebuilt)
        sync_folder(path.parent)
        aside = put_in_place(rebuilt, path, f"corrupt-{stamp}")
        where = f"it was set aside as {aside.name}" if damaged and aside else "nothing was left of it"
        self.notes.append(
            f"{path}: damaged ({finding}); {where}; {saved.records} records were saved, at least"
            f" {saved.damaged} are lost, nodes will be asked for {saved.missing} again, devices and keys are from:"
            f" {saved.registry}; check the card"
        )


def _lock(path: Path) -> FileLock:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            FaultKind.IO, f"{path.parent}: cannot be made: {error.strerror}; name another folder"
        ) from None
    return FileLock(path)


def _structure_fault(path: Path) -> str | None:
    database = read_database(path)
    try:
        return quick_check(database)
    finally:
        database.close(True)


def _registry_fault(database: apsw.Connection) -> str | None:
    damaged = devices.damaged_devices(database)
    if damaged:
        return f"the row of device {damaged[0]} does not match its checksum"
    sessions.load_devices(database)
    groups.load_groups(database)
    return None
