"""Backups: made while all goes on, verified, few, and put back on a blank machine so that every node carries on."""

from pathlib import Path

import pytest

from gateway.store import devices, sessions
from gateway.store.backup import Backup, backup_name, due_backup, forget_old, restore, verify
from gateway.store.database import open_database
from gateway.store.faults import FaultKind, StoreError
from gateway.store.opening import Store
from tests.gateway.store.samples import Desk, joined, registration, seqs, uplink
from tests.gateway.store.test_opening import CutError, cut_after

RECORDS = 3000


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Desk:
    store = Store(tmp_path / "one" / "gateway.sqlite", durable=False)
    desk = Desk(store.connect)
    desk.writer.call(lambda db: devices.add_devices(db, [registration(1)])).result()
    assert desk.accepts(joined(1))
    for token in range(RECORDS):
        desk.writer.submit(uplink(token, 1, token))
    return desk


def made(desk: Desk, target: Path) -> int:
    """Make a backup with an uplink between any two steps; how many steps it took."""
    backup = Backup(target, pages=50)
    steps = 1
    while not desk.writer.call(backup.step, alone=True).result():
        assert desk.accepts(uplink(0, 1, RECORDS + steps - 1))
        steps += 1
    return steps


def test_a_backup_is_made_in_steps_while_uplinks_are_written(desk, tmp_path):
    target = tmp_path / "backups" / backup_name("20260101T030000")
    pages = desk.writer.call(lambda db: db.pragma("page_count")).result()
    steps = made(desk, target)
    assert steps >= pages // 50 > 2
    assert verify(target) == RECORDS + steps - 1
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["lampyre-20260101T030000.sqlite"]


def test_a_week_old_backup_on_a_blank_machine_lets_every_node_carry_on(desk, tmp_path):
    target = tmp_path / "week-old.sqlite"
    made(desk, target)
    last = sessions.load_devices(open_database(target))[1].current
    path = tmp_path / "blank" / "gateway.sqlite"
    assert restore(target, path, "now") is None
    store = Store(path, durable=False)
    assert store.notes == []
    kept = sessions.load_devices(store.reader())[1]
    assert kept.current.f_cnt_up == last.f_cnt_up
    assert kept.current.f_cnt_down == last.f_cnt_down + 4096
    assert kept.join_nonce == 20 + 256
    desk = Desk(store.connect)
    assert desk.accepts(uplink(1, 1, last.f_cnt_up + 900))  # the node went on meanwhile
    assert seqs(store.reader())[1] == [*range(last.f_cnt_up + 1), last.f_cnt_up + 900]
    desk.writer.close()
    store.close()


def test_what_was_there_is_set_aside_and_a_running_gateway_keeps_it(desk, tmp_path):
    target = tmp_path / "backup.sqlite"
    made(desk, target)
    path = tmp_path / "two" / "gateway.sqlite"
    running = Store(path)
    with pytest.raises(StoreError, match="in use by process") as fault:
        restore(target, path, "now")
    assert fault.value.kind is FaultKind.IN_USE
    running.close()
    assert restore(target, path, "now") == path.with_name("gateway.sqlite.before-restore-now")
    assert restore(target, path, "now") == path.with_name("gateway.sqlite.before-restore-now-2")
    assert devices.list_devices(open_database(path.with_name("gateway.sqlite.before-restore-now"))) == []
    assert not path.with_name("gateway.sqlite.restoring").exists()


@pytest.mark.parametrize("renames", range(1, 5))
def test_a_cut_while_a_backup_is_put_back_is_finished_at_the_next_start(desk, tmp_path, monkeypatch, renames):
    target = tmp_path / "backup.sqlite"
    made(desk, target)
    path = tmp_path / "two" / "gateway.sqlite"
    Store(path).close()
    path.with_name("gateway.sqlite-wal").write_bytes(b"not this file's log")
    with monkeypatch.context() as patched:
        cut_after(patched, renames)
        if renames < 4:
            with pytest.raises(CutError):
                restore(target, path, "now")
        else:
            restore(target, path, "now")
    store = Store(path, durable=False)
    kept = sessions.load_devices(store.reader())
    assert set(kept) == (set() if renames == 1 else {1})  # the old one, or the backup, and never a mixture
    assert all(device.join_nonce == 20 + 256 for device in kept.values())
    store.close()
    assert not list(path.parent.glob("*.re*"))


@pytest.mark.parametrize("damage", ["cut", "not a database", "bits"])
def test_a_damaged_backup_is_refused_and_nothing_changes(desk, tmp_path, damage):
    target = tmp_path / "backup.sqlite"
    made(desk, target)
    content = bytearray(target.read_bytes())
    if damage == "cut":
        del content[len(content) // 3 :]
    elif damage == "bits":
        content[9000:12000] = bytes(3000)
    else:
        content[:100] = b"?" * 100
    target.write_bytes(content)
    path = tmp_path / "two" / "gateway.sqlite"
    with pytest.raises(StoreError) as fault:
        restore(target, path, "now")
    assert fault.value.kind in (FaultKind.CORRUPT, FaultKind.NOT_A_DATABASE)
    assert not path.exists()


def test_a_backup_never_replaces_a_file_and_a_cancelled_one_leaves_none(desk, tmp_path):
    target = tmp_path / "backup.sqlite"
    backup = Backup(target)
    assert desk.writer.call(backup.step, alone=True).result() in (True, False)
    backup.cancel()
    assert not list(tmp_path.glob("*.part"))
    target.write_bytes(b"mine")
    with pytest.raises(StoreError, match="a backup never replaces a file"):
        Backup(target)


def test_one_backup_a_day_is_due_once_the_time_is_known(tmp_path):
    noon_ms = 1_767_268_800_000
    first = due_backup(tmp_path, noon_ms)
    assert first == tmp_path / "lampyre-20260101T120000.sqlite"
    first.write_bytes(b"")
    assert due_backup(tmp_path, noon_ms + 86_399_000) is None
    assert due_backup(tmp_path, noon_ms + 86_400_000) == tmp_path / "lampyre-20260102T120000.sqlite"
    (tmp_path / backup_name("20990101T000000")).write_bytes(
        b""
    )  # made under a wrong clock: it must not stop the others
    assert due_backup(tmp_path, noon_ms + 5000) == tmp_path / "lampyre-20260101T120005.sqlite"


def test_a_backup_to_nowhere_says_so(desk, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"Not a directory|File exists") as fault:
        desk.writer.call(Backup(tmp_path / "file" / "backup.sqlite").step, alone=True).result()
    assert fault.value.kind is FaultKind.IO


def test_a_backup_whose_connection_was_opened_again_begins_anew(desk, tmp_path):
    backup = Backup(tmp_path / "backup.sqlite", pages=50)
    first = desk.writer.call(lambda database: database).result()
    assert not desk.writer.call(backup.step, alone=True).result()
    first.close(True)
    with pytest.raises(StoreError, match=r"backup\.sqlite"):
        backup.step(first)
    assert not list(tmp_path.glob("*.part"))


def test_old_backups_go_and_other_files_stay(tmp_path):
    names = [backup_name(f"2026010{day}T030000") for day in range(1, 10)]
    for name in (*names, "mine.sqlite"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in forget_old(tmp_path)] == names[:2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names[2:], "mine.sqlite"]
    assert forget_old(tmp_path) == []
