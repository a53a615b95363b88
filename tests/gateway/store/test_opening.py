"""Opening: permissions, one process, newer files, and damaged ones, which are set aside and salvaged."""

import os
import random
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from gateway.store import devices, groups, sessions
from gateway.store.database import open_database, read_database
from gateway.store.faults import FaultKind, StoreError
from gateway.store.migrate import migrate, migrations, version_of
from gateway.store.opening import Store
from gateway.store.records import records_after
from gateway.store.rows import fetch
from gateway.store.snapshot import take_snapshot, write_snapshot
from tests.gateway.store.samples import Desk, dev_eui, group, joined, new_database, record, registration, seqs, uplink

RECORDS = 300
NEWEST = migrations()[-1][0]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_keys_are_for_the_owner_only_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        store = Store(tmp_path / "state" / "gateway.sqlite")
        desk = Desk(store.connect)
        assert desk.writer.call(lambda database: devices.add_devices(database, [registration(1)])).result()
        assert mode(tmp_path / "state") == 0o700
        assert {path.name: mode(path) for path in (tmp_path / "state").iterdir()} == {
            "gateway.sqlite": 0o600,
            "gateway.sqlite-wal": 0o600,
            "gateway.sqlite-shm": 0o600,
            "gateway.sqlite.lock": 0o600,
        }
        write_snapshot(store.layout.snapshot, take_snapshot(store.reader(), None))
        assert mode(store.layout.snapshot) == 0o600
    finally:
        os.umask(before)


def test_the_file_is_durable_small_and_not_mapped(tmp_path):
    database = open_database(tmp_path / "gateway.sqlite")
    migrate(database)
    read = {name: database.pragma(name) for name in ("page_size", "auto_vacuum", "journal_mode", "synchronous")}
    assert read == {"page_size": 1024, "auto_vacuum": 2, "journal_mode": "wal", "synchronous": 2}
    assert (database.pragma("mmap_size"), database.pragma("wal_autocheckpoint")) == (0, 0)
    virtual = open_database(tmp_path / "virtual.sqlite", durable=False)
    assert virtual.pragma("synchronous") == 0


def test_a_second_process_is_told_who_has_it(tmp_path):
    path = tmp_path / "gateway.sqlite"
    code = (
        "import sys; from pathlib import Path; from gateway.store.opening import Store;"
        f" store = Store(Path({str(path)!r})); print('open', flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parents[3]
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=rf"in use by process {other.pid}, .*systemctl stop") as fault:
            Store(path)
        assert fault.value.kind is FaultKind.IN_USE
        other.kill()
    Store(path).close()  # the lock ends with its process, whatever way that ended
    again = Store(path)
    again.close()


def test_an_older_program_refuses_a_newer_file_and_leaves_it(tmp_path):
    path = tmp_path / "gateway.sqlite"
    database = new_database(path)
    database.pragma("user_version", 99)
    database.close()
    before = path.read_bytes()
    with pytest.raises(
        StoreError, match=rf"written by a newer Lampyre \(schema 99, this program knows {NEWEST}\)"
    ) as fault:
        Store(path)
    assert fault.value.kind is FaultKind.NEWER
    assert path.read_bytes() == before


def test_a_file_is_copied_before_it_is_migrated_and_three_copies_stay(tmp_path):
    path = tmp_path / "gateway.sqlite"
    new_database(path).close()
    steps = migrations()
    for number in range(NEWEST + 1, NEWEST + 6):
        steps = [*steps, (number, f"CREATE TABLE t{number} (x INTEGER) STRICT")]
        database = open_database(path)
        assert migrate(database, steps) == 1
        database.close()
    copies = sorted(tmp_path.glob("*.before-*"))
    assert [copy.name for copy in copies] == [f"gateway.sqlite.before-{NEWEST + more:04d}" for more in (3, 4, 5)]
    assert [mode(copy) for copy in copies] == [0o600] * 3
    old = apsw.Connection(str(copies[0]))
    assert version_of(old) == NEWEST + 2
    assert len(devices.list_devices(old)) == 3


def test_a_step_that_fails_leaves_the_file_as_before_it(tmp_path):
    database = new_database(tmp_path / "gateway.sqlite")
    steps = [*migrations(), (NEWEST + 1, "CREATE TABLE good (x INTEGER) STRICT; CREATE TABLE device (x)")]
    with pytest.raises(apsw.SQLError, match="already exists"):
        migrate(database, steps)
    assert version_of(database) == NEWEST
    assert fetch(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'good'") == [(0,)]


def test_reading_makes_no_file_and_cannot_write(tmp_path):
    with pytest.raises(apsw.CantOpenError):
        read_database(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    new_database(tmp_path / "gateway.sqlite").close()
    with pytest.raises(apsw.ReadOnlyError):
        read_database(tmp_path / "gateway.sqlite").execute("DELETE FROM device")


# Damage


def lived(path: Path) -> bytes:
    """A store with a life behind it, its snapshot beside it; what the file holds."""
    store = Store(path, durable=False)
    desk = Desk(store.connect)
    desk.writer.call(lambda db: devices.add_devices(db, [registration(number) for number in (1, 2, 3)])).result()
    desk.writer.call(lambda db: groups.add_group(db, group(1))).result()
    for device in (1, 2, 3):
        assert desk.accepts(joined(device))
    for token in range(RECORDS):
        desk.writer.submit(uplink(token, 1 + token % 3, token))
    write_snapshot(store.layout.snapshot, desk.writer.call(lambda db: take_snapshot(db, None)).result())
    desk.writer.close()
    store.close()
    return path.read_bytes()


def expected(device: int) -> list[int]:
    return list(range(device - 1, RECORDS, 3))


def assert_nodes_carry_on(path: Path) -> None:
    database = read_database(path)
    kept = sessions.load_devices(database)
    for device in (1, 2, 3):
        last = expected(device)[-1]
        assert devices.get_device(database, dev_eui(device)) == registration(device)
        assert kept[device].current.f_cnt_up == last
        assert kept[device].current.f_cnt_down == last + 64 + 4096
        assert kept[device].join_nonce == 20 + 256
    assert groups.load_groups(database)[0].f_cnt_down == 64 + 4096
    database.close()


@pytest.mark.parametrize("damage", ["header", "noise", "cut", "empty"])
def test_a_damaged_file_is_set_aside_and_every_node_carries_on(tmp_path, damage):
    path = tmp_path / "gateway.sqlite"
    content = bytearray(lived(path))
    if damage == "header":
        content[:16] = bytes(16)
    elif damage == "noise":
        content[1024:] = random.Random(1).randbytes(len(content) - 1024)
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        content = bytearray()
    path.write_bytes(content)
    store = Store(path, durable=False, stamp="now")
    [note] = store.notes
    assert "devices and keys are from: snapshot" in note
    if damage != "empty":
        assert path.with_name("gateway.sqlite.corrupt-now").read_bytes() == content
        assert "set aside as gateway.sqlite.corrupt-now" in note
    assert_nodes_carry_on(path)
    database = store.reader()
    found = seqs(database)
    assert all(set(found[device]) <= set(expected(device)) for device in found)
    if damage == "header":  # the rows themselves are whole: none is lost
        assert found == {device: expected(device) for device in (1, 2, 3)}
    database.close()
    desk = Desk(store.connect)
    assert desk.accepts(uplink(1, 1, RECORDS))
    desk.writer.close()
    store.close()
    assert Store(path).notes == []


def test_a_damaged_page_costs_its_own_rows_only(tmp_path):
    path = tmp_path / "gateway.sqlite"
    content = bytearray(lived(path))
    database = read_database(path)
    [(root,)] = fetch(database, "SELECT rootpage FROM sqlite_schema WHERE name = 'record'")
    database.close()
    content[(root - 1) * 1024 : root * 1024] = bytes(1024)  # the root: nothing can be reached through the tree
    path.write_bytes(content)
    store = Store(path, durable=False, stamp="now")
    assert "devices and keys are from: file" in store.notes[0]
    assert f"{RECORDS} records were saved" in store.notes[0]
    assert_nodes_carry_on(path)
    store.close()


def test_a_flipped_bit_in_a_key_sets_the_file_aside(tmp_path):
    path = tmp_path / "gateway.sqlite"
    content = bytearray(lived(path))
    at = content.index(registration(2).app_key)
    content[at] ^= 0x10
    path.write_bytes(content)
    store = Store(path, durable=False, stamp="now")
    assert "the row of device 2 does not match its checksum" in store.notes[0]
    assert_nodes_carry_on(path)
    store.close()


def test_a_cut_while_the_new_file_is_put_in_place_is_finished_at_the_next_start(tmp_path):
    path = tmp_path / "gateway.sqlite"
    lived(path)
    path.rename(path.with_name("gateway.sqlite.rebuilt"))
    store = Store(path)
    assert store.notes == []
    assert seqs(store.reader())[1] == expected(1)
    store.close()


def test_what_only_the_log_holds_is_salvaged_too(tmp_path):
    path = tmp_path / "gateway.sqlite"
    lived(path)
    store = Store(path)
    desk = Desk(store.connect)
    for f_cnt in range(RECORDS, RECORDS + 50):
        assert desk.accepts(uplink(f_cnt, 1, f_cnt))
    copy = tmp_path / "cut" / "gateway.sqlite"
    copy.parent.mkdir()
    for name in ("gateway.sqlite", "gateway.sqlite-wal", "registry.snapshot"):
        copy.with_name(name).write_bytes(path.with_name(name).read_bytes())
    desk.writer.close()
    with copy.open("r+b") as file:
        file.write(bytes(100))
    log = copy.with_name("gateway.sqlite-wal")
    content = log.read_bytes()
    log.write_bytes(bytes(24) + content[24:])  # the log's own header, too: SQLite reads nothing of it
    saved = Store(copy, durable=False, stamp="now")
    assert "devices and keys are from: snapshot" in saved.notes[0]
    assert seqs(saved.reader())[1] == [*expected(1), *range(RECORDS, RECORDS + 50)]


def test_a_folder_that_cannot_be_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"file: cannot be made: File exists; name another folder"):
        Store(tmp_path / "file" / "gateway.sqlite")


class CutError(Exception):
    """The power goes."""


def cut_after(monkeypatch, renames: int) -> None:
    """Let so many renames happen and none after."""
    done = []
    real = Path.replace

    def replace(self, target):
        if len(done) == renames:
            raise CutError
        done.append(self)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("renames", range(4))
def test_a_cut_at_any_rename_of_a_salvage_is_finished_at_the_next_start(tmp_path, monkeypatch, renames):
    path = tmp_path / "gateway.sqlite"
    content = bytearray(lived(path))
    log = path.with_name("gateway.sqlite-wal")
    database = open_database(path)
    Desk(lambda: database).accepts(uplink(1, 1, RECORDS))
    stale = log.read_bytes()
    database.close()
    content[:16] = bytes(16)
    path.write_bytes(content)
    log.write_bytes(stale)
    with monkeypatch.context() as patched:
        cut_after(patched, renames)
        with pytest.raises(CutError):
            Store(path, stamp="now")
    store = Store(path, stamp="later")
    database = store.reader()
    assert {device: set(expected(device)) - set(found) for device, found in seqs(database).items()} == {
        1: set(),
        2: set(),
        3: set(),
    }
    assert sessions.load_devices(database)[2].current.f_cnt_down >= expected(2)[-1] + 64 + 4096
    database.close()
    store.close()
    assert not list(tmp_path.glob("*.rebuil*"))


def test_without_file_and_snapshot_a_new_store_is_made(tmp_path):
    path = tmp_path / "gateway.sqlite"
    store = Store(path)
    assert store.notes == []
    assert devices.list_devices(store.reader()) == []
    store.close()


def test_no_flipped_bit_ever_delivers_a_wrong_row(tmp_path):
    """D-4: a thousand single bits, each in its own copy; what is read is what was written, or an error, or not read."""
    path = tmp_path / "gateway.sqlite"
    database = new_database(path, 1)
    desk = Desk(lambda: database)
    written = {}
    for seq in range(240):
        kept = record(1, seq, content=b'{"259":%d}' % seq)
        written[seq + 1] = kept
        desk.writer.call(lambda db, kept=kept: append(db, kept)).result()
    desk.writer.close()
    content = path.read_bytes()
    seed = 20260101
    dice = random.Random(seed)
    outcomes = {"same": 0, "left out": 0, "error": 0}
    for trial in range(1000):
        flipped = bytearray(content)
        bit = dice.randrange(len(content) * 8)
        flipped[bit // 8] ^= 1 << bit % 8
        copy = tmp_path / "flipped.sqlite"
        copy.write_bytes(flipped)
        outcomes[read_all(copy, written, f"seed {seed}, trial {trial}, bit {bit}")] += 1
    assert outcomes["left out"] > 100
    assert outcomes["error"] > 20


def test_no_bit_of_a_row_makes_it_another_or_stops_the_reader(tmp_path):
    """Every single bit of a row: its neighbours are delivered whatever it is, itself as it was or not at all."""
    path = tmp_path / "gateway.sqlite"
    database = new_database(path, 0)
    written = {seq + 1: record(1, seq, content=bytes([0x80 + seq]) * 30) for seq in range(3)}
    with database:
        for kept in written.values():
            append(database, kept)
    database.close()
    content = path.read_bytes()
    end = content.index(written[2].content) + 30
    outcomes = {"same": 0, "left out": 0, "error": 0}
    for bit in range((end - 70) * 8, (end + 4) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        outcomes[read_all(path, written, f"bit {bit}")] += 1
    assert outcomes["left out"] > 400


def test_a_name_that_is_no_text_any_more_sets_the_file_aside(tmp_path):
    path = tmp_path / "gateway.sqlite"
    content = lived(path)
    path.write_bytes(content.replace(b"air-2", b"air-\xb2"))
    store = Store(path, durable=False, stamp="now")
    assert "is not UTF-8" in store.notes[0]
    assert_nodes_carry_on(path)
    store.close()


def append(database: apsw.Connection, kept) -> None:
    from gateway.store.records import RecordWriter

    RecordWriter().append(database, [kept])


def read_all(path: Path, written: dict, trial: str) -> str:
    try:
        database = read_database(path)
    except apsw.Error:
        return "error"
    seen = 0
    try:
        after = 0
        while True:
            page = records_after(database, after, 50)
            for row_id, kept in page.records:
                assert written[row_id] == kept, trial
            seen += len(page.records)
            if not page.more:
                break
            after = page.last_id
    except apsw.Error:
        return "error"
    finally:
        database.close()
    return "same" if seen == len(written) else "left out"
