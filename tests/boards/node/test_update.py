"""A node's firmware is brought up to date over its cable; whatever cuts that, the same command again finishes it."""

import contextlib
import dataclasses
import hashlib
import random

import pytest

from boards.catalogue.known import load
from boards.causes import BoardError, Cause
from boards.flashing.plan import Wish
from boards.node.updating import update
from firmware.boot import TRIAL, slot_of
from protocol.manifest import open_manifest
from tests.boards.bench import Bench, BenchClock
from tests.boards.desk import IMAGE, Desk

CUTS = 50
SHARES = 5  # of the cuts, so that they go to several processes


def nobody(_so_far, _of):
    """Somebody who does not want to know."""


@pytest.fixture(name="node", scope="module")
def _node(code, tmp_path_factory):
    """A node that was commissioned, with an old /b from an update before: most of what the next one brings is there."""
    with Bench(hurry=0.2) as bench:
        device = bench.device(3, load("heltec-v3").table("parking"), image=IMAGE)
        device.pull()
        for path, data in code.slot.items():
            device.board.put(f"/a/{path}", data)
            device.board.put(f"/b/{path}", data)
        device.flash.write(0, IMAGE)
        device.plug()
        Desk(tmp_path_factory.mktemp("desk"), code, Wish(board="heltec-v3", role="parking")).flash(device)
        yield device


@pytest.fixture(name="newer", scope="module")
def _newer(code):
    """The same firmware with another main.py, as the next version."""
    slot = {**code.slot, "main.py": code.slot["main.py"] + b"\n# newer\n"}
    return dataclasses.replace(code, version=code.version + 1, slot=slot)


def settle(node):
    """As before any update: /a is confirmed, and /b is of an older version."""
    node.pull()
    node.board.nvs.write("lampyre", "boot", 0)
    node.board.put("/b/main.py", b"# older")
    node.board.put("/b/manifest", b"of another time")
    node.board.put("/b/stray.mpy", b"of another time")
    node.plug()


def check(node, newer):
    """The node tries /b, which is what its manifest says, signed for this node."""
    node.pull()
    state = node.board.nvs.read("lampyre", "boot")
    assert state & TRIAL
    assert slot_of(state) == "/b"
    files = {path[3:]: data for path, data in node.board.files().items() if path.startswith("/b/") and data is not None}
    manifest = open_manifest(files.pop("manifest"), node.board.nvs.read("lampyre", "update_key"))
    assert manifest.version == newer.version
    assert dict(manifest.files) == {path: hashlib.sha256(data).digest() for path, data in files.items()}
    assert files == newer.slot
    assert node.board.brought_down == []


def bring(node, newer):
    return update(node.path, newer, nobody, BenchClock(node.bench))


@pytest.fixture(name="length", scope="module")
def _length(node, newer):
    settle(node)
    before = node.carried
    done = bring(node, newer)
    assert (done.slot, done.files) == ("/b", 2)
    length = node.carried - before
    check(node, newer)
    return length


@pytest.mark.parametrize("share", range(SHARES))
def test_the_cable_is_pulled_at_any_byte_of_an_update(node, newer, length, share):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for _ in range(CUTS // SHARES):
        settle(node)
        at = dice.randrange(length)
        node.cut_after = at
        cause = None
        with contextlib.suppress(BoardError):
            try:
                bring(node, newer)
            except BoardError as error:
                cause = error.cause
                raise
        assert cause in (None, Cause.CABLE_CUT), (seed, at)
        node.cut_after = None
        state = node.board.nvs.read("lampyre", "boot")
        assert state & TRIAL or slot_of(state) == "/a", (seed, at)
        node.plug()
        bring(node, newer)
        check(node, newer)


def test_an_update_on_trial_is_left_alone(node, newer, length):
    settle(node)
    bring(node, newer)
    assert bring(node, newer).slot == ""
