"""A clock that a test moves by hand, and one that goes faster than time."""

import asyncio
import heapq
from collections.abc import Callable

_PATIENCE = 10_000  # alarms at one moment


class HandClock:
    """Implements gateway.timekeeping.Clock. unix_offset_ms: what the machine's wall clock is ahead of this one."""

    def __init__(self, now_ms: int = 0, unix_offset_ms: int = 1_767_225_600_000) -> None:
        self.unix_offset_ms = unix_offset_ms
        self._now_ms = now_ms
        self._alarms: list[tuple[int, int, _Alarm]] = []
        self._sequence = 0

    def now_ms(self) -> int:
        return self._now_ms

    def unix_ms(self) -> int:
        return self._now_ms + self.unix_offset_ms

    def call_at(self, at_ms: int, do: Callable[[], None]) -> "_Alarm":
        self._sequence += 1
        alarm = _Alarm(do)
        heapq.heappush(self._alarms, (at_ms, self._sequence, alarm))
        return alarm

    def next_ms(self) -> int | None:
        """When the next alarm rings."""
        while self._alarms and self._alarms[0][2].do is None:
            heapq.heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def move_to(self, now_ms: int) -> None:
        """Let it be *now_ms*, after every alarm until then has rung in its turn."""
        rang = 0
        while (next_ms := self.next_ms()) is not None and next_ms <= now_ms:
            rang = rang + 1 if next_ms <= self._now_ms else 0
            assert rang < _PATIENCE, f"somebody wants to be woken at {next_ms} ms for ever"
            self._now_ms = max(self._now_ms, next_ms)
            do = heapq.heappop(self._alarms)[2].do
            if do is not None:
                do()
        self._now_ms = max(self._now_ms, now_ms)


class _Alarm:
    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        self.do = None


class FastClock:
    """Implements gateway.timekeeping.Clock on the event loop's time, *speed* times as fast."""

    def __init__(self, speed: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._speed = speed

    def now_ms(self) -> int:
        return int(self._loop.time() * 1000 * self._speed)

    def unix_ms(self) -> int:
        return self.now_ms()

    def call_at(self, at_ms: int, do: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_at(at_ms / 1000 / self._speed, do)
