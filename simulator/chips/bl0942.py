"""Shanghai Belling BL0942 on a serial line.

From its datasheet V1.06 (DS): the packet of 23 bytes that answers 0x58 0xAA with its sum (3.2.6), the address in the
question, measurements of 24 bits with a signed power, pulses of energy in 24 bits that wrap and begin at 0 with power.

Not modelled: single registers, writing, SPI, the zero-crossing and pulse pins, over-current, averaging.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Clock
    from .uart import UartLine

VOLT_COUNTS = 15_873
AMPERE_COUNTS = 251_213
WATT_COUNTS = 596


class Bl0942:
    """A meter. `set_load` says what flows; energy is counted from then on by the virtual clock.

    alive: False for one that says nothing. spoil: changes the next packets on their way.
    """

    def __init__(self, clock: "Clock", line: "UartLine", address: int = 0, baud: int = 4800) -> None:
        self._clock = clock
        self._line = line
        self._address = address
        self.baud = baud
        self.alive = True
        self.spoil: Callable[[bytes], bytes] = lambda packet: packet
        self._load = (2300, 0, 0)
        self._since_us = clock.now_us
        self._micro_pulses = 0
        line.attach(self)

    def set_load(self, voltage_dv: int, current_ma: int, power_dw: int) -> None:
        """Tenths of a volt, milliamperes, tenths of a watt (below zero: the transformer is the other way round)."""
        self._advance()
        self._load = (voltage_dv, current_ma, power_dw)

    def set_pulses(self, pulses: int) -> None:
        """As if it had counted so many; 0 as after a power cut."""
        self._advance()
        self._micro_pulses = pulses * 1_000_000

    def receive(self, data: bytes) -> None:
        """A question."""
        if self.alive and data == bytes((0x58 | self._address, 0xAA)):
            self._line.send(self.spoil(self._packet()))

    def _advance(self) -> None:
        passed_us = self._clock.now_us - self._since_us
        self._since_us = self._clock.now_us
        counts = abs(self._load[2]) * WATT_COUNTS // 10
        self._micro_pulses += passed_us * counts * 10 // 4_194_304  # DS: 4194304·0.032768·16 cycles to the pulse

    def _packet(self) -> bytes:
        self._advance()
        voltage_dv, current_ma, power_dw = self._load
        pulses = self._micro_pulses // 1_000_000 & 0xFFFFFF
        packet = bytearray(b"\x55")
        for value in (
            (current_ma * AMPERE_COUNTS + 500) // 1000,
            (voltage_dv * VOLT_COUNTS + 5) // 10,
            (current_ma * AMPERE_COUNTS + 500) // 1000,
            (power_dw * WATT_COUNTS + 5) // 10 & 0xFFFFFF,
            pulses,
        ):
            packet += bytes((value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF))
        packet += bytes((20_000 & 0xFF, 20_000 >> 8, 0, 0, 0, 0))  # 50 Hz, status, reserved
        packet.append(~(0x58 + self._address + sum(packet)) & 0xFF)
        return bytes(packet)
