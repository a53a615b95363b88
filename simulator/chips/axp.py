"""X-Powers AXP192 and AXP2101 on I²C, as far as T-Beams use them.

From their datasheets (AXP192 V1.1, AXP2101 V1.0; DS): the register that tells the chip, the switches and voltages of
the rails for radio and GPS, the battery's converter. To switch off the rail that feeds the microcontroller is noted as
a breach: on a board it is the end.

Not modelled: charging, coulombs, interrupts, the button.
"""

from .i2c import RegisterChip


class Axp192(RegisterChip):
    """T-Beam V1.1. battery_mv: 0 without one."""

    switches, radio, gps, board = 0x12, 0x04, 0x08, 0x02  # DC-DC3 feeds the ESP32
    kind = 0x03

    def __init__(self, battery_mv: int = 3900) -> None:
        super().__init__()
        self.battery_mv = battery_mv
        self.registers[0x03] = self.kind
        self.registers[self.switches] = self.board | self.gps | 0x40
        self.registers[0x28] = 0x0F

    def radio_mv(self) -> int:
        """What the radio is given."""
        return 1800 + 100 * (self.registers[0x28] >> 4) if self.registers[self.switches] & self.radio else 0

    def gps_is_on(self) -> bool:
        """Whether the GPS is fed."""
        return bool(self.registers[self.switches] & self.gps)

    def put(self, register: int, value: int) -> None:
        """The firmware writes a register."""
        if register == self.switches and not value & self.board:
            self.breach("the microcontroller's own rail was switched off")
        super().put(register, value)

    def get(self, register: int) -> int:
        """The firmware reads a register; the battery's are measured then."""
        counts = min(self.battery_mv * 10 // 11, 0xFFF)
        return {0x78: counts >> 4, 0x79: counts & 0x0F}.get(register, self.registers[register])


class Axp2101(Axp192):
    """T-Beam V1.2: DC1, which has another register, feeds the ESP32."""

    switches, radio, gps, board = 0x90, 0x02, 0x04, 0x00
    kind = 0x4A

    def radio_mv(self) -> int:
        """What the radio is given."""
        return 500 + 100 * (self.registers[0x93] & 0x1F) if self.registers[self.switches] & self.radio else 0

    def put(self, register: int, value: int) -> None:
        """The firmware writes a register."""
        if register == 0x80:
            self.breach("the microcontroller's own rail was switched")
        RegisterChip.put(self, register, value)

    def get(self, register: int) -> int:
        """The firmware reads a register; the battery's are measured then, with flags above them."""
        return {0x34: 0xC0 | self.battery_mv >> 8, 0x35: self.battery_mv & 0xFF}.get(register, self.registers[register])
