"""A board whose settings, keys or table are wrong: it says so, blinks, and waits for somebody who mends it.

It does not restart: the next start would find the same. The console is open for `set`, and `restart` tries again. A
bridge in safe mode is one, too, since all that it is may have crashed; but it tries again by itself.
"""

from protocol.compat import const

from .being import Being
from .blink import CRASHED

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .board import Board
    from .hardware import Hardware
    from .kept import Kept
    from .memory import Memory

SAY_MS = const(10_000)  # whoever connects later wants to read it too
AGAIN_MS = const(600_000)  # fifty nodes hear nothing as long as their bridge does nothing


class Trouble(Being):
    """why: a line for each fault. code: how often the light flashes."""

    def __init__(
        self,
        hardware: "Hardware",
        kept: "Kept",
        memory: "Memory",
        board: "Board | None",
        led: "Any",
        why: str,
        code: int,
    ) -> None:
        super().__init__(hardware, kept, memory, board, led)
        self.why = why
        self.blinker.code = code
        self.console.until_ms = 1 << 60  # there is nothing else to do
        self.safe = code == CRASHED
        self._say_ms = 0

    def turn(self) -> None:
        """Say what is wrong, blink, hear the technician, rest."""
        now_ms = self.clock.now_ms()
        if now_ms >= self._say_ms:
            self._say_ms = now_ms + SAY_MS
            for line in self.why.split("\n"):
                self.console.say("lampyre cannot start: " + line)
        if self.safe and now_ms >= AGAIN_MS:
            from .trial import try_again

            try_again(self)
        if not self.tend(now_ms):
            self.rest(now_ms, self._say_ms)

    def states(self) -> "Iterator[str]":
        """What the technician's `status` shows."""
        yield from super().states()
        for line in self.why.split("\n"):
            yield "trouble: " + line
