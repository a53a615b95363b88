"""The orders that are not over, and under which id each is known on the air.

Ids on the air come from the GPS clock, so that a gateway that was restored from an old backup does not give ids again
that nodes remember: 16 bits of seconds, moved on where one is in use.
"""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from gateway.network.registration import Group, Registration
from gateway.store.writes import KeepOrder
from protocol.orders import Order

from .targets import Targets

_REMEMBERED = 16  # ids on the air lately used for a target; twice what a node remembers

Target = bytes | int  # DevEUI, or number of a group


@dataclass(slots=True)
class OpenOrder:
    """An order that is not over. next_ms: when to send again; None while a downlink is under way or none is wanted."""

    kept: KeepOrder
    target: Target
    class_c: bool
    wire: Order
    members: tuple[bytes, ...] = ()
    series: int = 0  # id of the first part of a programme
    expires_ms: int | None = None  # None while the time is not known
    next_ms: int | None = None
    ref: int | None = None  # of the downlink under way
    hushed: bool = False  # it goes no more, but may be answered
    arrived: bool = False  # a part that the node holds while others are missing
    answers: dict[bytes, tuple[int, int | None]] = field(default_factory=dict)


class UnderWay:
    """All open orders, by what they may be asked for by. targets: who is registered."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._open: dict[int, OpenOrder] = {}
        self._by_target: dict[Target, dict[int, OpenOrder]] = {}  # by the id on the air
        self._groups_of: dict[bytes, list[OpenOrder]] = {}  # group orders by member
        self._by_ref: dict[int, OpenOrder] = {}
        self._recent: dict[Target, deque[int]] = {}
        self._ref = 0

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> Iterable[OpenOrder]:
        """Every one, the oldest first."""
        return self._open.values()

    def get(self, order_id: int) -> OpenOrder | None:
        """The one with this id in the store."""
        return self._open.get(order_id)

    def of(self, target: Target) -> Collection[OpenOrder]:
        """Those to this device or group."""
        orders = self._by_target.get(target)
        return orders.values() if orders else ()

    def heard_by(self, dev_eui: bytes, wire_id: int) -> OpenOrder | None:
        """The one that this device knows under this id: its own, or its group's."""
        order = self._by_target.get(dev_eui, {}).get(wire_id)
        if order is not None:
            return order
        return next((order for order in self._groups_of.get(dev_eui, ()) if order.wire.order_id == wire_id), None)

    def add(self, order: OpenOrder) -> None:
        """Begin with it, under the id on the air that it has."""
        self._open[order.kept.id] = order
        self._by_target.setdefault(order.target, {})[order.wire.order_id] = order
        for member in order.members:
            self._groups_of.setdefault(member, []).append(order)

    def forget(self, order: OpenOrder) -> None:
        """It is over."""
        del self._open[order.kept.id]
        self._leave_the_air(order)
        for member in order.members:
            self._groups_of[member].remove(order)
            if not self._groups_of[member]:
                del self._groups_of[member]

    def rename(self, order: OpenOrder, gps_s: int) -> None:
        """Let it go on under a new id on the air; nothing that comes under the old one is of this order any more."""
        self._leave_the_air(order)
        order.wire.order_id = self.free_id(order.target, gps_s)
        self._by_target.setdefault(order.target, {})[order.wire.order_id] = order

    def take_off(self, order: OpenOrder) -> int:
        """A downlink is made of it; the downlink's ref."""
        self._ref += 1
        order.ref = self._ref
        self._by_ref[self._ref] = order
        return self._ref

    def landed(self, ref: int) -> OpenOrder | None:
        """That downlink is over; the order it was made of, if it still waits for that."""
        order = self._by_ref.pop(ref, None)
        if order is not None:
            order.ref = None
        return order

    def free_id(self, target: Target, gps_s: int) -> int:
        """An id on the air that nobody who hears *target* knows for something else."""
        used: set[int] = set(self._recent.get(target, ()))
        used.update(self._by_target.get(target, ()))
        if isinstance(target, bytes):
            used.update(order.wire.order_id for order in self._groups_of.get(target, ()))
        else:
            group = self._targets.group(target)
            for member in group.members if group else ():
                used.update(self._by_target.get(member, ()))
                used.update(order.wire.order_id for order in self._groups_of.get(member, ()))
        order_id = gps_s & 0xFFFF
        while order_id in used:
            order_id = (order_id + 1) & 0xFFFF
        return order_id

    def remember(self, target: Target, wire_id: int) -> None:
        """That id was used lately."""
        self._recent.setdefault(target, deque(maxlen=_REMEMBERED)).append(wire_id)

    def _leave_the_air(self, order: OpenOrder) -> None:
        del self._by_target[order.target][order.wire.order_id]
        if not self._by_target[order.target]:
            del self._by_target[order.target]
        self.remember(order.target, order.wire.order_id)
        if order.ref is not None:
            self.landed(order.ref)


def target_of(whom: Registration | Group) -> Target:
    """By what orders to it are found."""
    return whom.number if isinstance(whom, Group) else whom.dev_eui
