"""A file that is damaged while the gateway runs: the process ends and says why, and the next one goes on with the rest.

Seen from outside: a process, its exit status and its log, a real broker, and noise written into the file.
"""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import apsw

from gateway.store.database import PAGE_SIZE
from tests.fakes.broker import Mosquitto
from tests.system.street import Street
from tests.system.test_day import Subscriber
from tests.system.test_kill import Cabinet, Town, stored

ENOUGH = 200  # readings


class Watched(Cabinet):
    """A cabinet of which each end is waited for, but not for ever."""

    def talk_until(self, done: Callable[[], bool]) -> None:
        """Let the talkers talk until *done*."""
        self._talk(done, 60)
        assert done()

    def ended(self, pid: int) -> int:
        """The exit status of a process that ends by itself."""
        self.talk_until(lambda: _is_zombie(pid))
        return os.waitstatus_to_exitcode(self.reap(pid))

    def stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        assert self.ended(pid) == 0


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"


def damage(path: Path, dice: random.Random) -> None:
    """Make noise of a page that holds readings, in the file as it is on the disk."""
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    contents = [content for (content,) in database.execute("SELECT content FROM record WHERE kind = 1")]
    database.close()
    page = path.read_bytes().index(contents[len(contents) // 2]) // PAGE_SIZE
    with path.open("r+b") as file:
        file.seek(page * PAGE_SIZE)
        file.write(b"\xff" + dice.randbytes(PAGE_SIZE - 1))


def test_a_file_that_becomes_damaged_ends_the_process_and_the_next_start_goes_on(tmp_path):
    path = tmp_path / "store" / "gateway.sqlite"
    broker = Mosquitto(tmp_path)  # away for now, so that records wait for it
    street = Street(tmp_path, broker.port, 1)
    cabinet = Watched(street, random.Random("damage"))
    try:
        street.register([talker.registration() for talker in cabinet.talkers])
        cabinet.open_logs()
        pid = cabinet.start()
        cabinet.talk_until(lambda: len(set(stored(path))) > ENOUGH)
        cabinet.stop(pid)
        before = set(stored(path))
        pid = cabinet.start()
        damage(path, random.Random("damage"))
        broker.start()
        assert cabinet.ended(pid) == 1
        log = (tmp_path / "gateway.log").read_text(encoding="utf-8")
        [why] = [line for line in log.splitlines() if "the gateway ends: " in line]
        assert f"{path}: its content is damaged; at the next start it is set aside and what can be read is saved" in why
        subscriber = Subscriber(broker.port)
        town = Town(subscriber)
        pid = cabinet.start()
        assert list(path.parent.glob("gateway.sqlite.corrupt-*"))
        saved = set(stored(path))
        assert 0 < len(before - saved) < len(before) / 2
        euis = {number: talker.dev_eui.hex() for number, talker in enumerate(cabinet.talkers, 1)}
        newest = max(talker.taken for talker in cabinet.talkers)
        cabinet.talk_until(lambda: town.has({(euis[device], seq) for device, seq in saved}))
        # What was said since: from each node once its status has told that its log is the same.
        cabinet.talk_until(lambda: town.has(set()) and any(seq > newest for _, seq in town.readings))
        cabinet.stop(pid)
        [notice] = [said for said in subscriber.of("notice") if said["notice"]["notice"] == "store_rebuilt"]
        assert "was set aside as gateway.sqlite.corrupt-" in notice["notice"]["detail"]
        subscriber.close()
    finally:
        cabinet.close()
        broker.kill()
