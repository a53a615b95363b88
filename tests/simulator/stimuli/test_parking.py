"""A parking node's sensors: sets that say the truth, distances that the node's own detector understands."""

import pytest

from firmware.roles.distance import DistanceDetector
from firmware.roles.verdict import CAME, WENT
from protocol import quantities as q
from protocol.quantity_table import Quantity
from simulator.stimuli.bay import BayLife
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.demand import demand_by_day
from simulator.stimuli.parking import ParkingStimulus
from simulator.stimuli.replay.seen import ReplayedLife, Seen
from simulator.stimuli.replay.series import UNKNOWN, Series
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

MONDAY_S = 20_514 * DAY_S
UTC = Calendar("UTC")
WEATHER = Weather(Stream(1, "weather"), UTC)
VISITORS = demand_by_day(8, 45, 8, 20)


def node(seed: int, bays: int = 1, **kind) -> ParkingStimulus:
    lives = tuple(BayLife(Stream(seed, f"bay/{bay}"), VISITORS, UTC, MONDAY_S) for bay in range(bays))
    return ParkingStimulus(Stream(seed, "node"), lives, Corner(Stream(seed, "corner"), WEATHER), **kind)


@pytest.mark.parametrize("set_number", [q.PARKING_ONE_BAY, q.PARKING_TWO_BAYS, q.PARKING_DISTANCE])
def test_every_value_of_a_month_is_plausible(set_number):
    here = node(set_number, 2 if set_number == q.PARKING_TWO_BAYS else 1)
    quantities = [Quantity(number) for number, _ in q.quantities_of(set_number)]
    for step in range(30 * 48):
        for quantity, value in zip(quantities, here.values(set_number, MONDAY_S + step * 1800), strict=True):
            assert quantity.name == "distance" if value is None else quantity.plausible(value), (quantity.name, value)


def test_readings_say_what_happened_to_each_bay_and_since_when():
    here = node(1, 2)
    for step in range(2000):
        time_s = MONDAY_S + step * 300
        values = here.values(q.PARKING_TWO_BAYS, time_s)
        for bay, life in enumerate(here.lives):
            occupied, minutes, deviation = values[3 * bay : 3 * bay + 3]
            assert occupied == life.occupied(time_s)
            assert minutes == (time_s - life.changed_s(time_s)) // 60
            assert (deviation > 0) == bool(occupied)


def test_the_nodes_own_distance_detector_finds_the_cars():
    """As the firmware samples: every five seconds, taken below 150 cm; lost echoes and passers-by are its worry."""
    happened = right = false = 0
    for seed in range(4):
        here = node(seed)
        detector = DistanceDetector(150)
        told = []
        for now_s in range(8 * 3600, 2 * DAY_S, 5):
            seen = here.distance_cm(MONDAY_S + now_s)
            meaning = detector.sample(seen, None, now_s) if seen is not None else None
            if meaning in (CAME, WENT):
                told.append((meaning == CAME, now_s))
        for change in here.lives[0].changes(MONDAY_S + 8 * 3600 + 60, MONDAY_S + 2 * DAY_S - 60):
            happened += 1
            found = [one for one in told if one[0] == change.taken and 0 <= one[1] + MONDAY_S - change.time_s <= 60]
            right += bool(found)
            for one in found[:1]:
                told.remove(one)
        false += len(told)
    assert happened > 60
    assert right / happened > 0.97
    assert false <= 2


def test_echoes_get_lost_and_people_pass_now_and_then():
    here = node(5)
    free = [here.distance_cm(MONDAY_S + 3 * 3600 + second) for second in range(4 * 3600)]
    assert not any(here.lives[0].occupied(MONDAY_S + 3 * 3600 + second) for second in range(0, 4 * 3600, 60))
    lost = free.count(None)
    passed = sum(seen is not None and seen < 150 for seen in free)
    assert 0.001 < lost / len(free) < 0.01
    assert 0.0005 < passed / len(free) < 0.01
    assert all(seen is None or seen < 150 or 235 < seen < 290 for seen in free)


def test_what_a_file_does_not_know_is_not_known():
    series = Series(1, 600)
    for time_s, state in ((0, 0), (300, 1), (600, 1), (3000, UNKNOWN), (4000, 0)):
        series.add(MONDAY_S + time_s, [state])
    here = ParkingStimulus(Stream(1, "node"), (ReplayedLife(series, 77),), Corner(Stream(1, "corner"), WEATHER))
    assert here.values(q.PARKING_ONE_BAY, MONDAY_S + 2999)[:2] == (1, 44)
    assert here.values(q.PARKING_ONE_BAY, MONDAY_S + 3000)[:2] == (None, None)
    assert here.values(q.PARKING_ONE_BAY, MONDAY_S + 4000)[:2] == (0, 0)


def test_a_file_takes_the_place_of_temperature_and_battery():
    series = Series(2, 600)
    series.add(MONDAY_S, [-35, 333])
    here = node(1, seen=Seen(series, (q.TEMPERATURE, q.BATTERY_VOLTAGE)))
    assert here.values(q.PARKING_ONE_BAY, MONDAY_S + 1)[3:] == (-35, 333)


def test_the_field_and_its_changes_are_those_of_the_bay_asked_for():
    here = node(6, 2)
    for bay in (0, 1):
        assert here.empty_field(bay) == here.grounds[bay].empty_field()
        assert here.field(bay, MONDAY_S) == here.grounds[bay].field(MONDAY_S)
        assert here.next_change_s(bay, MONDAY_S) == here.lives[bay].next_change_s(MONDAY_S)
    assert here.temperature_dcel(MONDAY_S) == here.values(q.PARKING_ONE_BAY, MONDAY_S)[3]
