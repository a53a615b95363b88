"""Shanghai Belling BL0942: the mains meter of a lamp: voltage, current, power, and pulses of energy.

Cited as DS: BL0942 datasheet V1.06. Its counts to the volt, ampere and watt depend on the resistors around it; those
given here are the reference design's (Tasmota and ESPHome use them), a board's own come from calibration.
"""

import struct

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, Uart

VOLT_COUNTS = const(15_873)
AMPERE_COUNTS = const(251_213)
WATT_COUNTS = const(596)

_READ = const(0x58)  # or'ed with the address 0..3
_ALL = const(0xAA)
_HEAD = const(0x55)
_PACKET = const(23)
_COMES_MS = const(52)  # question and packet at 4800 bit/s
_PATIENCE_MS = const(150)  # after that
_POLL_MS = const(10)
_WRAP = const(0xFFFFFF)  # of the 24 bits that count pulses
_BACKWARDS = const(0x800000)  # so many pulses between two readings never are: it counts from 0 again


class Bl0942:
    """uart: 4800 bit/s, 8N1. address: 0..3, by its pins A1 and A2."""

    def __init__(
        self,
        uart: "Uart",
        clock: "Clock",
        address: int = 0,
        volt_counts: int = VOLT_COUNTS,
        ampere_counts: int = AMPERE_COUNTS,
        watt_counts: int = WATT_COUNTS,
    ) -> None:
        self._uart = uart
        self._clock = clock
        self._ask = bytes((_READ | address, _ALL))
        self._volt_counts = volt_counts
        self._ampere_counts = ampere_counts
        self._watt_counts = watt_counts
        self._packet = bytearray(_PACKET)
        self._room = memoryview(self._packet)
        self._last_pulses = -1
        self._pulses = 0  # since this driver began

    def read(self) -> tuple[int, int, int, int] | None:
        """Volts in tenths, milliamperes, watts in tenths, and Wh since the start; None when no sound packet came."""
        while self._uart.any():  # of before
            self._uart.readinto(self._room, _PACKET)
        self._uart.write(self._ask)
        self._clock.sleep_ms(_COMES_MS)
        filled = 0
        for _ in range(_PATIENCE_MS // _POLL_MS):
            self._clock.sleep_ms(_POLL_MS)
            while filled < _PACKET and self._uart.any():
                filled += self._uart.readinto(self._room[filled:], _PACKET - filled) or 0
            if filled == _PACKET:
                return self._values() if self._is_sound() else None
        return None

    def _is_sound(self) -> bool:
        """DS 3.2.6: the sum begins with the question's first byte."""
        told = self._packet[_PACKET - 1]
        return self._packet[0] == _HEAD and ~(self._ask[0] + sum(self._room[: _PACKET - 1])) & 0xFF == told

    def _values(self) -> tuple[int, int, int, int]:
        current = self._three(1)
        voltage = self._three(4)
        power = self._three(10)
        if power & 0x800000:  # the current transformer is the other way round: a lamp gives nothing back
            power = (1 << 24) - power
        self._count(self._three(13))
        return (
            (voltage * 20 // self._volt_counts + 1) // 2,
            (current * 2000 // self._ampere_counts + 1) // 2,
            (power * 20 // self._watt_counts + 1) // 2,
            self._pulses * 4_194_304 // (self._watt_counts * 36_000),  # a pulse is 419430.4 / counts of a Ws
        )

    def _count(self, pulses: int) -> None:
        if self._last_pulses >= 0:
            more = pulses - self._last_pulses & _WRAP
            self._pulses += more if more < _BACKWARDS else pulses
        self._last_pulses = pulses

    def _three(self, place: int) -> int:
        low: int = struct.unpack_from("<H", self._packet, place)[0]
        return low | self._packet[place + 2] << 16
