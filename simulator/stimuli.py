"""What the sensors of the virtual city see: air with daily and weekly cycles, parked cars, lamps at night.

Arithmetic is +, -, *, / and square root only: IEEE 754 fixes these, so the same seed gives the same city everywhere.
"""

import math

from protocol import quantities as q
from simulator.streams import Stream

DAY_S = 86_400
_YEAR_S = 31_557_600


def cycle(time_s: float, period_s: float, peak_s: float) -> float:
    """A smooth wave of *period_s* between -1 and 1 with its top at *peak_s*: two parabolas, close to a cosine."""
    phase = ((time_s - peak_s) % period_s) / period_s  # 0 at the peak, 0.5 at the trough
    distance = abs(phase - 0.5) * 2  # 1 at the peak, 0 at the trough
    if distance > 0.5:
        return 1 - 4 * (1 - distance) * (1 - distance)
    return 4 * distance * distance - 1


class _Drift:
    """A value that wanders and comes back: a first-order autoregression with its own memory."""

    def __init__(self, stream: Stream, spread: float, memory: float) -> None:
        self._stream = stream
        self._step = spread * math.sqrt(1 - memory * memory)  # keeps the spread what it is
        self._memory = memory
        self._value = spread * stream.bell()

    def next(self) -> float:
        self._value = self._memory * self._value + self._step * self._stream.bell()
        return self._value


class AirStimulus:
    """Air at one street corner: what perfect sensors would say at a time (Unix s, taken as local)."""

    def __init__(self, stream: Stream) -> None:
        self._traffic = stream.uniform(0.6, 1.6)
        self._particles = _Drift(stream, 6, 0.99)  # over days, as weather brings and clears it
        self._weather = _Drift(stream, 4, 0.995)
        self._barometer = _Drift(stream, 90, 0.998)
        self._noise = stream
        self._slow = (0.0, 0.0, 0.0)
        self._slow_until_s = -1

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of the set, in its order; of times that only grow."""
        if time_s >= self._slow_until_s:  # the samples of one reading differ by noise only
            self._slow = (self._particles.next(), self._weather.next(), self._barometer.next())
            self._slow_until_s = time_s + 60
        particles, weather, barometer = self._slow
        weekday = (time_s // DAY_S + 3) % 7  # 1970-01-01 was a Thursday
        rush = max(0.0, cycle(time_s, DAY_S / 2, 8 * 3600)) * (0.4 if weekday >= 5 else 1.0)
        pm2_5 = max(1.0, 10 + particles + 5 * self._traffic * rush + 0.4 * self._noise.bell())
        temperature = 12 + weather - 8 * cycle(time_s, _YEAR_S, 15 * DAY_S) + 5 * cycle(time_s, DAY_S, 15 * 3600)
        humidity = min(100.0, max(15.0, 75 - 2.2 * (temperature - 12) + weather))
        scaled = {
            q.PM1: 7 * pm2_5,
            q.PM2_5: 10 * pm2_5,
            q.PM4: 13 * pm2_5,
            q.PM10: 16 * pm2_5 + 20 * rush,
            q.CO2: 425 + 30 * rush * self._traffic - 12 * cycle(time_s, DAY_S, 15 * 3600) + 2 * self._noise.bell(),
            q.TEMPERATURE: 10 * temperature,
            q.RELATIVE_HUMIDITY: humidity,
            q.PRESSURE: 10_150 + barometer,
        }
        return tuple(int(scaled[quantity]) for quantity, _ in q.quantities_of(set_number))


class ParkingStimulus:
    """One bay: cars that come and go by the hour, and what they do to the magnetic field."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._weather = _Drift(stream, 4, 0.995)
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
        temperature = 13 + self._weather.next() - 8 * cycle(time_s, _YEAR_S, 15 * DAY_S)
        temperature += 6 * cycle(time_s, DAY_S, 15 * 3600)
        scaled = {
            q.OCCUPIED: int(self._occupied),
            q.STATE_DURATION: (time_s - self._changed_s) / 60,
            q.FIELD_DEVIATION: (self._car if self._occupied else 4) + abs(3 * self._stream.bell()),
            q.TEMPERATURE: 10 * temperature,
            q.BATTERY_VOLTAGE: self._battery + 0.3 * temperature / 10,
        }
        return tuple(int(scaled[quantity]) for quantity, _ in q.quantities_of(set_number))


class LightStimulus:
    """One lamp of *watts* on its nightly programme, as its meter sees it."""

    def __init__(self, stream: Stream, watts: int = 42) -> None:
        self._stream = stream
        self._watts = watts
        self._energy_wh = stream.uniform(1e4, 2e6)
        self._weather = _Drift(stream, 4, 0.995)
        self._last_s: int | None = None

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of one head's set at *time_s*, which only grows."""
        hour = time_s % DAY_S / 3600
        level = 0 if 7 <= hour < 18 else 40 if hour < 5 or hour >= 23 else 100
        watts = self._watts * level / 100 + 0.4 + abs(0.1 * self._stream.bell())
        volts = 231 + 3 * cycle(time_s, DAY_S, 4 * 3600) + 0.7 * self._stream.bell()
        self._energy_wh += watts * (time_s - (time_s if self._last_s is None else self._last_s)) / 3600
        self._last_s = time_s
        outside = (
            12 + self._weather.next() - 8 * cycle(time_s, _YEAR_S, 15 * DAY_S) + 4 * cycle(time_s, DAY_S, 15 * 3600)
        )
        scaled = {
            q.LEVEL: level,
            q.POWER: 10 * watts,
            q.VOLTAGE: 10 * volts,
            q.CURRENT: 1000 * watts / volts / 0.95,
            q.ENERGY: self._energy_wh,
            q.TEMPERATURE: 10 * (outside + 0.25 * watts),
            q.LAMP_STATUS: 0,
        }
        return tuple(int(scaled[quantity]) for quantity, _ in q.quantities_of(set_number))
