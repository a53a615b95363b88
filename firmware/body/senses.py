"""What a node's sensors say: a sensor that is not there, does not answer or breaks its driver is "not known"."""

from protocol.compat import const, on_demand
from protocol.quantities import BATTERY_VOLTAGE, quantities_of

from ..events import FieldSensed, LuxSensed, Sensed

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .hardware import Hardware

    # Its name, the quantities it measures, what reads them, and the ms that may take.
    Sensor = tuple[str, tuple[int, ...], Callable[[], tuple[int, ...] | None], int]

_EMPTY_MV = const(3_000)
_FULL_MV = const(4_200)
_BATTERY_MS = const(5)  # that one measurement may take


class Senses:
    """sensors: the best of each quantity first. fields: magnetometers by bay, with the pin that each raises or None.

    watched: bays whose magnetometer watches for itself, a bit each. No method raises.
    """

    @on_demand
    def __init__(
        self,
        hardware: "Hardware",
        sensors: "list[Sensor]",
        fields: "list[Any]",
        photocell: "Any" = None,
        particles: "Any" = None,
        battery: "Any" = None,
        watched: int = 0,
    ) -> None:
        self._hw = hardware
        self._sensors = sensors
        if battery is not None:
            sensors.append(("battery", (BATTERY_VOLTAGE,), self._centivolts, _BATTERY_MS))
        self._fields = fields
        self._photocell = photocell
        self._particles = particles
        self._battery = battery
        self.fan_on = False
        self.watched = watched

    def cost_ms(self, set_number: int) -> int:
        """How long `sense` may take."""
        wanted = [quantity for quantity, _ in quantities_of(set_number)]
        return sum([sensor[3] for sensor in self._sensors if [one for one in sensor[1] if one in wanted]])

    def sense(self, set_number: int) -> Sensed:
        """Measure what a set wants; each sensor is asked once, and only for what no better one has said."""
        known: dict[int, int] = {}
        pairs = quantities_of(set_number)
        missing = [quantity for quantity, instance in pairs if not instance]
        for name, quantities, read, _ in self._sensors:
            if not [quantity for quantity in quantities if quantity in missing]:
                continue
            values = self._read(name, read)
            if values is None:
                continue
            for place, quantity in enumerate(quantities):
                if quantity not in known:
                    known[quantity] = values[place]
                if quantity in missing:
                    missing.remove(quantity)
        return Sensed(set_number, tuple([None if instance else known.get(quantity) for quantity, instance in pairs]))

    @on_demand
    def read(self, sensor: "Sensor") -> tuple[int, ...] | None:
        """Ask one of them, for the self-test; the particle sensor is woken for it, between two readings it sleeps."""
        sleeps = sensor[0] == "particles" and not self.fan_on
        if sleeps:
            self._read("particles", self._particles.wake)
        values: tuple[int, ...] | None = self._read(sensor[0], sensor[2])
        if sleeps:
            if values is None:  # its first answer takes up to 3 s
                values = self._read(sensor[0], sensor[2]) or self._read(sensor[0], sensor[2])
            self._read("particles", self._particles.sleep)
        return values

    @on_demand
    def all(self) -> "list[Sensor]":
        """Those that measure quantities."""
        return self._sensors

    @on_demand
    def sees_light(self) -> bool:
        """Whether there is a photocell."""
        return self._photocell is not None

    def lux(self) -> LuxSensed:
        """Measure the daylight."""
        if self._photocell is None:
            return LuxSensed(None)
        return LuxSensed(self._read("lux", self._photocell.lux))

    def power_fan(self, on: bool) -> None:
        """Switch the particle sensor; one that is not there is nothing to wait for."""
        if self._particles is not None:
            self.fan_on = on
            self._read("particles", self._particles.wake if on else self._particles.sleep)

    def battery_mv(self) -> int | None:
        """The battery's voltage; None when there is none to be seen."""
        found: int | None = None if self._battery is None else self._read("battery", self._battery.millivolts)
        return found

    def _centivolts(self) -> tuple[int, ...] | None:
        """The battery as a sensor of one quantity, in its unit."""
        millivolts = self.battery_mv()
        return None if millivolts is None else (millivolts // 10,)

    def battery_level(self) -> int:
        """What DevStatusAns tells of a lithium cell: 1..254, 255 for not known (TS001-1.0.4 §5.5)."""
        found = self.battery_mv()
        if found is None:
            return 255
        return min(max((found - _EMPTY_MV) * 253 // (_FULL_MV - _EMPTY_MV) + 1, 1), 254)

    # Magnetic fields.

    @on_demand
    def bays(self) -> int:
        """How many magnetometers there are."""
        return len(self._fields)

    def field(self, bay: int) -> FieldSensed:
        """Measure the field at *bay*; its magnetometer watches no more."""
        self.watched &= ~(1 << bay)
        if bay >= len(self._fields):
            return FieldSensed(bay, None, None)
        chip = self._fields[bay][0]
        field = self._read("field", chip.field)
        temperature = None if field is None else self._read("field", chip.temperature_dcel)
        return FieldSensed(bay, field, temperature)

    @on_demand
    def start_fields(self) -> None:
        """Set the magnetometers up; one that is not there will not answer later either."""
        for chip, _ in self._fields:
            self._read("field", chip.start)

    def watch(self, bay: int, threshold_dut: int) -> None:
        """Let the magnetometer watch, if it can: the pin of one that cannot never rises."""
        if bay < len(self._fields) and self._fields[bay][1] is not None:
            chip = self._fields[bay][0]
            if self._read("field", lambda: chip.watch(threshold_dut)):
                self.watched |= 1 << bay

    def watch_pins(self) -> "list[Any]":
        """The pins that rise when something moves at a bay that is watched."""
        return [pin for bay, (_, pin) in enumerate(self._fields) if self.watched >> bay & 1]

    def moved(self) -> bool:
        """Whether something moved at a bay since its magnetometer watches; each says so once."""
        found = False
        for bay, (chip, pin) in enumerate(self._fields):
            if self.watched >> bay & 1 and pin.value():
                self.watched &= ~(1 << bay)
                self._read("field", chip.moved)  # which releases the pin
                found = True
        return found

    def _read(self, name: str, ask: "Callable[[], Any]") -> "Any":
        try:
            return ask()
        except Exception as error:
            self._hw.report(name, error)
            return None
