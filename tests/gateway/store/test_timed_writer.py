"""The writer of virtual time: grouped as the thread groups, within the call or at an alarm."""

import apsw
import pytest

from gateway.network.events import Commit, Committed
from gateway.store.batch import GROUP_MS, MOST
from gateway.store.faults import FaultKind
from gateway.store.timed_writer import TimedWriter
from gateway.store.writer import OVERLOADED, Failed
from gateway.store.writes import AddRecord
from tests.fakes.clocks import HandClock
from tests.gateway.store.samples import new_database, record, seqs


class Bench:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.database = new_database()
        self.told: list[object] = []
        self.writer = TimedWriter(lambda: self.database, self.told.append, self.clock)
        self.token = 0

    def submit(self, seq: int, *, at_once: bool = False) -> int:
        self.token += 1
        self.writer.submit(Commit(token=self.token, writes=(AddRecord(record(1, seq)),), at_once=at_once))
        return self.token


def test_what_waits_for_nobody_is_written_with_others_two_seconds_later():
    bench = Bench()
    bench.submit(0)
    bench.clock.move_to(1_000)
    last = bench.submit(1)
    bench.clock.move_to(GROUP_MS - 1)
    assert (bench.told, bench.writer.queued, seqs(bench.database)) == ([], 2, {})
    bench.clock.move_to(GROUP_MS)
    assert (bench.told, seqs(bench.database)) == ([Committed(token=last)], {1: [0, 1]})
    assert bench.writer.figures.transactions == 1


def test_what_cannot_wait_takes_along_what_waits():
    bench = Bench()
    bench.submit(0)
    last = bench.submit(1, at_once=True)
    assert (bench.told, seqs(bench.database)) == ([Committed(token=last)], {1: [0, 1]})
    bench.clock.move_to(10_000)
    assert len(bench.told) == 1


def test_a_full_batch_does_not_wait():
    bench = Bench()
    for seq in range(MOST):
        bench.submit(seq)
    assert bench.told == [Committed(token=MOST)]


def test_a_power_cut_takes_what_was_not_written_and_nothing_else():
    bench = Bench()
    bench.submit(0, at_once=True)
    bench.submit(1)
    bench.writer.drop()
    bench.clock.move_to(10_000)
    assert (len(bench.told), seqs(bench.database)) == (1, {1: [0]})


def test_calls_see_what_came_before_them_and_wait_if_they_may():
    bench = Bench()
    bench.submit(0)
    assert bench.writer.call(seqs).result() == {1: [0]}
    later = bench.writer.call(seqs, urgent=False)
    assert not later.done()
    bench.clock.move_to(GROUP_MS)
    assert later.result() == {1: [0]}


def test_after_a_full_disk_nothing_counts_until_it_is_resumed():
    bench = Bench()
    bench.database.pragma("max_page_count", bench.database.pragma("page_count"))
    bench.writer.submit(Commit(token=1, writes=tuple(AddRecord(record(1, seq)) for seq in range(500)), at_once=True))
    [failed] = bench.told
    assert isinstance(failed, Failed)
    assert failed.error.kind is FaultKind.FULL
    bench.token = 1
    bench.submit(0, at_once=True)
    assert len(bench.told) == 1
    bench.database.pragma("max_page_count", 1 << 30)
    bench.writer.resume()
    last = bench.submit(1, at_once=True)
    assert bench.told[1:] == [Committed(token=last)]
    assert seqs(bench.database) == {1: [1]}


def test_closing_writes_what_waits():
    bench = Bench()
    last = bench.submit(0)
    assert bench.writer.close()
    assert bench.told == [Committed(token=last)]
    with pytest.raises(apsw.ConnectionClosedError):
        bench.database.execute("SELECT 1")


def test_it_says_when_uplinks_should_be_refused():
    bench = Bench()
    assert not bench.writer.overloaded
    assert bench.writer.alive
    assert OVERLOADED > MOST
