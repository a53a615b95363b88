"""What a node lives through: errors, hangs, crash loops, worn flash, dead radios, wrong settings."""

import sys

from firmware.body.being import MOST_REST_MS, WATCHDOG_MS
from firmware.boot import HARD, POWER_ON, TRIAL, WATCHDOG, is_safe
from protocol.telemetry_reader import decode_status
from tests.firmware.body.boards import BOARD, HOUR_MS, BenchBoard, bench, born, folder, with_parts
from tests.firmware.network import Down

PARKING = with_parts(field0={"chip": "mmc5983ma"})


def wreck(board, method, error):
    """From now on the core that runs raises *error*."""

    def raised(*_):
        raise error

    setattr(board.body().core, method, raised)


def statuses(board):
    return [decode_status(up.payload) for up in board.air.network.uplinks if up.f_port == 3]


def test_an_error_of_a_core_is_said_kept_and_told_after_the_restart():
    board = bench("error", "air")
    board.run(30_000)
    board.port.lines()
    wreck(board, "handle", KeyError("planted"))
    board.run(60_000)
    assert board.boots == [POWER_ON, HARD]
    assert "KeyError" in "\n".join(board.port.lines())
    assert board.nvs["error"].startswith(b"test_survival:")
    board.run(HOUR_MS)
    assert statuses(board)[-1].last_error == board.nvs["error"].decode()
    assert statuses(board)[-1].reset_cause == HARD


def test_an_error_is_kept_also_when_what_says_where_cannot_be_loaded():
    board = bench("no memory", "air")
    board.run(30_000)
    there = sys.modules.get("firmware.store.crashes")

    def raised(*_):
        sys.modules["firmware.store.crashes"] = None
        raise MemoryError("planted")

    board.body().core.handle = raised
    try:
        board.run(60_000)
    finally:
        sys.modules.pop("firmware.store.crashes", None)  # the run after it may have let it go
        if there is not None:
            sys.modules["firmware.store.crashes"] = there
    assert board.boots == [POWER_ON, HARD]
    assert board.nvs["error"] == b"MemoryError"


def test_a_core_that_never_comes_to_rest_is_a_hang():
    board = bench("busy", "air")
    board.run(30_000)
    board.turn_us = 100_000
    board.body().core.wake_at = lambda: 0
    board.body().wake_ms = 0
    board.run(WATCHDOG_MS + 1_000)
    board.turn_us = 50
    assert board.boots == [POWER_ON, WATCHDOG]
    assert board.nvs["error"] == b"watchdog"
    board.run(60_000)
    assert board.body().last_error() == "watchdog"


def test_the_watchdog_is_fed_in_time_by_a_node_that_only_waits():
    assert MOST_REST_MS * 2 <= WATCHDOG_MS
    board = bench("waits", "light", device_class="C")
    board.run(3 * HOUR_MS)
    assert board.boots == [POWER_ON]


def test_a_crash_loop_ends_in_safe_mode_at_the_fourth_boot():
    """There the node joins, tells what ended the last run, and obeys orders; the role that crashes is not there."""
    board = bench("loop", "parking", PARKING)
    board.nvs["bays"] = b"\xff\xff"  # the role cannot start with this
    board.run(60_000)
    assert len(board.boots) <= 4
    assert is_safe(board.nvs["boot"])
    board.run(2 * HOUR_MS)
    assert len(board.boots) <= 4
    assert len(board.air.network.joins) == 1
    assert statuses(board)[-1].last_error
    assert "safe_mode: yes" in board.type("status")
    assert board.deep_sleeps == []


def test_a_day_in_safe_mode_gives_the_whole_firmware_another_try():
    board = bench("try", "parking", PARKING)
    board.nvs["boot"] = 3 * 256 * 16
    board.boot(POWER_ON)
    board.nvs["boot"] = 3 * 256 * 16
    board.boot(HARD)
    assert board.body().safe
    board.run(25 * HOUR_MS)
    assert not is_safe(board.nvs["boot"])
    assert not board.body().safe


def test_a_frame_whose_counter_cannot_be_kept_does_not_leave():
    board = bench("worn", "air")
    board.worn = ("dev_nonce",)
    board.run(HOUR_MS)
    assert board.air.sent == []
    assert "nvs" in board.body().last_error()
    board.worn = ()
    board.run(HOUR_MS)
    assert board.air.network.joins


def test_a_radio_that_is_not_there_ends_nothing_and_comes_back():
    board = bench("mute", "air")
    exchange = board.chip.exchange
    board.chip.exchange = lambda byte: 0xFF
    board.run(HOUR_MS)
    assert board.air.sent == []
    assert board.boots.count(HARD) == 0
    assert "radio" in board.body().last_error()
    board.chip.exchange = exchange
    board.run(3 * HOUR_MS)
    assert board.air.network.uplinks


def test_a_class_c_radio_that_fails_listens_again():
    board = bench("deaf", "light", device_class="C")
    board.run(HOUR_MS // 2)
    exchange = board.chip.exchange
    board.chip.exchange = lambda byte: 0xFF
    board.pins(14).drive(1)  # an interrupt that the chip does not explain
    board.run(5_000)
    board.pins(14).drive(0)
    board.chip.exchange = exchange
    board.run(60_000)
    before = board.nvs["session"]
    board.air.send(board.clock.now_us + 1_000_000, 869_525_000, 3, board.air.network.seal(Down(0, f_opts=b"\x06")))
    board.run(5_000)
    assert board.nvs["session"] != before


def test_an_image_of_before_a_crash_is_not_believed():
    board = bench("image", "air")
    board.run(HOUR_MS)
    assert board.deep_sleeps
    assert board.rtc == b"" or board.boots[-1] != 4
    kept = board.rtc
    board.boot(WATCHDOG)
    assert board.rtc == b""
    board.rtc = kept
    board.boot(HARD)
    assert board.rtc == b""
    board.run(HOUR_MS)  # the network sees that no counter comes twice


def trouble(name, nvs, table=None):
    board = BenchBoard(folder(name), nvs, table)
    board.run(25_000)
    return board, board.port.lines()


def test_settings_that_are_wrong_are_said_and_blinked_and_no_boot_loop():
    nvs = born("parking")
    nvs["settings"] = b"\xa1\x00\x00"
    board, lines = trouble("settings", nvs)
    assert lines[0].startswith("lampyre cannot start: settings: dev_eui is missing; write the 16 hex digits printed")
    assert len(lines) == 3, "every ten seconds"
    assert board.boots == [POWER_ON]
    board.run(HOUR_MS)
    assert board.boots == [POWER_ON]
    assert flashes(board) == 2


def test_a_board_without_a_table_says_so():
    board = BenchBoard(folder("table"), born("air"), {"name": "x", "radio": {"chip": "sx1263"}, "coffee": {}})
    board.run(1_000)
    said = "\n".join(board.port.lines())
    assert "board.json: there is no part 'coffee'; expected one of battery climate" in said
    assert "radio chip is 'sx1263'; expected one of sx1262" in said
    assert "radio has no spi" in said


def test_a_node_without_keys_says_so_and_starts_when_it_has_some():
    nvs = born("air")
    key = nvs.pop("app_key")
    board, lines = trouble("keys", nvs)
    assert lines[0] == "lampyre cannot start: there is no app_key of 16 bytes; flash the node again"
    assert flashes(board) == 4
    board.nvs["app_key"] = key
    assert "restarting" in board.type("restart")
    assert board.boots == [POWER_ON, HARD]
    assert not is_safe(board.nvs["boot"])
    assert board.nvs["boot"] & TRIAL == 0
    board.run(1_000)
    assert "restarting" not in board.port.lines()


def test_a_blank_board_takes_its_settings_from_the_console():
    nvs = born("air")
    eui = "0200000000000007"
    del nvs["settings"]
    board, lines = trouble("blank", nvs)
    assert "no settings yet" in lines[0]
    assert board.type("set role air dev_eui " + eui)[-1] == "ok"
    board.type("restart")
    assert "reading_interval_s = 900" in board.type("get reading_interval_s")


def flashes(board):
    """How often the light goes on between two pauses."""
    lit_us = []
    board.pins(BOARD["led"]["pin"]).watch(lambda level: lit_us.append(board.clock.now_us) if level else None)
    board.run(20_000)
    counts = [1]
    for place in range(1, len(lit_us)):
        if lit_us[place] - lit_us[place - 1] > 1_000_000:
            counts.append(0)
        counts[-1] += 1
    assert len(set(counts[1:-1])) == 1, counts
    return counts[1]
