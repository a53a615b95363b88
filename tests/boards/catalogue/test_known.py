"""The boards' files are right, and one that is not is told with file, key and what to write."""

import dataclasses
import importlib.resources
from typing import get_args

import pytest

from boards.catalogue import known
from boards.catalogue.board import PackageName, Role
from boards.catalogue.pins import PACKAGES
from boards.catalogue.use import Does, uses
from boards.causes import BoardError, Cause
from protocol.settings import ROLES

BOARDS = {board.id: board for board in known.boards()}
TEXT = importlib.resources.files("boards").joinpath("heltec-v3.toml").read_text(encoding="utf-8")
GENERIC = importlib.resources.files("boards").joinpath("esp32-rfm95.toml").read_text(encoding="utf-8")


def faults_of(text):
    with pytest.raises(BoardError) as caught:
        known.parse("mine", text.encode())
    assert caught.value.cause is Cause.BOARD_FAULTY
    assert caught.value.facts["path"] == "boards/mine.toml"
    return caught.value.facts["detail"].splitlines()


def test_all_boards_of_the_first_round_are_there():
    assert set(BOARDS) >= {
        *("heltec-v3", "t3-s3", "esp32-rfm95", "heltec-wsl-v3", "t3-s3-sx1276", "lora32-v161", "xiao-s3-wio"),
        *("t-beam-sx1262", "t-beam-sx1276"),
    }


# From the published pin maps: meshtastic's variants, LilyGO's hardware pages, Espressif's Arduino variants.
@pytest.mark.parametrize(
    ("board", "sck_miso_mosi_cs_reset", "irq_busy"),
    [
        ("heltec-v3", (9, 11, 10, 8, 12), (None, 14, 13)),
        ("heltec-wsl-v3", (9, 11, 10, 8, 12), (None, 14, 13)),
        ("t3-s3", (5, 3, 6, 7, 8), (None, 33, 34)),
        ("t3-s3-sx1276", (5, 3, 6, 7, 8), (9, 33, None)),
        ("t-beam-sx1262", (5, 19, 27, 18, 23), (None, 33, 32)),
        ("t-beam-sx1276", (5, 19, 27, 18, 23), (26, 33, None)),
        ("lora32-v161", (5, 19, 27, 18, 23), (26, 33, None)),
        ("lora32-v161-tcxo", (5, 19, 27, 18, 23), (26, None, None)),
        ("xiao-s3-wio", (7, 8, 9, 41, 42), (None, 39, 40)),
        ("esp32-rfm95", (18, 19, 23, 5, 14), (26, 33, None)),
    ],
)
def test_the_radio_hangs_where_its_maker_says(board, sck_miso_mosi_cs_reset, irq_busy):
    radio = BOARDS[board].radio
    assert (radio.sck, radio.miso, radio.mosi, radio.cs, radio.reset) == sck_miso_mosi_cs_reset
    assert (radio.dio0, radio.dio1, radio.busy) == irq_busy


def test_the_tcxo_of_a_lora32_has_the_pin_that_dio1_has_on_the_other():
    table = BOARDS["lora32-v161-tcxo"].table("air")
    assert table["radio"]["tcxo"]
    assert table["rail"] == {"pin": BOARDS["lora32-v161"].radio.dio1}


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.id)
def test_each_board_is_described_in_both_languages(board):
    assert len(board.warnings) == len(board.warnings_fr) > 0
    assert {"parking", "air", "light"} <= set(board.roles)
    assert board.radio.max_dbm <= (22 if board.radio.chip == "sx1262" else 20)


def test_a_board_is_likely_by_how_it_shows_itself():
    assert [board.id for board in known.likely(0x303A, 0x1001)] == ["t3-s3", "t3-s3-sx1276", "xiao-s3-wio"]
    assert "heltec-v3" in [board.id for board in known.likely(0x10C4, 0xEA60)]
    assert known.likely(0x0000, 0xEA60) == ()
    assert known.likely(None, None) == ()


def test_the_names_in_the_files_types_are_those_of_the_tables():
    assert get_args(Role) == ROLES
    assert get_args(PackageName) == tuple(PACKAGES)


def test_an_unknown_board_is_told_with_those_there_are():
    with pytest.raises(BoardError) as caught:
        known.load("../secret")
    assert caught.value.cause is Cause.BOARD_UNKNOWN
    assert "heltec-v3" in caught.value.facts["known"]


def test_an_option_replaces_a_part_and_leaves_the_others():
    heltec = BOARDS["heltec-v3"]
    plain, dali = heltec.table("light"), heltec.table("light", ("dali",))
    assert plain["lamp0"] == {"kind": "pwm", "pin": 7, "relay": 6}
    assert dali["lamp0"] == {"kind": "dali", "pin": 7, "rx": 5, "relay": 6}
    assert dali | {"lamp0": 0} == plain | {"lamp0": 0}
    assert heltec.options_for("air") == ()
    assert "lamp0" not in heltec.table("bridge")


def test_uses_are_told_by_pin():
    found = uses(BOARDS["heltec-v3"], "parking")
    assert [use.gpio for use in found] == sorted(use.gpio for use in found)
    by_gpio = {use.gpio: use for use in found}
    assert dataclasses.astuple(by_gpio[4]) == (4, "roles.parking.field0", "int", Does.INPUT, True)
    assert by_gpio[1].does is Does.ANALOG


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cs = 8", "cs = 24", "[node.radio] cs = 24: an ESP32-S3 has no GPIO24"),
        ("cs = 8", "cs = 28", "[node.radio] cs = 28: GPIO28 belongs to the flash or the PSRAM of an ESP32-S3FN8"),
        ("cs = 8", "cs = 9", "[node.radio] cs = 9: [node.radio] sck has GPIO9 already; take another"),
        ("cs = 8", "cs = 43", "[node.radio] cs = 43: GPIO43 is the console's, which the USB bridge listens to"),
        ("cs = 8", "cs = 46", "[node.radio] cs = 46: GPIO46 matters at reset (high at reset: cannot be flashed"),
        ("cs = 8", "cs = 17", "[node.radio] cs = 17: [on_board] OLED has GPIO17 already; take another"),
        ("dio1 = 14", "dio1 = 40", "[node.radio] dio1 = 40: GPIO40 of an ESP32-S3 cannot end a sleep"),
        ("pin = 1\nratio", "pin = 40\nratio", "[node.battery] pin = 40: GPIO40 is no input of ADC1; take one of 1, 2,"),
        ("int = 4\n", "int = 40\n", "[roles.parking.field0] int = 40: GPIO40 of an ESP32-S3 cannot end a sleep"),
        ("pin = 7\nrelay", "pin = 15\nrelay", "[roles.light.lamp0] pin = 15: GPIO15 is not on the board's headers"),
        ("tx = 47\n", "tx = 7\n", "[roles.light.lamp0] pin = 7: [roles.light.meter] tx has GPIO7 already"),
        ("uart = 1\n", "uart = 0\n", "[roles.air.particles] uart = 0: it is the console's; write 1 or 2"),
        ("busy = 13\n", "", "[node.radio] needs busy: an sx1262 does not work without"),
        ("[strapping]", "[strapping]\n7 = 'why'", "[strapping] 7 is no strapping pin of an ESP32-S3"),
        ("headers = [0,", "headers = [22,", "headers: there is no GPIO22 on an ESP32-S3FN8; remove it"),
        ("cs = 8", "cs = 99", "[node.radio] cs is '99': input should be less than or equal to 48"),
        ("cs = 8", "cs = '8'", "[node.radio] cs is '8': input should be a valid integer"),
        ("cs = 8\n", "", "[node.radio] needs cs"),
        ("cs = 8", "cs = 8\ncz = 9", "[node.radio] has no use for cz; remove it, or look for a misspelling"),
        ('package = "ESP32-S3FN8"', 'package = "ESP8266"', "package is 'ESP8266': input should be 'ESP32-WROOM-32', "),
        (
            "[roles.air.co2]",
            "[roles.tram.co2]",
            "[roles] tram is 'tram': input should be 'parking', 'air', 'light' or 'bridge'",
        ),
        ("pin = 3, level", "pin = 38, level", "[options.mains.parts.mains] pin = 38: GPIO38 of an ESP32-S3 cannot"),
        (
            "motion = { pin = 2 }",
            "motion = { pin = 38, level = 0 }",
            "[options.motion.parts.motion] pin = 38: GPIO38 of an ESP32-S3 cannot end a sleep; take an RTC pin",
        ),
        ("uart = 1, tx = 47", "uart = 0, tx = 47", "[options.distance.parts.distance] uart = 0: it is the console's"),
        ('without = ["field0"]', 'without = ["field"]', "[options.distance] without names field; there is no"),
        ("bays = 2", "bays = 3", "[options.two-bays.settings] bays is 3; write 1..2 (bays)"),
        ("bays = 2", "heads = 2", "[options.two-bays.settings] heads is not for role parking; leave it out"),
        ("name =", "name", "is no TOML: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old, new, says):
    assert old in TEXT
    faults = faults_of(TEXT.replace(old, new))
    assert any(fault.startswith(f"boards/mine.toml: {says}") for fault in faults), faults


def test_one_pin_ends_a_sleep_by_falling_and_two_cannot():
    one = TEXT.replace("pin = 3, level = 1", "pin = 3, level = 0")
    assert known.parse("mine", one.encode()).options["mains"].parts.mains.level == 0
    assert faults_of(one.replace("motion = { pin = 2 }", "motion = { pin = 2, level = 0 }")) == [
        (
            "boards/mine.toml: [options.mains.parts.mains] level = 0: one pin can end a sleep by falling, and "
            "[options.motion.parts.motion] has it; turn one signal round"
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("relay = 27", "relay = 34", "[roles.light.lamp0] relay = 34: GPIO34 of an ESP32 is an input only"),
        ("dio0 = 26\n", "", "[node.radio] needs dio0: an sx1276 does not work without"),
        (
            "reset = 14",
            "reset = 12",
            "[node.radio] reset = 12: GPIO12 matters at reset (high at reset: gives the flash",
        ),
    ],
)
def test_an_esp32_has_pins_of_its_own(old, new, says):
    faults = faults_of(GENERIC.replace(old, new))
    assert any(fault.startswith(f"boards/mine.toml: {says}") for fault in faults), faults


def test_the_usb_sockets_own_pins_are_not_free():
    text = TEXT.replace('what = "CP2102"', 'what = "its own", native = true').replace("cs = 8", "cs = 19")
    assert any("GPIO19 is the USB socket's; take another" in fault for fault in faults_of(text))
