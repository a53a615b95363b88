"""Every board on the hub at once: none waits for another, and no byte of one gets to another."""

import _thread
import itertools
import signal
import threading

import pytest

from boards.causes import BoardError, Cause
from boards.enrolment.registry import Registry
from boards.flashing.commissioning import Flashing
from boards.flashing.hub import each
from boards.flashing.plan import Step, Wish
from protocol.settings import Settings
from tests.boards.bench import Bench, BenchClock
from tests.boards.desk import IMAGE, BenchLoader, Desk, Watching

BOARDS = 8
BAUD = 460_800
PATIENCE_S = 240.0
WISH = Wish(board="heltec-v3", role="parking")


class Abreast(Watching):
    """Each step begins when all boards have come to it, and goes on when all are in the midst of it.

    What made one wait for another would stand here for ever.
    """

    def __init__(self, device, together):
        super().__init__()
        self.carried = {}
        self.met = 0  # times in the midst of a step
        self._device = device
        self._together = together
        self._midst = False

    def begins(self, errand):
        super().begins(errand)
        self.carried[errand.step] = self._device.carried
        self._midst = False
        self._together.wait(PATIENCE_S)

    def passes(self, done, total):
        if not self._midst:
            self._midst = True
            self.met += 1
            self._together.wait(PATIENCE_S)


def test_a_technician_who_presses_ctrl_c_does_not_wait_for_the_boards():
    begun, never = threading.Event(), threading.Event()

    def stands(_port):
        begun.set()
        never.wait(PATIENCE_S)

    def presses():
        assert begun.wait(PATIENCE_S)
        _thread.interrupt_main()

    as_started = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    presser = threading.Thread(target=presses)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            each(["COM3", "COM4"], stands)
        assert not never.is_set()
    finally:
        never.set()
        presser.join(PATIENCE_S)
        signal.signal(signal.SIGINT, as_started)


def test_what_no_board_can_cause_is_raised_when_the_others_are_through():
    done = []

    def one(port):
        if port == "COM3":
            raise ZeroDivisionError
        done.append(port)

    with pytest.raises(ZeroDivisionError):
        each(["COM3", "COM4"], one)
    assert done == ["COM4"]


@pytest.fixture(name="hub", scope="module")
def _hub(code):
    with Bench(BOARDS, hurry=0.4 / BOARDS) as bench:
        bench.hub(code, IMAGE, BOARDS)
        yield bench


def step_bytes(watch, device):
    """How many bytes went along the cable in each step."""
    marks = [*(watch.carried[step] for step in Step), device.carried]
    return [after - before for before, after in itertools.pairwise(marks)]


def test_all_boards_of_a_hub_take_hardly_longer_than_one(hub, code, tmp_path):
    desk = Desk(tmp_path, code, WISH)
    together = threading.Barrier(BOARDS)
    devices = {device.path: device for device in hub.devices}
    watches = {path: Abreast(device, together) for path, device in devices.items()}

    def one(path):
        device = devices[path]
        return Flashing(path, desk.order(), code, BenchLoader(device), watches[path], BenchClock(hub, BOARDS / 4)).run()

    results = each(list(devices), one)
    assert [result for result in results if isinstance(result, BoardError)] == []
    assert [watch.met for watch in watches.values()] == [3] * BOARDS  # image, files, test
    # Time at 460,800 baud, of which a step takes what its slowest board takes: all of them are in it at once.
    lines = [step_bytes(watches[path], devices[path]) for path in devices]
    together_s = sum(max(line[number] for line in lines) for number in range(len(Step))) * 10 / BAUD
    alone_s = min(sum(line) for line in lines) * 10 / BAUD
    assert together_s <= 2 * alone_s
    rows = {row["dev_eui"]: row for row in desk.registry.rows()}
    assert len(rows) == BOARDS
    for result, device in zip(results, hub.devices, strict=True):
        row = rows[result.dev_eui.hex()]
        kept = device.board.nvs.read
        assert result.mac == device.mac.hex()
        assert Settings.decode(kept("lampyre", "settings")).dev_eui == result.dev_eui
        assert kept("lampyre", "app_key").hex() == row["app_key"]
        others = [other for other in rows.values() if other is not row]
        heard = bytes(device.heard)
        assert row["app_key"].encode() in heard
        assert not any(other[name].encode() in heard for other in others for name in ("dev_eui", "app_key"))
        assert device.board.brought_down == []


def test_a_list_of_keys_is_given_out_once_each(hub, code, tmp_path):
    """One row less than boards: that one board says so, and the others are done."""
    first = Desk(tmp_path, code, WISH)
    listed = tmp_path / "list.csv"
    rows = [
        f"02000000000000{number:02x},{number + 1:032x},{number + 500:032x},bay-{number}" for number in range(BOARDS - 1)
    ]
    listed.write_text("dev_eui,app_key,gen_app_key,name\n" + "\n".join(rows) + "\n")
    devices = {device.path: device for device in hub.devices}
    for device in hub.devices:
        device.pull()
        device.board.nvs.kept.clear()
        device.plug()
    devices = {device.path: device for device in hub.devices}

    def one(path):
        order = first.order(keys_from=listed)
        return Flashing(path, order, code, BenchLoader(devices[path]), Watching(), BenchClock(hub, BOARDS / 4)).run()

    results = each(list(devices), one)
    [left_out] = [result.cause for result in results if isinstance(result, BoardError)]
    assert left_out is Cause.KEYS_USED_UP
    names = sorted(result.name for result in results if not isinstance(result, BoardError))
    assert names == sorted(f"bay-{number}" for number in range(BOARDS - 1))
    assert sorted(row["name"] for row in Registry(tmp_path / "devices.csv").rows()) == names
