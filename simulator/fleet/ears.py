"""Which class A windows are to come, so that a radio is tuned only when a downlink may fall into its window.

Nine windows in ten pass without one. What such a window costs is two entries here, and not the air.
"""

from typing import Protocol

from simulator.air.interface import Air, Listener
from simulator.fleet.window import Window
from simulator.timeline import Timeline


class Ear(Listener, Protocol):
    """A body, as far as it listens."""

    def tune(self) -> None:
        """A downlink begins that its window may catch."""


class Ears:
    """The windows of all bodies in one *air*."""

    def __init__(self, timeline: Timeline, air: Air) -> None:
        self._timeline = timeline
        self._waiting: dict[tuple[int, int], dict[Ear, Window]] = {}
        air.herald(self._tell)

    def wait(self, ear: Ear, window: Window) -> None:
        """It will listen, or does."""
        self._waiting.setdefault((window.freq_hz, window.dr), {})[ear] = window

    def forget(self, ear: Ear, window: Window) -> None:
        """Its window is over."""
        self._waiting[window.freq_hz, window.dr].pop(ear, None)

    def count(self) -> int:
        """How many windows are to come or open."""
        return sum(len(waiting) for waiting in self._waiting.values())

    def _tell(self, freq_hz: int, dr: int) -> None:
        waiting = self._waiting.get((freq_hz, dr))
        if waiting:
            now_us = self._timeline.now_us
            for ear in [ear for ear, window in waiting.items() if window.may_catch(now_us)]:
                ear.tune()
