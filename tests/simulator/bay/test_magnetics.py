"""The model of a parking bay's magnetic field has the figures that its docstring names."""

import math
import statistics
from dataclasses import replace

from simulator.bay.magnetics import ARRIVAL, DEPARTURE, TYPICAL_UT, BayTrace, Street
from simulator.stimuli.cycles import DAY_S

QUIET = Street(noise_ut=0, trucks_per_day=0, stops_per_day=0, trams_per_day=0, tempco_ut_per_k=0, neighbour=(0, 0))


def ut(sample: tuple[int, int, int, int]) -> tuple[float, float, float]:
    return sample[0] / 10, sample[1] / 10, sample[2] / 10


def cars(seed: int, days: int) -> tuple[list[float], list[float]]:
    """Of each car: its field at rest, and the strongest on its way in; in µT."""
    trace = BayTrace(seed, QUIET)
    rests, swings = [], []
    time_s = 0.0
    before = ut(trace.field(0))
    known = 0
    swing = 0.0
    while time_s < days * DAY_S:
        here = ut(trace.field(time_s))
        truth = trace.truths[-1]
        if truth.kind == ARRIVAL and truth.start_s <= time_s:
            swing = max(swing, math.dist(here, before))
            if time_s >= truth.end_s and len(trace.truths) > known:
                known = len(trace.truths)
                rests.append(math.dist(here, before))
                swings.append(swing)
        elif time_s > truth.end_s:
            before, swing = here, 0.0
        time_s += 1
    return rests, swings


def test_cars_at_rest_are_as_strong_as_said_and_some_cancel_out() -> None:
    rests: list[float] = []
    swings: list[float] = []
    for seed in range(6):
        more_rests, more_swings = cars(seed, 3)
        rests += more_rests
        swings += more_swings
    assert len(rests) > 100
    assert 0.8 * TYPICAL_UT < statistics.median(rests) < 1.2 * TYPICAL_UT
    assert min(rests) < 0.3 * TYPICAL_UT < max(rests)  # some feel like a neighbour
    assert min(swings) > 0.3 * TYPICAL_UT  # but not while they move
    assert all(swing >= rest - 0.2 for swing, rest in zip(swings, rests, strict=True))


def test_the_same_seed_is_the_same_bay() -> None:
    one, same, other = BayTrace(5, Street()), BayTrace(5, Street()), BayTrace(6, Street())
    times = [3.5 * step for step in range(20_000)]
    traces = [[trace.field(time_s) for time_s in times] for trace in (one, same, other)]
    assert traces[0] == traces[1] != traces[2]
    assert one.truths == same.truths


def test_arrivals_and_departures_alternate_and_are_as_many_as_asked() -> None:
    trace = BayTrace(11, QUIET)
    for time_s in range(0, 40 * DAY_S, 600):
        trace.field(time_s)
    kinds = [truth.kind for truth in trace.truths]
    assert kinds[::2] == [ARRIVAL] * len(kinds[::2])
    assert kinds[1::2] == [DEPARTURE] * len(kinds[1::2])
    assert 40 * 12 * 0.85 < len(kinds) < 40 * 12 * 1.15
    assert all(4 <= truth.end_s - truth.start_s <= 20 for truth in trace.truths)


def test_noise_is_as_wide_as_asked_and_counts_for_the_ratio() -> None:
    street = replace(QUIET, noise_ut=2.0)
    assert abs(street.snr_db - 26.02) < 0.01  # twenty times
    trace = BayTrace(1, street)
    samples = [ut(trace.field(step / 10)) for step in range(9000)]  # a bay is empty for half an hour at first
    for axis in range(3):
        assert 1.9 < statistics.stdev(sample[axis] for sample in samples) < 2.1


def test_what_passes_leaves_nothing_and_what_stops_goes_again() -> None:
    calm = BayTrace(2, QUIET)
    busy = BayTrace(2, replace(QUIET, trucks_per_day=300, stops_per_day=50, trams_per_day=300))
    differences = [math.dist(ut(busy.field(step)), ut(calm.field(step))) for step in range(2 * DAY_S)]
    assert statistics.median(differences) < 0.3
    assert 5 < max(differences) < 25  # below a typical car's, even when several things meet


def test_a_sensor_with_a_slope_follows_the_temperature() -> None:
    trace = BayTrace(3, replace(QUIET, changes_per_day=0.001, tempco_ut_per_k=0.5))
    day = [trace.field(60.0 * minute) for minute in range(1440)]
    coldest, hottest = min(day, key=lambda sample: sample[3]), max(day, key=lambda sample: sample[3])
    kelvin = (hottest[3] - coldest[3]) / 10
    assert kelvin > 7
    assert 0.05 * kelvin < math.dist(ut(hottest), ut(coldest)) < math.sqrt(3) * 0.5 * kelvin + 2


def test_a_neighbour_is_weaker_than_a_car() -> None:
    trace = BayTrace(4, replace(QUIET, changes_per_day=12, neighbour=(0.1, 0.3)))
    alone = BayTrace(4, QUIET)
    strongest = 0.0
    for step in range(3 * DAY_S):
        strongest = max(strongest, math.dist(ut(trace.field(step)), ut(alone.field(step))))
    assert 0.2 * TYPICAL_UT < strongest < 2 * 0.3 * TYPICAL_UT + 0.3  # both at once
