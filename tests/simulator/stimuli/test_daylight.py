"""The sun over the town against astral's almanac and its own trigonometry."""

import math
from datetime import UTC, datetime

import pytest
from astral import Observer
from astral.sun import elevation, sunrise, sunset

from protocol.civil import day_of
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.daylight import Daylight

FIRST = day_of(2026, 1, 1)
PLACES = ((43.0, 1.4), (48.75, 2.3), (51.0, 3.1))
DAYS = range(FIRST, FIRST + 365, 13)


@pytest.fixture(scope="module", params=PLACES)
def place(request):
    return request.param, Daylight(*request.param, 60, FIRST)


def test_sunrise_and_sunset_are_the_almanacs_within_half_a_minute(place):
    coordinates, daylight = place
    for day in DAYS:
        date = datetime.fromtimestamp(day * DAY_S, UTC).date()
        assert abs(daylight.sunrise_s(day) - sunrise(Observer(*coordinates), date).timestamp()) < 30
        assert abs(daylight.sunset_s(day) - sunset(Observer(*coordinates), date).timestamp()) < 30


def test_the_suns_height_is_within_a_degree_of_astrals(place):
    coordinates, daylight = place
    worst = 0.0
    for day in DAYS:
        for hour in range(24):
            moment = datetime.fromtimestamp(day * DAY_S + hour * 3600, UTC)
            degrees = elevation(Observer(*coordinates), moment, with_refraction=False)
            ours = math.degrees(math.asin(daylight.height_sine(day * DAY_S + hour * 3600)))
            if degrees > -12:
                worst = max(worst, abs(ours - degrees))
    assert worst < 1.0


def test_light_at_sunset_dusk_noon_and_night_is_what_tables_say(place):
    """400 to 700 lx at sunset, 3.4 lx when civil twilight ends, some 100,000 lx at a summer's noon."""
    _, daylight = place
    day = day_of(2026, 6, 21)
    dusk_s = day * DAY_S - 3600 + daylight.twilight.evening(day) * 6
    assert 350 < daylight.lux(daylight.sunset_s(day), 0) < 700
    assert 1.5 < daylight.lux(dusk_s, 0) < 8
    assert 90_000 < daylight.lux(day * DAY_S + 12 * 3600, 0) < 120_000
    assert daylight.lux(day_of(2026, 12, 21) * DAY_S, 0) == 0
    assert 5_000 < daylight.lux(day_of(2026, 12, 21) * DAY_S + 12 * 3600, 0) < 40_000


def test_light_grows_with_the_sun_and_clouds_take_most_of_it(place):
    _, daylight = place
    day = day_of(2026, 4, 10)
    noon_s = (daylight.sunrise_s(day) + daylight.sunset_s(day)) // 2
    morning = [daylight.lux(time_s, 0) for time_s in range(noon_s - 10 * 3600, noon_s, 300)]
    assert morning == sorted(morning)
    assert daylight.lux(noon_s, 1) == pytest.approx(0.14 * daylight.lux(noon_s, 0))
