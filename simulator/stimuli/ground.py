"""What a magnetometer in the ground of one bay feels, and what a distance sensor above it sees.

The cars are those of `simulator/bay/magnetics.py`, with its noise, its drift over temperature and what each leaves
behind; neighbours count when they are nodes of the same street. Trucks and trams pass there only: a fleet is to be
asked about its radio, and a bay by the trial.
"""

import math
from collections.abc import Callable

from simulator.bay.magnetics import EARTH_DOWN_UT, EARTH_LEVEL_UT, TYPICAL_UT, Car, Vector, direction, progress
from simulator.stimuli.bay import Life
from simulator.stimuli.cycles import DAY_S, NOISES, cycle
from simulator.stimuli.spans import NEVER_S
from simulator.stimuli.weather import Corner
from simulator.streams import Stream

Field = tuple[int, int, int]  # tenths of µT

_NOTHING: Vector = (0.0, 0.0, 0.0)
_NOISE_UT = 0.5
_TEMPCO_UT_PER_K = 0.1  # on each axis, at most
_REFERENCE_C = 14.0
_SUN_K = 9.0  # a road in the sun over the air
_NEIGHBOUR = (0.10, 0.30)  # of TYPICAL_UT
_LEFT_UT = 0.5  # standard deviation of what a car leaves magnetised
_SLOW_S = 60
_COMPARES_S = 0.4  # a LIS3MDL in low power looks 2.5 times a second


class _Parked:
    """A car, its way in and its way out."""

    __slots__ = ("_car", "_turned_back", "in_s", "number", "out_s", "rest")

    def __init__(self, number: int, earth: Vector) -> None:
        dice = Stream(number, "car")
        self.number = number
        self._car = Car(dice, earth, 0.0)
        self._turned_back = dice.chance(0.3)
        self.in_s = dice.uniform(5, 20)
        self.out_s = dice.uniform(4, 15)
        self.rest = self._car.rest()

    def coming(self, seconds: float) -> Vector:
        """What it adds so long after it began to come in."""
        return self._car.field(progress(seconds / self.in_s, self._turned_back))

    def going(self, seconds: float) -> Vector:
        """What it adds so long after it began to go."""
        return self._car.field(progress(1 - seconds / self.out_s, False))


class Ground:
    """The field at one bay. life: of the bay; neighbours: of those beside it."""

    def __init__(self, stream: Stream, life: Life, corner: Corner, neighbours: tuple[Life, ...] = ()) -> None:
        self._life = life
        self._corner = corner
        self._neighbours = neighbours
        self._noise = corner.weather.noise
        self._bells = corner.weather.noise.bells
        level = direction(stream, flat=True)
        self._earth = (level[0] * EARTH_LEVEL_UT, level[1] * EARTH_LEVEL_UT, -EARTH_DOWN_UT)
        tempco = _TEMPCO_UT_PER_K
        self._tempco = stream.uniform(-tempco, tempco), stream.uniform(-tempco, tempco), stream.uniform(-tempco, tempco)
        self._phase = stream.below(NOISES)
        self._known: _Parked | None = None  # the car asked for last
        self._moving: tuple[Callable[[float], Vector], int] | None = None  # how it moves, and since when
        self._from_s, self._until_s = 1.0, 0.0  # in which `_still` holds
        self._still = _NOTHING  # what neighbours and the bay's own car add
        self._slow_s = -1
        self._slow = self._earth
        self._celsius = _REFERENCE_C

    def field(self, time_s: float) -> Field:
        """x, y and z at *time_s* (Unix)."""
        if not self._from_s <= time_s < self._until_s:
            self._settle(time_s)
        if int(time_s) // _SLOW_S != self._slow_s:
            self._follow_weather(time_s)
        x, y, z = self._still
        if self._moving is not None:
            moves, since_s = self._moving
            dx, dy, dz = moves(time_s - since_s)
            x, y, z = x + dx, y + dy, z + dz
        slow_x, slow_y, slow_z = self._slow
        index = self._phase + int(10 * time_s)
        bells = self._bells
        return (
            round(10 * (x + slow_x + _NOISE_UT * bells[index % NOISES])),
            round(10 * (y + slow_y + _NOISE_UT * bells[(7 * index + 1000) % NOISES])),
            round(10 * (z + slow_z + _NOISE_UT * bells[(11 * index + 2000) % NOISES])),
        )

    def deviation_dut(self, time_s: float) -> int:
        """How far the field at rest is from the empty bay's, in tenths of µT, without noise."""
        x, y, z = self._car(time_s).rest if self._life.occupied(time_s) else _NOTHING
        return round(10 * math.sqrt(x * x + y * y + z * z))

    def road_celsius(self, time_s: float) -> float:
        """The temperature of the sensor in its minute: the air's, and the sun on the road."""
        if int(time_s) // _SLOW_S != self._slow_s:
            self._follow_weather(time_s)
        return self._celsius

    def _road_celsius(self, time_s: float) -> float:
        weather = self._corner.weather
        local_s = time_s + weather.calendar.offset_s(time_s)
        sun = max(0.0, cycle(local_s, DAY_S, 14 * 3600)) * (1 - weather.at(time_s).cloud)
        return self._corner.celsius(time_s) + _SUN_K * sun

    def empty_field(self) -> Field:
        """The field without any car, at the reference temperature."""
        x, y, z = self._earth
        return round(10 * x), round(10 * y), round(10 * z)

    def next_change_s(self, time_s: float) -> float | None:
        """When the field next moves by more than noise and drift; None: never again.

        A magnetometer that watches by itself compares so many times a second while the own car moves.
        """
        if not self._from_s <= time_s < self._until_s:
            self._settle(time_s)
        if self._moving is not None:
            return min(time_s + _COMPARES_S, self._until_s)
        return self._until_s if self._until_s < NEVER_S else None

    def _settle(self, time_s: float) -> None:
        """Find what stands still around *time_s*, whether the own car moves, and until when that holds."""
        life = self._life
        changed_s = life.changed_s(time_s)
        since_s, until_s = float(changed_s), float(life.next_change_s(time_s))
        occupied = life.occupied(time_s)
        car = self._car(time_s)
        x, y, z = self._left_by(car.number - occupied)
        self._moving = None
        moves_s = car.in_s if occupied else car.out_s
        if next(life.changes(changed_s - 1, changed_s), None) is None:
            moves_s = 0.0  # it is only since then that anything is known
        if time_s < changed_s + moves_s:
            self._moving = car.coming if occupied else car.going, changed_s
            until_s = min(until_s, changed_s + moves_s)
        else:
            since_s = changed_s + moves_s
            if occupied:
                x, y, z = x + car.rest[0], y + car.rest[1], z + car.rest[2]
        for place, neighbour in enumerate(self._neighbours):
            since_s = max(since_s, neighbour.changed_s(time_s))
            until_s = min(until_s, neighbour.next_change_s(time_s))
            if neighbour.occupied(time_s):
                dx, dy, dz = self._beside(place, neighbour.car(time_s))
                x, y, z = x + dx, y + dy, z + dz
        self._from_s, self._until_s, self._still = since_s, until_s, (x, y, z)

    def _car(self, time_s: float) -> _Parked:
        """The car that stands there, or was there last."""
        number = self._life.car(time_s)
        if self._known is None or self._known.number != number:
            self._known = _Parked(number, self._earth)
        return self._known

    def _left_by(self, number: int) -> Vector:
        """What a car left magnetised when it went."""
        noise = self._noise.at
        index = self._phase + 3 * number
        return (_LEFT_UT * noise(index), _LEFT_UT * noise(index + 1), _LEFT_UT * noise(index + 2))

    def _beside(self, place: int, number: int) -> Vector:
        """What a neighbour's car adds here."""
        noise = self._noise.at
        index = self._phase + 5 * number + 1500 * place
        x, y, z = noise(index), noise(index + 1), noise(index + 2)
        low, high = _NEIGHBOUR
        size = TYPICAL_UT * (low + (high - low) * ((number * 37 + place) % 101) / 100)
        scale = size / max(0.1, math.sqrt(x * x + y * y + z * z))
        return (x * scale, y * scale, z * scale)

    def _follow_weather(self, time_s: float) -> None:
        self._slow_s = int(time_s) // _SLOW_S
        self._celsius = self._road_celsius(self._slow_s * _SLOW_S)
        kelvin = self._celsius - _REFERENCE_C
        self._slow = (
            self._earth[0] + self._tempco[0] * kelvin,
            self._earth[1] + self._tempco[1] * kelvin,
            self._earth[2] + self._tempco[2] * kelvin,
        )
