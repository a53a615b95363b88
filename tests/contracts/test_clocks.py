"""What every clock owes the gateway: ms that only grow, and alarms that ring in time, and not once cancelled."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from gateway.timekeeping import Clock, SystemClock
from tests.fakes.clocks import FastClock, HandClock

Pass = Callable[[Clock, asyncio.Event], Awaitable[None]]


async def by_hand(clock: Clock, rung: asyncio.Event) -> None:
    assert isinstance(clock, HandClock)
    while not rung.is_set() and (next_ms := clock.next_ms()) is not None:
        clock.move_to(next_ms)


async def by_itself(clock: Clock, rung: asyncio.Event) -> None:
    await asyncio.wait_for(rung.wait(), 20)


CLOCKS: dict[str, tuple[Callable[[], Clock], Pass]] = {
    "SystemClock": (SystemClock, by_itself),
    "FastClock": (lambda: FastClock(50), by_itself),
    "HandClock": (HandClock, by_hand),
}


@pytest.fixture(name="kind", params=CLOCKS.values(), ids=CLOCKS.keys())
def _kind(request: pytest.FixtureRequest) -> tuple[Callable[[], Clock], Pass]:
    return request.param


def test_alarms_ring_in_their_order_and_not_before_their_time(kind):
    make, wait = kind

    async def live() -> tuple[list[tuple[str, int]], int]:
        clock, rung, heard = make(), asyncio.Event(), []
        now_ms = clock.now_ms()

        def ring(name: str) -> Callable[[], None]:
            return lambda: heard.append((name, clock.now_ms() - now_ms))

        clock.call_at(now_ms + 60, rung.set)
        clock.call_at(now_ms + 40, ring("second"))
        clock.call_at(now_ms + 20, ring("first"))
        clock.call_at(now_ms + 30, ring("cancelled")).cancel()
        clock.call_at(now_ms - 1000, ring("late"))
        assert heard == []
        await wait(clock, rung)
        return heard, clock.now_ms() - now_ms

    heard, passed_ms = asyncio.run(live())
    assert [name for name, _ in heard] == ["late", "first", "second"]
    # The loop rings up to its clock's resolution early, and whole ms are cut off.
    assert heard[1][1] >= 20 - 2
    assert heard[2][1] >= 40 - 2
    assert passed_ms >= 60 - 2


def test_an_alarm_that_rang_may_be_cancelled_and_may_set_another(kind):
    make, wait = kind

    async def live() -> bool:
        clock, rung = make(), asyncio.Event()
        first = clock.call_at(clock.now_ms() + 5, lambda: clock.call_at(clock.now_ms() + 5, rung.set) and None)
        await wait(clock, rung)
        first.cancel()
        return rung.is_set()

    assert asyncio.run(live())


def test_the_machines_clocks_are_monotonic_and_of_the_wall():
    async def live() -> None:
        clock = SystemClock()
        before, after = time.monotonic(), clock.now_ms()
        assert before * 1000 - 1 <= after <= time.monotonic() * 1000
        assert abs(clock.unix_ms() - time.time() * 1000) < 1000

    asyncio.run(live())
