"""What a node and its network owe each other: what an uplink carries beside its payload, and how long all is silent."""

from protocol.compat import const, on_demand
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import seal_data
from protocol.region import Plan, max_payload

from .actions import Persist, Transmit
from .adr import CHECK_EVERY, PLEAD_AFTER, back_off, rejoins, wants_to_be_heard
from .events import Joined, Sent
from .flight import Flight
from .session import Session

MAX_WAITING = const(4)  # a mind sends a reading, a status, an event and a receipt at most; then the newest wins
LINK_CHECK = b"\x02"  # CIDs of the requests that a node makes (TS001-1.0.4 §5.1, §5.10)
DEVICE_TIME = b"\x0d"

_MAX_FOPTS = const(15)


class Dialogue:
    """session: None before the first join. adr: whether the network chooses. min_dr: the slowest data rate there is.

    joins: whether the node can join anew. ups: uplinks it had in this session before the start, or somewhat more.

    sticky: answers that were sent, to be repeated until the network is heard;
    answers: those that were not yet. answer_at: when an empty frame answers, if no other does before. unheard:
    ADRACKCnt, uplinks since the last class A downlink. rejoin: whether it is time for a join beside the session.
    """

    @on_demand
    def __init__(self, session: Session | None, adr: bool, min_dr: int, joins: bool, ups: int) -> None:
        self.session = session
        self.adr = adr
        self.min_dr = min_dr
        self._joins = joins
        # A lamp whose feeder is switched has few uplinks a night: a doubt does not begin anew with each.
        self.unheard = min(ups, PLEAD_AFTER) if session is not None and self._doubts(session) else 0
        self.rejoin = False
        self._waiting: list[Transmit] = []
        self._owe_nothing()

    def _owe_nothing(self) -> None:
        self.sticky = self.answers = self.requests = b""
        self.ack = False
        self.answer_at: int | None = None

    @on_demand
    def begin(self, out: list[object], session: Session, first_up: int) -> None:
        """Speak in a new session; *first_up* as in `Session`."""
        session.first_up = first_up
        self.session = session
        out.append(Persist("session", session.to_wire()))
        out.append(Joined())
        self.unheard = 0
        self._owe_nothing()

    @on_demand
    def use_plan(self, out: list[object], plan: Plan, min_dr: int) -> None:
        """Go on with the channels, data rates and ADR of *plan*."""
        self.adr = plan.adr
        self.min_dr = min_dr
        if self.session is not None:
            self.session.use_plan(plan, min_dr)
            out.append(Persist("session", self.session.to_wire()))

    def _doubts(self, session: Session) -> bool:
        """Whether the network may not have this session: `adr.py` says why."""
        return self._joins and session.f_cnt_down < 0

    def enqueue(self, out: list[object], transmit: Transmit) -> None:
        """Let this wait for its turn."""
        if len(self._waiting) == MAX_WAITING:
            dropped = self._waiting.pop(0)
            out.append(Sent(dropped.f_port, False if dropped.confirmed else None))
        self._waiting.append(transmit)

    def wanted_ms(self) -> int | None:
        """When to send: at once what waits, later an answer alone, which may yet find something to ride with."""
        return 0 if self._waiting else self.answer_at

    def request(self, cid: bytes) -> None:
        """Ask for this with the next frame."""
        if cid not in self.requests:
            self.requests += cid

    @on_demand
    def uplink(self, session: Session, number: int, room_dr: int, now_ms: int) -> Flight:
        """The next frame: the oldest that waits, which has what *room_dr* carries, or answers alone.

        number: of this uplink among all that the node ever sent.
        """
        answers = self.sticky + self.answers
        asked = b""
        f_port: int | None = None
        payload = f_opts = b""
        confirmed = False
        if len(answers) > _MAX_FOPTS:
            f_port = 0
            payload = answers
        else:
            asked = self._asks(session, _MAX_FOPTS - len(answers))
            f_opts = answers + asked
            if self._waiting:
                transmit = self._waiting.pop(0)
                room = max_payload(room_dr, len(f_opts))
                transmit.hour_ms = session.channels.hour_ms(session.dr)
                payload = transmit.compose(room, now_ms)  # first: should it fail, nothing else has happened
                assert len(payload) <= room, "a payload keeps to the room it is given"
                f_port = transmit.f_port
                confirmed = transmit.confirmed
        frame = seal_data(
            session.keys(),
            UPLINK,
            session.dev_addr,
            number - session.first_up,
            f_port,
            payload,
            confirmed,
            f_opts,
            self.adr,
            self.adr and wants_to_be_heard(self.unheard, self._doubts(session)),
            self.ack,
        )
        if answers:
            from .commands import sticky

            self.sticky = sticky(answers)
            self.answers = b""
        if asked:
            self.requests = b""
        self.ack = False
        self.answer_at = None
        return Flight(frame, session.dr, f_port or None, confirmed, session.nb_trans, asked)

    @on_demand
    def _asks(self, session: Session, room: int) -> bytes:
        """The requests that go with the next frame, as far as there is room."""
        asked = self.requests
        if not asked and self._joins:
            if self._doubts(session):
                asked = LINK_CHECK
            elif not self.adr and wants_to_be_heard(self.unheard, False) and self.unheard % CHECK_EVERY == 0:
                asked = LINK_CHECK  # ADRACKReq means nothing without ADR
        return asked if len(asked) <= room else b""

    def unanswered(self, session: Session) -> None:
        """An uplink is over, and nobody answered it."""
        self.unheard += 1
        back_off(session, self.unheard, self.adr, self.min_dr)
        self.rejoin = self.rejoin or rejoins(self.unheard, self._doubts(session))
