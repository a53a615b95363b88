"""The battery's voltage, behind a divider that some boards switch on with a pin, and not all of them the same way.

Heltec V3.0 and V3.1 want the pin low to measure, V3.2 high, and nothing says which one it is: so both are tried, and
the one that gives a battery's voltage is believed.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Adc, Clock, Pin

LEAST_MV = const(2_000)  # a lithium cell that the node still runs from; less is a divider that is off
MOST_MV = const(5_500)

_SETTLES_US = const(1_000)  # 100 kOhm and the converter's capacitor
_SAMPLES = const(8)


class Battery:
    """ratio_permille: of battery to pin, 4900 for 390 and 100 kOhm. control: the pin that switches the divider on."""

    def __init__(self, adc: "Adc", clock: "Clock", ratio_permille: int, control: "Pin | None" = None) -> None:
        self._adc = adc
        self._clock = clock
        self._ratio = ratio_permille
        self._control = control
        self._level = 0  # that worked last

    def millivolts(self) -> int | None:
        """The battery's voltage; None when there is none to be seen, as on a board that runs from its cable."""
        if self._control is None:
            return self._plausible(self._measure())
        for level in (self._level, 1 - self._level):
            self._control.value(level)
            self._clock.sleep_us(_SETTLES_US)
            seen = self._plausible(self._measure())
            self._control.value(1 - level)  # the divider takes 8 µA
            if seen is not None:
                self._level = level
                return seen
        return None

    def _measure(self) -> int:
        total = 0
        for _ in range(_SAMPLES):
            total += self._adc.read_uv()
        return total // _SAMPLES * (self._ratio // 10) // 100_000

    def _plausible(self, millivolts: int) -> int | None:
        return millivolts if LEAST_MV <= millivolts <= MOST_MV else None
