"""Now: what holds lamps beside their programmes reaches them by orders, and who did not follow is found and told again.

The door says what orders should make of each group and each lamp; whatever differs from what was told is told. A group
is told by one multicast order, sent three times within seconds; whoever has not said within ten minutes that it obeyed,
or reads otherwise, is told alone. Levels end by themselves in the lamp, at the end that the order names: what nobody
renews is gone by morning. Nothing of this outlives a start but the overrides themselves: then the group is told anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.network.registration import Group, Registration
from gateway.orders.request import GATEWAY, GROUP_MAX_S, OrderRequest
from protocol.orders import DONE, EXPIRED
from protocol.quantities import LAMP_OVERRIDDEN, LAMP_TOO_HOT

from .asking import AT_ONCE, Ask
from .door import Door
from .lamps import Lamp
from .plan import SITE, LightGroup, Override, Rule, Setpoint, Target

RECEIPTS_MS = 10 * 60_000 + 20_000  # in which the receipts of a group come in
_GROUP_EXPIRES_S = 120  # three sends take seconds; what waits longer for airtime is told anew
_EXPIRES_S = 180
_AFTER_GROUP_MS = 15_000  # a lamp that the group's order was not for is set right then
_PAUSE_MS = (_EXPIRES_S + 5) * 1000
_MAX_PAUSE_MS = 30 * 60_000
_REPORT_MS = 15 * 60_000  # in which every lamp should have said that it follows
_READ_S = 60  # a reading that was taken so long after an order shows what became of it
_LONGEST_S = 86_400  # hold_s of an order to one lamp
_OVERLAP_S = 30  # of an event's steps: or the programme would show through between two of them
_SHORTEST_S = 30  # what ends sooner is not worth a frame


class Wish(NamedTuple):
    """What orders should make of lamps. level_pct None: their programme."""

    level_pct: int | None
    until_s: int
    fade_s: int
    rule: Rule
    detail: str


class Report(NamedTuple):
    """How far a group or a lamp follows what it was told. missing: the lamps that did not say so in time.

    refused: of these, who will not, and with which outcome.
    """

    target: Target
    wish: Wish
    lamps: int
    missing: tuple[bytes, ...]
    refused: tuple[tuple[bytes, int], ...]


@dataclass(slots=True, kw_only=True)
class _Call:
    """What one lamp was last told, or is to be. orders: ids that said so; done: it obeys; refused: it will not.

    next_ms: when to tell it alone, unless it is done by then.
    """

    wish: Wish
    since_s: int
    next_ms: int
    orders: set[int] = field(default_factory=set)
    open: int | None = None  # the order to it alone that is under way
    done: bool = False
    refused: int | None = None
    pause_ms: int = _PAUSE_MS


class Scenes:
    """lamps: by DevEUI; groups: by number, as multicast has them and as lighting does. All are the caller's."""

    def __init__(
        self,
        door: Door,
        lamps: Mapping[bytes, Lamp],
        groups: Mapping[int, Group],
        light_groups: Mapping[int, LightGroup],
    ) -> None:
        self._door = door
        self._lamps = lamps
        self._groups = groups
        self._light_groups = light_groups
        self._told: dict[int, Wish] = {}  # by group
        self._calls: dict[bytes, _Call] = {}
        self._asked: dict[int, Ask] = {}  # by id of the order
        self._open: dict[int, int] = {}  # the last order to each group
        self._superseded: list[int] = []
        self._due: dict[Target, tuple[Wish, int]] = {}  # what is to be reported of whom, and when at the latest
        self._reports: list[Report] = []
        self._next_ms: int | None = None

    def confirmed(self, dev_eui: bytes) -> bool | None:
        """Whether a lamp is known to follow what it was told; None: it was told nothing that still holds."""
        call = self._calls.get(dev_eui)
        return None if call is None else call.done

    def refused(self, dev_eui: bytes) -> int | None:
        """With which outcome a lamp refused what it was told; None: it did not."""
        call = self._calls.get(dev_eui)
        return None if call is None else call.refused

    def look(self, now_ms: int, now_s: int) -> list[Ask]:
        """What is to be told now, at Unix time *now_s*."""
        self._next_ms = None
        self._let_go(now_s)
        asks: list[Ask] = []
        for light_group in self._light_groups.values():
            self._look_at_group(light_group, now_ms, now_s, asks)
        for dev_eui in [target for target in self._door.overrides if isinstance(target, bytes)]:
            self._look_at_lamp(dev_eui, now_ms, now_s)
        self._call(now_ms, now_s, asks)
        self._report(now_ms)
        return asks

    def look_at(self) -> int | None:
        """When `look` has something new to say if nothing happens; None: not before."""
        return self._next_ms

    def took(self, override: Override) -> None:
        """Somebody tells lamps so by an order of his own: what was told before is over, and nothing is to be told."""
        wish = Wish(override.level_pct, override.until_s, override.fade_s, Rule.MANUAL, override.source)
        if isinstance(override.target, bytes):
            self._supersede(override.target)
            self._calls[override.target] = _Call(wish=wish, since_s=override.since_s, next_ms=0, done=True)
            return
        self._told[override.target] = wish
        if override.target in self._open:
            self._superseded.append(self._open.pop(override.target))
        for member in self._light_groups[override.target].members:
            self._supersede(member)
            self._calls.pop(member, None)

    def reports(self) -> list[Report]:
        """What became of what people wanted of groups and lamps; each is told once."""
        reports, self._reports = self._reports, []
        return reports

    def superseded(self) -> list[int]:
        """Ids of orders that say what is not wanted any more: a repeat of one would undo what came after it."""
        superseded, self._superseded = self._superseded, []
        return superseded

    def asked(self, ask: Ask, ids: tuple[int, ...]) -> None:
        """The ask became the order with this id; none: it could not be given now."""
        for order_id in ids:
            self._asked[order_id] = ask
        if ask.group is not None:
            if not ids:
                self._told.pop(ask.group, None)
            else:
                self._open[ask.group] = ids[0]
            for member in self._groups[ask.group].members:
                if member in self._calls:
                    self._calls[member].orders.update(ids)
        elif ask.lamp is not None and ask.lamp in self._calls:
            call = self._calls[ask.lamp]
            call.orders.update(ids)
            call.open = ids[0] if ids else None

    def answered(self, lamp: Lamp, order_id: int, outcome: int) -> bool:
        """A lamp answered an order; whether it was one of these."""
        ask = self._asked.get(order_id)
        if ask is None:
            return False
        call = self._calls.get(lamp.registration.dev_eui)
        if call is None or order_id not in call.orders:
            return True  # it was told something else since
        if call.open == order_id:
            call.open = None
        if outcome == DONE:
            call.done = True
        elif outcome != EXPIRED:
            call.refused = outcome
        return True

    def ended(self, order_id: int) -> bool:
        """An order is over, whatever became of it; whether it was one of these."""
        ask = self._asked.pop(order_id, None)
        if ask is not None and ask.group is not None and self._open.get(ask.group) == order_id:
            del self._open[ask.group]
        if ask is not None and ask.lamp is not None:
            call = self._calls.get(ask.lamp)
            if call is not None and call.open == order_id:
                call.open = None
        return ask is not None

    def read(self, lamp: Lamp, now_ms: int) -> bool:
        """A lamp told its level; whether it must be told again what it should do."""
        call = self._calls.get(lamp.registration.dev_eui)
        if call is None or lamp.level_pct is None or lamp.status is None or lamp.told_s < call.since_s + _READ_S:
            return False
        held = bool(lamp.status & LAMP_OVERRIDDEN)
        if call.wish.level_pct is None:
            follows = not held
        else:
            follows = held and (lamp.level_pct == call.wish.level_pct or bool(lamp.status & LAMP_TOO_HOT))
        call.done = follows
        if not follows and call.open is None:
            call.next_ms = min(call.next_ms, now_ms)
        return not follows

    def forget(self, dev_eui: bytes) -> None:
        """A lamp was removed."""
        self._calls.pop(dev_eui, None)

    # Within.

    def _let_go(self, now_s: int) -> None:
        """What has ended in the lamps is nothing to tell any more."""
        self._told = {number: wish for number, wish in self._told.items() if wish.until_s > now_s}
        self._calls = {dev_eui: call for dev_eui, call in self._calls.items() if call.wish.until_s > now_s}

    def _look_at_group(self, light_group: LightGroup, now_ms: int, now_s: int, asks: list[Ask]) -> None:
        group = self._groups[light_group.number]
        setpoint = self._door.ordered_in_group(light_group, now_s)
        self._at(setpoint, now_ms, now_s)
        told = self._told.get(group.number)
        wish = _wish(setpoint, told or self._ended((group.number, SITE), now_s), now_s, GROUP_MAX_S)
        if wish is None or (told is not None and _same(told, wish, now_s)):
            return
        self._told[group.number] = wish
        asks.append(_ask(group, wish, now_s, _GROUP_EXPIRES_S))
        self._due.pop(group.number, None)
        if wish.rule is Rule.MANUAL:
            self._due[group.number] = wish, now_ms + _REPORT_MS
        if group.number in self._open:
            self._superseded.append(self._open.pop(group.number))
        for member in light_group.members:
            lamp = self._lamps[member]
            self._supersede(member)
            wait_ms = RECEIPTS_MS if lamp.has_key(group) or not lamp.keys else _AFTER_GROUP_MS
            call = self._calls[member] = _Call(wish=wish, since_s=now_s, next_ms=now_ms + wait_ms)
            own = self._wish_of(member, now_s)
            if own is not None and (own.level_pct, own.rule) != (wish.level_pct, wish.rule):
                call.wish = own
                call.next_ms = now_ms + _AFTER_GROUP_MS

    def _look_at_lamp(self, dev_eui: bytes, now_ms: int, now_s: int) -> None:
        """A lamp that somebody holds alone, or held."""
        wish = self._wish_of(dev_eui, now_s)
        call = self._calls.get(dev_eui)
        if dev_eui not in self._lamps or wish is None or (call is not None and _same(call.wish, wish, now_s)):
            return
        self._supersede(dev_eui)
        self._calls[dev_eui] = _Call(wish=wish, since_s=now_s, next_ms=now_ms)
        self._due.pop(dev_eui, None)
        if wish.rule is Rule.MANUAL:
            self._due[dev_eui] = wish, now_ms + _REPORT_MS

    def _supersede(self, dev_eui: bytes) -> None:
        call = self._calls.get(dev_eui)
        if call is not None and call.open is not None:
            self._superseded.append(call.open)

    def _wish_of(self, dev_eui: bytes, now_s: int) -> Wish | None:
        call = self._calls.get(dev_eui)
        told = call.wish if call else self._ended((dev_eui,), now_s)
        return _wish(self._door.ordered(dev_eui, now_s), told, now_s, _LONGEST_S)

    def _ended(self, targets: Iterable[Target], now_s: int) -> Wish | None:
        """What lamps may hold still: somebody ended it, and a start came before all of them were known to know."""
        found = [self._door.overrides[target] for target in targets if target in self._door.overrides]
        ended = [override for override in found if override.level_pct is None and override.until_s > now_s]
        newest = max(ended, key=lambda override: override.since_s, default=None)
        return None if newest is None else Wish(0, newest.until_s, 0, Rule.MANUAL, "")

    def _call(self, now_ms: int, now_s: int, asks: list[Ask]) -> None:
        """Tell those alone who are due, some at a time."""
        free = AT_ONCE - sum(call.open is not None and call.next_ms > now_ms for call in self._calls.values())
        for dev_eui, call in self._calls.items():
            if call.done or call.refused is not None:
                continue
            if call.next_ms > now_ms:
                self._sooner(call.next_ms)
                continue
            lamp = self._lamps.get(dev_eui)
            if lamp is None or (not lamp.alive(now_ms) and call.pause_ms > _PAUSE_MS):
                continue  # it is told when it is heard
            if free <= 0:
                continue  # there is room when one of those under way has answered
            free -= 1
            self._supersede(dev_eui)  # its time is over; only a late receipt could come
            call.next_ms = now_ms + call.pause_ms
            call.pause_ms = min(2 * call.pause_ms, _MAX_PAUSE_MS)
            asks.append(_ask(lamp.registration, call.wish, now_s, _EXPIRES_S))

    def _report(self, now_ms: int) -> None:
        """Say of groups and lamps that follow, or had time to, how many do."""
        for target, (wish, latest_ms) in list(self._due.items()):
            group = None if isinstance(target, bytes) else self._light_groups.get(target)
            members = (target,) if isinstance(target, bytes) else () if group is None else group.members
            calls = {member: self._calls[member] for member in members if member in self._calls}
            missing = tuple(member for member, call in calls.items() if call.wish == wish and not call.done)
            if missing and now_ms < latest_ms:
                self._sooner(latest_ms)
                continue
            del self._due[target]
            outcomes = {member: calls[member].refused for member in missing}
            refused = tuple((member, outcome) for member, outcome in outcomes.items() if outcome is not None)
            self._reports.append(Report(target, wish, len(members), missing, refused))

    def _at(self, setpoint: Setpoint | None, now_ms: int, now_s: int) -> None:
        """Look again when what holds ends."""
        if setpoint is not None and setpoint.until_s is not None:
            self._sooner(now_ms + max(setpoint.until_s - now_s, 1) * 1000)

    def _sooner(self, at_ms: int) -> None:
        self._next_ms = at_ms if self._next_ms is None else min(self._next_ms, at_ms)


def _wish(setpoint: Setpoint | None, told: Wish | None, now_s: int, longest_s: int) -> Wish | None:
    """What is to be told; None: nothing, as nothing holds and nothing was told that lasts."""
    if setpoint is None:
        if told is None or told.level_pct is None or told.until_s <= now_s + _SHORTEST_S:
            return None
        return Wish(None, told.until_s, 0, Rule.PROGRAMME, "")
    until_s = min(setpoint.until_s or now_s + longest_s, now_s + longest_s)
    if until_s <= now_s + _SHORTEST_S:
        return None
    return Wish(setpoint.level_pct, until_s, setpoint.fade_s, setpoint.rule, setpoint.detail)


def _same(told: Wish, wish: Wish, now_s: int) -> bool:
    """Whether what was told will do: the same level, for as long; what is prolonged again and again, half as long."""
    if told.level_pct != wish.level_pct:
        return False
    if told.level_pct is None or told.until_s >= wish.until_s:
        return True
    if wish.rule in (Rule.PRESENCE, Rule.LUX):
        return 2 * (told.until_s - now_s) >= wish.until_s - now_s
    return False


def _ask(target: Group | Registration, wish: Wish, now_s: int, expires_in_s: int) -> Ask:
    if wish.level_pct is None:
        verb, arguments = "resume_programme", {}
    else:
        verb = "set_level"
        overlap_s = _OVERLAP_S if wish.rule is Rule.EVENT else 0
        hold_s = wish.until_s - now_s + overlap_s
        arguments = {"level_pct": wish.level_pct, "fade_s": wish.fade_s, "hold_s": hold_s}
    request = OrderRequest(target=target, verb=verb, arguments=arguments, expires_in_s=expires_in_s, source=GATEWAY)
    return Ask(request=request)
