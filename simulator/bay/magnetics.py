"""What a magnetometer in a parking bay feels: cars that come and go, neighbours, traffic, trams, weather and noise.

A *model*, to compare detectors and to find their mistakes; what it yields is no promise for a street. All fields in µT,
lengths in m, times in s. Arithmetic is + - * / and square root only: the same seed gives the same
trace everywhere.

Where the numbers come from ([r] read in the source, [m] from memory, [a] our assumption):

- A vehicle disturbs the Earth's field like one or several magnetic dipoles (N. Wahlström, F. Gustafsson, "Magnetometer
  modeling and validation for tracking metallic targets", IEEE Trans. Signal Processing 62(3), 2014 [r]: "the simplest
  far-field model"; near by, "the signal structure is much more complex": hence four of them here: engine, floor
  twice, and rear axle [a]). Induced along the Earth's field, and permanent in any direction.
- Earth in France: 47 to 48 µT, dipping 63° (IGRF [m]): 21 µT level, 42 µT down.
- A car over or beside the sensor: tens of µT (25..75 µT for cars, 90..185 µT for heavy vehicles in a sample of 120
  events, leanaiconsultants.com "Magnetic Data Analysis Report" [r]). TYPICAL_UT = 40 is the median of this model's cars
  at rest (tests/simulator/bay/test_magnetics.py).
- Some cars at rest cancel out: "located in a critical point where the field alteration is equal to that of an empty
  parking place" (Daubaras, Markevicius, Navikas, Zilys, Elektronika ir Elektrotechnika, eejournal.ktu.lt 7104 [r]);
  "the magnetic signal dead zone of high-chassis vehicles" (Lou, Zhang, Xiong, Jin, Sensors 19(10) 2348, 2019 [r]).
  In the model this follows from the dipoles; three cars in ten stand 8 cm higher [a].
- The neighbour bay: 10..30 % of a typical car [a], more than dipoles 2.4 m away would give; that neighbours are what
  detectors fail on is said by the same paper and by all others cited here [r].
- Near a tramway: direct currents. 50..110 µT static at 1 m from the platform edge with a metro passing (emf-portal.org,
  source 82 [r]); falling with the square of the distance, 0.5..3 µT some 5 to 10 m away [a].
- Offset over temperature up to 0.1 µT/K on each axis [a]: 0.03 µT/K is typical of the LIS2MDL [m]; the residual of 4.3
  µT before calibration, offset, gain and temperature together (Belsten et al., egusphere-2023-588 [r]), bounds it.
- Noise of one sample: 0.04 µT for the MMC5983MA (0.4 mG, SparkFun's product text [r]), 0.32..0.41 µT for the LIS3MDL
  (3.2 and 4.1 mG, DocID024204 table 3 [m]); with what a street adds, 0.5 µT here [a].
- What a departure leaves behind: up to 1.5 µT in each axis of magnetised sensor and road [a].

Published results, for scale: 99.33 % of arrivals and 99.63 % of departures right (International Journal of Distributed
Sensor Networks 2015, 361242 [r]), "better than 98 %" on 82 nodes for a year (same journal 2013, 107975 [r]), 99.62 %
with radio to help (Lou et al. [r]), about 90 % where nobody tuned ("Lessons from long-term deployment", 13 months [r]).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator.stimuli.cycles import DAY_S, cycle
from simulator.streams import Stream

Vector = tuple[float, float, float]

TYPICAL_UT = 40.0
ARRIVAL = "arrival"
DEPARTURE = "departure"

_NOWHERE: Vector = (0.0, 0.0, 0.0)
EARTH_LEVEL_UT = 21.0
EARTH_DOWN_UT = 42.0
_OUTSIDE_M = -7.0  # where a manoeuvre begins and ends: the sensor feels next to nothing of it
_BAY_WIDTH_M = 2.4
_MOMENT_AM2 = 150.0  # scales all cars so that their median at rest is TYPICAL_UT
_PARTS = (  # of a car: ahead of its middle in m, share of its moment, height in m
    (1.4, 1.0, 0.55),  # engine and front axle
    (0.5, 0.3, 0.4),  # floor, exhaust, seats
    (-0.4, 0.3, 0.4),
    (-1.3, 0.6, 0.5),  # rear axle, springs, tank
)
_NOISES = (4093, 4091, 4079)  # independent draws to go round in for each axis; primes, so that no pattern comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """Where the bay lies. The defaults are the nominal street."""

    noise_ut: float = 0.5  # standard deviation of one sample on each axis
    changes_per_day: float = 12.0  # arrivals and departures of the bay, and of each of its two neighbours
    neighbour: tuple[float, float] = (0.10, 0.30)  # of TYPICAL_UT, at rest
    trucks_per_day: float = 200.0  # that pass in 2 to 10 s
    stops_per_day: float = 6.0  # of vans and trucks beside the bay, for up to ten minutes
    trams_per_day: float = 200.0
    tempco_ut_per_k: float = 0.1

    @property
    def snr_db(self) -> float:
        """A typical car at rest over the noise of one axis."""
        return 20 * math.log10(TYPICAL_UT / self.noise_ut)


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened to the bay: ARRIVAL or DEPARTURE, and when the car began and ended to move."""

    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class _Episode:
    """Something moves from start to end, *during* says what the sensor feels, and *after* is what remains of it."""

    start_s: float
    end_s: float
    during: Callable[[float], Vector]
    after: Vector


_Dipole = tuple[Vector, Vector]  # place in the car: ahead, to the left, up; moment in A·m²


class BayTrace:
    """One bay and everything around it; `field` tells what the sensor measures at times that only grow."""

    def __init__(self, seed: int, street: Street) -> None:
        self.truths: list[Truth] = []  # of the manoeuvres that have begun
        site = Stream(seed, "site")
        level = direction(site, flat=True)
        self._earth = (level[0] * EARTH_LEVEL_UT, level[1] * EARTH_LEVEL_UT, -EARTH_DOWN_UT)
        tempco = street.tempco_ut_per_k
        self._tempco = (site.uniform(-tempco, tempco), site.uniform(-tempco, tempco), site.uniform(-tempco, tempco))
        self._weather_k = site.uniform(-4, 4)
        self._swing_k = site.uniform(4, 12)  # the road in the sun, by day and night
        self._noise_index = 0
        dice = Stream(seed, "noise")
        self._noise = [[street.noise_ut * dice.bell() for _ in range(count)] for count in _NOISES]
        own = _Bay(Stream(seed, "own"), street, self._earth, 0.0, self.truths)
        neighbours = [
            _Bay(Stream(seed, name), street, self._earth, offset, [])
            for name, offset in (("left", _BAY_WIDTH_M), ("right", -_BAY_WIDTH_M))
        ]
        self._sources = [
            _Source(episodes)
            for episodes in (
                own.episodes(),
                *(bay.episodes() for bay in neighbours),
                _trucks(Stream(seed, "trucks"), street),
                _stops(Stream(seed, "stops"), street),
                _trams(Stream(seed, "trams"), street),
                _wander(Stream(seed, "wander")),
            )
        ]
        self._boundary_s = 0.0
        self._moving: list[_Source] = []
        self._still = _NOWHERE
        self._slow_s = 0.0

    def field(self, time_s: float) -> tuple[int, int, int, int]:
        """x, y and z in tenths of a µT and the temperature in tenths of a degree."""
        if time_s >= self._boundary_s:
            self._pass_boundary(time_s)
        if time_s >= self._slow_s:
            self._follow_weather(time_s)
        x, y, z = self._still
        for source in self._moving:
            dx, dy, dz = source.during(time_s)
            x += dx
            y += dy
            z += dz
        self._noise_index = index = self._noise_index + 1
        noise_x, noise_y, noise_z = self._noise
        return (
            round(10 * (x + self._slow[0] + noise_x[index % _NOISES[0]])),
            round(10 * (y + self._slow[1] + noise_y[index % _NOISES[1]])),
            round(10 * (z + self._slow[2] + noise_z[index % _NOISES[2]])),
            self._tenths_c,
        )

    def _pass_boundary(self, time_s: float) -> None:
        for source in self._sources:
            source.advance(time_s)
        self._moving = [source for source in self._sources if source.moving]
        x, y, z = _NOWHERE
        for source in self._sources:  # one by one, since `sum` of floats is not the same on every CPython
            if not source.moving:
                x, y, z = x + source.still[0], y + source.still[1], z + source.still[2]
        self._still = (x, y, z)
        self._boundary_s = min(source.boundary_s for source in self._sources)

    def _follow_weather(self, time_s: float) -> None:
        """Temperature and what it does to the sensor, once a minute."""
        self._slow_s = time_s + 60
        celsius = 14 + self._weather_k * cycle(time_s, 5.3 * DAY_S, 0) + self._swing_k * cycle(time_s, DAY_S, 54_000)
        kelvin = celsius - 14
        self._tenths_c = round(10 * celsius)
        self._slow = (
            self._earth[0] + self._tempco[0] * kelvin,
            self._earth[1] + self._tempco[1] * kelvin,
            self._earth[2] + self._tempco[2] * kelvin,
        )


class _Source:
    """One thing of the street and the episode it is in, or waits for."""

    def __init__(self, episodes: Iterator[_Episode]) -> None:
        self._episodes = episodes
        self._next = next(episodes)
        self.still = _NOWHERE
        self.moving = False
        self.during = self._next.during
        self.boundary_s = self._next.start_s

    def advance(self, time_s: float) -> None:
        """Be in the episode of *time_s*, or between two."""
        while time_s >= self._next.end_s:
            self.still = self._next.after
            self._next = next(self._episodes)
            self.during = self._next.during
        self.moving = time_s >= self._next.start_s
        self.boundary_s = self._next.end_s if self.moving else self._next.start_s


class _Bay:
    """One bay's cars. offset_m: how far beside the sensor it lies; 0 for the sensor's own, whose truths are kept."""

    def __init__(self, dice: Stream, street: Street, earth: Vector, offset_m: float, truths: list[Truth]) -> None:
        self._dice = dice
        self._street = street
        self._earth = earth
        self._offset_m = offset_m
        self._truths = truths

    def episodes(self) -> Iterator[_Episode]:
        """A bay starts empty: the node is installed there."""
        dice = self._dice
        mean_s = DAY_S / self._street.changes_per_day
        residual = _NOWHERE
        time_s = 1800 + dice.uniform(0, mean_s)
        while True:
            car = self._new_car()
            seconds = dice.uniform(5, 20)
            yield self._manoeuvre(ARRIVAL, time_s, seconds, car, residual, residual)
            time_s += seconds
            leaves_s = time_s + 90 + (mean_s - 90) * dice.uniform(0, 2) * dice.uniform(0, 2)
            yield from self._fidgets(time_s, leaves_s, car, residual)
            time_s = leaves_s
            left = (dice.uniform(-1.5, 1.5), dice.uniform(-1.5, 1.5), dice.uniform(-1.5, 1.5))
            before, residual = residual, left if self._offset_m == 0 else _NOWHERE
            seconds = dice.uniform(4, 15)
            yield self._manoeuvre(DEPARTURE, time_s, seconds, car, before, residual)
            time_s += seconds + 25 + (mean_s - 25) * dice.uniform(0, 2) * dice.uniform(0, 2)

    def _new_car(self) -> "Car":
        car = Car(self._dice, self._earth, self._offset_m)
        if self._offset_m:
            low, high = self._street.neighbour
            car.scale_to(TYPICAL_UT * self._dice.uniform(low, high))
        return car

    def _manoeuvre(
        self, kind: str, start_s: float, seconds: float, car: "Car", before: Vector, after: Vector
    ) -> _Episode:
        end_s = start_s + seconds
        self._truths.append(Truth(kind, start_s, end_s))
        turned_back = self._dice.chance(0.3) if kind == ARRIVAL else False

        def during(time_s: float) -> Vector:
            part = (time_s - start_s) / seconds
            x, y, z = car.field(progress(part, turned_back) if kind == ARRIVAL else progress(1 - part, False))
            residual = before if part < 0.5 else after
            return (x + residual[0], y + residual[1], z + residual[2])

        rest = car.rest() if kind == ARRIVAL else _NOWHERE
        return _Episode(start_s, end_s, during, (rest[0] + after[0], rest[1] + after[1], rest[2] + after[2]))

    def _fidgets(self, from_s: float, to_s: float, car: "Car", residual: Vector) -> Iterator[_Episode]:
        """Doors and people after the arrival; now and then a driver who puts the car straight."""
        dice = self._dice
        if to_s - from_s > 60:
            x, y, z = car.rest()
            share = 1.0 if self._offset_m == 0 else 0.2
            after = (x + residual[0], y + residual[1], z + residual[2])
            after = (
                after[0] + share * dice.uniform(-1, 1),
                after[1] + share * dice.uniform(-1, 1),
                after[2] + share * dice.uniform(-1, 1),
            )
            start_s = from_s + dice.uniform(5, 45)
            yield _Episode(start_s, start_s + 2, lambda _: after, after)
        if to_s - from_s > 900 and dice.chance(0.01):
            start_s = from_s + dice.uniform(120, to_s - from_s - 120)
            seconds = dice.uniform(4, 10)
            before_m, after_m = car.shift(dice.uniform(-0.4, 0.4))

            def during(time_s: float) -> Vector:
                part = (time_s - start_s) / seconds
                x, y, z = car.field_at(before_m + (after_m - before_m) * part)
                return (x + residual[0], y + residual[1], z + residual[2])

            x, y, z = car.rest()
            yield _Episode(start_s, start_s + seconds, during, (x + residual[0], y + residual[1], z + residual[2]))


class Car:
    """Four dipoles on their way into a bay *offset_m* beside the sensor, which lies on the ground in its middle.

    earth: the Earth's field there, in µT.
    """

    def __init__(self, dice: Stream, earth: Vector, offset_m: float) -> None:
        self._x_m = dice.uniform(-0.6, 0.6)
        self._y_m = offset_m + dice.uniform(-0.25, 0.25)
        self._swing_m = dice.uniform(-1.5, 1.5)  # how far from straight the way in is
        heading = -1.0 if dice.chance(0.3) else 1.0  # some back in
        high = 0.08 if dice.chance(0.3) else 0.0
        size = _MOMENT_AM2 * dice.uniform(0.7, 1.4)
        strength = math.sqrt(earth[0] * earth[0] + earth[1] * earth[1] + earth[2] * earth[2])
        self._scale = 1.0
        self._dipoles: list[_Dipole] = []
        for ahead_m, share, height_m in _PARTS:
            induced = size * share * dice.uniform(0.7, 1.0) / strength
            permanent = size * share * dice.uniform(0.0, 0.5)
            towards = direction(dice)
            self._dipoles.append(
                (
                    (heading * ahead_m + dice.uniform(-0.2, 0.2), dice.uniform(-0.3, 0.3), height_m + high),
                    (
                        earth[0] * induced + permanent * towards[0],
                        earth[1] * induced + permanent * towards[1],
                        earth[2] * induced + permanent * towards[2],
                    ),
                )
            )

    def scale_to(self, most_ut: float) -> None:
        """Make the strongest field of its way in *most_ut*."""
        self._scale = most_ut / max(_length(self.field(step / 16)) for step in range(17))

    def rest(self) -> Vector:
        """What it adds to the field when it stands."""
        return self.field(1.0)

    def field(self, part: float) -> Vector:
        """What it adds to the field at *part* (0 outside, 1 at rest) of its way in."""
        x_m = _OUTSIDE_M + (self._x_m - _OUTSIDE_M) * part
        return self._field(x_m, self._y_m + self._swing_m * (1 - part) * part * 2)

    def field_at(self, x_m: float) -> Vector:
        """What it adds when it stands *x_m* along the bay."""
        return self._field(x_m, self._y_m)

    def shift(self, by_m: float) -> tuple[float, float]:
        """Put it elsewhere along the bay; where it was and where it is."""
        before_m, self._x_m = self._x_m, min(0.7, max(-0.7, self._x_m + by_m))
        return before_m, self._x_m

    def _field(self, x_m: float, y_m: float) -> Vector:
        bx = by = bz = 0.0
        for (ahead, left, up), (mx, my, mz) in self._dipoles:
            # From the sensor, in the origin, to the dipole: the field is the same on either side of it.
            rx, ry = x_m + ahead, y_m + left
            square = rx * rx + ry * ry + up * up
            cube = square * math.sqrt(square)
            along = 3 * (mx * rx + my * ry + mz * up) / square
            # µ0/4π is 1e-7 T·m/A: 0.1 µT for 1 A·m² at 1 m.
            bx += 0.1 * (along * rx - mx) / cube
            by += 0.1 * (along * ry - my) / cube
            bz += 0.1 * (along * up - mz) / cube
        scale = self._scale
        return (bx * scale, by * scale, bz * scale)


def progress(part: float, turned_back: bool) -> float:
    """How far on its way a car is: it starts and stops softly, and may have to go back and correct."""
    if turned_back:
        if part < 0.5:
            return 0.97 * _soft(part * 2)
        return 0.97 - 0.25 * _soft((part - 0.5) * 4) if part < 0.75 else 0.72 + 0.28 * _soft((part - 0.75) * 4)
    return _soft(part)


def _soft(part: float) -> float:
    return part * part * (3 - 2 * part)


def _trucks(dice: Stream, street: Street) -> Iterator[_Episode]:
    """A dipole that drives past: the strongest swing 2 to 10 µT, felt for 2 to 10 s, and nothing remains."""
    time_s = 0.0
    while True:
        time_s += 15 + dice.uniform(0, 2) * DAY_S / max(street.trucks_per_day, 1e-3)
        seconds = dice.uniform(2, 10)
        peak = TYPICAL_UT * dice.uniform(0.05, 0.25)
        ahead, across = direction(dice), direction(dice)
        yield _Episode(time_s, time_s + seconds, _passing(time_s, seconds, peak, ahead, across), _NOWHERE)
        time_s += seconds


def _passing(start_s: float, seconds: float, peak: float, ahead: Vector, across: Vector) -> Callable[[float], Vector]:
    def during(time_s: float) -> Vector:
        u = 5 * (time_s - start_s) / seconds - 2.5  # in distances to the lane
        square = 1 + u * u
        bell = peak / (square * square)  # across the lane; along it the sign changes as it passes
        wave = 2 * u * bell
        return (
            ahead[0] * wave + across[0] * bell,
            ahead[1] * wave + across[1] * bell,
            ahead[2] * wave + across[2] * bell,
        )

    return during


def _stops(dice: Stream, street: Street) -> Iterator[_Episode]:
    """Vans that stop beside the bay, as strong as a neighbour."""
    low, high = street.neighbour
    time_s = 0.0
    while True:
        time_s += 60 + dice.uniform(0, 2) * DAY_S / max(street.stops_per_day, 1e-3)
        size = TYPICAL_UT * dice.uniform(low, high)
        x, y, z = direction(dice)
        field = (x * size, y * size, z * size)
        for there in (True, False):
            seconds = dice.uniform(3, 8)
            yield _Episode(
                time_s,
                time_s + seconds,
                _ramp(time_s, seconds, _NOWHERE, field) if there else _ramp(time_s, seconds, field, _NOWHERE),
                field if there else _NOWHERE,
            )
            time_s += seconds + (dice.uniform(20, 600) if there else 0)


def _trams(dice: Stream, street: Street) -> Iterator[_Episode]:
    """Traction current: steps of 0.5 to 3 µT along one direction, either way, for up to a minute."""
    line = direction(dice)
    time_s = 0.0
    while True:
        time_s += 20 + dice.uniform(0, 2) * DAY_S / max(street.trams_per_day, 1e-3)
        size = dice.uniform(0.5, 3) * (1 if dice.chance(0.5) else -1)
        field = (line[0] * size, line[1] * size, line[2] * size)
        for there in (True, False):
            seconds = dice.uniform(3, 12)
            yield _Episode(
                time_s,
                time_s + seconds,
                _ramp(time_s, seconds, _NOWHERE, field) if there else _ramp(time_s, seconds, field, _NOWHERE),
                field if there else _NOWHERE,
            )
            time_s += seconds + (dice.uniform(5, 50) if there else 0)


def _wander(dice: Stream) -> Iterator[_Episode]:
    """The zero of sensor and ground, which drifts a little each hour and is drawn back over days."""
    at = _NOWHERE
    time_s = 0.0
    while True:
        to = (0.98 * at[0] + 0.15 * dice.bell(), 0.98 * at[1] + 0.15 * dice.bell(), 0.98 * at[2] + 0.15 * dice.bell())
        yield _Episode(time_s, time_s + 3599, _ramp(time_s, 3599, at, to), to)
        at = to
        time_s += 3600


def _ramp(start_s: float, seconds: float, before: Vector, after: Vector) -> Callable[[float], Vector]:
    def during(time_s: float) -> Vector:
        part = (time_s - start_s) / seconds
        return (
            before[0] + (after[0] - before[0]) * part,
            before[1] + (after[1] - before[1]) * part,
            before[2] + (after[2] - before[2]) * part,
        )

    return during


def direction(dice: Stream, flat: bool = False) -> Vector:
    """A unit vector in any direction, level when *flat*."""
    while True:
        x, y = dice.uniform(-1, 1), dice.uniform(-1, 1)
        z = 0.0 if flat else dice.uniform(-1, 1)
        length = _length((x, y, z))
        if 0.1 < length < 1:
            return (x / length, y / length, z / length)


def _length(v: Vector) -> float:
    return math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
