"""The MAC of a node on the air: LoRaWAN 1.0.4 in EU868, class A and class C, as a state machine.

One frame at a time is in flight. It is sent up to NbTrans times, on channels drawn at random, and each transmission is
followed by its two windows (TS001-1.0.4 §3.3); what comes down in them ends the flight, or the last window does.
Between two flights the MAC is idle and asks itself what is due: the frame in flight again, a Join-Request, the oldest
waiting frame, or an empty one that carries an acknowledgement. Nothing is due before its sub-band has the airtime,
so frames wait and never fail. A class C node listens with RX2's settings whenever it neither sends nor waits in RX1.

| state | hears | does | next |
|---|---|---|---|
| IDLE | anything, and a frame is due | builds or repeats it: counter and airtime persisted, `RadioTransmit` | SENDING |
| SENDING | `Transmitted` | class A: `OpenWindow` RX1 | RX1 |
| | | class C: listens with RX2's settings until RX1 | EARLY |
| EARLY | `Woke` just before RX1 | `OpenWindow` RX1 | RX1 |
| RX1 | authentic `FrameHeard` | obeys it; flight over or repeated | IDLE |
| RX1 | any other, `WindowClosed` | `OpenWindow` RX2 | RX2 |
| RX2 | authentic `FrameHeard` | obeys it; flight over or repeated | IDLE |
| RX2 | `WindowClosed`; class C: `Woke` after the longest answer | flight over or repeated | IDLE |
| any that listens (class C) | authentic `FrameHeard`, to it or its groups | obeys it | the same |

Obeying a frame is one step: counter and whatever its commands change are persisted in one blob before anything of it
leaves the MAC. So a power cut between any two actions loses answers, never makes a counter or a nonce come twice.
"""

import binascii
import struct

from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.lorawan.counters import accept_f_cnt
from protocol.lorawan.frames import DOWNLINK, JOIN_ACCEPT, UPLINK, DataFrame, frame_mtype, parse_frame
from protocol.lorawan.security import mic_matches, open_payload, seal_data
from protocol.region import (
    DATA_RATES,
    JOIN_ACCEPT_DELAY1_S,
    MAX_EIRP_DBM,
    PLANS,
    RX2_DR,
    RX2_FREQ_HZ,
    Plan,
    eirp_dbm,
    max_payload,
)

from .actions import AskLink, AskTime, JoinGroup, OpenWindow, Persist, RadioTransmit, Transmit, UsePlan
from .adr import CHECK_EVERY, back_off, rejoins, wants_to_be_heard
from .channels import band_of
from .dice import Dice
from .duty import JoinBackOff, Ledger
from .events import Downlink, FrameHeard, Joined, Sent, Transmitted, WindowClosed, Woke
from .flight import LONGEST_MS, Flight, airtime_ms, flight_from_wire, windows
from .session import Identity, Session, session_from_wire
from .store.counters import Reserved

MAX_WAITING = const(4)  # a mind sends a reading, a status, an event and a receipt at most; then the newest wins
F_CNT_STEP = const(32)  # counters reserved by one write: at 96 uplinks a day NVS sees three writes
IMAGE_MAX_LEN = const(900)  # the MAC's part of the 2048 bytes of RTC memory

IDLE = const(0)  # the states of the table above
SENDING = const(1)
EARLY = const(2)
RX1 = const(3)
RX2 = const(4)

_GROUPS = const(4)  # TS005-1.0.0: McGroupID has two bits
_JOIN_REQUEST_LEN = const(23)
_MAX_FOPTS = const(15)
_LAST_F_PORT = const(223)  # of the application (TS001-1.0.4 §4.3.2)
_LAST_DEV_NONCE = const(0xFFFF)
_LINK_CHECK = b"\x02"
_DEVICE_TIME = b"\x0d"
_RETRY_MS = const(1_000)  # RETRANSMIT_TIMEOUT is 1..3 s at random (RP 1.0.3revA §2.2.9): two never collide twice
_RETRY_SPREAD_MS = const(2_000)
_LEAD_MS = const(50)  # a class C radio turns to RX1 so much before
_IMAGE = "<BBHBBBH"
_IMAGE_LEN = const(9)
_IMAGE_TIMES = "<QQQHQIIHHH"
_IMAGE_TIMES_LEN = const(48)
_IMAGE_VERSION = const(1)


class Mac:
    """saved: what `Persist` wrote, by its key; image: what `image` returned before the deep sleep, to be used once.

    Keys: f_cnt_up, dev_nonce, join_nonce and plan are numbers, session, airtime and mc0 to mc3 bytes (up to 173).
    dr: of the first uplink of an ABP session; None for the slowest of the plan. adr: whether the network chooses data
    rate and power; None to do as the plan says. clock_ppm: how far the clock may be off while the node waits for a
    window. max_eirp_dbm: what radio and antenna give. Transmits that wait when the node falls asleep are the mind's to
    ask again: their compose is code. `battery` is what DevStatusAns tells, 255 for not known (TS001-1.0.4 §5.5).
    """

    def __init__(
        self,
        identity: Identity,
        plan: Plan,
        saved: dict[str, int | bytes] | None = None,
        image: bytes = b"",
        dr: int | None = None,
        adr: bool | None = None,
        class_c: bool = False,
        clock_ppm: int = 2_000,
        max_eirp_dbm: int = MAX_EIRP_DBM,
    ) -> None:
        if saved is None:
            saved = {}
        self.battery = 255
        self._identity = identity
        self._plan = plan
        self._adr = plan.adr if adr is None else adr
        if "plan" in saved:
            self._plan = PLANS[_number(saved, "plan")]
            self._adr = self._plan.adr
        self._class_c = class_c
        self._clock_ppm = clock_ppm
        self._max_eirp_dbm = max_eirp_dbm
        self._dev_nonce = _number(saved, "dev_nonce")
        self._join_nonce = _number(saved, "join_nonce", -1)
        self._session = self._provisioned(_blob(saved, "session"), dr)
        self._groups: list[bytes] = []
        if class_c:
            self._groups = [_blob(saved, "mc%d" % number) for number in range(_GROUPS)]
            if any(self._groups):
                from .groups import groups_from_wire

                self._groups = groups_from_wire(self._groups)
        self._ups = Reserved("f_cnt_up", _number(saved, "f_cnt_up"), F_CNT_STEP)
        self._ledger = Ledger(_blob(saved, "airtime"))
        self._dice = Dice(identity.dev_eui + struct.pack("<HI", self._dev_nonce & 0xFFFF, self._ups.next & 0xFFFFFFFF))
        self._joins = JoinBackOff(self._dice.below(1000))
        self._state = IDLE
        self._flight: Flight | None = None
        self._waiting: list[Transmit] = []
        self._sticky = b""  # answers that were sent, to be repeated until the network is heard
        self._answers = b""  # those that were not yet
        self._requests = b""
        self._ack = False
        self._answer_at: int | None = None  # when an empty frame answers, if no other does before
        self._unheard = 0  # ADRACKCnt: uplinks since the last class A downlink
        self._rejoin = False
        self._begun = False  # `Joined` was told of the session that was there at the start
        self._listening = False  # class C, with RX2's settings
        self._deadline: int | None = None
        self._down_hz = 0
        self._up_end_ms = 0
        self._quiet_ms = 0  # DutyCycleReq: nothing before
        self._now_ms = 0
        self._settings_changed()
        if image:
            self._wake_from(image, _number(saved, "f_cnt_up"))

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Hear what happened; returns actions for the body and events for the mind, in the order to be done."""
        self._now_ms = now_ms
        out: list[object] = []
        if isinstance(event, Transmitted):
            if self._state == SENDING and self._flight is not None:
                self._up_end_ms = now_ms
                self._listen(out, self._flight, now_ms)
        elif isinstance(event, WindowClosed):
            if self._flight is not None:
                self._nothing_more(out, self._flight, now_ms)
        elif isinstance(event, FrameHeard):
            self._heard(out, event, now_ms)
        elif isinstance(event, Woke):
            self._woke(out, now_ms)
        elif isinstance(event, Transmit):
            self._enqueue(out, event)
        else:
            self._ask(out, event)
        if self._state == IDLE:
            self._do_what_is_due(out, now_ms)
            if self._class_c and not self._listening and self._state == IDLE and self._session is not None:
                self._open_rx2(out, now_ms)
        return out

    def wake_at(self) -> int | None:
        """When to send `Woke`; None while the body owes an event, or nothing is to be done."""
        if self._state != IDLE:
            return self._deadline
        if self._flight is not None:
            return self._flight_due(self._flight)
        join_ms = self._join_due()
        data_ms = self._data_due()
        if join_ms is None or data_ms is None:
            return data_ms if join_ms is None else join_ms
        return min(join_ms, data_ms)

    # What is due, and when.

    def _do_what_is_due(self, out: list[object], now_ms: int) -> None:
        flight = self._flight
        if flight is not None:
            if flight.left and self._channels_of(flight):
                if self._flight_due(flight) <= now_ms:
                    self._launch(out, flight, now_ms)
                return
            self._finish(out, flight)  # a command took its channels away, or a deep sleep its last windows
        due = self._join_due()
        if due is not None and due <= now_ms:
            self._ask_to_join(out, now_ms)
            return
        due = self._data_due()
        if due is not None and due <= now_ms:
            self._send(out, now_ms)

    def _flight_due(self, flight: Flight) -> int:
        return max(flight.not_before_ms, self._free_at(self._channels_of(flight), flight.airtime_ms))

    def _join_due(self) -> int | None:
        if self._session is not None and not self._rejoin:
            return None
        if not self._identity.app_key or self._dev_nonce > _LAST_DEV_NONCE:
            return None
        return self._join_free_at(airtime_ms(self._joins.dr(self._plan), _JOIN_REQUEST_LEN))

    def _join_free_at(self, request_ms: int) -> int:
        return max(self._joins.free_at(request_ms), self._free_at(self._join_channels(), request_ms))

    def _data_due(self) -> int | None:
        session = self._session
        if session is None or (not self._waiting and self._answer_at is None):
            return None
        # Room for the longest frame: how long this one will be is known once it is composed, and then it must go.
        free_ms = self._free_at(session.channels.choices(session.dr), LONGEST_MS[session.dr])
        if self._waiting or self._answer_at is None:
            return free_ms
        return max(free_ms, self._answer_at)

    def _free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        """When a frame may begin on one of *channels*; at once if there is none, for its flight is over then."""
        earliest: int | None = None
        for _, _, band in channels:
            free_ms = self._ledger.free_at(band, frame_ms)
            if earliest is None or free_ms < earliest:
                earliest = free_ms
            if free_ms <= self._quiet_ms:
                break
        return max(earliest or 0, self._quiet_ms)

    def _channels_of(self, flight: Flight) -> tuple[tuple[int, int, int], ...]:
        if flight.join or self._session is None:
            return self._join_channels()
        return self._session.channels.choices(flight.dr)

    def _join_channels(self) -> tuple[tuple[int, int, int], ...]:
        return tuple([(freq_hz, freq_hz, band_of(freq_hz)) for freq_hz in self._plan.join_channels])

    # Sending.

    def _enqueue(self, out: list[object], transmit: Transmit) -> None:
        if len(self._waiting) == MAX_WAITING:
            dropped = self._waiting.pop(0)
            out.append(Sent(dropped.f_port, False if dropped.confirmed else None))
        self._waiting.append(transmit)

    def _send(self, out: list[object], now_ms: int) -> None:
        """Build the next frame and let it fly: the oldest that waits, or answers alone."""
        session = self._session
        assert session is not None
        answers = self._sticky + self._answers
        asked = b""
        f_port: int | None = None
        payload = f_opts = b""
        confirmed = False
        if len(answers) > _MAX_FOPTS:
            f_port = 0
            payload = answers
        else:
            asked = self._asks(_MAX_FOPTS - len(answers))
            f_opts = answers + asked
            if self._waiting:
                transmit = self._waiting.pop(0)
                room = self._room(session.dr, len(f_opts))
                payload = transmit.compose(room, now_ms)  # first: should it fail, nothing else has happened
                assert len(payload) <= room, "a payload keeps to the room it is given"
                f_port = transmit.f_port
                confirmed = transmit.confirmed
        number, persist = self._ups.take()
        if persist is not None:
            out.append(persist)
        ack_req = self._adr and wants_to_be_heard(self._unheard)
        frame = seal_data(
            session.keys,
            UPLINK,
            session.dev_addr,
            number - session.first_up,
            f_port,
            payload,
            confirmed,
            f_opts,
            self._adr,
            ack_req,
            self._ack,
        )
        if answers:
            from .commands import sticky

            self._sticky = sticky(answers)
            self._answers = b""
        if asked:
            self._requests = b""
        self._ack = False
        self._answer_at = None
        self._launch(out, Flight(frame, session.dr, f_port or None, confirmed, session.nb_trans, asked), now_ms)

    def _asks(self, room: int) -> bytes:
        """The requests that go with the next frame, as far as there is room."""
        asked = self._requests
        silence = wants_to_be_heard(self._unheard) and self._unheard % CHECK_EVERY == 0
        if silence and not self._adr and self._identity.app_key and not asked:
            asked = _LINK_CHECK  # ADRACKReq means nothing without ADR
        return asked if len(asked) <= room else b""

    def _room(self, dr: int, f_opts_len: int) -> int:
        return max_payload(dr, f_opts_len)

    def _ask_to_join(self, out: list[object], now_ms: int) -> None:
        from .joining import join_request

        dev_nonce = self._dev_nonce
        self._dev_nonce += 1
        self._rejoin = False
        out.append(Persist("dev_nonce", self._dev_nonce))
        flight = Flight(join_request(self._identity, dev_nonce), self._joins.dr(self._plan), None, False, 1)
        flight.join = True
        self._joins.spend(flight.airtime_ms, now_ms, self._dice.below(1000))
        self._launch(out, flight, now_ms)

    def _launch(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """Send the frame on a random channel whose sub-band is free; `_free_at` has seen that there is one."""
        channels = self._channels_of(flight)
        at = self._dice.below(len(channels))
        while self._ledger.free_at(channels[at][2], flight.airtime_ms) > now_ms:
            at = (at + 1) % len(channels)
        freq_hz, self._down_hz, band = channels[at]
        shares = self._ledger.spend(band, flight.airtime_ms, now_ms)
        if shares is not None:
            out.append(Persist("airtime", shares))
        session = self._session
        if session is not None and session.max_duty_cycle:
            self._quiet_ms = now_ms + (flight.airtime_ms << session.max_duty_cycle)
        tx_power = 0 if session is None else session.tx_power
        power_dbm = min(eirp_dbm(tx_power), self._max_eirp_dbm)
        flight.left -= 1
        self._flight = flight
        self._state = SENDING
        self._listening = False
        out.append(RadioTransmit(flight.phy_payload, freq_hz, flight.dr, power_dbm))

    # Listening.

    def _listen(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """The frame is out: wait for its first window."""
        if self._class_c and self._session is not None:
            self._open_rx2(out, now_ms)
            self._state = EARLY
            self._deadline = now_ms + self._windows_of(flight)[2] - _LEAD_MS
        else:
            self._open_rx1(out, flight)

    def _open_rx1(self, out: list[object], flight: Flight) -> None:
        dr, symbols, after_ms, _, _, _, _ = self._windows_of(flight)
        self._state = RX1
        self._deadline = None
        self._listening = False
        out.append(OpenWindow(self._up_end_ms + after_ms, self._down_hz, dr, symbols))

    def _after_rx1(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """RX1 brought nothing for this flight: go on to RX2, unless a foreign frame lasted longer than that."""
        _, _, _, freq_hz, dr, symbols, after_ms = self._windows_of(flight)
        self._state = RX2
        if self._class_c and not flight.join:
            self._deadline = self._up_end_ms + after_ms + LONGEST_MS[dr]
            self._open_rx2(out, now_ms)
        elif now_ms > self._up_end_ms + after_ms:
            self._over(out, flight, now_ms)
        else:
            out.append(OpenWindow(self._up_end_ms + after_ms, freq_hz, dr, symbols))

    def _open_rx2(self, out: list[object], now_ms: int) -> None:
        """Class C: listen until something else is to be done."""
        assert self._session is not None
        self._listening = True
        out.append(OpenWindow(now_ms, self._session.rx2_freq_hz, self._session.rx2_dr, 0))

    def _windows_of(self, flight: Flight) -> tuple[int, int, int, int, int, int, int]:
        """What `windows` gives for this flight; made once for each data rate."""
        session = self._session
        if flight.join or session is None:
            return windows(flight.dr, 0, JOIN_ACCEPT_DELAY1_S, RX2_FREQ_HZ, RX2_DR, self._clock_ppm)
        known = self._windows[flight.dr]
        if known is None:
            known = self._windows[flight.dr] = windows(
                flight.dr,
                session.rx1_dr_offset,
                session.rx_delay_s,
                session.rx2_freq_hz,
                session.rx2_dr,
                self._clock_ppm,
            )
        return known

    def _settings_changed(self) -> None:
        self._windows: list[tuple[int, int, int, int, int, int, int] | None] = [None] * len(DATA_RATES)
        self._listening = False  # a class C radio has to be tuned anew

    def _woke(self, out: list[object], now_ms: int) -> None:
        flight = self._flight
        if not self._begun:
            self._begun = True
            if self._session is not None:
                out.append(Joined())
        elif flight is not None and self._deadline is not None and self._deadline <= now_ms:
            if self._state == EARLY:
                self._open_rx1(out, flight)
            else:
                self._over(out, flight, now_ms)

    def _nothing_more(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """A window is over, and nothing in it answered the flight."""
        if self._state == RX1:
            self._after_rx1(out, flight, now_ms)
        elif self._state == RX2 and not self._listening:
            self._over(out, flight, now_ms)

    def _over(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """The windows of one transmission have passed: the flight is over, or the frame goes again."""
        self._state = IDLE
        self._deadline = None
        if flight.acked or not flight.left or (flight.heard and not flight.confirmed):
            self._finish(out, flight)
        else:
            flight.not_before_ms = now_ms + _RETRY_MS + self._dice.below(_RETRY_SPREAD_MS)

    def _finish(self, out: list[object], flight: Flight) -> None:
        self._flight = None
        if flight.join:
            return
        if flight.f_port is not None:
            out.append(Sent(flight.f_port, flight.acked if flight.confirmed else None))
        if flight.heard or self._session is None:
            return
        self._unheard += 1
        back_off(self._session, self._unheard, self._adr, self._plan.min_dr)
        self._rejoin = self._rejoin or rejoins(self._unheard)

    # What came down.

    def _heard(self, out: list[object], event: FrameHeard, now_ms: int) -> None:
        state = self._state
        if state == SENDING or (state == IDLE and not self._listening):
            return
        try:
            answered = self._believe(out, event, now_ms)
        except ProtocolError:
            answered = False  # noise, another network's, a replay or a forgery: as if nothing had come
        flight = self._flight
        if flight is None or state == IDLE:
            return
        if answered and (state != EARLY or flight.acked):
            self._over(out, flight, now_ms)
        else:
            self._nothing_more(out, flight, now_ms)

    def _believe(self, out: list[object], event: FrameHeard, now_ms: int) -> bool:
        """Obey a frame that is authentic and new; whether it answers the flight. Raises ProtocolError for others."""
        flight = self._flight
        if frame_mtype(event.phy_payload) == JOIN_ACCEPT:
            if flight is None or not flight.join:
                return False
            self._join(out, event.phy_payload, flight)
            return True
        frame = parse_frame(event.phy_payload)
        session = self._session
        if session is None or frame.dev_addr != session.dev_addr:
            if any(self._groups):
                from .groups import obey_group

                obey_group(out, self._groups, frame)
            return False
        f_cnt = accept_f_cnt(session.f_cnt_down, frame.f_cnt16)
        if f_cnt is None or not mic_matches(session.keys, frame, DOWNLINK, f_cnt):
            return False
        return self._obey(out, session, frame, f_cnt, event.snr_quarter_db, now_ms)

    def _join(self, out: list[object], phy_payload: bytes, flight: Flight) -> None:
        from .joining import accepted

        session, join_nonce = accepted(
            self._identity, self._plan, phy_payload, self._dev_nonce - 1, self._join_nonce, flight.dr
        )
        session.first_up = self._ups.next
        self._session = session
        self._join_nonce = join_nonce
        self._joins.succeeded()
        self._sticky = self._answers = self._requests = b""
        self._ack = False
        self._answer_at = None
        self._unheard = 0
        self._begun = True
        self._settings_changed()
        out.append(Persist("join_nonce", join_nonce))
        out.append(Persist("session", session.to_wire()))
        out.append(Joined())

    def _obey(
        self,
        out: list[object],
        session: Session,
        frame: DataFrame,
        f_cnt: int,
        snr_quarter_db: int,
        now_ms: int,
    ) -> bool:
        flight = self._flight
        if self._state == IDLE or (flight is not None and flight.join):
            flight = None  # a class C frame that answers nothing
        session.f_cnt_down = f_cnt
        class_a = flight is not None and self._state != EARLY
        if flight is not None:
            flight.acked = flight.acked or (flight.confirmed and frame.ack)
            flight.heard = flight.heard or class_a
        if class_a:
            self._unheard = 0
            self._rejoin = False
            self._sticky = b""
        payload = open_payload(session.keys, frame, DOWNLINK, f_cnt)
        commands = payload if frame.f_port == 0 else frame.f_opts
        told: list[object] = []
        if len(commands):
            from .commands import MAX_ANSWERS_LEN, obey

            answers, told = obey(
                session,
                commands,
                self._adr,
                b"" if flight is None else flight.asked,
                self._up_end_ms,
                self.battery,
                snr_quarter_db,
                MAX_ANSWERS_LEN - len(self._sticky) - len(self._answers),
            )
            self._answers += answers
            self._settings_changed()
        if frame.confirmed:
            self._ack = True
        if self._ack or frame.f_pending or (self._answers and not class_a):
            # Not at once: what the mind has to say to this takes the answer along.
            self._answer_at = now_ms + _RETRY_MS + self._dice.below(_RETRY_SPREAD_MS)
        out.append(Persist("session", session.to_wire()))
        out.extend(told)
        if frame.f_port and frame.f_port <= _LAST_F_PORT:
            out.append(Downlink(frame.f_port, payload))
        return flight is not None

    # What the mind asks.

    def _ask(self, out: list[object], event: object) -> None:
        if isinstance(event, AskTime):
            self._request(_DEVICE_TIME)
        elif isinstance(event, AskLink):
            self._request(_LINK_CHECK)
        elif isinstance(event, JoinGroup):
            if self._class_c and self._identity.gen_app_key:
                from .groups import join_group

                out.extend(join_group(self._groups, self._identity.gen_app_key, event))
        elif isinstance(event, UsePlan):
            self._use_plan(out, event.plan_number)

    def _request(self, cid: bytes) -> None:
        if cid not in self._requests:
            self._requests += cid

    def _use_plan(self, out: list[object], number: int) -> None:
        if not 0 <= number < len(PLANS):
            return
        self._plan = plan = PLANS[number]
        self._adr = plan.adr
        out.append(Persist("plan", number))
        if self._session is not None:
            self._session.use_plan(plan)
            self._settings_changed()
            out.append(Persist("session", self._session.to_wire()))

    # What survives.

    def _provisioned(self, wire: bytes, dr: int | None) -> Session | None:
        """The session that was persisted, or of an ABP node the one it was given, unless flash knows it better."""
        session = session_from_wire(wire, self._plan)
        abp = self._identity.abp
        if abp is None or (session is not None and session.is_of(*abp)):
            return session
        session = Session(abp[0], abp[1], abp[2], self._plan, self._plan.min_dr if dr is None else dr)
        session.settle()
        return session

    def image(self) -> bytes:
        """What must survive deep sleep beside what was persisted: at most IMAGE_MAX_LEN bytes, to be believed once.

        Asleep nothing is heard: a transmission whose windows are still to come counts as unanswered.
        """
        session = self._session
        flight = self._flight
        in_flight = b""
        if flight is not None and not flight.join:
            in_flight = flight.to_wire(flight.not_before_ms if self._state == IDLE else self._now_ms + _RETRY_MS)
        flags = self._begun | self._ack << 1 | self._rejoin << 2 | (self._answer_at is not None) << 3
        live = (0, 0, 0, 0)
        if session is not None:
            live = (session.dr, session.tx_power, session.nb_trans, session.channels.mask)
        body = struct.pack(_IMAGE, _IMAGE_VERSION, flags, min(self._unheard, 0xFFFF), *live) + struct.pack(
            _IMAGE_TIMES, self._ups.next, self._quiet_ms, self._answer_at or 0, *self._joins.state, *self._dice.state
        )
        for part in (self._sticky, self._answers, self._requests, in_flight):
            body += bytes([len(part)]) + part
        body += self._ledger.to_wire(self._now_ms)
        return body + struct.pack("<I", binascii.crc32(body) & 0xFFFFFFFF)

    def _wake_from(self, image: bytes, reserved_to: int) -> None:
        """Go on where `image` stopped; one that is damaged is left, as after a power cut."""
        body = image[:-4]
        if (
            len(body) < _IMAGE_LEN
            or image[-4:] != struct.pack("<I", binascii.crc32(body) & 0xFFFFFFFF)
            or body[0] != _IMAGE_VERSION
        ):
            return
        _, flags, self._unheard, dr, tx_power, nb_trans, mask = struct.unpack_from(_IMAGE, body)
        times = struct.unpack_from(_IMAGE_TIMES, body, _IMAGE_LEN)
        at = _IMAGE_LEN + _IMAGE_TIMES_LEN
        parts = []
        for _ in range(4):
            end = at + 1 + body[at]
            parts.append(body[at + 1 : end])
            at = end
        self._begun = bool(flags & 1)
        self._ack = bool(flags & 2)
        self._rejoin = bool(flags & 4)
        self._ups = Reserved("f_cnt_up", reserved_to, F_CNT_STEP, times[0])
        self._quiet_ms = times[1]
        self._answer_at = times[2] if flags & 8 else None
        self._joins.state = times[3:7]
        self._dice.state = times[7:10]
        self._sticky, self._answers, self._requests, in_flight = parts
        self._flight = flight_from_wire(in_flight)
        self._ledger.from_wire(body, at)
        if self._session is not None:
            self._session.dr = dr
            self._session.tx_power = tx_power
            self._session.nb_trans = nb_trans
            self._session.channels.enable(mask)


def _number(saved: dict[str, int | bytes], key: str, missing: int = 0) -> int:
    value = saved.get(key, missing)
    return value if isinstance(value, int) else missing


def _blob(saved: dict[str, int | bytes], key: str) -> bytes:
    value = saved.get(key, b"")
    return b"" if isinstance(value, int) else bytes(value)
