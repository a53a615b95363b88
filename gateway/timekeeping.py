"""The gateway's time: one monotonic clock that everything counts by, and an alarm on it."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Handle(Protocol):
    """An alarm that was set."""

    def cancel(self) -> None:
        """Do not ring."""


class Clock(Protocol):
    """Time as the process sees it; tests have one that they move by hand."""

    def now_ms(self) -> int:
        """Milliseconds that only grow."""

    def unix_ms(self) -> int:
        """What the machine believes the time to be, right or wrong."""

    def call_at(self, at_ms: int, do: Callable[[], None]) -> Handle:
        """Call *do* in the event loop once it is *at_ms*; at once if it is later already."""


class SystemClock:
    """The machine's clocks. Needs a running event loop to set alarms."""

    def now_ms(self) -> int:
        """CLOCK_MONOTONIC, which no correction of the time moves."""
        return time.monotonic_ns() // 1_000_000

    def unix_ms(self) -> int:
        """The wall clock."""
        return time.time_ns() // 1_000_000

    def call_at(self, at_ms: int, do: Callable[[], None]) -> Handle:
        """By the event loop, whose time is CLOCK_MONOTONIC as well."""
        return asyncio.get_running_loop().call_at(at_ms / 1000, do)
