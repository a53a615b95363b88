"""The town's weather: seasons and days of the right size, one field for all, and humidity that physics allows."""

import math
import statistics

from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

START_S = 1_767_225_600  # 2026-01-01


def weather(seed: int) -> Weather:
    return Weather(Stream(seed, "weather"), Calendar("Europe/Paris"))


def means(seed: int, first_day: int, days: int) -> list[float]:
    sky = weather(seed)
    return [sky.at(START_S + first_day * DAY_S + hour * 3600).celsius for hour in range(days * 24)]


def test_a_year_has_the_seasons_of_northern_france():
    """Paris-Montsouris 1991–2020: 12.8 °C over the year, 5.4 in January, 21.2 in July (Météo-France, recalled)."""
    seeds = range(6)
    year = statistics.mean(statistics.mean(means(seed, 0, 365)) for seed in seeds)
    january = statistics.mean(statistics.mean(means(seed, 0, 31)) for seed in seeds)
    july = statistics.mean(statistics.mean(means(seed, 181, 31)) for seed in seeds)
    assert 10.5 < year < 13.5
    assert 2.5 < january < 7
    assert 17.5 < july < 22.5


def test_nothing_leaves_what_the_place_has_seen():
    for seed in range(6):
        sky = weather(seed)
        for hour in range(0, 366 * 24, 3):
            now = sky.at(START_S + hour * 3600)
            assert -20 < now.celsius < 43
            assert now.dew_celsius <= now.celsius
            assert 950 < now.hpa < 1055
            assert 0 <= now.cloud <= 1
            assert now.wind_ms > 0


def test_afternoons_are_warmer_than_nights():
    sky = weather(1)
    gaps = [sky.at(START_S + day * DAY_S + 14 * 3600).celsius - sky.at(START_S + day * DAY_S + 3 * 3600).celsius
            for day in range(150, 240)]  # fmt: skip
    assert 4 < statistics.mean(gaps) < 14


def test_the_weather_does_not_depend_on_who_asked_before():
    one, other = weather(4), weather(4)
    times = [START_S + hour * 3600 for hour in range(500)]
    forward = [one.at(time_s) for time_s in times]
    assert [other.at(time_s) for time_s in reversed(times)] == forward[::-1]


def test_corners_share_the_sky_and_differ_a_little():
    sky = weather(2)
    corners = [Corner(Stream(seed, "corner"), sky) for seed in range(20)]
    for hour in range(0, 24 * 60, 7):
        here = [corner.celsius(START_S + hour * 3600) for corner in corners]
        assert max(here) - min(here) < 5
        assert abs(statistics.mean(here) - sky.at(START_S + hour * 3600).celsius) < 1
    assert len({corner.celsius(START_S) for corner in corners}) == 20


def test_a_corner_can_lie_in_a_warmer_place():
    sky = weather(2)
    warm, cool = (Corner(Stream(1, "corner"), sky, mean) for mean in (15.0, 9.0))
    assert abs(warm.celsius(START_S) - cool.celsius(START_S) - 6) < 1e-9


def test_humidity_is_what_temperature_and_dew_point_make_of_it():
    """By Magnus's formula, with the coefficients of WMO No. 8; two percent are the corner's own."""
    sky = weather(3)
    corner = Corner(Stream(3, "corner"), sky)
    for hour in range(0, 365 * 24, 11):
        time_s = START_S + hour * 3600
        celsius, dew = corner.celsius(time_s), sky.at(time_s).dew_celsius
        exact = 100 * _pressure(min(dew, celsius)) / _pressure(celsius)
        assert abs(corner.humidity_pct(time_s) - exact) < 3
        assert 5 <= corner.humidity_pct(time_s) <= 100


def _pressure(celsius: float) -> float:
    return 6.112 * math.exp(17.62 * celsius / (243.12 + celsius))
