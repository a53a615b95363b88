"""Air at a street corner, with daily and weekly cycles."""

from protocol import quantities as q
from simulator.stimuli.cycles import DAY_S, YEAR_S, Drift, cycle
from simulator.streams import Stream


class AirStimulus:
    """Air at one street corner: what perfect sensors would say at a time (Unix s, taken as local)."""

    def __init__(self, stream: Stream) -> None:
        self._traffic = stream.uniform(0.6, 1.6)
        self._particles = Drift(stream, 6, 0.99)  # over days, as weather brings and clears it
        self._weather = Drift(stream, 4, 0.995)
        self._barometer = Drift(stream, 90, 0.998)
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
        temperature = 12 + weather - 8 * cycle(time_s, YEAR_S, 15 * DAY_S) + 5 * cycle(time_s, DAY_S, 15 * 3600)
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
