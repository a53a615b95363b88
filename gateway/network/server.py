"""The network server of the walking skeleton: uplinks of ABP sessions, from frame to records.

An uplink passes named steps (parse → find session → check counter and MIC → decrypt → decode → commit); the first
that refuses gives the reason. An authentic one is committed for its counter even when nothing can be read in it.
A session moves on when its uplink is handed to be committed and goes back if that fails. Joins, deduplication, MAC
commands and downlinks follow behind the same seam.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.links.link import Received, TransmitResult
from gateway.network.events import Commit, Committed, Effect, Event, NotCommitted, Reason, Refused
from gateway.network.session import Session
from gateway.readings.decode import records_of
from gateway.readings.record import Record
from protocol.errors import ProtocolError
from protocol.lorawan.counters import accept_f_cnt, nearest_full
from protocol.lorawan.eui import dev_addr_to_text
from protocol.lorawan.frames import UPLINK, DataFrame, parse_frame
from protocol.lorawan.security import mic_matches, open_payload
from protocol.region import data_rate, frame_airtime_us
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS
from protocol.telemetry_reader import decode_readings, decode_status


class SkeletonServer:
    """Implements `gateway.network.events.NetworkServer`."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._by_dev_addr: dict[int, list[Session]] = {}  # several may share one: the MIC tells them apart
        for session in sessions:
            self._by_dev_addr.setdefault(session.dev_addr, []).append(session)
        self._pending: dict[int, _Pending] = {}  # by token, in the order of acceptance
        self._token = 0

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Decide what *event* means: a frame, or the fate of a commit."""
        if isinstance(event, Received):
            try:
                return self._uplink(event, now_ms)
            except _RefusalError as refusal:
                return [refusal.effect()]
        if isinstance(event, Committed):
            del self._pending[event.token]
        elif isinstance(event, NotCommitted):
            self._roll_back(event.token)
        else:
            assert isinstance(event, TransmitResult)  # nothing is transmitted yet
        return []

    def wake_at(self) -> int | None:
        """Nothing waits for a time yet."""
        return None

    def wake(self, now_ms: int) -> list[Effect]:
        """Nothing waits for a time yet."""
        return []

    def _uplink(self, received: Received, now_ms: int) -> list[Effect]:
        frame = _parse(received)
        session, f_cnt = _authenticate(self._by_dev_addr.get(frame.dev_addr, []), frame)
        before = (session.f_cnt_up, session.epoch, session.last_seq)
        session.f_cnt_up = f_cnt  # authentic: its counter is used up, whatever it says
        refused: list[Effect] = []
        try:
            records = _read(frame, received, session, open_payload(session.keys, frame, UPLINK, f_cnt), now_ms)
        except _RefusalError as refusal:
            records = ()
            refused.append(refusal.effect())
        self._token += 1
        self._pending[self._token] = _Pending(session, f_cnt, before)
        commit = Commit(
            token=self._token, dev_eui=session.dev_eui, f_cnt_up=f_cnt, epoch=session.epoch, records=records
        )
        return [commit, *refused]

    def _roll_back(self, token: int) -> None:
        failed = self._pending.pop(token)
        session = failed.session
        if session.f_cnt_up == failed.f_cnt:
            session.f_cnt_up, session.epoch, session.last_seq = failed.before
            return
        # A later uplink has moved the session on; going back would admit its replay. Should that one fail as well,
        # it goes back to before this one.
        for later in self._pending.values():
            if later.session is session and later.before[0] == failed.f_cnt:
                later.before = failed.before


@dataclass(slots=True)
class _Pending:
    """An uplink handed to be committed: its counter, and (f_cnt_up, epoch, last_seq) of the session before it."""

    session: Session
    f_cnt: int
    before: tuple[int, int, int]


class _RefusalError(Exception):
    def __init__(self, reason: Reason, dev_addr: int | None, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.dev_addr = dev_addr

    def effect(self) -> Refused:
        return Refused(reason=self.reason, dev_addr=self.dev_addr, detail=str(self))


def _parse(received: Received) -> DataFrame:
    try:
        data_rate(received.dr)
        frame = parse_frame(received.phy_payload)
    except ProtocolError as error:
        raise _RefusalError(Reason.MALFORMED, None, str(error)) from None
    if frame.direction != UPLINK:
        raise _RefusalError(Reason.NOT_AN_UPLINK, frame.dev_addr, "a downlink, from another gateway or an attacker")
    return frame


def _authenticate(sessions: list[Session], frame: DataFrame) -> tuple[Session, int]:
    """The session whose key signed *frame*, and the frame's 32-bit counter."""
    shown = dev_addr_to_text(frame.dev_addr)
    if not sessions:
        raise _RefusalError(Reason.UNKNOWN_DEV_ADDR, frame.dev_addr, f"no device has the DevAddr {shown}")
    for session in sessions:
        f_cnt = accept_f_cnt(session.f_cnt_up, frame.f_cnt16)
        if f_cnt is not None and mic_matches(session.keys, frame, UPLINK, f_cnt):
            return session, f_cnt
    for session in sessions:  # to tell a replay from a forgery: was it right once?
        f_cnt = nearest_full(session.f_cnt_up, frame.f_cnt16)
        if f_cnt <= session.f_cnt_up and mic_matches(session.keys, frame, UPLINK, f_cnt):
            raise _RefusalError(
                Reason.REPLAYED,
                frame.dev_addr,
                f"FCntUp {f_cnt} of DevAddr {shown} was accepted before; the last one is {session.f_cnt_up}",
            )
    raise _RefusalError(Reason.WRONG_MIC, frame.dev_addr, f"the MIC matches no key known for DevAddr {shown}")


def _read(frame: DataFrame, received: Received, session: Session, payload: bytes, now_ms: int) -> tuple[Record, ...]:
    """What an authentic payload says: its records, and what it tells of the session's log."""
    try:
        if frame.f_port == F_PORT_STATUS:
            status = decode_status(payload)
            session.epoch, session.last_seq = status.epoch, status.next_seq
            return ()
        if frame.f_port == F_PORT_READINGS:
            readings = decode_readings(payload)
            airtime_ms = frame_airtime_us(received.dr, len(received.phy_payload)) // 1000
            records = records_of(readings, session, now_ms, airtime_ms)
            session.last_seq = max(session.last_seq, nearest_full(session.last_seq, readings.rows[0].seq))
            return records
    except ProtocolError as error:
        raise _RefusalError(Reason.UNREADABLE_PAYLOAD, frame.dev_addr, str(error)) from None
    raise _RefusalError(Reason.UNKNOWN_F_PORT, frame.dev_addr, f"FPort {frame.f_port} has no meaning here")
