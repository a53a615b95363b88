"""What goes wrong at a technician's desk: each has its cause, nothing is lost, and the next run finishes."""

import dataclasses
import json

import pytest

from boards.catalogue.known import load
from boards.catalogue.pins import ESP32
from boards.causes import BoardError, Cause
from boards.enrolment.identity import fresh
from boards.enrolment.registry import Registry
from boards.flashing.plan import Step, Wish
from protocol.settings import Settings
from tests.boards.bench import Bench
from tests.boards.desk import IMAGE, BenchLoader, Desk, Watching

WISH = Wish(board="heltec-v3", role="parking")


@pytest.fixture(name="bench", scope="module")
def _bench():
    with Bench(8, hurry=0.2) as bench:
        yield bench


@pytest.fixture(name="device")
def _device(bench, code):
    """A board with our firmware and nobody's identity."""
    if not bench.devices:
        device = bench.device(1, load("heltec-v3").table("parking"), image=IMAGE)
    [device] = bench.devices
    device.pull()
    device.board.nvs.kept.clear()
    device.flash.write(0, IMAGE)
    for path, data in code.slot.items():
        device.board.put(f"/a/{path}", data)
    device.plug()
    return device


@pytest.fixture(name="desk")
def _desk(tmp_path, code):
    return Desk(tmp_path, code, WISH)


def cause_of(desk, device, **how):
    with pytest.raises(BoardError) as caught:
        desk.flash(device, **how)
    return caught.value.cause


def eui_on(device):
    return Settings.decode(device.board.nvs.read("lampyre", "settings")).dev_eui.hex()


@pytest.mark.parametrize(
    ("loader", "cause"), [({"chip": ESP32}, Cause.WRONG_CHIP), ({"flash_mb": 4}, Cause.FLASH_SMALL)]
)
def test_another_board_than_was_said_is_refused_before_a_byte_is_written(desk, device, loader, cause):
    teller = BenchLoader(device, **loader)
    assert cause_of(desk, device, loader=teller) is cause
    assert teller.written == 0
    assert device.board.nvs.read("lampyre", "settings") is None
    desk.flash(device)


def test_cables_that_were_exchanged_are_noticed(desk, device):
    class Exchanged(BenchLoader):
        def look(self, port):
            return dataclasses.replace(super().look(port), mac=bytes(6))

    assert cause_of(desk, device, loader=Exchanged(device)) is Cause.OTHER_BOARD
    assert device.board.nvs.read("lampyre", "settings") is None


def test_code_that_micropython_does_not_take_is_not_copied(desk, device, code):
    assert cause_of(desk, device, code=dataclasses.replace(code, mpy=7)) is Cause.CODE_UNFIT


def test_a_radio_that_does_not_answer_is_not_registered(desk, device):
    device.chips["radio"].alive = False
    assert cause_of(desk, device) is Cause.SELF_TEST
    assert desk.registry.rows() == []
    assert ("radio", "ok") not in desk.watching.tests
    device.chips["radio"].alive = True
    done = desk.flash(device)
    assert [row["dev_eui"] for row in desk.registry.rows()] == [done.dev_eui.hex()]


def test_a_node_of_another_laptop_keeps_its_identity(desk, device, tmp_path, code):
    done = desk.flash(device)
    other = Desk(tmp_path / "other", code, WISH)
    assert cause_of(other, device) is Cause.IDENTITY_OF_ANOTHER
    assert other.registry.rows() == []
    assert eui_on(device) == done.dev_eui.hex()


def test_a_laptop_with_the_registry_goes_on_with_the_node(desk, device, tmp_path, code):
    done = desk.flash(device)
    other = Desk(tmp_path / "other", code, WISH)
    other.registry = desk.registry
    assert other.flash(device).dev_eui == done.dev_eui
    [row] = desk.registry.rows()
    assert device.board.nvs.read("lampyre", "app_key").hex() == row["app_key"]


def test_an_erased_board_is_a_new_node_and_the_old_one_is_gone(desk, device):
    first = desk.flash(device)
    second = desk.flash(device, order=desk.order(erase=True))
    assert second.dev_eui != first.dev_eui
    assert [row["dev_eui"] for row in desk.registry.rows()] == [second.dev_eui.hex()] == [eui_on(device)]
    third = desk.flash(device)
    assert third.dev_eui == second.dev_eui


@pytest.mark.parametrize("step", [Step.FILES, Step.REGISTRY])
def test_erasing_that_was_cut_goes_on_instead_of_beginning_anew(desk, device, step):
    first = desk.flash(device)
    dying = Watching()
    dying.fails_at = step
    with pytest.raises(KeyboardInterrupt):
        desk.flash(device, order=desk.order(erase=True), watching=dying)
    loader = BenchLoader(device)
    second = desk.flash(device, loader, desk.order(erase=True))
    assert loader.written == 0
    assert second.dev_eui != first.dev_eui
    assert [row["dev_eui"] for row in desk.registry.rows()] == [second.dev_eui.hex()] == [eui_on(device)]


def test_a_registered_node_that_lost_its_keys_gets_them_back_or_says_so(desk, device, tmp_path):
    done = desk.flash(device)
    device.pull()
    device.board.nvs.kept.clear()
    device.plug()
    assert cause_of(desk, device, order=desk.order(registry=Registry(tmp_path / "none.csv"))) is Cause.KEYS_GONE
    assert desk.flash(device).dev_eui == done.dev_eui
    [row] = desk.registry.rows()
    assert device.board.nvs.read("lampyre", "app_key").hex() == row["app_key"]


def test_the_chips_own_dev_eui(desk, device):
    desk.wish = dataclasses.replace(WISH, chip_eui=True)
    assert desk.flash(device).dev_eui.hex() == "240ac4fffe010001"
    assert desk.flash(device, order=desk.order(erase=True)).dev_eui.hex() == "240ac4fffe010001"
    [row] = desk.registry.rows()
    assert device.board.nvs.read("lampyre", "app_key").hex() == row["app_key"]


def test_a_registry_that_has_other_keys_is_not_overwritten(desk, device):
    desk.wish = dataclasses.replace(WISH, chip_eui=True)
    identity = fresh(bytes(8), device.mac)
    desk.registry.add({"dev_eui": identity.dev_eui.hex(), "app_key": "5a" * 16, "gen_app_key": "a5" * 16})
    assert cause_of(desk, device) is Cause.KEYS_DIFFER
    assert [row["app_key"] for row in desk.registry.rows()] == ["5a" * 16]


def test_changed_settings_reach_the_node_and_keys_stay(desk, device):
    done = desk.flash(device)
    before = device.board.nvs.read("lampyre", "app_key")
    desk.wish = dataclasses.replace(WISH, settings={"heartbeat_s": 600})
    assert desk.flash(device).dev_eui == done.dev_eui
    assert Settings.decode(device.board.nvs.read("lampyre", "settings")).heartbeat_s == 600
    assert device.board.nvs.read("lampyre", "app_key") == before


def test_a_bridge_has_no_keys(desk, device):
    desk.wish = Wish(board="heltec-v3", role="bridge")
    done = desk.flash(device)
    assert eui_on(device) == done.dev_eui.hex()
    assert device.board.nvs.read("lampyre", "app_key") is None
    assert desk.registry.rows() == []
    [record] = desk.records.all()
    assert record.finished
    assert record.app_key == ""


def test_nobody_answers(desk, bench):
    """A board that is dead: neither MicroPython nor a boot loader."""
    device = bench.device(2, load("heltec-v3").table("parking"))
    try:

        class Dead(BenchLoader):
            def look(self, port):
                raise BoardError(Cause.NO_ANSWER, port=port)

        assert cause_of(desk, device, loader=Dead(device)) is Cause.NO_ANSWER
    finally:
        bench.devices.remove(device)
        device.pull()


def test_going_on_with_nothing_is_said(desk, device):
    order = dataclasses.replace(desk.order(), wish=None)
    assert cause_of(desk, device, order=order) is Cause.NOTHING_TO_RESUME


def test_no_key_is_left_beside_registry_and_node(desk, device, tmp_path):
    desk.flash(device)
    [row] = desk.registry.rows()
    for path in tmp_path.rglob("*"):
        if path.is_file() and path != desk.registry.path:
            raw = path.read_bytes()
            assert row["app_key"].encode() not in raw, path
            assert bytes.fromhex(row["gen_app_key"]) not in raw, path
    [record] = (tmp_path / "boards").glob("*.json")
    assert json.loads(record.read_text())["dev_eui"] == row["dev_eui"]
