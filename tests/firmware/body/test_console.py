"""The technician's line: every command, what it refuses, and that nobody holds up the node with it."""

from binascii import b2a_base64, hexlify
from hashlib import sha256

from firmware.body.console import MAX_LINE
from firmware.boot import DEEP_SLEEP, HARD, POWER_ON, TRIAL, UNDONE, WATCHDOG, slot_of
from protocol.lorawan.join import JoinAccept
from protocol.manifest import MANIFEST_NAME, Manifest
from simulator.chips import mmc5983ma, pms5003
from simulator.chips.uart import UartLine
from tests.firmware.body.boards import HOUR_MS, bench, with_parts
from tests.firmware.network import APP_KEY, Down

KEY = bytes(range(16))


def air(name):
    board = bench(name, "air")
    board.nvs["update_key"] = KEY
    board.run(1_000)
    return board


def test_status_says_what_the_node_is_and_how_it_does():
    board = air("status")
    board.run(30_000)
    said = board.type("status")
    assert said[-1] == "ok"
    for line in ("firmware: 0.1.0", "board: bench", "reset_cause: 1", "last_error: none", "dev_addr: 26000011"):
        assert line in said, said


def test_the_self_test_has_a_row_for_each_part_and_says_what_is_wrong():
    table = with_parts(field0={"chip": "mmc5983ma"}, climate={"chip": "bme280"}, lux={"chip": "bh1750"})
    board = bench("selftest", "parking", table)
    magnet = mmc5983ma.Mmc5983ma(board.clock, (5, 6, 7))
    magnet.set_field(215, 12, -425)
    board.i2c.attach(0x30, magnet)
    board.run(30_000)
    said = board.type("test", 5_000)
    assert said == [
        "radio      ok",
        "climate    does not answer",
        "battery    ok",
        "field0     ok",
        "lux        does not answer",
        "keys       ok",
        "flash      ok",
        "nvs        ok",
        "ok",
    ]
    board.chip.exchange = lambda byte: 0xFF
    assert "look at SCK, MISO, MOSI, CS and the supply" in board.type("test", 5_000)[0]


def test_the_self_test_wakes_a_particle_sensor_and_lets_it_sleep_again():
    """On a node that stays awake it sleeps for most of a quarter of an hour, and nobody waits for its next reading."""
    board = bench("dust", "air", with_parts(particles={"uart": 1, "tx": 4, "rx": 5}), device_class="C")
    line = board.uarts[1] = UartLine(board.clock)
    dust = pms5003.Pms5003(board.clock, line)
    board.run(120_000)
    assert dust.asleep
    assert "particles  ok" in board.type("test", 10_000)
    assert dust.asleep
    dust.alive = False
    assert "particles  does not answer" in board.type("test", 10_000)


def test_a_class_c_radio_listens_on_after_the_self_test():
    board = bench("listens", "light", device_class="C")
    board.run(30_000)
    assert board.type("test", 5_000)[0] == "radio      ok"
    before = board.nvs["session"]
    network = board.air.network
    board.air.send(board.clock.now_us + 1_000_000, 869_525_000, 3, network.seal(Down(0, f_opts=b"\x06")))
    board.run(5_000)
    assert board.nvs["session"] != before


def test_settings_are_shown_and_changed_as_a_whole():
    board = air("set")
    assert board.type("get reading_interval_s plan") == ["plan = full", "reading_interval_s = 900", "ok"]
    assert board.type("set reading_interval_s 300 plan single-channel") == ["from the next restart on", "ok"]
    assert board.type("set reading_interval_s 5")[0] == (
        "error: settings: reading_interval_s is 5; write 60..86400 (seconds)"
    )
    assert board.type("set heads 2")[0] == "error: settings: heads is not for role air; leave it out"
    assert board.type("set min_dr")[0].startswith("error: set takes names and values in turn")
    assert board.type("get nothing")[-1] == "error: there is no setting 'nothing'"
    board.type("restart")
    assert board.boots == [POWER_ON, HARD]
    assert board.type("get reading_interval_s") == ["reading_interval_s = 300", "ok"]


def test_keys_are_never_shown():
    board = air("secret")
    board.run(30_000)
    for command in ("help", "status", "get", "test", "log"):
        board.port.typed += command.encode() + b"\n"
        board.run(5_000)
    for secret in (KEY, APP_KEY, board.nvs["session"][5:21], board.nvs["session"][21:37]):
        assert secret not in board.port.said
        assert hexlify(secret) not in board.port.said


def test_the_log_is_shown_record_by_record():
    board = bench("log", "air", reading_interval_s=60, fan_warm_up_s=30)
    board.run(HOUR_MS // 3)
    board.boot(POWER_ON)
    board.run(2_000)
    said = board.type("log 20")
    assert said[0].startswith("epoch ")
    assert len(said) > 7
    assert said[-1] == "ok"
    seqs = [int(line.split()[0]) for line in said[1:-1]]
    assert seqs == sorted(seqs)
    assert "set 4: - - - - - - -" in said[1] or "event" in said[1]
    assert board.type("log 0")[0] == "error: log takes a number of records, 1..500"


def test_what_is_no_command_is_refused_and_noise_is_bounded():
    board = air("noise")
    assert board.type("fly")[0] == "error: there is no command 'fly'; help shows those there are"
    assert board.type("x" * (MAX_LINE + 1))[0] == f"error: a line has more than {MAX_LINE} characters"
    board.port.typed = bytes(range(256)) * 40 + b"\n"
    board.run(3_000)
    board.port.lines()
    assert board.type("help")[-1] == "ok"
    assert board.boots == [POWER_ON]


def test_a_flood_on_the_port_holds_up_neither_radio_nor_watchdog():
    board = air("flood")

    def pour():
        board.port.typed = b"status\n" * 5
        board.clock.at(board.clock.now_us + 20_000, pour)

    pour()
    board.turn_us = 5_000
    board.run(25_000)
    assert board.boots == [POWER_ON]
    assert board.air.network.joins
    assert board.air.network.uplinks


def test_while_a_technician_is_there_the_node_stays_awake():
    board = bench("awake", "air")
    board.run(59_000)
    board.type("status")
    board.run(240_000)
    assert board.deep_sleeps == []
    assert board.light_sleeps == 0
    board.run(120_000)
    assert DEEP_SLEEP in board.boots


def test_forget_makes_the_node_new_but_for_keys_and_counters():
    board = air("forget")
    board.run(60_000)
    assert "session" in board.nvs
    assert board.type("forget")[0].startswith("error: forget erases")
    nonce = board.nvs["dev_nonce"]
    board.air.network.accepts.append(JoinAccept(2, 0x13, 0x26000012, 0, 3, 5))
    board.type("forget yes", 500)
    assert "session" not in board.nvs
    assert board.nvs["dev_nonce"] == nonce
    board.run(60_000)
    assert [join[0] for join in board.air.network.joins] == [0, 1], "a Join-Accept of before would have been refused"


# Updates.


def send_update(board, files, version=0x000200, key=KEY, floor=0):
    """As the flashing tool does it over the cable; returns the answer to `stage`."""
    names = sorted(files)
    manifest = Manifest(version, floor, [(name, sha256(files[name]).digest()) for name in names]).sign(key)
    said = board.type("update begin")
    assert said[-1] == "ok", said
    for name in names + [MANIFEST_NAME]:
        data = manifest if name == MANIFEST_NAME else files[name]
        assert board.type("update file " + name, 300)[-1] == "ok"
        for at in range(0, len(data), 512):
            line = "update put " + b2a_base64(data[at : at + 512]).decode().strip()
            assert board.type(line, 300)[-1] == "ok"
    return board.type("update stage")


FILES = {"main.py": b"import firmware\n", "firmware/mind.mpy": bytes(range(256)) * 5, "firmware/roles/air.mpy": b"M"}


def test_an_update_is_tried_and_confirmed_after_the_network_answered():
    board = air("update")
    board.run(30_000)
    assert send_update(board, FILES, floor=0x000100) == ["slot /b is tried from the next restart on", "ok"]
    assert board.nvs["boot"] & TRIAL
    board.type("restart", 100)
    assert slot_of(board.nvs["boot"]) == "/b"
    assert "on_trial: yes" in board.type("status")
    board.air.network.answers = [Down(f_opts=b"\x02\x0a\x01")]  # LinkCheckAns
    board.run(HOUR_MS)
    assert not board.nvs["boot"] & TRIAL
    assert slot_of(board.nvs["boot"]) == "/b"
    assert board.nvs["floor"] == 0x000100
    assert "update: version 0.0.1 is older" in send_update(board, FILES, version=1)[0]


def test_an_update_that_never_answers_is_taken_back_and_told():
    board = air("back")
    board.run(60_000)
    send_update(board, FILES)
    board.type("restart", 100)
    board.air.network.answers = [None] * 1000
    for _ in range(4):
        board.run(5_000)
        board.boot(WATCHDOG)
    assert slot_of(board.nvs["boot"]) == "/a"
    assert board.nvs["boot"] & UNDONE
    board.air.network.answers = []
    board.run(HOUR_MS)
    assert not board.nvs["boot"] & UNDONE


def test_an_update_that_is_torn_foreign_or_too_much_is_refused():
    board = air("refused")
    assert "its signature is wrong" in send_update(board, FILES, key=bytes(16))[0]
    files = dict(FILES)
    send_update(board, files)
    board = air("torn")
    board.type("update begin")
    board.type("update file main.py")
    assert "update: a file is missing" in board.type("update stage")[0]
    assert board.type("update put " + "A" * 700)[0] == "error: update: 525 bytes at once; expected at most 512"
    assert board.type("update file ../boot.py")[0] == "error: update: '../boot.py' is no file's name inside the slot"
    assert board.type("update file /boot.py")[-1].startswith("error")
    assert board.type("update hop")[0] == "error: update takes begin, file NAME, put BASE64 or stage"
    assert not board.nvs["boot"] & TRIAL


def test_a_file_that_the_manifest_does_not_name_is_refused():
    board = air("extra")
    board.type("update begin")
    board.type("update file os.py")
    files = dict(FILES)
    names = sorted(files)
    manifest = Manifest(0x000200, 0, [(name, sha256(files[name]).digest()) for name in names]).sign(KEY)
    for name in names + [MANIFEST_NAME]:
        board.type("update file " + name, 300)
        data = manifest if name == MANIFEST_NAME else files[name]
        for at in range(0, len(data), 512):
            board.type("update put " + b2a_base64(data[at : at + 512]).decode().strip(), 300)
    assert "os.py is not in the manifest" in board.type("update stage")[0]
