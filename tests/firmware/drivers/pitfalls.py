"""Pitfalls of the chips, planted into our drivers one at a time: for each one some driver test must turn red.

`python -m tests.firmware.drivers.pitfalls` prints which. A pitfall is a patch of a driver's source; it comes from the
datasheets' errata, from other people's drivers (numbers in brackets are those of the list of ten found in a public
MicroPython driver), or from what a tired hand would write.
"""

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
_PACKAGE = "tests.firmware.drivers"

# driver: the tests that may notice.
TESTS = {
    "sx1262": ("test_sx1262", "test_radios"),
    "sx1276": ("test_sx1276", "test_radios"),
    "mmc5983ma": ("test_magnetometers",),
    "lis3mdl": ("test_magnetometers",),
    "pms5003": ("test_air_sensors",),
    "scd41": ("test_air_sensors",),
    "bme280": ("test_air_sensors",),
    "a02yyuw": ("test_distance",),
    "bl0942": ("test_lamp",),
    "bh1750": ("test_lamp",),
    "dimmer": ("test_lamp",),
    "dali": ("test_lamp",),
    "battery": ("test_lamp",),
    "axp": ("test_power",),
}

# driver, what goes wrong, the text in its source, and what stands there instead.
PITFALLS = (
    (
        "sx1262",
        "[1] IQ polarity the wrong way round (DS 15.4)",
        "polarity & 0xFB if invert_iq else polarity | 4",
        "polarity | 4 if invert_iq else polarity & 0xFB",
    ),
    (
        "sx1262",
        "[1] IQ polarity written only when it changes, though SetPacketParams resets it",
        "        polarity = self._register(_IQ_POLARITY)",
        """        polarity = self._register(_IQ_POLARITY)
        if self.__dict__.get("iq") == invert_iq:
            return
        self.iq = invert_iq""",
    ),
    ("sx1262", "[2] CRC always on", "buffer[5] = 1 if crc else 0", "buffer[5] = 1"),
    ("sx1262", "[2] implicit header ignored", "buffer[3] = 1 if implicit else 0", "buffer[3] = 0"),
    ("sx1262", "[3] no SetRegulatorMode: twice the current to listen", r'self._write(b"\x96\x01")', "pass"),
    ("sx1262", "[4] no SetLoRaSymbNumTimeout: windows three times as long", "self._count(symbols)", "pass"),
    (
        "sx1262",
        "[4] the timer leaves no room for a header after the last symbol",
        "(symbols + _HEADER_SYMBOLS)",
        "symbols",
    ),
    ("sx1262", "[5] no CalibrateImage", r'self._write(b"\x98\xd7\xdb")', "pass"),
    ("sx1262", "[5] the image of another band", r"\x98\xd7\xdb", r"\x98\xe1\xe9"),
    ("sx1262", "[7] power beyond the field's range", "self._max_dbm, _TOP_POWER)", "99)"),
    (
        "sx1262",
        "[11] time of the interrupt in whole ms",
        "self.end_us = self._clock.ticks_us()",
        "self.end_us = self._clock.ticks_us() // 1000 * 1000",
    ),
    ("sx1262", "frames with a wrong CRC pass: not among the interrupts", r"\x02\x63\x02\x63", r"\x02\x23\x02\x23"),
    ("sx1262", "frames with a wrong CRC pass: not looked at", "SPOILT if irq & _CRC_ERR else HEARD", "HEARD"),
    ("sx1262", "headers that cannot be read are not noticed", r"\x02\x63\x02\x63", r"\x02\x43\x02\x43"),
    ("sx1262", "interrupts do not reach DIO1", r"\x02\x63\x02\x63", r"\x02\x63\x00\x00"),
    ("sx1262", "private sync word", "_SYNC_LORAWAN = const(0x3444)", "_SYNC_LORAWAN = const(0x1424)"),
    ("sx1262", "sync word as an SX1276 has it", "_SYNC_LORAWAN = const(0x3444)", "_SYNC_LORAWAN = const(0x0034)"),
    ("sx1262", "TCXO not powered", "if self._tcxo is not None:", "if False:"),
    ("sx1262", "TCXO given no time", "steps = self._tcxo_us * 64 // 1000", "steps = 0"),
    ("sx1262", "XOSC_START_ERR of power-on not cleared", r'self._write(b"\x07\x00\x00")', "pass"),
    ("sx1262", "no calibration once the TCXO runs", r'self._write(b"\x89\x7f")', "pass"),
    ("sx1262", "DIO2 does not turn the antenna", "if self._dio2_switch:", "if False:"),
    ("sx1262", "BUSY not looked at", "if not self._busy.value():\n            return", "if True:\n            return"),
    ("sx1262", "waits for BUSY for ever", "> _BUSY_MS * 1000", "> 1 << 40"),
    (
        "sx1262",
        "low data rate optimisation missing",
        "1 if symbol_us(sf, bw_hz) >= _LOW_DATA_RATE_US else 0",
        "0",
    ),
    (
        "sx1262",
        "low data rate optimisation by spreading factor alone",
        "_LOW_DATA_RATE_US = const(16_000)",
        "_LOW_DATA_RATE_US = const(8_000)",
    ),
    ("sx1262", "TX modulation not set (DS 15.1)", "self._set_register(_TX_MODULATION,", "len("),
    (
        "sx1262",
        "TX modulation the wrong way round (DS 15.1)",
        "modulation & 0xFB if bw_hz == 500_000",
        "modulation & 0xFB if bw_hz != 500_000",
    ),
    ("sx1262", "the amplifier's clamp as it was (DS 15.2)", "| 0x1E)", "| 0)"),
    (
        "sx1262",
        "over-current protection of an SX1261",
        "self._set_register(_OCP, 0x38)",
        "self._set_register(_OCP, 0x18)",
    ),
    ("sx1262", "amplifier of an SX1261", "self._buffer[3] = 0  # SX1262", "self._buffer[3] = 1"),
    (
        "sx1262",
        "power not reckoned from the amplifier's top",
        "_TOP_POWER - (top - min(power_dbm, top))",
        "power_dbm",
    ),
    ("sx1262", "gain of the board's amplifier forgotten", "power_dbm - self._gain_db", "power_dbm"),
    ("sx1262", "a preamble stops the window's timer", r'self._write(b"\x9f\x00")', r'self._write(b"\x9f\x01")'),
    ("sx1262", "implicit header: the timer runs on (DS 15.3)", "self._set_register(_RTC_CONTROL, 0)", "pass"),
    ("sx1262", "implicit header: length not read from 0x0702", "if self._implicit:", "if False:"),
    ("sx1262", "RxStartBufferPointer ignored", "self._command(0x1E, where & 0xFF)", "self._command(0x1E, 0)"),
    ("sx1262", "longest payload left as the last frame's", "length or _LONGEST, False", "length or 1, False"),
    (
        "sx1262",
        "symbols of a window still count in class C",
        "        self._count(symbols)\n",
        "        if symbols:\n            self._count(symbols)\n",
    ),
    (
        "sx1262",
        "class C listens for one frame only",
        "self._go[1] = self._go[2] = self._go[3] = 0xFF",
        "self._go[1] = self._go[2] = self._go[3] = 0",
    ),
    ("sx1262", "248 symbols exceeded", "if symbols > _MOST_SYMBOLS:", "if False:"),
    ("sx1262", "sleep that forgets", r"\x84\x04", r"\x84\x00"),
    (
        "sx1262",
        "SetSleep outside standby",
        "            return\n        self._rest()\n        if self._rx_enable",
        "            return\n        if self._rx_enable",
    ),
    ("sx1262", "woken within 500 us of SetSleep", "self._clock.sleep_us(600)", "pass"),
    (
        "sx1262",
        "not woken by NSS before a command",
        "if self._asleep:\n            self._wake()",
        "self._asleep = False",
    ),
    (
        "sx1262",
        "takes a chip that has forgotten all for its own",
        "return self._register16(_SYNC_WORD) == _SYNC_LORAWAN",
        "return True",
    ),
    ("sx1262", "RX gain not on the retention list (DS 9.6)", r'self._write(b"\x0d\x02\x9f\x01\x08\xac")', "pass"),
    (
        "sx1262",
        "RXEN left high while sending",
        "self._rx_enable.value(0)\n        self._arm",
        "pass\n        self._arm",
    ),
    ("sx1262", "one time-out for all frames", "air_us + _TX_MARGIN_US", "1_000_000"),
    ("sx1262", "RSSI not halved", "-(status >> 9)", "-(status >> 8)"),
    ("sx1262", "SNR without its sign", "snr - 256 if snr > 127 else snr", "snr"),
    ("sx1262", "reset too short", "self._clock.sleep_us(200)  # DS 8.1: 100 us", "self._clock.sleep_us(50)"),
    ("sx1262", "a chip that is not there is not noticed", "if found != _SYNC_AT_RESET:", "if False:"),
    (
        "sx1262",
        "ticks compared although they wrap",
        "self._clock.ticks_diff(self._clock.ticks_us(), self._begun_us) <",
        "self._clock.ticks_us() - self._begun_us <",
    ),
    ("sx1262", "no end without an interrupt", "if not self.due_us or", "if True or"),
    ("sx1262", "the oscillator starts only when it matters", r'self._write(b"\x80\x01")', "pass"),
    ("sx1276", "[6] no more gain when asked for", "0x23 if self._boosted else 0x20", "0x20"),
    (
        "sx1276",
        "[7] 20 dBm into a field of four bits",
        "min(max(power_dbm - (5 if high else 2), 0), 15)",
        "power_dbm - 2",
    ),
    ("sx1276", "[8] RSSI of the other port", "- 157", "- 164"),
    ("sx1276", "[8] RSSI of weak frames not corrected", "strength += self.snr_quarter_db // 4", "pass"),
    ("sx1276", "LongRangeMode outside sleep", "        self._set(_OP_MODE, 0x00)\n", ""),
    ("sx1276", "image of 434 MHz", "        self._calibrate_image()\n", ""),
    ("sx1276", "RegTcxo of a TCXO on a board with a crystal", "0x19 if self._tcxo else 0x09", "0x19"),
    (
        "sx1276",
        "IQ inverted without RegInvertIQ2, listening",
        "self._set(_INVERT_IQ2, 0x19 if invert_iq else 0x1D)\n        self._set(_DIO",
        "self._set(_DIO",
    ),
    (
        "sx1276",
        "IQ inverted without RegInvertIQ2, sending",
        "self._set(_INVERT_IQ2, 0x19 if invert_iq else 0x1D)\n        self._set(_LEN",
        "self._set(_LEN",
    ),
    ("sx1276", "IQ for sending left as for listening", "self._set(_INVERT_IQ, 0x26 if invert_iq else 0x27)", "pass"),
    ("sx1276", "sensitivity at 500 kHz (EN 2.1)", "self._set(_WIDE1, 2 if wide else 3)", "pass"),
    ("sx1276", "spurious reception (EN 2.3)", "self._set(_DETECT, 0xC3 if wide else 0x43)", "pass"),
    ("sx1276", "intermediate frequency (EN 2.3)", "self._set(_IF_FREQ, 0x40)", "pass"),
    ("sx1276", "over-current protection too low for 20 dBm", "17 if high else 11", "11"),
    ("sx1276", "+20 dBm left on while listening", "self._set(_PA_DAC, 0x84)  # DS 5.4.3", "pass  # DS 5.4.3"),
    ("sx1276", "amplifier without an antenna", "0x80 | min(", "0x00 | min("),
    ("sx1276", "low data rate optimisation missing", "(0x08 if low_data_rate else 0)", "0"),
    ("sx1276", "CRC always on", "(4 if crc else 0)", "4"),
    ("sx1276", "frames with a wrong CRC pass", "SPOILT if irq & _CRC_ERROR else HEARD", "HEARD"),
    ("sx1276", "private sync word", "self._set(_SYNC_WORD, 0x34)", "pass"),
    ("sx1276", "upper bits of SymbTimeout dropped", " | symbols >> 8", ""),
    ("sx1276", "fewer symbols than the chip counts", "max(symbols, _LEAST_SYMBOLS)", "symbols and 3"),
    ("sx1276", "FIFO written from where it was", "        self._set(_FIFO_POINTER, 0)\n", ""),
    ("sx1276", "FIFO base left at 0x80", "        self._set(_FIFO_TX_BASE, 0)\n", ""),
    (
        "sx1276",
        "frames read from the FIFO's start",
        "self._set(_FIFO_POINTER, self._get(_FIFO_RX_AT))",
        "self._set(_FIFO_POINTER, 0)",
    ),
    ("sx1276", "TxDone not on DIO0", "self._set(_DIO_MAPPING, 0x40)", "self._set(_DIO_MAPPING, 0)"),
    ("sx1276", "a foreign preamble keeps the window open", "if symbols else 0", "* 100"),
    ("sx1276", "a frame that began in the window is cut", "if irq & _VALID_HEADER:", "if False:"),
    (
        "sx1276",
        "ticks compared although they wrap",
        "self._clock.ticks_diff(self._clock.ticks_us(), self._begun_us) >",
        "self._clock.ticks_us() - self._begun_us >",
    ),
    ("sx1276", "SNR without its sign", "snr - 256 if snr > 127 else snr", "snr"),
    ("sx1276", "interrupts not cleared", "self._set(_IRQ_FLAGS, _RX_DONE | _CRC_ERROR | _VALID_HEADER)", "pass"),
    ("sx1276", "SPI too soon after a reset", "self._clock.sleep_ms(10)", "self._clock.sleep_ms(1)"),
    ("sx1276", "a chip that is not there is not noticed", "if found != _CHIP:", "if False:"),
    ("sx1276", "a floating MISO is taken for all flags", "if irq == _NOBODY:", "if False:"),
    (
        "sx1276",
        "the window after which it should not listen on",
        "            if self._single:\n                self.standby()\n",
        "",
    ),
    ("mmc5983ma", "its own offset left in", "if not self._see(_RESET):", "if not self._see(_SET):"),
    ("mmc5983ma", "a magnet's mark not healed", "if not self._see(_SET):", "if not self._see(0):"),
    ("mmc5983ma", "SET and RESET without their pause", "self._clock.sleep_us(_PULSE_US)", "pass"),
    ("mmc5983ma", "read before it is done", "if status & done:", "if True:"),
    ("mmc5983ma", "16 bits of 18 at the scale of 18", "x << 2 | low >> 6", "x"),
    ("mmc5983ma", "waits for ever for a measurement", "range(_PATIENCE_MS)", "iter(int, 1)"),
    ("lis3mdl", "the threshold counts from zero", "_OFFSET | _GOES_ON, struct.pack", "0x33, struct.pack"),
    ("lis3mdl", "the offset of watching left in the field", "and chip.write(_OFFSET | _GOES_ON, _NO_OFFSET)", ""),
    ("lis3mdl", "addresses that do not go on", "_GOES_ON = const(0x80)", "_GOES_ON = const(0)"),
    ("lis3mdl", "interrupt active low", "_LEVEL_HIGH = const(0xED)", "_LEVEL_HIGH = const(0xE9)"),
    ("lis3mdl", "interrupt not latched", "_LEVEL_HIGH = const(0xED)", "_LEVEL_HIGH = const(0xEF)"),
    ("lis3mdl", "the bit of INT_CFG that must be 1", "_LEVEL_HIGH = const(0xED)", "_LEVEL_HIGH = const(0xE5)"),
    ("lis3mdl", "two axes of three", "_LEVEL_HIGH = const(0xED)", "_LEVEL_HIGH = const(0xCD)"),
    ("lis3mdl", "the pin rests high, and wakes at once", "_NO_INTERRUPT = const(0xEC)", "_NO_INTERRUPT = const(0xE8)"),
    ("lis3mdl", "the old measurement taken for the new", "and chip.read(_OUTPUT | _GOES_ON, self._buffer)  #", "#"),
    ("lis3mdl", "left on between measurements", "chip.set(_CONTROL3, _SINGLE)", "chip.set(_CONTROL3, 0)"),
    ("lis3mdl", "the best mode while it watches", "_CONTROL1 | _GOES_ON, _WATCHING", "_CONTROL1 | _GOES_ON, _BEST[:2]"),
    ("lis3mdl", "another chip taken for it", "return self._chip.get(_WHO_AM_I) == _CHIP", "return True"),
    ("pms5003", "sum not looked at", "sum(self._room[:30]) == told", "told"),
    ("pms5003", "length not looked at", "length == _LENGTH and ", ""),
    ("pms5003", "its error code not looked at", " and not frame[29]", ""),
    ("pms5003", "values of the factory instead of the air's", "self._frame, 10)", "self._frame, 4)"),
    ("pms5003", "old frames read first", "while self._uart.any():  # of before", "while False:"),
    ("pms5003", "left in active mode", "self._uart.write(_BY_REQUEST)", "pass"),
    ("pms5003", "a frame's beginning not looked for", "if frame[place] == 0x42 and", "if place == start and"),
    ("pms5003", "a wrong sum in a command", r"\x42\x4d\xe2\x00\x00\x01\x71", r"\x42\x4d\xe2\x00\x00\x01\x72"),
    ("scd41", "checksum not looked at", "!= words[place + 2]:", "== -1:"),
    ("scd41", "checksum begun with 0", "crc = 0xFF\n", "crc = 0\n"),
    ("scd41", "started while it measures", "        self._command(_STOP)  # refused", "        #"),
    ("scd41", "500 ms after stop not waited for", "self._clock.sleep_ms(_STOP_MS)", "pass"),
    ("scd41", "answers read at once", "self._clock.sleep_ms(1)", "pass"),
    ("scd41", "read although nothing is ready", "if self._word(0) & 0x7FF:", "if True:"),
    ("scd41", "the readiness of bits that are always set", "& 0x7FF:", "& 0xFFFF:"),
    ("scd41", "hours-old values", "if self._age_ms <= _KEEP_MS else None", ""),
    (
        "scd41",
        "ticks compared although they wrap",
        "self._clock.ticks_diff(now_us, self._read_us)",
        "(now_us - self._read_us)",
    ),
    ("scd41", "the ESPHome divisor, and rounding down", "* 100 + 32_767) // 65_535", "* 100) // 65_536"),
    (
        "bme280",
        "H4 and H5 share a byte",
        "high4 << 4 | both & 15, high5 << 4 | both >> 4",
        "high4 << 4 | both >> 4, high5 << 4 | both & 15",
    ),
    ("bme280", "words of calibration without their sign", '"<hBbBbb"', '"<hBBBBb"'),
    ("bme280", "all words of T signed", '"<Hhh"', '"<hhh"'),
    ("bme280", "humidity never switched on", "if not chip.set(_CONTROL_HUMIDITY, 1) or not", "if not"),
    (
        "bme280",
        "humidity switched on too late",
        "chip.set(_CONTROL_HUMIDITY, 1) or not chip.set(_CONTROL, _ONCE)",
        "chip.set(_CONTROL, _ONCE) or not chip.set(_CONTROL_HUMIDITY, 1)",
    ),
    (
        "bme280",
        "read while it measures",
        "self._clock.sleep_ms(_MEASURES_MS)",
        "return self._values() if chip.read(_DATA, self._data) else None",
    ),
    ("bme280", "'skipped' taken for a measurement", "in (pressure, temperature) or humidity == _SKIPPED16", "in ()"),
    ("bme280", "division by zero", "if not var1:", "if False:"),
    ("bme280", "another chip taken for it", "if chip.get(_CHIP_ID) != _CHIP:", "if chip.get(_CHIP_ID) < 0:"),
    ("bme280", "the calibration read while it is copied", "if not status & _COPYING:", "if True:"),
    ("a02yyuw", "sum not looked at", "& 0xFF == frame[3]", "& 0xFF != 256"),
    ("a02yyuw", "bytes the other way round", "frame[1] << 8 | self._frame[2]", "frame[2] << 8 | self._frame[1]"),
    ("a02yyuw", "what waited on the line taken for now", "if not self._uart.readinto(self._room, _FRAME):", "if True:"),
    ("a02yyuw", "a frame's beginning not looked for", "if frame[place] == _HEAD:", "if place == 0:"),
    ("a02yyuw", "nearer than it sees", "if _BLIND_MM < distance_mm", "if 0 < distance_mm"),
    ("a02yyuw", "farther than it sees", "<= _FARTHEST_MM", "<= 0xFFFF"),
    ("a02yyuw", "waits a minute for a frame", "range(_PATIENCE_MS // _POLL_MS)", "range(6_000)"),
    ("bl0942", "sum not looked at", "== told", "> -9"),
    ("bl0942", "power without its sign", "if power & 0x800000:", "if False:"),
    ("bl0942", "pulses that wrap", "pulses - self._last_pulses & _WRAP", "pulses - self._last_pulses"),
    ("bl0942", "a meter that began anew", "if more < _BACKWARDS else pulses", ""),
    ("bl0942", "leftovers on the line", "while self._uart.any():  # of before", "while False:"),
    ("bl0942", "its address not in the question", "bytes((_READ | address, _ALL))", "bytes((_READ, _ALL))"),
    ("bl0942", "24 bits read as 16", "low | self._packet[place + 2] << 16", "low"),
    ("axp", "the other rails switched off", "switches & ~_192_GPS | _192_RADIO", "_192_RADIO"),
    ("axp", "the GPS left on", "switches & ~_2101_GPS | _2101_RADIO", "switches | _2101_RADIO"),
    ("axp", "LDO3's voltage changed with LDO2's", "volts | 0xF0", "0xF0"),
    ("axp", "flags taken for voltage", "(two[0] & 0x3F) << 8", "two[0] << 8"),
    ("axp", "one chip taken for the other", "if kind == _AXP192:", "if kind != _AXP2101:"),
    ("bh1750", "read before it is done", "self._clock.sleep_ms(_TAKES_MS)", "self._clock.sleep_ms(24)"),
    ("bh1750", "counts taken for lux", "counts * 5 // 6", "counts"),
    ("dimmer", "dim below 1 V", "least_duty: int = 6_554", "least_duty: int = 0"),
    (
        "dimmer",
        "a flash at full light when it is switched on",
        "        drive = min(max(drive, 0), FULL)\n",
        "        drive = min(max(drive, 0), FULL)\n        if self._relay and drive: self._relay.value(1)\n",
    ),
    ("dimmer", "the other way round", "_MOST_DUTY - duty if self._inverted else duty", "duty"),
    ("dimmer", "a fade that starts from its old end", "self._from = self.at(now_ms)", "self._from = self._to"),
    ("dali", "a one is high then low", "for half in (1 - one, one):", "for half in (one, 1 - one):"),
    ("dali", "no stop bits", "4 * _HALF_US if level else lasts", "0"),
    ("dali", "frames too close", "if 0 <= waited_us < _BETWEEN_US:", "if False:"),
    (
        "dali",
        "its own frame taken for an answer",
        "        self._count = 0\n        self._clock.sleep_us(_BACKWARD_US)",
        "        self._clock.sleep_us(_BACKWARD_US)",
    ),
    ("dali", "the last half of a one is rest", "if level and count == 17:", "if False:"),
    (
        "dali",
        "lengths of pulses not looked at",
        "                return None\n            for _",
        "                times = 1\n            for _",
    ),
    (
        "dali",
        "configured once",
        "self._send(address | 1, code)\n        self._send(address | 1, code)",
        "self._send(address | 1, code)",
    ),
    (
        "dali",
        "answers asked of the level",
        "def query(self, address: int, code: int) -> int | None:",
        "def query(self, address, code):\n        address -= 1",
    ),
    (
        "dali",
        "ticks compared although they wrap",
        "self._clock.ticks_diff(self._edges[place + 1], self._edges[place])",
        "self._edges[place + 1] - self._edges[place]",
    ),
    ("battery", "one polarity for all boards", "for level in (self._level, 1 - self._level):", "for level in (0,):"),
    (
        "battery",
        "the other polarity for all boards",
        "for level in (self._level, 1 - self._level):",
        "for level in (1,):",
    ),
    ("battery", "the divider left on", "self._control.value(1 - level)", "pass"),
    ("battery", "a divider that is off taken for a battery", "LEAST_MV <= millivolts", "0 <= millivolts"),
)


def first_red(driver: str, old: str = "", new: str = "") -> str:
    """The first test that fails with *old* replaced in the driver's source: "name: error", or "" if none does.

    Without *old* the driver stays as it is. Raises ValueError when the driver has not exactly one place like *old*:
    then the pitfall is to be written anew.
    """
    path = REPOSITORY / "firmware/drivers" / f"{driver}.py"
    source = path.read_text(encoding="utf-8")
    if old and source.count(old) != 1:
        raise ValueError(f"{driver}.py has {source.count(old)} places like this, expected 1:\n{old}")
    with _in_place(f"firmware.drivers.{driver}", source.replace(old, new) if old else source):
        for name in TESTS[driver]:
            for test in _tests_of(f"{_PACKAGE}.{name}"):
                try:
                    test()
                except Exception as error:
                    return f"{test.__name__}: {type(error).__name__}"
    return ""


@contextmanager
def _in_place(name: str, source: str) -> Iterator[None]:
    """Let *source* be the module *name*, also for the tests, which are imported anew."""
    kept = {key: module for key, module in sys.modules.items() if key == name or key.startswith(_PACKAGE)}
    package = importlib.import_module(name.rpartition(".")[0])
    before = importlib.import_module(name)
    module = types.ModuleType(name)
    module.__package__ = package.__name__
    exec(compile(source, name, "exec"), module.__dict__)
    for key in kept:
        del sys.modules[key]
    sys.modules[name] = module
    try:
        yield
    finally:
        for key in [key for key in sys.modules if key == name or key.startswith(_PACKAGE)]:
            del sys.modules[key]
        sys.modules.update(kept)
        sys.modules[name] = before


def _tests_of(name: str) -> list[Callable[[], None]]:
    module = importlib.import_module(name)
    return [thing for key, thing in vars(module).items() if key.startswith("test_")]


def main() -> int:
    """Plant each one and print what found it; 1 if something was not found."""
    missed = 0
    for driver, title, old, new in PITFALLS:
        found = first_red(driver, old, new)
        missed += not found
        print(f"{'red  ' if found else 'GREEN'}  {driver}: {title}\n       {found or 'no test noticed'}")
    print(f"{len(PITFALLS) - missed} of {len(PITFALLS)} pitfalls found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
