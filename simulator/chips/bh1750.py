"""ROHM BH1750 on I²C.

From the BH1750FVI datasheet rev D (DS): opcodes of one byte; power on by each measurement, power down after one-shot
modes; 180 ms for high resolution, 24 for low; 1.2 counts to the lux, full at 65535; what is read before the time is
the measurement before.

Not modelled: MTreg, the second high resolution's half steps below 1 lx.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .clock import Clock

_TAKES_US = {0x10: 180_000, 0x13: 24_000, 0x20: 180_000, 0x23: 24_000}


class Bh1750:
    """lux: the daylight."""

    def __init__(self, clock: "Clock", lux: int = 0) -> None:
        self._clock = clock
        self.lux = lux
        self.breaches: list[str] = []
        self._counts = 0
        self._done_us = -1

    def write(self, data: bytes) -> bool:
        """From the bus: an opcode."""
        if len(data) != 1:
            self.breaches.append(f"{len(data)} bytes at once; an opcode is one (DS, measurement procedure)")
            return False
        if data[0] in _TAKES_US:
            self._done_us = self._clock.now_us + _TAKES_US[data[0]]
        elif data[0] == 0x07:
            self._counts = 0
        elif data[0] not in (0x00, 0x01):
            self.breaches.append(f"opcode 0x{data[0]:02x} is not modelled")
        return True

    def read(self, count: int) -> bytes | None:
        """From the bus: the last measurement."""
        if self._done_us >= 0 and self._clock.now_us >= self._done_us:
            self._counts = min(self.lux * 6 // 5, 65_535)
            self._done_us = -1
        return bytes((self._counts >> 8, self._counts & 0xFF))[:count]
