"""What a luminaire's sensors see: metering that physics allows, daylight, motion, gear that answers or not."""

import statistics

import pytest

from firmware.roles.photocell import Photocell
from protocol import quantities as q
from protocol.quantity_table import Quantity
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.daylight import Daylight
from simulator.stimuli.lamp import Failure, Trouble
from simulator.stimuli.lighting import SILENT, LightStimulus
from simulator.stimuli.mains import Mains
from simulator.stimuli.replay.seen import Seen
from simulator.stimuli.replay.series import Series
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

DAY = 20_514  # a Monday
START_S = DAY * DAY_S
SUN = Daylight(48.75, 2.3, 60, DAY)
CALENDAR = Calendar("Europe/Paris")
WEATHER = Weather(Stream(1, "weather"), CALENDAR)
LEVEL, POWER, VOLTAGE, CURRENT, ENERGY, TEMPERATURE = range(6)  # places in the set
FOREVER = START_S + 365 * DAY_S


def lamp(seed: int = 1, cuts=(), failures=(), **kind) -> LightStimulus:
    mains = Mains(Stream(seed, "m"), WEATHER.noise, CALENDAR, START_S, 1e7, cuts_per_year=0, cuts=cuts)
    corner = Corner(Stream(seed, "corner"), WEATHER)
    return LightStimulus(Stream(seed, "lamp"), corner, SUN, mains, start_s=START_S, failures=failures, **kind)


def test_every_value_of_a_year_is_plausible_for_one_head_and_for_two():
    for set_number, heads in ((q.LIGHT_ONE_HEAD, 1), (q.LIGHT_TWO_HEADS, 2)):
        node = lamp(2, heads=heads, watts=250)
        quantities = [Quantity(number) for number, _ in q.quantities_of(set_number)]
        for step in range(366 * 6):
            time_s = START_S + step * 14_400
            for head in range(heads):
                node.lamp_set(head, (0, 100, 40)[(step + head) % 3], 2, time_s)
            for quantity, value in zip(quantities, node.values(set_number, time_s + 60), strict=True):
                assert isinstance(value, int)
                assert quantity.plausible(value), (quantity.name, value)


def test_power_is_voltage_times_current_times_a_power_factor():
    node = lamp()
    for level, low, high in ((100, 0.9, 1.0), (10, 0.55, 0.8)):
        node.lamp_set(0, level, 0, START_S)
        values = node.values(q.LIGHT_ONE_HEAD, START_S + 10)
        factor = values[POWER] / 10 / (values[VOLTAGE] / 10 * values[CURRENT] / 1000)
        assert low < factor < high


def test_energy_is_the_power_over_time_and_never_falls():
    node = lamp()
    node.lamp_set(0, 100, 0, START_S)
    before = node.values(q.LIGHT_ONE_HEAD, START_S)
    node.lamp_set(0, 50, 0, START_S + 4 * 3600)
    node.lamp_set(0, 0, 0, START_S + 10 * 3600)
    after = node.values(q.LIGHT_ONE_HEAD, START_S + 20 * 3600)
    full_w = before[POWER] / 10
    assert after[ENERGY] - before[ENERGY] == pytest.approx(full_w * (4 + 6 * 0.525) + 0.4 * 10, rel=0.02)


def test_a_lamp_warms_its_housing_and_a_blocked_one_more():
    hot = (Failure(Trouble.HOT, START_S + 3600, FOREVER),)
    cool, node, blocked = lamp(3), lamp(3), lamp(3, failures=(hot,))
    for one, level in ((cool, 0), (node, 100), (blocked, 100)):
        one.lamp_set(0, level, 0, START_S)
        for minute in range(5, 120, 5):
            one.values(q.LIGHT_ONE_HEAD, START_S + minute * 60)
    at = [one.values(q.LIGHT_ONE_HEAD, START_S + 7200)[TEMPERATURE] / 10 for one in (cool, node, blocked)]
    assert 8 < at[1] - at[0] < 14
    assert 40 < at[2] - at[1] < 50


def test_without_power_there_is_neither_light_nor_anything_to_measure():
    node = lamp(cuts=[(START_S + 100, START_S + 200)])
    node.lamp_set(0, 80, 0, START_S)
    assert node.light_pct(0, START_S + 50) == 80
    assert node.gear_status(0, START_S + 50) == 4  # lamp power on
    assert node.light_pct(0, START_S + 150) == 0
    assert node.gear_status(0, START_S + 150) == SILENT
    assert node.values(q.LIGHT_ONE_HEAD, START_S + 150)[:4] == (0, 0, 0, 0)
    node.power_gone(START_S + 150)
    assert node.light_pct(0, START_S + 250) == 0  # dark until the node has booted and set it


def test_control_gear_tells_a_failed_lamp_and_a_dead_gear_nothing():
    failed = lamp(failures=((Failure(Trouble.FAILED, START_S, FOREVER),),))
    failed.lamp_set(0, 50, 0, START_S)
    assert failed.gear_status(0, START_S + 1) == 2  # lamp failure
    failed.lamp_set(0, 0, 0, START_S + 2)
    assert failed.gear_status(0, START_S + 3) == 0
    dead = lamp(failures=((Failure(Trouble.GEAR_FAILED, START_S, FOREVER),),))
    dead.lamp_set(0, 50, 0, START_S)
    assert dead.gear_status(0, START_S + 1) == SILENT


def test_a_photocell_finds_nights_as_long_as_the_almanacs_below_its_own_lamp():
    """The firmware's photocell on our light, thresholds of 20 and 70 lx, with the lamp lit."""
    node = lamp()
    node.lamp_set(0, 100, 0, START_S)
    cell = Photocell(20, 70)
    nights = [
        night_s for minute in range(5 * 1440) if (night_s := cell.see(node.lux(START_S + minute * 60), minute * 60))
    ]
    almanac_s = SUN.sunrise_s(DAY + 3) - SUN.sunset_s(DAY + 2)
    assert len(nights) == 4  # the first is older than the cell
    assert all(-4200 < night_s - almanac_s < 1200 for night_s in nights)


def test_people_pass_as_often_as_told_and_less_at_night():
    node = lamp(motions_per_hour=20, weekend=0.5)
    times = []
    time_s = node.next_motion_s(START_S)
    while time_s < START_S + 28 * DAY_S:
        times.append(time_s)
        time_s = node.next_motion_s(time_s)
    by_hour = [0] * 24
    for time_s in times:
        day, second = CALENDAR.local(time_s)
        if (day - DAY) % 7 < 5:
            by_hour[int(second) // 3600] += 1
    assert by_hour[8] / 20 == pytest.approx(20, rel=0.15)
    assert by_hour[3] < 0.15 * by_hour[8]
    per_day = [0] * 7
    for time_s in times:
        per_day[int(time_s - START_S) // DAY_S % 7] += 1
    assert per_day[6] / statistics.mean(per_day[:5]) == pytest.approx(0.5, rel=0.15)
    assert lamp().next_motion_s(START_S) is None


def test_a_file_takes_the_place_of_what_is_made_up():
    series = Series(2, 3600)
    series.add(START_S, [2222, 17])
    node = lamp(seen=Seen(series, (q.VOLTAGE, q.ILLUMINANCE)))
    assert node.values(q.LIGHT_ONE_HEAD, START_S + 5)[VOLTAGE] == 2222
    assert node.lux(START_S + 5) == 17
    assert node.lux(START_S + 3601) is None
    assert node.values(q.LIGHT_ONE_HEAD, START_S + 3601)[VOLTAGE] is None


def test_the_same_stream_is_the_same_lamp():
    def seen(seed):
        node = lamp(seed, motions_per_hour=5)
        node.lamp_set(0, 70, 5, START_S + 10)
        values = [node.values(q.LIGHT_ONE_HEAD, START_S + step * 900) for step in range(100)]
        return values, [node.lux(START_S + step * 900) for step in range(96)], node.next_motion_s(START_S)

    assert seen(1) == seen(1)
    assert seen(1) != seen(2)
