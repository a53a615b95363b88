"""The process's clock, on the timeline; when the process is gone no alarm rings any more."""

from collections.abc import Callable

from simulator.timeline import Timeline


class Bell:
    """An alarm of the process's clock."""

    __slots__ = ("do",)

    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        """Do not ring."""
        self.do = None


class ProcessClock:
    """Implements `gateway.timekeeping.Clock`: CLOCK_MONOTONIC of one start of the machine, and its wall clock.

    start_s: Unix time of virtual time 0. When the process is gone no alarm rings any more.
    """

    def __init__(self, timeline: Timeline, start_s: int) -> None:
        self.stopped = False
        self._timeline = timeline
        self._start_s = start_s
        self.began_us = timeline.now_us - timeline.now_us % 1000

    def now_ms(self) -> int:
        """Milliseconds since the machine started."""
        return (self._timeline.now_us - self.began_us) // 1000

    def unix_ms(self) -> int:
        """The true time."""
        return self._start_s * 1000 + self._timeline.now_us // 1000

    def call_at(self, at_ms: int, do: Callable[[], None]) -> Bell:
        """Ring at *at_ms*."""
        alarm = Bell(do)
        self._timeline.at(self.began_us + at_ms * 1000, lambda: self._ring(alarm))
        return alarm

    def _ring(self, alarm: Bell) -> None:
        do, alarm.do = alarm.do, None
        if do is not None and not self.stopped:
            do()
