"""What a series says between its rows: held so long, drawn on a line, or not known."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from simulator.stimuli.replay.series import UNKNOWN, Series


def series(rows, max_gap_s: int = 100, line: bool = False) -> Series:
    found = Series(len(rows[0]) - 1, max_gap_s, line)
    for time_s, *values in rows:
        found.add(time_s, values)
    found.sort()
    return found


def test_a_value_holds_until_the_next_row_or_so_long():
    found = series([(0, 5), (60, 6), (300, 7)])
    assert [found.at(0, time_s) for time_s in (-1, 0, 59.9, 60, 160, 160.1, 299, 300, 400, 401)] == [
        None, 5, 5, 6, 6, None, None, 7, 7, None
    ]  # fmt: skip


def test_a_cell_that_is_not_known_leaves_the_one_before_in_force():
    found = series([(0, 5, 50), (60, UNKNOWN, 51), (90, UNKNOWN, 52)])
    assert [found.at(0, time_s) for time_s in (60, 100, 101)] == [5, 5, None]
    assert found.at(1, 101) == 52
    assert list(found.rows(0)) == [(0, 5)]
    assert list(found.rows(1)) == [(0, 50), (60, 51), (90, 52)]


def test_between_two_rows_values_may_change_evenly():
    found = series([(0, 10), (50, 20), (60, -20), (300, 0)], line=True)
    assert [found.at(0, time_s) for time_s in (0, 25, 50, 55, 60)] == [10, 15, 20, 0, -20]
    assert found.at(0, 100) == -20  # the next row lies beyond the gap
    assert found.at(0, 200) is None
    assert found.at(0, 350) == 0


def test_no_line_leads_to_what_is_not_known():
    found = series([(0, 10), (50, UNKNOWN), (100, 30)], line=True)
    assert [found.at(0, time_s) for time_s in (25, 75, 100)] == [10, 10, 30]


def test_rows_may_come_in_any_order_and_of_equal_times_the_last_counts():
    found = series([(60, 6), (0, 5), (60, 7), (30, 1), (60, 8)])
    assert list(found.rows()) == [(0, 5), (30, 1), (60, 8)]
    assert found.times == array("q", [0, 30, 60])
    assert len(found) == 3


def test_the_first_row_may_hold_before_its_time_as_long_as_any():
    found = series([(1000, 5, UNKNOWN), (1050, 6, 7)])
    assert found.at(0, 999) is None
    found.early = True
    assert [found.at(0, time_s) for time_s in (899, 900, 999, 1000)] == [None, 5, 5, 5]
    assert found.at(1, 999) is None


@given(
    rows=st.lists(st.tuples(st.integers(0, 500), st.integers(-9, 9) | st.just(UNKNOWN)), min_size=1, max_size=30),
    max_gap_s=st.integers(1, 200),
    time_s=st.integers(-10, 800),
)
def test_any_rows_say_what_the_newest_known_one_within_the_gap_does(rows, max_gap_s, time_s):
    newest = dict(rows)
    known = [at for at, value in newest.items() if value != UNKNOWN and 0 <= time_s - at <= max_gap_s]
    assert series(rows, max_gap_s).at(0, time_s) == (newest[max(known)] if known else None)
