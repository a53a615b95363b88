"""The LoRaWAN network server: who speaks, whether it is new, what it means to the store, and what is said in return.

An uplink passes named steps: recognise → wait for copies → parse → authenticate → decrypt → hear MAC commands → hear
the application → commit → answer; the first that refuses gives the reason. Its counter moves as it is handed to be
committed, whatever its payload says, and goes back if that fails: then its repetition is welcome. Only an
acknowledgement and a Join-Accept wait for their commit; every other answer goes at once.

The last accepted frame heard again is a repetition (NbTrans, or its acknowledgement was lost: TS001-1.0.4 §4.3.1): once
its windows have passed it may be answered again, MIC commands and acknowledgement alike, and nothing is recorded twice.
It counts as REPLAYED when there is nothing to say to it, and so does a copy that came after the others.
"""

import traceback
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gateway.links.link import RadioReport, Received, TransmitResult
from gateway.network.application import NOTHING, Answer, Application, Uplink
from gateway.network.commits import RETRY_COMMIT_MS, Stream
from gateway.network.deduplication import Deduplication, Frame
from gateway.network.device import Device, Session
from gateway.network.events import (
    Accepted,
    Alarm,
    Cancel,
    ClockSet,
    CommitsFailed,
    Committed,
    DeviceGone,
    DeviceSet,
    Downlink,
    Effect,
    Event,
    GroupSet,
    Reason,
    Refused,
)
from gateway.network.groups import Groups
from gateway.network.joining import Dice, draw_dev_addr, joined, personalised
from gateway.network.mac_dialogue import Talk
from gateway.network.registration import Group, Registration
from gateway.network.scheduling import Owed, Radios, Turn
from gateway.network.session import Kept
from gateway.network.settings import NetworkSettings
from gateway.network.speaking import GONE, Speaker
from gateway.network.suspicion import ALARM_AT, Suspicion
from gateway.network.timers import Timers
from gateway.network.uplinks import RefusalError, asked_to_join, authenticate, may_join, parse, recognise
from gateway.store.writes import KeepSession, Write
from protocol.lorawan.eui import dev_addr_to_text
from protocol.lorawan.frames import JOIN_REQUEST, UPLINK, DataFrame
from protocol.lorawan.security import open_payload
from protocol.region import JOIN_ACCEPT_DELAY1_S, RX2_DR, frame_airtime_us, rx1_dr

MAX_REPEATS = 15  # NbTrans has four bits; a replay of the last frame costs no more airtime than that

_CABLE_AGAIN_MS = 1_000  # a wired node waits 2 s for its answer, and at least one more
_ROUNDS = 3  # of fates and what the application makes of them, before the shell has its turn
_JOIN_NONCE_MAX = 0xFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """How a device was heard last, for whoever shows it. heard_ms: monotonic, None since the start.

    battery: of its last DevStatusAns, 0 mains, 1..254, 255 not known; margin_db: SNR of what it hears; None: not asked.
    """

    heard_ms: int | None
    dr: int
    snr_db: float | None
    radios: tuple[str, ...]
    f_cnt_up: int
    f_cnt_down: int
    battery: int | None
    margin_db: int | None
    waiting: int


class Server:
    """Implements `gateway.network.events.NetworkServer`.

    kept: what the store knows of devices that were heard before; the others are new. sent: by radio, what it sent
    within the hour before now_ms, the start.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        registrations: Iterable[Registration],
        kept: Iterable[Kept],
        groups: Iterable[Group],
        application: Application,
        dice: Dice,
        sent: Mapping[str, str | None] | None = None,
        now_ms: int = 0,
    ) -> None:
        self._settings = settings
        self._application = application
        self._dice = dice
        self._offset_ms: int | None = None
        self._retry_ms = 0
        self._devices: dict[bytes, Device] = {}
        self._by_dev_addr: dict[int, list[Session]] = {}  # several may share one
        self._copies = Deduplication(settings.dedup_ms)
        self._suspicion = Suspicion()
        self._turns: deque[tuple[Turn, Device]] = deque()  # of the last seconds: half a kB each while it lasts
        self._radios = Radios(settings, sent, now_ms)
        self._keeping = False  # whether the radios' airtime is on its way to the disk
        self._stream = Stream()
        self._timers: Timers[Device] = Timers()
        self._speaker = Speaker(settings, self._radios, self._stream, self._timers)
        self._groups = Groups(self._radios, self._stream, self._radios_of, self._speaker.next_token)
        self._restore(registrations, {known.device: known for known in kept})
        for group in groups:
            self._groups.set(group)

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Decide what *event* means."""
        out: list[Effect] = []
        if isinstance(event, Received):
            self._received(event, now_ms, out)
        elif isinstance(event, Committed):
            self._stream.committed(event.token, now_ms, out)
        elif isinstance(event, TransmitResult):
            if not self._speaker.result(event, now_ms, out):
                self._groups.result(event, now_ms, out)
        elif isinstance(event, Downlink):
            self._send(event, now_ms, out)
        elif isinstance(event, CommitsFailed):
            self._stream.failed(now_ms)
            self._retry_ms = now_ms + RETRY_COMMIT_MS
        elif isinstance(event, RadioReport):
            self._radios.heard(event.radio, event.online)
        elif isinstance(event, ClockSet):
            self._offset_ms = event.offset_ms
        elif isinstance(event, Cancel):
            self._cancel(event.ref)
        elif isinstance(event, DeviceSet):
            self._set_device(event.registration, event.kept)
        elif isinstance(event, DeviceGone):
            self._remove(event.dev_eui)
        else:
            assert isinstance(event, GroupSet)
            self._groups.set(event.group)
        self._settle(now_ms, out)
        return out

    def wake_at(self) -> int | None:
        """When `wake` wants to be called next; None while nothing is pending."""
        wake_ms = self._copies.closes_at()
        for at_ms in (self._timers.next_at(), self._groups.next_at(), self._application.wake_at()):
            if at_ms is not None and (wake_ms is None or at_ms < wake_ms):
                wake_ms = at_ms
        owes_airtime = self._radios.owes and not self._keeping
        if owes_airtime or self._stream.behind() or self._speaker.fates or self._groups.fates:
            return self._retry_ms if wake_ms is None else min(wake_ms, self._retry_ms)
        return wake_ms

    def wake(self, now_ms: int) -> list[Effect]:
        """Do what is due at *now_ms*."""
        out: list[Effect] = []
        while (frame := self._copies.closed(now_ms)) is not None:
            self._hear(frame, now_ms, out)
        while self._turns and self._turns[0][0].closes_ms <= now_ms:
            turn, device = self._turns.popleft()
            if device.turn is turn:
                device.turn = None
        while (due := self._timers.due(now_ms)) is not None:
            self._speaker.look(due, now_ms, out)
        self._groups.wake(now_ms, out)
        due_ms = self._application.wake_at()
        if due_ms is not None and due_ms <= now_ms:
            self._take(self._application.wake(now_ms), now_ms, out)
        if self._stream.behind() and now_ms >= self._retry_ms:
            self._stream.commit((), True, None, out)
        self._settle(now_ms, out)
        return out

    def carry_out(self, answer: Answer, now_ms: int) -> list[Effect]:
        """Do what the application answered to somebody else, who gave an order or took it back.

        Its commit is one of the stream. A downlink that must not go before that is on disk is handed over as an event,
        once it is.
        """
        out: list[Effect] = []
        self._take(answer, now_ms, out)
        self._settle(now_ms, out)
        return out

    def end(self, now_ms: int) -> list[Effect]:
        """Nothing more will be sent: keep exactly what was."""
        out: list[Effect] = []
        if writes := self._radios.at_the_end(now_ms):
            self._stream.commit(writes, True, None, out)
        return out

    def link_of(self, dev_eui: bytes) -> LinkState | None:
        """How that device was heard last; None for an unknown one."""
        device = self._devices.get(dev_eui)
        if device is None:
            return None
        session = device.session
        return LinkState(
            heard_ms=device.heard_ms,
            dr=device.dr,
            snr_db=device.snr_db,
            radios=device.radios,
            f_cnt_up=-1 if session is None else session.f_cnt_up,
            f_cnt_down=0 if session is None else session.f_cnt_down,
            battery=None if session is None else session.talk.battery,
            margin_db=None if session is None else session.talk.margin_db,
            waiting=0 if device.queue is None else len(device.queue.items),
        )

    # Uplinks: the steps.

    def _received(self, received: Received, now_ms: int, out: list[Effect]) -> None:
        self._radios.heard(received.radio)
        try:
            while (frame := self._copies.closed(now_ms)) is not None:  # the shell is late: what comes now is no copy
                self._hear(frame, now_ms, out)
            if received.freq_hz and self._copies.again(received, now_ms):
                return
            sender = recognise(received, self._by_dev_addr, self._devices)
            self._not_too_suspicious(sender, now_ms)  # a flood of forgeries takes nobody's place
            if not received.freq_hz:  # a cable has one end: nobody else heard it, and the node waits
                self._hear(Frame(received, now_ms, now_ms), now_ms, out)
            elif not self._copies.add(received, now_ms, sender):
                raise RefusalError(Reason.OVERLOAD, "more uplinks wait for their copies than this gateway holds")
        except RefusalError as refusal:
            out.append(refusal.effect())
        except Exception as error:
            _stumbled(error, None, out)

    def _hear(self, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        """A frame with all its copies.

        Whatever it is, it must not end the process: it, or its like, would be heard again after each start. What was
        decided on it before it raised an error is undone; what was handed over to be written or sent before stays.
        """
        try:
            if self._stream.full():
                raise RefusalError(Reason.OVERLOAD, "the store is too far behind to take more uplinks")
            if heard.copies[0][0].phy_payload[0] >> 5 == JOIN_REQUEST:
                self._join(heard, now_ms, out)
            else:
                self._data(heard, now_ms, out)
        except RefusalError as refusal:
            out.append(refusal.effect())
        except Exception as error:
            _stumbled(error, None, out)

    def _data(self, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        frame = parse(heard.copies[0][0].phy_payload)
        dev_addr = frame.dev_addr
        self._not_too_suspicious(dev_addr, now_ms)
        sessions = self._by_dev_addr.get(dev_addr, ())  # it may have gone while copies were waited for
        try:
            session, f_cnt = authenticate(sessions, frame)
        except RefusalError as refusal:
            if refusal.reason is Reason.WRONG_MIC and self._suspicion.wrong(dev_addr, now_ms):
                shown = dev_addr_to_text(dev_addr)
                dev_eui = sessions[0].device.registration.dev_eui if len(sessions) == 1 else None
                out.append(_alarm(dev_eui, f"{ALARM_AT} frames of DevAddr {shown} with wrong MICs within an hour"))
            raise
        if f_cnt == session.f_cnt_up:
            self._repeated(session, frame, heard, now_ms, out)
        else:
            self._accept(session, frame, f_cnt, heard, now_ms, out)

    def _accept(
        self, session: Session, frame: DataFrame, f_cnt: int, heard: Frame, now_ms: int, out: list[Effect]
    ) -> None:
        """An authentic, new frame."""
        step = _Accepted(self, session.device, session)
        try:
            self._take_in(session, frame, f_cnt, heard, step, now_ms, out)
        except Exception as error:
            if step.handed:  # it is accepted; what failed is what was to be said in return
                _stumbled(error, session.device.registration.dev_eui, out)
                return
            step.undo(now_ms)
            self._set_aside(session, frame, f_cnt, heard, error, now_ms, out)

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
        step = _Accepted(self, device, session)
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
            self._begin(device, session)
        session.f_cnt_up = f_cnt
        session.mic = int.from_bytes(frame.mic, "little")
        session.heard_ms = heard.first_ms
        session.repeats = 0
        device.radios = tuple([received.radio for received, _ in copies])
        device.heard_ms, device.dr, device.snr_db = heard.first_ms, best.dr, best.snr_db
        return best

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

    def _repeated(self, session: Session, frame: DataFrame, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        """The last accepted frame again."""
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

    def _turn(self, session: Session, frame: DataFrame, f_cnt: int, payload: bytes, heard: Frame) -> Turn:
        """Hear the MAC commands; how and with what the uplink may be answered."""
        copies = heard.best_first()
        best = copies[0][0]
        commands = payload if frame.f_port == 0 else frame.f_opts
        answers = b""
        if len(commands):
            unix_ms = None if self._offset_ms is None else heard.first_ms + self._offset_ms
            answers = session.talk.hear(session, self._settings, commands, best.dr, best.snr_db, len(copies), unix_ms)
        row = session.row  # after the commands, which may have changed it
        dr1 = rx1_dr(best.dr, row.rx1_dr_offset)
        turn = Turn(
            copies, row.rx_delay_s, dr1, row.rx2_dr, f_cnt, frame.confirmed, answers, frame.adr_ack_req, frame.adr
        )
        session.device.turn = turn
        self._turns.append((turn, session.device))
        return turn

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
            offset_ms=self._offset_ms,
            airtime_ms=_airtime_ms(best.dr, len(best.phy_payload)) if best.freq_hz else 0,
            best=best,
        )

    def _not_too_suspicious(self, address: int | bytes, now_ms: int) -> None:
        if not self._suspicion.too_many(address, now_ms):
            return
        dev_addr, dev_eui = (None, address) if isinstance(address, bytes) else (address, None)
        shown = address.hex() if isinstance(address, bytes) else dev_addr_to_text(address)
        raise RefusalError(Reason.TOO_MANY_WRONG_MICS, f"too many wrong MICs of {shown} lately", dev_addr, dev_eui)

    # Joins.

    def _join(self, heard: Frame, now_ms: int, out: list[Effect]) -> None:
        device, request = asked_to_join(heard.copies[0][0].phy_payload, self._devices)
        dev_eui = request.dev_eui
        self._not_too_suspicious(dev_eui, now_ms)
        try:
            may_join(device, request)
        except RefusalError as refusal:
            if refusal.reason is Reason.WRONG_MIC and self._suspicion.wrong(dev_eui, now_ms):
                out.append(_alarm(dev_eui, f"{ALARM_AT} Join-Requests of {dev_eui.hex()} with wrong MICs in an hour"))
            raise
        join_nonce = max(device.join_nonce, 0) + 1
        if join_nonce > _JOIN_NONCE_MAX:
            detail = f"DevEUI {dev_eui.hex()} has used up its JoinNonces; give it a new AppKey"
            raise RefusalError(Reason.REUSED_DEV_NONCE, detail, None, dev_eui)
        dev_addr = draw_dev_addr(self._settings, self._by_dev_addr, self._groups.addresses, self._dice)
        registration = device.registration
        row, phy_payload = joined(
            registration, self._settings, device.number + 1, request.dev_nonce, join_nonce, dev_addr
        )
        copies = heard.best_first()
        turn = Turn(copies, JOIN_ACCEPT_DELAY1_S, copies[0][0].dr, RX2_DR)
        step = _Answered(self, device, turn, phy_payload)
        device.number, device.dev_nonce, device.join_nonce = row.number, row.dev_nonce, row.join_nonce
        session = Session(device, row, True, False)
        session.f_cnt_down = 0  # the first block is the row's: reserved before the device hears of the session
        self.use_joining(device, session)
        self._stream.commit((KeepSession(row),), True, step, out)

    def accept_join(self, device: Device, turn: Turn, phy_payload: bytes, now_ms: int, out: list[Effect]) -> None:
        """The session of a join is on disk: the device may hear of it."""
        if not device.gone:
            self._speaker.send_accept(phy_payload, turn.windows(), now_ms, out)

    def use_joining(self, device: Device, session: Session | None) -> None:
        """Let *session* wait to be heard, beside the current one and instead of any that waited.

        One that waited is over: whoever asks again did not hear the answer before, or has forgotten it, and a replayed
        request is refused by its DevNonce. Nodes of ours keep a session while they ask for another, but one in which
        they are heard is the current one here, which stays until the new one is heard (TS001-1.0.4 §6.2.5).
        """
        self._unindex(device.joining)
        device.joining = session
        self._index(session)

    def use_session(self, device: Device, session: Session | None) -> None:
        """Speak in *session* from now on."""
        self._unindex(device.session)
        device.session = session
        self._index(session)

    def speak(self, device: Device, now_ms: int, out: list[Effect]) -> None:
        """What waited for a commit may go."""
        self._speaker.speak(device, now_ms, out)

    def _begin(self, device: Device, session: Session) -> None:
        """The first uplink of a session: it is the current one now."""
        self._unindex(device.session)
        device.joining = None
        device.session = session

    # What the operator and the application want.

    def _send(self, downlink: Downlink, now_ms: int, out: list[Effect]) -> None:
        device = self._enqueue(downlink, now_ms, out)
        if device is not None:
            self._speaker.speak(device, now_ms, out)

    def _enqueue(self, downlink: Downlink, now_ms: int, out: list[Effect]) -> Device | None:
        """Let it wait; the device that may be spoken to now."""
        if isinstance(downlink.target, int):
            self._groups.enqueue(downlink, now_ms, out)
            return None
        device = self._devices.get(downlink.target)
        return device if self._speaker.enqueue(downlink, device, now_ms) else None

    def _take(self, answer: Answer, now_ms: int, out: list[Effect]) -> None:
        """Do what the application wants when no uplink asked it."""
        if answer.writes:
            self._stream.commit(answer.writes, answer.at_once, None, out)
        out.extend(answer.notes)
        for ref in answer.cancels:
            self._cancel(ref)
        for downlink in answer.downlinks:
            self._send(downlink, now_ms, out)

    def _cancel(self, ref: int) -> None:
        if not self._speaker.cancel(ref):
            self._groups.cancel(ref)

    def _settle(self, now_ms: int, out: list[Effect]) -> None:
        """What may follow from anything: fates to be told, airtime to be kept."""
        self._tell_fates(now_ms, out)
        if self._radios.owes and not self._keeping and now_ms >= self._retry_ms:
            self._keeping = True
            owed, writes = self._radios.to_keep(now_ms)
            self._stream.commit(writes, False, _AirtimeKept(self, owed), out)

    def airtime_kept(self, owed: list[Owed]) -> None:
        """That is on disk; nothing: it could not be written."""
        self._keeping = False
        self._radios.kept(owed)

    def _tell_fates(self, now_ms: int, out: list[Effect]) -> None:
        for _ in range(_ROUNDS):
            if not self._speaker.fates and not self._groups.fates:
                return
            fates = [*self._speaker.fates, *self._groups.fates]
            self._speaker.fates.clear()
            self._groups.fates.clear()
            for fate in fates:
                out.append(fate)
                self._take(self._application.fate(fate, now_ms), now_ms, out)

    # Who is there.

    def _restore(self, registrations: Iterable[Registration], kept: dict[int, Kept]) -> None:
        for registration in registrations:
            self._enter(registration, kept.get(registration.device))

    def _enter(self, registration: Registration, known: Kept | None) -> None:
        device = Device(registration, self._application.first_log(None if known is None else known.log))
        self._devices[registration.dev_eui] = device
        if known is not None:
            device.number, device.dev_nonce, device.join_nonce = known.number, known.dev_nonce, known.join_nonce
            if known.current is not None:
                self.use_session(device, Session(device, known.current, True, True))
            if known.waiting is not None:
                self.use_joining(device, Session(device, known.waiting, True, False))
        self._personalise(device)

    def _set_device(self, registration: Registration, kept: Kept | None) -> None:
        device = self._devices.get(registration.dev_eui)
        if device is None:
            self._enter(registration, kept)
            return
        before = device.registration
        device.registration = registration
        if (before.app_key, before.abp) != (registration.app_key, registration.abp):
            device.era += 1
            device.dev_nonce = -1  # of another key
            device.turn = None
            self.use_joining(device, None)
            self.use_session(device, None)
        for session in (device.session, device.joining):
            if session is not None and (before.plan, before.role) != (registration.plan, registration.role):
                session.talk = Talk(registration, session.row)
        self._personalise(device)

    def _personalise(self, device: Device) -> None:
        """An ABP device has a session from the start; the store hears of it with its first commit."""
        registration = device.registration
        abp = registration.abp
        if abp is None:
            return
        row = None if device.session is None else device.session.row
        if row is None or (row.dev_addr, row.nwk_s_key, row.app_s_key) != (abp.dev_addr, abp.nwk_s_key, abp.app_s_key):
            device.number += 1
            self.use_session(device, Session(device, personalised(registration, device.number), False, False))

    def _remove(self, dev_eui: bytes) -> None:
        device = self._devices.pop(dev_eui, None)
        if device is None:
            return
        device.gone = True
        device.turn = None
        self.use_joining(device, None)
        self.use_session(device, None)
        self._speaker.drop_all(device, GONE)

    def _index(self, session: Session | None) -> None:
        if session is not None:
            self._by_dev_addr.setdefault(session.dev_addr, []).append(session)

    def _unindex(self, session: Session | None) -> None:
        sessions = None if session is None else self._by_dev_addr.get(session.dev_addr)
        if sessions is not None and session in sessions:
            sessions.remove(session)
            if not sessions and session is not None:
                del self._by_dev_addr[session.dev_addr]

    def _radios_of(self, dev_eui: bytes) -> tuple[str, ...]:
        device = self._devices.get(dev_eui)
        return () if device is None else device.radios


class _Accepted:
    """The step of an uplink's commit: how its device was before."""

    __slots__ = ("_before", "_device", "_server", "_session", "handed", "reserving")

    def __init__(self, server: Server, device: Device, session: Session) -> None:
        self._server = server
        self._device = device
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
            self._server.use_session(device, current)
            self._server.use_joining(device, joining)
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
            self._server.speak(self._device, now_ms, out)


class _AirtimeKept:
    """The step of a commit that keeps what radios have sent."""

    __slots__ = ("_owed", "_server")

    def __init__(self, server: Server, owed: list[Owed]) -> None:
        self._server = server
        self._owed = owed

    def undo(self, now_ms: int) -> None:
        self._server.airtime_kept([])

    def done(self, now_ms: int, out: list[Effect]) -> None:
        self._server.airtime_kept(self._owed)


class _Answered:
    """The step of a join's commit: the device's nonces before, and the answer that waits."""

    __slots__ = ("_before", "_device", "_phy_payload", "_server", "_turn")

    def __init__(self, server: Server, device: Device, turn: Turn, phy_payload: bytes) -> None:
        self._server = server
        self._device = device
        self._turn = turn
        self._phy_payload = phy_payload
        self._before = (device.era, device.number, device.dev_nonce, device.join_nonce, device.joining)

    def undo(self, now_ms: int) -> None:
        device = self._device
        era, number, dev_nonce, join_nonce, joining = self._before
        if era != device.era or device.gone:
            return
        device.number, device.dev_nonce, device.join_nonce = number, dev_nonce, join_nonce
        self._server.use_joining(device, joining)

    def done(self, now_ms: int, out: list[Effect]) -> None:
        self._server.accept_join(self._device, self._turn, self._phy_payload, now_ms, out)


def sentence_on(error: Exception) -> str:
    """What went wrong and where, for whoever mends it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}; report this"


def _stumbled(error: Exception, dev_eui: bytes | None, out: list[Effect]) -> None:
    """A frame that is not accepted for a mistake of ours, or could not be answered for one."""
    detail = sentence_on(error)
    out.append(Refused(reason=Reason.FAULT, dev_addr=None, detail=detail, dev_eui=dev_eui))
    out.append(Alarm(name="frame_failed", dev_eui=dev_eui, detail=detail))


@cache
def _airtime_ms(dr: int, phy_len: int) -> int:  # of 8 data rates and 256 lengths at most
    return frame_airtime_us(dr, phy_len) // 1000


def _alarm(dev_eui: bytes | None, detail: str) -> Alarm:
    return Alarm(name="wrong_mics", dev_eui=dev_eui, detail=f"{detail}: someone forges them, or a neighbour shares it")
