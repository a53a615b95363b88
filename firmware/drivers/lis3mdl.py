"""ST LIS3MDL: a magnetometer that watches by itself, and wakes the node when the field changes.

Cited as DS: LIS3MDL datasheet DocID024204 rev 6. Its threshold counts from zero and not from how the field is: so the
field of the moment is written into the offset registers, and what is left is the change.
"""

import struct

from protocol.compat import const

from .registers import Registers

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, I2c

ADDRESS = const(0x1C)  # 0x1E with SA1 high

_OFFSET = const(0x05)
_WHO_AM_I = const(0x0F)
_CONTROL1 = const(0x20)
_CONTROL3 = const(0x22)
_STATUS = const(0x27)
_OUTPUT = const(0x28)
_INT_CONFIG = const(0x30)
_INT_SOURCE = const(0x31)
_THRESHOLD = const(0x32)
_GOES_ON = const(0x80)  # of an address: the next byte is the next register (DS 5.1.1)

_CHIP = const(0x3D)
_BEST = b"\xfc\x00\x00\x0c\x40"  # CTRL_REG1..5: temperature, ultra-high performance, 80 Hz; ±4 G; z the same; BDU
_WATCHING = b"\x90\x00\x00\x00\x40"  # 10 Hz and the least current: 40 µA
_SINGLE = const(0x01)  # of CTRL_REG3: once, and then it is off by itself (DS table 24)
_READY = const(0x08)
_OVERFLOW = const(0x02)  # of INT_SRC (DS 7.17): the other bits say which axis, and that there was one
_LEVEL_HIGH = const(0xED)  # INT_CFG: x, y or z; the bit that must be 1; high; latched; on (DS 7.16)
_NO_INTERRUPT = const(0xEC)  # and the pin rests low
_NO_OFFSET = b"\x00\x00\x00\x00\x00\x00"
_MEASURES_MS = const(12)  # a conversion takes 13 ms
_PATIENCE_MS = const(40)  # after that
_COUNTS = const(6842)  # to the gauss, which is 1000 tenths of a µT, at ±4 G
_MOST = const(32_767)


class Lis3mdl:
    """i2c: up to 400 kHz. Between measurements it is off, unless it watches."""

    def __init__(self, i2c: "I2c", clock: "Clock", address: int = ADDRESS) -> None:
        self._chip = Registers(i2c, address)
        self._clock = clock
        self._buffer = bytearray(8)  # x, y, z, temperature
        self._counts: "tuple[int, int, int] | None" = None  # of the last `field`

    def start(self) -> bool:
        """Whether the chip is there. What it watches goes on: that may be what has woken the node."""
        return self._chip.get(_WHO_AM_I) == _CHIP

    def field(self) -> tuple[int, int, int] | None:
        """x, y and z in tenths of a µT, or None when the chip does not answer. It watches no more."""
        counts = self._counts = self._measure()
        if counts is None:
            return None
        x, y, z = counts
        return _dut(x), _dut(y), _dut(z)

    def temperature_dcel(self) -> int | None:
        """Tenths of a degree as of the last `field`; None when the chip did not answer."""
        if self._counts is None:
            return None
        eighths: int = struct.unpack_from("<h", self._buffer, 6)[0]
        return 250 + eighths * 10 // 8  # DS table 4: 0 is 25 °C

    def watch(self, threshold_dut: int) -> bool:
        """Raise INT when any axis leaves by *threshold_dut* tenths of a µT what it was in the last `field`.

        False: it cannot. Without a `field` since the start or the last watch, what it is now counts.
        """
        counts = self._counts or self._measure()
        self._counts = None
        if counts is None:
            return False
        x, y, z = counts
        threshold = min(threshold_dut * _COUNTS // 1000, _MOST)
        chip = self._chip
        return (
            chip.write(_OFFSET | _GOES_ON, struct.pack("<hhh", x, y, z))
            and chip.write(_THRESHOLD | _GOES_ON, struct.pack("<H", threshold))
            and chip.write(_CONTROL1 | _GOES_ON, _WATCHING)
            and chip.get(_INT_SOURCE) >= 0  # what was latched goes
            and chip.set(_INT_CONFIG, _LEVEL_HIGH)
        )

    def moved(self) -> bool:
        """Whether the threshold was passed since `watch`; the latch, and with it the pin, is released."""
        source = self._chip.get(_INT_SOURCE)
        return source > 0 and source & ~_OVERFLOW != 0

    def _measure(self) -> tuple[int, int, int] | None:
        """One conversion, without the offset that `watch` has left."""
        chip = self._chip
        ready = (
            chip.set(_INT_CONFIG, _NO_INTERRUPT)
            and chip.write(_OFFSET | _GOES_ON, _NO_OFFSET)
            and chip.write(_CONTROL1 | _GOES_ON, _BEST)
            and chip.read(_OUTPUT | _GOES_ON, self._buffer)  # what is there is not new
            and chip.set(_CONTROL3, _SINGLE)
        )
        if not ready:
            return None
        self._clock.sleep_ms(_MEASURES_MS)
        for _ in range(_PATIENCE_MS):
            status = chip.get(_STATUS)
            if status < 0:
                return None
            if status & _READY:
                if not chip.read(_OUTPUT | _GOES_ON, self._buffer):
                    return None
                x, y, z = struct.unpack_from("<hhh", self._buffer)
                return x, y, z
            self._clock.sleep_us(1_000)
        return None


def _dut(counts: int) -> int:
    return counts * 1000 // _COUNTS
