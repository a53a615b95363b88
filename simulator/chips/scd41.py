"""Sensirion SCD41 on I²C.

From the SCD4x datasheet 1.7 (DS): 30 ms after power-on until it answers; commands of two bytes, arguments and answers
in words with a CRC (3.12); periodic measurement every 5 or 30 s (3.6), during which most commands are refused; a
measurement can be read once, and without one reading is refused (3.6.2); stop takes 500 ms (3.6.3); execution times of
table 5, within which nothing is acknowledged; ambient pressure (3.7.5); single shots of 5 s (3.11.1).

Not modelled: self-calibration, forced recalibration, self-test, EEPROM, altitude, temperature offset, and the noise.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock

_START_US = 30_000
_DURING = (0xEC05, 0xE4B8, 0x3F86, 0xE000)  # what is taken while it measures (DS table 9)
_PERIOD_US = {0x21B1: 5_000_000, 0x21AC: 30_000_000}
_TAKES_US = {0x3F86: 500_000, 0x3682: 1_000, 0xEC05: 1_000, 0xE4B8: 1_000, 0xE000: 1_000}
_SINGLE_US = 5_000_000


def crc8(data: bytes) -> int:
    """As DS 3.12 describes it, written apart from the driver's, bit by bit."""
    register = 0xFF
    for byte in data:
        for bit in range(7, -1, -1):
            top = register >> 7 ^ (byte >> bit & 1)
            register = register << 1 & 0xFF
            if top:
                register ^= 0x31
    return register


class Scd41:
    """co2, dcel, rh: the air, in ppm, tenths of a degree and percent. spoil: changes the next answers on their way."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self.co2, self.dcel, self.rh = 420, 200, 50
        self.pressure_hpa = 1013
        self.spoil: Callable[[bytes], bytes] = lambda answer: answer
        self.breaches: list[str] = []
        self._ready_us = clock.now_us + _START_US
        self._period_us = 0
        self._next_us = 0
        self._fresh = False
        self._answer: bytes | None = None

    def current_na(self) -> int:
        """On average (facts/boards): 15 mA periodic, 3.2 mA at low power, 0.2 mA at rest."""
        return {0: 200_000, 5_000_000: 15_000_000}.get(self._period_us, 3_200_000)

    def write(self, data: bytes) -> bool:
        """From the bus: a command, perhaps with an argument."""
        now_us = self._clock.now_us
        self._answer = None
        if now_us < self._ready_us or len(data) < 2:
            return False
        command = data[0] << 8 | data[1]
        if self._period_us and command not in _DURING:
            return False
        if len(data) not in (2, 5) or (len(data) == 5 and crc8(data[2:4]) != data[4]):
            self.breaches.append(f"command 0x{command:04x} with a wrong CRC or length (DS 3.12)")
            return False
        self._measure()
        self._ready_us = now_us + _TAKES_US.get(command, 0)
        return self._obey(command, data)

    def _obey(self, command: int, data: bytes) -> bool:
        if command in _PERIOD_US:
            self._period_us = _PERIOD_US[command]
            self._next_us = self._clock.now_us + self._period_us
            self._fresh = False
        elif command == 0x3F86:
            self._period_us = 0
        elif command == 0x219D:
            self._ready_us = self._clock.now_us + _SINGLE_US
            self._fresh = True
        elif command == 0xE000:
            self.pressure_hpa = data[2] << 8 | data[3]
        elif command == 0xE4B8:
            self._answer = _words(0x8006 if self._fresh else 0x8000)
        elif command == 0x3682:
            self._answer = _words(0xF896, 0x9F07, 0x3BBE)  # the example of DS 3.10.2
        elif command == 0xEC05:
            if self._fresh:
                self._answer = self._measurement()
            self._fresh = False
        else:
            self.breaches.append(f"command 0x{command:04x} is not modelled")
            return False
        return True

    def read(self, count: int) -> bytes | None:
        """From the bus: the answer, once it is there; nothing to say is not acknowledged."""
        if self._answer is None:
            return None
        if self._clock.now_us < self._ready_us:
            self.breaches.append("an answer read before its time (DS table 5)")
            return None
        return bytes(self.spoil(self._answer[:count]))

    def _measure(self) -> None:
        if self._period_us and self._clock.now_us >= self._next_us:
            self._fresh = True
            passed = (self._clock.now_us - self._next_us) // self._period_us + 1
            self._next_us += passed * self._period_us

    def _measurement(self) -> bytes:
        return _words(self.co2, (self.dcel + 450) * 65_535 // 1750 + 1, self.rh * 65_535 // 100)


def _words(*words: int) -> bytes:
    data = b""
    for word in words:
        two = bytes((word >> 8 & 0xFF, word & 0xFF))
        data += two + bytes((crc8(two),))
    return data
