"""The bench itself: whoever waits for its time is told when there is no more of it, instead of waiting for ever."""

import pytest

from tests.boards.bench import Bench, BenchClock


class TornError(Exception):
    """What ends the bench's thread."""


def tear():
    raise TornError


def test_a_bench_whose_thread_has_died_holds_nobody_up():
    bench = Bench()
    bench.turns.append(tear)
    bench.__enter__()
    with pytest.raises(AssertionError, match=r"the bench has ended, and time with it: TornError"):
        BenchClock(bench).sleep(1e9)
    with pytest.raises(TornError):
        bench.__exit__()
