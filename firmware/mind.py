"""The common mind: what every role shares; one small role (`firmware/roles/`) knows the sensors and the lamp.

The role's readings and events get their numbers here, go into the log and then to the MAC, which has one frame of the
mind at a time. What that frame says is decided when it is built: the most urgent of receipts, events, readings, status
and answers from the log. While the status that opens a new epoch is not acknowledged, only it and receipts go.

Without a role the mind is in safe mode: orders and status only, after crashes that a role may have caused.
"""

from protocol import cbor
from protocol.compat import const, on_demand
from protocol.errors import ProtocolError
from protocol.events import VOID
from protocol.items import array
from protocol.telemetry import F_PORT_STATUS, Status

from .actions import AskLink, AskTime, Persist, Restart, TakeReading, TellEvent, Transmit
from .clock import TrustedClock
from .dice import Dice
from .events import Downlink, Joined, LinkAnswered, Sent, TimeAnswered, TimeTold
from .store.counters import Reserved
from .store.log import EVENT, READING, Log, Record
from .telling import RARE, RARE_MOST, REPEATED, Events, Readings, Receipts, Resends, StatusTeller

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from protocol.orders import Order
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

        def rare(self) -> list[tuple[int, int, int]]:
            """What no set carries, as (quantity, instance, value); told once a day, [] for nothing."""

        def image(self) -> bytes:
            """What must survive deep sleep; at most ROLE_IMAGE_LEN bytes."""


ROLE_IMAGE_LEN = const(400)  # what a role may carry through deep sleep
IMAGE_LEN = const(500)  # and the mind itself
SEQ_STEP = const(32)  # numbers reserved by one write; a power cut makes as many void at most
TELL_TIME_MS = const(3_600_000)  # a role counts on from what it was told; a sleep clock is 108 s off by then
RARE_MS = const(86_400_000)
_F_PORT_ORDERS = const(4)  # of protocol/orders.py, which is loaded when an order comes
_IMAGE_VERSION = const(3)
_HOUR_MS = const(3_600_000)
_RESTART_MS = const(300_000)  # a restart waits for its receipt so long at most
_NOTHING_KEPT = ((), (), (), (), 0, (), (), 0, None)  # the image of a mind that was never awake


class Facts:
    """What a mind is told of its node and of this boot.

    version: of the firmware. build_gps_s: when it was built; no earlier time is believed. dev_eui: for dice that no
    other node throws. boots, seq, orders: as persisted under these names; 0, 0 and b"" on a new node. spread_s: over
    which a street that gets power in one second spreads its first words (600 on a switched feeder); until its turn a
    node only answers orders. reset_cause, last_error: for the status. vitals: returns battery_mv and free bytes of the
    heap, None for what is not known. repeated: readings that ride along with the newest; fewer are for studies only.
    """

    @on_demand
    def __init__(
        self,
        version: tuple[int, int, int],
        build_gps_s: int,
        dev_eui: bytes,
        boots: int = 0,
        seq: int = 0,
        orders: bytes = b"",
        reset_cause: int = 0,
        spread_s: int = 60,
        last_error: str | None = None,
        vitals: "Callable[[], tuple[int | None, int | None]]" = lambda: (None, None),
        repeated: int = REPEATED,
    ) -> None:
        self.repeated = repeated
        self.version = version
        self.build_gps_s = build_gps_s
        self.dev_eui = dev_eui
        self.boots = boots
        self.seq = seq
        self.orders = orders
        self.spread_s = spread_s
        self.reset_cause = reset_cause
        self.last_error = last_error
        self.vitals = vitals


class Mind:
    """role: None for safe mode. image: what `image` returned before the deep sleep, b"" after anything else.

    The body erases an image when it reads it, before it does anything else: one that stayed would be believed again
    after a crash, and bring back what was told and numbers that were used since. b"" is a boot: another boot number,
    what was reserved is void, and the first words wait for their turn.

    Public is what `firmware/orders.py` works on: the parts, settings (as CBOR) and outcomes (of the last orders).
    """

    @on_demand
    def __init__(self, role: "Role | None", log: Log, settings: "Settings", facts: Facts, image: bytes = b"") -> None:
        opened = _opened(image)
        self.role = role
        self.settings = settings.encode()  # the table of settings is loaded again when an order changes one
        self.outcomes = facts.orders
        self._log = log
        self._facts = facts
        self._awake = False
        self._slept = opened is not None
        self._boot = facts.boots
        if not self._slept:
            # The log may know of a boot whose number did not reach the flash: ages are counted within one boot only.
            self._boot = max([facts.boots] + [record.boot for record in log.newest(1)]) + 1
        self.dice = Dice(facts.dev_eui + bytes([self._boot & 0xFF, self._boot >> 8 & 0xFF]))
        kept: Rows = opened or _NOTHING_KEPT
        dice, clock, owed, events, untold, gaps, status, rare_s, self._margin_db = kept
        if dice:
            self.dice.state = tuple(dice)
        self.clock = TrustedClock(facts.build_gps_s, clock)
        self._time_ms = 0  # when to tell it to the role again
        self._rare_ms: int = rare_s * 1000  # when to tell what is rare
        self._turn_ms = 0 if self._slept else self.dice.between_ms(0, facts.spread_s)
        start = 0 if log.epoch_is_new and log.next_seq == 0 else max(facts.seq, log.next_seq)
        self._seq = Reserved("seq", start, SEQ_STEP, log.next_seq if self._slept else None)
        self.receipts = Receipts(owed)
        period_ms = _HOUR_MS if role is None else settings.status_interval_s * 1000
        self.status = StatusTeller(self.dice, log, self._status, period_ms, status)
        self._opening: "tuple[Teller, ...]" = (self.receipts, self.status)
        self._tellers: "tuple[Teller, ...]" = self._opening
        if role is not None:
            self._events = Events(self.dice, log, self._boot, events)
            self._readings = Readings(role.set_number, log, self._boot, untold > 0, facts.repeated)
            self.resends = Resends(log, self._boot, gaps)
            # Most urgent first: a lamp that failed does not wait for the temperature.
            self._tellers = (self.receipts, self._events, self._readings, self.status, self.resends)
        self._transmit: Transmit | None = None  # the one that the MAC has
        self._teller: "Teller" = self.status  # whom it will ask
        self._composed = False  # it has: the frame is under way
        self._restart_ms: int | None = None

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Hear *event*, let the role hear it, and ask for a frame if there is something to tell."""
        actions: list[object] = []
        if not self._awake:
            self._awake = True
            self._wake_up(actions, now_ms)
        if self.role is not None:
            self._do_chores(self.role, actions, now_ms)
        if isinstance(event, Downlink):
            if event.f_port == _F_PORT_ORDERS:
                from .orders import hear_order

                hear_order(self, event, actions, now_ms)
        elif isinstance(event, Sent):
            if self._composed:
                self._composed = False
                self._transmit = None
                self._teller.sent(event.acked, now_ms)
            elif event.acked and event.f_port == F_PORT_STATUS:
                self.status.sent(True, now_ms)  # it was under way when the node fell asleep
            if self._restart_ms is not None and self.receipts.due_ms() is None:
                self._restart_ms = now_ms
        elif isinstance(event, TimeAnswered):
            if self.clock.answered(event.gps_s, event.at_ms) and self.role is not None:
                self._tell_time(self.role, actions, now_ms)
        elif isinstance(event, LinkAnswered):
            self._margin_db = event.margin_db
        elif self.role is not None and not isinstance(event, Joined):
            self.carry_out(self.role.handle(event, now_ms), actions, now_ms)
        if self._restart_ms is not None and now_ms >= self._restart_ms:
            self._restart_ms = None
            actions.append(Restart())
        self._ask(actions, now_ms)
        return actions

    def wake_at(self) -> int | None:
        """The role's next time, or this mind's own."""
        role_ms = None if self.role is None else self.role.wake_at()
        own_ms = self.own_wake_at()
        if role_ms is None or own_ms is None:
            return own_ms if role_ms is None else role_ms
        return min(role_ms, own_ms)

    def own_wake_at(self) -> int | None:
        """When there is something to do that is not the role's; while a frame waits, the MAC knows better."""
        first_ms = self._restart_ms
        if self.role is not None:
            due_ms = self._rare_due()
            if first_ms is None or due_ms < first_ms:
                first_ms = due_ms
            if self._time_ms < first_ms and self.clock.is_set():
                first_ms = self._time_ms
        if self._transmit is None:
            for teller in self._urgent():
                told_ms = self._due_ms(teller)
                if told_ms is not None and (first_ms is None or told_ms < first_ms):
                    first_ms = told_ms
        return first_ms

    @on_demand
    def image(self) -> bytes:
        """What must survive deep sleep beside the role's image: at most IMAGE_LEN bytes."""
        if self.role is None:
            return b""  # safe mode does not sleep deep
        return cbor.encode(
            [
                _IMAGE_VERSION,
                list(self.dice.state),
                self.clock.image(),
                self.receipts.image(),
                self._events.image(),
                1 if self._readings.untold else 0,
                self.resends.image(),
                self.status.image(),
                (self._rare_ms + 999) // 1000,
                self._margin_db,
            ]
        )

    def carry_out(self, wanted: list[object], actions: list[object], now_ms: int) -> None:
        """Do what the role or an order wants of this mind; the rest is for the body."""
        for action in wanted:
            if isinstance(action, TakeReading):
                role = self.role
                assert role is not None  # who else would want it
                self._readings.add(self._keep(READING, role.set_number, action.values, actions, now_ms))
            elif isinstance(action, TellEvent):
                self._events.add(self._keep(EVENT, action.event, action.details, actions, now_ms), now_ms)
            elif isinstance(action, Restart):
                self._restart_ms = now_ms + _RESTART_MS
            else:
                actions.append(action)

    @on_demand
    def _wake_up(self, actions: list[object], now_ms: int) -> None:
        """The first that a mind does after the power came."""
        if not self._slept:
            actions.append(Persist("boots", self._boot))
            void = self._seq.void(self._log.next_seq)
            if void:
                self._log.add(Record(void[0], self._boot, now_ms // 1000, None, EVENT, VOID, (void[1],)))

    def _do_chores(self, role: "Role", actions: list[object], now_ms: int) -> None:
        """What is due by the clock, before anything else is heard: no role acts on a time that is older."""
        if now_ms >= self._time_ms and self.clock.is_set():
            self._tell_time(role, actions, now_ms)
        if now_ms >= self._rare_due():
            self._rare_ms = now_ms + RARE_MS
            self._tell_rare(role.rare(), actions, now_ms)

    def _tell_time(self, role: "Role", actions: list[object], now_ms: int) -> None:
        gps_s = self.clock.gps_s(now_ms)
        assert gps_s is not None  # the clock is set
        self._time_ms = now_ms + TELL_TIME_MS
        self.carry_out(role.handle(TimeTold(gps_s, self.clock.is_sure()), now_ms), actions, now_ms)

    def _rare_due(self) -> int:
        return max(self._rare_ms, self._turn_ms)

    @on_demand
    def _tell_rare(self, rare: list[tuple[int, int, int]], actions: list[object], now_ms: int) -> None:
        """Log what no set carries, and tell it from the log when there is time: one that is lost is asked for again."""
        for first in range(0, len(rare), RARE_MOST):
            some = rare[first : first + RARE_MOST]
            keys = [quantity | instance << 8 for quantity, instance, _ in some]
            values = tuple(keys + [value for _, _, value in some])
            self.resends.add(self._keep(READING, RARE, values, actions, now_ms).seq & 0xFFFF, 1)

    def _keep(
        self, kind: int, number: int, values: tuple[int | None, ...], actions: list[object], now_ms: int
    ) -> Record:
        """Give a record its number and log it."""
        seq, persist = self._seq.take()
        if persist:
            actions.append(persist)
        gps_s = self.clock.gps_s(now_ms)
        record = Record(seq, self._boot, now_ms // 1000, gps_s, kind, number, values)
        self._log.add(record)
        return record

    # What to tell.

    def _urgent(self) -> "tuple[Teller, ...]":
        return self._opening if self._log.epoch_is_new else self._tellers

    def _due_ms(self, teller: "Teller") -> int | None:
        """When it may have the radio: receipts once they are due, the rest not before this node's turn."""
        due_ms = teller.due_ms()
        if due_ms is None or teller is self.receipts:
            return due_ms
        return max(due_ms, self._turn_ms)

    def _ask(self, actions: list[object], now_ms: int) -> None:
        """Have a frame under way if there is something to tell; one that still waits tells the most urgent."""
        if self._composed:
            return
        for teller in self._urgent():
            due_ms = self._due_ms(teller)
            if due_ms is not None and due_ms <= now_ms:
                break
        else:
            return
        self._teller = teller
        if self._transmit is not None:
            self._transmit.f_port = teller.f_port
            self._transmit.confirmed = teller.confirmed
            return
        if self.clock.wants_answer(now_ms):
            self.clock.asked(now_ms)
            actions.append(AskTime())
        if teller is self.status:
            actions.append(AskLink())  # for the next status
        self._transmit = Transmit(teller.f_port, self._compose, teller.confirmed)
        actions.append(self._transmit)

    def _compose(self, room: int, now_ms: int) -> bytes:
        if self.role is not None and self._transmit is not None:
            self.resends.hour_ms = self._transmit.hour_ms
        payload = self._teller.compose(room, now_ms)
        self._composed = True
        return payload

    def _status(self, now_ms: int) -> Status:
        return self._make_status(now_ms)  # by whom this is asked keeps it: not what is on demand, with its module

    @on_demand
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


@on_demand
def _opened(image: bytes) -> "Rows | None":
    """What an image holds, or None if there is none of this version."""
    try:
        items: Rows = array(cbor.decode(image), "image", 10)
    except ProtocolError:
        return None
    if items.pop(0) != _IMAGE_VERSION:
        return None
    return items
