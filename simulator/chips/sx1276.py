"""Semtech SX1276 (RFM95W) as its driver meets it: registers and FIFO over SPI, DIO0 and DIO1, LoRa frames on the air.

From the SX1276/77/78/79 datasheet rev 7 (DS) and its errata note rev 1 (EN). Enforced here, by section:

- DS 7.2.2 NRESET low for 100 µs, then 5 ms; 4.1.3 LongRangeMode changes in sleep only, and the FIFO is not there in
  sleep; 4.1.2.3 FIFO pointers, one buffer for both ways; table 16 what moves the pointer.
- DS 4.1.1 time on air; 4.1.4 modes: the frequency counts when a mode is entered; table 18 interrupts on DIO0 and DIO1;
  flags are cleared by ones; RxTimeout when no preamble came within SymbTimeout (4.1.5), which is 4..1023.
- DS 5.4.2 amplifiers, 5.4.3 +20 dBm and no +20 dBm while receiving, 5.4.4 over-current; 4.2.3.8 image calibration at
  the frequency in use; RegTcxo (4.1.7, 0x4B) as the board is built.
- EN 2.1 sensitivity with 500 kHz, EN 2.3 spurious reception; RegInvertIQ2, which the datasheet does not tell and
  Semtech's drivers set.

Not modelled: FSK and OOK, CAD, hopping, DIO2 to DIO5, temperature, the low-frequency port, RSSI between frames.
"""

from .air import Emission
from .lora import Receiver, Tuning

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .air import Air, Arrival
    from .clock import Clock
    from .wire import Wire

SLEEP = 0  # modes (DS 4.1.6, RegOpMode)
STANDBY = 1
TX = 3
RX_CONTINUOUS = 5
RX_SINGLE = 6

RX_TIMEOUT = 0x80  # RegIrqFlags
RX_DONE = 0x40
CRC_ERROR = 0x20
VALID_HEADER = 0x10
TX_DONE = 0x08

_LORA_RESET = (
    (0x06, 0x6C),
    (0x07, 0x80),
    (0x08, 0x00),
    (0x09, 0x4F),
    (0x0A, 0x09),
    (0x0B, 0x2B),
    (0x0C, 0x20),
    (0x0E, 0x80),
    (0x1D, 0x72),
    (0x1E, 0x70),
    (0x1F, 0x64),
    (0x21, 0x08),
    (0x22, 0x01),
    (0x23, 0xFF),
    (0x26, 0x04),
    (0x2F, 0x20),
    (0x31, 0xC3),
    (0x33, 0x27),
    (0x36, 0x03),
    (0x37, 0x0A),
    (0x39, 0x12),
    (0x3A, 0x65),
    (0x3B, 0x1D),
    (0x4B, 0x09),
    (0x4D, 0x84),
)
_BANDWIDTHS_HZ = {7: 125_000, 8: 250_000, 9: 500_000}
_READ_ONLY = (0x10, 0x13, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x42)
_RESET_US = 100
_AFTER_RESET_US = 5_000
_OSCILLATOR_US = 250  # TS_OSC (DS table 8)
_TO_TX_US = 120  # TS_FS and TS_TR
_TO_RX_US = 131
_CALIBRATION_US = 10_000
_PA_BOOST = 0x80
_MOST_BREACHES = 50


class Sx1276:
    """The chip on its board.

    pa_boost: the antenna is on PA_BOOST, else on RFO_HF. tcxo: a TCXO feeds XTA, else a
    crystal. version: RegVersion, 0x22 for an SX1272. alive: False for a
    chip that answers nothing. breaches: what the firmware did that the datasheet forbids, in sentences.
    """

    def __init__(
        self,
        clock: "Clock",
        air: "Air",
        reset: "Wire",
        dio0: "Wire",
        dio1: "Wire | None" = None,
        pa_boost: bool = True,
        tcxo: bool = False,
        version: int = 0x12,
    ) -> None:
        self._clock = clock
        self._air = air
        self._dio0 = dio0
        self._dio1 = dio1
        self._pa_boost = pa_boost
        self._tcxo = tcxo
        self._version = version
        self._receiver = Receiver(clock, air, self)
        self.alive = True
        self.breaches: list[str] = []
        self._generation = 0
        self._low_us = 0
        self._in_reset = False
        self._ready_us = clock.now_us + 2 * _AFTER_RESET_US  # DS 7.2.1: 10 ms after power-on
        reset.watch(self._reset)
        self._forget()

    # What a board or a test may ask.

    def current_na(self) -> int:
        """What it takes now, in nA (facts/boards)."""
        if self.mode == TX:
            boost = self.register(0x09) & _PA_BOOST
            if not boost:
                return 29_000_000
            return 120_000_000 if self.register(0x4D) == 0x87 else 90_000_000
        if self.mode in (RX_CONTINUOUS, RX_SINGLE):
            return 11_500_000 if self.register(0x0C) & 3 == 3 else 10_800_000
        return 200 if self.mode == SLEEP else 1_600_000

    def register(self, address: int) -> int:
        """What a register holds."""
        if address == 0x01:
            return (0x80 if self.lora else 0) | self.mode
        return self._registers.get(address, 0)

    def breach(self, sentence: str) -> None:
        """Note what the datasheet forbids."""
        if len(self.breaches) < _MOST_BREACHES:
            self.breaches.append(sentence)

    # Power and reset.

    def _forget(self) -> None:
        self._generation += 1
        self._receiver.close()
        self.mode = STANDBY
        self.lora = False
        self._registers = dict(_LORA_RESET)
        self._registers[0x42] = self._version
        self._image_cal = 0x82  # RegImageCal of the FSK page
        self._calibrated_us = 0
        self._image_hz = 434_000_000  # calibrated by itself at power-on
        self._fifo = bytearray(256)
        self._rx_at = 0
        self._started_us = self._clock.now_us
        self._address = -1
        self._write = False
        self._lost = False
        self._dio0.drive(0)
        if self._dio1 is not None:
            self._dio1.drive(0)

    def _reset(self, level: int) -> None:
        if not level:
            self._in_reset = True
            self._low_us = self._clock.now_us
            return
        self._in_reset = False
        if self._clock.now_us - self._low_us < _RESET_US:
            self.breach("NRESET was low for less than 100 us (DS 7.2.2)")
            return
        self._forget()
        self._ready_us = self._clock.now_us + _AFTER_RESET_US

    # SPI (DS 2.2): an address, then bytes; it goes on by itself, but for the FIFO.

    def select(self) -> None:
        """NSS falls."""
        self._address = -1
        self._lost = not self.alive or self._in_reset
        if not self._lost and self._clock.now_us < self._ready_us:
            self.breach("SPI within 5 ms of a reset, or 10 of power-on (DS 7.2)")
            self._lost = True

    def exchange(self, byte: int) -> int:
        """One byte each way."""
        if self._lost:
            return 0xFF if not self.alive else 0
        if self._address < 0:
            self._write = byte >= 0x80
            self._address = byte & 0x7F
            return 0
        address = self._address
        if address:
            self._address += 1
        if self._write:
            self._put(address, byte)
            return 0
        return self._get(address)

    def take(self, data: "bytes | bytearray | memoryview") -> None:
        """An address, and what is written from there on."""
        for byte in data:
            self.exchange(byte)

    def give(self, into: "bytearray | memoryview", write: int) -> None:
        """What is read from an address on."""
        for place in range(len(into)):
            into[place] = self.exchange(write)

    def deselect(self) -> None:
        """NSS rises."""

    def _get(self, address: int) -> int:
        if address == 0 and self.lora:
            return self._through_fifo(None)
        if address == 0x3B and not self.lora:
            return self._image_cal & ~0x60 | (0x20 if self._clock.now_us < self._calibrated_us else 0)
        return self.register(address)

    def _through_fifo(self, byte: int | None) -> int:
        if self.mode == SLEEP:
            self.breach("the FIFO in sleep mode (DS 4.1.2.3)")
            return 0
        at = self.register(0x0D)
        self._registers[0x0D] = (at + 1) % 256
        if byte is None:
            return self._fifo[at]
        self._fifo[at] = byte
        return 0

    def _put(self, address: int, value: int) -> None:
        if address == 0:
            self._through_fifo(value)
        elif address == 0x01:
            self._set_mode(value)
        elif address == 0x12:
            self._registers[0x12] = self.register(0x12) & ~value
            self._show()
        elif address == 0x3B and not self.lora:
            self._calibrate_image(value)
        elif address not in _READ_ONLY:
            if self.mode == TX and address not in (0x11,):
                self.breach(f"register 0x{address:02x} written while a frame is on the air")
            self._registers[address] = value
            if address in (0x11, 0x40):
                self._show()

    def _calibrate_image(self, value: int) -> None:
        self._image_cal = value
        if value & 0x40:
            if self.mode != STANDBY:
                self.breach("ImageCalStart outside standby (DS 4.2.3.8)")
            self._calibrated_us = self._clock.now_us + _CALIBRATION_US
            self._image_hz = self._frequency_hz()

    # Modes.

    def _set_mode(self, value: int) -> None:
        lora, mode = value >= 0x80, value & 7
        if lora != self.lora:
            if self.mode != SLEEP:
                self.breach("LongRangeMode changed outside sleep (DS 4.1.3)")
                lora = self.lora
            self.lora = lora
        if self.mode == TX and mode != TX:
            self.breach("a change of mode cuts the frame that is on the air")
        if self._tcxo != bool(self.register(0x4B) & 0x10) and mode not in (SLEEP, STANDBY):
            self.breach("RegTcxo does not fit the board's clock (DS table 41): it does not start")
            return
        if self.mode == SLEEP and mode != SLEEP:
            self._started_us = self._clock.now_us + _OSCILLATOR_US
        self._generation += 1
        self._receiver.close()
        self.mode = mode
        if mode in (TX, RX_SINGLE, RX_CONTINUOUS) and not self.lora:
            self.breach("TX or RX in FSK, which is not modelled")
        elif mode == TX:
            self._soon(_TO_TX_US, self._begin)
        elif mode in (RX_SINGLE, RX_CONTINUOUS):
            self._soon(_TO_RX_US, self._listen)
        elif mode == SLEEP:
            self._fifo = bytearray(256)
        elif mode != STANDBY:
            self.breach(f"mode {mode} is not modelled")

    def _soon(self, after_us: int, do: "Callable[[int], None]") -> None:
        generation = self._generation
        at_us = max(self._clock.now_us, self._started_us) + after_us
        self._clock.at(at_us, lambda: do(generation))

    def _rest(self) -> None:
        self._generation += 1
        self._receiver.close()
        self.mode = STANDBY

    # Transmitting.

    def _begin(self, generation: int) -> None:
        if generation != self._generation:
            return
        base = self.register(0x0E)
        one, two = self.register(0x1D), self.register(0x1E)
        emission = Emission(
            bytes([self._fifo[(base + place) % 256] for place in range(self.register(0x22))]),
            self._frequency_hz(),
            two >> 4,
            _BANDWIDTHS_HZ[one >> 4],
            self._clock.now_us,
            self._output_dbm(),
            one >> 1 & 7,
            self.register(0x20) << 8 | self.register(0x21),
            not one & 1,
            bool(two & 4),
            not self.register(0x33) & 1,
            self.register(0x39),
            bool(self.register(0x26) & 8),
            self._flaws(),
        )
        self._check(emission.symbol_us)
        self._air.transmit(emission)
        self._clock.at(emission.end_us, lambda: self._sent(generation))

    def _sent(self, generation: int) -> None:
        if generation == self._generation:
            self._rest()
            self._raise(TX_DONE)

    def _output_dbm(self) -> int:
        pa = self.register(0x09)
        output = pa & 15
        if pa & _PA_BOOST:
            return (20 if self.register(0x4D) == 0x87 else 17) - (15 - output)
        return (108 + 6 * (pa >> 4 & 7)) // 10 - (15 - output)

    def _flaws(self) -> tuple[str, ...]:
        found = []
        if bool(self.register(0x09) & _PA_BOOST) != self._pa_boost:
            found.append("the amplifier chosen has no antenna (DS 5.4.2)")
        ocp = self.register(0x0B)
        trim = ocp & 31
        limit_ma = 45 + 5 * trim if trim <= 15 else -30 + 10 * trim if trim <= 27 else 240
        need_ma = 120 if self.register(0x4D) == 0x87 else 90
        if ocp & 32 and limit_ma < need_ma:
            found.append(f"the over-current protection limits the amplifier to {limit_ma} mA (DS 5.4.4)")
        inverted = not self.register(0x33) & 1
        if self.register(0x3B) != (0x19 if inverted else 0x1D):
            found.append("RegInvertIQ2 does not fit the IQ polarity")
        return tuple(found)

    # Receiving.

    def _listen(self, generation: int) -> None:
        if generation != self._generation:
            return
        one, two = self.register(0x1D), self.register(0x1E)
        inverted = bool(self.register(0x33) & 0x40)
        tuning = Tuning(
            self._frequency_hz(),
            two >> 4,
            _BANDWIDTHS_HZ[one >> 4],
            inverted,
            self.register(0x39),
            not one & 1,
            bool(two & 4),
            bool(self.register(0x26) & 8),
            self.register(0x22) if one & 1 else self.register(0x23),
        )
        self._check(tuning.symbol_us)
        self._check_receiver(tuning, inverted)
        self._rx_at = self.register(0x0F)
        symbols = 0
        if self.mode == RX_SINGLE:
            symbols = (two & 3) << 8 | self.register(0x1F)
            if symbols < 4:
                self.breach("SymbTimeout is below 4 (DS table 41, RegSymbTimeoutLsb)")
        self._receiver.open(tuning, symbols, 0, False)

    def _check_receiver(self, tuning: Tuning, inverted: bool) -> None:
        if abs(self._image_hz - tuning.freq_hz) > 50_000_000:
            self.breach(f"it listens at {tuning.freq_hz} Hz, its image calibrated elsewhere (DS 4.2.3.8)")
        if self.register(0x4D) == 0x87:
            self.breach("+20 dBm is not switched off while it receives (DS 5.4.3)")
        if self.register(0x3B) != (0x19 if inverted else 0x1D):
            self.breach("RegInvertIQ2 does not fit the IQ polarity")
        wide = tuning.bw_hz == 500_000
        if self.register(0x36) != (2 if wide else 3) or (wide and self.register(0x3A) != 0x64):
            self.breach("RegHighBwOptimize does not fit the bandwidth (EN 2.1)")
        if bool(self.register(0x31) & 0x80) != wide:
            self.breach("AutomaticIFOn does not fit the bandwidth: it hears what is not there (EN 2.3)")
        elif not wide and (self.register(0x2F), self.register(0x30)) != (0x40, 0):
            self.breach("RegIfFreq is not 0x40 0x00 (EN 2.3)")

    def on_lock(self) -> None:
        """From the receiver; nothing shows."""

    def on_header(self, ok: bool) -> None:
        """From the receiver; a header that cannot be read raises nothing, and the search goes on."""
        if ok:
            self._raise(VALID_HEADER)

    def on_frame(self, arrival: "Arrival", payload: bytes, crc_ok: bool) -> None:
        """From the receiver: into the FIFO with it."""
        for place, byte in enumerate(payload):
            self._fifo[(self._rx_at + place) % 256] = byte
        snr = arrival.snr_quarter_db
        strength = arrival.rssi_dbm + 157 - (snr // 4 if snr < 0 else 0)  # DS 5.5.5, above 779 MHz
        self._registers[0x10] = self._rx_at
        self._registers[0x13] = len(payload)
        self._registers[0x19] = snr & 0xFF
        self._registers[0x1A] = min(max(strength, 0), 255)
        self._registers[0x1C] = 0x40 if arrival.emission.crc else 0
        self._rx_at = (self._rx_at + len(payload)) % 256
        if self.mode == RX_SINGLE:
            self._rest()
        self._raise(RX_DONE | (0 if crc_ok else CRC_ERROR))

    def on_timeout(self) -> None:
        """From the receiver."""
        self._rest()
        self._raise(RX_TIMEOUT)

    def spoils(self, emission: Emission) -> bool:
        """Nothing but what the tuning says."""
        return False

    # Both.

    def _frequency_hz(self) -> int:
        steps = self.register(0x06) << 16 | self.register(0x07) << 8 | self.register(0x08)
        return (steps * 15_625 + 128) >> 8

    def _check(self, symbol_us: int) -> None:
        if bool(self.register(0x26) & 8) != (symbol_us >= 16_000):
            self.breach("LowDataRateOptimize must be on from 16 ms a symbol, off below (DS 4.1.1.6)")

    def _raise(self, irq: int) -> None:
        self._registers[0x12] = self.register(0x12) | irq & ~self.register(0x11)
        self._show()

    def _show(self) -> None:
        flags = self.register(0x12)
        mapping = self.register(0x40)
        self._dio0.drive(1 if flags & (RX_DONE, TX_DONE, 0, 0)[mapping >> 6] else 0)
        if self._dio1 is not None:
            self._dio1.drive(1 if flags & (RX_TIMEOUT, 0, 0, 0)[mapping >> 4 & 3] else 0)
