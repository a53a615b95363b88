"""What a lamp measures of itself: asked every five minutes, doubted, judged by `meter.py`, and told as readings."""

from protocol.compat import const, on_demand
from protocol.events import SENSOR_BACK, SENSOR_FAILED
from protocol.quantities import (
    ENERGY,
    LAMP_OVERRIDDEN,
    LAMP_STATUS,
    LEVEL,
    POWER,
    TEMPERATURE,
    VOLTAGE,
    quantities_of,
    size_of,
)

from ..actions import Sense, TakeReading, TellEvent
from .base import ask
from .meter import Latch, Meter
from .turns import EARLIER_S, draw_after

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .ledger import Ledger
    from .setpoint import Door

_SENSE_S = const(300)
_ANSWER_S = const(30)  # sensors that take longer are silent
_WARM_UP_S = const(300)  # a sodium lamp takes so long to reach its power: nothing is judged before
_SEEN_POWER = const(1)
_SEEN_TEMPERATURE = const(2)


class Gauges:
    """Of the heads behind *doors*. meter: judges them. interval_s: from reading to reading; seed: of their times.

    The first reading is due after begin_s, the second at any time within the interval that follows.
    """

    @on_demand
    def __init__(
        self,
        set_number: int,
        doors: "list[Door]",
        ledger: "Ledger",
        meter: Meter,
        interval_s: int,
        begin_s: int,
        seed: int = 0,
    ) -> None:
        self.meter = meter
        self.interval_s = interval_s
        self._set_number = set_number
        self._doors = doors
        self._ledger = ledger
        self._ranges: tuple[tuple[int, int], ...] = ()  # plausible values, once they are needed
        self._gone = {POWER: Latch(), TEMPERATURE: Latch()}
        self._sense_s = begin_s
        self._reading_s = begin_s
        self._draw = seed
        self._has_read = False
        self._asked_s: int | None = None

    @on_demand
    def begin(self, now_s: int) -> None:
        """The uptime with which this run begins."""
        self._sense_s += now_s
        self._reading_s += now_s

    def due_s(self) -> int:
        """When to call `do_chores`."""
        if self._asked_s is not None and self._asked_s + _ANSWER_S < self._sense_s:
            return self._asked_s + _ANSWER_S
        return self._sense_s

    def do_chores(self, actions: list[object], now_s: int) -> bool:
        """Ask the sensors when it is time, and wait for their answer no longer than they take; whether they were."""
        if self._asked_s is not None and now_s >= self._asked_s + _ANSWER_S:
            self.measured(actions, (None,) * size_of(self._set_number), now_s)
        if now_s < self._sense_s:
            return False
        self._sense_s = now_s + min(_SENSE_S, self.interval_s)
        self._asked_s = now_s
        actions.append(Sense(self._set_number))
        return True

    def measured(self, actions: list[object], values: tuple[int | None, ...], now_s: int) -> None:
        """Judge a measurement, and report it when a reading is due."""
        self._asked_s = None
        if not self._ranges:
            self._ranges = ask("ranges", self._set_number) or ()
        known = {}
        for place, (quantity, _) in enumerate(quantities_of(self._set_number)):
            value = values[place]
            if value is not None and self._plausible(place, value):
                known[quantity] = value
        if known.get(VOLTAGE) == 0:  # yet we have power: the meter is dead
            known = {TEMPERATURE: known[TEMPERATURE]} if TEMPERATURE in known else {}
        self._watch_sensor(actions, POWER, _SEEN_POWER, known)
        self._watch_sensor(actions, TEMPERATURE, _SEEN_TEMPERATURE, known)
        if TEMPERATURE in known:
            actions += self.meter.heated(known[TEMPERATURE])
        if POWER in known and max([door.settled_s for door in self._doors]) + _WARM_UP_S <= now_s:
            levels = [door.level_pct or 0 for door in self._doors]
            actions += self.meter.measured(levels, known[POWER], known.get(VOLTAGE), now_s)
            self._ledger.rated_dw = self.meter.learned_dw or self._ledger.rated_dw
        if ENERGY in known:
            known[ENERGY] = self._ledger.metered(known[ENERGY])
        if now_s >= self._reading_s:
            self._draw = draw_after(self._draw)
            earlier_s = self._draw % EARLIER_S
            self._sense_s -= earlier_s
            self._reading_s = now_s - earlier_s + (self.interval_s if self._has_read else self._draw % self.interval_s)
            self._has_read = True
            actions.append(TakeReading(self._values(known)))

    def _plausible(self, place: int, value: int) -> bool:
        """Whether a sensor can have seen this; one whose range cannot be had is believed."""
        return not self._ranges or self._ranges[place][0] <= value <= self._ranges[place][1]

    def _values(self, known: dict[int, int]) -> tuple[int | None, ...]:
        values = []
        for quantity, instance in quantities_of(self._set_number):
            if quantity == LEVEL:
                values.append(self._doors[instance].level_pct)
            elif quantity == LAMP_STATUS:
                overridden = LAMP_OVERRIDDEN if self._doors[instance].overridden() else 0
                values.append(self.meter.status(instance) | overridden)
            else:
                values.append(known.get(quantity))
        return tuple(values)

    def _watch_sensor(self, actions: list[object], quantity: int, bit: int, known: dict[int, int]) -> None:
        """Tell when a sensor that once answered is silent, and when it is back."""
        there = quantity in known
        if there:
            self._ledger.seen |= bit
        latch = self._gone[quantity]
        if self._ledger.seen & bit and latch.see(not there):
            actions.append(TellEvent(SENSOR_FAILED if latch.on else SENSOR_BACK, (quantity,)))
