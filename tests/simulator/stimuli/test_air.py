"""The air of a corner: plausible all year, with the cycles that traffic, stoves, sun and wind give it."""

import statistics
from collections.abc import Callable

import pytest

from firmware.roles.air import STUCK_SAMPLES
from protocol import quantities as q
from protocol.quantities import quantities_of
from protocol.quantity_table import Quantity
from simulator.stimuli.air import AirStimulus
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.replay.seen import Seen
from simulator.stimuli.replay.series import UNKNOWN, Series
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

MONDAY_S = 20_458 * DAY_S  # 2026-01-05
PM2_5 = 1  # place in the set


SKIES = [Weather(Stream(seed, "weather"), Calendar("UTC")) for seed in range(6)]


def air(seed: int, **kind) -> AirStimulus:
    return AirStimulus(Stream(seed, "air"), Corner(Stream(seed, "corner"), SKIES[seed % 6]), **kind)


def by_hour(measure: Callable[[int, float], float], days: range) -> list[float]:
    """The mean at each hour of these days; each day is another corner, so that slow weather does not decide."""
    return [statistics.mean(measure(day, MONDAY_S + day * DAY_S + hour * 3600) for day in days) for hour in range(24)]


@pytest.mark.parametrize("set_number", [q.AIR_FULL, q.AIR_WITHOUT_PM4])
@pytest.mark.parametrize("seed", range(4))
def test_every_value_of_a_year_is_plausible(set_number, seed):
    quantities = [Quantity(number) for number, _ in quantities_of(set_number)]
    here = air(seed, traffic=2.0)
    for step in range(366 * 12):
        values = here.values(set_number, MONDAY_S + step * 7200)
        for quantity, value in zip(quantities, values, strict=True):
            assert isinstance(value, int)
            assert quantity.plausible(value), (quantity.name, value)


def test_a_year_has_the_particles_it_was_told_to_have():
    for told in (6.0, 11.0, 25.0):
        means = []
        for seed in range(5):
            here = air(seed, pm2_5_ug_m3=told)
            means.append(
                statistics.mean(here.values(q.AIR_FULL, MONDAY_S + step * 10_800)[PM2_5] for step in range(2920))
            )
        assert statistics.mean(means) / 10 == pytest.approx(told, rel=0.15)


def test_larger_particles_weigh_as_much_as_the_smaller_ones_they_include_but_for_noise():
    here = air(1)
    for step in range(2000):
        pm1, pm2_5, pm4, pm10 = here.values(q.AIR_FULL, MONDAY_S + step * 3607)[:4]
        assert pm1 - 12 <= pm2_5 <= pm4 + 14
        assert pm4 - 14 <= pm10


def test_there_is_more_dust_and_nitrogen_dioxide_in_the_rush_hours_of_working_days():
    towns = {day: air(day) for day in range(364)}
    mondays, sundays = range(0, 364, 7), range(6, 364, 7)
    for quantity in (q.PM2_5, q.NO2, q.CO2):
        hours = by_hour(lambda day, time_s, number=quantity: towns[day].measure(number, time_s), mondays)
        quiet = by_hour(lambda day, time_s, number=quantity: towns[day].measure(number, time_s), sundays)
        assert min(hours[8], hours[17]) > hours[13] > hours[3] - (10 if quantity == q.CO2 else 0)
        assert hours[8] > quiet[8]


def test_a_park_has_less_of_what_traffic_makes_than_a_crossing():
    for quantity in (q.PM2_5, q.PM10, q.NO2):
        park, crossing = (
            statistics.mean(air(seed, traffic=traffic).measure(quantity, MONDAY_S + 8 * 3600) for seed in range(20))
            for traffic in (0.0, 2.0)
        )
        assert park < 0.85 * crossing


def test_stoves_burn_on_winter_evenings():
    towns = {day: air(day, traffic=0) for day in range(364)}

    def evening_over_noon(days: range) -> float:
        hours = by_hour(lambda day, time_s: towns[day].measure(q.PM2_5, time_s), days)
        return hours[20] / hours[12]

    assert evening_over_noon(range(40)) > 1.15 * evening_over_noon(range(170, 210))


def test_ozone_grows_in_the_sun_of_summer_and_traffic_eats_it():
    towns = {day: air(day) for day in range(364)}
    july = by_hour(lambda day, time_s: towns[day].measure(q.O3, time_s), range(176, 206))
    january = by_hour(lambda day, time_s: towns[day].measure(q.O3, time_s), range(30))
    assert july[15] > 1.4 * july[5] > january[5]
    assert max(july) / 10 < 180  # information threshold of the European directive, in µg/m³, as a mean
    noon_s = MONDAY_S + 190 * DAY_S + 17 * 3600
    assert statistics.mean(air(seed, traffic=0).measure(q.O3, noon_s) for seed in range(20)) > statistics.mean(
        air(seed, traffic=2).measure(q.O3, noon_s) for seed in range(20)
    )


def test_the_hours_are_those_of_the_towns_clocks():
    paris = Weather(Stream(1, "weather"), Calendar("Europe/Paris"))
    summer_s = 20_620 * DAY_S
    there = [AirStimulus(Stream(seed, "air"), Corner(Stream(seed, "corner"), paris)) for seed in range(30)]
    six, four = (statistics.mean(one.measure(q.NO2, summer_s + utc * 3600) for one in there) for utc in (6, 4))
    assert six > 1.3 * four  # 8 and 6 o'clock


def test_no_sensor_looks_stuck_to_the_node():
    here = air(5)
    for place in (0, PM2_5, 2, 3, 4):
        same = longest = 0
        before = None
        for step in range(20_000):
            value = here.values(q.AIR_FULL, MONDAY_S + step // 5 * 900 + step % 5)[place]
            same = same + 1 if value == before else 0
            longest, before = max(longest, same), value
        assert longest < STUCK_SAMPLES / 3


def test_the_same_time_is_the_same_air_whoever_asked_before():
    one, other = air(7), air(7)
    times = [MONDAY_S + number * 331 for number in range(1000)]
    forward = [one.values(q.AIR_FULL, time_s) for time_s in times]
    assert [other.values(q.AIR_FULL, time_s) for time_s in times[::-1]] == forward[::-1]
    another = air(8)
    assert [another.values(q.AIR_FULL, time_s) for time_s in times] != forward


def test_a_file_takes_the_place_of_what_is_made_up():
    series = Series(2, 3600)
    series.add(MONDAY_S, [123, 456])
    series.add(MONDAY_S + 1800, [UNKNOWN, 457])
    seen = Seen(series, (q.PM2_5, q.NO2))
    made, here = air(9), air(9, seen=seen)
    for time_s, pm2_5, no2 in ((0, 123, 456), (1800, 123, 457), (3601, None, 457), (5401, None, None)):
        values = here.values(q.AIR_FULL, MONDAY_S + time_s)
        assert values[PM2_5] == here.measure(q.PM2_5, MONDAY_S + time_s) == pm2_5
        assert here.measure(q.NO2, MONDAY_S + time_s) == no2
        assert values[4:] == made.values(q.AIR_FULL, MONDAY_S + time_s)[4:]


def test_particles_that_a_file_lacks_go_with_its_finer_ones():
    series = Series(1, 3600)
    series.add(MONDAY_S, [2000])
    made, here = air(3), air(3, seen=Seen(series, (q.PM2_5,)))
    pm1, pm2_5, pm4, pm10 = made.values(q.AIR_FULL, MONDAY_S)[:4]
    values = here.values(q.AIR_FULL, MONDAY_S)
    assert values[0] < values[1] == 2000 < values[2] < values[3]
    assert values[3] == pytest.approx(2000 * pm10 / pm2_5, abs=1)
    assert values[0] / values[2] == pytest.approx(pm1 / pm4, rel=0.01)
    assert here.values(q.AIR_FULL, MONDAY_S + 3601)[:4] == (None,) * 4


def test_what_is_not_of_the_air_is_not_measured():
    with pytest.raises(KeyError):
        air(1).measure(q.LEVEL, MONDAY_S)
