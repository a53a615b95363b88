"""Sensirion SCD41: CO₂, temperature and humidity, measured by itself every 30 s.

Cited as DS: SCD4x datasheet version 1.7. Each two bytes carry a CRC (3.12): what fails it is not known.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, I2c

ADDRESS = const(0x62)

_START_LOW_POWER = const(0x21AC)
_STOP = const(0x3F86)
_IS_READY = const(0xE4B8)
_READ = const(0xEC05)
_SET_PRESSURE = const(0xE000)
_SERIAL = const(0x3682)

_STOP_MS = const(500)  # DS 3.6.3
_WAKE_MS = const(30)  # DS table 4: after power-on it takes commands after 30 ms
_KEEP_MS = const(90_000)  # three measurements: an older one is not what the air is now


def crc8(data: "bytes | bytearray | memoryview") -> int:
    """Sensirion's checksum of two bytes (DS 3.12): polynomial 0x31, begun with 0xFF."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 0xFF if crc & 0x80 else crc << 1
    return crc


class Scd41:
    """i2c: up to 100 kHz. It measures for itself, also while the node sleeps."""

    def __init__(self, i2c: "I2c", clock: "Clock", address: int = ADDRESS) -> None:
        self._i2c = i2c
        self._clock = clock
        self._address = address
        self._buffer = bytearray(9)
        self._words = memoryview(self._buffer)
        self._last: tuple[int, int, int] | None = None
        self._age_ms = 0
        self._read_us = clock.ticks_us()

    def start(self) -> bool:
        """Begin to measure every 30 s; False when the chip does not answer. It may measure already: then afresh."""
        self._clock.sleep_ms(_WAKE_MS)
        self._command(_STOP)  # refused by one that rests: no matter
        self._clock.sleep_ms(_STOP_MS)
        self._last = None
        return self._serial() is not None and self._command(_START_LOW_POWER)

    def read(self) -> tuple[int, int, int] | None:
        """CO₂ in ppm, temperature in tenths of a degree, relative humidity in percent, as measured last.

        None before the first measurement, when the chip does not answer, when a checksum is wrong, and when there has
        been nothing new for 90 s.
        """
        self._grow_old()
        ready = self._answer(_IS_READY, 1)
        if ready is None:
            return None
        if self._word(0) & 0x7FF:  # DS 3.9.2
            if self._answer(_READ, 3) is None:
                return None
            celsius = self._word(3) * 1750 // 65_535 - 450
            self._last = self._word(0), celsius, (self._word(6) * 100 + 32_767) // 65_535
            self._age_ms = 0
        return self._last if self._age_ms <= _KEEP_MS else None

    def set_pressure(self, hpa: int) -> bool:
        """Tell it the pressure of the air (DS 3.7.5), also while it measures: 10 hPa are 1 % of CO₂."""
        return self._command(_SET_PRESSURE, hpa)

    def stop(self) -> bool:
        """Measure no more; it takes commands again half a second later."""
        return self._command(_STOP)

    def _serial(self) -> memoryview | None:
        """DS 3.10.2: refused while it measures."""
        return self._answer(_SERIAL, 3)

    def _grow_old(self) -> None:
        now_us = self._clock.ticks_us()
        self._age_ms += self._clock.ticks_diff(now_us, self._read_us) // 1000
        self._read_us = now_us

    def _command(self, command: int, argument: int = -1) -> bool:
        words = self._words
        words[0] = command >> 8
        words[1] = command & 0xFF
        if argument >= 0:
            words[2] = argument >> 8
            words[3] = argument & 0xFF
            words[4] = crc8(words[2:4])
        try:
            self._i2c.writeto(self._address, words[: 5 if argument >= 0 else 2])
        except OSError:
            return False
        self._clock.sleep_ms(1)  # DS table 5: what follows below takes 1 ms
        return True

    def _answer(self, command: int, count: int) -> memoryview | None:
        """Ask for *count* words; None when they do not come, or not as they were sent."""
        if not self._command(command):
            return None
        words = self._words[: 3 * count]
        try:
            self._i2c.readfrom_into(self._address, words)
        except OSError:
            return None
        for place in range(0, 3 * count, 3):
            if crc8(words[place : place + 2]) != words[place + 2]:
                return None
        return words

    def _word(self, place: int) -> int:
        return self._buffer[place] << 8 | self._buffer[place + 1]
