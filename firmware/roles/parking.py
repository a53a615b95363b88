"""A parking node: it watches one or two bays and tells at once when a car comes or goes.

How a bay is watched is its detector's idea (`field.py`, `distance.py`); here is the rest: when to sample, what to tell,
a sensor that falls silent or is stuck, and the heartbeat, whose reading carries the state for events that got lost.
"""

from protocol.compat import const, on_demand
from protocol.events import BATTERY_LOW, BAY_LEFT, BAY_TAKEN, SENSOR_BACK, SENSOR_FAILED
from protocol.orders import DONE, NOT_HERE, Order
from protocol.quantities import DISTANCE, FIELD_DEVIATION, PARKING_DISTANCE, PARKING_ONE_BAY, PARKING_TWO_BAYS

from ..actions import Persist, Sense, SenseField, TakeReading, TellEvent, WatchField
from ..events import FieldMoved, FieldSensed, Sensed, Woke
from .turns import Turns
from .verdict import CAME, NOTHING, SWAPPED

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any, Protocol

    from protocol.settings import Settings

    Kept = Any  # lists of small numbers, as `image` wrote them

    class Detector(Protocol):
        """What watches one bay. Times in s."""

        @property
        def changed_s(self) -> int:
            """Since when the bay is as it is."""

        def occupied(self) -> bool | None:
            """None before the first verdict."""

        def moving(self) -> bool:
            """Whether samples are wanted fast."""

        def nudge(self, now_s: int) -> None:
            """The sensor itself saw something move."""

        def sample(self, seen: Any, temperature_dcel: int | None, now_s: int) -> int:
            """Take a sample; returns what it revealed, as numbered in `verdict.py`."""

        def measure(self) -> int:
            """What a reading says besides: the field's deviation, or the distance."""

        def configure(self, setting: int, value: int) -> bool:
            """Take over a threshold; whether it has it."""

        def kept(self) -> bytes:
            """What a power cut should not take; b"" if there is nothing."""

        def image(self) -> bytes:
            """What a deep sleep must not take."""


_HEARTBEAT_S = const(12)  # number of `protocol/settings.py`
MAGNETIC = const(0)  # choices of its `detector`
BY_DISTANCE = const(1)
WATCHED = const(2)

STILL_MS = const(2_000)  # between samples: a car needs 4 s and more to leave a bay
FAST_MS = const(500)
_DISTANCE_MS = const(5_000)  # three of them agree well within the minute that the city is promised
WATCHED_MS = const(300_000)  # while the sensor itself watches: often enough to follow the drift
_WATCH_DUT = const(50)  # a third of what a car's swing must be, beyond most of what passes: each alarm costs a boot
_PATIENCE_MS = const(1_000)  # for an answer; the slowest, an echo from 6 m, takes 100 ms
SILENT_SAMPLES = const(30)  # without an answer: then the sensor is told as failed
STUCK_SAMPLES = const(1_000)  # of the very same field: a live sensor's noise is wider than a step
_FAILED_MS = const(60_000)  # between samples of a failed sensor
_FIRST_READING_MS = const(60_000)  # at the latest
_KEEP_MS = const(86_400_000)  # flash is written once a day
_LOW_CV = const(310)  # of the battery: a cell of lithium and thionyl chloride (3.6 V) is nearly empty
_FULL_CV = const(330)
_MOST_DEVIATION_DUT = const(20_000)  # the quantity's range
_MOST_DURATION_MIN = const(525_600)


class Parking:
    """settings: of this node. kept: what was persisted as "bays". image: what `image` returned before the deep sleep.

    seed: of the times of its heartbeats (`turns.py`). It is installed at an empty bay: the first field that it sees is
    a free bay's.
    """

    def __init__(self, settings: "Settings", kept: bytes = b"", image: bytes = b"", seed: int = 0) -> None:
        self._distance = settings.detector == BY_DISTANCE
        self._watched = settings.detector == WATCHED
        self._heartbeat_ms = settings.heartbeat_s * 1000
        self._turns = Turns(seed)
        self._reading = False  # the `Sense` for a reading is under way
        self._battery_low = False
        self._reading_ms = _FIRST_READING_MS
        self._keep_ms = _KEEP_MS
        bays: Kept = [[b"", 0, False]] * 2
        if image or kept:
            from protocol import cbor
        if image:
            items: Kept = cbor.decode(image)
            self._battery_low, self._turns.state, reading_s, keep_s, bays = items
            self._reading_ms = reading_s * 1000
            self._keep_ms = keep_s * 1000
        fields: Kept = cbor.decode(kept) if kept else []
        self._bays = []
        for number in range(1 if self._distance else settings.bays):
            detector = _detector(settings, fields[number] if number < len(fields) else b"", bays[number][0])
            self._bays.append(_Bay(number, detector, bays[number]))
        self.set_number = PARKING_DISTANCE if self._distance else (PARKING_ONE_BAY, PARKING_TWO_BAYS)[settings.bays - 1]

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Sample and tell when it is time; a sensor that does not answer counts as silent."""
        actions: list[object] = []
        if isinstance(event, Woke):
            self._wake(actions, now_ms)
        elif isinstance(event, FieldSensed):
            if event.bay < len(self._bays):
                self._sample(self._bays[event.bay], event.field, event.temperature_dcel, actions, now_ms)
        elif isinstance(event, Sensed):
            if self._distance:
                self._sample(self._bays[0], event.values[2], event.values[-2], actions, now_ms)
            if self._reading:
                self._read(event.values, actions, now_ms)
        elif isinstance(event, FieldMoved):
            for bay in self._bays:
                bay.detector.nudge(now_ms // 1000)
                bay.look(now_ms)
            self._wake(actions, now_ms)
        return actions

    def wake_at(self) -> int | None:
        """The next sample or reading."""
        next_ms = self._reading_ms
        for bay in self._bays:
            if bay.next_ms < next_ms:
                next_ms = bay.next_ms
        return next_ms

    @on_demand
    def order(
        self, order: Order, now_ms: int, gps_s: int | None, group: int | None = None
    ) -> tuple[int, int | None, list[object]]:
        """There is nothing here that an order could move."""
        return NOT_HERE, None, []

    @on_demand
    def configure(self, setting: int, value: int) -> int:
        """Take over a threshold, or how often it reports from the next reading on."""
        if setting == _HEARTBEAT_S:
            self._heartbeat_ms = value * 1000
            return DONE
        return DONE if all(bay.detector.configure(setting, value) for bay in self._bays) else NOT_HERE

    def rare(self) -> list[tuple[int, int, int]]:
        """Nothing besides the readings."""
        return []

    def image(self) -> bytes:
        """The state of the bays; an answer that has not come is asked for again."""
        from protocol import cbor

        return cbor.encode(
            [
                self._battery_low,
                self._turns.state,
                (self._reading_ms + 999) // 1000,
                (self._keep_ms + 999) // 1000,
                [[bay.detector.image(), (bay.next_ms + 999) // 1000, bay.failed] for bay in self._bays],
            ]
        )

    def _wake(self, actions: list[object], now_ms: int) -> None:
        for bay in self._bays:
            if now_ms >= bay.next_ms:
                if bay.waiting:
                    self._sample(bay, None, None, actions, now_ms)
                else:
                    bay.waiting = True
                    bay.next_ms = now_ms + _PATIENCE_MS
                    actions.append(Sense(self.set_number) if self._distance else SenseField(bay.number))
        if now_ms >= self._reading_ms:
            if self._reading:
                self._read((None,) * 8, actions, now_ms)
            else:
                self._reading = True
                self._reading_ms = now_ms + _PATIENCE_MS
                actions.append(Sense(self.set_number))

    def _sample(
        self, bay: "_Bay", seen: object, temperature_dcel: int | None, actions: list[object], now_ms: int
    ) -> None:
        """A sensor answered, or did not."""
        bay.waiting = False
        if not bay.alive(seen, not self._distance):
            bay.next_ms = now_ms + (_FAILED_MS if bay.failed else self._still_ms())
            if not bay.failed and bay.silent >= SILENT_SAMPLES:
                bay.failed = True
                actions.append(TellEvent(SENSOR_FAILED, (DISTANCE if self._distance else FIELD_DEVIATION,)))
            return
        if bay.failed:
            bay.failed = False
            actions.append(TellEvent(SENSOR_BACK, (DISTANCE if self._distance else FIELD_DEVIATION,)))
        detector = bay.detector
        meaning = detector.sample(seen, temperature_dcel, now_ms // 1000)
        if bay.since_s is None:
            if detector.occupied() is not None:
                bay.since_s = detector.changed_s
                if not self._reading:
                    self._reading_ms = now_ms  # the city waits for the state of a bay that has woken up
        elif meaning != NOTHING:
            lasted_s = max(detector.changed_s - bay.since_s, 0)
            bay.since_s = detector.changed_s
            if meaning != CAME:
                actions.append(TellEvent(BAY_LEFT, (bay.number, lasted_s)))
            if meaning == SWAPPED:
                lasted_s = 0
            if detector.occupied():
                actions.append(TellEvent(BAY_TAKEN, (bay.number, lasted_s)))
        if detector.moving():
            bay.next_ms = now_ms + FAST_MS
            return
        bay.next_ms = now_ms + self._still_ms()
        if self._watched:
            actions.append(WatchField(bay.number, _WATCH_DUT))

    def _still_ms(self) -> int:
        if self._watched:
            return WATCHED_MS
        return _DISTANCE_MS if self._distance else STILL_MS

    def _read(self, measured: tuple[int | None, ...], actions: list[object], now_ms: int) -> None:
        """Report the bays, with the temperature and the battery that the body measured."""
        self._reading = False
        self._reading_ms = now_ms + self._turns.gap_s(self._heartbeat_ms // 1000) * 1000
        values: list[int | None] = []
        for bay in self._bays:
            values += bay.values(now_ms // 1000, self._distance)
        values += measured[-2:]
        actions.append(TakeReading(tuple(values)))
        self._watch_battery(measured[-1], actions)
        if now_ms >= self._keep_ms:
            self._keep_ms = now_ms + _KEEP_MS
            if not self._distance:
                from protocol import cbor

                actions.append(Persist("bays", cbor.encode([bay.detector.kept() for bay in self._bays])))

    def _watch_battery(self, battery_cv: int | None, actions: list[object]) -> None:
        if battery_cv is not None:
            if battery_cv < _LOW_CV and not self._battery_low:
                self._battery_low = True
                actions.append(TellEvent(BATTERY_LOW, (battery_cv * 10,)))
            elif battery_cv >= _FULL_CV:
                self._battery_low = False


class _Bay:
    """One bay's detector, and how its sensor does."""

    def __init__(self, number: int, detector: "Detector", image: "Kept") -> None:
        self.number = number
        self.detector = detector
        self.next_ms: int = image[1] * 1000  # the next sample
        self.failed: bool = image[2]
        self.waiting = False  # for an answer
        self.silent = 0  # samples without one
        self._same = 0  # equal answers in a row
        self._last: object = None
        # Since when the bay is as it is, None before the first verdict.
        self.since_s: int | None = None if detector.occupied() is None else detector.changed_s

    def look(self, now_ms: int) -> None:
        """Sample at once."""
        if not self.waiting:
            self.next_ms = now_ms

    def alive(self, seen: object, noisy: bool) -> bool:
        """Whether the sensor's answer is one of a sensor that works."""
        self._same = self._same + 1 if seen == self._last else 0
        self._last = seen
        if seen is None or (noisy and self._same >= STUCK_SAMPLES):
            self.silent = SILENT_SAMPLES if seen else self.silent + 1
            return False
        self.silent = 0
        return True

    def values(self, now_s: int, distance: bool) -> list[int | None]:
        """Its part of a reading; nothing is known while the sensor fails."""
        occupied = None if self.failed else self.detector.occupied()
        if occupied is None:
            return [None, None, None]
        minutes = max(now_s - self.detector.changed_s, 0) // 60
        measure = self.detector.measure()
        return [
            1 if occupied else 0,
            min(minutes, _MOST_DURATION_MIN),
            measure if distance else min(measure, _MOST_DEVIATION_DUT),
        ]


def _detector(settings: "Settings", kept: bytes, image: bytes) -> "Detector":
    """The one that the settings name; the other's code stays on the flash."""
    if settings.detector == BY_DISTANCE:
        from .distance import DistanceDetector

        return DistanceDetector(settings.taken_distance_cm, image)
    from .field import FieldDetector
    from .verdict import Verdict

    verdict = Verdict(settings.taken_field_dut, settings.left_field_dut, settings.swing_field_dut)
    return FieldDetector(verdict, kept, image)
