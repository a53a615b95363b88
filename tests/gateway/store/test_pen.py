"""One transaction for a batch: its calls, what cannot be written, and a reader that never lets the log grow."""

from concurrent.futures import Future
from pathlib import Path

import apsw
import pytest

from gateway.network.events import Commit, Committed
from gateway.store import sessions
from gateway.store.counters import load_counters
from gateway.store.database import PAGE_SIZE, open_database, read_database
from gateway.store.devices import RegistryError, add_devices, list_devices
from gateway.store.faults import FaultKind, StoreError
from gateway.store.records import records_after
from gateway.store.rows import fetch
from gateway.store.writer import Died, Failed, LeftOut, Writer
from gateway.store.writes import AddQuarantine, AddRecord, KeepAirtime, KeepCounters, KeepSession, StartSession
from tests.fakes.writers import InlineWriter, Told
from tests.gateway.store.samples import (
    LOG,
    Desk,
    f_cnt_ups,
    joined,
    new_database,
    record,
    registration,
    result_of,
    seqs,
    session,
    uplink,
)


def test_the_newest_record_is_known_when_a_call_comes_behind_it_and_after_a_start(path):
    for last_id in (1, 2):
        writer = Writer(lambda: open_database(path), Told(), group_ms=60_000)
        writer.submit(Commit(token=1, writes=(AddRecord(record(seq=last_id)),), at_once=False))
        writer.call(lambda database: None).result(60)  # goes in the transaction of what waits
        assert writer.figures.last_record_id == last_id
        writer.close()
    writer = Writer(lambda: open_database(path), Told())
    writer.call(lambda database: None).result(60)
    assert writer.figures.last_record_id == 2
    writer.close()


def test_the_last_record_is_told_also_when_a_call_ends_its_transaction(path):
    """A publisher that keeps its cursor with the last uplinks of a day must hear of them."""
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=60_000)
    for token in range(1, 11):
        writer.submit(uplink(token, 1, token, at_once=False))
    assert writer.call(lambda database: fetch(database, "SELECT count(*) FROM record")).result(60) == [(10,)]
    told.wait_for(Committed(token=10))
    assert writer.figures.last_record_id == 10
    writer.close()


def test_a_call_that_is_refused_undoes_itself_only(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=3_600_000)

    def half(database: apsw.Connection) -> None:
        add_devices(database, [registration(8)])
        add_devices(database, [registration(9), registration(1)])

    writer.submit(uplink(1, 1, 7, at_once=False))
    refused: Future[None] = writer.call(half)
    with pytest.raises(RegistryError, match="DevEUI 70b3d57ed0000001 is registered already as 'air-1'"):
        refused.result(timeout=60)
    told.wait_for(Committed(token=1))
    numbers = result_of(writer.call(lambda database: [device.device for device in list_devices(database)]))
    assert numbers == [1, 2, 3]
    writer.close()


def test_a_wrong_statement_of_a_call_is_its_own_affair(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told, group_ms=3_600_000)
    writer.submit(uplink(1, 1, 7, at_once=False))
    with pytest.raises(StoreError, match="no such table"):
        result_of(writer.call(lambda database: database.execute("SELECT 1 FROM nowhere")))
    told.wait_for(Committed(token=1))
    writer.close()


def one_by_one_and_together(path: Path, commits: list[Commit]) -> None:
    """What a batch writes is what its commits write one after the other."""
    states = []
    for group_ms in (0, 3_600_000):
        copy = path.with_name(f"{group_ms}.sqlite")
        new_database(copy, 3).close()
        told = Told()
        writer = Writer(lambda copy=copy: open_database(copy), told, group_ms=group_ms)
        for commit in commits:
            writer.submit(commit)
            if not group_ms:
                told.wait_for(Committed(token=commit.token))
        writer.close()
        database = open_database(copy)
        states.append((sessions.load_devices(database), load_counters(database), seqs(database)))
        database.close()
    assert states[0] == states[1]


def test_a_session_that_starts_within_a_batch_takes_its_own_counters_and_the_last_log(path):
    one_by_one_and_together(
        path,
        [
            Commit(token=1, writes=joined(1).writes, at_once=False),
            Commit(token=2, writes=(KeepCounters(1, 50, 64, LOG), AddRecord(record(1, 0))), at_once=False),
            Commit(token=3, writes=(KeepCounters(1, 51, 64, None),), at_once=False),
            Commit(token=4, writes=(KeepSession(session(1, 1)),), at_once=False),
            Commit(token=5, writes=(KeepCounters(1, 52, 128, None), KeepCounters(2, 1, 0, None)), at_once=False),
            Commit(token=6, writes=(StartSession(1, 1),), at_once=False),
        ],
    )
    database = open_database(path.with_name("0.sqlite"))
    kept = sessions.load_devices(database)[1]
    assert (kept.current.number, kept.current.f_cnt_up, kept.current.f_cnt_down, kept.log) == (1, -1, 0, LOG)


def test_a_damaged_page_that_a_call_meets_ends_the_process_though_no_commit_fails(path):
    """Such as a chore's: it would meet it again at each of its turns, and nobody would look through the file."""
    told = Told()
    writer = Writer(lambda: open_database(path), told)
    database = read_database(path)
    [(page,)] = fetch(database, "SELECT rootpage FROM sqlite_schema WHERE name = 'quarantine'")
    database.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_SIZE)
        file.write(b"\xff" * PAGE_SIZE)
    for alone in (False, True):
        told.results.clear()
        with pytest.raises(StoreError, match="its content is damaged; at the next start it is set aside"):
            writer.call(lambda database: fetch(database, "SELECT * FROM quarantine"), alone=alone).result(60)
        told.wait_for_kind(Died)
    told.results.clear()
    with pytest.raises(StoreError, match="a backup"):
        writer.call(lambda database: refuse("a backup is damaged"), alone=True).result(60)
    writer.close()
    assert told.results == [], "another file's damage is not this one's"


def refuse(sentence: str) -> None:
    raise StoreError(FaultKind.CORRUPT, sentence)


UNWRITABLE = 1 << 70  # an integer that SQLite does not have


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (AddRecord(record(2, UNWRITABLE)), "<Kind.READING: 1> of device 2, number "),
        (
            AddQuarantine(
                device=UNWRITABLE, received_ms=0, boot=None, session=0, f_cnt=0, f_port=1, payload=b"", reason=""
            ),
            "for the quarantine",
        ),
        (KeepAirtime("udp:1", "\ud800"), "the airtime of udp:1 could not be written"),
    ],
    ids=["record", "quarantine", "airtime"],
)
@pytest.mark.parametrize("inline", [False, True], ids=["thread", "virtual"])
def test_what_can_never_be_written_stays_out_alone_and_is_told(path, bad, named, inline):
    """Else the stream of commits would stand still: what failed is written again, before all that comes after."""
    told = Told()
    make = InlineWriter if inline else Writer
    writer = make(lambda: open_database(path), told)
    writer.submit(uplink(1, 1, 1, at_once=False))
    writer.submit(Commit(token=2, writes=(KeepCounters(2, 7, 71, LOG), bad), at_once=False))
    call = writer.call(lambda database: fetch(database, "SELECT count(*) FROM counter"), urgent=False)
    writer.submit(uplink(3, 1, 3))
    told.wait_for(Committed(token=3))
    assert call.result(60) == [(2,)]
    writer.close()
    [left_out] = [one for one in told.results if isinstance(one, LeftOut)]
    assert named in left_out.detail
    assert left_out.detail.endswith("; report this")
    assert not any(isinstance(one, Failed | Died) for one in told.results)
    database = read_database(path)
    assert seqs(database) == {1: [1, 3]}
    assert f_cnt_ups(database) == {1: 3, 2: 7}


def test_a_counter_that_cannot_be_written_fails_its_batch_as_ever(path):
    told = Told()
    writer = Writer(lambda: open_database(path), told)
    writer.submit(Commit(token=1, writes=(KeepCounters(1, UNWRITABLE, 7, None), AddRecord(record(1, 5))), at_once=True))
    failed = told.wait_for_kind(Failed)
    assert failed.error.kind is FaultKind.OTHER
    writer.resume()
    writer.submit(uplink(2, 1, 6))
    told.wait_for(Committed(token=2))
    writer.close()
    assert seqs(read_database(path)) == {1: [6]}


def test_a_reader_between_pages_never_lets_the_log_grow(path):
    """D-7: somebody reads a page, thinks for an hour, and reads on, while many megabytes go through the log."""
    desk = Desk(lambda: open_database(path, durable=False))
    reader = read_database(path)
    desk.accepts(uplink(0, 1, 0))
    after = records_after(reader, 0, 1).last_id
    log = path.with_name(path.name + "-wal")
    longest = 0
    for token in range(1, 4000):
        desk.accepts(uplink(token, 1 + token % 3, token))
        longest = max(longest, log.stat().st_size)
    assert records_after(reader, after, 5).last_id == after + 5
    assert longest <= 16 << 20
    assert desk.writer.figures.checkpoints >= 2
    reader.close()
    desk.writer.close()


def test_a_reader_that_holds_the_log_does_not_hold_the_writer(path):
    desk = Desk(lambda: open_database(path, durable=False), log_pages=128)
    reader = read_database(path)
    desk.accepts(uplink(0, 1, 0))
    reader.execute("BEGIN")
    fetch(reader, "SELECT count(*) FROM record")
    for token in range(1, 100):
        assert desk.accepts(uplink(token, 1, token))
    held = desk.writer.figures.log_pages
    assert 180 < held < 256  # readers are not waited for yet
    assert 2 <= desk.writer.figures.checkpoints <= 10  # in vain; not with each commit
    reader.execute("ROLLBACK")
    for token in range(100, 130):
        assert desk.accepts(uplink(token, 1, token))
    assert desk.writer.figures.log_pages < held
    reader.close()
    desk.writer.close()
    assert path.with_name(path.name + "-wal").exists() is False
    assert path.stat().st_size % PAGE_SIZE == 0
