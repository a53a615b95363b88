"""A parking node's sensors: magnetometers below one or two bays, or one distance sensor above, and the cell."""

from protocol import quantities as q
from simulator.stimuli.battery import Cell
from simulator.stimuli.bay import Life
from simulator.stimuli.cycles import NOISES
from simulator.stimuli.ground import Field, Ground
from simulator.stimuli.replay.seen import Seen
from simulator.stimuli.weather import Corner
from simulator.streams import Stream

_MOST_MIN = 525_600  # the quantity's range
_ROOF_CM = (140, 185)  # of cars
_LOST = -2.6  # of the noise: below it an echo does not come back; one in 200
_PASSER_BY = 2.75  # above it somebody stands in the beam of a free bay; one in 300


class ParkingStimulus:
    """What a node at one or two bays measures.

    lives: of its bays. neighbours: for each bay the lives beside it that its sensor feels. seen: quantities of a
    file, in place of those made up here.
    """

    def __init__(
        self,
        stream: Stream,
        lives: tuple[Life, ...],
        corner: Corner,
        neighbours: tuple[tuple[Life, ...], ...] = (),
        seen: Seen | None = None,
    ) -> None:
        self.lives = lives
        self.cell = Cell(stream)
        self._seen = seen
        self._noise = corner.weather.noise
        beside = neighbours or ((),) * len(lives)
        self.grounds = tuple(Ground(stream, life, corner, near) for life, near in zip(lives, beside, strict=True))
        self._ground_cm = stream.uniform(245, 280)  # below a sensor above the bay
        self._phase = stream.below(NOISES)

    def field(self, bay: int, time_s: float) -> Field:
        """The magnetic field at a bay: x, y and z in tenths of µT. A pure function of the time, in Unix s."""
        return self.grounds[bay].field(time_s)

    def temperature_dcel(self, time_s: float) -> int:
        """What the magnetometer's own thermometer reads."""
        return round(10 * self.grounds[0].road_celsius(time_s))

    def empty_field(self, bay: int) -> Field:
        """What the bay feels like without a car, as the people who install the node find it."""
        return self.grounds[bay].empty_field()

    def next_change_s(self, bay: int, time_s: float) -> float | None:
        """When the field at a bay next moves by more than noise, by its own car or by one beside it; None: never."""
        return self.grounds[bay].next_change_s(time_s)

    def distance_cm(self, time_s: float) -> int | None:
        """What a sensor above the first bay sees; None: the echo was lost."""
        chance = self._noise.at(self._phase + 3 * int(time_s))
        if chance < _LOST:
            return None
        life = self.lives[0]
        near_cm = 0.0
        if life.occupied(time_s):
            low, high = _ROOF_CM
            near_cm = low + (high - low) * (life.car(time_s) * 29 % 97) / 97
        elif chance > _PASSER_BY:
            near_cm = 170
        return round(self._ground_cm - near_cm + self._noise.at(self._phase + int(time_s)))

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        """Scaled values of a parking set: what a perfect node would say of its bays, and what it measures itself.

        Of a bay that a replayed file does not know at that time, None.
        """
        celsius = self.grounds[0].road_celsius(time_s)
        values = tuple([self._value(*pair, time_s, celsius) for pair in q.quantities_of(set_number)])
        return values if self._seen is None else self._seen.over(set_number, time_s, values)

    def _value(self, quantity: int, bay: int, time_s: float, celsius: float) -> int | None:
        if quantity == q.TEMPERATURE:
            return round(10 * celsius)
        if quantity == q.BATTERY_VOLTAGE:
            return self.cell.centivolts(time_s, celsius, self._noise)
        if quantity == q.DISTANCE:
            return self.distance_cm(time_s)
        if quantity == q.FIELD_DEVIATION:
            return self.grounds[bay].deviation_dut(time_s)
        life = self.lives[bay]
        if not life.known(time_s):
            return None
        if quantity == q.OCCUPIED:
            return int(life.occupied(time_s))
        return min(_MOST_MIN, int(time_s - life.changed_s(time_s)) // 60)
