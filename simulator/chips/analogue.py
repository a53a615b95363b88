"""What a board has between its cell, its lamp and the microcontroller: a divider, a converter, a PWM output."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .wire import Wire


class BatteryAdc:
    """`machine.ADC` behind a divider. on_level: of the pin *control* at which the divider is on.

    millivolts: of the battery. Switched off, the divider lets through what leaks: a tenth.
    """

    def __init__(
        self, ratio_permille: int = 4900, control: "Wire | None" = None, on_level: int = 0, millivolts: int = 3700
    ) -> None:
        self._ratio = ratio_permille
        self._control = control
        self._on_level = on_level
        self.millivolts = millivolts

    def read_uv(self) -> int:
        """As `machine.ADC.read_uv`."""
        seen_uv = self.millivolts * 1_000_000 // self._ratio
        if self._control is not None and self._control.level != self._on_level:
            return seen_uv // 10
        return seen_uv


class PwmPin:
    """`machine.PWM`; duty: the last one, 0..65535. steps: all of them, the newest last, the last 1000."""

    def __init__(self) -> None:
        self.duty = 0
        self.steps: list[int] = []

    def duty_u16(self, duty: int | None = None) -> int:
        """As `machine.PWM.duty_u16`."""
        if duty is not None:
            self.duty = duty
            self.steps = (self.steps + [duty])[-1000:]
        return self.duty

    def millivolts(self, inverted: bool = False) -> int:
        """What a 10 V filter makes of it."""
        duty = 65_535 - self.duty if inverted else self.duty
        return duty * 10_000 // 65_535
