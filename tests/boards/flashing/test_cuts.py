"""Whatever cuts a run, the same command again finishes it: one node, one row in the registry, the same keys in both."""

import contextlib
import random
from pathlib import Path

import pytest

from boards.catalogue.known import load
from boards.causes import BoardError, Cause
from boards.flashing.image import parse_image
from boards.flashing.loading import RealLoader
from boards.flashing.plan import Step, Wish
from protocol.manifest import update_key_of
from protocol.settings import Settings
from tests.boards.bench import Bench
from tests.boards.desk import IMAGE, Desk

CUTS = 50
SHARES = 5  # of the cuts, so that they go to several processes
WISH = Wish(board="heltec-v3", role="parking")
STALE = ("airtime.mpy", "dice.mpy", "parking.mpy")


@pytest.fixture(name="bench", scope="module")
def _bench():
    with Bench(hurry=0.2) as bench:
        yield bench


@pytest.fixture(name="device", scope="module")
def _device(bench, code):
    """Most of the firmware is on it, and the image is small: so is what a run has to bring."""
    device = bench.device(7, load("heltec-v3").table("parking"), image=IMAGE)
    device.pull()
    for path, data in code.slot.items():
        device.board.put(f"/a/{path}", data)
    return device


def make_new(device):
    """A board without an image and identity, and with most of the files."""
    device.pull()
    device.flash.erase(0, len(IMAGE))
    device.board.nvs.kept.clear()
    for path in (*(f"/a/{name}" for name in STALE), "/boot.py", "/board.json"):
        device.board.put(path, b"# from another time\n")
    device.plug()


def flash(desk, device, watching=None):
    """Type the command once, with the real esptool."""
    order = desk.order(image=parse_image(IMAGE, Path("image.bin")))
    return desk.flash(device, RealLoader(desk.folder), order, watching=watching)


def check(device, desk):
    """One node, one row, the same keys."""
    assert device.flash.content.startswith(IMAGE)
    [row] = desk.registry.rows()
    kept = device.board.nvs.read
    settings = Settings.decode(kept("lampyre", "settings"))
    assert settings.dev_eui.hex() == row["dev_eui"]
    assert kept("lampyre", "app_key").hex() == row["app_key"]
    assert kept("lampyre", "gen_app_key").hex() == row["gen_app_key"]
    assert kept("lampyre", "update_key") == update_key_of(kept("lampyre", "app_key"))
    [record] = desk.records.all()
    assert (record.dev_eui, record.app_key, record.gen_app_key) == (row["dev_eui"], "", "")
    assert record.finished
    assert device.board.brought_down == []


def check_half(device, desk):
    """What a cut left: a node that has settings has the keys that the laptop has."""
    kept = device.board.nvs.read
    if kept("lampyre", "settings") is None:
        return
    [record] = desk.records.all()
    known = {row["dev_eui"]: row["app_key"] for row in desk.registry.rows()} | (
        {record.dev_eui: record.app_key} if record.app_key else {}
    )
    assert known[Settings.decode(kept("lampyre", "settings")).dev_eui.hex()] == kept("lampyre", "app_key").hex()


@pytest.fixture(name="length", scope="module")
def _length(device, code, tmp_path_factory):
    """How many bytes a whole run sends along the cable, both ways."""
    make_new(device)
    before = device.carried
    desk = Desk(tmp_path_factory.mktemp("desk"), code, WISH)
    flash(desk, device)
    check(device, desk)
    return device.carried - before


@pytest.mark.parametrize("step", Step)
def test_the_laptop_dies_before_any_step(device, code, tmp_path, step):
    make_new(device)
    desk = Desk(tmp_path, code, WISH)
    desk.watching.fails_at = step
    with pytest.raises(KeyboardInterrupt):
        flash(desk, device, desk.watching)
    check_half(device, desk)
    done = flash(desk, device)
    assert {said for _, said in done.tests} == {"ok"}
    check(device, desk)


@pytest.mark.parametrize("share", range(SHARES))
def test_the_cable_is_pulled_at_any_byte(device, code, length, tmp_path, share):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for number in range(CUTS // SHARES):
        make_new(device)
        desk = Desk(tmp_path / str(number), code, WISH)
        at = dice.randrange(length)
        device.cut_after = at
        cause = None
        with contextlib.suppress(BoardError):
            try:
                flash(desk, device)
            except BoardError as error:
                cause = error.cause
                raise
        assert cause in (None, Cause.CABLE_CUT), (seed, at)  # a run may take a few bytes less than the one before
        device.cut_after = None
        check_half(device, desk)
        device.plug()
        done = flash(desk, device)
        assert {said for _, said in done.tests} == {"ok"}, (seed, at)
        check(device, desk)
