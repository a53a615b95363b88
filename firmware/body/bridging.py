"""The loop of a USB bridge: envelopes on the cable, one channel on the air, µs that only grow; it never sleeps."""

from protocol.compat import const
from protocol.envelope import GATEWAY, HELLO, Decoder, seal
from protocol.region import FSK, PLANS, data_rate

from ..drivers.radio import FAILED, HEARD, PENDING, SENT, SPOILT
from ..roles.bridge import Bridge, Emit, Emitted, FrameReceived, Listen, Tell
from ..version import VERSION
from .being import Being

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from protocol.envelope import Message
    from protocol.settings import Settings

    from .board import Board
    from .hardware import Hardware
    from .kept import Kept
    from .memory import Memory

_MEND_US = const(10_000_000)
_LOOK_MS = const(50)  # at the radio, whose interrupt has noted the time: no frame of EU868's SF9 is shorter


class BridgeBody(Being):
    """A bridge's radio and cable. Its clock is the µs since the start."""

    def __init__(
        self, hardware: "Hardware", kept: "Kept", memory: "Memory", settings: "Settings", board: "Board"
    ) -> None:
        from .wiring import Wiring

        wiring = Wiring(hardware, board, True)
        wiring.switch_rail()  # it may feed the radio's TCXO
        super().__init__(hardware, kept, memory, board, wiring.led(), Decoder())
        hardware.port.binary(True)
        antenna_cdb = board.number("radio", "antenna_dbi", 2) * 100
        version = "%d.%d.%d" % VERSION
        self._bridge = Bridge(settings.dev_eui, version, PLANS[settings.plan], antenna_cdb)
        self._radio = wiring.radio()
        self._time = hardware.time
        self._ticks = hardware.time.ticks_us()
        self._now_us = 0
        self._heard_us = 0
        self._channel: Listen | None = None
        self._sending: Emit | None = None
        self._prepared = False  # to send what waits for its µs
        self._dbm = 0
        self._begun_us = 0
        self._air_us = 0
        self._started = False
        self._deaf = True
        self._mend_us = 0
        self.failures = 0
        self._hear(None, 0)

    def turn(self) -> None:
        """Do one thing, or rest until there may be one."""
        now_us = self._us()
        sending = self._sending
        if sending is not None and self._prepared:
            self._go(sending)
        elif self._deaf and sending is None and now_us >= self._mend_us:
            self._listen()
        elif self._poll():
            pass
        elif self.console.messages:
            self._take(self.console.messages.pop(0), now_us)
        elif self._is_due(now_us):
            self._hear(None, now_us)
        elif not self.tend(now_us // 1000):
            self._wait(now_us)

    def _take(self, content: "Message", now_us: int) -> None:
        """What came over the cable; a gateway that says HELLO is what a firmware on trial must bring about."""
        self.answered = self.answered or (content.kind == HELLO and content.role == GATEWAY)
        self._hear(content, now_us)

    def _wait(self, now_us: int) -> None:
        """Until something comes over the cable, or the next frame is due; the radio is looked after in between."""
        if now_us // 1000 >= self.house_ms:
            from .trial import keep_house

            keep_house(self, now_us // 1000)
        self._watchdog.feed()
        wake_us = self._bridge.wake_at()
        wait_ms = _LOOK_MS
        if self._sending is not None:  # to the millisecond: a node may answer as soon as it has heard the last symbol
            wait_ms = min(wait_ms, max((self._begun_us + self._air_us - now_us) // 1000, 0))
        if wake_us is not None:
            wait_ms = min(wait_ms, max((wake_us - now_us) // 1000, 0))
        self.hardware.port.wait(max(wait_ms, 1))

    def _us(self) -> int:
        ticks = self._time.ticks_us()
        self._now_us += self._time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._now_us

    def _us_of(self, ticks: int) -> int:
        return self._us() + self._time.ticks_diff(ticks, self._ticks)

    def _is_due(self, now_us: int) -> bool:
        wake_us = self._bridge.wake_at()
        return wake_us is not None and wake_us <= now_us

    def _hear(self, event: object, now_us: int) -> None:
        self._heard_us = max(now_us, self._heard_us)
        for action in self._bridge.handle(event, self._heard_us):
            if isinstance(action, Tell):
                try:
                    self.hardware.port.write(seal(action.content))
                except OSError:
                    self.failures += 1
            elif isinstance(action, Listen):
                self._channel = action
                self._deaf = True
            elif isinstance(action, Emit):
                self._prepare(action)

    # The radio.

    def _listen(self) -> None:
        channel = self._channel
        assert channel is not None  # a bridge listens from its first event on
        sf, bw_hz = data_rate(channel.dr)
        try:
            if not self._started:
                self._radio.start()
                self._started = True
            self._radio.prepare_listen(channel.freq_hz, sf, bw_hz, 0, False)
            self._radio.go()
            self._deaf = False
        except Exception as error:
            self._fail(error)

    def _prepare(self, emit: Emit) -> None:
        """Load the frame; `_go` sends it at its µs."""
        order = emit.order
        try:
            if order.sf == FSK:
                raise ValueError("FSK")
            self._dbm = order.power_dbm
            self._air_us = self._radio.prepare_transmit(
                order.phy_payload,
                order.freq_hz,
                order.sf,
                order.bw_hz,
                order.power_dbm,
                order.iq_inverted,
                not order.iq_inverted,  # a downlink has no CRC (TS001-1.0.4 §3)
            )
        except Exception as error:
            self._fail(error)
            self._hear(Emitted(None, None), self._us())
            return
        self._sending = emit
        self._prepared = True
        self._deaf = True

    def _go(self, emit: Emit) -> None:
        """Wait for the moment, which is less than 10 ms away."""
        ahead_us = emit.start_us - self._us()
        if ahead_us > 0:
            self._time.sleep_us(min(ahead_us, 20_000))
        self._prepared = False
        try:
            self._radio.go()
            self._begun_us = self._us()
        except Exception as error:
            self._sending = None
            self._fail(error)
            self._hear(Emitted(None, None), self._us())

    def _poll(self) -> bool:
        """What the radio has to say; whether there was something."""
        if self._deaf and self._sending is None:
            return False
        try:
            said = self._radio.poll()
            if said == PENDING:
                return False
            end_us = self._us_of(self._radio.end_us)
            if self._sending is not None:
                self._sending = None
                started_us = self._begun_us if said == SENT else None
                if said != SENT:
                    self._fail(ValueError("not sent"))
                self._hear(Emitted(started_us, None if started_us is None else self._dbm), self._us())
            elif said in (HEARD, SPOILT):
                radio = self._radio
                payload = radio.payload() if said == HEARD else b""
                self._hear(
                    FrameReceived(end_us, radio.rssi_dbm, radio.snr_quarter_db, said == HEARD, payload), self._us()
                )
            elif said == FAILED:
                self._fail(ValueError("deaf"))
        except Exception as error:
            self._fail(error)
        return True

    def _fail(self, error: Exception) -> None:
        """Note it, and start the radio anew in a while."""
        self.hardware.report("radio", error)
        self.failures += 1
        self._started = False
        self._sending = None
        self._prepared = False
        self._deaf = True
        self._mend_us = self._us() + _MEND_US
