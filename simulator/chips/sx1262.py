"""Semtech SX1262 as its driver meets it: commands over SPI, BUSY, DIO1, and LoRa frames on the air.

From DS_SX1261-2 rev 2.1. Enforced here, by section:

- 8.1 NRESET; 8.2.2 waking by NSS; 8.3.1 BUSY is high while a command is worked off, in sleep and while waking, and
  what is sent meanwhile is lost; 8.5 DIO1 is high while an unmasked interrupt is not cleared.
- 9.2 and 13.3.6: without its TCXO, or before the TCXO is steady, the 32 MHz clock does not start: XOSC_START_ERR, and
  the command is not carried out; 9.2.1 images are calibrated for one band; 9.3 what sleep forgets; 9.6 RX gain.
- 6.1.4 time on air; 13.1 modes and their time-outs; 13.4 modulation, packets, buffers; 13.5 status.
- 13.1.14 amplifier: settings that give 22, 20, 17 and 14 dBm; OCP, which SetPaConfig sets anew.
- 15.1 (0x0889), 15.2 (0x08D8), 15.3 (implicit header and time-out), 15.4 (0x0736): what goes wrong without.

Where the datasheet says too little: SetPacketParams puts 0x0736 back to its reset value, as others saw; wrong IQ
polarity (15.4) spoils frames of more than 32 bytes; any command wakes the chip and is itself lost.

Not modelled: GFSK, CAD, RX duty cycle, SF5 and SF6, bandwidths below 125 kHz, the RTC as an alarm, DIO2 and DIO3 as
interrupts, statistics, RSSI between frames, and heat.
"""

from .air import Emission
from .lora import Receiver, Tuning

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .air import Air, Arrival
    from .clock import Clock
    from .wire import Wire

SLEEP = 0  # modes; the others as the status byte has them
STANDBY_RC = 2
STANDBY_XOSC = 3
FS = 4
RX = 5
TX = 6

TX_DONE = 0x001  # interrupts (13.3.1)
RX_DONE = 0x002
PREAMBLE_DETECTED = 0x004
SYNC_WORD_VALID = 0x008
HEADER_VALID = 0x010
HEADER_ERR = 0x020
CRC_ERR = 0x040
TIMEOUT = 0x200

XOSC_START_ERR = 0x20  # of GetDeviceErrors (13.6.1)

_RESET_REGISTERS = (
    (0x0736, 0x0D),  # IQ polarity
    (0x0740, 0x14),  # sync word
    (0x0741, 0x24),
    (0x0889, 0x01),  # TX modulation
    (0x08AC, 0x94),  # RX gain
    (0x08D8, 0xC8),  # TX clamp
    (0x08E7, 0x38),  # OCP, of an SX1262
    (0x0911, 0x05),  # XTA and XTB trim
    (0x0912, 0x05),
)
_BANDWIDTHS_HZ = {4: 125_000, 5: 250_000, 6: 500_000}
_AMPLIFIER_DBM = {(4, 7): 22, (3, 5): 20, (2, 3): 17, (2, 2): 14}  # at SetTxParams +22 (table 13-21)
_TX_UA = ((-9, 26_000), (0, 40_600), (10, 70_500), (14, 89_300), (17, 95_400), (20, 103_800), (22, 117_900))
_OPTIMAL_TX_UA = {20: 84_000, 17: 58_000, 14: 45_000}  # of the amplifier settings above, at their top
_TCXO_MV = (1600, 1700, 1800, 2200, 2400, 2700, 3000, 3300)
_POWER_ON_BAND = (0xE1, 0xE9)  # 902 to 928 MHz, calibrated by itself (9.2.1)

_COLD_US = 3_500  # to STDBY_RC (table 8-2)
_WARM_US = 340
_FALLS_ASLEEP_US = 500  # in which nothing wakes it (13.1.1)
_CALIBRATE_US = 3_500  # all blocks (9.2.1)
_IMAGE_US = 1_000  # one band; the datasheet has no figure
_SWITCH_US = {STANDBY_RC: 10, STANDBY_XOSC: 31, FS: 50, RX: 83, TX: 126}  # from STDBY_RC with the clock running
_RTC_US_1000 = 15_625  # a step of the time-outs is 15.625 us
_CONTINUOUS = 0xFFFFFF
_LONG_FRAME = 32
_MOST_BREACHES = 50


class Sx1262:
    """The chip on its board.

    tcxo_mv: what the TCXO on DIO3 needs to run, 0 for a crystal. tcxo_us: until it is steady. dio2_switch: whether
    DIO2 turns the antenna to the amplifier. alive: False for a chip that answers nothing.
    breaches: what the firmware did that the datasheet forbids, in sentences.
    """

    def __init__(
        self,
        clock: "Clock",
        air: "Air",
        reset: "Wire",
        busy: "Wire",
        dio1: "Wire",
        tcxo_mv: int = 1800,
        tcxo_us: int = 2_000,
        dio2_switch: bool = True,
    ) -> None:
        self._clock = clock
        self._air = air
        self._dio1 = dio1
        self._tcxo_mv = tcxo_mv
        self._tcxo_us = tcxo_us
        self._dio2_switch = dio2_switch
        self._receiver = Receiver(clock, air, self)
        self.alive = True
        self.breaches: list[str] = []
        self._generation = 0  # what was planned for an earlier mode does not happen
        self._held_in_reset = False
        self._low_us = 0
        busy.source = self._busy
        busy.holds = lambda: self._busy_until_us
        reset.watch(self._reset)
        self._power_on()

    # What a board or a test may ask.

    def current_na(self) -> int:
        """What it takes now, in nA (facts/boards: Semtech's LBM for RX and TX, DS 3.4 for the rest)."""
        if self.mode == SLEEP:
            return 600 if self._warm else 160
        if self.mode == RX:
            boosted = self.register(0x08AC) == 0x96
            if self.dcdc:
                return 5_300_000 if boosted else 4_600_000
            return 10_100_000 if boosted else 8_880_000
        if self.mode == TX:
            return self._tx_ua() * 1000
        return {STANDBY_RC: 600_000, STANDBY_XOSC: 800_000, FS: 2_100_000}[self.mode]

    def register(self, address: int) -> int:
        """What a register holds."""
        return self._registers.get(address, 0)

    def breach(self, sentence: str) -> None:
        """Note what the datasheet forbids."""
        if len(self.breaches) < _MOST_BREACHES:
            self.breaches.append(sentence)

    # Power, reset and sleep.

    def _power_on(self) -> None:
        self._forget()
        self._busy_until_us = self._clock.now_us + _COLD_US
        # The calibration that follows a reset wants the 32 MHz clock (13.3.6, note on POR).
        if self._tcxo_mv:
            self._errors |= XOSC_START_ERR

    def _forget(self) -> None:
        """The state after a reset, or after a sleep with cold start."""
        self._generation += 1
        self._receiver.close()
        self.mode = STANDBY_RC
        self.dcdc = False
        self._warm = False
        self._registers = dict(_RESET_REGISTERS)
        self._buffer = bytearray(256)
        self._errors = 0
        self._irq = 0
        self._irq_mask = 0
        self._dio1_mask = 0
        self._lora = False
        self._frequency = 0
        self._pa: tuple[int, ...] = (0, 0, 0, 0)
        self._power = 0
        self._modulation: tuple[int, ...] = ()
        self._packet: tuple[int, ...] = ()
        self._tx_base = 0
        self._rx_base = 0
        self._rx_at = 0  # where the next frame goes
        self._single = True
        self._rtc_generation = -1  # of the reception after which the timer runs on (15.3)
        self._rx_status = (0, 0)
        self._packet_status = (0, 0, 0)
        self._symbols = 0
        self._stop_on_preamble = False
        self._fallback = STANDBY_RC
        self._calibrated = not self._tcxo_mv
        self._image = _POWER_ON_BAND
        self._dio2 = False
        self._dio3: tuple[int, int] | None = None  # mV and us
        self._clock_runs = False
        self._command_status = 0
        self._request: list[int] = []
        self._answer: list[int] = []
        self._lost = False
        self._asleep_us = 0
        self._busy_until_us = 0
        self._dio1.drive(0)

    def _reset(self, level: int) -> None:
        if not level:
            self._low_us = self._clock.now_us
            self._held_in_reset = True
            return
        self._held_in_reset = False
        if self._clock.now_us - self._low_us < 100:
            self.breach("NRESET was low for less than 100 us (DS 8.1)")
            return
        self._power_on()

    def _busy(self) -> int:
        if not self.alive or self._held_in_reset or self.mode == SLEEP:
            return 1
        return 1 if self._clock.now_us < self._busy_until_us else 0

    def _sleep(self, warm: bool) -> None:
        if self.mode not in (STANDBY_RC, STANDBY_XOSC):
            self.breach(f"SetSleep in mode {self.mode}: it must be in standby (DS 13.1.1)")
            return
        self._generation += 1
        self._warm = warm
        self._clock_runs = False
        self.mode = SLEEP
        self._asleep_us = self._clock.now_us

    def _wake(self) -> None:
        if self._clock.now_us - self._asleep_us < _FALLS_ASLEEP_US:
            self.breach("NSS fell within 500 us of SetSleep, and does not wake it (DS 13.1.1)")
            return
        if self._warm:
            kept = [self.register(address) for address in range(0x029F, 0x02A8)]
            self.mode = STANDBY_RC
            self._buffer = bytearray(256)  # 7.2: cleared in sleep
            if kept[:3] != [1, 0x08, 0xAC]:  # 9.6: the retention list
                self._registers[0x08AC] = 0x94
            self._busy_until_us = self._clock.now_us + _WARM_US
        else:
            self._forget()
            self._busy_until_us = self._clock.now_us + _COLD_US
            if self._tcxo_mv:
                self._errors |= XOSC_START_ERR

    # SPI.

    def select(self) -> None:
        """NSS falls."""
        self._request = []
        self._answer = []
        self._lost = False
        if not self.alive or self._held_in_reset:
            self._lost = True
        elif self.mode == SLEEP:
            self._wake()
            self._lost = True
        elif self._busy():
            self.breach("a command while BUSY was high (DS 8.3.1)")
            self._lost = True

    def exchange(self, byte: int) -> int:
        """One byte each way: the opcode first, then its arguments."""
        if self._lost:
            return 0xFF if not self.alive else 0
        place = len(self._request)
        self._request.append(byte)
        opcode = self._request[0]
        if opcode == 0x1D and place >= 4:  # ReadRegister
            return self.register(self._request[1] * 256 + self._request[2] + place - 4)
        if opcode == 0x1E and place >= 3:  # ReadBuffer
            return self._buffer[(self._request[1] + place - 3) % 256]
        if place == 0:
            self._answer = self._answers(opcode)
        elif place > 1 and place - 2 < len(self._answer):
            return self._answer[place - 2]
        return self._status()

    def take(self, data: "bytes | bytearray | memoryview") -> None:
        """Bytes of an opcode and its arguments."""
        if not self._lost:
            first = not self._request
            self._request.extend(data)
            if first and self._request:
                self._answer = self._answers(self._request[0])

    def give(self, into: "bytearray | memoryview", write: int) -> None:
        """What a command answers."""
        for place in range(len(into)):
            into[place] = self.exchange(write)

    def deselect(self) -> None:
        """NSS rises: the command is carried out."""
        if self._lost or not self._request:
            return
        opcode, arguments = self._request[0], self._request[1:]
        self._busy_until_us = self._clock.now_us  # a command that changes no mode takes less than a µs (DS 8.3.1)
        self._command_status = 0
        self._execute(opcode, arguments)

    def _status(self) -> int:
        return self.mode << 4 | self._command_status << 1

    def _answers(self, opcode: int) -> list[int]:
        """What follows the status byte."""
        if opcode == 0x12:  # GetIrqStatus
            return [self._irq >> 8, self._irq & 0xFF]
        if opcode == 0x13:  # GetRxBufferStatus
            length, start = self._rx_status
            if self._packet and self._packet[1]:  # 13.5.2: not told without a header; RegRxLength 0x0702 is to be read
                length = 0
            return [length, start]
        if opcode == 0x14:  # GetPacketStatus
            return list(self._packet_status)
        if opcode == 0x17:  # GetDeviceErrors
            return [self._errors >> 8, self._errors & 0xFF]
        if opcode == 0x11:  # GetPacketType
            return [1 if self._lora else 0]
        return []

    def _execute(self, opcode: int, a: list[int]) -> None:
        if opcode in _READS:
            return
        count = _ARGUMENTS.get(opcode)
        if count is None or (len(a) < -count if count < 0 else len(a) != count):
            self.breach(f"command 0x{opcode:02x} with {len(a)} arguments is not in DS 11 or not modelled")
            self._command_status = 4
            return
        if self.mode == TX and opcode not in (0x80, 0x02):
            self.breach(f"command 0x{opcode:02x} while a frame is on the air")
        if opcode == 0x84:
            self._sleep(bool(a[0] & 4))
        elif opcode == 0x80:
            self._standby(STANDBY_XOSC if a[0] else STANDBY_RC)
        elif opcode == 0xC1:
            self._enter(FS)
        elif opcode == 0x83:
            self._transmit(a[0] << 16 | a[1] << 8 | a[2])
        elif opcode == 0x82:
            self._receive(a[0] << 16 | a[1] << 8 | a[2])
        elif opcode == 0x89:
            self._calibrate()
        elif opcode == 0x98:
            self._calibrate_image(a[0], a[1])
        elif opcode == 0x97:
            self._set_tcxo(a)
        elif opcode == 0x0D:
            for place, value in enumerate(a[2:]):
                self._write_register(a[0] * 256 + a[1] + place, value)
        elif opcode == 0x0E:
            for place, value in enumerate(a[1:]):
                self._buffer[(a[0] + place) % 256] = value
        elif opcode == 0x02:
            self._irq &= ~(a[0] << 8 | a[1])
            self._show()
        else:
            self._configure(opcode, a)

    def _configure(self, opcode: int, a: list[int]) -> None:
        if opcode == 0x08:
            self._irq_mask = a[0] << 8 | a[1]
            self._dio1_mask = a[2] << 8 | a[3]
        elif opcode == 0x07:
            self._errors = 0
        elif opcode == 0x96:
            self.dcdc = a[0] == 1
        elif opcode == 0x9D:
            self._dio2 = a[0] == 1
        elif opcode == 0x9F:
            self._stop_on_preamble = a[0] == 1
        elif opcode == 0x93:
            self._fallback = {0x40: FS, 0x30: STANDBY_XOSC, 0x20: STANDBY_RC}.get(a[0], STANDBY_RC)
        elif opcode == 0x8A:
            if self.mode != STANDBY_RC:
                self.breach("SetPacketType outside STDBY_RC (DS 13.4.2)")
            self._lora = a[0] == 1
        elif opcode == 0x86:
            self._frequency = ((a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]) * 15_625 + 8_192) >> 14
        elif opcode == 0x95:
            self._pa = tuple(a)
            self._registers[0x08E7] = 0x18 if a[2] else 0x38  # 13.1.14: the OCP is set for the device chosen
        elif opcode == 0x8E:
            self._power = a[0] - 256 if a[0] > 127 else a[0]
        elif opcode == 0x8B:
            self._modulation = tuple(a)
        elif opcode == 0x8C:
            self._packet = (a[0] << 8 | a[1], a[2], a[3], a[4], a[5])  # preamble, implicit, length, CRC, inverted IQ
            self._registers[0x0736] = 0x0D
        elif opcode == 0x8F:
            self._tx_base, self._rx_base = a
        elif opcode == 0xA0:
            self._symbols = a[0]

    def _write_register(self, address: int, value: int) -> None:
        self._registers[address] = value
        if address == 0x0902 and value == 0:  # 15.3: the timer is stopped
            self._rtc_generation = -1

    # The 32 MHz clock, and modes.

    def _starts(self) -> bool:
        """Start the 32 MHz clock; False when it does not, which is noted where GetDeviceErrors finds it."""
        if self._clock_runs:
            return True
        if self._tcxo_mv:
            volts, delay_us = self._dio3 or (0, 0)
            self._busy_until_us += delay_us
            if volts < self._tcxo_mv or delay_us < self._tcxo_us:
                self._errors |= XOSC_START_ERR
                self._command_status = 5
                return False
        elif self._dio3:
            self.breach("DIO3 drives a TCXO on a board that has a crystal")
        self._clock_runs = True
        return True

    def _standby(self, mode: int) -> None:
        if self.mode == TX:
            self.breach("SetStandby cuts the frame that is on the air")
        self._leave()
        if mode == STANDBY_RC:
            self._clock_runs = False
        elif not self._starts():
            return
        self.mode = mode

    def _leave(self) -> None:
        """End what runs: reception, transmission."""
        self._generation += 1
        self._receiver.close()
        self.mode = STANDBY_RC

    def _enter(self, mode: int) -> bool:
        """Go to FS, RX or TX; BUSY is high on the way."""
        self._leave()
        if not self._lora and mode != FS:
            self.breach("SetTx or SetRx before SetPacketType: the chip is in GFSK, which is not modelled")
            return False
        if not self._starts():
            return False
        self.mode = mode
        self._busy_until_us += _SWITCH_US[mode]
        return True

    def _fall_back(self) -> None:
        """A frame is over (13.1.8)."""
        self._generation += 1
        self.mode = self._fallback
        self._clock_runs = self._fallback != STANDBY_RC

    def _calibrate(self) -> None:
        if self.mode != STANDBY_RC:
            self.breach("Calibrate outside STDBY_RC (DS 13.1.12)")
            return
        self._busy_until_us += _CALIBRATE_US
        if self._starts():
            self._clock_runs = False
            self._calibrated = True
        self._image = _POWER_ON_BAND

    def _calibrate_image(self, low: int, high: int) -> None:
        self._busy_until_us += _IMAGE_US
        if self._starts():
            self._clock_runs = self.mode != STANDBY_RC
            self._image = (low, high)

    def _set_tcxo(self, a: list[int]) -> None:
        if self.mode != STANDBY_RC:
            self.breach("SetDIO3AsTCXOCtrl outside STDBY_RC (DS 13.3.6)")
        self._dio3 = (_TCXO_MV[a[0] & 7], _rtc_us(a[1] << 16 | a[2] << 8 | a[3]))

    # Transmitting.

    def _transmit(self, timeout: int) -> None:
        if not self._enter(TX) or not self._is_set_up():
            return
        generation = self._generation
        self._clock.at(self._busy_until_us, lambda: self._begin(generation, timeout))

    def _begin(self, generation: int, timeout: int) -> None:
        if generation != self._generation:
            return
        preamble, implicit, length, crc, iq = self._packet
        sf, bandwidth, coding_rate, low_data_rate = self._modulation
        emission = Emission(
            bytes([self._buffer[(self._tx_base + place) % 256] for place in range(length)]),
            self._frequency,
            sf,
            _BANDWIDTHS_HZ[bandwidth],
            self._clock.now_us,
            self._output_dbm(),
            coding_rate,
            preamble,
            not implicit,
            bool(crc),
            bool(iq),
            self._sync_word(),
            bool(low_data_rate),
            self._flaws(),
        )
        self._check_low_data_rate(emission.symbol_us)
        self._air.transmit(emission)
        if timeout and _rtc_us(timeout) < emission.airtime_us:
            self.breach("the time-out of SetTx is shorter than the frame (DS 13.1.4)")
            self._clock.at(self._clock.now_us + _rtc_us(timeout), lambda: self._sent(generation, TIMEOUT))
        else:
            self._clock.at(emission.end_us, lambda: self._sent(generation, TX_DONE))

    def _sent(self, generation: int, irq: int) -> None:
        if generation == self._generation:
            self._fall_back()
            self._raise(irq)

    def _output_dbm(self) -> int:
        duty, hp_max, device, _ = self._pa
        top = _AMPLIFIER_DBM.get((duty, hp_max))
        if top is None or device or not -9 <= self._power <= 22:
            return -30
        return top - (22 - self._power)

    def _tx_ua(self) -> int:
        duty, hp_max, _, _ = self._pa
        top = _AMPLIFIER_DBM.get((duty, hp_max), 22)
        at_top = _OPTIMAL_TX_UA.get(top, 117_900)
        power = self._output_dbm()
        points = [(dbm, ua) for dbm, ua in _TX_UA if dbm < top] + [(top, at_top)]
        for place in range(len(points) - 1):
            (low, low_ua), (high, high_ua) = points[place], points[place + 1]
            if power <= high:
                return min(low_ua + (high_ua - low_ua) * max(power - low, 0) // (high - low), at_top)
        return at_top

    def _flaws(self) -> tuple[str, ...]:
        """What is wrong with the signal that leaves now."""
        found = []
        duty, hp_max, device, lut = self._pa
        if device or lut != 1 or (duty, hp_max) not in _AMPLIFIER_DBM:
            found.append(f"SetPaConfig {self._pa} is none of an SX1262 (DS 13.1.14)")
        if not -9 <= self._power <= 22:
            found.append(f"SetTxParams {self._power} dBm; an SX1262 has -9..22 (DS 13.4.4)")
        if self._dio2_switch and not self._dio2:
            found.append("DIO2 does not turn the antenna to the amplifier (DS 13.3.5)")
        wide = _BANDWIDTHS_HZ[self._modulation[1]] == 500_000
        if bool(self.register(0x0889) & 4) == wide:
            found.append("bit 2 of 0x0889 does not fit the bandwidth (DS 15.1)")
        if self.register(0x08D8) & 0x1E != 0x1E:
            found.append("0x08D8 clamps the amplifier too early (DS 15.2)")
        if self._wrong_iq():
            found.append("bit 2 of 0x0736 does not fit the IQ polarity: longer frames are lost (DS 15.4)")
        if self.register(0x08E7) * 2_500 < self._tx_ua():
            found.append("the over-current protection limits the amplifier (DS 13.1.14)")
        return tuple(found)

    # Receiving.

    def _receive(self, timeout: int) -> None:
        if not self._enter(RX) or not self._is_set_up():
            return
        generation = self._generation
        self._clock.at(self._busy_until_us, lambda: self._listen(generation, timeout))

    def _listen(self, generation: int, timeout: int) -> None:
        if generation != self._generation:
            return
        _, implicit, length, crc, iq = self._packet
        sf, bandwidth, _, low_data_rate = self._modulation
        tuning = Tuning(
            self._frequency,
            sf,
            _BANDWIDTHS_HZ[bandwidth],
            bool(iq),
            self._sync_word(),
            not implicit,
            bool(crc),
            bool(low_data_rate),
            length,
        )
        self._check_low_data_rate(tuning.symbol_us)
        low, high = self._image
        if not low * 4_000_000 <= self._frequency <= high * 4_000_000:
            self.breach(f"it listens at {self._frequency} Hz, its image calibrated for another band (DS 9.2.1)")
        self._single = timeout != _CONTINUOUS
        self._rx_at = self._rx_base
        timer_us = _rtc_us(timeout) if self._single else 0
        self._rtc_generation = -1
        if timer_us and implicit:
            self._rtc_generation = generation  # 15.3: it runs on
            self._clock.at(self._clock.now_us + timer_us, lambda: self._rtc_over(generation))
        self._receiver.open(tuning, self._symbols, timer_us, self._stop_on_preamble)

    def on_lock(self) -> None:
        """From the receiver."""
        self._raise(PREAMBLE_DETECTED)

    def on_header(self, ok: bool) -> None:
        """From the receiver."""
        self._raise(SYNC_WORD_VALID | (HEADER_VALID if ok else HEADER_ERR))

    def on_frame(self, arrival: "Arrival", payload: bytes, crc_ok: bool) -> None:
        """From the receiver: into the buffer with it."""
        for place, byte in enumerate(payload):
            self._buffer[(self._rx_at + place) % 256] = byte
        self._rx_status = (len(payload), self._rx_at)
        self._registers[0x0702] = len(payload)
        self._rx_at = (self._rx_at + len(payload)) % 256  # the next one of a continuous reception goes behind it
        rssi = min(max(-2 * arrival.rssi_dbm, 0), 255)
        self._packet_status = (rssi, arrival.snr_quarter_db & 0xFF, rssi)
        if self._single:
            self._receiver.close()
            self._fall_back()
        self._raise(RX_DONE | (0 if crc_ok else CRC_ERR))

    def on_timeout(self) -> None:
        """From the receiver."""
        self._generation += 1
        self.mode = STANDBY_RC
        self._clock_runs = False
        self._raise(TIMEOUT)

    def spoils(self, emission: Emission) -> bool:
        """15.4: wrong polarity loses longer frames."""
        return self._wrong_iq() and len(emission.payload) > _LONG_FRAME

    def _rtc_over(self, generation: int) -> None:
        if self._rtc_generation == generation and self.mode != RX and self.mode != SLEEP:
            self._raise(TIMEOUT)

    # Both.

    def _is_set_up(self) -> bool:
        if not self._calibrated:
            self.breach("the calibration at power-on had no clock, and none came after SetDIO3AsTCXOCtrl (DS 13.3.6)")
        if self._modulation and self._packet and self._frequency and self._modulation[1] in _BANDWIDTHS_HZ:
            return True
        self.breach("SetTx or SetRx before frequency, SetModulationParams and SetPacketParams (DS 14.2, 14.3)")
        return False

    def _check_low_data_rate(self, symbol_us: int) -> None:
        if bool(self._modulation[3]) != (symbol_us >= 16_000):
            self.breach("LowDataRateOptimize must be on from 16.38 ms a symbol, off below (DS 6.1.1.4)")

    def _sync_word(self) -> int:
        """The two nibbles that go out; the others are 4 (12.1)."""
        first, second = self.register(0x0740), self.register(0x0741)
        return first & 0xF0 | second >> 4

    def _wrong_iq(self) -> bool:
        return bool(self.register(0x0736) & 4) == bool(self._packet[4])

    def _raise(self, irq: int) -> None:
        self._irq |= irq & self._irq_mask
        self._show()

    def _show(self) -> None:
        self._dio1.drive(1 if self._irq & self._dio1_mask else 0)


def _rtc_us(steps: int) -> int:
    return (steps * _RTC_US_1000 + 999) // 1000


_BY_COUNT = (  # commands by how many arguments they have; at least so many: negative
    (0, (0xC1,)),
    (1, (0x84, 0x80, 0x89, 0x96, 0x9D, 0x9F, 0x93, 0x8A, 0xA0)),
    (2, (0x98, 0x02, 0x07, 0x8E, 0x8F)),
    (3, (0x83, 0x82)),
    (4, (0x97, 0x86, 0x95, 0x8B)),
    (6, (0x8C,)),
    (8, (0x08,)),
    (-1, (0x0E,)),
    (-3, (0x0D,)),
)
_ARGUMENTS = {opcode: count for count, opcodes in _BY_COUNT for opcode in opcodes}
_READS = (0x12, 0x13, 0x14, 0x17, 0x11, 0x1D, 0x1E, 0xC0)
_SWITCHES = (0x84, 0x80, 0xC1, 0x83, 0x82, 0x89, 0x98)  # of mode, clock or calibration
CALM_COMMANDS = _READS + tuple([each for each in _ARGUMENTS if each not in _SWITCHES])  # BUSY stays low (8.3.1)
