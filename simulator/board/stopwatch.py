"""How often a virtual board slept, and how long this computer was busy with its interpreter."""

import time
from typing import Any

from simulator.board.process import Line

_SLEEPS = ("lightsleep", "deepsleep")


class Stopwatch:
    """A line that passes on to *link*, and counts. sleeps: of either kind. took_s: spent on waiting for answers.

    As whoever drives the boards waits for one at a time, that is what this board alone has cost.
    """

    def __init__(self, link: Line) -> None:
        self._link = link
        self.sleeps = 0
        self.took_s = 0.0

    def write(self, message: object) -> None:
        """Send it on."""
        self._link.write(message)

    def read(self) -> Any:
        """Take what comes."""
        began_s = time.perf_counter()
        message = self._link.read()
        self.took_s += time.perf_counter() - began_s
        if message[0] != "done" and message[3] in _SLEEPS:
            self.sleeps += 1
        return message
