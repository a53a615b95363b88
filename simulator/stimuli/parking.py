"""A parking bay: cars that come and go."""

from protocol import quantities as q
from simulator.stimuli.cycles import DAY_S, YEAR_S, Drift, cycle
from simulator.streams import Stream


class ParkingStimulus:
    """One bay: cars that come and go by the hour, and what they do to the magnetic field."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._weather = Drift(stream, 4, 0.995)
        self._battery = 360 + stream.below(6)
        self._occupied = False
        self._changed_s: float | None = None
        self._until_s = 0.0
        self._car = 0.0

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of one bay's set at *time_s*, which only grows."""
        if self._changed_s is None:
            self._changed_s = time_s - self._stream.uniform(0, 4 * 3600)
            self._until_s = time_s
        while self._until_s <= time_s:
            self._changed_s = self._until_s
            self._occupied = not self._occupied
            night = cycle(self._until_s, DAY_S, 3 * 3600) > 0
            longest_h = (10 if night else 2.5) if self._occupied else (6 if night else 0.8)
            self._until_s += 60 + self._stream.uniform(0, 1) * self._stream.uniform(0, 2) * longest_h * 3600
            self._car = self._stream.uniform(80, 480)
        temperature = 13 + self._weather.next() - 8 * cycle(time_s, YEAR_S, 15 * DAY_S)
        temperature += 6 * cycle(time_s, DAY_S, 15 * 3600)
        scaled = {
            q.OCCUPIED: int(self._occupied),
            q.STATE_DURATION: (time_s - self._changed_s) / 60,
            q.FIELD_DEVIATION: (self._car if self._occupied else 4) + abs(3 * self._stream.bell()),
            q.TEMPERATURE: 10 * temperature,
            q.BATTERY_VOLTAGE: self._battery + 0.3 * temperature / 10,
        }
        return tuple(int(scaled[quantity]) for quantity, _ in q.quantities_of(set_number))
