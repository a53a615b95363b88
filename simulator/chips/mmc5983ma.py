"""MEMSIC MMC5983MA on I²C.

From its datasheet rev A (DS): registers 0x00 to 0x0C and 0x2F; control registers are write-only; a measurement takes
8, 4, 2 or 0.5 ms by its bandwidth, and shows in the status when it is done; SET and RESET turn the sensor round, so
that its offset stays while the field changes sign; a strong field leaves it turned at random until the next pulse.

Not modelled: continuous measurement, Auto_SR, the interrupt pin, SPI, self-test, noise, and what is beyond ±8 G.
"""

from .i2c import RegisterChip

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .clock import Clock

_MEASURES_US = (8_000, 4_000, 2_000, 500)
_TEMPERATURE_US = 2_000
_PULSE_US = 1_000
_ZERO = 131_072


class Mmc5983ma(RegisterChip):
    """offset: of each axis, in counts of 1/16384 G. dcel: its temperature. stalled: no measurement is ever done."""

    def __init__(self, clock: "Clock", offset: tuple[int, int, int] = (0, 0, 0), dcel: int = 200) -> None:
        super().__init__()
        self._clock = clock
        self.offset = offset
        self.dcel = dcel
        self.stalled = False
        self._field = (0, 0, 0)
        self._turned = 1
        self._pulse_us = -_PULSE_US
        self._done_us = -1  # of the measurement under way
        self._doing = 0
        self.registers[0x2F] = 0x30

    def set_field(self, x: int, y: int, z: int) -> None:
        """The field at the sensor, in tenths of a µT."""
        self._field = (x, y, z)

    def shock(self) -> None:
        """A strong magnet passes (DS: more than 10 G): the sensor stays turned round."""
        self._turned = -1

    def put(self, register: int, value: int) -> None:
        """The firmware writes a register."""
        if register == 0x09:
            self._control(value)
        elif register in (0x0A, 0x0B, 0x0C):
            self.registers[register] = value
        elif register == 0x08:
            self.registers[0x08] &= ~value & 0xFF
        else:
            self.breach(f"register 0x{register:02x} cannot be written (DS, register map)")

    def get(self, register: int) -> int:
        """The firmware reads a register."""
        if register in (0x09, 0x0A, 0x0B, 0x0C):
            self.breach(f"register 0x{register:02x} cannot be read (DS, register map)")
            return 0
        self._finish()
        return self.registers[register]

    def _control(self, value: int) -> None:
        now_us = self._clock.now_us
        if value & 0x18:
            self._turned = 1 if value & 0x08 else -1
            self._pulse_us = now_us
        if value & 0x03:
            self._finish()
            if now_us < self._pulse_us + _PULSE_US:
                self.breach("a measurement within 1 ms of SET or RESET (DS, degaussing)")
            if now_us < self._done_us:
                self.breach("a measurement before the last one was done")
            self._doing = value & 0x03
            self.registers[0x08] &= ~self._doing & 0xFF
            takes_us = _MEASURES_US[self.registers[0x0A] & 3] if value & 1 else _TEMPERATURE_US
            self._done_us = now_us + takes_us

    def _finish(self) -> None:
        if not self._doing or self.stalled or self._clock.now_us < self._done_us:
            return
        if self._doing & 1:
            low = 0
            for axis in range(3):
                counts = _ZERO + self.offset[axis] + self._turned * (self._field[axis] * 16_384 + 500) // 1000
                counts = min(max(counts, 0), 262_143)
                self.registers[2 * axis] = counts >> 10
                self.registers[2 * axis + 1] = counts >> 2 & 0xFF
                low |= (counts & 3) << (6 - 2 * axis)
            self.registers[0x06] = low
        if self._doing & 2:
            self.registers[0x07] = min(max((self.dcel + 750) // 8, 0), 255)
        self.registers[0x08] |= self._doing
        self._doing = 0
