"""Bosch BME280 on I²C.

From its datasheet BST-BME280-DS002 rev 1.6 (DS): identity, reset, status, calibration words of a real chip, control
registers with humidity's taking effect with the other's next write (5.4.3), forced mode with its time (9.1), and data
registers that say "skipped" at first (5.4.6). What they hold follows from the weather by the floating-point formulae of
appendix 8.1, searched backwards: so that a driver's integers are checked against something else than themselves.

Not modelled: normal mode and its filter, oversampling beyond once, SPI.
"""

import struct

from .i2c import RegisterChip

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock

# dig_T and dig_P are those of the BMP280 datasheet's example (3.12); dig_H those of a chip on somebody's desk.
DIG_T = (27_504, 26_435, -1_000)
DIG_P = (36_477, -10_685, 3_024, 2_855, 140, -7, 15_500, -14_600, 6_000)
DIG_H = (75, 362, 0, 324, 50, 30)

_MEASURES_US = 9_300
_RESET_US = 2_000


class Bme280(RegisterChip):
    """dcel, rh_permille, dhpa: the weather. identity: 0x58 for a BMP280. stalled: a measurement is never over."""

    def __init__(
        self,
        clock: "Clock",
        dig_t: tuple[int, ...] = DIG_T,
        dig_p: tuple[int, ...] = DIG_P,
        dig_h: tuple[int, ...] = DIG_H,
        identity: int = 0x60,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._t, self._p, self._h = dig_t, dig_p, dig_h
        self.registers[0xD0] = identity
        self.registers[0x88:0xA1] = struct.pack("<HhhHhhhhhhhh", *dig_t, *dig_p) + b"\x00"
        h1, h2, h3, h4, h5, h6 = dig_h
        self.registers[0xA1] = h1
        self.registers[0xE1:0xE8] = struct.pack("<hBbBbb", h2, h3, h4 >> 4, (h4 & 15) | (h5 & 15) << 4, h5 >> 4, h6)
        self.stalled = False
        self._humidity_on = 0
        self._done_us = -1
        self._ready_us = clock.now_us + _RESET_US
        self.skip()
        self.set_weather(200, 500, 10_132)

    def set_weather(self, dcel: int, rh_permille: int, dhpa: int) -> None:
        """What the air is: tenths of a degree, thousandths of humidity, tenths of a hPa."""
        temperature = _search(1 << 20, lambda raw: celsius(raw, self._t) * 10 >= dcel)
        fine = celsius(temperature, self._t) * 5120
        pressure = _search(1 << 20, lambda raw: pascal(raw, fine, self._p) <= dhpa * 10)
        humidity = _search(1 << 16, lambda raw: percent(raw, fine, self._h) * 10 >= rh_permille)
        self.set_raw(pressure, temperature, humidity)

    def set_raw(self, pressure: int, temperature: int, humidity: int) -> None:
        """What its converters will say: 20, 20 and 16 bits."""
        self._raw = pressure, temperature, humidity

    def skip(self) -> None:
        """The data registers as they are before any measurement."""
        self.registers[0xF7:0xFF] = b"\x80\x00\x00\x80\x00\x00\x80\x00"

    def put(self, register: int, value: int) -> None:
        """The firmware writes a register."""
        if register == 0xF2:
            self.registers[0xF2] = value
        elif register == 0xF4:
            self.registers[0xF4] = value
            self._humidity_on = self.registers[0xF2] & 7
            if value & 3 in (1, 2):
                self._done_us = self._clock.now_us + _MEASURES_US
            elif value & 3:
                self.breach("normal mode is not modelled")
        elif register == 0xE0 and value == 0xB6:
            self._ready_us = self._clock.now_us + _RESET_US
            self.skip()
        elif register != 0xF5:
            self.breach(f"register 0x{register:02x} cannot be written (DS table 18)")

    def get(self, register: int) -> int:
        """The firmware reads a register."""
        self._finish()
        now_us = self._clock.now_us
        if register == 0xF3:
            return (8 if self._done_us >= 0 else 0) | (1 if now_us < self._ready_us else 0)
        if 0xF7 <= register <= 0xFE and self._done_us >= 0:
            self.breach("data read while it measures (DS 4.1)")
        if now_us < self._ready_us and (0x88 <= register <= 0xA1 or (register >= 0xE1 and register <= 0xE7)):
            self.breach("calibration read before it was copied (DS 5.4.4)")
            return 0
        return self.registers[register]

    def _finish(self) -> None:
        if self.stalled or self._done_us < 0 or self._clock.now_us < self._done_us:
            return
        self._done_us = -1
        pressure, temperature, humidity = self._raw
        control = self.registers[0xF4]
        if not control >> 2 & 7:
            pressure = 0x80000
        if not control >> 5:
            temperature = 0x80000
        if not self._humidity_on:
            humidity = 0x8000
        self.registers[0xF4] = control & 0xFC
        for place, value in ((0xF7, pressure), (0xFA, temperature)):
            self.registers[place : place + 3] = bytes((value >> 12, value >> 4 & 0xFF, value << 4 & 0xFF))
        self.registers[0xFD:0xFF] = bytes((humidity >> 8, humidity & 0xFF))


def celsius(raw: int, dig: tuple[int, ...]) -> float:
    """DS 8.1, temperature."""
    t1, t2, t3 = dig
    first = (raw / 16384.0 - t1 / 1024.0) * t2
    second = (raw / 131072.0 - t1 / 8192.0) * (raw / 131072.0 - t1 / 8192.0) * t3
    return (first + second) / 5120.0


def pascal(raw: int, fine: float, dig: tuple[int, ...]) -> float:
    """DS 8.1, pressure; fine: celsius times 5120."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = dig
    var1 = fine / 2.0 - 64000.0
    var2 = var1 * var1 * p6 / 32768.0
    var2 = var2 + var1 * p5 * 2.0
    var2 = var2 / 4.0 + p4 * 65536.0
    var1 = (p3 * var1 * var1 / 524288.0 + p2 * var1) / 524288.0
    var1 = (1.0 + var1 / 32768.0) * p1
    p = (1048576.0 - raw - var2 / 4096.0) * 6250.0 / var1
    return p + (p9 * p * p / 2147483648.0 + p * p8 / 32768.0 + p7) / 16.0


def percent(raw: int, fine: float, dig: tuple[int, ...]) -> float:
    """DS 8.1, humidity; fine: celsius times 5120."""
    h1, h2, h3, h4, h5, h6 = dig
    x = fine - 76800.0
    x = (raw - (h4 * 64.0 + h5 / 16384.0 * x)) * (
        h2 / 65536.0 * (1.0 + h6 / 67108864.0 * x * (1.0 + h3 / 67108864.0 * x))
    )
    return min(max(x * (1.0 - h1 * x / 524288.0), 0.0), 100.0)


def _search(end: int, reached: "Callable[[int], bool]") -> int:
    """The first number below *end* for which it holds, when it holds for all that follow."""
    low, high = 0, end - 1
    while low < high:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle + 1
    return low
