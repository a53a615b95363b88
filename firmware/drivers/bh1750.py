"""ROHM BH1750: daylight in lx.

Cited as DS: BH1750FVI datasheet rev D.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, I2c

ADDRESS = const(0x23)  # 0x5C with ADDR high

_ONCE = b"\x20"  # high resolution, then it sleeps
_TAKES_MS = const(180)  # DS, electrical characteristics: 120 typically, 180 at the most


class Bh1750:
    """i2c: up to 400 kHz."""

    def __init__(self, i2c: "I2c", clock: "Clock", address: int = ADDRESS) -> None:
        self._i2c = i2c
        self._clock = clock
        self._address = address
        self._two = bytearray(2)

    def lux(self) -> int | None:
        """Daylight in lx, 54612 for all that is brighter; None when the chip does not answer. Takes 0.18 s."""
        try:
            self._i2c.writeto(self._address, _ONCE)
            self._clock.sleep_ms(_TAKES_MS)
            self._i2c.readfrom_into(self._address, self._two)
        except OSError:
            return None
        counts = self._two[0] << 8 | self._two[1]
        return counts * 5 // 6  # DS: 1.2 counts to the lux
