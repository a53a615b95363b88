"""A bay's life: known ahead, the same for whoever asks, and statistics that queueing theory gives."""

from itertools import pairwise

import pytest

from simulator.stimuli.bay import LEAST_STAY_S, BayLife
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.demand import HOME, Demand, Stay
from simulator.stimuli.spans import NEVER_S
from simulator.streams import Stream

MONDAY_S = 20_514 * DAY_S
UTC = Calendar("UTC")
ALWAYS = ((2.0,) * 24,) * 3


def demand(stay: Stay, per_hour: float = 2.0) -> Demand:
    return Demand(((per_hour,) * 24,) * 3, ((0, ((1.0, stay),)),))


USUAL = Stay(40, 2)


def life(seed: int = 1, stay: Stay = USUAL, seen=None) -> BayLife:
    return BayLife(Stream(seed, "bay"), demand(stay), UTC, MONDAY_S, seen)


@pytest.mark.parametrize("shape", [1, 4])
@pytest.mark.parametrize(("per_hour", "minutes"), [(2.0, 40.0), (0.5, 180.0)])
def test_it_is_taken_as_long_as_erlangs_loss_formula_says(per_hour, minutes, shape):
    """One server: a / (1 + a) with a = rate × mean stay, whatever the distribution of stays (Erlang 1917, Sevastyanov).

    Our gap of 30 s after each car is added to its stay; cars stay 90 s at least, which lifts the mean of short stays.
    """
    asked = demand(Stay(minutes, shape), per_hour)
    hours = 400
    looks = taken = 0
    for seed in range(25):
        bay = BayLife(Stream(seed, "bay"), asked, UTC, MONDAY_S)
        looks += hours
        taken += sum(bay.occupied(MONDAY_S + hour * 3600) for hour in range(hours))
    busy = per_hour * minutes / 60
    assert taken / looks == pytest.approx(busy / (1 + busy + per_hour * 30 / 3600), abs=0.025)


def test_changes_alternate_and_agree_with_what_is_asked_at_any_time():
    bay = life()
    changes = list(bay.changes(MONDAY_S, MONDAY_S + 10 * DAY_S))
    assert len(changes) > 200
    for here, after in pairwise(changes):
        assert here.taken != after.taken
        least_s = LEAST_STAY_S if here.taken else 30
        assert after.time_s - here.time_s >= least_s
        middle_s = (here.time_s + after.time_s) / 2
        for time_s in (here.time_s, middle_s):
            assert bay.occupied(time_s) is here.taken
            assert bay.changed_s(time_s) == here.time_s
            assert bay.next_change_s(time_s) == after.time_s
        assert bay.known(middle_s)


def test_it_does_not_matter_who_asked_what_before():
    bay, other = life(), life()
    times = [MONDAY_S + number * 977 for number in range(500)]
    forward = [(bay.occupied(time_s), bay.next_change_s(time_s), bay.car(time_s)) for time_s in times]
    backward = [(other.occupied(time_s), other.next_change_s(time_s), other.car(time_s)) for time_s in times[::-1]]
    assert forward == backward[::-1]
    assert list(life(2).changes(MONDAY_S, MONDAY_S + DAY_S)) != list(bay.changes(MONDAY_S, MONDAY_S + DAY_S))


def test_each_car_has_a_number_of_its_own_which_it_keeps():
    bay = life()
    numbers = []
    for here, after in pairwise(bay.changes(MONDAY_S, MONDAY_S + 5 * DAY_S)):
        if here.taken:
            assert bay.car(here.time_s) == bay.car(after.time_s - 1) == bay.car(after.time_s)
            numbers.append(bay.car(here.time_s))
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("hours", [0.1, 3, 500])
def test_a_bay_begins_as_it_was_seen(taken, hours):
    since_s = MONDAY_S - int(hours * 3600)
    for seed in range(20):
        bay = life(seed, seen=(taken, since_s))
        assert bay.occupied(MONDAY_S) is taken
        assert bay.changed_s(MONDAY_S) == since_s
        assert bay.next_change_s(MONDAY_S) > MONDAY_S
        assert next(iter(bay.changes(MONDAY_S, MONDAY_S + 30 * DAY_S))).taken is not taken


def test_who_parks_at_home_leaves_in_the_morning_but_not_every_day():
    evening = ((0.0,) * 18 + (3.0,) * 4 + (0.0,) * 2,) * 3
    asked = Demand(evening, ((0, ((1.0, HOME),)),))
    calendar = Calendar("Europe/Paris")
    mornings = nights = 0
    for seed in range(20):
        bay = BayLife(Stream(seed, "bay"), asked, calendar, MONDAY_S)
        for change in bay.changes(MONDAY_S, MONDAY_S + 28 * DAY_S):
            hour = calendar.local(change.time_s)[1] / 3600
            if change.taken:
                assert 18 <= hour < 22.01
                nights += (bay.next_change_s(change.time_s) - change.time_s) > DAY_S
            else:
                assert 3 < hour < 19
                mornings += 1
    assert 20 * 28 * 0.6 < mornings <= 20 * 28
    assert 0.08 < nights / mornings < 0.25


def test_who_comes_home_after_midnight_leaves_in_the_same_morning():
    night = ((0.0,) + (3.0,) * 2 + (0.0,) * 21,) * 3
    bay = BayLife(Stream(1, "bay"), Demand(night, ((0, ((1.0, HOME),)),)), UTC, MONDAY_S)
    stays = [
        bay.next_change_s(change.time_s) - change.time_s
        for change in bay.changes(MONDAY_S, MONDAY_S + 60 * DAY_S)
        if change.taken
    ]
    assert sum(stay < 16 * 3600 for stay in stays) > 0.7 * len(stays) > 20


def test_a_bay_that_nobody_wants_stays_free():
    bay = BayLife(Stream(1, "bay"), demand(Stay(10, 1), 0.0), UTC, MONDAY_S)
    assert not bay.occupied(MONDAY_S + 365 * DAY_S)
    assert bay.next_change_s(MONDAY_S) == NEVER_S
    assert not list(bay.changes(MONDAY_S, MONDAY_S + 365 * DAY_S))
