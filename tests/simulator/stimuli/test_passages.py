"""A Poisson process by the hour: as many events as its rates say, and as irregular."""

import statistics

from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.passages import Passages, next_passage_s
from simulator.streams import Stream

MONDAY_S = 20_514 * DAY_S
NEVER = (0.0,) * 24
MORNING = (0.0,) * 8 + (6.0, 2.0) + (0.0,) * 14
WEEK = (MORNING, NEVER, NEVER)


def events(week, weeks: int, zone: str = "UTC", seed: int = 1) -> list[float]:
    passages = Passages(Stream(seed, "passages"), week, Calendar(zone), MONDAY_S)
    found = []
    time_s = passages.next_s(MONDAY_S)
    while time_s is not None and time_s < MONDAY_S + weeks * 7 * DAY_S:
        found.append(time_s)
        time_s = passages.next_s(time_s)
    return found


def test_each_hour_has_as_many_events_as_its_rate_and_their_spread():
    """A Poisson process: the variance of a count is its mean."""
    weeks = 200
    times = events(WEEK, weeks)
    for hour, rate in ((8, 6.0), (9, 2.0)):
        counts = [0] * (weeks * 7)
        for time_s in times:
            if int(time_s) % DAY_S // 3600 == hour:
                counts[int(time_s - MONDAY_S) // DAY_S] += 1
        workdays = [count for day, count in enumerate(counts) if day % 7 < 5]
        assert abs(statistics.mean(workdays) - rate) < 4 * (rate / len(workdays)) ** 0.5
        assert 0.85 < statistics.variance(workdays) / rate < 1.15
    assert all(int(time_s) % DAY_S // 3600 in (8, 9) and (time_s - MONDAY_S) // DAY_S % 7 < 5 for time_s in times)


def test_the_hours_are_those_of_the_towns_clocks():
    times = events(WEEK, 1, "Europe/Paris")
    assert {int(time_s) % DAY_S // 3600 for time_s in times} == {7, 8}


def test_what_never_happens_never_comes():
    assert next_passage_s(Stream(1, "x"), (NEVER, NEVER, NEVER), Calendar("UTC"), MONDAY_S) is None
    assert Passages(Stream(1, "x"), (NEVER, NEVER, NEVER), Calendar("UTC"), MONDAY_S).next_s(MONDAY_S) is None


def test_the_next_is_the_same_however_often_one_asks():
    often = Passages(Stream(3, "x"), WEEK, Calendar("UTC"), MONDAY_S)
    once = Passages(Stream(3, "x"), WEEK, Calendar("UTC"), MONDAY_S)
    for minute in range(0, 7 * 1440, 7):
        often.next_s(MONDAY_S + minute * 60)
    later_s = MONDAY_S + 7 * DAY_S
    assert often.next_s(later_s) == once.next_s(later_s) > later_s
