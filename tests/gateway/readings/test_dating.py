"""Ages, and what has none."""

import pytest

from gateway.readings.dating import Bounds, date_rows, moment_of
from protocol.telemetry_reader import Row

NOW = 1_790_000_000_000
NOTHING = Bounds(None, None)


def row(age_s, gap_s=None):
    return Row(0, age_s, gap_s, ())


@pytest.mark.parametrize(("age_s", "error_s"), [(0, 1), (1, 2), (32, 2), (33, 3), (900, 29), (86_400, 2674)])
def test_the_error_is_the_cut_to_seconds_and_what_a_clock_that_is_three_percent_slow_did_not_count(age_s, error_s):
    assert moment_of(NOW, age_s) == (NOW - age_s * 1000, error_s)


def test_rows_with_an_age_need_nothing_else():
    assert date_rows([row(5), row(905, 900)], [NOTHING] * 2, NOW) == [(NOW - 5000, 2), (NOW - 905_000, 29)]


def test_a_row_from_before_a_power_cut_lies_between_its_neighbours():
    low = (NOW - 1_000_000, 2)
    newest, older = date_rows([row(5), row(None)], [NOTHING, Bounds(low, None)], NOW)
    assert newest == (NOW - 5000, 2)
    assert older == ((NOW - 3000 + NOW - 1_002_000) // 2, 500 + 1)


def test_a_run_keeps_its_distances_and_the_nearest_of_all_bounds():
    bounds = [NOTHING, Bounds((NOW - 10_000_000, 0), None), Bounds((NOW - 10_000_000, 0), None)]
    _, one, two = date_rows([row(0), row(None), row(None, 900)], bounds, NOW)
    assert one[0] - two[0] == 900_000
    assert two[1] == one[1] + 28
    earliest_ms, latest_ms = NOW - 10_000_000 + 900_000 - 28_000, NOW + 1000
    assert one == ((earliest_ms + latest_ms) // 2, -(-(latest_ms - earliest_ms) // 2000) + 1)


def test_a_row_that_was_dated_before_dates_its_run():
    known = Bounds(None, None, (NOW - 5_000_000, 3))
    one, two, three = date_rows([row(None), row(None, 900), row(None, 60)], [NOTHING, known, NOTHING], NOW)
    assert one == (NOW - 4_100_000, 3 + 1 + 28)
    assert two == (NOW - 5_000_000, 4)
    assert three == (NOW - 5_060_000, 3 + 1 + 2)


def test_across_a_second_cut_a_new_run_begins():
    low = Bounds((NOW - 8_000_000, 0), None)
    _, one, two = date_rows([row(0), row(None), row(None)], [NOTHING, low, low], NOW)
    assert NOW - 8_000_000 < two[0] < one[0] + 2000 < NOW
    assert abs(two[0] + two[1] * 1000 - (one[0] + one[1] * 1000)) <= 3000


def test_a_row_that_is_asked_for_lies_in_its_gap():
    bound = Bounds((NOW - 9_000_000, 1), (NOW - 7_000_000, 1))
    [moment] = date_rows([row(None)], [bound], NOW)
    assert moment == (NOW - 8_000_000, 1001 + 1)


def test_without_a_neighbour_below_nothing_tells():
    assert date_rows([row(None), row(None, 5)], [Bounds(None, (NOW, 0)), NOTHING], NOW) == [None, None]
