"""A board's machinery: time, sleep, reset, power, and what each of them leaves."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.board.board import DEEP_SLEEP, HARD, POWER_ON, SOFT, WATCHDOG, FirmwareError, State
from simulator.board.power import Cut
from simulator.board.process import Host, HostError
from tests.board.conftest import Bench, lines

COUNTS = """
import esp32, machine
flash = esp32.NVS("test")
try:
    count = flash.get_i32("count")
except OSError as error:
    count = 0
print(machine.reset_cause(), count, machine.RTC().memory())
"""
WRITES = (
    COUNTS
    + """
try:
    print(open("/log").read())
except OSError as error:
    print(error)

def turn():
    with open("/log", "a") as log:
        log.write("abcd")
    flash.set_i32("count", count + 1)
    flash.commit()
    print("written")
    machine.lightsleep()
"""
)


def test_deep_sleep_begins_the_interpreter_anew_and_keeps_what_it_must(bench):
    board = bench.board(
        COUNTS
        + """
try:
    print(left)
except NameError as error:
    print(error)
left = 1

def turn():
    flash.set_i32("count", count + 1)
    flash.commit()
    machine.RTC().memory(b"kept")
    machine.deepsleep(60_000)
    print("never")
"""
    )
    bench.run(62)
    gone = "name 'left' isn't defined"
    assert lines(board) == ["1 0 b''", gone, "4 1 b'kept'", gone]
    assert [cause for _, cause in board.boots] == [POWER_ON, DEEP_SLEEP]
    assert board.boots[1][0] - board.boots[0][0] == pytest.approx(60_700_000, abs=500)
    assert board.state is State.DEEP
    board.switch_off()
    board.switch_on()
    bench.run(1)
    assert lines(board)[0] == "1 2 b''"  # RTC memory goes with the power


def test_what_was_not_committed_is_lost_with_a_reset(bench):
    board = bench.board(
        COUNTS
        + """
def turn():
    flash.set_i32("count", 7)
    file = open("/log", "w")
    file.write("lost")
    machine.reset()
"""
    )
    bench.run(1.6)
    assert lines(board) == ["1 0 b''", "2 0 b''"]
    assert board.boots[1][1] == HARD
    board.switch_off()
    assert board.files()["/log"] == b""  # making it is whole by itself


def test_a_hang_is_ended_by_the_watchdog_whatever_catches_it(bench):
    board = bench.board(
        """
import machine, time
print(machine.reset_cause())
watchdog = machine.WDT(timeout=5000)

def turn():
    while True:
        try:
            while True:
                time.ticks_ms()
        except BaseException as error:
            print("caught", error)
        finally:
            print("finally")
"""
    )
    bench.run(6.5)
    assert lines(board) == ["1", "3"]
    assert board.brought_down == ["watchdog"]
    assert board.boots[1] == (pytest.approx(6_400_000, abs=2_000), WATCHDOG)


def test_the_watchdog_looks_on_in_a_sleep_but_not_in_a_light_one(bench):
    main = """
import machine, time
watchdog = machine.WDT(timeout=1000)

def turn():
    watchdog.feed()
    SLEEP
"""
    light = bench.board(main.replace("SLEEP", "machine.lightsleep(5000)"))
    awake = bench.board(main.replace("SLEEP", "time.sleep_ms(5000)"))
    bench.run(20)
    assert [cause for _, cause in light.boots] == [POWER_ON]
    assert [cause for _, cause in awake.boots[:3]] == [POWER_ON, WATCHDOG, WATCHDOG]


@pytest.mark.parametrize("how", list(Cut))
@pytest.mark.parametrize("write", range(3))  # the file is made, it is closed, NVS is committed
def test_power_goes_in_the_midst_of_any_write(how, write):
    with Bench(1) as bench:
        board = bench.board(WRITES)
        board.writes.cut_at(write, how)
        bench.run(2)
        assert board.state is State.OFF
        assert lines(board) == ["1 0 b''", "[Errno 2] ENOENT"]
        log = [b for name, b in board.files().items() if name == "/log"]
        done = write + (how is Cut.AFTER)
        torn = how is Cut.TORN and write == 1
        assert log == ([] if done == 0 else [b"ab"] if torn else [b""] if done == 1 else [b"abcd"])
        assert board.nvs.read("test", "count") == (1 if done == 3 else None)
        board.switch_on()
        bench.run(1)
        assert lines(board)[0] == f"1 {int(done == 3)} b''"


def test_time_passes_in_virtual_time_and_goes_on_through_deep_sleep(bench):
    board = bench.board(
        """
import machine, time
print(time.time_ns() // 1_000_000, time.ticks_ms())

def turn():
    begun = time.ticks_us()
    time.sleep_us(250)
    time.sleep_ms(20)
    print(time.ticks_diff(time.ticks_us(), begun) // 100)
    machine.deepsleep(1_000)
"""
    )
    bench.run(2.5)
    assert lines(board) == ["700 0", "202", "2420 0", "202"]


def test_a_light_sleep_ends_with_its_pin(bench):
    board = bench.board(
        """
import esp32, machine, time
pin = machine.Pin(4, machine.Pin.IN)
esp32.wake_on_ext0(pin, 1)
pin.irq(lambda pin: print("irq", time.ticks_ms()), machine.Pin.IRQ_RISING)

def turn():
    machine.lightsleep(60_000)
    print(time.ticks_ms(), machine.wake_reason())
    time.sleep(100)
"""
    )
    bench.timeline.at(10_700_000, lambda: (board.hardware.pin(4).drive(1), board.stirred()))
    bench.run(12)
    assert board.state is State.BUSY
    assert lines(board) == ["irq 10000", "10000 2"]


def test_interrupts_and_timers_are_handled_in_the_midst_of_a_sleep(bench):
    board = bench.board(
        """
import machine, time
pin = machine.Pin(4, machine.Pin.IN)
pin.irq(lambda pin: print("irq", time.ticks_ms(), pin.value()))
timer = machine.Timer(0, period=400, callback=lambda timer: print("timer", time.ticks_ms()))
time.sleep_ms(1000)
print(time.ticks_ms())
"""
    )
    for at_us, level in ((1_000_000, 1), (1_200_000, 0)):
        board.clock.at(at_us, lambda level=level: board.hardware.pin(4).drive(level))
    bench.run(1.75)
    assert lines(board)[:5] == ["irq 300 1", "timer 400", "irq 500 0", "timer 800", "1000"]
    assert board.state is State.IDLE  # there is no turn() to call


def test_a_timer_goes_on_after_a_light_sleep_in_which_it_is_noted_once(bench):
    board = bench.board(
        """
import machine, time
timer = machine.Timer(0, period=400, callback=lambda timer: print("timer", time.ticks_ms()))

def turn():
    machine.lightsleep(1000)
    print("woken", time.ticks_ms())
    time.sleep_ms(500)
    machine.lightsleep()
"""
    )
    bench.run(3)
    assert lines(board) == ["timer 1000", "woken 1000", "timer 1200"]
    assert board.state is State.LIGHT


@pytest.mark.parametrize("how", ["lightsleep", "deepsleep"])
def test_a_sleep_of_no_time_has_no_end_as_on_a_real_board(bench, how):
    board = bench.board(f"import machine\n\n\ndef turn():\n    machine.{how}(0)\n    print('woken')\n")
    bench.run(5)
    assert (lines(board), len(board.boots)) == ([], 1)


def test_numbers_and_bytes_cross_whole(bench):
    board = bench.board(
        """
import cryptolib, esp32, machine
flash = esp32.NVS("test")
for value in (-(1 << 31), -1, 0, (1 << 30) + 5, (1 << 31) - 1):
    flash.set_i32("v", value)
    assert flash.get_i32("v") == value, value
try:
    flash.set_i32("v", 1 << 31)
except OverflowError:
    pass
data = bytes(range(256)) * 7
flash.set_blob("b", memoryview(data)[3:])
room = bytearray(2000)
assert room[: flash.get_blob("b", room)] == data[3:]
machine.RTC().memory(data)
assert machine.RTC().memory() == data
print(cryptolib.aes(bytes(range(16)), 1).encrypt(data[:32]).hex())
try:
    flash.get_blob("v", room)
except OSError as error:
    print(error.errno)
try:
    open("/none")
except OSError as error:
    print(error.errno)
"""
    )
    bench.run(1)
    data = bytes(range(32))
    cipher = Cipher(algorithms.AES(bytes(range(16))), modes.ECB()).encryptor()
    assert lines(board)[:3] == [cipher.update(data).hex(), "-4354", "2"]


def test_a_board_that_waits_holds_up_no_other(bench):
    slow = bench.board("import time\ntime.sleep(10)\nprint('slow', time.ticks_ms())\n")
    quick = bench.board("import time\nfor _ in range(3):\n    time.sleep(2)\n    print(time.ticks_ms())\n")
    bench.run(5)
    assert lines(quick) == ["2000", "4000"]
    assert lines(slow) == []
    bench.run(6)
    assert lines(slow)[:1] == ["slow 10000"]


def test_an_exception_that_leaves_the_firmware_is_the_simulators_too(bench):
    bench.board("def turn():\n    raise ValueError('x')\n")
    with pytest.raises(FirmwareError, match=r"(?s)bench: .*ValueError: x"):
        bench.run(1)


def test_what_is_typed_reaches_the_firmware_and_ctrl_c_ends_it(bench):
    board = bench.board(
        """
import machine, select, sys
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)

def turn():
    while poll.poll(0):
        print("got", sys.stdin.buffer.read(1))
    machine.lightsleep(100)
"""
    )
    bench.run(1)
    board.type(b"hi")
    bench.run(1)
    assert lines(board) == ["got b'h'", "got b'i'"]
    board.type(b"\x03print(6*7)\r\x04")
    bench.run(1)
    said = lines(board)
    assert "KeyboardInterrupt: " in said
    assert "42" in said
    assert "MPY: soft reboot" in said
    assert board.boots[-1][1] == SOFT
    assert board.state is State.LIGHT


def test_a_prompt_after_a_power_cut_remembers_nothing_of_the_one_before(bench):
    board = bench.board("")
    bench.run(1)
    board.type(b"\x01\x05")  # raw mode, and the first byte of what asks for raw-paste
    board.switch_off()
    board.switch_on()
    bench.run(1)
    board.printed.clear()
    board.type(b"\x01print(6*7)\x04")
    bench.run(1)
    assert b"OK42\r\n\x04\x04>" in board.printed


def test_without_node_or_its_package_a_sentence_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("LAMPYRE_MICROPYTHON", str(tmp_path))
    with pytest.raises(HostError, match="npm install"):
        Host()
    monkeypatch.delenv("LAMPYRE_NODE", raising=False)
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(HostError, match=r"Node\.js"):
        Host()
