"""X-Powers AXP192 and AXP2101, as LilyGO's T-Beams have them: the radio is dead until its rail is on.

The first stands on T-Beam V1.1 with the radio on LDO2 and the GPS on LDO3, the second on V1.2 with the radio on ALDO2
and the GPS on ALDO3; both answer at the same address, and the register that tells them apart is the same one. What else
they feed is left as it is: one of their rails is the microcontroller's own.

Cited as DS: AXP192 datasheet V1.1, AXP2101 datasheet V1.0.
"""

from protocol.compat import const

from .registers import Registers

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, I2c

ADDRESS = const(0x34)

_KIND = const(0x03)
_AXP192 = const(0x03)
_AXP2101 = const(0x4A)

_192_SWITCHES = const(0x12)  # DS: DC-DC1 bit 0, DC-DC3 1, LDO2 2, LDO3 3, DC-DC2 4, EXTEN 6
_192_LDO_VOLTS = const(0x28)  # DS: LDO2 above, LDO3 below; 1.8 V and 0.1 V a step
_192_RADIO = const(0x04)
_192_GPS = const(0x08)
_192_BATTERY = const(0x78)  # DS: eight bits, then four; 1.1 mV a step

_2101_SWITCHES = const(0x90)  # DS: ALDO1 bit 0 to ALDO4 bit 3, BLDO1 4, BLDO2 5
_2101_ALDO2_VOLTS = const(0x93)  # DS: 0.5 V and 0.1 V a step
_2101_3V3 = const(28)
_2101_RADIO = const(0x02)
_2101_GPS = const(0x04)
_2101_BATTERY = const(0x34)  # DS: six bits, then eight; mV

_SETTLES_MS = const(10)  # for the rail and the radio's TCXO behind it
_LEAST_MV = const(2_000)  # less is no battery
_MOST_MV = const(5_500)


class Axp:
    """The chip that is there, whichever it is."""

    def __init__(self, i2c: "I2c", clock: "Clock", address: int = ADDRESS) -> None:
        self._chip = Registers(i2c, address)
        self._clock = clock
        self._two = bytearray(2)

    def start(self) -> bool:
        """Give the radio 3.3 V and the GPS nothing; False when no chip answers that we know."""
        chip = self._chip
        kind = chip.get(_KIND)
        if kind == _AXP192:
            volts, switches = chip.get(_192_LDO_VOLTS), chip.get(_192_SWITCHES)
            if volts < 0 or switches < 0:
                return False
            done = chip.set(_192_LDO_VOLTS, volts | 0xF0)
            done = done and chip.set(_192_SWITCHES, switches & ~_192_GPS | _192_RADIO)
        elif kind == _AXP2101:
            switches = chip.get(_2101_SWITCHES)
            if switches < 0:
                return False
            done = chip.set(_2101_ALDO2_VOLTS, _2101_3V3)
            done = done and chip.set(_2101_SWITCHES, switches & ~_2101_GPS | _2101_RADIO)
        else:
            return False
        self._clock.sleep_ms(_SETTLES_MS)
        return done

    def millivolts(self) -> int | None:
        """The battery's voltage; None when there is none, or no answer."""
        two = self._two
        kind = self._chip.get(_KIND)
        if kind == _AXP192 and self._chip.read(_192_BATTERY, two):
            seen = ((two[0] << 4) + (two[1] & 0x0F)) * 11 // 10
        elif kind == _AXP2101 and self._chip.read(_2101_BATTERY, two):
            seen = (two[0] & 0x3F) << 8 | two[1]
        else:
            return None
        return seen if _LEAST_MV <= seen <= _MOST_MV else None
