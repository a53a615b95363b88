"""The field at a bay: what the model of one bay has, known ahead, and good enough for the node's own detector."""

import math
import statistics

import pytest

from firmware.actions import Sense, SenseField, TellEvent, WatchField
from firmware.events import FieldMoved, FieldSensed, Sensed, Woke
from firmware.roles.parking import MAGNETIC, WATCHED, Parking
from protocol.events import BAY_LEFT, BAY_TAKEN
from protocol.quantities import quantities_of
from protocol.settings import PARKING, Settings, number_of
from simulator.bay.magnetics import TYPICAL_UT
from simulator.stimuli.bay import BayLife
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.demand import Demand, Stay, demand_by_day
from simulator.stimuli.ground import Ground
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

MONDAY_S = 20_514 * DAY_S
UTC = Calendar("UTC")
WEATHER = Weather(Stream(1, "weather"), UTC)
NOBODY = Demand(((0.0,) * 24,) * 3, ((0, ((1.0, Stay(10, 1)),)),))
VISITORS = demand_by_day(8, 45, 8, 20)


def life(seed: int, demand: Demand = VISITORS) -> BayLife:
    return BayLife(Stream(seed, "bay"), demand, UTC, MONDAY_S)


def ground(seed: int, own: BayLife, *neighbours: BayLife) -> Ground:
    return Ground(Stream(seed, "ground"), own, Corner(Stream(seed, "corner"), WEATHER), neighbours)


def mean_field(place: Ground, from_s: float, seconds: int = 60) -> tuple[float, ...]:
    samples = [place.field(from_s + second) for second in range(seconds)]
    return tuple(statistics.mean(axis) for axis in zip(*samples, strict=True))


def test_an_empty_bay_feels_the_earth_of_france_its_temperature_and_noise():
    for seed in range(5):
        place = ground(seed, life(seed, NOBODY))
        x, y, z = place.empty_field()
        assert math.hypot(x, y) == pytest.approx(210, abs=1)
        assert z == -420
        samples = [place.field(MONDAY_S + second) for second in range(600)]
        for axis, empty in enumerate((x, y, z)):
            values = [sample[axis] for sample in samples]
            assert statistics.stdev(values) == pytest.approx(5, rel=0.2)  # 0.5 µT
            kelvin = abs(place.road_celsius(MONDAY_S) - 14)
            assert abs(statistics.mean(values) - empty) < kelvin + 15 + 2  # 0.1 µT/K, what a car left, noise


def test_the_field_follows_the_temperature_by_no_more_than_a_tenth_of_a_microtesla_a_kelvin():
    slopes = []
    for seed in range(8):
        place = ground(seed, life(seed, NOBODY))
        cold, warm = 20_470 * DAY_S, 20_654 * DAY_S + 14 * 3600  # a January night, a July afternoon
        kelvin = place.road_celsius(warm) - place.road_celsius(cold)
        assert kelvin > 10
        moved = zip(mean_field(place, warm), mean_field(place, cold), strict=True)
        slopes += [(after - before) / kelvin for after, before in moved]
    assert all(abs(slope) < 1.1 for slope in slopes)
    assert max(map(abs, slopes)) > 0.3


def test_cars_at_rest_are_as_strong_as_those_of_the_bay_model():
    strengths = []
    for seed in range(15):
        own = life(seed)
        place = ground(seed, own)
        for change in own.changes(MONDAY_S, MONDAY_S + 3 * DAY_S):
            if change.taken:
                before, after = mean_field(place, change.time_s - 20, 20), mean_field(place, change.time_s + 21)
                strengths.append(math.dist(before, after) / 10)
                assert abs(math.dist(before, after) - place.deviation_dut(change.time_s + 30)) < 40
    assert len(strengths) > 200
    assert 0.8 * TYPICAL_UT < statistics.median(strengths) < 1.2 * TYPICAL_UT


def test_a_neighbours_car_is_felt_as_a_fraction_of_an_own_one():
    beside = life(30)
    place = ground(1, life(1, NOBODY), beside)
    steps = []
    for change in beside.changes(MONDAY_S, MONDAY_S + 7 * DAY_S):
        assert place.next_change_s(change.time_s - 1) == change.time_s
        steps.append(math.dist(mean_field(place, change.time_s - 60), mean_field(place, change.time_s)) / 10)
    assert len(steps) > 60
    assert 0.09 * TYPICAL_UT < min(steps) <= max(steps) < 0.33 * TYPICAL_UT


def test_what_is_looked_up_does_not_depend_on_who_looked_before():
    one, other = (ground(3, life(3), life(4), life(5)) for _ in range(2))
    times = [MONDAY_S + 7 * 3600 + number * 17.5 for number in range(2000)]
    forward = [one.field(time_s) for time_s in times]
    backward = [other.field(time_s) for time_s in times[::-1]]
    assert forward == backward[::-1]


def test_nothing_moves_before_the_change_that_was_told():
    own, beside = life(6), life(7)
    place = ground(6, own, beside)
    time_s = float(MONDAY_S + 9 * 3600)
    begun = {change.time_s for bay in (own, beside) for change in bay.changes(time_s, time_s + DAY_S)}
    told = set()
    while (next_s := place.next_change_s(time_s)) is not None and next_s < MONDAY_S + 33 * 3600:
        if next_s - time_s > 30:
            early, late = mean_field(place, time_s + 1, 12), mean_field(place, next_s - 13, 12)
            assert all(abs(a - b) < 12 for a, b in zip(early, late, strict=True))
        told.add(next_s)
        time_s = next_s
    assert begun <= told
    assert ground(1, life(1, NOBODY)).next_change_s(MONDAY_S) is None


def test_a_manoeuvre_is_told_step_by_step_until_the_car_stands():
    own = life(8)
    place = ground(8, own)
    change = next(change for change in own.changes(MONDAY_S, MONDAY_S + DAY_S) if change.taken)
    time_s: float = change.time_s
    looks = []
    while time_s < change.time_s + 30:
        looks.append(time_s)
        time_s = place.next_change_s(time_s) or math.inf
    assert looks[1] - looks[0] == pytest.approx(0.4)
    assert 5 <= looks[-1] - change.time_s <= 20
    moved = [math.dist(place.field(look), place.field(change.time_s - 1)) for look in looks]
    assert moved[0] < 30 < max(moved)


@pytest.mark.parametrize("detector", [MAGNETIC, WATCHED])
def test_the_nodes_own_detector_finds_the_cars(detector):
    """The role of the firmware beside three bays for two days each: sampling as it likes, or woken by its sensor."""
    happened = right = false = 0
    for seed in (11, 12, 13):
        own = life(seed)
        told = list(_told_by_role(ground(seed, own, life(seed + 100)), detector, MONDAY_S + 6 * 3600, 2))
        for change in own.changes(MONDAY_S + 6 * 3600 + 60, MONDAY_S + 54 * 3600 - 60):
            happened += 1
            found = [one for one in told if one[0] == change.taken and change.time_s <= one[1] <= change.time_s + 80]
            right += bool(found)
            for one in found[:1]:
                told.remove(one)
        false += len(told)
    assert happened > 60
    assert right / happened > 0.95
    assert false < 0.05 * happened


def _told_by_role(place: Ground, detector: int, start_s: int, days: int):
    """What the role tells; a watching sensor looks whenever the place says that something moves."""
    role = Parking(Settings({0: PARKING, 1: bytes(8), number_of("detector") or 0: detector}))
    unanswered = (None,) * len(quantities_of(role.set_number))
    now_ms = 0
    armed: tuple[tuple[int, int, int], int] | None = None
    events: list[object] = [Woke()]
    while now_ms < days * DAY_S * 1000:
        time_s = start_s + now_ms / 1000
        for action in role.handle(events.pop(), now_ms):
            if isinstance(action, SenseField):
                events.append(FieldSensed(0, place.field(time_s), round(10 * place.road_celsius(time_s))))
            elif isinstance(action, Sense):
                events.append(Sensed(action.set_number, unanswered))
            elif isinstance(action, WatchField):
                armed = place.field(time_s), action.threshold_dut
            elif isinstance(action, TellEvent) and action.event in (BAY_TAKEN, BAY_LEFT):
                yield action.event == BAY_TAKEN, time_s
        if not events:
            until_ms = max(now_ms, role.wake_at() or 0)
            moved_ms = None if armed is None else _moved_ms(place, start_s, now_ms, until_ms, *armed)
            if moved_ms is not None:
                armed = None
            now_ms = until_ms if moved_ms is None else moved_ms
            events.append(Woke() if moved_ms is None else FieldMoved())


def _moved_ms(
    place: Ground, start_s: int, now_ms: int, until_ms: int, was: tuple[int, int, int], threshold_dut: int
) -> int | None:
    time_s: float | None = start_s + now_ms / 1000
    while (time_s := place.next_change_s(time_s)) is not None and time_s < start_s + until_ms / 1000:
        here = place.field(time_s)
        if any(abs(a - b) >= threshold_dut for a, b in zip(here, was, strict=True)):
            return math.ceil((time_s - start_s) * 1000)
    return None
