"""Semtech SX1262: LoRa on 868 MHz, as LoRaWAN wants it.

Cited as DS: SX1261/2 datasheet DS_SX1261-2 rev 2.1; its chapter 15 lists what the silicon does not do by itself. What
this driver has to get right, and what happens otherwise, is planted in tests/firmware/drivers/pitfalls.py.
"""

from protocol.airtime import airtime_us, symbol_us
from protocol.compat import const, on_demand

from .radio import CLOSED, FAILED, HEARD, PENDING, PREAMBLE, SENT, SPOILT, RadioError

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, Pin, Spi

PA_NOMINAL = ((22, 4, 7),)  # dBm at the top, paDutyCycle, hpMax (DS table 13-21)
PA_OPTIMAL = ((14, 2, 2), (17, 2, 3), (20, 3, 5), (22, 4, 7))  # half the current at 14 dBm

_SET_TX = const(0x83)
_GET_STATUS = const(0xC0)
_MODE_RX = const(5)  # of its answer (DS table 13-76)
_SET_RX = const(0x82)
_TX_DONE = const(0x001)  # interrupts (DS 13.3.1)
_RX_DONE = const(0x002)
_HEADER_ERR = const(0x020)
_CRC_ERR = const(0x040)
_TIMEOUT = const(0x200)

_BUSY_MS = const(100)  # the longest is a calibration after a slow TCXO: 10 and 4 ms
_LONGEST_PAUSE_US = const(160)  # between two looks at BUSY: `go` is late by that at most
_TOP_POWER = const(22)  # of SetTxParams
_LEAST_POWER = const(-9)
_LOW_DATA_RATE_US = const(16_000)
_MOST_SYMBOLS = const(248)  # that SetLoRaSymbNumTimeout counts: 31 times 8
_HEADER_SYMBOLS = const(24)  # what a timer allows for a header after the last symbol that may be the preamble's first
_TX_MARGIN_US = const(50_000)
_LONGEST_US = const(9_100_000)  # 255 bytes at SF12
_LONGEST = const(255)

_IQ_POLARITY = const(0x0736)
_SYNC_WORD = const(0x0740)
_SYMBOL_TIMEOUT = const(0x0706)
_RX_LENGTH = const(0x0702)
_TX_MODULATION = const(0x0889)
_RX_GAIN = const(0x08AC)
_TX_CLAMP = const(0x08D8)
_OCP = const(0x08E7)
_RTC_CONTROL = const(0x0902)
_EVENTS = const(0x0944)
_SYNC_AT_RESET = const(0x1424)
_SYNC_LORAWAN = const(0x3444)  # "public": 0x34 of the older chips

_ERRORS = "RC64K RC13M PLL ADC image XOSC PLL-lock - PA"  # bits of GetDeviceErrors (DS 13.6.1)


class Sx1262:
    """spi: mode 0, up to 16 MHz. cs, reset, busy, dio1: pins; cs and reset are outputs and high.

    tcxo: SetDIO3AsTCXOCtrl's number for the voltage of a TCXO on DIO3 (2 for 1.8 V, DS table 13-35), None for a
    crystal. tcxo_us: what the TCXO is given to settle. dio2_switch: DIO2 turns the antenna. rx_enable: a pin that has
    to be high to listen, on boards that have one. dcdc: the board has the inductor, so that listening takes half.
    amplifier: PA_OPTIMAL, or PA_NOMINAL where the board's matching wants it. max_dbm: what may leave the chip; a board
    with an amplifier behind it has gain_db more at its socket. boosted: 2 dB more sensitivity for 0.7 mA.

    After HEARD: rssi_dbm, snr_quarter_db and `payload()`. end_us: ticks_us of the last interrupt. due_us: so long after
    `go` there must have been one; then `poll` ends it, whatever has happened to the chip.
    """

    @on_demand
    def __init__(
        self,
        spi: "Spi",
        cs: "Pin",
        reset: "Pin",
        busy: "Pin",
        dio1: "Pin",
        clock: "Clock",
        tcxo: int | None = 2,
        tcxo_us: int = 5_000,
        dio2_switch: bool = True,
        rx_enable: "Pin | None" = None,
        dcdc: bool = True,
        amplifier: tuple[tuple[int, int, int], ...] = PA_OPTIMAL,
        max_dbm: int = 22,
        gain_db: int = 0,
        boosted: bool = False,
    ) -> None:
        self._spi = spi
        self._cs = cs
        self._reset = reset
        self._busy = busy
        self._dio1 = dio1
        self._clock = clock
        self._tcxo = tcxo
        self._tcxo_us = tcxo_us
        self._dio2_switch = dio2_switch
        self._rx_enable = rx_enable
        self._dcdc = dcdc
        self._amplifier = amplifier
        self._max_dbm = max_dbm
        self._gain_db = gain_db
        self._boosted = boosted
        self.rssi_dbm = 0
        self.snr_quarter_db = 0
        self.end_us = 0
        self.due_us = 0
        self._begun_us = 0
        self._limit_us = 0
        self._buffer = bytearray(7)
        self._parts = [memoryview(self._buffer)[:size] for size in range(8)]  # a slice each time would be garbage
        self._frame = bytearray()  # the last that was heard
        self._asleep = False
        self._continuous = False
        self._implicit = 0
        self._go = memoryview(bytearray(4))  # SetTx or SetRx
        dio1.irq(self._on_dio1, dio1.IRQ_RISING)

    @on_demand
    def start(self) -> None:
        """Reset the chip and set it up. Raises RadioError when it does not answer or finds itself unwell."""
        self._reset.value(0)
        self._clock.sleep_us(200)  # DS 8.1: 100 us
        self._reset.value(1)
        self._clock.sleep_us(200)  # until BUSY says something
        self._asleep = False
        self._wait()
        found = self._register16(_SYNC_WORD)
        if found != _SYNC_AT_RESET:
            raise RadioError(
                f"the SX1262's sync word is 0x{found:04x} after a reset; expected 0x{_SYNC_AT_RESET:04x}: "
                "look at SCK, MISO, MOSI, CS and the supply"
            )
        if self._dcdc:
            self._write(b"\x96\x01")
        if self._tcxo is not None:
            self._use_tcxo(self._tcxo)
        if self._dio2_switch:
            self._write(b"\x9d\x01")
        self._write(b"\x98\xd7\xdb")  # CalibrateImage for 863 to 870 MHz (DS 9.2.1); at power-on it is 902 to 928
        self._write(b"\x8a\x01")  # LoRa
        self._write(b"\x8f\x00\x00")  # both halves of a conversation use the whole buffer
        self._write(b"\x9f\x00")  # a window's timer stops at a header: at a preamble, noise would keep it open for ever
        self._write(b"\x08\x02\x63\x02\x63\x00\x00\x00\x00")  # the five interrupts above, all on DIO1
        self._set_register16(_SYNC_WORD, _SYNC_LORAWAN)
        self._set_register(_TX_CLAMP, self._register(_TX_CLAMP) | 0x1E)  # DS 15.2: power into a bad antenna
        if self._boosted:
            self._set_register(_RX_GAIN, 0x96)
            self._write(b"\x0d\x02\x9f\x01\x08\xac")  # DS 9.6: kept in sleep only if it is on this list
        errors = self._errors()
        if errors:
            raise RadioError(f"the SX1262 reports errors after calibration: {self._named(errors)} (DS 13.6.1)")

    @on_demand
    def resume(self) -> bool:
        """Take over a chip that `sleep` left; False: it has forgotten everything, `start` it."""
        self._asleep = True
        try:
            self._wake()
            return self._register16(_SYNC_WORD) == _SYNC_LORAWAN
        except RadioError:
            return False

    def prepare_transmit(
        self,
        phy_payload: bytes,
        freq_hz: int,
        sf: int,
        bw_hz: int,
        power_dbm: int,
        invert_iq: bool = False,
        crc: bool = True,
    ) -> int:
        """Load a frame, to leave with `go`; returns its time on air in µs. power_dbm: at the antenna's socket."""
        air_us = airtime_us(len(phy_payload), sf, bw_hz, 1, PREAMBLE, True, crc)
        self._rest()
        self._tune(freq_hz, sf, bw_hz)
        self._set_power(power_dbm)
        self._shape(len(phy_payload), crc, invert_iq, 0)
        modulation = self._register(_TX_MODULATION)  # DS 15.1
        self._set_register(_TX_MODULATION, modulation & 0xFB if bw_hz == 500_000 else modulation | 4)
        self._command(0x0E, 0)
        self._cs.value(0)
        self._spi.write(self._parts[2])
        self._spi.write(phy_payload)
        self._cs.value(1)
        if self._rx_enable is not None:
            self._rx_enable.value(0)
        self._arm(_SET_TX, air_us + _TX_MARGIN_US)
        return air_us

    def prepare_listen(
        self, freq_hz: int, sf: int, bw_hz: int, symbols: int, invert_iq: bool = True, length: int = 0
    ) -> None:
        """Get ready to listen with `go` for a preamble within *symbols*; 0: for frame after frame, until `standby`.

        length: of frames without a header (class B beacons); 0 for frames that have one, which says all the rest.
        """
        self._rest()
        self._tune(freq_hz, sf, bw_hz)
        self._shape(length or _LONGEST, False, invert_iq, length)
        self._continuous = not symbols
        self._count(symbols)
        if self._rx_enable is not None:
            self._rx_enable.value(1)
        self._arm(_SET_RX, (symbols + _HEADER_SYMBOLS) * symbol_us(sf, bw_hz))
        if not symbols:
            self._go[1] = self._go[2] = self._go[3] = 0xFF  # DS 13.1.5: continuous
            self._limit_us = 0

    def go(self) -> None:
        """Do what was prepared: the frame's first symbol leaves, or listening begins, 0.2 ms later."""
        self._wait()
        self._begun_us = self._clock.ticks_us()
        self.due_us = self._limit_us
        self._cs.value(0)
        self._spi.write(self._go)
        self._cs.value(1)

    def poll(self) -> int:
        """What became of it: PENDING, SENT, HEARD, SPOILT, CLOSED or FAILED (`radio.py`)."""
        if not self._dio1.value():
            return self._overdue()
        irq = self._read(0x12, 2)
        self._command(0x02, irq >> 8)  # what was read and no more: the next may have come since
        self._buffer[2] = irq & 0xFF
        self._send(3)
        self.due_us = 0
        if irq & _TX_DONE:
            return SENT
        if irq & _RX_DONE:
            self._fetch()
            return SPOILT if irq & _CRC_ERR else HEARD
        if irq & _TIMEOUT:
            return FAILED if self._go[0] == _SET_TX else CLOSED
        if irq & _HEADER_ERR:
            self._frame = bytearray()
            if not self._continuous:
                self._rest()  # DS does not say whether it goes on listening
            return SPOILT
        return PENDING

    def payload(self) -> bytes:
        """The last frame heard; of a spoilt one b"" or what is left of it."""
        return bytes(self._frame)

    def listening(self) -> bool:
        """Whether the chip really listens. Raises RadioError.

        A lamp asks this now and then: a chip that lightning has reset hears nothing, and says nothing either.
        """
        return not self._asleep and self._read(_GET_STATUS, 1) >> 4 & 7 == _MODE_RX

    def standby(self) -> None:
        """Stop whatever it does."""
        self._rest()

    def sleep(self) -> None:
        """Sleep at 0.6 µA and keep all settings. The pin cs must stay high: a falling edge wakes the chip."""
        if self._asleep:
            return
        self._rest()
        if self._rx_enable is not None:
            self._rx_enable.value(0)
        self._write(b"\x84\x04")
        self._clock.sleep_us(600)  # DS 13.1.1: for 500 us nothing wakes it
        self._asleep = True

    @on_demand
    def check(self) -> str:
        """For the self-test: "" or the names of the errors that the chip reports. Raises RadioError."""
        self._rest()
        return self._named(self._errors())

    # Setting up.

    @on_demand
    def _use_tcxo(self, voltage: int) -> None:
        """DS 13.3.6: at power-on there is no clock, which the chip notes as an error; then calibrate again."""
        steps = self._tcxo_us * 64 // 1000
        self._command(0x97, voltage)
        self._steps(2, steps)
        self._send(5)
        self._write(b"\x07\x00\x00")
        self._write(b"\x89\x7f")

    def _tune(self, freq_hz: int, sf: int, bw_hz: int) -> None:
        whole, rest = divmod(freq_hz, 15_625)  # freq · 2^25 / 32 MHz is freq · 2^14 / 15625, in small ints
        steps = whole * 16_384 + rest * 16_384 // 15_625
        self._command(0x86, steps >> 24)
        self._steps(2, steps)
        self._send(5)
        self._command(0x8B, sf)
        self._buffer[2] = {125_000: 4, 250_000: 5, 500_000: 6}[bw_hz]
        self._buffer[3] = 1  # coding rate 4/5
        self._buffer[4] = 1 if symbol_us(sf, bw_hz) >= _LOW_DATA_RATE_US else 0
        self._send(5)

    def _shape(self, length: int, crc: bool, invert_iq: bool, implicit: int) -> None:
        self._implicit = implicit
        self._command(0x8C, 0)
        buffer = self._buffer
        buffer[2] = PREAMBLE
        buffer[3] = 1 if implicit else 0
        buffer[4] = length
        buffer[5] = 1 if crc else 0
        buffer[6] = 1 if invert_iq else 0
        self._send(7)
        polarity = self._register(_IQ_POLARITY)  # DS 15.4; after SetPacketParams, which sets it anew
        self._set_register(_IQ_POLARITY, polarity & 0xFB if invert_iq else polarity | 4)

    def _set_power(self, power_dbm: int) -> None:
        power_dbm = min(power_dbm - self._gain_db, self._max_dbm, _TOP_POWER)
        setting = 0
        while power_dbm > self._amplifier[setting][0] and setting < len(self._amplifier) - 1:
            setting += 1
        top, duty, hp_max = self._amplifier[setting]
        power = max(_TOP_POWER - (top - min(power_dbm, top)), _LEAST_POWER)
        self._command(0x95, duty)
        self._buffer[2] = hp_max
        self._buffer[3] = 0  # SX1262
        self._buffer[4] = 1
        self._send(5)
        self._set_register(_OCP, 0x38)  # 140 mA; after SetPaConfig, which sets it anew
        self._command(0x8E, power & 0xFF)
        self._buffer[2] = 4  # ramp in 200 us
        self._send(3)

    def _count(self, symbols: int) -> None:
        """DS 13.4.9: the window closes when no preamble came in so many symbols; 0 leaves that to the timer.

        The chip counts in mantissa and exponent, which Semtech's own driver also writes to 0x0706.
        """
        if symbols > _MOST_SYMBOLS:
            symbols = 0
        mantissa = (symbols + 1) >> 1
        exponent = 0
        while mantissa > 31:
            mantissa = (mantissa + 3) >> 2
            exponent += 1
        self._command(0xA0, mantissa << (2 * exponent + 1))
        self._send(2)
        if symbols:
            self._set_register(_SYMBOL_TIMEOUT, exponent + (mantissa << 3))

    def _arm(self, opcode: int, limit_us: int) -> None:
        """Start the clock, and keep the command for `go`."""
        self._write(b"\x02\xff\xff")
        self._write(b"\x80\x01")  # STDBY_XOSC: the TCXO settles now and not when time matters
        steps = limit_us // 125 * 8  # 15.625 us each, and a small int up to the longest frame
        self.due_us = 0
        self._limit_us = limit_us + _LONGEST_US
        self._go[0] = opcode
        self._go[1] = steps >> 16 & 0xFF
        self._go[2] = steps >> 8 & 0xFF
        self._go[3] = steps & 0xFF

    def _overdue(self) -> int:
        if not self.due_us or self._clock.ticks_diff(self._clock.ticks_us(), self._begun_us) < self.due_us:
            return PENDING
        self._rest()
        self.due_us = 0
        return FAILED if self._go[0] == _SET_TX else CLOSED

    def _fetch(self) -> None:
        """DS 13.5.2 and 13.5.3: how long the frame is, where it begins, and how it was heard."""
        where = self._read(0x13, 2)
        length = where >> 8
        if self._implicit:
            length = self._register(_RX_LENGTH)  # not told without a header
            self._set_register(_RTC_CONTROL, 0)  # DS 15.3: else the window's timer speaks up later
            self._set_register(_EVENTS, self._register(_EVENTS) | 2)
        self._command(0x1E, where & 0xFF)
        self._buffer[2] = 0
        self._cs.value(0)
        self._spi.write(self._parts[3])
        self._frame = bytearray(length)
        self._spi.readinto(self._frame)
        self._cs.value(1)
        status = self._read(0x14, 2)
        self.rssi_dbm = -(status >> 9)
        snr = status & 0xFF
        self.snr_quarter_db = snr - 256 if snr > 127 else snr

    # The bus.

    def _on_dio1(self, _: "Pin") -> None:
        self.end_us = self._clock.ticks_us()

    def _rest(self) -> None:
        """Wake it if it sleeps, and leave whatever it does."""
        if self._asleep:
            self._wake()
        self._write(b"\x80\x00")

    def _wake(self) -> None:
        """DS 8.2.2: the falling edge of NSS wakes it, which takes 0.34 ms, or 3.5 when it has forgotten everything."""
        self._cs.value(0)
        self._clock.sleep_us(20)
        self._cs.value(1)
        self._asleep = False
        self._wait()

    def _wait(self) -> None:
        """DS 8.3.1: what is sent while BUSY is high is lost."""
        if not self._busy.value():
            return
        begun = self._clock.ticks_us()
        pause_us = 20
        while self._busy.value():
            if self._clock.ticks_diff(self._clock.ticks_us(), begun) > _BUSY_MS * 1000:
                raise RadioError(f"the SX1262's BUSY is high for {_BUSY_MS} ms: is its TCXO as the board file says?")
            self._clock.sleep_us(pause_us)
            pause_us = min(2 * pause_us, _LONGEST_PAUSE_US)

    def _write(self, command: bytes | memoryview) -> None:
        self._wait()
        self._cs.value(0)
        self._spi.write(command)
        self._cs.value(1)

    def _command(self, opcode: int, first: int) -> None:
        self._wait()
        self._buffer[0] = opcode
        self._buffer[1] = first & 0xFF

    def _steps(self, place: int, value: int) -> None:
        """24 bits."""
        self._buffer[place] = value >> 16 & 0xFF
        self._buffer[place + 1] = value >> 8 & 0xFF
        self._buffer[place + 2] = value & 0xFF

    def _send(self, size: int) -> None:
        self._write(self._parts[size])

    def _read(self, opcode: int, size: int) -> int:
        """What a Get command of one or two bytes answers."""
        self._command(opcode, 0)
        self._cs.value(0)
        self._spi.write(self._parts[2])
        self._spi.readinto(self._parts[size])
        self._cs.value(1)
        return self._buffer[0] << 8 | self._buffer[1] if size == 2 else self._buffer[0]

    def _register(self, address: int) -> int:
        return self._register16(address) >> 8

    def _register16(self, address: int) -> int:
        """Two registers; reading one more than wanted does no harm."""
        self._command(0x1D, address >> 8)
        self._buffer[2] = address & 0xFF
        self._buffer[3] = 0
        self._cs.value(0)
        self._spi.write(self._parts[4])
        self._spi.readinto(self._parts[2])
        self._cs.value(1)
        return self._buffer[0] << 8 | self._buffer[1]

    def _set_register(self, address: int, value: int) -> None:
        self._command(0x0D, address >> 8)
        self._buffer[2] = address & 0xFF
        self._buffer[3] = value
        self._send(4)

    @on_demand
    def _set_register16(self, address: int, value: int) -> None:
        self._command(0x0D, address >> 8)
        self._buffer[2] = address & 0xFF
        self._buffer[3] = value >> 8
        self._buffer[4] = value & 0xFF
        self._send(5)

    @on_demand
    def _errors(self) -> int:
        return self._read(0x17, 2)

    @on_demand
    def _named(self, errors: int) -> str:
        named = " ".join([name for bit, name in enumerate(_ERRORS.split()) if errors >> bit & 1])
        return named or (f"0x{errors:04x}" if errors else "")
