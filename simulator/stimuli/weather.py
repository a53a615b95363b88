"""The weather of a town: one field for all its nodes, of which each place has a small variation of its own.

A model with the right cycles and sizes for northern France, no forecast: temperature by year and day around its mean,
fronts every two to three days, clouds that flatten the day, wind that clears the air.
"""

from dataclasses import dataclass

from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S, NOISES, YEAR_S, Noise, cycle
from simulator.streams import Stream

_STEP_S = 60  # nothing here changes faster
_COLDEST_S = 15 * DAY_S  # of the year
MEAN_CELSIUS = 12.0  # of the town over the year
_SEASON_K = 7.5
_LEAST_HPA, _MOST_HPA = 960.0, 1048.0


@dataclass(frozen=True, slots=True)
class Sky:
    """The weather of one minute.

    celsius and dew_celsius: in the shade, where the town has its mean; hpa: at the ground; cloud: 0 clear … 1 overcast;
    wind_ms: above the roofs; winter: 1 in mid-January … -1 in July.
    """

    celsius: float
    dew_celsius: float
    hpa: float
    cloud: float
    wind_ms: float
    winter: float


class Weather:
    """The same for whoever asks."""

    def __init__(self, stream: Stream, calendar: Calendar) -> None:
        self.noise = Noise(stream)
        self.calendar = calendar
        self._places = [float(stream.below(NOISES)) for _ in range(8)]
        self.haze = float(stream.below(NOISES))  # where in the noise the town's haze begins
        self._minute = -1
        self._sky = Sky(0, 0, 0, 0, 0, 0)

    def at(self, time_s: float) -> Sky:
        """The weather at *time_s* (Unix s)."""
        minute = int(time_s // _STEP_S)
        if minute != self._minute:
            self._minute = minute
            self._sky = self._look(minute * _STEP_S)
        return self._sky

    def _look(self, time_s: float) -> Sky:
        fronts, showers, clouds, dry, high, troughs, wind, gusts = self._places
        smooth = self.noise.smooth
        days = time_s / DAY_S
        winter = cycle(time_s, YEAR_S, _COLDEST_S)
        local_s = time_s + self.calendar.offset_s(time_s)
        afternoon = cycle(local_s, DAY_S, 15.5 * 3600)
        cloud = min(1.0, max(0.0, 0.6 + 0.15 * winter + 0.4 * smooth(clouds + days / 0.6)))
        swing_k = (4.2 - 2.2 * winter) * (1 - 0.65 * cloud)
        mild = MEAN_CELSIUS - _SEASON_K * winter + 3.2 * smooth(fronts + days / 2.5)
        mild += 1.2 * smooth(showers + days / 0.7)
        celsius = mild + swing_k * afternoon
        gap = max(0.2, 3.6 - 1.2 * winter - 2.0 * cloud + 1.3 * smooth(dry + days / 1.3))
        hpa = 1015 + 8 * smooth(high + days / 3.5) + 4 * smooth(troughs + days / 1.2)
        strong = 3.2 + 1.7 * smooth(wind + days / 1.4) + 0.7 * smooth(gusts + days * 8) + 0.7 * afternoon
        return Sky(
            celsius=celsius,
            dew_celsius=min(celsius, mild - gap),
            hpa=min(_MOST_HPA, max(_LEAST_HPA, hpa)),
            cloud=cloud,
            wind_ms=max(0.4, strong),
            winter=winter,
        )


class Corner:
    """A place in the weather: warmer by its walls, a little off in all it has. mean_celsius: over the year."""

    __slots__ = ("_humid", "_offset_k", "_phase", "weather")

    def __init__(self, stream: Stream, weather: Weather, mean_celsius: float = MEAN_CELSIUS) -> None:
        self.weather = weather
        self._offset_k = mean_celsius - MEAN_CELSIUS + stream.uniform(-0.7, 0.9)
        self._humid = stream.uniform(-2.0, 2.0)
        self._phase = stream.below(NOISES)

    def celsius(self, time_s: float) -> float:
        """The temperature here."""
        return self.weather.at(time_s).celsius + self._offset_k + self._wander(time_s)

    def humidity_pct(self, time_s: float) -> float:
        """The relative humidity here, 5..100.

        From temperature and dew point by M. P. Wanielista's fraction (Hydrology, 1997; within 0.6 % from -25 to 45 °C,
        recalled), which needs no exponential.
        """
        celsius = self.celsius(time_s)
        dew = min(celsius, self.weather.at(time_s).dew_celsius)
        share = (112 - 0.1 * celsius + dew) / (112 + 0.9 * celsius)
        square = share * share
        fourth = square * square
        return min(100.0, max(5.0, 100 * fourth * fourth + self._humid))

    def _wander(self, time_s: float) -> float:
        return 0.3 * self.weather.noise.smooth(self._phase + time_s / 7_200)
