"""The writer of virtual time: it has no thread, and writes within what is asked of it, or at an alarm of its clock."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import apsw

from gateway.network.events import Commit, Committed
from gateway.store.batch import Batcher, Call, Item
from gateway.store.database import WAL_PAGES
from gateway.store.pen import Figures, Open, Pen
from gateway.store.writer import OVERLOADED, Deliver, Died, Failed, LeftOut
from gateway.timekeeping import Clock, Handle

Value = TypeVar("Value")


class TimedWriter:
    """Groups as `Writer` does and writes within the call or at an alarm of *clock*.

    deliver: called with each Result before what led to it returns. `drop` is what a power cut does.
    """

    alive = True

    def __init__(self, open_: Open, deliver: Deliver, clock: Clock, *, log_pages: int = WAL_PAGES) -> None:
        self._pen = Pen(open_, log_pages)
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
        left_out, self._pen.left_out = self._pen.left_out, []
        for sentence in left_out:
            self._deliver(LeftOut(sentence))
        tokens = [item.token for item in batch if isinstance(item, Commit)]
        if tokens and error is None:
            self._deliver(Committed(token=tokens[-1]))
        elif tokens and error is not None:
            self._batcher.fail()
            self._deliver(Failed(error))
        damage, self._pen.damage = self._pen.damage, None
        if damage is not None and (error is None or not tokens):
            self._deliver(Died(str(damage)))
        self._pen.housekeep()
