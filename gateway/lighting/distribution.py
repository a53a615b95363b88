"""How every lamp gets its group's key, the programme it shall run, and settings, until the last one has them.

A group's programme goes to the group first, when most of its lamps are heard, part by part; ten minutes later, when all
receipts are in, what is missing is sent lamp by lamp: only the parts that a lamp lacks, to a few lamps at a time, later
and later to one that does not answer. A lamp that is not heard is not spoken to: it is, as soon as it is heard. After
a join a lamp is asked for one part of what it should have: its answer tells whether it has all. Settings go to each
lamp alone, behind all that.

Everything goes out as orders of the gateway's own, so behind what people want, and inside the duty cycle.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from gateway.network.registration import Group
from gateway.orders.desk import GROUP_SENDS
from gateway.orders.request import GATEWAY, OrderRequest
from protocol.orders import (
    BAD_ARGUMENT,
    CONFIGURE,
    DONE,
    INCOMPLETE,
    JOIN_GROUP,
    LOAD_PROGRAMME,
    MAX_PART_LEN,
    NOT_HERE,
    UNKNOWN_VERB,
    VERBS,
)

from .asking import AT_ONCE, Ask
from .lamps import Key, Lamp
from .plan import LightProgramme

_GROUP_EXPIRES_S = 1800
_EXPIRES_S = 300  # four sends, each later than the one before
_RECEIPTS_MS = 12 * 60_000  # three sends of each part, then receipts spread over ten minutes
_SETTLE_MS = 15 * 60_000  # a street that gets power is heard within ten minutes
_SAYS_MS = 20 * 60_000  # after a boot a lamp tells what no set carries, its programme's version among it
_PAUSE_MS = 10 * 60_000
_MAX_PAUSE_MS = 6 * 3_600_000
_HASTE_MS = 4 * _PAUSE_MS  # up to this pause a lamp that answers is told at once what it still lacks
_JOIN_VERB = VERBS[JOIN_GROUP][0]
_LOAD_VERB = VERBS[LOAD_PROGRAMME][0]
_CONFIGURE_VERB = VERBS[CONFIGURE][0]


@dataclass(slots=True)
class _Try:
    """What was tried on one lamp. orders: ids that are not over; next_ms: not before; refused: it said no, how often.

    Of two settings one may have to be there before the other is taken: after a no another comes first.
    """

    orders: set[int] = field(default_factory=set)
    next_ms: int = 0
    pause_ms: int = _PAUSE_MS
    refused: int = 0


@dataclass(slots=True)
class _Round:
    """A programme on its way to a group. began_ms: of the last send to all, None before; waiting_ms: since when."""

    version: int
    waiting_ms: int
    began_ms: int | None = None


class Distribution:
    """lamps: by DevEUI; groups: by number; programme_of_group: what a group shall run, of those that lighting manages.

    settings: that lamps shall have, by DevEUI and number. All four are the caller's, who changes them.
    """

    def __init__(
        self,
        lamps: Mapping[bytes, Lamp],
        groups: Mapping[int, Group],
        programme_of_group: Mapping[int, LightProgramme],
        settings: Mapping[bytes, Mapping[int, int]],
    ) -> None:
        self._lamps = lamps
        self._groups = groups
        self._programmes = programme_of_group
        self._settings = settings
        self._tries: dict[bytes, _Try] = {}
        self._rounds: dict[int, _Round] = {}
        self._asked: dict[int, Ask] = {}  # by id of the order
        self._free = 0  # how many more lamps may be spoken to one by one, while it looks
        self._next_ms: int | None = None  # when something that was not due will be

    def lacks(self, lamp: Lamp, groups: Iterable[int]) -> bool:
        """Whether a member of these groups lacks the key of one, or its programme, or any lamp a setting."""
        managed = [number for number in groups if number in self._programmes]
        if any(self._lacks_key(lamp, number) or self._lacks_programme(lamp, number) for number in managed):
            return True
        return bool(self.lacks_settings(lamp))

    def lacks_settings(self, lamp: Lamp) -> list[int]:
        """The numbers of the settings that a lamp did not yet confirm as they should be."""
        wanted = self._settings.get(lamp.registration.dev_eui, {})
        return [number for number, value in sorted(wanted.items()) if lamp.lacks_setting(number, value)]

    def look(self, now_ms: int) -> list[Ask]:
        """What is to be sent now."""
        asks: list[Ask] = []
        self._free = AT_ONCE - sum(bool(tried.orders) for tried in self._tries.values())
        self._next_ms = None
        for number, programme in self._programmes.items():
            self._look_at_group(number, programme, now_ms, asks)
        for dev_eui in self._settings:
            lamp = self._lamps[dev_eui]
            lacking = self.lacks_settings(lamp)
            if lacking and lamp.alive(now_ms) and self._may_try(lamp, now_ms):
                asks.append(self._configure(lamp, lacking[self._try(dev_eui).refused % len(lacking)]))
        return asks

    def look_at(self) -> int | None:
        """When `look` has something new to say if nothing is heard; None: not before."""
        return self._next_ms

    def asked(self, ask: Ask, ids: tuple[int, ...], now_ms: int) -> None:
        """The ask became orders with these ids; none: it could not be given now."""
        self._asked.update(dict.fromkeys(ids, ask))
        if ask.group is not None:
            self._rounds[ask.group].began_ms = now_ms
            return
        assert ask.lamp is not None
        tried = self._try(ask.lamp)
        tried.orders.update(ids)
        if ask.request.verb == _CONFIGURE_VERB:
            self._lamps[ask.lamp].sets(ask.about, None)
        tried.next_ms = now_ms + tried.pause_ms
        tried.pause_ms = min(2 * tried.pause_ms, _MAX_PAUSE_MS)

    def answered(self, lamp: Lamp, order_id: int, outcome: int, detail: int | None, now_s: int) -> bool:
        """A lamp answered an order, at Unix time *now_s*; whether it was one of these."""
        ask = self._asked.get(order_id)
        if ask is None:
            return False
        if ask.request.verb == _JOIN_VERB:
            group = self._groups.get(ask.about)
            if outcome == DONE and group is not None:
                place = ask.request.arguments["place"]
                assert isinstance(place, int)
                lamp.keys[ask.about] = Key(place, group.mc_addr)
                lamp.unkept = True
        elif ask.request.verb == _CONFIGURE_VERB:
            value = ask.request.arguments["value"]
            assert isinstance(value, int)
            if outcome == DONE:
                lamp.sets(ask.about, value)
        else:
            self._told(lamp, ask, outcome, detail, now_s)
        if ask.lamp is not None and not self._is_under_way(ask, outcome, detail or 0):
            tried = self._try(ask.lamp)
            tried.orders.discard(order_id)
            tried.refused = 0 if outcome in (DONE, INCOMPLETE) else tried.refused + 1
            if outcome == DONE:
                tried.pause_ms = _PAUSE_MS
            if outcome == DONE or (outcome == INCOMPLETE and tried.pause_ms <= _HASTE_MS):
                tried.next_ms = 0
        return True

    def ended(self, order_id: int) -> bool:
        """An order is over, whatever became of it; whether it was one of these."""
        ask = self._asked.pop(order_id, None)
        if ask is None:
            return False
        if ask.lamp is not None:
            self._try(ask.lamp).orders.discard(order_id)
        return True

    def heard(self, lamp: Lamp, now_ms: int) -> None:
        """A lamp spoke: one that was not tried for a while may be tried again."""
        tried = self._tries.get(lamp.registration.dev_eui)
        was_tried = tried is not None and tried.pause_ms > _PAUSE_MS and not tried.refused
        if tried is not None and was_tried and tried.next_ms > now_ms + _PAUSE_MS:
            tried.next_ms = now_ms + _PAUSE_MS

    def joined(self, lamp: Lamp, now_ms: int) -> None:
        """A lamp joined anew: what it has it says by itself, or is asked for once it had time to."""
        tried = self._try(lamp.registration.dev_eui)
        tried.next_ms, tried.pause_ms, tried.refused = now_ms, _PAUSE_MS, 0
        if lamp.version is not None:
            tried.next_ms = now_ms + _SAYS_MS

    def forget(self, dev_eui: bytes) -> None:
        """A lamp was removed."""
        self._tries.pop(dev_eui, None)

    # Within.

    def _look_at_group(self, number: int, programme: LightProgramme, now_ms: int, asks: list[Ask]) -> None:
        group = self._groups[number]
        members = self._members(number)
        alive = [lamp for lamp in members if lamp.alive(now_ms)]
        asks += [
            self._key(lamp, group) for lamp in alive if self._lacks_key(lamp, number) and self._may_try(lamp, now_ms)
        ]
        lacking = [lamp for lamp in alive if self._lacks_programme(lamp, number)]
        if not lacking:
            self._rounds.pop(number, None)
            return
        round_ = self._rounds.get(number)
        if round_ is None or round_.version != programme.version:
            round_ = self._rounds[number] = _Round(programme.version, now_ms)
        if round_.began_ms is not None and self._later(round_.began_ms + _RECEIPTS_MS, now_ms):
            return
        parts = self._parts_for_all(round_, group, programme, members, lacking, now_ms)
        if parts:
            asks.append(_load(programme, group, parts))
            return
        may_grow = round_.began_ms is None and _lack(members, programme) > GROUP_SENDS
        if may_grow and self._later(round_.waiting_ms + _SETTLE_MS, now_ms):
            return  # others may turn up, with whom the group costs less
        asks += [
            _load(programme, lamp, self._missing_parts(lamp, programme))
            for lamp in lacking
            if not self._lacks_key(lamp, number) and self._may_try(lamp, now_ms)
        ]

    def _members(self, number: int) -> list[Lamp]:
        return [self._lamps[member] for member in self._groups[number].members if member in self._lamps]

    def _lacks_key(self, lamp: Lamp, number: int) -> bool:
        group = self._groups[number]
        can = lamp.registration.gen_app_key is not None and lamp.free_place(number) is not None
        return can and not lamp.has_key(group)

    def _lacks_programme(self, lamp: Lamp, number: int) -> bool:
        version = self._programmes[number].version
        return (lamp.version != version or not lamp.sure) and lamp.refused != version

    def _parts_for_all(
        self,
        round_: _Round,
        group: Group,
        programme: LightProgramme,
        members: list[Lamp],
        lacking: list[Lamp],
        now_ms: int,
    ) -> int:
        """Bits of the parts to send to the group, where that costs less than to each who lacks some; 0: it does not.

        It waits until most can hear it, or have had time to turn up.
        """
        missing = [
            self._missing_parts(lamp, programme)
            for lamp in lacking
            if lamp.has_key(group) and (lamp.version != programme.version or self._is_due(lamp, now_ms))
        ]
        parts = reduce(or_, missing, 0)
        alone, together = sum(bits.bit_count() for bits in missing), parts.bit_count() * GROUP_SENDS
        if round_.began_ms is not None:  # it was sent to all before; if so many lack it, they had no power then
            return parts if alone > 2 * together else 0
        most = 5 * len(missing) >= 4 * _lack(members, programme)
        if alone <= together or (not most and self._later(round_.waiting_ms + _SETTLE_MS, now_ms)):
            return 0
        return parts

    def _later(self, at_ms: int, now_ms: int) -> bool:
        """Whether *at_ms* is still to come; then it is looked at again at that time."""
        if at_ms <= now_ms:
            return False
        self._next_ms = at_ms if self._next_ms is None else min(self._next_ms, at_ms)
        return True

    def _may_try(self, lamp: Lamp, now_ms: int) -> bool:
        if self._free <= 0 or not self._is_due(lamp, now_ms):
            return False
        self._free -= 1
        return True

    def _is_due(self, lamp: Lamp, now_ms: int) -> bool:
        tried = self._try(lamp.registration.dev_eui)
        return not (tried.orders or self._later(tried.next_ms, now_ms))

    def _is_under_way(self, ask: Ask, outcome: int, have: int) -> bool:
        """Whether more answers to what was asked are to come: parts of it have not arrived."""
        parts = ask.request.arguments.get("parts")
        return outcome == INCOMPLETE and isinstance(parts, int) and bool(parts & ~have)

    def _try(self, dev_eui: bytes) -> _Try:
        return self._tries.setdefault(dev_eui, _Try())

    def _key(self, lamp: Lamp, group: Group) -> Ask:
        arguments = {"group": group.number, "place": lamp.free_place(group.number)}
        request = OrderRequest(
            target=lamp.registration,
            verb=_JOIN_VERB,
            arguments=arguments,
            expires_in_s=_EXPIRES_S,
            source=GATEWAY,
        )
        return Ask(request=request, about=group.number)

    def _configure(self, lamp: Lamp, number: int) -> Ask:
        request = OrderRequest(
            target=lamp.registration,
            verb=_CONFIGURE_VERB,
            arguments={"setting": number, "value": self._settings[lamp.registration.dev_eui][number]},
            expires_in_s=_EXPIRES_S,
            source=GATEWAY,
        )
        return Ask(request=request, about=number)

    def _missing_parts(self, lamp: Lamp, programme: LightProgramme) -> int:
        """Bits of the parts to send: those that are missing, or one that shows whether all are there."""
        every = (1 << parts_of(programme)) - 1
        if lamp.version == programme.version:
            return 1
        have = lamp.have if lamp.have_version == programme.version else 0
        return every & ~have or 1

    def _told(self, lamp: Lamp, ask: Ask, outcome: int, detail: int | None, now_s: int) -> None:
        """What an answer to a part of a programme says of the lamp."""
        version = ask.about
        if outcome == DONE:
            lamp.stores(version, now_s)
        elif outcome == INCOMPLETE:
            if lamp.version == version and not lamp.sure:
                lamp.stores(None, now_s)  # it is another node, or has lost its memory
                lamp.forgets()
            # Receipts to a group come in any order, so what was there once counts; a lamp's own says what is there now.
            before = lamp.have if lamp.have_version == version and ask.group is not None else 0
            lamp.have, lamp.have_version = (detail or 0) | before, version
        elif outcome in (BAD_ARGUMENT, NOT_HERE, UNKNOWN_VERB):
            lamp.refused = version
            lamp.unkept = True


def parts_of(programme: LightProgramme) -> int:
    """In how many orders a programme travels."""
    return (len(programme.nights.encode()) + MAX_PART_LEN - 1) // MAX_PART_LEN


def _lack(lamps: list[Lamp], programme: LightProgramme) -> int:
    """How many have another programme, or none."""
    return sum(lamp.version != programme.version for lamp in lamps)


def _load(programme: LightProgramme, target: Lamp | Group, parts: int) -> Ask:
    encoded = programme.nights.encode()
    arguments: dict[str, object] = {"version": programme.version, "programme": encoded, "parts": parts}
    request = OrderRequest(
        target=target if isinstance(target, Group) else target.registration,
        verb=_LOAD_VERB,
        arguments=arguments,
        expires_in_s=_GROUP_EXPIRES_S if isinstance(target, Group) else _EXPIRES_S,
        source=GATEWAY,
    )
    return Ask(request=request, about=programme.version)
