"""Semtech SX1276, also as RFM95W: LoRa on 868 MHz, as LoRaWAN wants it.

Cited as DS: SX1276/77/78/79 datasheet rev 7; EN: its errata note rev 1. What this driver has to get right, and what
happens otherwise, is planted in tests/firmware/drivers/pitfalls.py.
"""

from protocol.airtime import airtime_us, symbol_us
from protocol.compat import const, on_demand

from .radio import CLOSED, FAILED, HEARD, PENDING, PREAMBLE, SENT, SPOILT, RadioError

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, Pin, Spi

_SLEEP = const(0x80)  # RegOpMode in LoRa
_STANDBY = const(0x81)
_TX = const(0x83)
_RX_CONTINUOUS = const(0x85)
_RX_SINGLE = const(0x86)

_RX_TIMEOUT = const(0x80)  # RegIrqFlags
_RX_DONE = const(0x40)
_CRC_ERROR = const(0x20)
_VALID_HEADER = const(0x10)
_TX_DONE = const(0x08)

_NOBODY = const(0xFF)  # MISO floats: no chip raises all flags at once

_FIFO = const(0x00)
_OP_MODE = const(0x01)
_FREQUENCY = const(0x06)
_PA_CONFIG = const(0x09)
_OCP = const(0x0B)
_LNA = const(0x0C)
_FIFO_POINTER = const(0x0D)
_FIFO_TX_BASE = const(0x0E)
_FIFO_RX_AT = const(0x10)
_IRQ_FLAGS = const(0x12)
_RX_BYTES = const(0x13)
_PACKET_SNR = const(0x19)
_PACKET_RSSI = const(0x1A)
_MODEM1 = const(0x1D)
_PREAMBLE = const(0x21)
_LENGTH = const(0x22)
_MODEM3 = const(0x26)
_IF_FREQ = const(0x2F)
_DETECT = const(0x31)
_INVERT_IQ = const(0x33)
_WIDE1 = const(0x36)
_SYNC_WORD = const(0x39)
_WIDE2 = const(0x3A)
_INVERT_IQ2 = const(0x3B)
_IMAGE_CAL = const(0x3B)  # of the FSK page
_DIO_MAPPING = const(0x40)
_VERSION = const(0x42)
_TCXO = const(0x4B)
_PA_DAC = const(0x4D)

_CHIP = const(0x12)
_LOW_DATA_RATE_US = const(16_000)
_LEAST_SYMBOLS = const(4)  # of SymbTimeout
_MOST_SYMBOLS = const(1023)
_HEADER_SYMBOLS = const(24)  # what a window allows for a header after the last symbol that may be the preamble's first
_MARGIN_US = const(50_000)
_CALIBRATION_MS = const(50)
_LONGEST = const(255)


class Sx1276:
    """spi: mode 0, up to 10 MHz. cs, reset: outputs, high. dio0: an input; dio1 as well, where it is connected.

    tcxo: a TCXO feeds the chip; what switches it on is the board's. boost: the antenna is on PA_BOOST, as on an RFM95W,
    else on RFO_HF. max_dbm: what may leave the chip. boosted: more sensitivity for 0.7 mA.

    Without dio1 nothing tells that a window is over: `poll` after due_us says it. After HEARD: rssi_dbm,
    snr_quarter_db and `payload()`. end_us: ticks_us of the last interrupt.
    """

    @on_demand
    def __init__(
        self,
        spi: "Spi",
        cs: "Pin",
        reset: "Pin",
        dio0: "Pin",
        clock: "Clock",
        dio1: "Pin | None" = None,
        tcxo: bool = False,
        boost: bool = True,
        max_dbm: int = 20,
        boosted: bool = True,
    ) -> None:
        self._spi = spi
        self._cs = cs
        self._reset = reset
        self._dio0 = dio0
        self._dio1 = dio1
        self._clock = clock
        self._tcxo = tcxo
        self._boost = boost
        self._max_dbm = max_dbm
        self._boosted = boosted
        self.rssi_dbm = 0
        self.snr_quarter_db = 0
        self.end_us = 0
        self.due_us = 0
        self._two = bytearray(2)
        self._one = memoryview(self._two)[:1]
        self._frame = bytearray()  # the last that was heard
        self._mode = _STANDBY  # that `go` enters
        self._begun_us = 0
        self._limit_us = 0
        self._single = True
        dio0.irq(self._on_dio, dio0.IRQ_RISING)
        if dio1 is not None:
            dio1.irq(self._on_dio, dio1.IRQ_RISING)

    @on_demand
    def start(self) -> None:
        """Reset the chip and set it up. Raises RadioError when it does not answer."""
        self._reset.value(0)
        self._clock.sleep_us(200)  # DS 7.2.2: 100 us
        self._reset.value(1)
        self._clock.sleep_ms(10)
        found = self._get(_VERSION)
        if found != _CHIP:
            raise RadioError(
                f"the SX1276's version is 0x{found:02x}; expected 0x{_CHIP:02x}: "
                "look at SCK, MISO, MOSI, CS, RST and the supply"
            )
        self._set(_TCXO, 0x19 if self._tcxo else 0x09)
        self._calibrate_image()
        self._set(_OP_MODE, 0x00)
        self._set(_OP_MODE, _SLEEP)  # DS 4.1.3: LoRa can be chosen in sleep only
        self._set(_OP_MODE, _STANDBY)
        self._clock.sleep_us(300)
        self._set(_LNA, 0x23 if self._boosted else 0x20)
        self._set(_FIFO_TX_BASE, 0)
        self._set(_PREAMBLE, PREAMBLE)
        self._set(_SYNC_WORD, 0x34)

    def resume(self) -> bool:
        """Take over a chip that `sleep` left; False: it was without power, `start` it."""
        return self._get(_OP_MODE) == _SLEEP and self._get(_SYNC_WORD) == 0x34

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
        self.standby()
        self._tune(freq_hz, sf, bw_hz, crc, False, 0)
        self._set_power(power_dbm)
        self._set(_INVERT_IQ, 0x26 if invert_iq else 0x27)
        self._set(_INVERT_IQ2, 0x19 if invert_iq else 0x1D)
        self._set(_LENGTH, len(phy_payload))
        self._set(_FIFO_POINTER, 0)
        self._cs.value(0)
        self._two[0] = _FIFO | 0x80
        self._spi.write(self._one)
        self._spi.write(phy_payload)
        self._cs.value(1)
        self._set(_DIO_MAPPING, 0x40)  # DIO0 is TxDone
        self._mode = _TX
        self._limit_us = air_us + _MARGIN_US
        return air_us

    def prepare_listen(
        self, freq_hz: int, sf: int, bw_hz: int, symbols: int, invert_iq: bool = True, length: int = 0
    ) -> None:
        """Get ready to listen with `go` for a preamble within *symbols*; 0: for frame after frame, until `standby`.

        length: of frames without a header (class B beacons); 0 for frames that have one, which says all the rest.
        """
        self.standby()
        counted = min(max(symbols, _LEAST_SYMBOLS), _MOST_SYMBOLS)
        self._tune(freq_hz, sf, bw_hz, False, length > 0, counted)
        self._set(_LENGTH, length or _LONGEST)
        self._set(_PA_DAC, 0x84)  # DS 5.4.3: never +20 dBm while it listens
        wide = bw_hz == 500_000
        self._set(_WIDE1, 2 if wide else 3)  # EN 2.1
        self._set(_WIDE2, 0x64 if wide else 0x65)
        self._set(_DETECT, 0xC3 if wide else 0x43)  # EN 2.3: without AutomaticIFOn it hears what is not there
        self._set(_IF_FREQ, 0x40)
        self._set(_IF_FREQ + 1, 0)
        self._set(_INVERT_IQ, 0x67 if invert_iq else 0x27)
        self._set(_INVERT_IQ2, 0x19 if invert_iq else 0x1D)
        self._set(_DIO_MAPPING, 0)  # DIO0 is RxDone, DIO1 RxTimeout
        self._single = symbols > 0
        # A window that is longer than the chip can count is one that `poll` closes.
        self._mode = _RX_SINGLE if 0 < symbols <= _MOST_SYMBOLS else _RX_CONTINUOUS
        self._limit_us = (symbols + _HEADER_SYMBOLS) * symbol_us(sf, bw_hz) if symbols else 0

    def go(self) -> None:
        """Do what was prepared: the frame's first symbol leaves, or listening begins, 0.2 ms later."""
        self._begun_us = self._clock.ticks_us()
        self.due_us = self._limit_us
        self._set(_OP_MODE, self._mode)

    def poll(self) -> int:
        """What became of it: PENDING, SENT, HEARD, SPOILT, CLOSED or FAILED (`radio.py`)."""
        late = self._is_late()
        if not late and not self._dio0.value() and (self._dio1 is None or not self._dio1.value()):
            return PENDING
        irq = self._get(_IRQ_FLAGS)
        if irq == _NOBODY:
            self.due_us = 0
            return FAILED
        if irq & _TX_DONE:
            self.standby()
            return SENT
        if irq & _RX_DONE:
            self._fetch()
            self._set(_IRQ_FLAGS, _RX_DONE | _CRC_ERROR | _VALID_HEADER)
            if self._single:
                self.standby()
            return SPOILT if irq & _CRC_ERROR else HEARD
        if irq & _RX_TIMEOUT:
            self.standby()
            return CLOSED
        if not late:
            return PENDING
        if irq & _VALID_HEADER:
            return self._wait_for_its_end()
        self.standby()  # a foreign preamble took the time-out, or the frame did not leave
        return FAILED if self._mode == _TX else CLOSED

    def payload(self) -> bytes:
        """The last frame heard."""
        return bytes(self._frame)

    def listening(self) -> bool:
        """Whether the chip really listens: one that lightning has reset hears nothing, and says nothing either."""
        return self._get(_OP_MODE) in (_RX_CONTINUOUS, _RX_SINGLE)

    def standby(self) -> None:
        """Stop whatever it does."""
        self._set(_OP_MODE, _STANDBY)
        self._set(_IRQ_FLAGS, 0xFF)
        self.due_us = 0

    def sleep(self) -> None:
        """Sleep at 0.2 µA and keep all settings."""
        self.standby()
        self._set(_OP_MODE, _SLEEP)

    def check(self) -> str:
        """For the self-test: "" or what is wrong."""
        return "" if self._get(_VERSION) == _CHIP else "version"

    # Setting up.

    def _calibrate_image(self) -> None:
        """DS 4.2.3.8: at power-on it was done for 434 MHz; it is done in FSK, which a reset leaves it in."""
        self._set(_PA_CONFIG, 0)
        self._set_frequency(866_500_000)
        self._set(_IMAGE_CAL, self._get(_IMAGE_CAL) | 0x40)
        for _ in range(_CALIBRATION_MS):
            if not self._get(_IMAGE_CAL) & 0x20:
                return
            self._clock.sleep_ms(1)
        raise RadioError(f"the SX1276 still calibrates after {_CALIBRATION_MS} ms: does its clock run?")

    def _set_frequency(self, freq_hz: int) -> None:
        whole, rest = divmod(freq_hz, 15_625)  # freq · 2^19 / 32 MHz is freq · 256 / 15625, in small ints
        steps = whole * 256 + rest * 256 // 15_625
        self._set(_FREQUENCY, steps >> 16)
        self._set(_FREQUENCY + 1, steps >> 8 & 0xFF)
        self._set(_FREQUENCY + 2, steps & 0xFF)

    def _tune(self, freq_hz: int, sf: int, bw_hz: int, crc: bool, implicit: bool, symbols: int) -> None:
        low_data_rate = symbol_us(sf, bw_hz) >= _LOW_DATA_RATE_US
        self._set_frequency(freq_hz)
        bandwidth = {125_000: 7, 250_000: 8, 500_000: 9}[bw_hz]
        self._set(_MODEM1, bandwidth << 4 | 1 << 1 | (1 if implicit else 0))  # coding rate 4/5
        self._set(_MODEM1 + 1, sf << 4 | (4 if crc else 0) | symbols >> 8)
        self._set(_MODEM1 + 2, symbols & 0xFF)
        self._set(_MODEM3, 0x04 | (0x08 if low_data_rate else 0))  # AGC by itself

    def _set_power(self, power_dbm: int) -> None:
        """DS 5.4.2 and 5.4.3: PA_BOOST gives 2 to 17 dBm, and 20 with another setting; RFO_HF up to 14."""
        power_dbm = min(power_dbm, self._max_dbm)
        if not self._boost:
            self._set(_PA_CONFIG, 0x70 | min(max(power_dbm, 0), 14))
            self._set(_PA_DAC, 0x84)
            return
        high = power_dbm > 17
        self._set(_PA_DAC, 0x87 if high else 0x84)
        self._set(_OCP, 0x20 | (17 if high else 11))  # 140 mA, 100 mA
        self._set(_PA_CONFIG, 0x80 | min(max(power_dbm - (5 if high else 2), 0), 15))

    # What comes in.

    def _is_late(self) -> bool:
        if not self.due_us:
            return False
        return self._clock.ticks_diff(self._clock.ticks_us(), self._begun_us) > self.due_us

    def _wait_for_its_end(self) -> int:
        """A header came in time: its frame may take as long as the longest of this data rate."""
        self._begun_us = self._clock.ticks_us()
        sf = self._get(_MODEM1 + 1) >> 4
        self.due_us = airtime_us(_LONGEST, sf, 125_000)
        self._set(_IRQ_FLAGS, _VALID_HEADER)
        return PENDING

    def _fetch(self) -> None:
        self._frame = bytearray(self._get(_RX_BYTES))
        self._set(_FIFO_POINTER, self._get(_FIFO_RX_AT))
        self._cs.value(0)
        self._two[0] = _FIFO
        self._spi.write(self._one)
        self._spi.readinto(self._frame)
        self._cs.value(1)
        snr = self._get(_PACKET_SNR)
        self.snr_quarter_db = snr - 256 if snr > 127 else snr
        strength = self._get(_PACKET_RSSI) - 157  # DS 5.5.5: above 779 MHz, whatever the amplifier
        if self.snr_quarter_db < 0:
            strength += self.snr_quarter_db // 4
        self.rssi_dbm = strength

    # The bus.

    def _on_dio(self, _: "Pin") -> None:
        self.end_us = self._clock.ticks_us()

    def _get(self, register: int) -> int:
        self._two[0] = register
        self._cs.value(0)
        self._spi.write(self._one)
        self._spi.readinto(self._one)
        self._cs.value(1)
        return self._two[0]

    def _set(self, register: int, value: int) -> None:
        self._two[0] = register | 0x80
        self._two[1] = value
        self._cs.value(0)
        self._spi.write(self._two)
        self._cs.value(1)
