"""Virtual time: events in the order of time and, at equal times, of their making.

A heap of a town's events is some thirteen levels deep, and each step through it meets events that nobody has touched
for minutes. So only those of the next seconds are in a heap; later ones lie unsorted on shelves until their time is
near.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush

_SHELF_US = 1 << 22  # about four seconds: some five hundred events of 5,000 nodes
_ALWAYS_US = -(1 << 62)

_Event = tuple[int, int, Callable[[], None]]


class Timeline:
    """Runs callbacks at virtual times in µs; `now_us` is the time of the one that runs.

    until_us: where the run ends that is under way, or ended.
    """

    def __init__(self) -> None:
        self.now_us = 0
        self.until_us = 0
        self._sequence = 0
        self._near: list[_Event] = []  # a heap of all events before _far_us
        self._far_us = _ALWAYS_US
        self._shelves: dict[int, list[_Event]] = {}  # the others, by time // _SHELF_US
        self._numbers: list[int] = []  # a heap of the shelves there are

    def at(self, time_us: int, do: Callable[[], None]) -> None:
        """Call *do* at *time_us*; a time that has passed means now, after what is already due."""
        self._sequence += 1
        if time_us < self.now_us:
            time_us = self.now_us
        event = time_us, self._sequence, do
        if time_us < self._far_us:
            heappush(self._near, event)
            return
        number = time_us // _SHELF_US
        shelf = self._shelves.get(number)
        if shelf is None:
            self._shelves[number] = [event]
            heappush(self._numbers, number)
        else:
            shelf.append(event)

    def next_us(self) -> int | None:
        """When the next callback is due; None: nothing is planned."""
        return self._near[0][0] if self._near or self._fetch() else None

    def quiet_us(self) -> int:
        """Before when nothing is planned, and nobody comes from outside."""
        if (self._near or self._fetch()) and self._near[0][0] <= self.until_us:
            return self._near[0][0]
        return self.until_us + 1

    def run(self, until_us: int) -> None:
        """Run everything up to and including *until_us*; afterwards it is that time."""
        self.until_us = until_us
        near = self._near
        while (near or self._fetch()) and near[0][0] <= until_us:
            self.now_us, _, do = heappop(near)
            do()
        self.now_us = until_us

    def _fetch(self) -> bool:
        """Nothing is near any more: the next shelf is; whether there is one."""
        if not self._numbers:
            return False
        number = heappop(self._numbers)
        self._near.extend(self._shelves.pop(number))
        heapify(self._near)
        self._far_us = (number + 1) * _SHELF_US
        return True
