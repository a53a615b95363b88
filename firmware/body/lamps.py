"""Lamps that fade: each head on its way to the drive that was set, and what its control gear says about it.

They begin at full light: what set them before is not known, and a street is not dark by accident.
"""

from protocol.compat import const, on_demand

from ..drivers.dimmer import FULL, Fade
from ..events import LampFeedback

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..actions import SetLamp
    from .hardware import Hardware

    # What sets a gear's drive, 0..254, and what asks for its status, −1 when it is silent; None if it has no voice.
    Gear = tuple[Callable[[int], None], Callable[[], int] | None]

ASK_MS = const(60_000)  # between two questions to a gear


class Lamps:
    """gears: by head. No method raises; a gear that does not take its level is told again with the next question."""

    @on_demand
    def __init__(self, hardware: "Hardware", gears: "list[Gear]", now_ms: int) -> None:
        self._hw = hardware
        self._heads = [_Head(gear) for gear in gears]
        self._ask_ms = now_ms + ASK_MS
        for head in self._heads:
            head.fade.begin(FULL, 0, now_ms)
        self.step(now_ms)

    def set(self, action: "SetLamp", now_ms: int) -> None:
        """Begin to fade; a head that is not there has nothing to set."""
        if action.head < len(self._heads):
            self._heads[action.head].fade.begin(action.drive, action.fade_s, now_ms)
            self.step(now_ms)

    def step(self, now_ms: int) -> list[LampFeedback]:
        """Bring all heads where they are now; returns what gears said."""
        for head in self._heads:
            drive = head.fade.at(now_ms)
            if drive != head.drive:
                try:
                    head.set(drive)
                    head.drive = drive
                except Exception as error:
                    self._hw.report("lamp", error)
                    head.drive = drive  # else it would be tried without rest
                    head.again = True
        if now_ms < self._ask_ms:
            return []
        self._ask_ms = now_ms + ASK_MS
        return [LampFeedback(number, self._status(head)) for number, head in enumerate(self._heads) if head.ask]

    def next_ms(self, now_ms: int) -> int | None:
        """When `step` is to be asked again; None: never."""
        if not self._heads:
            return None
        next_ms = self._ask_ms
        for head in self._heads:
            step_ms = head.fade.next_ms(now_ms)
            if step_ms is not None and step_ms < next_ms:
                next_ms = step_ms
        return next_ms

    @on_demand
    def drives(self) -> list[int]:
        """What each head has now, 0..254."""
        return [head.drive for head in self._heads]

    @on_demand
    def _status(self, head: "_Head") -> int:
        if head.again:
            head.again = False
            head.drive = -1
        assert head.ask is not None  # of those that are asked
        try:
            return head.ask()
        except Exception as error:
            self._hw.report("lamp", error)
            return -1


class _Head:
    def __init__(self, gear: "Gear") -> None:
        self.set, self.ask = gear
        self.fade = Fade()
        self.drive = -1
        self.again = False
