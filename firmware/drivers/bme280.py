"""Bosch BME280: temperature, humidity and pressure, in integers.

Cited as DS: BME280 datasheet BST-BME280-DS002 rev 1.6. Its compensation formulae are 4.2.3's: 32 bits for temperature
and humidity, 64 for pressure, which Python's integers hold as they are.
"""

import struct

from protocol.compat import const

from .registers import Registers

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, I2c

ADDRESS = const(0x76)  # 0x77 with SDO high

_CALIBRATION = const(0x88)  # to 0xA1
_CHIP_ID = const(0xD0)
_CALIBRATION2 = const(0xE1)  # to 0xE7
_CONTROL_HUMIDITY = const(0xF2)
_STATUS = const(0xF3)
_CONTROL = const(0xF4)
_DATA = const(0xF7)

_CHIP = const(0x60)  # a BMP280, which has no humidity, says 0x58
_ONCE = const(0x25)  # temperature and pressure once each, forced: then it sleeps again
_MEASURING = const(0x08)
_COPYING = const(0x01)
_MEASURES_MS = const(10)  # DS 9.1: 9.3 at the most
_PATIENCE_MS = const(10)  # beyond
_SKIPPED20 = const(0x80000)  # what a channel says that has not measured
_SKIPPED16 = const(0x8000)


class Bme280:
    """i2c: up to 400 kHz. It sleeps by itself between measurements."""

    def __init__(self, i2c: "I2c", clock: "Clock", address: int = ADDRESS) -> None:
        self._chip = Registers(i2c, address)
        self._clock = clock
        self._data = bytearray(8)
        self._t: tuple[int, ...] = ()  # dig_T1..3
        self._p: tuple[int, ...] = ()
        self._h: tuple[int, ...] = ()

    def start(self) -> bool:
        """Read the chip's calibration; False when it does not answer, or is another."""
        chip = self._chip
        first, second = bytearray(26), bytearray(7)
        if chip.get(_CHIP_ID) != _CHIP:
            return False
        for _ in range(_PATIENCE_MS):
            status = chip.get(_STATUS)
            if status < 0:
                return False
            if not status & _COPYING:
                break
            self._clock.sleep_ms(1)
        else:
            return False
        if not chip.read(_CALIBRATION, first) or not chip.read(_CALIBRATION2, second):
            return False
        self._t = struct.unpack_from("<Hhh", first)
        self._p = struct.unpack_from("<Hhhhhhhhh", first, 6)
        h2, h3, high4, both, high5, h6 = struct.unpack("<hBbBbb", second)
        # Of H4 and H5 the upper eight bits have the sign, and the lower four share a byte (DS table 16).
        self._h = (first[25], h2, h3, high4 << 4 | both & 15, high5 << 4 | both >> 4, h6)
        return True

    def read(self) -> tuple[int, int, int] | None:
        """Temperature in tenths of a degree, relative humidity in percent, pressure in tenths of a hPa.

        None when the chip does not answer, or did not `start`.
        """
        chip = self._chip
        if not self._t and not self.start():
            return None
        # DS 5.4.3: humidity's setting counts from the next write of the other register on.
        if not chip.set(_CONTROL_HUMIDITY, 1) or not chip.set(_CONTROL, _ONCE):
            return None
        self._clock.sleep_ms(_MEASURES_MS)
        for _ in range(_PATIENCE_MS):
            status = chip.get(_STATUS)
            if status < 0:
                return None
            if not status & _MEASURING:
                return self._values() if chip.read(_DATA, self._data) else None
            self._clock.sleep_ms(1)
        return None

    def _values(self) -> tuple[int, int, int] | None:
        d = self._data
        pressure = d[0] << 12 | d[1] << 4 | d[2] >> 4
        temperature = d[3] << 12 | d[4] << 4 | d[5] >> 4
        humidity = d[6] << 8 | d[7]
        if _SKIPPED20 in (pressure, temperature) or humidity == _SKIPPED16:
            return None
        fine = self._fine(temperature)
        pascal256 = self._pressure(pressure, fine)
        if pascal256 is None:
            return None
        return (
            ((fine * 5 + 128) >> 8) // 10,
            (self._humidity(humidity, fine) + 512) // 1024,
            (pascal256 + 1280) // 2560,
        )

    def _fine(self, adc: int) -> int:
        """DS 4.2.3: the temperature in 1/5120 of a degree."""
        t1, t2, t3 = self._t
        rough = (((adc >> 3) - (t1 << 1)) * t2) >> 11
        squared = (((((adc >> 4) - t1) * ((adc >> 4) - t1)) >> 12) * t3) >> 14
        return rough + squared

    def _pressure(self, adc: int, fine: int) -> int | None:
        """DS 4.2.3: in 1/256 Pa; None where it would divide by zero, with the calibration of no chip."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._p
        var1 = fine - 128_000
        var2 = var1 * var1 * p6 + ((var1 * p5) << 17) + (p4 << 35)
        var1 = ((var1 * var1 * p3) >> 8) + ((var1 * p2) << 12)
        var1 = (((1 << 47) + var1) * p1) >> 33
        if not var1:
            return None
        p = (((1_048_576 - adc) << 31) - var2) * 3125 // var1
        var1 = (p9 * (p >> 13) * (p >> 13)) >> 25
        var2 = (p8 * p) >> 19
        return ((p + var1 + var2) >> 8) + (p7 << 4)

    def _humidity(self, adc: int, fine: int) -> int:
        """DS 4.2.3: in 1/1024 %."""
        h1, h2, h3, h4, h5, h6 = self._h
        v = fine - 76_800
        scale = (((((v * h6) >> 10) * (((v * h3) >> 11) + 32_768)) >> 10) + 2_097_152) * h2 + 8192
        v = (((adc << 14) - (h4 << 20) - h5 * v + 16_384) >> 15) * (scale >> 14)
        v -= ((((v >> 15) * (v >> 15)) >> 7) * h1) >> 4
        return min(max(v, 0), 419_430_400) >> 12
