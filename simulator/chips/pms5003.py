"""Plantower PMS5003 on a serial line.

From its data manual V2.5 (DS): frames of 32 bytes with their sum (appendix I); commands with theirs, sleep and wake,
active and by request (appendix II); 30 s after waking until what it says is true. It wakes, and starts, in active mode.

Not modelled: the pins SET and RESET, the faster mode at strong changes, and that a real one rests 200 to 800 ms.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .uart import UartLine

_EVERY_US = 1_000_000
_SETTLES_US = 30_000_000
_FAN_NA = 100_000_000
_ASLEEP_NA = 200_000


class Pms5003:
    """pm1, pm2_5, pm10: what the air has, in µg/m³. alive: False for one that says nothing.

    spoil: changes the next frames on their way, a function of bytes. error: the code that its frames carry.
    """

    baud = 9600

    def __init__(self, clock: "Clock", line: "UartLine") -> None:
        self._clock = clock
        self._line = line
        self.pm1, self.pm2_5, self.pm10 = 5, 8, 12
        self.alive = True
        self.error = 0
        self.spoil: Callable[[bytes], bytes] = lambda frame: frame
        self.asleep = False
        self.active = True
        self._woken_us = clock.now_us
        self._generation = 0
        line.attach(self)
        self._soon()

    def current_na(self) -> int:
        """What it takes."""
        return _ASLEEP_NA if self.asleep else _FAN_NA

    def receive(self, data: bytes) -> None:
        """Commands (DS appendix II); one with a wrong sum is none."""
        for place in range(len(data) - 6):
            command = data[place : place + 7]
            if command[:2] == b"BM" and sum(command[:5]) == command[5] << 8 | command[6]:
                self._obey(command[2], command[4])

    def _obey(self, command: int, argument: int) -> None:
        if command == 0xE4:
            if self.asleep and argument:
                self._woken_us = self._clock.now_us
                self.active = True
            self.asleep = not argument
        elif self.asleep:
            return
        elif command == 0xE1:
            self.active = bool(argument)
        elif command == 0xE2 and not self.active:
            self._say()
        if command in (0xE1, 0xE4):
            self._soon()

    def _soon(self) -> None:
        self._generation += 1
        generation = self._generation
        if self.active and not self.asleep:
            self._clock.at(self._clock.now_us + _EVERY_US, lambda: self._by_itself(generation))

    def _by_itself(self, generation: int) -> None:
        if generation == self._generation:
            self._say()
            self._soon()

    def _say(self) -> None:
        if self.alive:
            self._line.send(self.spoil(self._frame()))

    def _frame(self) -> bytes:
        settled = min(self._clock.now_us - self._woken_us, _SETTLES_US)
        true = [value * (settled // 1000) // (_SETTLES_US // 1000) for value in (self.pm1, self.pm2_5, self.pm10)]
        factory = [value * 3 // 2 for value in true]  # CF=1: not what a town wants to know
        frame = bytearray(b"BM\x00\x1c")
        for value in factory + true + [0] * 6 + [0x9700 | self.error]:
            frame += bytes((value >> 8 & 0xFF, value & 0xFF))
        total = sum(frame)
        return bytes(frame) + bytes((total >> 8, total & 0xFF))
