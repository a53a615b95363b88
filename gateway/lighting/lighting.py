"""Lighting as the gateway runs it: one core that hears lamps, knows the plan, and says which orders must be given.

It owns what is known of lamps and what the town plans. It gives no orders itself: whoever runs it takes `look`'s asks,
has them given, and tells what came of them. Times are ms of the monotonic clock; the offset makes Unix time of them,
and while nobody knows it nothing is asked.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.network.application import Uplink
from gateway.network.registration import Group, Registration, Role
from gateway.orders.request import OrderRequest
from gateway.readings import content
from gateway.readings.record import Kind, Record
from gateway.store.writes import KeepLamp
from protocol.dimming import Site
from protocol.events import BAY_TAKEN, MOTION_SEEN
from protocol.orders import RESUME_PROGRAMME, SET_LEVEL, VERBS
from protocol.quantities import ILLUMINANCE, LAMP_STATUS, LAMP_TOO_HOT, LEVEL, PROGRAMME_VERSION

from .asking import Ask
from .distribution import Distribution
from .door import Door
from .holding import Holding
from .lamps import Lamp, lamp_from_text
from .plan import SITE, Boost, LightGroup, LightProgramme, Override, Rule, Setpoint, Target
from .scenes import Scenes
from .tuning import settings_of
from .watching import Source, Watching

DEFAULT_HOLD_S = 7200  # of a level that does not say for how long (firmware/roles/obeying.py)
_SET_VERB = VERBS[SET_LEVEL][0]
_RESUME_VERB = VERBS[RESUME_PROGRAMME][0]
_SOON_MS = 1_000  # a street that is heard at once is one look
_NEVER = 1 << 62


class Plan(NamedTuple):
    """What the store has: every version of every programme, the newest last, and what each group runs, by name."""

    programmes: tuple[LightProgramme, ...] = ()
    assigned: Mapping[int, str] = {}


class State(NamedTuple):
    """What the store has of lighting: the plan, each lamp's text, the overrides that last, oldest first, the almanac.

    site: None while nobody has worked it out: then no lamp's programme can be told, and full light is expected.
    """

    plan: Plan = Plan()
    lamps: Mapping[bytes, str] = {}
    overrides: tuple[Override, ...] = ()
    site: Site | None = None


NOTHING_PLANNED = State()


class Lighting:
    """devices, groups: all that are registered. state: as the store has it."""

    def __init__(
        self,
        devices: Iterable[Registration] = (),
        groups: Iterable[Group] = (),
        state: State = NOTHING_PLANNED,
    ) -> None:
        self.lamps: dict[bytes, Lamp] = {}
        self._offset_ms: int | None = None
        self._look_ms = _NEVER
        self._groups: dict[int, Group] = {}
        self._groups_of: dict[bytes, list[int]] = {}
        self._assigned: dict[int, str] = {}
        self._by_name: dict[str, LightProgramme] = {}  # the newest of each
        self._by_version: dict[int, LightProgramme] = {}
        self._running: dict[int, LightProgramme] = {}  # by group
        self._light_groups: dict[int, LightGroup] = {}
        self._places: Mapping[str, Source] = {}
        self._stale = True  # what follows from groups and plan is to be worked out anew
        self.door = Door(self, self._by_name, state.site)
        self._settings: dict[bytes, dict[int, int]] = {}  # that lamps should have
        self.distribution = Distribution(self.lamps, self._groups, self._running, self._settings)
        self.scenes = Scenes(self.door, self.lamps, self._groups, self._light_groups)
        self.holding = Holding(self.door.overrides, self.members, self.scenes.confirmed)
        self._watching = Watching()
        for device in devices:
            self.set_device(device, state.lamps.get(device.dev_eui))
        for group in groups:
            self._groups[group.number] = group
        self.set_plan(state.plan)
        for override in state.overrides:
            self.door.overrides[override.target] = override

    # As the door asks.

    def groups_of(self, lamp: bytes) -> list[LightGroup]:
        """The groups that a lamp is a member of."""
        self._plan_again()
        return [self._light_groups[number] for number in self._groups_of.get(lamp, ())]

    def programme_of(self, lamp: bytes) -> LightProgramme | None:
        """What a lamp is known to store."""
        known = self.lamps.get(lamp)
        return None if known is None or known.version is None else self._by_version.get(known.version)

    def limit_pct(self, lamp: bytes) -> int | None:
        """The level that a lamp last told when it was too hot for more."""
        known = self.lamps.get(lamp)
        if known is None or known.status is None or not known.status & LAMP_TOO_HOT:
            return None
        return known.level_pct

    # As everybody else asks.

    def expected(self, lamp: bytes, at_s: int) -> Setpoint:
        """What a lamp should do at Unix time *at_s*; see `Door.expected`."""
        return self.door.expected(lamp, at_s)

    def light_groups(self) -> Iterable[LightGroup]:
        """All groups with lamps in them."""
        self._plan_again()
        return self._light_groups.values()

    def programme_named(self, name: str) -> LightProgramme | None:
        """The newest version of a programme."""
        return self._by_name.get(name)

    def wanted(self, lamp: bytes) -> LightProgramme | None:
        """What a lamp shall run; None: lighting does not say."""
        self._plan_again()
        return next((self._running[group] for group in self._groups_of.get(lamp, ()) if group in self._running), None)

    def members(self, target: Target) -> list[bytes]:
        """The lamps that a target means; none for one that is not there."""
        if isinstance(target, bytes):
            return [target] if target in self.lamps else []
        if target == SITE:
            return list(self.lamps)
        group = self._groups.get(target)
        return [] if group is None else [member for member in group.members if member in self.lamps]

    # What changes.

    def set_clock(self, offset_ms: int | None) -> None:
        """Unix ms is monotonic ms and that; None: nobody knows."""
        if self._offset_ms is None and offset_ms is not None:
            self._at_once()
        self._offset_ms = offset_ms

    def set_site(self, site: Site) -> None:
        """The almanac was worked out."""
        self.door.site = site
        self._at_once()

    def set_device(self, registration: Registration, text: str | None = None) -> None:
        """A device was registered or changed. text: what the store has of a lamp."""
        if registration.role is not Role.LIGHT:
            return
        known = self.lamps.get(registration.dev_eui)
        if known is None:
            self.lamps[registration.dev_eui] = lamp_from_text(registration, text)
        else:
            known.registration = registration
        self._stale = True
        self._at_once()

    def drop_device(self, dev_eui: bytes) -> None:
        """A device was removed."""
        if self.lamps.pop(dev_eui, None) is not None:
            self._stale = True
            self.distribution.forget(dev_eui)
            self.scenes.forget(dev_eui)

    def set_group(self, group: Group) -> None:
        """A multicast group was made or changed."""
        self._groups[group.number] = group
        self._stale = True
        self._at_once()

    def set_plan(self, plan: Plan) -> None:
        """The town plans otherwise."""
        self._by_name.clear()
        self._by_version.clear()
        for programme in plan.programmes:
            self._by_name[programme.name] = programme
            self._by_version[programme.version] = programme
        self._assigned = dict(plan.assigned)
        self._stale = True
        self._at_once()

    def set_places(self, places: Mapping[str, Source]) -> None:
        """What hangs where now, by the place's id."""
        self._places = places
        self._stale = True

    def override(self, override: Override) -> None:
        """Somebody holds a level, or ends what he held; it is on disk."""
        self.holding.take(override, override.since_s)
        self.door.overrides[override.target] = override
        self._at_once()

    def ordered(self, request: OrderRequest, order_id: int, now_ms: int) -> None:
        """Somebody gave lamps a level past `override`, by an order of his own: it holds like one, while this runs."""
        if request.verb not in (_SET_VERB, _RESUME_VERB):
            return
        self._plan_again()
        group = isinstance(request.target, Group)
        target: Target = request.target.number if isinstance(request.target, Group) else request.target.dev_eui
        now_s, arguments = self._unix_s(now_ms), request.arguments
        level_pct, until_s = None, now_s
        if request.verb == _SET_VERB:
            level_pct = int(str(arguments["level_pct"]))
            until_s += int(str(arguments.get("hold_s") or DEFAULT_HOLD_S))
        elif target in self.door.overrides:
            until_s = self.door.overrides[target].until_s
        if group:
            until_s = min(until_s, self.door.next_sunrise_s(now_s) or until_s)
        override = Override(
            id=order_id,
            target=target,
            level_pct=level_pct,
            fade_s=int(str(arguments.get("fade_s") or 0)),
            since_s=now_s,
            until_s=until_s,
            source=request.source,
        )
        if self.members(target):
            self.holding.take(override, now_s)
            self.door.overrides[target] = override
            self.scenes.took(override)
            self._soon(now_ms)

    def hear(self, uplink: Uplink, records: Iterable[Record], now_ms: int) -> list[KeepLamp]:
        """An uplink with the new records in it; what is to be kept of the lamp that sent it."""
        self._plan_again()
        dev_eui = uplink.registration.dev_eui
        lamp = self.lamps.get(dev_eui)
        if lamp is not None:
            self._heard(lamp, uplink, now_ms)
        for record in records:
            self._take(dev_eui, lamp, record, now_ms)
        return self._to_keep(lamp)

    def cares_for(self, dev_eui: bytes) -> bool:
        """Whether what this device tells is to be heard, though it is no lamp."""
        self._plan_again()
        return self._watching.cares_for(dev_eui)

    def answered(self, dev_eui: bytes, order_id: int, outcome: int, detail: int | None, now_ms: int) -> list[KeepLamp]:
        """A lamp answered an order; what is to be kept of it."""
        lamp = self.lamps.get(dev_eui)
        if lamp is None:
            return []
        now_s = self._unix_s(now_ms)
        if self.scenes.answered(lamp, order_id, outcome) or self.distribution.answered(
            lamp, order_id, outcome, detail, now_s
        ):
            self._soon(now_ms)
        return self._to_keep(lamp)

    def commits_failed(self) -> None:
        """What was to be kept lately may not be on disk: of each lamp it is kept again when it speaks."""
        for lamp in self.lamps.values():
            lamp.unkept = lamp.unkept or lamp.session >= 0

    def ended(self, order_id: int, now_ms: int) -> None:
        """An order of the gateway's own is over."""
        if self.scenes.ended(order_id) or self.distribution.ended(order_id):
            self._soon(now_ms)

    def asked(self, ask: Ask, ids: tuple[int, ...], now_ms: int) -> None:
        """An ask became orders with these ids; none: it could not be given now."""
        if ask.request.verb in (_SET_VERB, _RESUME_VERB):
            self.scenes.asked(ask, ids)
        elif ids:
            self.distribution.asked(ask, ids, now_ms)
        if not ids:
            self._look_ms = min(self._look_ms, now_ms + 60 * _SOON_MS)

    def wake_at(self) -> int | None:
        """When `look` wants to be asked."""
        return None if self._offset_ms is None or self._look_ms == _NEVER else self._look_ms

    def rest(self, now_ms: int) -> None:
        """It could not look: not again for a minute."""
        self._look_ms = now_ms + 60 * _SOON_MS

    def look(self, now_ms: int) -> list[Ask]:
        """The orders that must be given now."""
        if self._offset_ms is None or now_ms < self._look_ms:
            return []
        self._plan_again()
        now_s = (now_ms + self._offset_ms) // 1000
        ends_s = self.holding.look(now_s)
        asks = self.scenes.look(now_ms, now_s) + self.distribution.look(now_ms)
        times = [at_ms for at_ms in (self.scenes.look_at(), self.distribution.look_at()) if at_ms is not None]
        if ends_s is not None:
            times.append(ends_s * 1000 - self._offset_ms)
        boosted = any(boost.until_s > now_s for boost in self.door.boosts.values())
        if boosted or any(programme.events for programme in self._running.values()):
            times.append(now_ms + 60 * _SOON_MS)  # an event's begin, a step below a boost: seen to the minute
        self._look_ms = max(min(times, default=_NEVER), now_ms + self._pause_ms())
        return asks

    # Within.

    def _plan_again(self) -> None:
        if not self._stale:
            return
        self._stale = False
        self._groups_of.clear()
        self._light_groups.clear()
        self._running.clear()
        for number, group in self._groups.items():
            members = tuple(member for member in group.members if member in self.lamps)
            if not members:
                continue
            name = self._assigned.get(number, "")
            self._light_groups[number] = LightGroup(number=number, name=group.name, members=members, programme=name)
            if name in self._by_name:
                self._running[number] = self._by_name[name]
            for member in members:
                self._groups_of.setdefault(member, []).append(number)
        running = [(self._light_groups[number], programme) for number, programme in self._running.items()]
        unread = [
            group for number, group in self._light_groups.items() if group.programme and number not in self._running
        ]
        self._watching.plan(running, self._places)
        self._settings.clear()
        self._settings.update(settings_of(running, self._places, self.lamps, unread))

    def _heard(self, lamp: Lamp, uplink: Uplink, now_ms: int) -> None:
        lamp.heard_ms = now_ms
        dev_eui = lamp.registration.dev_eui
        if self.distribution.lacks(lamp, self._groups_of.get(dev_eui, ())):
            self.distribution.heard(lamp, now_ms)
            self._soon(now_ms)
        if self.scenes.confirmed(dev_eui) is False:
            self._soon(now_ms)
        if uplink.session != lamp.session:
            lamp.sure = lamp.version is None  # else it is asked whether it still has what it had
            lamp.session = uplink.session
            lamp.unkept = True
            self.distribution.joined(lamp, now_ms)
            self._soon(now_ms)

    def _take(self, dev_eui: bytes, lamp: Lamp | None, record: Record, now_ms: int) -> None:
        if record.boot is not None or record.observed_ms is None or self._offset_ms is None:
            return
        at_s = record.observed_ms // 1000
        if record.kind is Kind.EVENT:
            event, *details = content.event_of(record.content)
            if event == MOTION_SEEN or (event == BAY_TAKEN and details):
                bay = details[0] if event == BAY_TAKEN else 0
                self._boost(self._watching.arrived((dev_eui, bay), at_s), now_ms)
        elif record.kind is Kind.READING:
            values = dict(content.values_of(record.content))
            if lamp is not None and values.get((LEVEL, 0)) is not None and at_s >= lamp.told_s:
                lamp.told_s, lamp.level_pct, lamp.status = at_s, values[LEVEL, 0], values.get((LAMP_STATUS, 0))
                if self.scenes.read(lamp, now_ms):
                    self._soon(now_ms)
            version = values.get((PROGRAMME_VERSION, 0))
            if lamp is not None and version is not None and at_s > lamp.version_s:
                lamp.stores(version if version >= 0 else None, at_s)
                self._soon(now_ms)
            self._see(dev_eui, values, now_ms)

    def _see(self, dev_eui: bytes, values: dict[tuple[int, int], int | None], now_ms: int) -> None:
        """What may brighten a group."""
        lux = values.get((ILLUMINANCE, 0))
        if lux is not None:
            self._boost(self._watching.saw(dev_eui, lux, self._unix_s(now_ms)), now_ms)

    def _to_keep(self, lamp: Lamp | None) -> list[KeepLamp]:
        if lamp is None or not lamp.unkept:
            return []
        lamp.unkept = False
        return [KeepLamp(lamp.registration.dev_eui, lamp.to_text())]

    def _unix_s(self, now_ms: int) -> int:
        return (now_ms + (self._offset_ms or 0)) // 1000

    def _boost(self, boosts: Iterable[Boost], now_ms: int) -> None:
        for boost in boosts:
            known = self.door.boosts.get((boost.group, boost.rule))
            if boost.rule is Rule.PRESENCE and known is not None and known.until_s > boost.until_s:
                continue  # an arrival that is told late ends nothing
            self.door.boosts[boost.group, boost.rule] = boost
            self._look_ms = min(self._look_ms, now_ms)

    def _at_once(self) -> None:
        if self._assigned or self.door.overrides:
            self._look_ms = 0

    def _soon(self, now_ms: int) -> None:
        self._look_ms = min(self._look_ms, now_ms + self._pause_ms())

    def _pause_ms(self) -> int:
        """Between two looks: a look at 5,000 lamps takes 40 ms, four times as many on a Pi."""
        return _SOON_MS + len(self.lamps)
