"""A disk that is full of other things: the space kept back lets deletes through, and all goes on."""

import apsw
import pytest

from gateway.store.caretaker import Bounds, Caretaker
from gateway.store.database import open_database
from gateway.store.retention import Reserve, Retention, Step
from tests.gateway.store.faulty import FaultyDisk
from tests.gateway.store.samples import Desk, new_database, seqs, uplink

RESERVE_BYTES = 1 << 18


class SmallDisk(FaultyDisk):
    """Holds *limit* bytes in one folder, whoever's they are; what would go beyond is refused as full."""

    error = apsw.FullError

    def __init__(self, folder, limit: int) -> None:
        super().__init__()
        self._folder = folder
        self._limit = limit

    def operation(self, grows: int = 0) -> None:
        if grows > 0 and sum(path.stat().st_size for path in self._folder.iterdir()) + grows > self._limit:
            raise apsw.FullError("no space left on this disk")


@pytest.fixture(name="path")
def _path(tmp_path):
    path = tmp_path / "gateway.sqlite"
    new_database(path, 1).close()
    return path


def test_deletes_find_room_on_a_full_disk(path):
    disk = SmallDisk(path.parent, limit=1 << 20)
    reserve = Reserve(path.with_name("reserve"), RESERVE_BYTES)
    retention = Retention()
    desk = Desk(lambda: open_database(path, vfs=disk.name), log_pages=64)

    def tend(keep_bytes: int):
        caretaker = Caretaker(Bounds(max_bytes=1 << 40, keep_bytes=keep_bytes), retention, reserve)
        return desk.writer.call(lambda database: caretaker.tend(database, None), alone=True).result()

    assert not tend(0).more
    assert reserve.held
    f_cnt = 0
    while desk.accepts(uplink(f_cnt, 1, f_cnt)):
        f_cnt += 1
    assert not desk.accepts(uplink(f_cnt, 1, f_cnt))
    sliced = tend(1 << 60)  # as the disk would say
    assert sliced.step is Step.UNDELIVERED_READINGS
    assert sliced.deleted > 0
    assert not reserve.held
    assert desk.accepts(uplink(f_cnt, 1, f_cnt))
    assert not tend(0).more
    assert reserve.held
    desk.writer.close()
    assert seqs(open_database(path))[1] == list(range(retention.deleted[Step.UNDELIVERED_READINGS], f_cnt + 1))
