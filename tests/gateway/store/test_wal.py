"""Damage to the log is seen before SQLite takes acknowledged commits for never written."""

import random
from pathlib import Path

import pytest

from gateway.store import sessions
from gateway.store.database import open_database
from gateway.store.devices import add_devices
from gateway.store.opening import Store
from gateway.store.wal import log_fault
from tests.gateway.store.powercut import Disk
from tests.gateway.store.samples import Desk, joined, new_database, registration, seqs, uplink

UPLINKS = 40


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """A database whose last uplinks are in the log only, as after `kill -9`."""
    path = tmp_path / "one" / "gateway.sqlite"
    store = Store(path)
    desk = Desk(store.connect, log_pages=32)
    desk.writer.call(lambda database: add_devices(database, [registration(1)])).result()
    assert desk.accepts(joined(1))
    for f_cnt in range(UPLINKS):
        assert desk.accepts(uplink(f_cnt, 1, f_cnt))
    copy = tmp_path / "gateway.sqlite"
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    desk.writer.close()
    store.close()
    return copy


def frames(path: Path) -> tuple[bytearray, list[int]]:
    """The log, and where the frames of its present run begin."""
    content = bytearray(path.with_name("gateway.sqlite-wal").read_bytes())
    starts = range(32, len(content) - 1047, 1048)
    return content, [at for at in starts if content[at + 8 : at + 16] == content[16:24]]


def test_a_log_as_written_holds(path):
    assert log_fault(path.with_name("gateway.sqlite-wal")) is None
    assert log_fault(path.with_name("nothing")) is None
    store = Store(path)
    assert store.notes == []
    assert seqs(store.reader())[1] == list(range(UPLINKS))


@pytest.mark.parametrize("where", ["header", "first frame", "middle frame"])
def test_a_flipped_bit_in_the_log_loses_no_record_and_uses_no_counter_twice(path, where):
    content, starts = frames(path)
    assert len(starts) > 8
    at = {"header": 12, "first frame": starts[0] + 100, "middle frame": starts[len(starts) // 2] + 1000}[where]
    content[at] ^= 0x04
    path.with_name("gateway.sqlite-wal").write_bytes(content)
    store = Store(path, stamp="now")
    assert "log" in store.notes[0]
    assert path.with_name("gateway.sqlite.corrupt-now-wal").read_bytes() == content
    database = store.reader()
    found = seqs(database)[1]
    assert set(range(UPLINKS)) - set(found) <= {found[-1] + 1}  # at most the row that the bit was in
    assert sessions.load_devices(database)[1].current.f_cnt_down > UPLINKS + 64
    store.close()


def test_a_torn_tail_is_a_power_cut_and_no_damage(path):
    content, starts = frames(path)
    for at in (starts[-1] + 24, starts[-1] + 700):
        torn = content.copy()
        torn[at] ^= 0xFF
        path.with_name("gateway.sqlite-wal").write_bytes(torn)
        assert log_fault(path.with_name("gateway.sqlite-wal")) is None


def test_no_power_cut_is_taken_for_damage(tmp_path):
    path = tmp_path / "gateway.sqlite"
    new_database(path, 1).close()
    disk = Disk(path)
    desk = Desk(lambda: open_database(path, vfs=disk.vfs), log_pages=24)
    for f_cnt in range(30):
        assert desk.accepts(uplink(f_cnt, 1, f_cnt))
    desk.writer.close()
    folder = tmp_path / "image"
    folder.mkdir()
    for ops, image in disk.images(folder, random.Random(4), step=3):
        assert log_fault(image.with_name("gateway.sqlite-wal")) is None, f"after {ops} operations"
