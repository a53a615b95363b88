"""Disk full and failing card at every write: nothing unstored is acknowledged, and all goes on when it is mended."""

import random

import apsw
import pytest
from hypothesis import settings

from gateway.network.events import Committed
from gateway.store.database import PAGE_SIZE, open_database, quick_check
from gateway.store.faults import FaultKind
from gateway.store.retention import Retention, Space, Step
from gateway.store.rows import fetch
from gateway.store.writer import Failed
from tests.gateway.store.faulty import FaultyDisk
from tests.gateway.store.samples import Desk, f_cnt_ups, joined, new_database, seqs, uplink

DEVICES = 2
UPLINKS = 16
FAULTS = settings().max_examples // 5  # all there are in `make soak`


def live(path, disk) -> tuple[list[int], list[Failed]]:
    """Send each uplink until it is accepted, as a node repeats a frame; the seqs acknowledged, and the failures."""
    desk = Desk(lambda: open_database(path, vfs=disk.name), log_pages=16)
    acknowledged = []
    for f_cnt in range(UPLINKS):
        for _ in range(50):
            if desk.accepts(uplink(f_cnt, 1 + f_cnt % DEVICES, f_cnt)):
                acknowledged.append(f_cnt)
                break
    failures = [told for told in desk.told if isinstance(told, Failed)]
    desk.writer.close()
    return acknowledged, failures


def prepared(path) -> None:
    database = new_database(path, DEVICES)
    database.close()
    desk = Desk(lambda: open_database(path))
    for device in range(1, DEVICES + 1):
        assert desk.accepts(joined(device))
    desk.writer.close()


# apsw says so when a second error comes while it reports the first: the card that failed is also closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("error", "width", "kind"),
    [(apsw.FullError, 1, FaultKind.FULL), (apsw.IOError, 1, FaultKind.IO), (apsw.IOError, 9, FaultKind.IO)],
)
def test_a_fault_at_any_write_loses_nothing_acknowledged(tmp_path, error, width, kind):
    whole = tmp_path / "whole.sqlite"
    prepared(whole)
    quiet = FaultyDisk()
    assert live(whole, quiet) == (list(range(UPLINKS)), [])
    dice = random.Random(5)
    for fail_at in sorted(dice.sample(range(1, quiet.count), min(quiet.count - 1, FAULTS))):
        path = tmp_path / f"{fail_at}.sqlite"
        prepared(path)
        disk = FaultyDisk()
        disk.fail_at, disk.width, disk.error = fail_at, width, error
        acknowledged, failures = live(path, disk)
        assert disk.hits
        assert acknowledged == list(range(UPLINKS)), f"fault at {fail_at}"
        assert {failed.error.kind for failed in failures} <= {kind}
        database = open_database(path)
        assert quick_check(database) is None
        found = seqs(database)
        for device in range(1, DEVICES + 1):
            expected = list(range(device - 1, UPLINKS, DEVICES))
            # A failed commit may have reached the disk after all: then its repetition is a duplicate with the same key.
            assert sorted(set(found[device])) == expected, f"fault at {fail_at}"
            assert len(found[device]) <= len(expected) + len(failures)
        assert f_cnt_ups(database) == {1: UPLINKS - 2, 2: UPLINKS - 1}
        database.close()


def test_a_full_file_refuses_then_retention_makes_room_and_the_same_frame_is_accepted(tmp_path):
    path = tmp_path / "gateway.sqlite"
    prepared(path)
    max_bytes = 120 * PAGE_SIZE
    desk = Desk(lambda: open_database(path, durable=False, max_bytes=max_bytes), log_pages=16)
    f_cnt = 0
    while desk.accepts(uplink(f_cnt, 1, f_cnt)):
        f_cnt += 1
    failed = desk.told[-1]
    assert isinstance(failed, Failed)
    assert failed.error.kind is FaultKind.FULL
    assert "the share of it that Lampyre may use is full" in str(failed.error)
    assert not desk.accepts(uplink(f_cnt, 1, f_cnt))  # still
    retention = Retention()
    space = Space(max_bytes=max_bytes, used_bytes=max_bytes, free_bytes=1 << 30, keep_bytes=0)
    sliced = desk.writer.call(lambda database: retention.slice(database, space, None), alone=True).result(timeout=60)
    assert sliced.step is Step.UNDELIVERED_READINGS
    assert sliced.deleted > 0
    assert retention.deleted[Step.UNDELIVERED_READINGS] == sliced.deleted
    assert desk.accepts(uplink(f_cnt, 1, f_cnt))
    desk.writer.close()
    database = open_database(path)
    # Exactly what the policy says it took is missing: the oldest.
    assert seqs(database)[1] == list(range(sliced.deleted, f_cnt + 1))
    database.close()


def test_what_follows_a_failure_is_discarded_until_the_server_has_gone_back(tmp_path):
    path = tmp_path / "gateway.sqlite"
    prepared(path)
    disk = FaultyDisk()
    desk = Desk(lambda: open_database(path, vfs=disk.name))
    desk.writer.submit(uplink(1, 1, 0))
    disk.fail_at, disk.error = disk.count + 1, apsw.FullError
    desk.writer.submit(uplink(2, 1, 1))
    desk.writer.submit(uplink(3, 1, 2))  # decided on a state that is not on disk
    desk.writer.resume()
    desk.writer.submit(uplink(4, 2, 0))
    assert [type(told) for told in desk.told] == [Committed, Failed, Committed]
    assert desk.told[-1] == Committed(token=4)
    assert desk.writer.figures.discarded == 1
    desk.writer.close()
    assert seqs(open_database(path)) == {1: [0], 2: [0]}


def test_a_read_only_file_says_so_and_nothing_is_acknowledged(tmp_path):
    path = tmp_path / "gateway.sqlite"
    prepared(path)

    def connect() -> apsw.Connection:
        database = open_database(path)
        database.pragma("query_only", True)  # as SQLite is on a card that was remounted
        return database

    desk = Desk(connect)
    assert not desk.accepts(uplink(1, 1, 0))
    assert desk.told[-1].error.kind is FaultKind.READ_ONLY
    assert "remounted read-only" in str(desk.told[-1].error)


def test_a_mistake_of_ours_is_a_failure_and_not_the_end(tmp_path):
    path = tmp_path / "gateway.sqlite"
    prepared(path)
    desk = Desk(lambda: open_database(path))
    assert not desk.accepts(uplink(1, 1, 1 << 70))
    assert desk.told[-1].error.kind is FaultKind.OTHER
    assert desk.accepts(uplink(2, 1, 0))
    assert fetch(desk.writer.call(lambda database: database).result(), "SELECT count(*) FROM record") == [(1,)]
    desk.writer.close()
