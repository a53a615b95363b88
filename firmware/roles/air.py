"""An air-quality node: it warms its fan up, takes the median of a few samples, doubts them, and dries the particles."""

from protocol.compat import const, on_demand
from protocol.events import SENSOR_BACK, SENSOR_FAILED
from protocol.orders import DONE, NOT_HERE
from protocol.quantities import (
    CO2,
    PM1,
    PM2_5,
    PM4,
    PM10,
    PRESSURE,
    RELATIVE_HUMIDITY,
    TEMPERATURE,
    quantities_of,
)

from ..actions import PARTICLE_FAN, Power, Sense, TakeReading, TellEvent
from ..events import Sensed, Woke
from .turns import Turns

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from protocol.orders import Order

    Kept = Any  # lists of small numbers, as `image` wrote them

# Numbers of `protocol/settings.py`.
_READING_INTERVAL_S = const(11)
_FAN_WARM_UP_S = const(19)
_GROWTH_PER_MILLE = const(20)

SAMPLES = const(5)  # the median of five survives two outliers
SAMPLE_MS = const(1_000)  # how often these sensors have a new value
_PATIENCE_MS = const(30_000)  # for an answer; the slowest, a single shot of an SCD41, takes 5 s
SILENT_READINGS = const(3)  # a sensor unknown for so long is told as failed: one bad checksum is noise
STUCK_SAMPLES = const(60)  # three hours of the same number at 15 minutes; real ones change within a reading

_PARTICLES = (PM1, PM2_5, PM4, PM10)
# Quantities of one sensor, which fails as a whole and is told once.
_PARTS = (_PARTICLES, (CO2,), (TEMPERATURE, RELATIVE_HUMIDITY, PRESSURE))
_ALWAYS_VARY = (PM1, PM2_5, PM4, PM10, CO2)  # their noise is wider than a step; that of the others is not
_QUIET_UG10 = const(50)  # below 5.0 ug/m3 particle counters show the same small number, or 0, for hours

# Particles take up water and grow: mass x (1 + kappa / density x aw / (1 - aw)), aw being the relative humidity
# (Petters and Kreidenweis 2007, doi:10.5194/acp-7-1961-2007; as a correction of cheap particle counters, with a density
# of 1.65, Crilley et al. 2018, doi:10.5194/amt-11-709-2018). kappa is 0.3 on average over continents (Andreae and
# Rosenfeld 2008, doi:10.1016/j.earscirev.2008.03.001): 0.3 / 1.65 = 0.182, the default of the setting.
_MAX_HUMIDITY_PCT = const(95)  # above, the formula asks more of a hygrometer than one of 2 % can say; and there is fog


class Air:
    """set_number: of the sensors. first_ms: when the first reading is due. image: what `image` returned before.

    interval_s: between readings, on average; seed: of their times (`turns.py`). warm_up_s: how long the fan runs before
    a reading (30 s for a PMS5003, by its data sheet); it stays on when it would rest for less than that.
    growth_per_mille: kappa / density of the place's particles, 0 for sensors that are not to be corrected.
    """

    def __init__(
        self,
        set_number: int,
        interval_s: int,
        warm_up_s: int,
        growth_per_mille: int,
        first_ms: int = 0,
        image: bytes = b"",
        seed: int = 0,
    ) -> None:
        self.set_number = set_number
        self._quantities = tuple([number for number, _ in quantities_of(set_number)])
        self._ranges: tuple[tuple[int, int], ...] = ()  # from and to of each, once they are needed
        self._growth_per_mille = growth_per_mille
        self._interval_ms = interval_s * 1000
        self._warm_up_ms = warm_up_s * 1000
        self._turns = Turns(seed)
        self._next_ms = first_ms  # of the next step: the fan, or a sample
        self._fan_on = False
        self._samples: list[tuple[int | None, ...]] = []
        self._sampling = False  # a reading is under way
        self._waiting = False  # for a `Sensed`
        self._begun_ms = first_ms  # when it was due
        count = len(self._quantities)
        self._silent = [0] * count  # readings without a value, by position
        self._same = [0] * count  # equal samples in a row
        self._last: list[int | None] = [None] * count  # the newest sample
        self._failed = [-1] * len(_PARTS)  # the quantity that was told as failed
        if image:
            self._restore(image)

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Warm up, sample and conclude when it is time; a `Sense` that nobody answers counts as silence."""
        if isinstance(event, Sensed):
            return self._sample(event.values, now_ms) if self._waiting else []
        if not isinstance(event, Woke) or now_ms < self._next_ms:
            return []
        if self._waiting:
            return self._sample((None,) * len(self._quantities), now_ms)
        if self._sampling:
            return self._sense(now_ms)
        return self._begin(now_ms)

    def wake_at(self) -> int | None:
        """The next step of a reading."""
        return self._next_ms

    @on_demand
    def order(
        self, order: "Order", now_ms: int, gps_s: int | None, group: int | None = None
    ) -> tuple[int, int | None, list[object]]:
        """There is nothing here that an order could move."""
        return NOT_HERE, None, []

    @on_demand
    def configure(self, setting: int, value: int) -> int:
        """Take over a setting; the interval counts from the next reading on."""
        if setting == _READING_INTERVAL_S:
            self._interval_ms = value * 1000
        elif setting == _FAN_WARM_UP_S:
            self._warm_up_ms = value * 1000
        elif setting == _GROWTH_PER_MILLE:
            self._growth_per_mille = value
        else:
            return NOT_HERE
        return DONE

    def rare(self) -> list[tuple[int, int, int]]:
        """The set carries all that there is."""
        return []

    def image(self) -> bytes:
        """What it knows of its sensors; a reading under way begins again after the sleep."""
        next_ms = self._begun_ms if self._sampling else self._next_ms
        kept = [(next_ms + 999) // 1000, self._turns.state, self._silent, self._same, self._last, self._failed]
        from protocol import cbor

        return cbor.encode(kept)

    def _restore(self, image: bytes) -> None:
        from protocol import cbor

        kept: Kept = cbor.decode(image)
        next_s, self._turns.state, self._silent, self._same, self._last, self._failed = kept
        self._next_ms = next_s * 1000

    def _begin(self, now_ms: int) -> list[object]:
        self._begun_ms = self._next_ms
        self._sampling = True
        if self._fan_on:
            return self._sense(now_ms)
        self._fan_on = True
        self._next_ms = now_ms + self._warm_up_ms
        return [Power(PARTICLE_FAN, True)]

    def _sense(self, now_ms: int) -> list[object]:
        self._waiting = True
        self._next_ms = now_ms + _PATIENCE_MS
        return [Sense(self.set_number)]

    def _sample(self, values: tuple[int | None, ...], now_ms: int) -> list[object]:
        self._waiting = False
        if not self._ranges:
            from protocol.quantity_table import ranges_of

            self._ranges = ranges_of(self.set_number)
        self._samples.append(tuple([self._doubted(position, value) for position, value in enumerate(values)]))
        if len(self._samples) < SAMPLES:
            self._next_ms = now_ms + SAMPLE_MS
            return []
        return self._conclude(now_ms)

    def _doubted(self, position: int, value: int | None) -> int | None:
        """A sample, or None for what no sensor of its kind can have seen; counts how long it has been the same."""
        if value is None:
            return None
        low, high = self._ranges[position]
        if not low <= value <= high:
            return None
        number = self._quantities[position]
        quiet = number in _PARTICLES and value < _QUIET_UG10
        if value != self._last[position] or quiet or number not in _ALWAYS_VARY:
            self._same[position] = 0
        self._same[position] += 1
        self._last[position] = value
        return value

    def _conclude(self, now_ms: int) -> list[object]:
        values = [self._median(position) for position in range(len(self._quantities))]
        self._samples = []
        self._sampling = False
        # Skip missed intervals: after a long sleep one reading is news, forty are noise.
        missed_ms = (now_ms - self._begun_ms) // self._interval_ms * self._interval_ms
        self._next_ms = self._begun_ms + missed_ms + self._turns.gap_s(self._interval_ms // 1000) * 1000
        actions: list[object] = []
        if self._interval_ms > 2 * self._warm_up_ms:
            self._fan_on = False
            actions.append(Power(PARTICLE_FAN, False))
        events = self._failures()
        if self._growth_per_mille:
            self._correct(values)
        actions.append(TakeReading(tuple(values)))
        return actions + events

    def _median(self, position: int) -> int | None:
        """Of the samples that are known, if they are more than half; None while the sensor is stuck."""
        if self._same[position] >= STUCK_SAMPLES:
            self._silent[position] = SILENT_READINGS
            return None
        samples = [sample[position] for sample in self._samples]
        known = sorted([value for value in samples if value is not None])
        if len(known) <= SAMPLES // 2:
            self._silent[position] += 1
            return None
        self._silent[position] = 0
        return known[len(known) // 2]

    def _failures(self) -> list[object]:
        """One event for a sensor that failed, one when it is back; what it measures is null in between."""
        events: list[object] = []
        for place, part in enumerate(_PARTS):
            failing = -1
            for position, number in enumerate(self._quantities):
                if failing < 0 and number in part and self._silent[position] >= SILENT_READINGS:
                    failing = number
            told = self._failed[place]
            if told < 0 <= failing:
                events.append(TellEvent(SENSOR_FAILED, (failing,)))
                self._failed[place] = failing
            elif failing < 0 <= told:
                events.append(TellEvent(SENSOR_BACK, (told,)))
                self._failed[place] = -1
        return events

    def _correct(self, values: list[int | None]) -> None:
        """Particles as they would weigh dry, in place; not known while the humidity is not."""
        humidity = None
        for position, number in enumerate(self._quantities):
            if number == RELATIVE_HUMIDITY:
                humidity = values[position]
        for position, number in enumerate(self._quantities):
            value = values[position]
            if number in _PARTICLES and value is not None:
                values[position] = None if humidity is None else dried(value, humidity, self._growth_per_mille)


def dried(mass: int, humidity_pct: int, growth_per_mille: int) -> int:
    """A mass concentration (0..10000) without the water that the particles took up at 0..100 % of humidity."""
    wet = min(humidity_pct, _MAX_HUMIDITY_PCT)
    dry = (100 - wet) * 1000
    growth = dry + growth_per_mille * wet
    return (mass * dry + growth // 2) // growth
