"""DFRobot A02YYUW (SEN0311) on a serial line.

From its maker's pages, wiki.dfrobot.com/sen0311 ("Communication Protocol", "Specification"): 9600 bit/s, 8N1; frames of
four bytes, 0xFF, high and low byte of the millimetres, and the low byte of the sum of the three (FF 07 A1 A7 is 1953);
by itself every 100 ms while its RX is low, within 100 to 300 ms with a steadier value while RX is high or open; 3 cm to
4.5 m, and nothing that is nearer. The Chinese edition (wiki.dfrobot.com.cn) has 500 ms instead of 300.

Not modelled: the beam's angle, temperature, what it says of open space, and the line RX but at its rest, which is high.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .uart import UartLine

_EVERY_US = 300_000


class A02yyuw:
    """mm: how far away the nearest thing is. alive: False for one that says nothing. every_us: between two frames.

    spoil: changes the next frames on their way, a function of bytes.
    """

    baud = 9600

    def __init__(self, clock: "Clock", line: "UartLine", mm: int = 2500) -> None:
        self._clock = clock
        self._line = line
        self.mm = mm
        self.alive = True
        self.every_us = _EVERY_US
        self.spoil: "Callable[[bytes], bytes]" = lambda frame: frame
        line.attach(self)
        self._soon()

    def receive(self, data: bytes) -> None:
        """It obeys no commands."""

    def _soon(self) -> None:
        self._clock.at(self._clock.now_us + self.every_us, self._say)

    def _say(self) -> None:
        if self.alive:
            frame = bytes((0xFF, self.mm >> 8 & 0xFF, self.mm & 0xFF))
            self._line.send(self.spoil(frame + bytes((sum(frame) & 0xFF,))))
        self._soon()
