"""The radio chips as bytes on SPI, by hand from their datasheets, without our drivers between."""

from simulator.chips.air import Arrival, Emission, OpenAir
from simulator.chips.clock import Clock
from simulator.chips.spi import SpiBus
from simulator.chips.sx1262 import Sx1262
from simulator.chips.sx1276 import Sx1276
from simulator.chips.wire import Wire

LORA_TX = (  # SX1262 with a crystal: packet type, 868.1 MHz, amplifier, power, SF7 125 kHz, packet of 3, buffer
    "8a 01",
    "86 36 41 99 99",
    "95 04 07 00 01",
    "8e 16 04",
    "8b 07 04 01 00",
    "8c 00 08 00 03 01 00",
    "0e 00 41 42 43",
    "0d 08 89 05",
    "0d 08 d8 de",
    "9d 01",
    "08 02 63 02 63 00 00 00 00",
)


class Bench:
    def __init__(self, **board):
        self.clock = Clock()
        self.air = OpenAir(self.clock)
        self.cs, self.reset, self.busy, self.dio = Wire(1), Wire(1), Wire(), Wire()
        self.spi = SpiBus(self.clock)
        self.chip = self.make(**board)
        self.spi.attach(self.cs, self.chip)
        self.clock.sleep_ms(20)

    def say(self, text):
        """Bytes in hexadecimal; returns what came back, as hexadecimal."""
        out = bytes.fromhex(text)
        back = bytearray(len(out))
        self.cs.value(0)
        self.spi.write_readinto(out, back)
        self.cs.value(1)
        self.clock.sleep_us(5)
        return back.hex(" ")


class Bench1262(Bench):
    def make(self, **board):
        return Sx1262(self.clock, self.air, self.reset, self.busy, self.dio, **({"tcxo_mv": 0} | board))

    def set_up(self):
        for command in LORA_TX:
            self.say(command)


class Bench1276(Bench):
    def make(self, **board):
        return Sx1276(self.clock, self.air, self.reset, self.dio, **board)


def test_sx1262_registers_at_reset():
    """DS 12.1: sync word 0x1424, IQ polarity 0x0d, RX gain 0x94, OCP of an SX1262."""
    bench = Bench1262()
    assert bench.say("1d 07 40 00 00 00")[-5:] == "14 24"
    assert bench.say("1d 07 36 00 00")[-2:] == "0d"
    assert bench.say("1d 08 ac 00 00")[-2:] == "94"
    assert bench.say("1d 08 e7 00 00")[-2:] == "38"
    assert bench.say("c0 00")[-2:] == "20"  # STDBY_RC (DS table 13-76)


def test_sx1262_buffer_is_a_ring():
    bench = Bench1262()
    bench.say("0e fe 01 02 03 04")
    assert bench.say("1e fe 00 00 00 00 00")[9:] == "01 02 03 04"
    assert bench.say("1e 00 00 00 00")[9:] == "03 04"


def test_sx1262_sends_what_its_registers_say():
    bench = Bench1262()
    bench.set_up()
    bench.say("83 00 00 00")
    bench.clock.sleep_us(200)
    assert bench.say("c0 00")[-2:] == "60"  # TX
    bench.clock.sleep_ms(100)
    (frame,) = bench.air.sent
    assert (frame.payload, frame.sf, frame.bw_hz, frame.power_dbm) == (b"ABC", 7, 125_000, 22)
    assert abs(frame.freq_hz - 868_100_000) <= 1
    assert frame.airtime_us == 30_976  # Semtech's calculator: 1 to 3 bytes with CRC at SF7
    assert (frame.sync_word, frame.flaws) == (0x12, ())
    assert bench.dio.level == 1
    assert bench.say("12 00 00 00")[-5:] == "00 01"
    bench.say("02 00 01")
    assert bench.dio.level == 0
    assert bench.chip.breaches == []


def test_sx1262_says_what_is_wrong_with_a_signal():
    for command, section in (
        ("0d 08 89 01", "15.1"),
        ("0d 08 d8 c8", "15.2"),
        ("0d 07 36 09", "15.4"),
        ("9d 00", "13.3.5"),
        ("95 04 07 01 01", "13.1.14"),
        ("8e 17 04", "13.4.4"),
        ("0d 08 e7 18", "13.1.14"),
    ):
        bench = Bench1262()
        bench.set_up()
        bench.say(command)
        bench.say("83 00 00 00")
        bench.clock.sleep_ms(100)
        flaws = bench.air.sent[-1].flaws
        assert len(flaws) >= 1
        assert any(section in flaw for flaw in flaws), (command, flaws)


def test_sx1262_loses_what_comes_while_it_is_busy():
    bench = Bench1262()
    bench.say("89 7f")
    assert bench.busy.value() == 1
    bench.say("9d 01")
    assert "BUSY" in bench.chip.breaches[0]
    bench.clock.sleep_ms(10)
    assert bench.busy.value() == 0


def test_sx1262_sleeps_warm_and_cold():
    for command, kept in (("84 04", "34"), ("84 00", "14")):
        bench = Bench1262()
        bench.say("0d 07 40 34 44")
        bench.say(command)
        assert bench.busy.value() == 1
        bench.clock.sleep_ms(100)
        assert bench.chip.current_na() < 1_000
        bench.say("c0 00")  # wakes it, and is lost
        bench.clock.sleep_ms(5)
        assert bench.say("1d 07 40 00 00")[-2:] == kept
        assert bench.chip.breaches == []


def test_sx1262_without_its_tcxo_goes_nowhere():
    bench = Bench1262(tcxo_mv=1800)
    assert bench.say("17 00 00 00")[-5:] == "00 20"  # XOSC_START_ERR since power-on
    bench.set_up()
    bench.say("82 00 00 00")
    bench.clock.sleep_ms(10)
    assert bench.say("c0 00")[-2:] in ("20", "2a")
    bench.say("97 02 00 01 40")  # 1.8 V, 5 ms
    bench.say("07 00 00")
    bench.say("89 7f")
    bench.clock.sleep_ms(20)
    assert bench.say("17 00 00 00")[-5:] == "00 00"
    bench.say("82 00 00 00")
    assert bench.busy.value() == 1
    bench.clock.sleep_ms(6)
    assert bench.say("c0 00")[-2:] == "50"  # RX


def test_sx1262_receives_into_its_buffer_and_tells_where():
    bench = Bench1262()
    bench.set_up()
    bench.say("98 d7 db")
    bench.clock.sleep_ms(5)
    bench.say("8f 00 80")
    bench.say("8c 00 08 00 ff 00 00")
    bench.say("82 ff ff ff")
    for payload, where in ((b"abc", "80"), (b"defgh", "83")):
        bench.clock.sleep_ms(1)
        arrival = Arrival(Emission(payload, 868_100_000, 7, 125_000, bench.clock.now_us, sync_word=0x12), -90, -21)
        bench.air.let_arrive(arrival)
        bench.clock.sleep_ms(100)
        assert bench.say("13 00 00 00")[-5:] == f"{len(payload):02x} {where}"
        assert bench.say(f"1e {where} 00" + " 00" * len(payload))[9:] == payload.hex(" ")
        assert bench.say("14 00 00 00 00")[6:] == "b4 eb b4"  # −90 dBm, −5.25 dB
    assert bench.chip.breaches == []


def test_sx1262_says_what_its_datasheet_forbids():
    for commands, section in (
        (("82 00 00 00", "84 04"), "13.1.1"),
        (("c1", "89 7f"), "13.1.12"),
        (("83 00 00 01",), "13.1.4"),
        (("82 00 00 00",), "9.2.1"),
        (("8b 0c 04 01 00", "83 00 00 00"), "6.1.1.4"),
        (("ee 00",), "not in DS 11"),
        (("97 02 00 01 40", "82 00 00 00"), "crystal"),
    ):
        bench = Bench1262()
        bench.set_up()
        for command in commands:
            bench.say(command)
            bench.clock.sleep_ms(2)
        bench.clock.sleep_ms(3_000)
        assert any(section in breach for breach in bench.chip.breaches), (commands, bench.chip.breaches)
    bench = Bench1262()
    bench.say("83 00 00 00")
    assert "GFSK" in bench.chip.breaches[0]


def test_breaches_are_bounded():
    bench = Bench1262()
    for _ in range(1000):
        bench.say("ee 00")
    assert len(bench.chip.breaches) == 50


def test_sx1276_fifo_and_registers():
    bench = Bench1276()
    assert bench.say("42 00")[-2:] == "12"
    bench.say("81 00")
    bench.say("81 80")
    bench.say("81 81")
    bench.say("8d 10")
    bench.say("80 01 02 03")
    assert bench.say("0d 00")[-2:] == "13"
    bench.say("8d 10")
    assert bench.say("00 00 00 00")[3:] == "01 02 03"
    bench.say("86 d9 06 66")
    assert bench.say("06 00 00 00")[3:] == "d9 06 66"
    bench.say("c2 55")
    assert bench.say("42 00")[-2:] == "12"  # read only
    assert bench.chip.breaches == []


def test_sx1276_says_what_its_datasheet_forbids():
    for commands, words in (
        (("81 81",), "outside sleep"),
        (("81 00", "81 80", "0d 00", "00 00"), "FIFO in sleep"),
        (("81 00", "81 80", "81 81", "86 d9 06 66", "81 85"), "image calibrated"),
        (("81 00", "81 80", "81 81", "cd 87", "81 85"), "+20 dBm"),
        (("81 00", "81 80", "81 81", "81 85"), "EN 2.3"),
        (("81 00", "81 80", "81 81", "cb 19", "81 85"), "RegTcxo"),
        (("81 00", "81 80", "81 81", "9f 03", "81 86"), "SymbTimeout"),
        (("81 00", "81 80", "81 81", "9e c4", "81 83"), "LowDataRateOptimize"),
    ):
        bench = Bench1276()
        for command in commands:
            bench.say(command)
        bench.clock.sleep_ms(5)
        assert any(words in breach for breach in bench.chip.breaches), (commands, bench.chip.breaches)


def test_sx1276_flags_are_cleared_by_ones_and_mapped_to_dio0():
    bench = Bench1276()
    for command in ("81 00", "81 80", "81 81", "a2 01", "c0 40", "81 83"):
        bench.say(command)
    bench.clock.sleep_ms(100)
    assert bench.dio.level == 1
    assert bench.say("12 00")[-2:] == "08"
    bench.say("92 ff")
    assert bench.dio.level == 0
    assert bench.say("01 00")[-2:] == "81"  # standby, by itself
