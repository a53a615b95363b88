"""An update over the cable, cut at every write and in its first run: the old slot or the new one, and it says which."""

import os
import random
from binascii import b2a_base64
from hashlib import sha256

import pytest

from firmware.boot import SLOT_B, TRIAL, UNDONE, slot_of
from firmware.version import VERSION
from protocol.manifest import MANIFEST_NAME, Manifest
from simulator.board.board import State
from simulator.board.power import Cut
from simulator.board.process import Host
from tests.board.roles import board_of
from tests.board.street import HOUR_US, MINUTE_US, Town

KEY = bytes(range(16))
SOAK = os.environ.get("LAMPYRE_HYPOTHESIS") == "soak"
SAMPLE = 6  # of about fifty writes; all of them in the soak profile
# A firmware of two files is an update as any other: the slots and the way back do not ask what is in them.
SMALL = {"main.py": b"import sub.answer\n", "sub/answer.py": b"print('new one')\n" + b"#" * 600}
VERSION_NUMBER = VERSION[0] << 16 | VERSION[1] << 8 | VERSION[2]


@pytest.fixture(name="host")
def _host():
    with Host(1) as host:
        yield host


def typed(board, timeline, line, ms=200):
    """Type a line and return what is said to it."""
    board.printed.clear()
    board.type(line.encode() + b"\n")
    timeline.run(timeline.now_us + ms * 1000)
    return board.printed.decode("latin-1")


def manifest_of(files):
    rows = [(name, sha256(files[name]).digest()) for name in sorted(files)]
    return Manifest(VERSION_NUMBER, 0, rows).sign(KEY)


def lines_of(files):
    """What sends an update."""
    yield "update begin"
    for name in [*sorted(files), MANIFEST_NAME]:
        data = manifest_of(files) if name == MANIFEST_NAME else files[name]
        yield f"update file {name}"
        for at in range(0, len(data), 512):
            yield "update put " + b2a_base64(data[at : at + 512]).decode().strip()
    yield "update stage"


def sent(board, timeline, files):
    """Send it and restart, until the power goes; whether it did not."""
    for line in lines_of(files):
        said = typed(board, timeline, line)
        if board.state is State.OFF:
            return False
        assert said.rstrip().endswith("ok"), said
    typed(board, timeline, "restart", 100)
    return board.state is not State.OFF


def running(board):
    """Which slot runs, as the number in NVS has it."""
    return slot_of(board.nvs.read("lampyre", "boot") or 0)


def test_an_update_may_be_cut_at_any_write(host, firmware):
    """Each cut leaves the board to the next as it is: half an update in its spare slot is what the next one meets."""
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    with Town(host) as town:
        board = board_of(town, 0, firmware, planted=False)
        board.nvs.write("lampyre", "update_key", KEY)
        board.switch_on()
        town.run(2_000_000)
        before = board.writes.count
        assert sent(board, town.timeline, SMALL)
        most = board.writes.count - before
        chosen = range(most + 12) if SOAK else [*sorted(dice.sample(range(most), SAMPLE)), most - 1]
        seen = set()
        for place in chosen:
            board.switch_off()
            board.nvs.write("lampyre", "boot", 0)
            board.switch_on()
            town.run(1_500_000)
            how = dice.choice(list(Cut))
            where = f"cut {how.value} write {place} of {most}, seed {seed}"
            board.writes.cut_at(board.writes.count + place, how)
            whole = sent(board, town.timeline, SMALL)
            if whole:
                town.run(1_000_000)  # the cut comes as it restarts, or not at all
            board.writes.cut_at(-1, how)
            if board.state is State.OFF:
                board.printed.clear()
                board.switch_on()
                town.run(1_500_000)
            slot = running(board)
            seen.add(slot)
            if slot == "/b":  # it was staged: the new firmware runs, and says so
                assert board.nvs.read("lampyre", "boot") & TRIAL, where
                assert b"new one" in board.printed, where
            else:
                assert not whole, where
                said = typed(board, town.timeline, "status")
                assert "slot: /a\r\non_trial: no" in said, where + said
        assert "/a" in seen


def tried(town, firmware):
    """A node that has joined, with the same firmware staged in its other slot, as after `update stage`."""
    board = board_of(town, 0, firmware)
    board.nvs.write("lampyre", "update_key", KEY)
    files = {path.removeprefix("/a/"): data for path, data in firmware.items() if path.startswith("/a/")}
    for name, data in files.items():
        board.put(f"/b/{name}", data)
    board.put(f"/b/{MANIFEST_NAME}", manifest_of(files))
    board.nvs.write("lampyre", "boot", TRIAL)
    return board


def statuses(town):
    return [m["status"] for m in town.messages if m["kind"] == "status"]


def test_its_first_run_may_be_cut_at_any_write_and_goes_on(firmware):
    with Host(1) as host, Town(host) as town:
        board = tried(town, firmware)
        board.switch_on()
        town.run(20 * MINUTE_US)
        assert board.nvs.read("lampyre", "boot") == SLOT_B  # confirmed
        most = board.writes.count
        assert "slot: /b" not in board.printed.decode()
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for place in range(most) if SOAK else [*dice.sample(range(most - 1), 2), most - 1]:
        how = dice.choice(list(Cut))
        where = f"cut {how.value} write {place} of {most}, seed {seed}"
        with Host(1) as host, Town(host) as town:
            board = tried(town, firmware)
            board.writes.cut_at(place, how)
            board.switch_on()
            town.run(20 * MINUTE_US)
            assert board.state is State.OFF, where
            board.switch_on()
            town.run(1_500_000)
            assert "slot: /b" in typed(board, town.timeline, "status"), where
            town.run(30 * MINUTE_US)
            assert board.nvs.read("lampyre", "boot") == SLOT_B, where
            f_cnts = [f_cnt for _, f_cnt, _ in town.accepted_]
            assert f_cnts == sorted(set(f_cnts)), where


def test_the_fourth_cut_of_its_first_run_brings_the_old_firmware_back_which_says_so(host, firmware):
    with Town(host) as town:
        board = tried(town, firmware)
        for boot in range(4):
            board.switch_on()
            town.run(2_000_000)
            said = typed(board, town.timeline, "status")
            assert ("slot: /b\r\non_trial: yes" if boot < 3 else "slot: /a\r\non_trial: no") in said
            if boot < 3:
                board.switch_off()
        assert board.nvs.read("lampyre", "boot") & UNDONE
        town.run(HOUR_US)
        assert statuses(town)[-1]["last_error"] == "update undone"
        assert not board.nvs.read("lampyre", "boot") & UNDONE
