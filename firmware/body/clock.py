"""The node's clock: ms since power came, through deep sleep, of ticks that wrap and begin anew with each boot."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .hardware import Time


class NodeClock:
    """now_ms: what it is as this begins. It has to be asked once in six days, before ticks_ms wraps twice."""

    def __init__(self, time: "Time", now_ms: int = 0) -> None:
        self._time = time
        self._ticks = time.ticks_ms()
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Ms since power came; it never goes back."""
        ticks = self._time.ticks_ms()
        passed_ms = self._time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        if passed_ms > 0:
            self._now_ms += passed_ms
        return self._now_ms

    def ms_of(self, ticks_us: int) -> int:
        """When an interrupt was that noted *ticks_us*, less than nine minutes ago."""
        ago_us = self._time.ticks_diff(self._time.ticks_us(), ticks_us)
        return self.now_ms() - ago_us // 1000


def rtc_ms(time: "Time") -> int:
    """Ms of the clock that deep sleep does not stop; it begins anywhere."""
    return time.time_ns() // 1_000_000
