"""The USB radio bridge: hands on what it hears, sends what it is told when it is told; holds no key, decides nothing.

A core of its own, without mind or MAC: `handle(event, now_us) → actions`, `wake_at() → µs | None`, on a clock that only
grows and of which the gateway sees the low 32 bits. The radio has one frame at a time; those that wait for their µs
are kept in order, and one that would touch another is refused, as the packet forwarder does (Semtech JIT queue).
"""

from protocol.airtime import symbol_us
from protocol.compat import const
from protocol.envelope import (
    BAD_FREQUENCY,
    BAD_POWER,
    BRIDGE,
    COLLISION,
    GATEWAY,
    HELLO,
    MAX_PHY_LEN,
    RADIO_FAULT,
    RECEIVED,
    SENT,
    STATISTICS,
    TOO_EARLY,
    TOO_LATE,
    TRANSMIT,
    TRANSMIT_RESULT,
    Message,
    message,
)
from protocol.errors import FrameError
from protocol.region import FSK, Plan, data_rate, dr_of, frame_airtime_us, sub_band

MAX_WAITING = const(8)  # a bridge's fifty nodes cannot have more windows open at once than their channel has room for
LEAD_US = const(10_000)  # from the alarm to the first symbol: wake, load up to 255 bytes at 8 MHz, tune
MARGIN_US = const(2_000)  # between two frames, to go from one's power and frequency to the next
MAX_ADVANCE_US = const(60_000_000)  # no window opens so late: the gateway means the clock of before a restart
STATISTICS_US = const(30_000_000)
HELLO_US = const(1_000_000)  # at most one in this time: two ends that answer each other's would fill the cable
_PATIENCE_US = const(1_000_000)  # for `Emitted`, after the frame should be over
_HALF = 1 << 31  # of the 32 bits that the gateway counts in
_PREAMBLE = const(8)  # symbols, of which the airtime knows
_ERP_TO_EIRP_CDB = const(215)


class Listen:
    """Listen for uplinks on *freq_hz* at *dr* from now on, whenever nothing is sent; answer with `FrameReceived`."""

    def __init__(self, freq_hz: int, dr: int) -> None:
        self.freq_hz = freq_hz
        self.dr = dr


class Emit:
    """Send the frame of a TRANSMIT so that its first symbol leaves at *start_us*; answer with `Emitted`."""

    def __init__(self, order: Message, start_us: int) -> None:
        self.order = order
        self.start_us = start_us


class Tell:
    """Send this message up the cable."""

    def __init__(self, content: Message) -> None:
        self.content = content


class FrameReceived:
    """The radio heard a frame that ended at *end_us*; phy_payload is empty if the header could not be read."""

    def __init__(self, end_us: int, rssi_dbm: int, snr_qdb: int, crc_ok: bool, phy_payload: bytes) -> None:
        self.end_us = end_us
        self.rssi_dbm = rssi_dbm
        self.snr_qdb = snr_qdb
        self.crc_ok = crc_ok
        self.phy_payload = phy_payload


class Emitted:
    """The frame of the last `Emit` is over: when it began and with what power, or None when the radio failed."""

    def __init__(self, started_us: int | None, actual_dbm: int | None) -> None:
        self.started_us = started_us
        self.actual_dbm = actual_dbm


class Bridge:
    """eui: of this bridge, 8 bytes as printed. firmware: its version, as text. plan: of which it hears one channel.

    antenna_cdb: gain of the antenna less the loss of its cable, in hundredths of dBi: what power_dbm reaches as EIRP.
    """

    def __init__(self, eui: bytes, firmware: str, plan: Plan, antenna_cdb: int = _ERP_TO_EIRP_CDB) -> None:
        self._eui = eui
        self._firmware = firmware
        self._plan = plan
        self._antenna_cdb = antenna_cdb
        self._awake = False
        self._hello_us = 0  # when the next may go
        self._hello_due = True
        self._statistics_us = STATISTICS_US
        self._waiting: list[_Frame] = []  # by start
        self._on_air: _Frame | None = None
        self._received_ok = 0
        self._received_bad = 0
        self._transmitted = 0

    def handle(self, event: object, now_us: int) -> list[object]:
        """Take a message from the cable, what the radio says, or the alarm."""
        actions: list[object] = []
        if not self._awake:
            self._awake = True
            actions.append(Listen(self._plan.channels[0], self._plan.max_dr))
        if isinstance(event, Message):
            if event.kind == HELLO:
                self._hello_due = self._hello_due or event.role == GATEWAY
            elif event.kind == TRANSMIT:
                self._accept(event, actions, now_us)
        elif isinstance(event, FrameReceived):
            self._hand_on(event, actions)
        elif isinstance(event, Emitted):
            self._finish(event, actions)
        self._do_what_is_due(actions, now_us)
        return actions

    def wake_at(self) -> int | None:
        """The next frame, report or hello."""
        first_us = self._statistics_us
        if self._hello_due:
            first_us = min(first_us, self._hello_us)
        if self._on_air:
            first_us = min(first_us, self._on_air.end_us + _PATIENCE_US)
        elif self._waiting:
            first_us = min(first_us, self._waiting[0].start_us - LEAD_US)
        return first_us

    def _do_what_is_due(self, actions: list[object], now_us: int) -> None:
        if self._hello_due and now_us >= self._hello_us:
            self._hello_due = False
            self._hello_us = now_us + HELLO_US
            actions.append(Tell(self._hello()))
        if now_us >= self._statistics_us:
            self._statistics_us = now_us + STATISTICS_US
            actions.append(Tell(self._statistics(now_us)))
        if self._on_air and now_us >= self._on_air.end_us + _PATIENCE_US:
            self._finish(Emitted(None, None), actions)
        while not self._on_air and self._waiting and now_us >= self._waiting[0].start_us - LEAD_US:
            frame = self._waiting.pop(0)
            if now_us > frame.start_us:
                actions.append(_result(frame.order, TOO_LATE))
            else:
                self._on_air = frame
                actions.append(Emit(frame.order, frame.start_us))

    def _hello(self) -> Message:
        return message(
            HELLO,
            role=BRIDGE,
            firmware=self._firmware,
            eui=self._eui,
            max_phy_len=MAX_PHY_LEN,
            plan=self._plan.number,
        )

    def _statistics(self, now_us: int) -> Message:
        return message(
            STATISTICS,
            uptime_s=now_us // 1_000_000,
            received_ok=self._received_ok,
            received_bad=self._received_bad,
            forwarded=self._received_ok,
            transmitted=self._transmitted,
        )

    # Up.

    def _hand_on(self, frame: FrameReceived, actions: list[object]) -> None:
        """What noise has changed is counted and goes no further: no MIC would match."""
        if not frame.crc_ok:
            self._received_bad += 1
            return
        self._received_ok += 1
        sf, bw_hz = data_rate(self._plan.max_dr)
        content = message(
            RECEIVED,
            counter_us=frame.end_us & 0xFFFFFFFF,
            freq_hz=self._plan.channels[0],
            sf=sf,
            bw_hz=bw_hz,
            rssi_dbm=frame.rssi_dbm,
            snr_qdb=frame.snr_qdb,
            crc_ok=True,
            phy_payload=frame.phy_payload,
        )
        actions.append(Tell(content))

    # Down.

    def _accept(self, order: Message, actions: list[object], now_us: int) -> None:
        """Find a frame its place among those that wait, or say why there is none."""
        try:
            frame = _Frame(order, now_us)
            band = sub_band(order.freq_hz, order.bw_hz or 125_000)
        except FrameError:
            actions.append(_result(order, BAD_FREQUENCY))
            return
        if order.power_dbm * 100 + self._antenna_cdb > band.max_erp_dbm * 100 + _ERP_TO_EIRP_CDB:
            actions.append(_result(order, BAD_POWER))
        elif frame.start_us < now_us + LEAD_US:
            actions.append(_result(order, TOO_LATE))
        elif frame.start_us > now_us + MAX_ADVANCE_US:
            actions.append(_result(order, TOO_EARLY))
        elif len(self._waiting) == MAX_WAITING or not self._placed(frame):
            actions.append(_result(order, COLLISION))

    def _placed(self, frame: "_Frame") -> bool:
        """Put *frame* among the others; one that may go at any time moves behind those in its way."""
        place = 0
        others = [self._on_air] if self._on_air else []
        for other in others + self._waiting:
            if frame.start_us > other.end_us + MARGIN_US:
                place += 1 if other is not self._on_air else 0
            elif frame.end_us + MARGIN_US < other.start_us:
                break
            elif frame.order.at_us is None:
                frame.move(other.end_us + MARGIN_US + 1)
                place += 1 if other is not self._on_air else 0
            else:
                return False
        self._waiting.insert(place, frame)
        return True

    def _finish(self, end: Emitted, actions: list[object]) -> None:
        frame = self._on_air
        if frame is None:
            return
        self._on_air = None
        if end.started_us is None:
            actions.append(_result(frame.order, RADIO_FAULT))
            return
        self._transmitted += 1
        actions.append(_result(frame.order, SENT, end.started_us & 0xFFFFFFFF, end.actual_dbm))


class _Frame:
    """A frame to send, and the time that it takes. Raises FrameError when EU868 has no such data rate."""

    def __init__(self, order: Message, now_us: int) -> None:
        self.order = order
        dr = dr_of(order.sf, order.bw_hz)
        self._airtime_us = frame_airtime_us(dr, len(order.phy_payload), uplink=not order.iq_inverted)
        if order.sf != FSK and order.preamble_symbols > _PREAMBLE:
            self._airtime_us += (order.preamble_symbols - _PREAMBLE) * symbol_us(order.sf, order.bw_hz)
        self.move(now_us + LEAD_US if order.at_us is None else now_us + _ahead_us(order.at_us, now_us))

    def move(self, start_us: int) -> None:
        """Begin at *start_us*."""
        self.start_us = start_us
        self.end_us = start_us + self._airtime_us


def _ahead_us(at_us: int, now_us: int) -> int:
    """How far the 32-bit time *at_us* lies ahead, up to 35 minutes, or behind, below zero."""
    ahead = (at_us - now_us) & 0xFFFFFFFF
    return ahead if ahead < _HALF else ahead - (_HALF << 1)


def _result(order: Message, outcome: int, started_us: int | None = None, actual_dbm: int | None = None) -> Tell:
    return Tell(
        message(TRANSMIT_RESULT, token=order.token, outcome=outcome, started_us=started_us, actual_dbm=actual_dbm)
    )
