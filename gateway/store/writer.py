"""The one place that writes the database: a thread with the one writing connection, or, in virtual time, the caller.

What the network server decides comes as a stream of commits. `deliver` is told which are on disk, or that they are
not: then everything submitted is discarded until `resume`, because it was decided on a state that is not on disk.
"""

import contextlib
import functools
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import apsw

from gateway.network.events import Commit, Committed
from gateway.store.apply import write_apart, write_commits
from gateway.store.batch import GROUP_MS, MAX_QUEUED, MOST, Batcher, Call, Item
from gateway.store.database import BUSY_MS, WAL_PAGES, checkpoint
from gateway.store.faults import DAMAGE_KINDS, DISK_KINDS, FaultKind, StoreError, explain, kind_of
from gateway.store.records import RecordWriter, id_range
from gateway.timekeeping import Clock, Handle

Value = TypeVar("Value")
OVERLOADED = MAX_QUEUED * 4 // 5  # refuse uplinks from here on: what was decided already still finds room
_LOG_GROWTH = 8  # after a checkpoint that a reader held up, the next is tried when the log grew by an eighth
_LOG_FACTOR = 2  # 8 MiB: from here on readers are waited for
_READERS_MS = 100  # a page of rows takes a few ms; somebody who holds one for longer is not waited for
_TIMES = 256  # commits whose duration is remembered


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing submitted since the last Committed is on disk. Tell the server CommitsFailed, then call `resume`."""

    error: StoreError


@dataclass(frozen=True, slots=True)
class Died:
    """End the process: the writer has ended by a mistake of ours, or a call that it made met a damaged page."""

    detail: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was to be written never can be, by a mistake of ours; all else of its commit is on disk."""

    detail: str


Result = Committed | Failed | Died | LeftOut
Deliver = Callable[[Result], None]
Open = Callable[[], apsw.Connection]
_Write = Callable[[apsw.Connection, RecordWriter, list[Commit]], int]


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


class _Pen:
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
                    _answer(item.future, None, failed)
            return failed
        self.figures.transactions += 1
        for call, value, refusal in answers:
            _answer(call.future, value, refusal)
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
                last_id = max(last_id, self._records.last_id)  # before the call: it may change the table by itself
                commits = []
                last_id = max(last_id, self._records.last_id)  # the call makes it forgotten
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
            _answer(call.future, None, self._give_up(error))
        except Exception as error:
            self._undo()
            _answer(call.future, None, error)
        else:
            _answer(call.future, value, None)
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


class Writer:
    """Writes in a thread of its own.

    deliver: called from that thread with each Result, in order (`loop.call_soon_threadsafe` fits). open_: opens the
    writing connection; it is called in the thread, and again after the card failed. log_pages: when the log goes home.
    """

    def __init__(
        self, open_: Open, deliver: Deliver, *, group_ms: int = GROUP_MS, most: int = MOST, log_pages: int = WAL_PAGES
    ) -> None:
        self._pen = _Pen(open_, log_pages)
        self._deliver = deliver
        self._most = most
        self._batcher = Batcher(group_ms, most)
        self._wake = threading.Condition()
        self._closing = False
        self._overflowed = False
        self._times_ms: deque[float] = deque(maxlen=_TIMES)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def overloaded(self) -> bool:
        """Whether uplinks should be refused (OVERLOAD) before anything is decided on them."""
        return len(self._batcher) >= OVERLOADED

    @property
    def queued(self) -> int:
        """How many commits and calls wait."""
        return len(self._batcher)

    @property
    def alive(self) -> bool:
        """Whether the thread runs; the watchdog is not to be fed when it does not."""
        return self._thread.is_alive()

    @property
    def figures(self) -> Figures:
        """What was written so far; read it, do not change it."""
        self._pen.figures.discarded = self._batcher.discarded
        return self._pen.figures

    def commit_ms(self) -> list[float]:
        """How long the last transactions took, the physical sync included, shortest first."""
        return sorted(self._times_ms)

    def submit(self, commit: Commit) -> None:
        """Write *commit* after those before it; `deliver` tells when it is on disk. Never blocks."""
        with self._wake:
            if len(self._batcher) >= MAX_QUEUED and not self._batcher.failed:
                self._batcher.fail()
                self._overflowed = True  # the thread tells it, after what it is writing now
                self._wake.notify()
            was_empty = not len(self._batcher)
            self._batcher.add(commit, _now_ms(), urgent=commit.at_once)
            # The thread is only woken for what it does not know yet: waking it for each uplink costs more than the row.
            if was_empty or commit.at_once or len(self._batcher) == self._most:
                self._wake.notify()

    def call(
        self, function: Callable[[apsw.Connection], Value], *, alone: bool = False, urgent: bool = True
    ) -> "Future[Value]":
        """Run *function* on the writing connection, after all commits before it; its value or error is the future's.

        It runs inside a transaction, and its error undoes only what it did. alone: outside of any, for what makes its
        own (a backup, a slice of retention). urgent: False lets it wait for company like a commit that is not at once.
        """
        future: Future[Value] = Future()
        with self._wake:
            if self._closing:
                future.set_exception(StoreError(FaultKind.IN_USE, "the store is closed"))
                return future
            self._batcher.add(Call(function, future, alone), _now_ms(), urgent=urgent)
            self._wake.notify()
        return future

    def resume(self) -> None:
        """Commits count again: the server has been told that those before failed."""
        with self._wake:
            self._batcher.resume()

    def close(self, timeout_s: float | None = None) -> bool:
        """Write all that waits, close the file and end the thread; whether that was done within *timeout_s*."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                batch = self._next_batch()
                if not batch:
                    break
                self._write(batch)
                self._pen.housekeep()
                self._tell_damage()
            self._pen.close()
        except BaseException as error:
            with contextlib.suppress(Exception):  # it may be what ended this
                self._deliver(Died(f"the store's writer ended with {type(error).__name__}: {error}"))
            self._fail_calls()
            raise

    def _next_batch(self) -> list[Item]:
        with self._wake:
            while True:
                if self._overflowed:
                    self._overflowed = False
                    self._deliver(Failed(StoreError(FaultKind.FULL, _overflow())))
                due_ms = self._batcher.due_ms()
                if due_ms is None and self._closing:
                    return []
                if due_ms is not None and (self._closing or due_ms <= _now_ms()):
                    return self._batcher.take()
                self._wake.wait(None if due_ms is None else (due_ms - _now_ms()) / 1000)

    def _write(self, batch: list[Item]) -> None:
        begin = time.perf_counter()
        error = self._pen.write(batch)
        self._times_ms.append((time.perf_counter() - begin) * 1000)
        self._tell_left_out()
        tokens = [item.token for item in batch if isinstance(item, Commit)]
        if not tokens:
            return
        if error is None:
            self._deliver(Committed(token=tokens[-1]))
            return
        with self._wake:
            self._batcher.fail()
            self._pen.damage = None  # it is the error that is told
            self._overflowed = False  # one failure is all the server can go back from at once
            self._deliver(Failed(error))

    def _tell_left_out(self) -> None:
        for sentence in self._pen.left_out:
            self._deliver(LeftOut(sentence))
        self._pen.left_out.clear()

    def _tell_damage(self) -> None:
        damage, self._pen.damage = self._pen.damage, None
        if damage is not None:
            self._deliver(Died(str(damage)))

    def _fail_calls(self) -> None:
        with self._wake:
            self._closing = True
            while batch := self._batcher.take():
                for item in batch:
                    if isinstance(item, Call):
                        _answer(item.future, None, StoreError(FaultKind.OTHER, "the store's writer has ended"))


class InlineWriter:
    """Writes within `submit`, for virtual time: same interface, same transactions, no thread, nothing grouped."""

    overloaded = False
    queued = 0
    alive = True

    def __init__(self, open_: Open, deliver: Deliver, *, log_pages: int = WAL_PAGES) -> None:
        self._pen = _Pen(open_, log_pages)
        self._deliver = deliver
        self._failed = False

    @property
    def figures(self) -> Figures:
        """What was written so far."""
        return self._pen.figures

    def commit_ms(self) -> list[float]:
        """Nothing: virtual time does not pass while writing."""
        return []

    def submit(self, commit: Commit) -> None:
        """Write *commit*; `deliver` is told before this returns."""
        if self._failed:
            self._pen.figures.discarded += 1
            return
        error = self._pen.write([commit])
        left_out, self._pen.left_out = self._pen.left_out, []
        for sentence in left_out:
            self._deliver(LeftOut(sentence))
        if error is None:
            self._deliver(Committed(token=commit.token))
        else:
            self._failed = True
            self._pen.damage = None
            self._deliver(Failed(error))
        self._pen.housekeep()

    def call(
        self, function: Callable[[apsw.Connection], Value], *, alone: bool = False, urgent: bool = True
    ) -> "Future[Value]":
        """Run *function* now; the future is done when this returns."""
        future: Future[Value] = Future()
        self._pen.write([Call(function, future, alone)])
        damage, self._pen.damage = self._pen.damage, None
        if damage is not None:
            self._deliver(Died(str(damage)))
        return future

    def resume(self) -> None:
        """Commits count again."""
        self._failed = False

    def close(self, timeout_s: float | None = None) -> bool:
        """Close the file."""
        self._pen.close()
        return True


class TimedWriter:
    """Groups as `Writer` does and writes within the call or at an alarm of *clock*: for virtual time, without a thread.

    deliver: called with each Result before what led to it returns. `drop` is what a power cut does.
    """

    alive = True

    def __init__(self, open_: Open, deliver: Deliver, clock: Clock, *, log_pages: int = WAL_PAGES) -> None:
        self._pen = _Pen(open_, log_pages)
        self._deliver = deliver
        self._clock = clock
        self._batcher = Batcher()
        self._alarm: Handle | None = None

    @property
    def overloaded(self) -> bool:
        """Whether uplinks should be refused."""
        return len(self._batcher) >= OVERLOADED

    @property
    def queued(self) -> int:
        """How many commits and calls wait for company."""
        return len(self._batcher)

    @property
    def figures(self) -> Figures:
        """What was written so far."""
        self._pen.figures.discarded = self._batcher.discarded
        return self._pen.figures

    def submit(self, commit: Commit) -> None:
        """Write *commit* after those before it: before this returns if it is to be at once, else within 2 s."""
        self._batcher.add(commit, self._clock.now_ms(), urgent=commit.at_once)
        self._go_on()

    def call(
        self, function: Callable[[apsw.Connection], Value], *, alone: bool = False, urgent: bool = True
    ) -> "Future[Value]":
        """See `Writer.call`."""
        future: Future[Value] = Future()
        self._batcher.add(Call(function, future, alone), self._clock.now_ms(), urgent=urgent)
        self._go_on()
        return future

    def resume(self) -> None:
        """Commits count again."""
        self._batcher.resume()

    def flush(self) -> None:
        """Write all that waits."""
        while batch := self._batcher.take():
            self._write(batch)

    def drop(self) -> None:
        """Forget what waits."""
        self._batcher = Batcher()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def close(self, timeout_s: float | None = None) -> bool:
        """Write all that waits and close the file."""
        self.flush()
        self.drop()
        self._pen.close()
        return True

    def _go_on(self) -> None:
        """Write what is due, and set an alarm for the rest."""
        while (due_ms := self._batcher.due_ms()) is not None and due_ms <= self._clock.now_ms():
            self._write(self._batcher.take())
        if due_ms is not None and self._alarm is None:
            self._alarm = self._clock.call_at(due_ms, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._go_on()

    def _write(self, batch: list[Item]) -> None:
        error = self._pen.write(batch)
        tokens = [item.token for item in batch if isinstance(item, Commit)]
        if tokens and error is None:
            self._deliver(Committed(token=tokens[-1]))
        elif tokens and error is not None:
            self._batcher.fail()
            self._deliver(Failed(error))
        self._pen.housekeep()


def _answer(future: "Future[Any]", value: Any, error: BaseException | None) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def _overflow() -> str:
    return f"{MAX_QUEUED} commits wait to be written: the card does not keep up; look at `lampyre gateway doctor`"


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
