"""What becomes of an authentic uplink: decrypt → hear MAC commands → hear the application → commit → answer.

Its counter moves as it is handed to be committed, whatever its payload says, and goes back if that fails: then its
repetition is welcome. Only an acknowledgement waits for its commit; every other answer goes at once.

The last accepted frame heard again is a repetition (NbTrans, or its acknowledgement was lost: TS001-1.0.4 §4.3.1): once
its windows have passed it may be answered again, MAC commands and acknowledgement alike, and nothing is recorded twice.
It counts as REPLAYED when there is nothing to say to it, and so does a copy that came after the others.
"""

from collections import deque
from collections.abc import Callable
from functools import cache

from gateway.links.link import Received
from gateway.network.application import NOTHING, Answer, Application, Uplink
from gateway.network.authenticating import RefusalError
from gateway.network.commits import Stream
from gateway.network.deduplication import Frame
from gateway.network.device import Device, Session
from gateway.network.events import Accepted, Downlink, Effect, Reason
from gateway.network.fleet import Fleet
from gateway.network.scheduling import Turn
from gateway.network.settings import NetworkSettings
from gateway.network.speaking import Speaker
from gateway.network.stumbling import sentence_on, stumbled
from gateway.store.writes import Write
from protocol.lorawan.eui import dev_addr_to_text
from protocol.lorawan.frames import UPLINK, DataFrame
from protocol.lorawan.security import open_payload
from protocol.region import frame_airtime_us, rx1_dr

MAX_REPEATS = 15  # NbTrans has four bits; a replay of the last frame costs no more airtime than that

_CABLE_AGAIN_MS = 1_000  # a wired node waits 2 s for its answer, and at least one more


class Acceptor:
    """Takes in what authentic uplinks say. offset_ms: as `ClockSet` told it last.

    enqueue: lets a downlink that the application answers with wait for its turn, whoever it is for.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        fleet: Fleet,
        stream: Stream,
        speaker: Speaker,
        application: Application,
        enqueue: Callable[[Downlink, int, list[Effect]], object],
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._stream = stream
        self._speaker = speaker
        self._application = application
        self._enqueue = enqueue
        self._turns: deque[tuple[Turn, Device]] = deque()  # of the last seconds: half a kB each while it lasts
        self.offset_ms: int | None = None

    def accept(
        self, session: Session, frame: DataFrame, f_cnt: int, heard: Frame, now_ms: int, out: list[Effect]
    ) -> None:
        """A frame whose counter is above the last one."""
        step = _Accepted(self._fleet, self._speaker, session)
        try:
            self._take_in(session, frame, f_cnt, heard, step, now_ms, out)
        except Exception as error:
            if step.handed:  # it is accepted; what failed is what was to be said in return
                stumbled(error, session.device.registration.dev_eui, out)
                return
            step.undo(now_ms)
            self._set_aside(session, frame, f_cnt, heard, error, now_ms, out)

    def repeated(self, session: Session, frame: DataFrame, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        """The last accepted frame again. Raises RefusalError when there is nothing to say to it."""
        device = session.device
        f_cnt = session.f_cnt_up
        again_ms = 1000 * (session.row.rx_delay_s + 1) if heard.copies[0][0].freq_hz else _CABLE_AGAIN_MS
        mic = int.from_bytes(frame.mic, "little")
        if session.mic not in (mic, -1):
            why = "was used for another frame"
        elif heard.first_ms - session.heard_ms < again_ms:
            why = "was accepted: a copy that came late"
        elif session.repeats >= MAX_REPEATS:
            why = f"was repeated {MAX_REPEATS} times: a replay"
        else:
            why = ""
            session.repeats += 1
            session.heard_ms = heard.first_ms
            payload = open_payload(session.keys, frame, UPLINK, f_cnt)
            turn = self._turn(session, frame, f_cnt, payload, heard)
            self._speaker.heard(device, False)  # its ACK bit is of before
            if not (turn.ack or turn.asks or turn.answers or device.queue is not None):
                why = "was accepted: a repetition, and there is nothing to say"
            self._speaker.speak(device, now_ms, out)
        if why:
            detail = f"FCntUp {f_cnt} of DevAddr {dev_addr_to_text(frame.dev_addr)} {why}"
            raise RefusalError(Reason.REPLAYED, detail, frame.dev_addr, device.registration.dev_eui)

    def close_windows(self, now_ms: int) -> None:
        """Forget the turns of devices that do not listen any more."""
        while self._turns and self._turns[0][0].closes_ms <= now_ms:
            turn, device = self._turns.popleft()
            if device.turn is turn:
                device.turn = None

    def _take_in(
        self,
        session: Session,
        frame: DataFrame,
        f_cnt: int,
        heard: Frame,
        step: "_Accepted",
        now_ms: int,
        out: list[Effect],
    ) -> None:
        device = session.device
        best = self._move_on(session, frame, f_cnt, heard)
        payload = open_payload(session.keys, frame, UPLINK, f_cnt)
        turn = self._turn(session, frame, f_cnt, payload, heard)
        self._speaker.heard(device, frame.ack)
        adr = session.talk.adr
        if frame.adr and adr is not None and best.snr_db is not None:
            adr.heard(f_cnt, best.dr, best.snr_db, device.registration.min_dr, self._settings.adr_margin_db)
        answer = self._ask_application(device, session, f_cnt, frame.f_port, payload, heard.first_ms, best)
        if answer.log is not None:
            device.log = answer.log
        for downlink in answer.downlinks:
            self._enqueue(downlink, now_ms, out)
        self._commit(device, session, turn, answer, step, out)
        out.append(
            Accepted(
                dev_eui=device.registration.dev_eui,
                f_cnt=f_cnt,
                f_port=frame.f_port,
                dr=best.dr,
                freq_hz=best.freq_hz,
                radios=tuple([(copy.radio, copy.rssi_dbm, copy.snr_db) for copy, _ in heard.best_first()]),
                phy_len=len(best.phy_payload),
                records=answer.records,
            )
        )
        out.extend(answer.notes)
        self._speaker.speak(device, now_ms, out)

    def _set_aside(
        self,
        session: Session,
        frame: DataFrame,
        f_cnt: int,
        heard: Frame,
        error: Exception,
        now_ms: int,
        out: list[Effect],
    ) -> None:
        """An authentic frame that stumbled: its counter moves, so that it does not come again; nothing else does."""
        device = session.device
        step = _Accepted(self._fleet, self._speaker, session)
        try:
            best = self._move_on(session, frame, f_cnt, heard)
            row = session.row
            dr1 = rx1_dr(best.dr, row.rx1_dr_offset)
            turn = Turn(heard.best_first(), row.rx_delay_s, dr1, row.rx2_dr, f_cnt, frame.confirmed)
            device.turn = turn
            self._turns.append((turn, device))
            uplink = self._uplink(device, session, f_cnt, frame.f_port or 0, best.phy_payload, heard.first_ms, best)
            answer = self._application.stumbled(uplink, sentence_on(error))
            self._commit(device, session, turn, answer, step, out)
        except Exception:
            if not step.handed:
                step.undo(now_ms)
            raise
        out.extend(answer.notes)

    def _move_on(self, session: Session, frame: DataFrame, f_cnt: int, heard: Frame) -> Received:
        """Make this the last frame of *session*, and that the device's session; returns its best reception."""
        device = session.device
        copies = heard.best_first()
        best = copies[0][0]
        if session is device.joining:
            self._fleet.begin(device, session)
        session.f_cnt_up = f_cnt
        session.mic = int.from_bytes(frame.mic, "little")
        session.heard_ms = heard.first_ms
        session.repeats = 0
        device.radios = tuple([received.radio for received, _ in copies])
        device.heard_ms, device.dr, device.snr_db = heard.first_ms, best.dr, best.snr_db
        return best

    def _turn(self, session: Session, frame: DataFrame, f_cnt: int, payload: bytes, heard: Frame) -> Turn:
        """Hear the MAC commands; how and with what the uplink may be answered."""
        copies = heard.best_first()
        best = copies[0][0]
        commands = payload if frame.f_port == 0 else frame.f_opts
        answers = b""
        if len(commands):
            unix_ms = None if self.offset_ms is None else heard.first_ms + self.offset_ms
            answers = session.talk.hear(session, self._settings, commands, best.dr, best.snr_db, len(copies), unix_ms)
        row = session.row  # after the commands, which may have changed it
        dr1 = rx1_dr(best.dr, row.rx1_dr_offset)
        turn = Turn(
            copies, row.rx_delay_s, dr1, row.rx2_dr, f_cnt, frame.confirmed, answers, frame.adr_ack_req, frame.adr
        )
        session.device.turn = turn
        self._turns.append((turn, session.device))
        return turn

    def _commit(
        self, device: Device, session: Session, turn: Turn, answer: Answer, step: "_Accepted", out: list[Effect]
    ) -> None:
        """Hand the counter and what the application writes to be committed, and see what waits for it."""
        session.reserve()
        step.reserving = session.reserving
        step.handed = True
        # The row of a session that starts has no log yet: the device's goes along.
        log = None if answer.log is None and session.current else device.log.to_text()
        writes: tuple[Write, ...] = session.writes(log)
        if answer.writes:
            writes = (*writes, *answer.writes)
        token = self._stream.commit(writes, answer.at_once or turn.ack, step, out)
        if turn.ack:
            device.waits = token

    def _ask_application(
        self,
        device: Device,
        session: Session,
        f_cnt: int,
        f_port: int | None,
        payload: bytes,
        received_ms: int,
        best: Received,
    ) -> Answer:
        if not f_port:  # none, or MAC commands
            return NOTHING
        uplink = self._uplink(device, session, f_cnt, f_port, payload, received_ms, best)
        try:
            return self._application.hear(uplink, device.log)
        except Exception as error:
            return self._application.stumbled(uplink, sentence_on(error))

    def _uplink(
        self,
        device: Device,
        session: Session,
        f_cnt: int,
        f_port: int,
        payload: bytes,
        received_ms: int,
        best: Received,
    ) -> Uplink:
        return Uplink(
            registration=device.registration,
            session=session.row.number,
            f_cnt=f_cnt,
            f_port=f_port,
            payload=payload,
            received_ms=received_ms,
            offset_ms=self.offset_ms,
            airtime_ms=_airtime_ms(best.dr, len(best.phy_payload)) if best.freq_hz else 0,
            best=best,
        )


class _Accepted:
    """The step of an uplink's commit: how its device was before."""

    __slots__ = ("_before", "_device", "_fleet", "_session", "_speaker", "handed", "reserving")

    def __init__(self, fleet: Fleet, speaker: Speaker, session: Session) -> None:
        self._fleet = fleet
        self._speaker = speaker
        self._device = device = session.device
        self._session = session
        self.reserving = 0
        self.handed = False  # to be committed
        self._before = (
            device.era,
            device.session,
            device.joining,
            device.log,
            session.f_cnt_up,
            session.mic,
            session.reserving,
            session.kept,
            session.current,
            session.row,
        )

    def undo(self, now_ms: int) -> None:
        device, session = self._device, self._session
        era, current, joining, log, f_cnt_up, mic, reserving, kept, was_current, row = self._before
        if era != device.era or device.gone:
            return
        if device.session is not current:
            self._fleet.use_session(device, current)
            self._fleet.use_joining(device, joining)
        device.log = log
        device.turn = None
        device.waits = 0
        session.f_cnt_up, session.mic, session.reserving = f_cnt_up, mic, reserving
        # What the device says it changed is changed: only the store does not have it.
        session.kept, session.current = (kept, was_current) if session.row is row else (False, False)

    def done(self, now_ms: int, out: list[Effect]) -> None:
        session = self._session
        if self.reserving > session.reserved:
            session.reserved = self.reserving
        if self._device.waits:
            self._speaker.speak(self._device, now_ms, out)


@cache
def _airtime_ms(dr: int, phy_len: int) -> int:  # of 8 data rates and 256 lengths at most
    return frame_airtime_us(dr, phy_len) // 1000
