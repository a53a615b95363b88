"""MEMSIC MMC5983MA: a magnetometer that can turn itself round, so that its own offset falls out.

Cited as DS: MMC5983MA datasheet rev A.
"""

import struct

from protocol.compat import const

from .registers import Registers

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, I2c

ADDRESS = const(0x30)

_OUTPUT = const(0x00)  # 16 bits for each of x, y, z, then two more for each
_TEMPERATURE = const(0x07)
_STATUS = const(0x08)
_CONTROL0 = const(0x09)
_CONTROL1 = const(0x0A)
_PRODUCT = const(0x2F)

_TAKE_FIELD = const(0x01)  # of control 0
_TAKE_TEMPERATURE = const(0x02)
_SET = const(0x08)
_RESET = const(0x10)
_FIELD_DONE = const(0x01)  # of status
_TEMPERATURE_DONE = const(0x02)
_CHIP = const(0x30)
_PULSE_US = const(1_000)  # DS: the coil is ready again after 1 ms
_PATIENCE_MS = const(20)  # a measurement takes 8 ms at 100 Hz bandwidth


class Mmc5983ma:
    """i2c: up to 400 kHz. It sleeps by itself between measurements."""

    def __init__(self, i2c: "I2c", clock: "Clock", address: int = ADDRESS) -> None:
        self._chip = Registers(i2c, address)
        self._clock = clock
        self._buffer = bytearray(7)

    def start(self) -> bool:
        """Whether the chip is there; sets the bandwidth of the least noise."""
        return self._chip.get(_PRODUCT) == _CHIP and self._chip.set(_CONTROL1, 0)

    def field(self) -> tuple[int, int, int] | None:
        """x, y and z in tenths of a µT, or None when the chip does not answer.

        Half the difference of what it sees before and after its coil has turned the sensor round (DS, SET and RESET):
        the sensor's offset changes with temperature by more than a car is. SET comes last, for it also heals what a
        strong magnet has done.
        """
        if not self._see(_RESET):
            return None
        x, y, z = self._counts()
        if not self._see(_SET):
            return None
        x2, y2, z2 = self._counts()
        # 16384 counts to the gauss, which is 1000 tenths of a µT: the difference of two times 125 / 4096.
        return (x2 - x) * 125 // 4096, (y2 - y) * 125 // 4096, (z2 - z) * 125 // 4096

    def temperature_dcel(self) -> int | None:
        """Tenths of a degree, in steps of 0.8; None when the chip does not answer."""
        if not self._do(_TAKE_TEMPERATURE, _TEMPERATURE_DONE):
            return None
        value = self._chip.get(_TEMPERATURE)
        return None if value < 0 else value * 8 - 750

    def _see(self, turn: int) -> bool:
        if not self._chip.set(_CONTROL0, turn):
            return False
        self._clock.sleep_us(_PULSE_US)
        return self._do(_TAKE_FIELD, _FIELD_DONE) and self._chip.read(_OUTPUT, self._buffer)

    def _do(self, measure: int, done: int) -> bool:
        """Measure, and wait until it is done; False when it is not, in time."""
        if not self._chip.set(_CONTROL0, measure):
            return False
        for _ in range(_PATIENCE_MS):
            status = self._chip.get(_STATUS)
            if status < 0:
                return False
            if status & done:
                return True
            self._clock.sleep_us(1_000)
        return False

    def _counts(self) -> tuple[int, int, int]:
        """18 bits each; 131072 is no field, which the difference does not need."""
        x, y, z, low = struct.unpack(">HHHB", self._buffer)
        return x << 2 | low >> 6, y << 2 | low >> 4 & 3, z << 2 | low >> 2 & 3
