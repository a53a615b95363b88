"""Power cuts at every point: FULL loses nothing that was acknowledged, and the same test shows that NORMAL does."""

import random
import shutil
from pathlib import Path

import apsw
import pytest
from hypothesis import settings

from gateway.store.database import checkpoint, open_database, quick_check
from gateway.store.migrate import migrate, migrations, version_of
from gateway.store.rows import fetch
from tests.gateway.store.powercut import Disk
from tests.gateway.store.samples import Desk, f_cnt_ups, joined, new_database, seqs, uplink

DEVICES = 3
UPLINKS = 60
LIVES = max(1, settings().max_examples // 200)  # one, and a hundred in `make soak`
LOG_PAGES = 24  # a checkpoint every few commits, so that cuts fall into them


def life(path: Path, synchronous: str) -> tuple[Disk, list[int]]:
    """A short life of a store: the disk, and after how many operations each uplink was acknowledged."""
    database = new_database(path, DEVICES)
    checkpoint(database, whole=True)
    database.close()
    disk = Disk(path)

    def connect() -> apsw.Connection:
        database = open_database(path, vfs=disk.vfs)
        database.pragma("synchronous", synchronous)
        return database

    desk = Desk(connect, log_pages=LOG_PAGES)
    for device in range(1, DEVICES + 1):
        assert desk.accepts(joined(device))
    acknowledged = []
    for token in range(UPLINKS):
        assert desk.accepts(uplink(token, 1 + token % DEVICES, token // DEVICES))
        acknowledged.append(len(disk.log))
    assert desk.writer.figures.checkpoints >= 3
    desk.writer.close()
    return disk, acknowledged


def losses(path: Path, acknowledged: int) -> str:
    """What is wrong with a crash image, empty if nothing: the first *acknowledged* uplinks must be there whole."""
    database = apsw.Connection(str(path))
    database.pragma("synchronous", "OFF")  # the image need not survive the test
    try:
        if quick_check(database) is not None:
            return "corrupt"
        found, counters = seqs(database), f_cnt_ups(database)
    except apsw.Error as error:
        return f"{type(error).__name__}: {error}"
    finally:
        database.close()
    for device in range(1, DEVICES + 1):
        kept = found.get(device, [])
        expected = len(range(device - 1, acknowledged, DEVICES))
        if kept != list(range(len(kept))) or len(kept) < expected:
            return f"device {device} has {len(kept)} of {expected} acknowledged records"
        if counters.get(device, -1) != len(kept) - 1:
            return f"device {device} has FCntUp {counters.get(device)} and {len(kept)} records: half an uplink"
    return ""


def cut(tmp_path: Path, synchronous: str, seed: int) -> tuple[int, list[str]]:
    """How many images there were, and what was wrong."""
    disk, acknowledged = life(tmp_path / "gateway.sqlite", synchronous)
    folder = tmp_path / "image"
    folder.mkdir()
    wrong = []
    count = 0
    for ops, image in disk.images(folder, random.Random(seed)):
        count += 1
        done = sum(1 for at in acknowledged if at <= ops)
        found = losses(image, done)
        if found:
            wrong.append(f"after {ops} operations: {found}")
    return count, wrong


@pytest.mark.parametrize("seed", range(LIVES))
def test_full_loses_nothing_acknowledged_at_any_point(tmp_path, seed):
    count, wrong = cut(tmp_path, "FULL", seed)
    assert count > 1000
    assert wrong == []


def test_the_same_test_shows_that_normal_loses(tmp_path):
    count, wrong = cut(tmp_path, "NORMAL", seed=2)
    assert len(wrong) > count // 100
    assert any("acknowledged records" in sentence for sentence in wrong)


def test_a_migration_is_whole_or_not_at_all_wherever_the_power_goes(tmp_path):
    path = tmp_path / "gateway.sqlite"
    new_database(path, DEVICES).close()
    known = migrations()
    newest = len(known)
    steps = [
        *known,
        (
            newest + 1,
            """CREATE TABLE lamp (id INTEGER PRIMARY KEY, hours INTEGER) STRICT;
            ALTER TABLE device ADD COLUMN label TEXT;
            INSERT INTO lamp SELECT device, 0 FROM device;
            UPDATE device SET label = name;""",
        ),
        (newest + 2, "DROP TABLE lamp; CREATE TABLE lantern (id INTEGER PRIMARY KEY) STRICT;"),
    ]
    disk = Disk(path)
    database = open_database(path, vfs=disk.vfs)
    assert migrate(database, steps) == 2
    database.close()
    folder = tmp_path / "image"
    versions = set()
    for ops, image in disk.images(_fresh(folder), random.Random(3)):
        database = open_database(image, durable=False)
        assert quick_check(database) is None, f"after {ops} operations"
        version = version_of(database)
        versions.add(version)
        tables = {name for (name,) in fetch(database, "SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert ("lamp" in tables, "lantern" in tables) == (version == newest + 1, version == newest + 2), (
            f"after {ops} operations"
        )
        assert migrate(database, steps) == newest + 2 - version
        assert [row[0] for row in fetch(database, "SELECT label FROM device")] == ["air-1", "air-2", "air-3"]
        database.close()
        for copy in folder.glob("*.before-*"):
            copy.unlink()
    assert versions == {newest, newest + 1, newest + 2}


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.mark.parametrize("share", [0, 1])
def test_a_cut_before_the_first_commit_leaves_an_empty_store(tmp_path, share):
    path = tmp_path / "gateway.sqlite"
    disk = Disk(path)
    new_database(path, 0, vfs=disk.vfs).close()
    folder = _fresh(tmp_path / "image")
    for ops in range(len(disk.log) + 1):
        database = open_database(disk.image(ops, folder, None, share), durable=False)
        migrate(database)
        assert quick_check(database) is None, f"after {ops} operations"
        assert seqs(database) == {}
        database.close()
