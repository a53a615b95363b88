"""Virtual time for a board: a timeline, and the functions of MicroPython's `time` on it."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

_PERIOD = 1 << 30  # MicroPython's ticks wrap here on all ports with 31-bit small ints


class Clock:
    """The interface of `simulator/timeline.py` for what happens by itself, that of `time` for the firmware.

    Whoever sleeps lets the time pass for everybody: what is due in between happens. start_us: where ticks begin, so
    that a test can put their wrap where it hurts.
    """

    def __init__(self, start_us: int = 0) -> None:
        self.now_us = start_us
        self._sequence = 0
        self._plans: list[tuple[int, int, "Callable[[], None]"]] = []  # a board has a dozen at most

    def at(self, time_us: int, do: "Callable[[], None]") -> None:
        """Call *do* at *time_us*; a time that has passed means now, after what is already due."""
        self._sequence += 1
        plan = (max(time_us, self.now_us), self._sequence, do)
        place = len(self._plans)
        while place and self._plans[place - 1][:2] > plan[:2]:
            place -= 1
        self._plans.insert(place, plan)

    def next_us(self) -> int | None:
        """When the next callback is due; None: nothing is planned."""
        return self._plans[0][0] if self._plans else None

    def run(self, until_us: int) -> None:
        """Run everything up to and including *until_us*; afterwards it is that time."""
        while self._plans and self._plans[0][0] <= until_us:
            due_us, _, do = self._plans.pop(0)
            self.now_us = max(self.now_us, due_us)
            do()
        self.now_us = max(self.now_us, until_us)

    def sleep_us(self, us: int) -> None:
        """As `time.sleep_us`."""
        self.run(self.now_us + us)

    def sleep_ms(self, ms: int) -> None:
        """As `time.sleep_ms`."""
        self.run(self.now_us + ms * 1000)

    def ticks_us(self) -> int:
        """As `time.ticks_us`: wraps."""
        return self.now_us % _PERIOD

    def ticks_ms(self) -> int:
        """As `time.ticks_ms`: wraps."""
        return self.now_us // 1000 % _PERIOD

    def ticks_diff(self, late: int, early: int) -> int:
        """As `time.ticks_diff`."""
        return (late - early + _PERIOD // 2) % _PERIOD - _PERIOD // 2

    def ticks_add(self, ticks: int, delta: int) -> int:
        """As `time.ticks_add`."""
        return (ticks + delta) % _PERIOD
