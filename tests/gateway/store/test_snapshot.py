"""The registry snapshot: written whole, believed only with its checksum, and restored with counters raised."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from gateway.places.place import Installed, Place, PlaceKind
from gateway.readings.node_log import NodeLog
from gateway.store import cursors, devices, groups, orders, places, sessions
from gateway.store.counters import write_counters
from gateway.store.database import open_database
from gateway.store.faults import FaultKind, StoreError
from gateway.store.records import RecordWriter
from gateway.store.snapshot import read_snapshot, restore_snapshot, take_snapshot, write_snapshot
from gateway.store.writes import KeepCounters, KeepSession, StartSession
from tests.gateway.store.samples import LOG, NOON_MS, dev_eui, group, new_database, record, session

BAY = Place(place_id="92002-bay-a1", kind=PlaceKind.BAY, latitude_deg=48.75, longitude_deg=2.25)


@pytest.fixture(name="database")
def _database() -> apsw.Connection:
    database = new_database(devices=2)
    sessions.write_session(database, KeepSession(session(1)))
    sessions.write_session(database, StartSession(1, 0))
    write_counters(database, [KeepCounters(1, 41, 128, LOG)])
    groups.add_group(database, group(1))
    places.set_places(database, [BAY])
    places.install(database, Installed(place_id=BAY.place_id, dev_eui=dev_eui(1), instance=0, from_ms=NOON_MS))
    return database


def restored(path: Path) -> apsw.Connection:
    database = open_database(":memory:")
    snapshot = read_snapshot(path)
    assert snapshot is not None
    restore_snapshot(database, snapshot)
    return database


def test_all_that_nodes_need_comes_back_and_counters_are_raised(database, tmp_path):
    path = tmp_path / "registry.snapshot"
    orders.raise_order_ids(database, 17)
    write_snapshot(path, take_snapshot(database, NOON_MS))
    again = restored(path)
    assert devices.list_devices(again) == devices.list_devices(database)
    assert places.list_installed(again) == places.list_installed(database)
    assert places.list_places(again) == [BAY]
    assert groups.load_groups(again) == [replace(groups.load_groups(database)[0], f_cnt_down=64 + 4096)]
    kept = sessions.load_devices(again)[1]
    assert kept.current == session(1, f_cnt_up=41, f_cnt_down=128 + 4096)
    assert (kept.join_nonce, kept.number, kept.dev_nonce) == (20 + 256, 256, 10)
    assert NodeLog.from_text(kept.log) == replace(NodeLog.from_text(LOG), sure=False)  # its node must tell first
    assert orders.next_order_id(again) == 18 + 4096


def test_it_tells_how_much_had_not_left(database, tmp_path):
    path = tmp_path / "registry.snapshot"
    RecordWriter().append(database, [record(seq=seq) for seq in range(5)])
    for delivered_id, backlog in ((None, 5), (3, 2), (5, 0), (9, 0)):
        if delivered_id is not None:
            cursors.keep_cursor(database, cursors.Cursor(publisher="json", delivered_id=delivered_id, state=""))
        write_snapshot(path, take_snapshot(database, None))
        assert read_snapshot(path).backlog == backlog
    write_snapshot(path, replace(read_snapshot(path), backlog=7))
    assert read_snapshot(path).backlog == 7


def test_the_file_shows_no_key_in_its_repr_and_is_for_its_owner(database, tmp_path):
    path = tmp_path / "registry.snapshot"
    snapshot = take_snapshot(database, None)
    write_snapshot(path, snapshot)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "\\x00" not in repr(snapshot)
    assert not path.with_name("registry.snapshot.part").exists()


def test_a_damaged_snapshot_is_not_believed_and_the_one_before_is(database, tmp_path):
    path = tmp_path / "registry.snapshot"
    assert read_snapshot(path) is None
    write_snapshot(path, take_snapshot(database, NOON_MS))
    write_snapshot(path, take_snapshot(database, NOON_MS + 1))
    assert read_snapshot(path).made_ms == NOON_MS + 1
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 97):
        damaged = content.copy()
        damaged[at] ^= 1
        path.write_bytes(damaged)
        assert read_snapshot(path).made_ms == NOON_MS
    path.with_name("registry.snapshot.previous").write_bytes(b"")
    assert read_snapshot(path) is None


def test_a_snapshot_of_a_newer_program_is_refused(database):
    newer = replace(take_snapshot(database, None), schema=99)
    with pytest.raises(StoreError, match="the registry snapshot has schema 99") as fault:
        restore_snapshot(open_database(":memory:"), newer)
    assert fault.value.kind is FaultKind.NEWER
