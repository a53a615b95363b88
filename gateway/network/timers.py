"""When devices and groups want to be looked at again."""

from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """Something with one alarm."""

    timer_ms: int | None


T = TypeVar("T", bound=Timed)


class Timers(Generic[T]):
    """One alarm for each: an earlier one replaces a later one, which is left where it is and means nothing any more."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._count = 0

    def set(self, target: T, at_ms: int | None) -> None:
        """Let *target* be due at that time, unless it is before."""
        if at_ms is None or (target.timer_ms is not None and target.timer_ms <= at_ms):
            return
        target.timer_ms = at_ms
        self._count += 1  # so that no two targets are ever compared
        heappush(self._heap, (at_ms, self._count, target))

    def next_at(self) -> int | None:
        """When the next alarm rings."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_ms: int) -> T | None:
        """One whose alarm rings."""
        while self._heap and self._heap[0][0] <= now_ms:
            at_ms, _, target = heappop(self._heap)
            if target.timer_ms == at_ms:
                target.timer_ms = None
                return target
        return None
