"""The MAC of a node on the air: LoRaWAN 1.0.4 in EU868, class A and class C: what goes, and when.

One frame at a time is in flight. It is sent up to NbTrans times, on channels drawn at random, and each transmission is
followed by its windows (`windows.py`); what comes down in them ends the flight, or the last window does. Between two
flights the MAC is idle and asks itself what is due: the frame in flight again, a Join-Request, the oldest waiting
frame, or an empty one that carries an acknowledgement. Nothing is due before its sub-band has the airtime, so frames
wait and never fail.

Obeying a frame is one step: counter and whatever its commands change are persisted in one blob before anything of it
leaves the MAC. So a power cut between any two actions loses answers, never makes a counter or a nonce come twice.
"""

import struct

from protocol.compat import const, on_demand
from protocol.errors import ProtocolError
from protocol.lorawan.counters import accept_f_cnt
from protocol.lorawan.frames import DOWNLINK, JOIN_ACCEPT, DataFrame, frame_mtype, parse_frame
from protocol.lorawan.security import mic_matches
from protocol.region import MAX_EIRP_DBM, PLANS, Plan, eirp_dbm

from .actions import AskLink, AskTime, JoinGroup, Persist, RadioTransmit, Transmit, UsePlan
from .channels import band_of
from .dialogue import DEVICE_TIME, LINK_CHECK, Dialogue
from .dice import Dice
from .duty import Access, Ledger
from .events import FrameHeard, Joined, Sent, Transmitted, WindowClosed, Woke
from .flight import LONGEST_MS, Flight, airtime_ms
from .session import Identity, Session
from .store.counters import Reserved
from .windows import EARLY, IDLE, SENDING, Windows

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .joining import JoinBackOff

F_CNT_STEP = const(32)  # counters reserved by one write: at 96 uplinks a day NVS sees three writes

_JOIN_REQUEST_LEN = const(23)
_LAST_DEV_NONCE = const(0xFFFF)
_RETRY_MS = const(1_000)  # RETRANSMIT_TIMEOUT is 1..3 s at random (RP 1.0.3revA §2.2.9): two never collide twice
_RETRY_SPREAD_MS = const(2_000)


class Mac:
    """saved: what `Persist` wrote, by its key; image: what `image` returned before the deep sleep, to be used once.

    Keys: f_cnt_up, dev_nonce, join_nonce and plan are numbers, session, airtime and mc0 to mc3 bytes (up to 173).
    dr: of the first uplink of an ABP session; None for the slowest of the plan. adr: whether the network chooses data
    rate and power; None to do as the plan says. clock_ppm: how far the clock may be off while the node waits for a
    window. max_eirp_dbm: what radio and antenna give. min_dr: the slowest data rate that the node uses, whatever the
    network says or said. windows_at: rx_delay_s and rx2_dr of an ABP node, until the network says otherwise; others
    learn them as they join. spread_s: over which a street that gets power in one second spreads its first Join-Requests
    (600 on a switched feeder). battery: returns what DevStatusAns tells, 255 for not known (TS001-1.0.4 §5.5).

    What of these an order may change, it changes with the next start, which is when a MAC is made. Transmits that wait
    when the node falls asleep are the mind's to ask again: their compose is code.
    """

    @on_demand
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
        min_dr: int = 0,
        windows_at: tuple[int, int] = (5, 3),
        spread_s: int = 15,
        battery: "Callable[[], int]" = lambda: 255,
    ) -> None:
        from .starting import blob, first_groups, first_session, number

        if saved is None:
            saved = {}
        self._battery = battery
        self._identity = identity
        self._plan = plan
        if "plan" in saved:
            self._plan = plan = PLANS[number(saved, "plan")]
            adr = None
        self._min_dr = min_dr
        self._class_c = class_c
        self._max_eirp_dbm = max_eirp_dbm
        self._dev_nonce = number(saved, "dev_nonce")
        self._join_nonce = number(saved, "join_nonce", -1)
        slowest = self._slowest()
        session = first_session(identity, plan, blob(saved, "session"), dr, slowest, windows_at)
        self._groups = first_groups(saved) if class_c else []
        self._ups = Reserved("f_cnt_up", number(saved, "f_cnt_up"), F_CNT_STEP)
        ups = 0 if session is None else self._ups.next - session.first_up
        joins = bool(identity.app_key) and identity.abp is None
        self._talk = Dialogue(session, plan.adr if adr is None else adr, slowest, joins, ups)
        self._dice = Dice(identity.dev_eui + struct.pack("<HI", self._dev_nonce & 0xFFFF, self._ups.next & 0xFFFFFFFF))
        self._access = Access(Ledger(blob(saved, "airtime")), self._dice)
        self._joins = (0, self._dice.between_ms(0, spread_s), 0, 0)  # `JoinBackOff` of joining.py
        self._windows = Windows(self._talk, class_c, clock_ppm)
        self._flight: Flight | None = None
        self._begun = False  # `Joined` was told of the session that was there at the start
        self._now_ms = 0
        if image:
            self._wake_from(image, number(saved, "f_cnt_up"))

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Hear what happened; returns actions for the body and events for the mind, in the order to be done."""
        self._now_ms = now_ms
        out: list[object] = []
        flight = self._flight
        listens = self._windows
        if isinstance(event, Transmitted):
            if listens.state == SENDING and flight is not None:
                listens.transmitted(out, flight, now_ms)
        elif isinstance(event, WindowClosed):
            if flight is not None and listens.closed(out, flight, now_ms):
                self._over(out, flight, now_ms)
        elif isinstance(event, FrameHeard):
            self._heard(out, event, now_ms)
        elif isinstance(event, Woke):
            self._woke(out, now_ms)
        elif isinstance(event, Transmit):
            self._talk.enqueue(out, event)
        else:
            self._ask(out, event)
        if listens.state == IDLE:
            self._do_what_is_due(out, now_ms)
            listens.between(out, now_ms)
        return out

    def wake_at(self) -> int | None:
        """When to send `Woke`; None while the body owes an event, or nothing is to be done."""
        if self._windows.state != IDLE:
            return self._windows.deadline
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
        if self._talk.session is not None and not self._talk.rejoin:
            return None
        if not self._identity.app_key or self._dev_nonce > _LAST_DEV_NONCE:
            return None
        from .joining import JoinBackOff

        return self._join_free_at(JoinBackOff(self._joins))

    @on_demand
    def _join_free_at(self, back_off: "JoinBackOff") -> int:
        request_ms = airtime_ms(back_off.dr(self._plan, self._talk.min_dr), _JOIN_REQUEST_LEN)
        return max(back_off.free_at(request_ms), self._free_at(self._join_channels(), request_ms))

    def _slowest(self) -> int:
        return min(max(self._plan.min_dr, self._min_dr), self._plan.max_dr)

    def _data_due(self) -> int | None:
        session = self._talk.session
        wanted_ms = self._talk.wanted_ms()
        if session is None or wanted_ms is None:
            return None
        # Room for the longest frame: how long this one will be is known once it is composed, and then it must go.
        return max(self._free_at(session.channels.choices(session.dr), LONGEST_MS[session.dr]), wanted_ms)

    def _free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        return self._access.free_at(channels, frame_ms)

    def _channels_of(self, flight: Flight) -> tuple[tuple[int, int, int], ...]:
        session = self._talk.session
        if flight.join or session is None:
            return self._join_channels()
        return session.channels.choices(flight.dr)

    @on_demand
    def _join_channels(self) -> tuple[tuple[int, int, int], ...]:
        return tuple([(freq_hz, freq_hz, band_of(freq_hz)) for freq_hz in self._plan.join_channels])

    # Sending.

    def _send(self, out: list[object], now_ms: int) -> None:
        session = self._talk.session
        assert session is not None
        flight = self._talk.uplink(session, self._ups.next, self._room_dr(session.dr), now_ms)
        _, persist = self._ups.take()
        if persist is not None:
            out.append(persist)
        self._launch(out, flight, now_ms)

    def _room_dr(self, dr: int) -> int:
        return dr

    @on_demand
    def _ask_to_join(self, out: list[object], now_ms: int) -> None:
        from .joining import JoinBackOff, request_flight

        back_off = JoinBackOff(self._joins)
        dr = back_off.dr(self._plan, self._talk.min_dr)
        flight = request_flight(self._identity, self._dev_nonce, dr)
        self._dev_nonce += 1
        self._talk.rejoin = False
        out.append(Persist("dev_nonce", self._dev_nonce))
        back_off.spend(flight.airtime_ms, now_ms, self._dice.below(1000))
        self._joins = back_off.state
        self._launch(out, flight, now_ms)

    def _launch(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """Send the frame on a random channel whose sub-band is free; `_free_at` has seen that there is one."""
        session = self._talk.session
        channels = self._channels_of(flight)
        duty = 0 if session is None else session.max_duty_cycle
        at, shares = self._access.take(channels, flight.airtime_ms, now_ms, duty)
        freq_hz, down_hz, _ = channels[at]
        if shares is not None:
            out.append(Persist("airtime", shares))
        power_dbm = min(eirp_dbm(0 if session is None else session.tx_power), self._max_eirp_dbm)
        flight.left -= 1
        self._flight = flight
        self._windows.sending(down_hz)
        out.append(RadioTransmit(flight.phy_payload, freq_hz, flight.dr, power_dbm))

    # What became of it.

    def _woke(self, out: list[object], now_ms: int) -> None:
        flight = self._flight
        if not self._begun:
            self._begun = True
            if self._talk.session is not None:
                out.append(Joined())
        elif flight is not None and self._windows.woke(out, flight, now_ms):
            self._over(out, flight, now_ms)

    def _over(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """The windows of one transmission have passed: the flight is over, or the frame goes again."""
        self._windows.over()
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
        if not flight.heard and self._talk.session is not None:
            self._talk.unanswered(self._talk.session)

    # What came down.

    def _heard(self, out: list[object], event: FrameHeard, now_ms: int) -> None:
        listens = self._windows
        state = listens.state
        if state == SENDING or (state == IDLE and not listens.tuned):
            return
        answered = False
        if self._concerns_us(event.phy_payload):
            try:
                answered = self._believe(out, event)
            except ProtocolError:
                pass  # noise, a replay or a forgery: as if nothing had come
        flight = self._flight
        if flight is None or state == IDLE:
            return
        answered = answered and (state != EARLY or flight.acked)
        if answered or listens.closed(out, flight, now_ms):
            self._over(out, flight, now_ms)

    def _concerns_us(self, phy_payload: bytes) -> bool:
        """Whether it is worth loading what reads frames: what a street hears is for others, most of it."""
        dev_addr = bytes(phy_payload[1:5])
        session = self._talk.session
        if self._flight is not None and self._flight.join:
            return True
        if session is not None and dev_addr == session.dev_addr.to_bytes(4, "little"):
            return True
        return dev_addr in [group[:4] for group in self._groups]

    @on_demand
    def _believe(self, out: list[object], event: FrameHeard) -> bool:
        """Obey a frame that is authentic and new; whether it answers the flight. Raises ProtocolError for others."""
        flight = self._flight
        if frame_mtype(event.phy_payload) == JOIN_ACCEPT:
            if flight is None or not flight.join:
                return False
            self._join(out, event.phy_payload, flight)
            return True
        frame = parse_frame(event.phy_payload)
        session = self._talk.session
        if session is None or frame.dev_addr != session.dev_addr:
            if any(self._groups):
                from .groups import obey_group

                obey_group(out, self._groups, frame)
            return False
        f_cnt = accept_f_cnt(session.f_cnt_down, frame.f_cnt16)
        if f_cnt is None or not mic_matches(session.keys(), frame, DOWNLINK, f_cnt):
            return False
        return self._obey(out, session, frame, f_cnt, event)

    @on_demand
    def _join(self, out: list[object], phy_payload: bytes, flight: Flight) -> None:
        from .joining import JoinBackOff, accepted

        session, join_nonce = accepted(
            self._identity, self._plan, phy_payload, self._dev_nonce - 1, self._join_nonce, flight.dr
        )
        back_off = JoinBackOff(self._joins)
        back_off.succeeded()
        self._joins = back_off.state
        self._join_nonce = join_nonce
        out.append(Persist("join_nonce", join_nonce))
        self._talk.begin(out, session, self._ups.next)
        self._begun = True
        self._windows.changed()

    @on_demand
    def _obey(self, out: list[object], session: Session, frame: DataFrame, f_cnt: int, event: FrameHeard) -> bool:
        """Obey a data frame to this node; whether it answers the flight."""
        from .hearing import hear

        flight = self._flight
        if self._windows.state == IDLE or (flight is not None and flight.join):
            flight = None  # a class C frame that answers nothing
        class_a = flight is not None and self._windows.state != EARLY
        soon = hear(
            out,
            self._talk,
            session,
            frame,
            f_cnt,
            flight,
            class_a,
            self._windows.up_end_ms,
            event.snr_quarter_db,
            self._battery,
        )
        if len(frame.f_opts) or frame.f_port == 0:
            self._windows.changed()
        if soon:
            # Not at once: what the mind has to say to this takes the answer along.
            self._talk.answer_at = self._now_ms + _RETRY_MS + self._dice.below(_RETRY_SPREAD_MS)
        return flight is not None

    # What the mind asks.

    def _ask(self, out: list[object], event: object) -> None:
        if isinstance(event, AskTime):
            self._talk.request(DEVICE_TIME)
        elif isinstance(event, AskLink):
            self._talk.request(LINK_CHECK)
        elif isinstance(event, JoinGroup):
            if self._class_c and self._identity.gen_app_key:
                from .groups import join_group

                out.extend(join_group(self._groups, self._identity.gen_app_key, event))
        elif isinstance(event, UsePlan):
            self._use_plan(out, event.plan_number)

    @on_demand
    def _use_plan(self, out: list[object], number: int) -> None:
        if 0 <= number < len(PLANS):
            self._plan = PLANS[number]
            out.append(Persist("plan", number))
            self._talk.use_plan(out, self._plan, self._slowest())
            self._windows.changed()

    def rest(self) -> None:
        """Nothing is due for a while."""
        if self._talk.session is not None:
            self._talk.session.rest()

    # What survives.

    @on_demand
    def image(self) -> bytes:
        """What must survive deep sleep beside what was persisted, at most IMAGE_MAX_LEN bytes: see `asleep.py`.

        Asleep nothing is heard: a transmission whose windows are still to come counts as unanswered.
        """
        from .asleep import image_of

        flight = self._flight
        in_flight = b""
        if flight is not None and not flight.join:
            again_ms = flight.not_before_ms if self._windows.state == IDLE else self._now_ms + _RETRY_MS
            in_flight = flight.to_wire(again_ms)
        return image_of(self._talk, self._access, self._begun, self._ups.next, self._joins, in_flight, self._now_ms)

    @on_demand
    def _wake_from(self, image: bytes, reserved_to: int) -> None:
        """Go on where `image` stopped; one that is damaged is left, as after a power cut."""
        from .asleep import wake

        kept = wake(image, self._talk, self._access)
        if kept is not None:
            self._begun, next_up, self._joins, self._flight = kept
            self._ups = Reserved("f_cnt_up", reserved_to, F_CNT_STEP, next_up)
