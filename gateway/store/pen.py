"""What writes on one connection: each batch in one transaction, and the log brought home when nobody waits.

After the card failed the connection is opened again, with the next batch.
"""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.network.events import Commit
from gateway.store.apply import write_apart, write_commits
from gateway.store.batch import Call, Item
from gateway.store.database import BUSY_MS, checkpoint
from gateway.store.faults import DAMAGE_KINDS, DISK_KINDS, FaultKind, StoreError, explain, kind_of
from gateway.store.records import RecordWriter, id_range

Open = Callable[[], apsw.Connection]
_Write = Callable[[apsw.Connection, RecordWriter, list[Commit]], int]
_LOG_GROWTH = 8  # after a checkpoint that a reader held up, the next is tried when the log grew by an eighth
_LOG_FACTOR = 2  # 8 MiB: from here on readers are waited for
_READERS_MS = 100  # a page of rows takes a few ms; somebody who holds one for longer is not waited for


@dataclass(slots=True)
class Figures:
    """What was written since the start."""

    commits: int = 0
    transactions: int = 0
    records: int = 0
    last_record_id: int = 0  # of all that are committed
    failures: int = 0
    discarded: int = 0  # commits that came after one that failed
    checkpoints: int = 0  # those that a reader held up included
    log_pages: int = 0  # now in the log


class Pen:
    """Writes batches on one connection, which it opens again after the card failed."""

    def __init__(self, open_: Open, log_pages: int) -> None:
        self._open = open_
        self._log_pages = log_pages
        self._database: apsw.Connection | None = None
        self._records = RecordWriter()
        self._log_pages_tried = 0
        self.left_out: list[str] = []  # sentences on what cannot be written, to be told
        self.damage: StoreError | None = None  # met by a call or while housekeeping, where no commit fails of it
        self.figures = Figures()
        self.where = ":memory:"

    def database(self) -> apsw.Connection:
        """The connection; opened if need be. Raises apsw.Error or StoreError."""
        if self._database is None:
            try:
                self._database = self._open()
            except OSError as error:
                raise StoreError(FaultKind.IO, f"the store cannot be opened again: {error}") from error
            self.where = self._database.filename or ":memory:"
            self._database.set_wal_hook(self._note_log)
            self._records.forget()
            self.figures.last_record_id = max(self.figures.last_record_id, id_range(self._database)[1])
        return self._database

    def write(self, batch: list[Item]) -> StoreError | None:
        """Write a batch in one transaction and answer its calls; an error: nothing of it is on disk."""
        if isinstance(batch[0], Call) and batch[0].alone:
            self._call_alone(batch[0])
            return None
        answers: list[tuple[Call, Any, BaseException | None]] = []
        failed = self._try(batch, answers, write_commits)
        if failed is not None and failed.kind is FaultKind.OTHER and any(isinstance(item, Commit) for item in batch):
            # It would fail as often as it is tried, and with it all that comes after: the culprit alone stays out.
            answers.clear()
            left_out: list[str] = []
            failed = self._try(batch, answers, functools.partial(write_apart, left_out=left_out))
            if failed is None:
                self.left_out += left_out
        if failed is not None:
            for item in batch:
                if isinstance(item, Call):
                    item.answer(None, failed)
            return failed
        self.figures.transactions += 1
        for call, value, refusal in answers:
            call.answer(value, refusal)
        return None

    def housekeep(self) -> None:
        """Bring the log home when it is long; called when nobody waits for an answer."""
        if (
            self.figures.log_pages < max(self._log_pages, self._log_pages_tried + self._log_pages // _LOG_GROWTH)
            or self._database is None
        ):
            return
        self._log_pages_tried = self.figures.log_pages
        self.figures.checkpoints += 1
        try:
            if self.figures.log_pages >= self._log_pages * _LOG_FACTOR:
                self._database.set_busy_timeout(_READERS_MS)
                self._database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
                left = 0
            else:
                left = checkpoint(self._database)
        except apsw.BusyError:
            return  # a reader holds the log; there will be another time
        except apsw.Error as error:
            self._give_up(error)
            return
        finally:
            if self._database is not None:
                self._database.set_busy_timeout(BUSY_MS)
        if not left:
            self.figures.log_pages = 0  # the next commit begins at its start, unless a reader still looks at it

    def close(self) -> None:
        """Bring the log home and close the connection."""
        if self._database is not None:
            with contextlib.suppress(apsw.Error):  # the log is as good; the next start reads it
                checkpoint(self._database)
            self._database.close()
            self._database = None

    def _try(
        self, batch: list[Item], answers: list[tuple[Call, Any, BaseException | None]], write: _Write
    ) -> StoreError | None:
        try:
            self._transaction(batch, answers, write)
        except Exception as error:
            return self._give_up(error)
        return None

    def _transaction(
        self, batch: list[Item], answers: list[tuple[Call, Any, BaseException | None]], write: _Write
    ) -> None:
        database = self.database()
        database.execute("BEGIN IMMEDIATE")
        commits: list[Commit] = []
        added = count = last_id = 0
        for item in batch:
            if isinstance(item, Commit):
                commits.append(item)
                count += 1
            else:
                added += write(database, self._records, commits)
                last_id = max(last_id, self._records.last_id)  # before the call, which makes it forgotten
                commits = []
                answers.append((item, *self._call(database, item)))
        added += write(database, self._records, commits)
        database.execute("COMMIT")
        self.figures.commits += count
        self.figures.records += added
        self.figures.last_record_id = max(self.figures.last_record_id, last_id, self._records.last_id)

    def _call(self, database: apsw.Connection, call: Call) -> tuple[Any, BaseException | None]:
        """Run a call within the transaction; what it refuses undoes only what it did itself."""
        database.execute("SAVEPOINT call")
        try:
            value = call.function(database)
        except Exception as error:
            if database.get_autocommit() or (isinstance(error, apsw.Error) and kind_of(error) in DISK_KINDS):
                raise
            database.execute("ROLLBACK TO call")
            database.execute("RELEASE call")
            self._records.forget()
            return None, explain(error, self.where) if isinstance(error, apsw.Error) else error
        database.execute("RELEASE call")
        self._records.forget()  # it may have added or deleted records
        return value, None

    def _call_alone(self, call: Call) -> None:
        try:
            value = call.function(self.database())
        except (apsw.Error, StoreError) as error:
            call.answer(None, self._give_up(error))
        except Exception as error:
            self._undo()
            call.answer(None, error)
        else:
            call.answer(value, None)
        self._records.forget()

    def _give_up(self, error: Exception) -> StoreError:
        if isinstance(error, apsw.Error):
            failed = explain(error, self.where)
            if failed.kind in DAMAGE_KINDS:
                self.damage = failed
        elif isinstance(error, StoreError):
            failed = error
        else:  # a mistake of ours in what is to be written: that batch is lost, the gateway goes on
            failed = StoreError(FaultKind.OTHER, f"{self.where}: {type(error).__name__}: {error}; report this")
        self.figures.failures += 1
        self._undo()
        if failed.kind not in (FaultKind.FULL, FaultKind.OTHER, FaultKind.IN_USE):
            self._let_go()
        return failed

    def _undo(self) -> None:
        self._records.forget()
        if self._database is not None and not self._database.get_autocommit():
            try:
                self._database.execute("ROLLBACK")
            except apsw.Error:
                self._let_go()

    def _let_go(self) -> None:
        """After an error of the card SQLite's own state is not to be trusted: the next batch opens the file again."""
        if self._database is not None:
            with contextlib.suppress(apsw.Error):
                self._database.close(True)
            self._database = None

    def _note_log(self, _database: apsw.Connection, _name: str, pages: int) -> int:
        self.figures.log_pages = pages
        if pages < self._log_pages_tried:
            self._log_pages_tried = 0
        return apsw.SQLITE_OK
