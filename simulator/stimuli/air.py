"""The air at a street corner: what sensors there see of the weather, of traffic, of stoves, and of the sun.

A model with the right sizes, cycles and dependences, no chemistry: particles and nitrogen dioxide gather where the air
stands still, more in the rush hours of working days and, on winter evenings, from stoves; ozone grows in the sun and
is eaten by what the traffic leaves; carbon dioxide follows traffic and still nights.
"""

from protocol import quantities as q
from protocol.quantity_table import Quantity
from simulator.stimuli.calendar import Week
from simulator.stimuli.cycles import DAY_S, NOISES, cycle
from simulator.stimuli.replay.seen import Seen
from simulator.stimuli.weather import Corner, Sky
from simulator.streams import Stream

# Traffic by the hour, 100 at its busiest: the shape of a street in town, of our own making.
TRAFFIC: Week = (
    (10, 6, 5, 5, 8, 20, 50, 88, 100, 75, 60, 60, 66, 64, 62, 70, 86, 100, 95, 72, 46, 32, 24, 16),
    (16, 11, 9, 7, 7, 10, 18, 28, 40, 52, 60, 60, 56, 52, 55, 58, 60, 60, 55, 46, 36, 30, 27, 23),
    (20, 15, 12, 9, 7, 7, 10, 14, 20, 30, 40, 44, 42, 38, 40, 42, 45, 48, 48, 42, 34, 26, 20, 13),
)
_PARTICLES = (q.PM1, q.PM4, q.PM10)
_EVENING_S = 20.5 * 3600
_SLOW_S = 60  # what does not change between the samples of one reading
_SUMMER_SUN_UG = 62.0

# Of one sample: standard deviation in units of the last decimal.
_JITTER = {
    q.PM1: 2.0,
    q.PM2_5: 3.0,
    q.PM4: 3.5,
    q.PM10: 5.0,
    q.CO2: 3.0,
    q.TEMPERATURE: 0.5,
    q.RELATIVE_HUMIDITY: 0.3,
    q.PRESSURE: 0.6,
    q.NO2: 12.0,
    q.O3: 15.0,
}
_JITTERED = {
    number: (number, jitter, Quantity(number).low, Quantity(number).high) for number, jitter in _JITTER.items()
}
_SETS = {
    number: tuple(_JITTERED[quantity] for quantity, _ in q.quantities_of(number))
    for number in (q.AIR_FULL, q.AIR_WITHOUT_PM4)
}


class AirStimulus:
    """Everything here is a pure function of the time, in Unix s.

    pm2_5_ug_m3: about the mean of a year. traffic: 0 in a park, 1 in a street, 2 at a crossing.
    seen: quantities of a file, in place of those made up here.
    """

    def __init__(
        self,
        stream: Stream,
        corner: Corner,
        pm2_5_ug_m3: float = 11.0,
        traffic: float = 1.0,
        seen: Seen | None = None,
    ) -> None:
        self._corner = corner
        self._bells = corner.weather.noise.bells
        self._seen = seen
        self._mean = pm2_5_ug_m3
        self._traffic = traffic
        self._gain = stream.uniform(0.94, 1.06)  # two sensors of a kind never agree
        self._phase = stream.below(NOISES)
        self._minute = -1
        self._slow: dict[int, float] = {}

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        """Scaled values of the set, in its order; the samples of one reading differ by noise only."""
        if int(time_s) // _SLOW_S != self._minute:
            self._follow(int(time_s) // _SLOW_S)
        slow, bells, index = self._slow, self._bells, self._phase + 13 * int(time_s)
        noisy: list[int | None] = []
        for quantity, jitter, low, high in _SETS[set_number]:
            value = int(slow[quantity] + jitter * bells[(index + 97 * quantity) % NOISES])
            noisy.append(low if value < low else high if value > high else value)
        values = tuple(noisy)
        return values if self._seen is None else self._replayed(self._seen, set_number, time_s, values)

    def measure(self, quantity: int, time_s: float) -> int | None:
        """One quantity, scaled, also those that no set carries (NO2, O3). KeyError for one that is not of the air."""
        if self._seen is not None and self._seen.has(quantity):
            return self._seen.at(quantity, time_s)
        if int(time_s) // _SLOW_S != self._minute:
            self._follow(int(time_s) // _SLOW_S)
        _, jitter, low, high = _JITTERED[quantity]
        noise = self._bells[(self._phase + 13 * int(time_s) + 97 * quantity) % NOISES]
        return min(high, max(low, int(self._slow[quantity] + jitter * noise)))

    def _replayed(
        self, seen: Seen, set_number: int, time_s: float, made: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """What the file says, and what was made up for the rest; sizes of particles that it lacks go with its PM2.5."""
        values = list(seen.over(set_number, time_s, made))
        if seen.has(q.PM2_5):
            sizes = [quantity for quantity, _ in q.quantities_of(set_number)]
            fine, made_fine = values[sizes.index(q.PM2_5)], made[sizes.index(q.PM2_5)]
            for place, quantity in enumerate(sizes):
                value = made[place]
                if quantity in _PARTICLES and not seen.has(quantity):
                    values[place] = None if fine is None else (value or 0) * fine // (made_fine or 1)
        return tuple(values)

    def _follow(self, minute: int) -> None:
        self._minute = minute
        self._slow = self._look(minute * _SLOW_S)

    def _look(self, time_s: int) -> dict[int, float]:
        """Every quantity at a minute, in units of its last decimal."""
        corner = self._corner
        weather = corner.weather
        sky = weather.at(time_s)
        calendar = weather.calendar
        rush = self._traffic * calendar.busy(TRAFFIC, time_s) / 100
        local_s = time_s + calendar.offset_s(time_s)
        still = 1.9 / (0.8 + sky.wind_ms / 3)  # about 1 on average; wind carries off what is emitted
        stoves = max(0.0, sky.winter) * max(0.0, cycle(local_s, DAY_S, _EVENING_S))
        haze = max(0.15, 1 + 0.55 * weather.noise.smooth(weather.haze + time_s / (2.2 * DAY_S)))
        fine = self._mean * self._gain * still * (0.62 * haze * (1 + 0.25 * sky.winter) + 0.4 * rush + 0.6 * stoves)
        fine = max(0.8, fine + 0.8 * weather.noise.smooth(self._phase + time_s / 1800))
        dust = 5 * rush * still
        no2 = max(1.0, still * (7 + 4 * sky.winter + 26 * rush))
        sun = max(0.0, cycle(local_s, DAY_S, 15.5 * 3600)) * (1 - sky.winter) / 2 * (1 - 0.7 * sky.cloud)
        ozone = max(2.0, 52 - 14 * sky.winter + _SUMMER_SUN_UG * sun - 0.55 * no2)
        return {
            q.PM1: 7 * fine,
            q.PM2_5: 10 * fine,
            q.PM4: 12 * fine + 2 * dust,
            q.PM10: 13 * fine + 10 * dust,
            q.CO2: 421 + 24 * rush * still + _night_breath(sky, local_s) * still,
            q.NO2: 10 * no2,
            q.O3: 10 * ozone,
            q.TEMPERATURE: 10 * corner.celsius(time_s),
            q.RELATIVE_HUMIDITY: corner.humidity_pct(time_s),
            q.PRESSURE: 10 * sky.hpa,
        }


def _night_breath(sky: Sky, local_s: float) -> float:
    """What plants and soil breathe out gathers in summer nights, in ppm."""
    return 9 * (1.3 - sky.winter) * max(0.0, cycle(local_s, DAY_S, 4.5 * 3600))
