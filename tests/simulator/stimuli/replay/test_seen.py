"""Series in the place of chance: quantities over made-up ones, and a bay's life from rows of states."""

from simulator.stimuli.bay import Change
from simulator.stimuli.replay.seen import ReplayedLife
from simulator.stimuli.replay.series import UNKNOWN, Series
from simulator.stimuli.spans import NEVER_S


def life(*rows: tuple[int, int]) -> ReplayedLife:
    series = Series(1, 1000)
    for time_s, state in rows:
        series.add(time_s, [state])
    return ReplayedLife(series, 500)


def test_rows_that_repeat_a_state_are_no_changes():
    bay = life((100, 0), (200, 0), (300, 1), (400, 1), (500, UNKNOWN), (600, 1), (700, 0))
    assert list(bay.changes(0, 9999)) == [Change(300, True), Change(700, False)]
    assert [bay.occupied(time_s) for time_s in (0, 299, 300, 699, 700, 9999)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert [bay.changed_s(time_s) for time_s in (100, 300, 650, 700)] == [100, 300, 300, 700]
    assert [bay.next_change_s(time_s) for time_s in (0, 299, 300, 700)] == [300, 300, 700, NEVER_S]
    assert list(bay.changes(300, 700)) == [Change(700, False)]


def test_a_bay_may_begin_taken():
    bay = life((100, 1), (300, 0), (600, 1))
    assert bay.occupied(0)
    assert list(bay.changes(0, 9999)) == [Change(300, False), Change(600, True)]


def test_each_car_has_its_number():
    for first in (0, 1):
        bay = life(*[(100 * k, (k + first) % 2) for k in range(10)])
        cars = [bay.car(100 * k) for k in range(10) if (k + first) % 2]
        assert len(set(cars)) == len(cars) >= 4
        for k in range(9):
            if (k + first) % 2:
                assert bay.car(100 * k) == bay.car(100 * k + 150)  # also when it has gone


def test_a_state_holds_until_a_row_that_does_not_know_and_the_car_stays_over_it():
    bay = life((100, 0), (200, 1), (5000, UNKNOWN), (5100, UNKNOWN), (6000, 1), (7000, 0), (8000, UNKNOWN))
    known = [bay.known(time_s) for time_s in (99, 100, 4999, 5000, 5999, 6000, 7999, 8000, 99_999)]
    assert known == [False, True, True, False, False, True, True, False, False]
    assert bay.occupied(5500)
    assert list(bay.changes(0, 99_999)) == [Change(200, True), Change(7000, False)]
