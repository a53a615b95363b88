"""The writing thread: order, grouping, failures, and its end."""

import threading

import apsw
import pytest

from gateway.network.events import Commit, Committed
from gateway.store.batch import MAX_QUEUED
from gateway.store.database import open_database, read_database
from gateway.store.devices import list_devices
from gateway.store.faults import FaultKind, StoreError
from gateway.store.records import records_after
from gateway.store.writer import OVERLOADED, Died, Failed, Result, Writer
from tests.fakes.writers import Told
from tests.gateway.store.faulty import FaultyDisk
from tests.gateway.store.samples import (
    dev_eui,
    f_cnt_ups,
    result_of,
    seqs,
    uplink,
)


def test_what_is_told_as_committed_is_there_and_in_order(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=0)
    for token in range(1, 201):
        writer.submit(uplink(token, 1 + token % 3, token, at_once=False))
    told.wait_for(Committed(token=200))
    tokens = [result.token for result in told.results]
    assert tokens == sorted(tokens)
    reader = read_database(path)
    assert [kept.seq for _, kept in records_after(reader, 0, 1000).records] == list(range(1, 201))
    reader.close()
    assert writer.figures.commits == 200
    assert writer.figures.last_record_id == 200
    writer.close()
    assert not writer.alive


def test_commits_wait_for_company_and_go_with_the_first_that_cannot_wait(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=3_600_000)
    for token in range(1, 10):
        writer.submit(uplink(token, 1, token, at_once=False))
    writer.submit(uplink(10, 2, 1, at_once=True))
    told.wait_for(Committed(token=10))
    assert told.results == [Committed(token=10)]
    assert writer.figures.transactions == 1
    assert len(writer.commit_ms()) == 1
    writer.submit(uplink(11, 1, 10, at_once=False))
    writer.close()  # writes what still waits
    assert told.results[-1] == Committed(token=11)


def test_a_call_sees_what_was_submitted_before_it(path):
    writer = Writer(lambda: open_database(path), Told(), group_ms=3_600_000)
    writer.submit(uplink(1, 1, 7, at_once=False))
    assert result_of(writer.call(f_cnt_ups)) == {1: 7}
    writer.close()


def test_after_a_failure_the_thread_waits_for_the_server_and_goes_on(path):
    disk = FaultyDisk()
    told = Told()
    writer = Writer(lambda: open_database(path, vfs=disk.name), told, group_ms=3_600_000)
    writer.submit(uplink(1, 1, 0))
    told.wait_for(Committed(token=1))
    disk.fail_at, disk.error = disk.count + 1, apsw.IOError
    writer.submit(uplink(2, 1, 1))
    failed = told.wait_for_kind(Failed)
    assert failed.error.kind is FaultKind.IO
    assert "the card did not read or write" in str(failed.error)
    writer.submit(uplink(3, 1, 2))
    writer.resume()
    writer.submit(uplink(4, 1, 1))  # the same frame again
    told.wait_for(Committed(token=4))
    assert Committed(token=3) not in told.results
    writer.close()
    assert seqs(open_database(path)) == {1: [0, 1]}


def test_a_store_that_cannot_be_opened_is_a_failure_that_passes(path, tmp_path):
    away = tmp_path / "away"
    told = Told()
    path.parent.joinpath("gateway.sqlite").rename(away)
    path.mkdir()
    writer = Writer(lambda: open_database(path), told)
    writer.submit(uplink(1, 1, 0))
    told.wait_for_kind(Failed)
    path.rmdir()
    away.rename(path)
    writer.resume()
    writer.submit(uplink(2, 1, 0))
    told.wait_for(Committed(token=2))
    writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_more_than_the_queue_holds_fails_and_goes_on(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=3_600_000, most=1 << 30)
    for token in range(MAX_QUEUED):
        assert writer.overloaded == (token >= OVERLOADED)
        writer.submit(Commit(token=token, writes=(), at_once=False))
    assert writer.queued == MAX_QUEUED
    writer.submit(Commit(token=MAX_QUEUED, writes=(), at_once=False))
    failed = told.wait_for_kind(Failed)
    assert "10000 commits wait to be written" in str(failed.error)
    assert (writer.queued, writer.overloaded, writer.figures.discarded) == (0, False, MAX_QUEUED + 1)
    writer.resume()
    writer.submit(uplink(MAX_QUEUED + 2, 1, 0))
    told.wait_for(Committed(token=MAX_QUEUED + 2))
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        result_of(writer.call(f_cnt_ups))


def test_an_overflow_is_told_after_what_is_being_written(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=3_600_000, most=1 << 30)
    writing, card = threading.Event(), threading.Event()

    def stall(_database: apsw.Connection) -> None:
        writing.set()
        assert card.wait(timeout=60)

    writer.submit(uplink(1, 1, 0, at_once=False))
    stalled = writer.call(stall)
    assert writing.wait(timeout=60)
    for token in range(2, MAX_QUEUED + 3):
        writer.submit(Commit(token=token, writes=(), at_once=False))
    assert told.results == []
    card.set()
    result_of(stalled)
    told.wait_for_kind(Failed)
    assert [type(result) for result in told.results] == [Committed, Failed]
    assert told.results[0] == Committed(token=1)
    writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_says_so_and_answers_who_waits(path):
    told = Told()

    def deliver(result: Result) -> None:
        told(result)
        if isinstance(result, Committed):
            raise RuntimeError("the loop is closed")

    writer = Writer(lambda: open_database(path), deliver, group_ms=0)
    writer.submit(uplink(1, 1, 0))
    assert "RuntimeError: the loop is closed" in told.wait_for_kind(Died).detail
    with pytest.raises(StoreError, match=r"closed|ended"):
        result_of(writer.call(f_cnt_ups))
    writer.close()
    assert not writer.alive


def test_registered_devices_are_told_apart_by_number(path):
    assert [device.dev_eui for device in list_devices(open_database(path))] == [dev_eui(1), dev_eui(2), dev_eui(3)]
