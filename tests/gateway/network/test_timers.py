"""Alarms: the earlier one counts, each rings once."""

from gateway.network.timers import Timers


class Sleeper:
    timer_ms: int | None = None


def test_each_rings_once_at_its_earliest_time():
    timers, first, second = Timers(), Sleeper(), Sleeper()
    timers.set(first, 500)
    timers.set(second, 300)
    timers.set(first, 100)
    timers.set(first, 900)
    timers.set(second, None)
    assert timers.next_at() == 100
    assert timers.due(99) is None
    assert timers.due(100) is first
    assert timers.due(100) is None
    assert timers.due(1_000) is second
    assert timers.due(1_000) is None
    assert timers.next_at() is None
    timers.set(first, 2_000)
    assert timers.next_at() == 2_000


def test_alarms_of_the_same_moment_ring_in_the_order_they_were_set():
    timers, sleepers = Timers(), [Sleeper() for _ in range(10)]
    for sleeper in sleepers:
        timers.set(sleeper, 7)
    assert [timers.due(7) for _ in sleepers] == sleepers
