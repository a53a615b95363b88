"""Clocks that drift: by the crystal awake, by far more asleep, and warm by day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.fleet.clock import NodeClock

HOUR_US = 3_600_000_000
MEAN_S = 75_600  # 21:00 UTC, six hours after the warmest, when the swing is at its middle
WARMEST_S = 54_000


def test_a_crystal_of_20_ppm_gains_72_ms_an_hour():
    clock = NodeClock(1_000, 5_000, awake_ppm=20)
    assert clock.wake(1_000 + HOUR_US) == 5_000 + HOUR_US + 72_000


@pytest.mark.parametrize(
    ("sleep_ppm", "time_s", "gained_us"),
    [
        (0, MEAN_S, 0),
        (-30_000, MEAN_S, -108_000_000),  # 108 s an hour: "a sleep clock is 108 s off by then" (firmware/mind.py)
        (20_000, MEAN_S, 72_000_000),
        (20_000, WARMEST_S, 90_000_000),  # a quarter more
        (20_000, WARMEST_S - 43_200, 54_000_000),  # and a quarter less at night
        (30_000, WARMEST_S, 108_000_000),  # never beyond 3 %
    ],
)
def test_asleep_it_goes_by_an_oscillator_that_feels_the_day(sleep_ppm, time_s, gained_us):
    clock = NodeClock(0, 0, 20, sleep_ppm)
    clock.wake(0)
    clock.sleep(time_s)
    assert clock.asleep
    assert clock.wake(HOUR_US) == pytest.approx(HOUR_US + gained_us + (72_000 if not sleep_ppm else 0), abs=2)
    assert not clock.asleep
    assert clock.wake(2 * HOUR_US) - clock.wake(2 * HOUR_US) == 0


def test_awake_again_it_goes_by_the_crystal():
    clock = NodeClock(0, 0, 0, 10_000)
    clock.wake(0)
    clock.sleep(MEAN_S)
    shown_us = clock.wake(HOUR_US)
    assert clock.wake(HOUR_US + 1_000_000) == shown_us + 1_000_000


@given(
    awake_ppm=st.integers(-20, 20),
    sleep_ppm=st.integers(-30_000, 30_000),
    asleep=st.booleans(),
    now_us=st.integers(-(10**9), 10**14),
    node_us=st.integers(0, 10**14),
    ahead_us=st.integers(-(10**6), 10**12),
)
def test_the_time_it_names_is_the_first_at_which_it_shows_what_was_asked(
    awake_ppm, sleep_ppm, asleep, now_us, node_us, ahead_us
):
    clock = NodeClock(now_us, node_us, awake_ppm, sleep_ppm)
    clock.wake(now_us)
    if asleep:
        clock.sleep(now_us // 1_000_000)
    at_us = clock.when_us(node_us + ahead_us)
    assert at_us >= now_us
    if ahead_us <= 0:
        assert at_us == now_us
        return
    assert node_us + ahead_us <= clock.wake(at_us) <= node_us + ahead_us + 1
