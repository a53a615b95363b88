"""What a serial port says: a bridge, or a wired node, in the envelopes of `protocol.envelope`. A pure core.

Who is at the other end is known from its HELLO. Both ends say HELLO at start and answer the other's, so one that comes
unasked means that the other end has restarted, its clock with it: what it was told before is lost.
"""

from gateway.links.link import Heard, Outcome, RadioReport, Received, Transmit, TransmitResult
from protocol import envelope
from protocol.envelope import Decoder, Message, message, seal
from protocol.errors import EnvelopeError, FrameError
from protocol.region import data_rate, dr_of

CABLE_DR = 5  # whose 222 bytes of payload a cable carries as well

HELLO_MS = 5_000  # between two questions who is there, while nobody has answered
STRANGE_MS = 10_000  # then the operator is told: an ESP32 boots MicroPython and a role in less than 5 s
QUIET_MS = 60_000  # twice a bridge's interval of STATISTICS; a wired node is asked as often
DEAD_MS = 3 * QUIET_MS  # two questions went unanswered
_ECHO_MS = 2_000  # a bridge says HELLO at most once a second: a second one so soon answers ours, and is no restart
# The result comes when the frame is over: RxDelay is 15 s at most and RX2 a second later, a frame takes 3 s, and the
# bridge waits another for its radio.
RESULT_MS = 20_000
MAX_PENDING = 64  # eight times what a bridge keeps waiting
LOGS_PER_MINUTE = 10  # of the other end's log are handed on; a firmware in despair must not fill the gateway's
_MINUTE_MS = 60_000
_PREAMBLE_SYMBOLS = 8  # TS001-1.0.4 §3

_OUTCOMES = {
    envelope.SENT: Outcome.SENT,
    envelope.TOO_LATE: Outcome.TOO_LATE,
    envelope.TOO_EARLY: Outcome.TOO_EARLY,
    envelope.COLLISION: Outcome.COLLISION,
    envelope.BAD_FREQUENCY: Outcome.TX_FREQ,
    envelope.BAD_POWER: Outcome.TX_POWER,
    envelope.RADIO_FAULT: Outcome.RADIO_FAULT,
}
_LEVELS = {envelope.INFO: "info", envelope.WARNING: "warning", envelope.ERROR: "error"}
_KINDS = {envelope.BRIDGE: "bridge", envelope.NODE: "cable"}

Effect = bytes | Heard  # bytes go down the cable


class Cable:
    """One port, called *port* (`serial:` and its path) until the other end has a name.

    firmware: what the gateway calls itself in its HELLO, at most 32 bytes.
    """

    def __init__(self, port: str, firmware: str) -> None:
        self._port = port
        self._hello = seal(
            message(
                envelope.HELLO,
                role=envelope.GATEWAY,
                firmware=firmware,
                eui=bytes(8),
                max_phy_len=envelope.MAX_PHY_LEN,
                plan=None,
            )
        )
        self.overflow = 0  # what the link had no room for, since start
        self._open = False
        self._peer: Message | None = None  # its HELLO
        self._pending: dict[int, tuple[int, int]] = {}  # by the token on the cable: (token, until_ms)
        self._wire_token = 0
        self._logs = 0
        self._logs_ms: int | None = None  # when their minute began
        self._strange = False  # the operator was told that nobody answers
        self._begin(0)

    @property
    def radio(self) -> str:
        """The name of the other end's radio, or of the port while nobody has said HELLO."""
        if self._peer is None:
            return self._port
        return f"{_KINDS[self._peer.role]}:{self._peer.eui.hex()}"

    @property
    def known(self) -> bool:
        """Whether the other end has said who it is."""
        return self._peer is not None

    def opened(self, now_ms: int) -> list[Effect]:
        """The port is there: ask who is at its other end."""
        self._open = True
        self._begin(now_ms)
        return self._ask(now_ms)

    def lost(self, why: str) -> list[Effect]:
        """The port is gone, or closed. What was under way may have been sent: NO_ANSWER."""
        self._open = False
        effects = self._fail_pending()
        if self._peer is not None:
            effects.append(self._report(why, online=False))
            self._peer = None
        return effects

    def feed(self, data: bytes, now_ms: int) -> list[Effect]:
        """Bytes came up the cable, in any pieces."""
        effects: list[Effect] = []
        for content in self._decoder.feed(data):
            self._heard_ms = now_ms
            if content.kind == envelope.HELLO:
                effects += self._meet(content, now_ms)
            elif self._peer is not None:
                effects += self._take(content, now_ms)
        return effects

    def transmit(self, transmit: Transmit, now_ms: int) -> list[Effect]:
        """Hand a downlink down; the one TransmitResult comes now or later.

        A node is told at once and has no more to say: SENT. power_dbm is what leaves the bridge's antenna connector.
        """
        peer = self._peer
        if peer is None or transmit.radio != self.radio:
            return [TransmitResult(token=transmit.token, outcome=Outcome.LINK_DOWN)]
        if len(self._pending) >= MAX_PENDING:
            return [TransmitResult(token=transmit.token, outcome=Outcome.COLLISION)]
        try:
            if len(transmit.phy_payload) > peer.max_phy_len:
                raise EnvelopeError(f"a frame of {len(transmit.phy_payload)} bytes; it takes {peer.max_phy_len}")
            if peer.role == envelope.NODE:
                sealed = seal(message(envelope.FRAME, phy_payload=transmit.phy_payload))
                return [sealed, TransmitResult(token=transmit.token, outcome=Outcome.SENT)]
            return [self._order(transmit, now_ms)]
        except (EnvelopeError, FrameError) as error:
            return [
                TransmitResult(token=transmit.token, outcome=Outcome.RADIO_FAULT),
                self._report(f"cannot be told to send: {error}"),
            ]

    def wake_at(self) -> int | None:
        """When a result is overdue, or the other end has been silent for too long."""
        if not self._open:
            return None
        times = [until_ms for _, until_ms in self._pending.values()]
        times.append(self._asked_ms + HELLO_MS if self._peer is None else self._next_question_ms())
        if self._peer is None and not self._strange:
            times.append(self._opened_ms + STRANGE_MS)
        return min(times)

    def wake(self, now_ms: int) -> list[Effect]:
        """Do what is due at *now_ms*."""
        effects = self._fail_pending(now_ms)
        if not self._open:
            return effects
        if self._peer is not None and now_ms - self._heard_ms >= DEAD_MS:
            effects.append(self._report(f"has said nothing for {DEAD_MS // 1000} s: has its program stopped?", False))
            self._peer = None
        if self._peer is None and not self._strange and now_ms - self._opened_ms >= STRANGE_MS:
            self._strange = True
            effects.append(self._report(self._nobody(), online=False))
        due_ms = self._asked_ms + HELLO_MS if self._peer is None else self._next_question_ms()
        if now_ms >= due_ms:
            effects += self._ask(now_ms)
        return effects

    def _begin(self, now_ms: int) -> None:
        """As after opening the port: nothing of before counts."""
        self._decoder = Decoder()
        self._opened_ms = self._heard_ms = self._asked_ms = now_ms
        self._asked = False  # a HELLO of ours is not yet answered
        self._met_ms: int | None = None
        self._uptime_s = 0
        self._strange = False

    def _next_question_ms(self) -> int:
        return max(self._heard_ms, self._asked_ms) + QUIET_MS

    def _ask(self, now_ms: int) -> list[Effect]:
        self._asked = True
        self._asked_ms = now_ms
        return [self._hello]

    def _meet(self, hello: Message, now_ms: int) -> list[Effect]:
        """The other end said HELLO: at its start, or because ours asked."""
        if hello.role not in _KINDS:
            if self._strange:
                return []
            self._strange = True
            return [self._report(f"a HELLO with role {hello.role}; expected a bridge (1) or a node (2)", online=False)]
        answered = self._asked or (self._met_ms is not None and now_ms - self._met_ms < _ECHO_MS)
        self._asked = False
        self._met_ms = now_ms
        same = self._peer is not None and self._peer.eui == hello.eui and self._peer.role == hello.role
        if same and answered:
            self._peer = hello
            return []
        effects = self._fail_pending()
        if self._peer is not None and not same:
            effects.append(self._report("another device took its place on the cable", online=False))
        self._peer = hello
        self._uptime_s = 0
        effects.append(self._report(f"{'has restarted' if same else 'is there'}, firmware {_shown(hello.firmware)}"))
        return effects if answered else effects + self._ask(now_ms)

    def _take(self, content: Message, now_ms: int) -> list[Effect]:
        """What a known end says; kinds of newer versions are passed over."""
        if content.kind == envelope.RECEIVED:
            return self._received(content)
        if content.kind == envelope.FRAME:
            return [Received(radio=self.radio, phy_payload=content.phy_payload, freq_hz=0, dr=CABLE_DR)]
        if content.kind == envelope.TRANSMIT_RESULT:
            return self._result(content)
        if content.kind == envelope.STATISTICS:
            return self._statistics(content)
        if content.kind == envelope.LOG:
            return self._log(content, now_ms)
        return []

    def _received(self, content: Message) -> list[Effect]:
        if not content.crc_ok:
            return []  # noise; the bridge counts it
        try:
            dr = dr_of(content.sf, content.bw_hz)
        except FrameError:
            return []
        return [
            Received(
                radio=self.radio,
                phy_payload=content.phy_payload,
                freq_hz=content.freq_hz,
                dr=dr,
                counter_us=content.counter_us,
                rssi_dbm=content.rssi_dbm,
                snr_db=content.snr_qdb / 4,
            )
        ]

    def _order(self, transmit: Transmit, now_ms: int) -> bytes:
        """The TRANSMIT for a bridge, remembered until its result comes."""
        sf, bw_hz = data_rate(transmit.dr)
        wire_token = (self._wire_token + 1) & 0xFFFF
        while wire_token in self._pending:
            wire_token = (wire_token + 1) & 0xFFFF
        sealed = seal(
            message(
                envelope.TRANSMIT,
                token=wire_token,
                at_us=transmit.counter_us,
                freq_hz=transmit.freq_hz,
                sf=sf,
                bw_hz=bw_hz,
                power_dbm=transmit.power_dbm,
                iq_inverted=True,
                preamble_symbols=_PREAMBLE_SYMBOLS,
                phy_payload=transmit.phy_payload,
            )
        )
        self._wire_token = wire_token
        self._pending[wire_token] = (transmit.token, now_ms + RESULT_MS)
        return sealed

    def _result(self, content: Message) -> list[Effect]:
        pending = self._pending.pop(content.token, None)
        if pending is None:
            return []  # too late, or of before a restart
        # An outcome of a newer version: whether it went out is told beside it.
        other = Outcome.RADIO_FAULT if content.started_us is None else Outcome.SENT
        return [TransmitResult(token=pending[0], outcome=_OUTCOMES.get(content.outcome, other))]

    def _statistics(self, content: Message) -> list[Effect]:
        effects: list[Effect] = []
        if content.uptime_s < self._uptime_s:  # its HELLO was lost in noise
            effects += self._fail_pending()
        self._uptime_s = content.uptime_s
        decoder = self._decoder
        figures = {
            "uptime_s": content.uptime_s,
            "received_ok": content.received_ok,
            "received_bad": content.received_bad,
            "forwarded": content.forwarded,
            "transmitted": content.transmitted,
            "bad_envelopes": decoder.bad_crc + decoder.oversize + decoder.refused,
            "discarded_bytes": decoder.discarded_bytes,
            "overflow": self.overflow,
        }
        numbers = tuple((name, float(number)) for name, number in figures.items())
        effects.append(RadioReport(radio=self.radio, online=True, detail="", figures=numbers))
        return effects

    def _log(self, content: Message, now_ms: int) -> list[Effect]:
        if content.level == envelope.DEBUG:
            return []
        if self._logs_ms is None or now_ms - self._logs_ms >= _MINUTE_MS:
            self._logs = 0
            self._logs_ms = now_ms
        self._logs += 1
        if self._logs > LOGS_PER_MINUTE:
            return []
        return [self._report(f"{_LEVELS.get(content.level, 'error')}: {_shown(content.text)}")]

    def _fail_pending(self, now_ms: int | None = None) -> list[Effect]:
        """NO_ANSWER for what is under way: all of it, or what is overdue at *now_ms*."""
        due = [at for at, (_, until_ms) in self._pending.items() if now_ms is None or now_ms >= until_ms]
        return [TransmitResult(token=self._pending.pop(at)[0], outcome=Outcome.NO_ANSWER) for at in due]

    def _nobody(self) -> str:
        noise = f" What came was not understood: {self._decoder.last_error}." if self._decoder.last_error else ""
        return (
            f"the port is open, but no bridge or node answers: is Lampyre's firmware on it, and at this speed?{noise}"
        )

    def _report(self, detail: str, online: bool = True) -> RadioReport:
        return RadioReport(radio=self.radio, online=online, detail=detail)


def _shown(text: str) -> str:
    """What a board wrote, harmless in a log."""
    return "".join(char if char.isprintable() else "?" for char in text)
