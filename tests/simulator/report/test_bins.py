"""Figures over time: what is binned, ranked and averaged is what a plain list would say."""

import random
import statistics

import pytest

from simulator.report.bins import Bins, Latencies, Levels, Sums

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US


@pytest.mark.parametrize(
    ("hours", "minutes", "count"), [(0.1, 5, 2), (1, 5, 12), (24, 15, 96), (168, 120, 84), (8784, 5760, 92)]
)
def test_a_run_is_cut_into_at_most_a_hundred_bins(hours, minutes, count):
    bins = Bins(hours)
    assert (bins.width_us // (60 * SECOND_US), bins.count) == (minutes, count)


def test_what_lies_beyond_the_end_falls_into_the_last_bin():
    bins = Bins(24)
    assert [bins.of(hour * HOUR_US) for hour in (0, 1, 23, 24, 30)] == [0, 4, 92, 95, 95]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_quantiles_are_those_of_the_sorted_list_within_six_percent(share):
    dice = random.Random(5)
    latencies, known = Latencies(1), []
    for _ in range(3000):
        latency_us = int(10 ** dice.uniform(4, 11))  # 10 ms to 28 hours
        latencies.add(latency_us, 0)
        known.append(latency_us / SECOND_US)
    expected = statistics.quantiles(known, n=1000, method="inclusive")[round(1000 * share) - 1]
    assert latencies.quantile_s(share) == pytest.approx(expected, rel=0.07)
    assert latencies.quantile_s(share, 0) == latencies.quantile_s(share)


def test_what_promises_ask_is_counted_exactly():
    latencies = Latencies(1)
    for seconds in (1, 60, 61, 360, 361, 3600, 3601):
        latencies.add(seconds * SECOND_US, 0)
    assert latencies.within == {60: 2, 360: 4, 3600: 6}
    assert latencies.count == 7
    assert latencies.longest_us == 3601 * SECOND_US


def test_no_quantile_lies_beyond_the_longest():
    latencies = Latencies(1)
    latencies.add(7200 * SECOND_US, 0)
    assert latencies.quantile_s(0.99) <= 7200


def test_of_nothing_there_is_no_quantile():
    latencies = Latencies(3)
    latencies.add(SECOND_US, 1)
    assert latencies.quantile_s(0.5, 0) is None
    assert Latencies(1).quantile_s(0.5) is None


def test_two_joined_hold_what_both_hold():
    one, other, both = Latencies(2), Latencies(2), Latencies(2)
    for number, latencies in enumerate((one, other)):
        for seconds in range(1, 200, 7):
            latencies.add((number + 1) * seconds * SECOND_US, number)
            both.add((number + 1) * seconds * SECOND_US, number)
    joined = one.joined_with(other)
    for share in (0.1, 0.5, 0.99):
        assert joined.quantile_s(share) == both.quantile_s(share)
        assert joined.quantile_s(share, 1) == other.quantile_s(share, 1)
    assert (joined.count, joined.within, joined.longest_us) == (both.count, both.within, both.longest_us)


def test_sums_tell_mean_least_and_most_of_each_bin():
    sums = Sums(3)
    assert not sums
    for value, number in ((3, 0), (5, 0), (-1, 2)):
        sums.add(value, number)
    assert sums
    assert sums.means() == [4, None, -1]
    assert (sums.least, sums.most) == ([3, None, -1], [5, None, -1])


def test_levels_weigh_by_time_and_by_who_is_there():
    bins = Bins(24)  # quarters of an hour
    levels = Levels(bins)
    quarter_us = bins.width_us
    assert levels.mean is None
    assert levels.set("a", 1, 0) == 1
    assert levels.set("b", 0, 0) == 0
    assert levels.set("a", 0, quarter_us // 2) == -1
    levels.set("c", 1, quarter_us)
    levels.pass_until(3 * quarter_us)
    assert levels.means()[:4] == pytest.approx([0.25, 1 / 3, 1 / 3, None])
    assert levels.members == 3
    assert levels.mean == pytest.approx(1 / 3)


def test_the_last_bin_of_levels_holds_what_lasts_beyond_the_end():
    levels = Levels(Bins(24))
    levels.set("a", 10, 0)
    levels.pass_until(30 * HOUR_US)
    assert levels.means() == [10] * 96
