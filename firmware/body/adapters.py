"""What stands between a driver and the body: small changes of shape and unit, which stay when the wiring has gone."""

from ..drivers.dali import QUERY_STATUS

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any


class DaliGear:
    """One gear on the bus, or all of them: set as a dimmer is, asked as DALI does."""

    def __init__(self, dali: "Any", address: int) -> None:
        self._dali = dali
        self._address = address

    def set(self, drive: int) -> None:
        """Give it *drive*, 0..254; 0 is off."""
        self._dali.set_level(self._address, drive)

    def status(self) -> int:
        """Its answer to QUERY STATUS, −1 when it is silent."""
        answer: int | None = self._dali.query(self._address, QUERY_STATUS)
        return -1 if answer is None else answer


class Climate:
    """A climate sensor that tells the CO2 sensor the pressure of the air: 10 hPa are 1 % of what that says."""

    def __init__(self, chip: "Any") -> None:
        self._chip = chip
        self.carbon: "Any" = None
        self._told_hpa = 0

    def read(self) -> tuple[int, ...] | None:
        """Temperature, humidity and pressure."""
        values: tuple[int, int, int] | None = self._chip.read()
        if values is not None and self.carbon is not None and values[2] // 10 != self._told_hpa:
            self._told_hpa = values[2] // 10 if self.carbon.set_pressure(values[2] // 10) else 0
        return values
