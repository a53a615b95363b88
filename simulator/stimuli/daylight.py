"""The sun over the town: the very tables that lamps carry, and how much light reaches the ground.

Sunrise and sunset are astral's, sampled into the firmware's `SunTable`, so that simulated dusk falls when a lamp
reckons with it. Between them the sun's height follows the spherical triangle with arithmetic that is the same on
every machine.
"""

import math
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from astral import Observer
from astral.sun import dawn, dusk, sunrise, sunset

from protocol.dimming import SunTable
from simulator.stimuli.cycles import DAY_S, YEAR_S, cycle

_SAMPLED_DAYS = 369  # a year and what `SunTable.build` needs beyond
_SOLSTICE_S = 171.9 * DAY_S  # 21 June, from the beginning of a year
_TILT_SINE = 0.3978  # of the ecliptic, 23.44°
_HORIZON_SINE = -0.0145  # -0.833°: refraction and the sun's upper edge, as astral and almanacs count

# Illuminance on level ground under a clear sky by the sine of the sun's height: after the Explanatory Supplement to the
# Astronomical Almanac (1992), §9.34 (0°: 700 lx, -6°: 3.4 lx, -12°: 0.008 lx; 10°: 10,900; 30°: 49,000; 60°: 101,000),
# recalled; straight lines between, dense in twilight, where the light falls to a tenth in two degrees.
_LIGHT = (
    (-0.2079, 0.0),
    (-0.1564, 0.1),  # -9°
    (-0.1219, 1.0),  # -7°
    (-0.1045, 3.4),  # -6°, civil dusk
    (-0.0872, 11.0),
    (-0.0698, 35.0),
    (-0.0523, 90.0),
    (-0.0349, 190.0),
    (-0.0145, 400.0),  # sunset
    (0.0, 700.0),
    (0.0349, 1_700.0),
    (0.0872, 4_300.0),  # 5°
    (0.1736, 10_900.0),
    (0.3420, 29_000.0),  # 20°
    (0.5, 49_000.0),
    (0.7071, 76_000.0),
    (0.8660, 101_000.0),
    (1.0, 120_000.0),
)


@lru_cache(maxsize=16)
def sun_tables(
    latitude_deg: float, longitude_deg: float, utc_offset_min: int, first_day: int
) -> tuple[SunTable, SunTable]:
    """Sunrise with sunset, and civil dawn with dusk, as a lamp of that place carries them (`protocol.dimming.Site`).

    utc_offset_min: of the place's standard time. first_day: days since 1970-01-01; the table is of the year from there
    on. Raises ValueError where the sun does not rise or set every day: north of the polar circle.
    """
    observer = Observer(latitude_deg, longitude_deg)
    tables = []
    for morning, evening in ((sunrise, sunset), (dawn, dusk)):
        times: list[list[int]] = [[], []]
        for day in range(first_day, first_day + _SAMPLED_DAYS):
            on = date(1970, 1, 1) + timedelta(days=day)
            midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=-utc_offset_min)
            for place, event in enumerate((morning, evening)):
                times[place].append(round((event(observer, date=on) - midnight).total_seconds() / 6))
        tables.append(SunTable.build(first_day, *times))
    return tables[0], tables[1]


class Daylight:
    """Sun times and light of one place. utc_offset_min: of its standard time."""

    def __init__(self, latitude_deg: float, longitude_deg: float, utc_offset_min: int, first_day: int) -> None:
        self._sun, self.twilight = sun_tables(latitude_deg, longitude_deg, utc_offset_min, first_day)
        self._offset_s = utc_offset_min * 60
        # Rounded, since the cosine may differ by platform in its last digit.
        self._cosine = round(math.cos(math.radians(latitude_deg)), 6)
        self._day = (-1, 0.0, 0.0, 0.0)  # what `_shape` said last

    @property
    def sun(self) -> SunTable:
        """Sunrise and sunset."""
        return self._sun

    def sunrise_s(self, day: int) -> int:
        """Unix time of sunrise of *day* (days since 1970-01-01, standard time)."""
        return day * DAY_S - self._offset_s + self._sun.morning(day) * 6

    def sunset_s(self, day: int) -> int:
        """Unix time of sunset of *day*."""
        return day * DAY_S - self._offset_s + self._sun.evening(day) * 6

    def height_sine(self, time_s: float) -> float:
        """Sine of the sun's height above the horizon; exactly that of sunset when the table says sunset."""
        local_s = time_s + self._offset_s
        day = int(local_s // DAY_S)
        if day != self._day[0]:
            self._day = self._shape(day)
        _, noon_s, swing, middle = self._day
        return middle + swing * _cosine((local_s - day * DAY_S - noon_s) / DAY_S)

    def lux(self, time_s: float, cloud: float) -> float:
        """Light on level ground; cloud: 0 clear … 1 overcast, which leaves a seventh of it."""
        sine = self.height_sine(time_s)
        if sine <= _LIGHT[0][0]:
            return 0.0
        before = _LIGHT[0]
        for point in _LIGHT:
            if sine < point[0]:
                break
            before = point
        share = (sine - before[0]) / (point[0] - before[0]) if point[0] > before[0] else 0.0
        return (before[1] + share * (point[1] - before[1])) * (1 - 0.86 * cloud)

    def _shape(self, day: int) -> tuple[int, float, float, float]:
        """The day, its noon in s, swing and middle: sine of height = middle + swing × cosine of the hour angle."""
        rise_s, set_s = self._sun.morning(day) * 6, self._sun.evening(day) * 6
        tilt = _TILT_SINE * cycle(day * DAY_S + DAY_S / 2, YEAR_S, _SOLSTICE_S)
        swing = self._cosine * math.sqrt(1 - tilt * tilt)
        middle = _HORIZON_SINE - swing * _cosine((set_s - rise_s) / 2 / DAY_S)  # so that rise and set are the table's
        return day, (rise_s + set_s) / 2, swing, middle


def _cosine(turns: float) -> float:
    """Cosine of a part of a turn, within 0.0017: Bhaskara I's fraction."""
    part = abs(turns - int(turns + (0.5 if turns >= 0 else -0.5))) * 2  # 0..1 of half a turn
    sign = 1.0
    if part > 0.5:
        part, sign = 1 - part, -1.0
    square = part * part
    return sign * (1 - 4 * square) / (1 + square)
