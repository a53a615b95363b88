"""Clock, wires, buses and air of a simulated board: as MicroPython documents them, and no kinder than hardware."""

import json

import pytest

from simulator.chips.air import Arrival, Emission, OpenAir, symbol_us
from simulator.chips.clock import Clock
from simulator.chips.i2c import ENODEV, ETIMEDOUT, I2cBus, RegisterChip
from simulator.chips.lora import Receiver, Tuning
from simulator.chips.spi import SpiBus
from simulator.chips.uart import UartLine
from simulator.chips.wire import Wire
from tests.micropython.compile import REPOSITORY


def test_what_is_planned_happens_in_order_while_somebody_sleeps():
    clock = Clock()
    seen = []
    clock.at(300, lambda: seen.append((clock.now_us, "c")))
    clock.at(100, lambda: (seen.append((clock.now_us, "a")), clock.at(50, lambda: seen.append((clock.now_us, "late")))))
    clock.at(300, lambda: seen.append((clock.now_us, "d")))
    assert clock.next_us() == 100
    clock.sleep_us(299)
    assert seen == [(100, "a"), (100, "late")]
    clock.sleep_ms(1)
    assert seen[2:] == [(300, "c"), (300, "d")]
    assert (clock.now_us, clock.next_us()) == (1299, None)


def test_ticks_wrap_as_on_a_node():
    clock = Clock((1 << 30) - 10)
    before = clock.ticks_us()
    clock.sleep_us(25)
    assert clock.ticks_us() == 15
    assert clock.ticks_diff(clock.ticks_us(), before) == 25
    assert clock.ticks_diff(before, clock.ticks_us()) == -25
    assert clock.ticks_add(before, 25) == 15


def test_a_wire_tells_both_ends_of_edges_only():
    wire = Wire(1)
    chip, node = [], []
    wire.watch(chip.append)
    wire.irq(lambda pin: node.append(pin.value()), Wire.IRQ_FALLING)
    for level in (1, 0, 0, 1):
        wire.value(level)
    for level in (1, 0, 0, 1, 0):
        wire.drive(level)
    assert (chip, node) == ([0, 1], [0, 0])


def test_nobody_on_the_bus():
    clock = Clock()
    assert SpiBus(clock).read(2) == b"\xff\xff"
    assert clock.now_us == 2
    bus = I2cBus(clock)
    bus.attach(0x10, RegisterChip())
    assert bus.scan() == [0x10]
    for trouble, number in (("silent", ENODEV), ("stuck", ETIMEDOUT)):
        bus.silent = {0x10} if trouble == "silent" else set()
        bus.stuck = trouble == "stuck"
        with pytest.raises(OSError, match=str(number)) as raised:
            bus.readfrom_mem(0x10, 0, 1)
        assert raised.value.args == (number,)


def test_registers_go_on_by_themselves():
    bus = I2cBus(Clock())
    bus.attach(0x10, RegisterChip())
    bus.writeto_mem(0x10, 0xFE, b"\x01\x02\x03")
    assert bus.readfrom_mem(0x10, 0xFE, 3) == b"\x01\x02\x03"
    assert bus.readfrom_mem(0x10, 0x00, 1) == b"\x03"


class Echo:
    baud = 9600

    def __init__(self, line):
        self.line = line
        line.attach(self)

    def receive(self, data):
        self.line.send(data)


def test_a_serial_line_takes_its_time_and_overflows():
    clock = Clock()
    line = UartLine(clock, 9600)
    Echo(line)
    line.write(b"0123456789")
    clock.sleep_ms(20)
    assert 7 <= line.any() <= 9
    clock.sleep_ms(2)
    assert line.read(3) == b"012"
    assert line.read() == b"3456789"
    assert line.read() is None
    line.write(bytes(300))
    clock.sleep_ms(1000)
    assert (line.any(), line.overruns) == (256, 44)


def test_ends_of_other_speeds_understand_nothing():
    clock = Clock()
    line = UartLine(clock, 4800)
    Echo(line)
    line.write(b"abc")
    clock.sleep_ms(100)
    assert line.read() == b"abc"  # what was garbled twice: the echo's own end never saw it
    chip = Echo(line)
    heard = []
    chip.receive = heard.append
    line.write(b"abc")
    clock.sleep_ms(100)
    assert heard == [bytes(byte ^ 0xA5 for byte in b"abc")]


def test_time_on_air_is_what_others_publish():
    """Computed apart from protocol/airtime.py; the vectors are its own (tests/data/airtime.json)."""
    vectors = json.loads((REPOSITORY / "tests/data/airtime.json").read_text(encoding="utf-8"))["lora"]
    count = 0
    for group in vectors:
        for phy_len, sf, bw_hz, rate, preamble, header, crc, low_data_rate, air_us in group["cases"]:
            emission = Emission(
                bytes(phy_len),
                868_100_000,
                sf,
                bw_hz,
                coding_rate=rate,
                preamble=preamble,
                explicit=header,
                crc=crc,
                low_data_rate=low_data_rate,
            )
            assert emission.airtime_us == air_us, group["source"]
            count += 1
    assert count == 63


class Ear:
    """A chip around a receiver, which notes what it is told."""

    def __init__(self):
        self.clock = Clock()
        self.air = OpenAir(self.clock)
        self.receiver = Receiver(self.clock, self.air, self)
        self.told = []

    def open(self, symbols=0, timer_us=0, stop_on_lock=False):
        self.receiver.open(tuning(), symbols, timer_us, stop_on_lock)

    def on_lock(self):
        self.told.append("lock")

    def on_header(self, ok):
        self.told.append("header" if ok else "no header")

    def on_frame(self, arrival, payload, crc_ok):
        self.told.append((payload, crc_ok))

    def on_timeout(self):
        self.told.append("timeout")

    def spoils(self, emission):
        return False


def tuning(**other):
    given = {"inverted_iq": False, "sync_word": 0x34, "explicit": True, "crc": True, "low_data_rate": False} | other
    return Tuning(868_100_000, 9, 125_000, length=255, **given)


def frame(at_us, payload=b"frame", **how):
    return Emission(payload, 868_100_000, 9, 125_000, at_us, **how)


SYMBOL = symbol_us(9, 125_000)


@pytest.mark.parametrize(
    ("late_us", "told"),
    [
        (2 * SYMBOL, ["lock", "header", (b"frame", True)]),
        (2 * SYMBOL + 1, ["timeout"]),  # 4 of 6 symbols are not left
        (-4 * SYMBOL, ["lock", "header", (b"frame", True)]),
        (-4 * SYMBOL - 1, ["timeout"]),  # 4 of 8 are not left
    ],
)
def test_a_window_of_six_symbols_needs_four_of_a_preamble(late_us, told):
    ear = Ear()
    ear.clock.run(1_000_000)
    emission = frame(ear.clock.now_us + late_us)
    if late_us < 0:
        ear.air.let_arrive(Arrival(emission))
    ear.open(symbols=6)
    ear.clock.at(emission.start_us, lambda: late_us >= 0 and ear.air.let_arrive(Arrival(emission)))
    ear.clock.run(3_000_000)
    assert ear.told == told


def test_the_first_of_two_is_heard():
    ear = Ear()
    ear.open()
    ear.air.let_arrive(Arrival(frame(0, b"one")))
    ear.clock.run(30_000)
    ear.air.let_arrive(Arrival(frame(30_000, b"two")))
    ear.clock.run(3_000_000)
    assert ear.told == ["lock", "header", (b"one", True)]


@pytest.mark.parametrize(("stop_on_lock", "told"), [(False, ["lock", "timeout"]), (True, ["lock"])])
def test_a_foreign_lock_takes_the_symbols_time_out_but_not_the_timer(stop_on_lock, told):
    ear = Ear()
    ear.open(symbols=6, timer_us=40 * SYMBOL, stop_on_lock=stop_on_lock)
    ear.air.let_arrive(Arrival(frame(0, sync_word=0x12)))
    ear.clock.run(10_000_000)
    assert ear.told == told


def test_a_header_stops_the_timer():
    ear = Ear()
    ear.open(timer_us=21 * SYMBOL)
    ear.air.let_arrive(Arrival(frame(0, bytes(200))))
    ear.clock.run(10_000_000)
    assert ear.told == ["lock", "header", (bytes(200), True)]


def test_frames_that_are_not_as_expected():
    for how, changed, crc_ok in (
        ({}, b"frame", True),
        ({}, b"frXme", False),
        ({"crc": False}, b"frXme", True),  # nobody can know
        ({"low_data_rate": True}, None, False),
    ):
        ear = Ear()
        ear.open()
        ear.air.let_arrive(Arrival(frame(0, **how), payload=changed))
        ear.clock.run(3_000_000)
        assert ear.told[-1][1] is crc_ok
    ear = Ear()
    ear.open()
    ear.air.let_arrive(Arrival(frame(0, explicit=False)))
    ear.clock.run(3_000_000)
    assert ear.told == ["lock", "no header"]


def test_closed_it_hears_nothing_and_plans_nothing():
    ear = Ear()
    ear.open(symbols=6, timer_us=1_000_000)
    ear.air.let_arrive(Arrival(frame(0)))
    ear.receiver.close()
    ear.clock.run(3_000_000)
    assert ear.told == []
