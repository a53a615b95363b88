"""The one place that writes the database: a thread with the one writing connection (in virtual time, `timed_writer`).

What the network server decides comes as a stream of commits. `deliver` is told which are on disk, or that they are
not: then everything submitted is discarded until `resume`, because it was decided on a state that is not on disk.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import apsw

from gateway.network.events import Commit, Committed
from gateway.store.batch import GROUP_MS, MAX_QUEUED, MOST, Batcher, Call, Item
from gateway.store.database import WAL_PAGES
from gateway.store.faults import FaultKind, StoreError
from gateway.store.pen import Figures, Open, Pen

Value = TypeVar("Value")
OVERLOADED = MAX_QUEUED * 4 // 5  # refuse uplinks from here on: what was decided already still finds room
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


class Writer:
    """Writes in a thread of its own.

    deliver: called from that thread with each Result, in order (`loop.call_soon_threadsafe` fits). open_: opens the
    writing connection; it is called in the thread, and again after the card failed. log_pages: when the log goes home.
    """

    def __init__(
        self, open_: Open, deliver: Deliver, *, group_ms: int = GROUP_MS, most: int = MOST, log_pages: int = WAL_PAGES
    ) -> None:
        self._pen = Pen(open_, log_pages)
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
                        item.answer(None, StoreError(FaultKind.OTHER, "the store's writer has ended"))


def _overflow() -> str:
    return f"{MAX_QUEUED} commits wait to be written: the card does not keep up; look at `lampyre gateway doctor`"


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
