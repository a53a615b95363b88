"""The store: repeats fold, an uplink is written whole or not at all, and a file opened again holds what it held."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from gateway.network.events import Commit
from gateway.store.database import open_database, read_database
from gateway.store.records import RecordStore
from tests.gateway.readings.test_record import RECORD

DEV_EUI = RECORD.dev_eui


def commit_of(*seqs: int, f_cnt_up: int = 0, epoch: int = 0xBEEF, dev_eui: bytes = DEV_EUI) -> Commit:
    """An uplink with the records *seqs*, newest first as they come."""
    records = tuple(replace(RECORD, seq=seq, epoch=epoch, dev_eui=dev_eui) for seq in seqs)
    return Commit(token=1, dev_eui=dev_eui, f_cnt_up=f_cnt_up, epoch=epoch, records=records)


@pytest.fixture(name="database")
def _database(tmp_path: Path) -> apsw.Connection:
    return open_database(tmp_path / "gateway.sqlite")


def seqs(store: RecordStore, after: int = 0) -> list[int]:
    return [message["seq"] for _, message in store.messages(after)]


def counters(database: apsw.Connection) -> list[tuple[bytes, int, int]]:
    return list(database.execute("SELECT dev_eui, f_cnt_up, epoch FROM counter ORDER BY dev_eui"))


def test_what_comes_out_is_the_published_form(database):
    store = RecordStore(database)
    assert store.commit(commit_of(RECORD.seq)) == 1
    assert list(store.messages()) == [(1, RECORD.to_message())]


def test_the_records_of_an_uplink_are_kept_oldest_first(database):
    store = RecordStore(database)
    assert store.commit(commit_of(12, 11, 9)) == 3
    assert seqs(store) == [9, 11, 12]


def test_repeats_fold_into_the_first(database):
    store = RecordStore(database)
    assert store.commit(commit_of(2, 1, 0)) == 3
    assert store.commit(commit_of(3, 2, 1, f_cnt_up=1)) == 1
    assert store.commit(commit_of(3, 2, 1, f_cnt_up=2)) == 0
    assert seqs(store) == [0, 1, 2, 3]
    first = replace(RECORD, seq=3).to_message()
    later = Commit(token=2, dev_eui=DEV_EUI, f_cnt_up=3, epoch=0xBEEF, records=(replace(RECORD, seq=3, received_ms=0),))
    store.commit(later)
    assert [message for _, message in store.messages(3)] == [first]


def test_the_same_number_of_another_epoch_or_device_is_another_record(database):
    store = RecordStore(database)
    news = [
        store.commit(commit_of(5)),
        store.commit(commit_of(5, epoch=1)),
        store.commit(commit_of(5, dev_eui=bytes(8))),
    ]
    assert news == [1, 1, 1]


def test_a_cursor_leaves_out_what_was_seen(database):
    store = RecordStore(database)
    store.commit(commit_of(2, 1, 0))
    ids = [row_id for row_id, _ in store.messages()]
    assert seqs(store, after=ids[0]) == [1, 2]
    assert seqs(store, after=ids[-1]) == []


def test_the_counter_moves_with_the_records(database):
    store = RecordStore(database)
    store.commit(commit_of(0, f_cnt_up=7))
    store.commit(commit_of(1, f_cnt_up=4_294_967_295, epoch=2))
    store.commit(commit_of(1, f_cnt_up=3, dev_eui=bytes(8)))
    assert counters(database) == [(bytes(8), 3, 0xBEEF), (DEV_EUI, 4_294_967_295, 2)]


def test_an_uplink_that_cannot_be_written_whole_leaves_nothing(database):
    store = RecordStore(database)
    store.commit(commit_of(1, 0, f_cnt_up=1))
    database.execute(
        "CREATE TRIGGER full BEFORE INSERT ON record WHEN NEW.seq = 4 BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(apsw.Error, match="full"):
        store.commit(commit_of(4, 3, 2, f_cnt_up=2))
    assert seqs(store) == [0, 1]
    assert counters(database) == [(DEV_EUI, 1, 0xBEEF)]
    database.execute("DROP TRIGGER full")
    assert store.commit(commit_of(4, 3, 2, f_cnt_up=2)) == 3


def test_a_file_opened_again_holds_what_it_held(tmp_path):
    path = tmp_path / "gateway.sqlite"
    first = open_database(path)
    RecordStore(first).commit(commit_of(1, 0, f_cnt_up=9))
    first.close()
    second = open_database(path)
    store = RecordStore(second)
    assert seqs(store) == [0, 1]
    assert counters(second) == [(DEV_EUI, 9, 0xBEEF)]
    assert store.commit(commit_of(2, 1, f_cnt_up=10)) == 1


def test_another_process_sees_what_was_committed_while_the_file_is_open(tmp_path):
    path = tmp_path / "gateway.sqlite"
    store = RecordStore(open_database(path))
    store.commit(commit_of(0))
    assert seqs(RecordStore(read_database(path))) == [0]
    store.commit(commit_of(1))
    assert seqs(RecordStore(read_database(path))) == [0, 1]


def test_reading_a_strange_file_leaves_it_alone(tmp_path):
    path = tmp_path / "strange.sqlite"
    strange = apsw.Connection(str(path))
    strange.execute("CREATE TABLE mine (x)")
    strange.close()
    before = path.read_bytes()
    with pytest.raises(apsw.SQLError, match="no such table: record"):
        list(RecordStore(read_database(path)).messages())
    assert path.read_bytes() == before
