"""ST LIS3MDL on I²C, with its interrupt pin.

From its datasheet DocID024204 rev 6 (DS): WHO_AM_I; CTRL_REG1 to 5 with single and continuous conversion, full scale,
block data update; STATUS, outputs and temperature; offsets, which are subtracted (7.1); the threshold, the same for
both signs of every axis, counted from zero; INT_CFG with polarity and latch, INT_SRC, which releases it when read
(7.17). Addresses go on only with their highest bit set (5.1.1).

Not modelled: SPI, self-test, noise, FAST_ODR but for its speed, low power's coarser steps. In continuous mode a
conversion happens when the field changes and at each read, which nobody outside can tell from one that always runs.
"""

from .i2c import RegisterChip

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .clock import Clock
    from .wire import Wire

_COUNTS = (6842, 3421, 2281, 1711)  # to the gauss, by full scale
_PERIODS_US = (1_600_000, 800_000, 400_000, 200_000, 100_000, 50_000, 25_000, 12_500)
_WRITABLE = (0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x20, 0x21, 0x22, 0x23, 0x24, 0x30, 0x32, 0x33)


class Lis3mdl(RegisterChip):
    """interrupt: its INT pin. dcel: its temperature. stalled: no conversion is ever done."""

    still = (0x27,)  # the status: polled until a conversion is done

    def __init__(self, clock: "Clock", interrupt: "Wire | None" = None, dcel: int = 200) -> None:
        super().__init__()
        self._clock = clock
        self._interrupt = interrupt
        self.dcel = dcel
        self.stalled = False
        self._field = (0, 0, 0)
        self._generation = 0
        self.registers[0x0F] = 0x3D
        self.registers[0x20] = 0x10
        self.registers[0x22] = 0x03
        self.registers[0x30] = 0xE8

    def set_field(self, x: int, y: int, z: int) -> None:
        """The field at the sensor, in tenths of a µT: a chip that watches sees it with its next conversion."""
        self._field = (x, y, z)
        if self.registers[0x22] & 3 == 0:
            self._plan()

    def current_na(self) -> int:
        """What it takes (DS table 3): off, or 40 µA at the least and 270 at the best."""
        if self.registers[0x22] & 2:
            return 1_000
        return 270_000 if self.registers[0x20] & 0x60 else 40_000

    def write(self, data: bytes) -> bool:
        """From the bus: only an address with its highest bit set goes on."""
        self._at = data[0] & 0x7F
        self._goes_on = data[0] >= 0x80
        if len(data) > 2 and not self._goes_on:
            self.breach("several registers written without auto-increment (DS 5.1.1)")
        for value in data[1:]:
            self.put(self._at, value)
            self._at += 1 if self._goes_on else 0
        return True

    def read(self, count: int) -> bytes | None:
        """From the bus."""
        answer = bytearray(count)
        for place in range(count):
            answer[place] = self.get(self._at)
            self._at += 1 if self._goes_on else 0
        return bytes(answer)

    def put(self, register: int, value: int) -> None:
        """The firmware writes a register."""
        if register not in _WRITABLE:
            self.breach(f"register 0x{register:02x} cannot be written (DS table 16)")
            return
        if register == 0x30 and not value & 8:
            self.breach("bit 3 of INT_CFG must be 1 (DS 7.16)")
        self.registers[register] = value
        if register == 0x22 and value & 3 in (0, 1):
            self._plan()
        if register == 0x30:
            self._show()

    def get(self, register: int) -> int:
        """The firmware reads a register."""
        value = self.registers[register]
        if register == 0x31:
            self.registers[0x31] = 0
            self._show()
        elif register == 0x2D:  # the last of the outputs
            self.registers[0x27] &= 0xF0
        return value

    def _plan(self) -> None:
        """A conversion, after one period of the output data rate."""
        self._generation += 1
        generation = self._generation
        period_us = _PERIODS_US[self.registers[0x20] >> 2 & 7]
        self._clock.at(self._clock.now_us + period_us, lambda: self._convert(generation))

    def _convert(self, generation: int) -> None:
        if generation != self._generation or self.stalled:
            return
        scale = _COUNTS[self.registers[0x21] >> 5 & 3]
        beyond = 0  # INT_SRC (7.17): three axes upwards, three downwards, overflow, any
        threshold = self.registers[0x32] | (self.registers[0x33] & 0x7F) << 8
        for axis in range(3):
            offset = _signed(self.registers[0x05 + 2 * axis] | self.registers[0x06 + 2 * axis] << 8)
            counts = min(max(self._field[axis] * scale // 1000, -32_768), 32_767) - offset
            counts = min(max(counts, -32_768), 32_767)
            self.registers[0x28 + 2 * axis] = counts & 0xFF
            self.registers[0x29 + 2 * axis] = counts >> 8 & 0xFF
            enabled = self.registers[0x30] & (0x80 >> axis)
            if enabled and abs(counts) > threshold:
                beyond |= (0x80 if counts > 0 else 0x10) >> axis | 1
        if self.registers[0x20] & 0x80:
            eighths = (self.dcel - 250) * 8 // 10
            self.registers[0x2E] = eighths & 0xFF
            self.registers[0x2F] = eighths >> 8 & 0xFF
        self.registers[0x27] |= 0x0F
        if self.registers[0x22] & 3 == 1:
            self.registers[0x22] |= 3  # a single one is over
        if self.registers[0x30] & 1 and (beyond or self.registers[0x30] & 2):
            self.registers[0x31] = beyond  # latched unless LIR says otherwise
        self._show()

    def _show(self) -> None:
        if self._interrupt is not None:
            active = self.registers[0x31] & 1 and self.registers[0x30] & 1
            high = bool(self.registers[0x30] & 4)
            self._interrupt.drive(1 if bool(active) == high else 0)


def _signed(value: int) -> int:
    return value - 65_536 if value > 32_767 else value
