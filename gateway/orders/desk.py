"""The order desk: every order from the moment it is given until its receipt came, or its time is over.

    queued ──Fate SENT──► sent ──receipt──► done | refused:<outcome>
       │                    │└─ no receipt: sent again, later and later
       └──────expiry────────┴─► expired        (failed: could not be sent; cancelled: by whoever gave it)

An order is written before it is sent, and sent until its receipt came or it expired: a node knows its last eight and
obeys none twice. A class A device is sent to again when an uplink is heard that is not its receipt; one that listens
all the time, and a group, when a while has passed. A lamp group's receipts come spread over ten minutes, and are
gathered per member; what is not answered by the expiry is told as such.
"""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from gateway.network.application import NOTHING, Answer, Uplink
from gateway.network.events import Alarm, Downlink, Fate, FateOf
from gateway.network.registration import Group, Registration
from gateway.readings.cbor_door import decode
from gateway.store.writes import AddRecord, KeepOrder, Write
from protocol.civil import DAY_S, to_gps
from protocol.orders import (
    F_PORT_ORDERS,
    INCOMPLETE,
    LOAD_PROGRAMME,
    VERBS,
    Order,
    Receipt,
    decode_order,
    decode_receipt,
    encode_order,
)

from . import states
from .request import GATEWAY, OrderError, OrderRequest, orders_of
from .results import group_verdict, result, tally, unanswered, verdict
from .targets import Targets
from .under_way import OpenOrder, Target, UnderWay, target_of

MAX_UNDER_WAY = 8  # to one device or group: a node remembers the outcomes of its last eight (firmware/orders.py)
MAX_ORDERS = 20_000  # a programme of four parts for each of 5,000 lamps
# A receipt may be on its way when its order expires: spread over 10 minutes for a group, and delayed by duty cycle.
RECEIPT_GRACE_MS = 15 * 60_000
GROUP_SENDS = 3  # of one frame: at 20 % loss 8 of 1,000 lamps miss all three
_GROUP_PAUSE_MS = 20_000
_SCENE_PAUSE_MS = (
    3_000  # a street that is told a level follows within ten seconds, also at DR0, where a frame takes two
)
_CLASS_C_PAUSE_MS = 30_000  # a receipt takes seconds, at the slowest data rate a minute of duty cycle
_CLASS_A_PAUSE_MS = 60_000
_MAX_PAUSE_MS = 3_600_000
_LATELY = 256  # receipts within one group commit of the store, and then some
_LATELY_MS = 30_000  # a commit is grouped for 2 s and may stall for some more
_AGAIN_MS = 5_000  # after a commit failed: a disk that is full does not empty sooner
_MOST_AT_ONCE = 200  # orders in one commit, when a clock that was set late ends them all
_SLEWED_MS = 1000
_PRIORITY = 3
_GATEWAY_PRIORITY = 7  # what the gateway wants for itself waits behind what people want


class Given(NamedTuple):
    """ids: of the orders made, one or one for each part of a programme.

    The caller commits the writes of *answer* first; when they are on disk it hands over the downlinks.
    """

    ids: tuple[int, ...]
    answer: Answer


class Receipted(NamedTuple):
    """What a receipt meant. order: the order it ended or None; outcome, detail: as the node said."""

    answer: Answer
    order: KeepOrder | None
    outcome: int
    detail: int | None


class OrderDesk:
    """targets: who is registered. boot: of the gateway. kept: the store's orders, over or not, oldest first.

    next_id: above every id in the store. now_ms: monotonic.
    """

    def __init__(
        self, targets: Targets, boot: int, kept: Iterable[KeepOrder] = (), next_id: int = 1, now_ms: int = 0
    ) -> None:
        self._targets = targets
        self._boot = boot
        self._next_id = next_id
        self._offset_ms: int | None = None
        self._expiry_ms: int | None = None  # the offset by which expiries were last told in monotonic time
        self._under_way = UnderWay(targets)
        self._times: list[tuple[int, int]] = []  # (ms, id), a heap; what is not due any more is skipped
        self.ended: list[KeepOrder] = []  # orders of the gateway itself that are over, for who gave them to take
        self._lately: deque[tuple[int, list[Write]]] = deque(maxlen=_LATELY)  # what receipts had written
        self._lost: list[Write] = []  # what was not, and is written again, from then on
        self._lost_ms = 0
        for order in kept:
            self._load(order, now_ms)

    # Giving.

    def set_clock(self, offset_ms: int | None) -> None:
        """What makes Unix ms of monotonic ms; None: nobody knows, and no order is given."""
        known_ms, self._offset_ms = self._offset_ms, offset_ms
        # A clock that is slewed moves by little and often: the expiry of what is open follows in steps.
        if offset_ms is not None and self._expiry_ms is not None and abs(offset_ms - self._expiry_ms) < _SLEWED_MS:
            return
        if offset_ms == known_ms:
            return
        self._expiry_ms = offset_ms
        for order in self._under_way.all():
            self._set_expiry(order)

    def gps_s(self, now_ms: int) -> int | None:
        """GPS seconds, or None while the time is not known."""
        if self._offset_ms is None:
            return None
        return to_gps(*divmod((now_ms + self._offset_ms) // 1000, DAY_S))

    def give(self, request: OrderRequest, now_ms: int) -> Given:
        """Take an order in. Raises OrderError, with a sentence, for one that cannot be given."""
        gps_s = self.gps_s(now_ms)
        if gps_s is None:
            raise OrderError("the gateway does not know the time yet, and an order must say until when it holds; wait")
        target = target_of(request.target)
        expiry_gps_s = gps_s + request.expires_in_s
        orders = orders_of(request, self._targets, 0, expiry_gps_s)
        under_way = sum(not order.hushed for order in self._under_way.of(target))
        if under_way + len(orders) > MAX_UNDER_WAY:
            raise OrderError(
                f"{under_way} orders to {_shown(request.target)} are under way, at most {MAX_UNDER_WAY} may be; "
                f"wait for their receipts or cancel one"
            )
        if len(self._under_way) + len(orders) > MAX_ORDERS:
            raise OrderError(
                f"{len(self._under_way)} orders are under way, at most {MAX_ORDERS} may be; try again later"
            )
        made = [self._make(request, target, order, gps_s, now_ms) for order in orders]
        for order in made:
            order.series = made[0].kept.id if len(made) > 1 else 0
        return Given(
            tuple(order.kept.id for order in made),
            Answer(
                writes=tuple(order.kept for order in made),
                downlinks=tuple(self._downlink(order) for order in made),
                at_once=True,
            ),
        )

    def cancel(self, order_id: int, now_ms: int) -> tuple[Answer, int | None]:
        """Send an order no more; one that was sent may have been obeyed. Raises OrderError if it is not under way.

        Returns the answer and the ref of the downlink to `Cancel`, if one is under way.
        """
        order = self._under_way.get(order_id)
        if order is None:
            raise OrderError(f"order {order_id} is not under way")
        ref = order.ref
        detail = f"it was sent {order.kept.tries} times before" if order.kept.tries else ""
        return Answer(tuple(self._end(order, states.CANCELLED, detail, now_ms)), at_once=True), ref

    def hush(self, order_id: int) -> int | None:
        """Send an order no more, as another one takes its place; who heard it may still say so until it expires.

        Returns the ref of the downlink to `Cancel`, if one is under way.
        """
        order = self._under_way.get(order_id)
        if order is None:
            return None
        order.hushed = True
        order.next_ms = None
        ref = order.ref
        if ref is not None:
            self._under_way.landed(ref)
        return ref

    def withdraw(self, order_ids: Iterable[int]) -> None:
        """These orders, just given, could not be kept: nothing of them was sent, and nothing is written or told."""
        for order_id in order_ids:
            order = self._under_way.get(order_id)
            if order is not None:
                self._under_way.forget(order)

    def under_way(self) -> int:
        """How many orders are not over."""
        return len(self._under_way)

    # What becomes of them.

    def fate(self, fate: Fate, now_ms: int) -> Answer:
        """What became of a downlink."""
        order = self._under_way.landed(fate.ref)
        if order is None:
            return NOTHING
        if fate.fate is FateOf.IMPOSSIBLE:
            return Answer(tuple(self._end(order, states.FAILED, fate.detail, now_ms)), at_once=True)
        if fate.fate is FateOf.EXPIRED:
            self._wait(order, now_ms)  # its order expires now, or is sent again
            return NOTHING
        order.kept = replace(order.kept, state=states.SENT, tries=order.kept.tries + 1, changed_ms=self._unix(now_ms))
        if not order.arrived:
            self._wait(order, now_ms + _pause_ms(order))
        return Answer((order.kept,))

    def receipt(self, uplink: Uplink) -> Receipted:
        """A payload of FPort 4. Raises ProtocolError for one that cannot be read."""
        receipt = decode_receipt(uplink.payload, decode)
        dev_eui = uplink.registration.dev_eui
        order = self._under_way.heard_by(dev_eui, receipt.order_id)
        if order is None:
            detail = f"a receipt for order {receipt.order_id}, which is over or was never given"
            late = Alarm(name="late_receipt", dev_eui=dev_eui, detail=detail)
            return Receipted(Answer(notes=(late,)), None, receipt.outcome, receipt.detail)
        if isinstance(order.target, int):
            writes = self._answered(order, dev_eui, receipt, uplink.received_ms)
        elif order.series:
            writes = self._part_answered(order, receipt, uplink.received_ms)
        else:
            writes = self._end(order, *verdict(receipt), uplink.received_ms)
        # They go with the uplink, which is as if unheard when its commit fails; all else is tried again by the server.
        self._lately.append((uplink.received_ms, writes))
        return Receipted(Answer(tuple(writes), at_once=True), order.kept, receipt.outcome, receipt.detail)

    def heard(self, dev_eui: bytes, now_ms: int) -> tuple[Downlink, ...]:
        """A class A device listens after this uplink, which brought no receipt for these orders: they go again."""
        orders = self._under_way.of(dev_eui)
        if not orders:
            return ()
        due = [
            order
            for order in orders
            if not (order.class_c or self._is_late(order, now_ms))
            and order.next_ms is not None
            and order.next_ms <= now_ms
        ]
        return tuple(self._downlink(order) for order in due)

    def wake_at(self) -> int | None:
        """When the next order is to be sent again, or expires."""
        if self._lost:
            return self._lost_ms
        return self._times[0][0] if self._times else None

    def wake(self, now_ms: int) -> Answer:
        """Send what is due, end what has expired."""
        writes, self._lost = self._lost, []
        downlinks: list[Downlink] = []
        while self._times and self._times[0][0] <= now_ms and len(writes) + len(downlinks) < _MOST_AT_ONCE:
            order = self._under_way.get(heapq.heappop(self._times)[1])
            if order is None:
                continue
            if order.expires_ms is not None and now_ms >= order.expires_ms + (
                RECEIPT_GRACE_MS if order.kept.tries else 0
            ):
                writes += self._end(order, *unanswered(order), now_ms)
            elif self._may_go(order, now_ms):
                downlinks.append(self._downlink(order))
        return Answer(tuple(writes), downlinks=tuple(downlinks), at_once=bool(writes))

    def commits_failed(self, now_ms: int) -> None:
        """What was written lately may not be on disk; it is written again. A result may be published twice for it."""
        since_ms = now_ms - _LATELY_MS
        self._lost = [write for at_ms, writes in self._lately if at_ms >= since_ms for write in writes]
        changed_since_ms = self._unix(since_ms)
        self._lost += [order.kept for order in self._under_way.all() if order.kept.changed_ms >= changed_since_ms]
        self._lost_ms = now_ms + _AGAIN_MS

    # Within.

    def _make(self, request: OrderRequest, target: Target, order: Order, gps_s: int, now_ms: int) -> OpenOrder:
        order.order_id = self._under_way.free_id(target, gps_s)
        device = None if isinstance(request.target, Group) else request.target.device
        kept = KeepOrder(
            id=self._next_id,
            target_device=device,
            target_group=None if device is not None else int(target) if isinstance(target, int) else None,
            wire_id=order.order_id,
            verb=VERBS[order.verb][0],
            description=order.describe(),
            payload=encode_order(order),
            source=request.source,
            made_ms=self._unix(now_ms),
            expiry_gps_s=order.expiry_gps_s,
            state=states.QUEUED,
            detail="",
            tries=0,
            changed_ms=self._unix(now_ms),
        )
        self._next_id += 1
        return self._enter(kept, request.target, order)

    def _enter(self, kept: KeepOrder, whom: Registration | Group, wire: Order) -> OpenOrder:
        members = whom.members if isinstance(whom, Group) else ()
        class_c = True if isinstance(whom, Group) else whom.class_c
        order = OpenOrder(kept, target_of(whom), class_c, wire, members)
        self._under_way.add(order)
        self._set_expiry(order)
        return order

    def _load(self, kept: KeepOrder, now_ms: int) -> None:
        """Take up an order from before the start: its downlink is gone, so it goes again."""
        whom = self._whom(kept)
        if whom is None:
            return
        if states.is_over(kept.state):
            self._under_way.remember(target_of(whom), kept.wire_id)
            return
        order = self._enter(kept, whom, decode_order(kept.payload))
        if order.wire.verb == LOAD_PROGRAMME and not isinstance(whom, Group):
            order.series = self._series_of(order)
        self._wait(order, now_ms)

    def _series_of(self, order: OpenOrder) -> int:
        version, _, parts, *_ = order.wire.arguments
        for other in self._under_way.of(order.target):
            if other is order or other.wire.verb != LOAD_PROGRAMME or not other.series:
                continue
            if (other.wire.arguments[0], other.wire.arguments[2]) == (version, parts):
                return other.series
        return order.kept.id if parts != 1 else 0

    def _whom(self, kept: KeepOrder) -> Registration | Group | None:
        if kept.target_device is not None:
            return self._targets.device(kept.target_device)
        return None if kept.target_group is None else self._targets.group(kept.target_group)

    def _set_expiry(self, order: OpenOrder) -> None:
        if self._offset_ms is None:
            order.expires_ms = None
            return
        now_gps_s = to_gps(*divmod(self._offset_ms // 1000, DAY_S))  # at monotonic zero
        order.expires_ms = (order.kept.expiry_gps_s - now_gps_s) * 1000 - self._offset_ms % 1000
        heapq.heappush(self._times, (order.expires_ms, order.kept.id))
        heapq.heappush(self._times, (order.expires_ms + RECEIPT_GRACE_MS, order.kept.id))
        if order.next_ms is not None:
            self._wait(order, order.next_ms)

    def _wait(self, order: OpenOrder, until_ms: int) -> None:
        order.next_ms = until_ms
        heapq.heappush(self._times, (until_ms, order.kept.id))

    def _is_late(self, order: OpenOrder, now_ms: int) -> bool:
        return order.expires_ms is None or now_ms >= order.expires_ms

    def _may_go(self, order: OpenOrder, now_ms: int) -> bool:
        """Whether a downlink is to be made of *order* without anything heard."""
        if order.hushed or order.next_ms is None or order.next_ms > now_ms or self._is_late(order, now_ms):
            return False
        if isinstance(order.target, int) and order.kept.tries >= GROUP_SENDS:
            return False
        return order.class_c or order.kept.state == states.QUEUED

    def _downlink(self, order: OpenOrder) -> Downlink:
        assert order.expires_ms is not None  # nothing goes while the time is not known
        order.next_ms = None
        return Downlink(
            ref=self._under_way.take_off(order),
            target=order.target,
            f_port=F_PORT_ORDERS,
            payload=order.kept.payload,
            expires_ms=order.expires_ms,
            priority=_GATEWAY_PRIORITY if order.kept.source == GATEWAY else _PRIORITY,
        )

    def _end(self, order: OpenOrder, state: str, detail: str, now_ms: int) -> list[Write]:
        """Let an order go, and say what became of it."""
        self._under_way.forget(order)
        order.kept = replace(order.kept, state=state, detail=detail, changed_ms=self._unix(now_ms))
        writes: list[Write] = [order.kept]
        if order.kept.source == GATEWAY:
            self.ended.append(order.kept)
        else:
            boot = self._boot if self._offset_ms is None else None
            writes.append(AddRecord(result(order, self._unix(now_ms), boot)))
        return writes

    def _answered(self, order: OpenOrder, dev_eui: bytes, receipt: Receipt, now_ms: int) -> list[Write]:
        """One member of a group has answered."""
        order.answers[dev_eui] = (receipt.outcome, receipt.detail)
        if len(order.answers) < len(order.members):
            order.kept = replace(order.kept, detail=tally(order), changed_ms=self._unix(now_ms))
            return [order.kept]
        return self._end(order, *group_verdict(order), now_ms)

    def _part_answered(self, order: OpenOrder, receipt: Receipt, now_ms: int) -> list[Write]:
        """A node has answered one part of a programme; only all of them together are in force, or refused."""
        parts = [other for other in self._under_way.of(order.target) if other.series == order.series]
        if receipt.outcome != INCOMPLETE:
            writes: list[Write] = []
            for part in parts:
                writes += self._end(part, *verdict(receipt), now_ms)
            return writes
        here = receipt.detail or 0
        writes = []
        for part in parts:
            arrived = bool(here >> int(str(part.wire.arguments[1])) & 1)
            if arrived and not part.arrived:
                part.arrived = True
                part.next_ms = None
            elif part.arrived and not arrived:
                writes.append(self._again(part, now_ms))
        return writes

    def _again(self, part: OpenOrder, now_ms: int) -> KeepOrder:
        """A part that a node has forgotten goes under a new id: under the old one it would be answered, not obeyed."""
        self._under_way.rename(part, self.gps_s(now_ms) or 0)
        part.arrived = False
        part.kept = replace(
            part.kept, wire_id=part.wire.order_id, payload=encode_order(part.wire), state=states.QUEUED, tries=0
        )
        self._wait(part, now_ms)
        return part.kept

    def _unix(self, now_ms: int) -> int:
        """Unix ms, or monotonic ms while the time is not known; only those of a start before the time was known."""
        return now_ms + (self._offset_ms or 0)


def _shown(whom: Registration | Group) -> str:
    return f"group {whom.name or whom.number}" if isinstance(whom, Group) else whom.dev_eui.hex()


def _pause_ms(order: OpenOrder) -> int:
    """How long to wait for a receipt before the order goes again; its tries are counted."""
    tries = order.kept.tries
    if isinstance(order.target, int):
        return _GROUP_PAUSE_MS * tries if order.wire.verb == LOAD_PROGRAMME else _SCENE_PAUSE_MS
    if order.class_c:
        return min(_CLASS_C_PAUSE_MS << min(tries - 1, 10), _MAX_PAUSE_MS)
    # The next uplink should be the receipt: if it is not, one of the two was lost, and the first time it goes at once.
    return 0 if tries == 1 else min(_CLASS_A_PAUSE_MS << min(tries - 2, 10), _MAX_PAUSE_MS)
