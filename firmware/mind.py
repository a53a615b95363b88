"""The common mind: what every role shares; one small role (`firmware/roles/`) knows the sensors and the lamp.

The role's readings and events get their numbers here, go into the log and then to the MAC, which has one frame of the
mind at a time. What that frame says is decided when it is built: the most urgent of receipts, events, readings, status
and answers from the log. While the status that opens a new epoch is not acknowledged, only it and receipts go.

Without a role the mind is in safe mode: orders and status only, after crashes that a role may have caused.
"""

from protocol import cbor
from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.events import VOID
from protocol.items import array
from protocol.orders import (
    BAD_ARGUMENT,
    CONFIGURE,
    DONE,
    F_PORT_ORDERS,
    IDENTIFY,
    JOIN_GROUP,
    LOAD_PROGRAMME,
    NOT_HERE,
    REBOOT,
    RESEND,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Order,
    Receipt,
    decode_order,
    refusal,
)
from protocol.telemetry import F_PORT_STATUS, Status

from .actions import (
    AskLink,
    AskTime,
    Identify,
    JoinGroup,
    Persist,
    Restart,
    TakeReading,
    TellEvent,
    Transmit,
    UsePlan,
)
from .clock import TrustedClock
from .dice import Dice
from .events import Downlink, FrameHeard, Joined, LinkAnswered, Sent, TimeAnswered, TimeTold, Transmitted, WindowClosed
from .orders import OrderBook
from .store.counters import Reserved
from .store.log import EVENT, READING, Log, Record
from .telling import Events, Readings, Resends, StatusTeller

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from protocol.settings import Settings

    from .telling import Teller

    Rows = Any  # lists of small numbers, as the owners of each wrote them

    class Role(Protocol):
        """What a role owes its mind. Constructor argument `image=b""`: what `image` returned before the deep sleep."""

        set_number: int  # of protocol.quantities.SETS: the order of the values of its `TakeReading`

        def handle(self, event: object, now_ms: int) -> list[object]:
            """Hear `Woke`, `Sensed`, `TimeTold`, …; return actions of the body, `TakeReading` and `TellEvent`."""

        def wake_at(self) -> int | None:
            """When to send `Woke`, in ms (in the past: at once); None to be left alone until something happens."""

        def order(
            self, order: Order, now_ms: int, gps_s: int | None, group: int | None = None
        ) -> tuple[int, int | None, list[object]]:
            """Obey one of its verbs (checked against VERBS, not expired): outcome, detail or None, actions.

            gps_s: the trusted time or None, with which the role may hold an order 15 minutes at most. group: to which
            it came, or None for this node alone. NOT_HERE for a verb that is another role's.
            """

        def configure(self, setting: int, value: int) -> int:
            """Take over a setting, by its number in `protocol/settings.py`, that the mind has checked. An outcome.

            DONE, or NOT_HERE for one that this role does not have or asks for at its start only.
            """

        def image(self) -> bytes:
            """What must survive deep sleep; at most ROLE_IMAGE_LEN bytes."""


ROLE_IMAGE_LEN = const(400)  # what a role may carry through deep sleep; the mind needs 500 at most
SEQ_STEP = const(32)  # numbers reserved by one write; a power cut makes as many void at most
_IMAGE_VERSION = const(1)
WITH_NEXT_START = const(1)  # detail of a CONFIGURE that is done: when it takes effect
_HOUR_MS = const(3_600_000)
_RESTART_MS = const(300_000)  # a restart waits for its receipt so long at most
_IDENTIFY_S = const(30)
NIGHT_S = const(16 * 3600)  # the longest one north of the Alps; no group order lasts longer
_GROUP_VERBS = (SET_LEVEL, RESUME_PROGRAMME, LOAD_PROGRAMME)  # all that one lost lamp's key can do to a street
_HOLD_S = const(2)  # place of hold_s among the arguments of SET_LEVEL
_NOTHING_KEPT = ((), (), (), (), 0, (), 0, None)  # the image of a mind that was never awake
_NOT_FOR_ROLE = (Joined, Transmitted, FrameHeard, WindowClosed)


class Facts:
    """What a mind is told of its node and of this boot.

    version: of the firmware. build_gps_s: when it was built; no earlier time is believed. dev_eui: for dice that no
    other node throws. boot, seq, orders: as persisted under these names; 0, 0 and b"" on a new node. spread_s: over
    which the street spreads its first status, should its power come back for all at once. reset_cause, last_error: for
    the status. vitals: returns battery_mv and free bytes of the heap, None for what is not known.
    """

    def __init__(
        self,
        version: tuple[int, int, int],
        build_gps_s: int,
        dev_eui: bytes,
        boot: int = 0,
        seq: int = 0,
        orders: bytes = b"",
        reset_cause: int = 0,
        spread_s: int = 60,
        last_error: str | None = None,
        vitals: "Callable[[], tuple[int | None, int | None]]" = lambda: (None, None),
    ) -> None:
        self.version = version
        self.build_gps_s = build_gps_s
        self.dev_eui = dev_eui
        self.boot = boot
        self.seq = seq
        self.orders = orders
        self.spread_s = spread_s
        self.reset_cause = reset_cause
        self.last_error = last_error
        self.vitals = vitals


class Mind:
    """role: None for safe mode. image: what `image` returned before the deep sleep, b"" after anything else."""

    def __init__(self, role: "Role | None", log: Log, settings: "Settings", facts: Facts, image: bytes = b"") -> None:
        opened = _opened(image)
        self._role = role
        self._log = log
        self._settings = settings.encode()  # the table of settings is loaded again when an order changes one
        self._plan_number = settings.plan
        self._facts = facts
        self._awake = False
        self._slept = opened is not None
        self._boot = facts.boot
        if not self._slept:
            # The log may know of a boot whose number did not reach the flash: ages are counted within one boot only.
            self._boot = max([facts.boot] + [record.boot for record in log.newest(1)]) + 1
        self._dice = Dice(facts.dev_eui + bytes([self._boot & 0xFF, self._boot >> 8 & 0xFF]))
        kept: Rows = opened[1] if opened else _NOTHING_KEPT
        dice, clock, owed, events, untold, gaps, status_s, self._margin_db = kept
        if dice:
            self._dice.state = tuple(dice)
        self._clock = TrustedClock(facts.build_gps_s, clock)
        start = 0 if log.epoch_is_new and log.next_seq == 0 else max(facts.seq, log.next_seq)
        self._seq = Reserved("seq", start, SEQ_STEP, log.next_seq if self._slept else None)
        self._book = OrderBook(self._dice, facts.orders, owed)
        status_ms = status_s * 1000
        if not self._slept and not log.epoch_is_new:
            status_ms = self._dice.between_ms(0, facts.spread_s)
        self._status = StatusTeller(
            self._dice,
            log,
            self._make_status,
            status_ms,
            _HOUR_MS if role is None else settings.status_interval_s * 1000,
        )
        self._opening: "tuple[Teller, ...]" = (self._book, self._status)
        self._tellers: "tuple[Teller, ...]" = self._opening
        if role is not None:
            self._events = Events(self._dice, log, self._boot, events)
            self._readings = Readings(role.set_number, log, self._boot, untold > 0)
            self._resends = Resends(log, self._boot, gaps)
            # Most urgent first: a lamp that failed does not wait for the temperature.
            self._tellers = (self._book, self._events, self._readings, self._status, self._resends)
        self._transmit: Transmit | None = None  # the one that the MAC has
        self._teller: "Teller" = self._status  # whom it will ask
        self._composed = False  # it has: the frame is under way
        self._restart_ms: int | None = None

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Hear *event*, let the role hear it, and ask for a frame if there is something to tell."""
        actions: list[object] = []
        if not self._awake:
            self._awake = True
            self._wake_up(actions, now_ms)
        if isinstance(event, Downlink):
            if event.f_port == F_PORT_ORDERS:
                self._hear_order(event, actions, now_ms)
        elif isinstance(event, Sent):
            if self._composed:
                self._composed = False
                self._transmit = None
                self._teller.sent(event.acked, now_ms)
            elif event.acked and event.f_port == F_PORT_STATUS:
                self._status.sent(True, now_ms)  # it was under way when the node fell asleep
            if self._restart_ms is not None and self._book.due_ms() is None:
                self._restart_ms = now_ms
        elif isinstance(event, TimeAnswered):
            if self._clock.answered(event.gps_s, event.at_ms):
                self._tell_time(actions, now_ms)
        elif isinstance(event, LinkAnswered):
            self._margin_db = event.margin_db
        elif self._role is not None and not isinstance(event, _NOT_FOR_ROLE):
            self._carry_out(self._role.handle(event, now_ms), actions, now_ms)
        if self._restart_ms is not None and now_ms >= self._restart_ms:
            self._restart_ms = None
            actions.append(Restart())
        self._ask(actions, now_ms)
        return actions

    def wake_at(self) -> int | None:
        """The role's next time, or that of the next thing to tell; while a frame waits, the MAC knows better."""
        first = self._restart_ms
        times = [] if self._role is None else [self._role.wake_at()]
        if self._transmit is None:
            times += [teller.due_ms() for teller in self._urgent()]
        for time_ms in times:
            if time_ms is not None and (first is None or time_ms < first):
                first = time_ms
        return first

    def image(self) -> bytes:
        """What must survive deep sleep, the role's part included: at most 900 bytes."""
        if self._role is None:
            return b""  # safe mode does not sleep deep
        return cbor.encode(
            [
                _IMAGE_VERSION,
                self._role.image(),
                list(self._dice.state),
                self._clock.image(),
                self._book.image(),
                self._events.image(),
                1 if self._readings.untold else 0,
                self._resends.image(),
                self._status.image(),
                self._margin_db,
            ]
        )

    def _wake_up(self, actions: list[object], now_ms: int) -> None:
        """The first that a mind does after the power came, or after a deep sleep."""
        if not self._slept:
            actions.append(Persist("boot", self._boot))
            void = self._seq.void(self._log.next_seq)
            if void:
                self._log.add(Record(void[0], self._boot, now_ms // 1000, None, EVENT, VOID, (void[1],)))
        self._tell_time(actions, now_ms)

    def _tell_time(self, actions: list[object], now_ms: int) -> None:
        gps_s = self._clock.gps_s(now_ms)
        if gps_s is not None and self._role is not None:
            self._carry_out(self._role.handle(TimeTold(gps_s), now_ms), actions, now_ms)

    def _carry_out(self, wanted: list[object], actions: list[object], now_ms: int) -> None:
        """Do what the role wants of its mind; the rest is for the body."""
        for action in wanted:
            if isinstance(action, TakeReading):
                role = self._role
                assert role is not None  # who else would want it
                self._readings.add(self._keep(READING, role.set_number, action.values, actions, now_ms))
            elif isinstance(action, TellEvent):
                self._events.add(self._keep(EVENT, action.event, action.details, actions, now_ms), now_ms)
            else:
                actions.append(action)

    def _keep(
        self, kind: int, number: int, values: tuple[int | None, ...], actions: list[object], now_ms: int
    ) -> Record:
        """Give a record its number and log it."""
        seq, persist = self._seq.take()
        if persist:
            actions.append(persist)
        gps_s = self._clock.gps_s(now_ms)
        record = Record(seq, self._boot, now_ms // 1000, gps_s, kind, number, values)
        self._log.add(record)
        return record

    # What to tell.

    def _urgent(self) -> "tuple[Teller, ...]":
        return self._opening if self._log.epoch_is_new else self._tellers

    def _ask(self, actions: list[object], now_ms: int) -> None:
        """Have a frame under way if there is something to tell; one that still waits tells the most urgent."""
        if self._composed:
            return
        for teller in self._urgent():
            due_ms = teller.due_ms()
            if due_ms is not None and due_ms <= now_ms:
                break
        else:
            return
        self._teller = teller
        if self._transmit is not None:
            self._transmit.f_port = teller.f_port
            self._transmit.confirmed = teller.confirmed
            return
        if self._clock.wants_answer(now_ms):
            self._clock.asked(now_ms)
            actions.append(AskTime())
        if teller is self._status:
            actions.append(AskLink())  # for the next status
        self._transmit = Transmit(teller.f_port, self._compose, teller.confirmed)
        actions.append(self._transmit)

    def _compose(self, room: int, now_ms: int) -> bytes:
        payload = self._teller.compose(room, now_ms)
        self._composed = True
        return payload

    def _make_status(self, now_ms: int) -> Status:
        facts = self._facts
        battery_mv, heap_free = facts.vitals()
        return Status(
            facts.version,
            self._log.epoch,
            facts.reset_cause,
            now_ms // 1000,
            battery_mv,
            heap_free,
            facts.last_error,
            self._margin_db,
            self._seq.next,
        )

    # Orders.

    def _hear_order(self, downlink: Downlink, actions: list[object], now_ms: int) -> None:
        try:
            order = decode_order(downlink.payload)
        except ProtocolError:
            return  # there is not even an id to answer to
        receipt = self._book.known(downlink.group, order.order_id)
        if receipt is None:
            receipt = self._judge(order, downlink.group, actions, now_ms)
        self._book.owe(downlink.group, receipt, now_ms)

    def _judge(self, order: Order, group: int | None, actions: list[object], now_ms: int) -> Receipt:
        """Obey a new order or refuse it; the book is written before anything is done."""
        gps_s = self._clock.gps_s(now_ms)
        outcome = refusal(order, gps_s)
        if outcome is None and group is not None:
            outcome = _group_refusal(order, gps_s)
        if outcome is not None:
            receipt = Receipt(order.order_id, outcome)
            self._book.note(group, receipt)
            return receipt
        outcome, detail, wanted = self._obey(order, group, now_ms, gps_s)
        receipt = Receipt(order.order_id, outcome, detail)
        self._book.note(group, receipt)
        actions.append(Persist("orders", self._book.to_bytes()))
        self._carry_out(wanted, actions, now_ms)
        return receipt

    def _obey(
        self, order: Order, group: int | None, now_ms: int, gps_s: int | None
    ) -> tuple[int, int | None, list[object]]:
        """Outcome, detail and actions of an order whose arguments are good."""
        verb = order.verb
        arguments = order.arguments
        if verb == IDENTIFY:
            return DONE, None, [Identify(_number(arguments, 0) or _IDENTIFY_S)]
        if verb == REBOOT:
            self._restart_ms = now_ms + _RESTART_MS
            return DONE, None, []
        if verb == JOIN_GROUP:
            return DONE, None, [JoinGroup(*arguments)]  # type: ignore[arg-type]  # `refusal` has checked them
        if verb == CONFIGURE:
            return self._configure(_number(arguments, 0) or 0, _number(arguments, 1))
        if self._role is None:
            return NOT_HERE, None, []
        if verb == RESEND:
            return DONE, self._resends.add(_number(arguments, 0) or 0, _number(arguments, 1) or 0), []
        return self._role.order(order, now_ms, gps_s, group)

    def _configure(self, setting: int, value: int | None) -> tuple[int, int | None, list[object]]:
        """Change one setting, for good."""
        from protocol.settings import SETTINGS, Settings

        try:
            changed = Settings.decode(self._settings).changed(setting, value)
        except ProtocolError:
            return BAD_ARGUMENT, None, []
        self._settings = changed.encode()
        wanted: list[object] = [Persist("settings", self._settings)]
        detail = None
        if changed.plan != self._plan_number:
            self._plan_number = changed.plan
            wanted.append(UsePlan(changed.plan))
        elif self._role is None or self._role.configure(setting, getattr(changed, SETTINGS[setting][0])) != DONE:
            detail = WITH_NEXT_START
        return DONE, detail, wanted


def role_image(image: bytes) -> bytes:
    """The role's part of a mind's image, for the role's constructor."""
    kept = _opened(image)
    return b"" if kept is None else kept[0]


def _opened(image: bytes) -> "tuple[bytes, Rows] | None":
    """The role's part of an image and the mind's, or None if there is none of this version."""
    try:
        items: Rows = array(cbor.decode(image), "image", 10)
    except ProtocolError:
        return None
    if items.pop(0) != _IMAGE_VERSION:
        return None
    return items.pop(0), items


def _group_refusal(order: Order, gps_s: int | None) -> int | None:
    """Why an order to a group must not be obeyed: its key is in every lamp of the street, and one of them gets lost."""
    if order.verb not in _GROUP_VERBS:
        return NOT_HERE
    hold_s = _number(order.arguments, _HOLD_S) if order.verb == SET_LEVEL else None
    if (gps_s is not None and order.expiry_gps_s - gps_s > NIGHT_S) or (hold_s is not None and hold_s > NIGHT_S):
        return BAD_ARGUMENT
    return None


def _number(arguments: tuple[object, ...], position: int) -> int | None:
    """An argument that `refusal` has checked; null and left out are the same."""
    argument = arguments[position] if position < len(arguments) else None
    return argument if isinstance(argument, int) else None
