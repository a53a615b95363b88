"""A store's writer that writes within `submit` and `call`, and somebody who listens to any writer."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import apsw

from gateway.network.events import Commit, Committed
from gateway.store.batch import Call
from gateway.store.database import WAL_PAGES
from gateway.store.pen import Figures, Open, Pen
from gateway.store.writer import Deliver, Died, Failed, LeftOut, Result

Value = TypeVar("Value")


class InlineWriter:
    """Same interface and same transactions as `gateway.store.writer.Writer`: no thread, nothing grouped."""

    overloaded = False
    queued = 0
    alive = True

    def __init__(self, open_: Open, deliver: Deliver, *, log_pages: int = WAL_PAGES) -> None:
        self._pen = Pen(open_, log_pages)
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


class Told:
    """What a writer told, and a way to wait for it."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._news = threading.Condition()

    def __call__(self, result: Result) -> None:
        with self._news:
            self.results.append(result)
            self._news.notify_all()

    def wait_for(self, result: Result) -> None:
        with self._news:
            assert self._news.wait_for(lambda: result in self.results, timeout=60), self.results

    def wait_for_kind(self, kind: type) -> Result:
        with self._news:
            assert self._news.wait_for(lambda: any(type(told) is kind for told in self.results), timeout=60)
            return next(told for told in self.results if type(told) is kind)
