"""Virtual time: one heap of events, in the order of time and, at equal times, of their making."""

from collections.abc import Callable
from heapq import heappop, heappush


class Timeline:
    """Runs callbacks at virtual times in µs; `now_us` is the time of the one that runs.

    until_us: where the run ends that is under way, or ended.
    """

    def __init__(self) -> None:
        self.now_us = 0
        self.until_us = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0

    def at(self, time_us: int, do: Callable[[], None]) -> None:
        """Call *do* at *time_us*; a time that has passed means now, after what is already due."""
        self._sequence += 1
        now_us = self.now_us
        heappush(self._heap, (time_us if time_us > now_us else now_us, self._sequence, do))

    def next_us(self) -> int | None:
        """When the next callback is due; None: nothing is planned."""
        return self._heap[0][0] if self._heap else None

    def quiet_us(self) -> int:
        """Before when nothing is planned, and nobody comes from outside."""
        if self._heap and self._heap[0][0] <= self.until_us:
            return self._heap[0][0]
        return self.until_us + 1

    def run(self, until_us: int) -> None:
        """Run everything up to and including *until_us*; afterwards it is that time."""
        self.until_us = until_us
        heap = self._heap
        while heap and heap[0][0] <= until_us:
            self.now_us, _, do = heappop(heap)
            do()
        self.now_us = until_us
