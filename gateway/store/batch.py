"""Grouping commits: when the next transaction is due, what is in it, and that nothing follows one that failed.

Pure: it has no thread, no file and no clock. Whoever waits for an answer, a join, an order or an event is written at
once and takes along all that wait; the rest waits up to 2 s for company, because a commit writes whole pages.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import apsw

from gateway.network.events import Commit

GROUP_MS = 2000  # the longest a reading waits to be durable; the node's log repairs what a cut takes
MOST = 256  # items in one transaction: beyond it a commit costs no less per row, and the next answer would wait
MAX_QUEUED = 10_000  # commits, some 20 MB: five minutes of a busy concentrator while a card hangs


@dataclass(frozen=True, slots=True)
class Call:
    """A function that changes the store by itself. alone: it makes its own transactions, or none."""

    function: Callable[[apsw.Connection], Any]
    future: "Future[Any]"
    alone: bool = False

    def answer(self, value: Any, error: BaseException | None) -> None:
        """Tell whoever waits for it what came of it, unless that is nobody any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


Item = Commit | Call


class Batcher:
    """Collects items in order and says when to write which. Times in ms that only grow."""

    def __init__(self, group_ms: int = GROUP_MS, most: int = MOST) -> None:
        self._group_ms = group_ms
        self._most = most
        self._queue: deque[tuple[Item, int, bool]] = deque()  # with the time it came, and whether it waits for nobody
        self._urgent = 0
        self.failed = False  # until `resume`: what is decided meanwhile rests on what was not written
        self.discarded = 0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, item: Item, now_ms: int, *, urgent: bool) -> bool:
        """Take an item; False: it was discarded, because a commit failed and nobody has resumed yet."""
        if self.failed and isinstance(item, Commit):
            self.discarded += 1
            return False
        self._queue.append((item, now_ms, urgent))
        self._urgent += urgent
        return True

    def due_ms(self) -> int | None:
        """When the next batch wants to be written; in the past: now; None: nothing waits."""
        if not self._queue:
            return None
        first_ms = self._queue[0][1]
        return first_ms if self._urgent or len(self._queue) >= self._most else first_ms + self._group_ms

    def take(self) -> list[Item]:
        """The next batch, in order; a call that is to be alone comes alone."""
        batch: list[Item] = []
        while self._queue and len(batch) < self._most:
            item, _, urgent = self._queue[0]
            alone = isinstance(item, Call) and item.alone
            if alone and batch:
                break
            self._queue.popleft()
            self._urgent -= urgent
            batch.append(item)
            if alone:
                break
        return batch

    def fail(self) -> None:
        """A batch was not written: commits that came after it are discarded, calls stay."""
        self.failed = True
        kept = [entry for entry in self._queue if isinstance(entry[0], Call)]
        self.discarded += len(self._queue) - len(kept)
        self._queue = deque(kept)
        self._urgent = sum(urgent for _, _, urgent in kept)

    def resume(self) -> None:
        """The network server has gone back to what is written: commits count again."""
        self.failed = False
