"""How much a bay is wanted: kinds of streets differ as a town's do, and a plain one has as many cars as it was told."""

import itertools

import pytest

from simulator.scenario.model import Role, StimulusSpec, StreetKind
from simulator.stimuli.bay import BayLife
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.demand import Demand, demand_by_day, demand_of
from simulator.streams import Stream

MONDAY_S = 20_514 * DAY_S
BAYS = 120
UTC = Calendar("UTC")


def lives(demand: Demand, bays: int = BAYS) -> list[BayLife]:
    return [BayLife(Stream(number, "bay"), demand, UTC, MONDAY_S) for number in range(bays)]


def taken(town: list[BayLife], day: int, hour: float) -> float:
    return sum(life.occupied(MONDAY_S + day * DAY_S + hour * 3600) for life in town) / len(town)


@pytest.fixture(scope="module")
def streets() -> dict[StreetKind, list[BayLife]]:
    kinds = [kind for kind in StreetKind if kind is not StreetKind.PLAIN]
    return {kind: lives(demand_of(StimulusSpec(role=Role.PARKING, street=kind))) for kind in kinds}


def test_people_come_home_in_the_evening(streets):
    homes = streets[StreetKind.RESIDENTIAL]
    assert taken(homes, 1, 3) > 0.75 > 0.45 > taken(homes, 1, 11)


def test_offices_are_full_by_day_and_empty_at_night_and_on_sundays(streets):
    offices = streets[StreetKind.OFFICES]
    assert taken(offices, 1, 10.5) > 0.8
    assert max(taken(offices, 2, 3), taken(offices, 6, 10.5)) < 0.2


def test_commuters_take_the_stations_bays_before_offices_open(streets):
    assert taken(streets[StreetKind.STATION], 1, 7.5) > 0.85
    assert taken(streets[StreetKind.STATION], 1, 7.5) > taken(streets[StreetKind.OFFICES], 1, 7.5)
    assert taken(streets[StreetKind.STATION], 5, 7.5) < 0.5


def test_shops_change_their_cars_most_often_and_most_on_saturdays(streets):
    def arrivals(kind, day):
        span = MONDAY_S + day * DAY_S, MONDAY_S + (day + 1) * DAY_S
        return sum(change.taken for life in streets[kind] for change in life.changes(*span)) / BAYS

    shops = arrivals(StreetKind.SHOPS, 2)
    assert shops > 2 * max(arrivals(kind, 2) for kind in streets if kind is not StreetKind.SHOPS)
    assert arrivals(StreetKind.SHOPS, 5) > shops > 2 * arrivals(StreetKind.SHOPS, 6)


@pytest.mark.parametrize(("arrivals", "stay_min"), [(8, 45), (20, 15), (2, 120), (0.5, 30)])
def test_a_plain_street_has_as_many_arrivals_and_stays_as_long_as_told(arrivals, stay_min):
    town = lives(demand_by_day(arrivals, stay_min, 8, 20), 200)
    changes = [list(life.changes(MONDAY_S, MONDAY_S + 5 * DAY_S)) for life in town]
    came = sum(change.taken for bay in changes for change in bay) / 200 / 5
    assert came == pytest.approx(arrivals, rel=0.15)
    stays = [b.time_s - a.time_s for bay in changes for a, b in itertools.pairwise(bay) if a.taken]
    assert sum(stays) / len(stays) / 60 == pytest.approx(stay_min, rel=0.12)


def test_most_come_while_it_is_open_also_over_midnight():
    for open_h, close_h in ((8, 20), (18, 2)):
        week = demand_by_day(6, 30, open_h, close_h).arrivals
        inside = [(hour - open_h) % 24 < (close_h - open_h) % 24 for hour in range(24)]
        busy = [rate for rate, is_open in zip(week[0], inside, strict=True) if is_open]
        quiet = [rate for rate, is_open in zip(week[0], inside, strict=True) if not is_open]
        assert min(busy) > 20 * max(quiet) > 0


def test_weekends_are_as_busy_as_told():
    week = demand_by_day(6, 1, 8, 20, weekend=0.5).arrivals
    assert week[1] == week[2]
    assert sum(week[1]) / sum(week[0]) == pytest.approx(0.5, rel=0.02)


def test_a_bay_cannot_be_taken_for_longer_than_its_day():
    town = lives(demand_by_day(50, 600, 8, 20), 20)
    assert 0.8 < taken(town, 2, 15) <= 1
