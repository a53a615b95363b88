"""Virtual time: one heap of events, in the order of time and, at equal times, of their making."""

from collections.abc import Callable
from heapq import heappop, heappush

_Plan = tuple[int, int, Callable[[], None]]  # when, which one of those then, what


class Timeline:
    """Runs callbacks at virtual times in µs; `now_us` is the time of the one that runs.

    until_us: where the run ends that is under way, or ended.
    """

    def __init__(self) -> None:
        self.now_us = 0
        self.until_us = 0
        self._heap: list[_Plan] = []
        self._inner: list[_Plan] = []
        self._sequence = 0

    def at(self, time_us: int, do: Callable[[], None]) -> None:
        """Call *do* at *time_us*; a time that has passed means now, after what is already due."""
        self._plan(self._heap, time_us, do)

    def at_inner(self, time_us: int, do: Callable[[], None]) -> None:
        """As `at`, of what matters to nobody else but those who listen to the air then."""
        self._plan(self._inner, time_us, do)

    def _plan(self, heap: "list[_Plan]", time_us: int, do: Callable[[], None]) -> None:
        self._sequence += 1
        now_us = self.now_us
        heappush(heap, (time_us if time_us > now_us else now_us, self._sequence, do))

    def next_us(self) -> int | None:
        """When the next callback is due; None: nothing is planned."""
        heap = self._next()
        return heap[0][0] if heap else None

    def quiet_us(self, listening: bool = True) -> int:
        """Before when nothing is planned, and nobody comes from outside. listening: to the air, see `at_inner`."""
        heap = self._next() if listening else self._heap
        if heap and heap[0][0] <= self.until_us:
            return heap[0][0]
        return self.until_us + 1

    def run(self, until_us: int) -> None:
        """Run everything up to and including *until_us*; afterwards it is that time."""
        self.until_us = until_us
        heap = self._next()
        while heap and heap[0][0] <= until_us:
            self.now_us, _, do = heappop(heap)
            do()
            heap = self._next()
        self.now_us = until_us

    def _next(self) -> "list[_Plan]":
        heap, inner = self._heap, self._inner
        return inner if inner and (not heap or inner[0] < heap[0]) else heap
