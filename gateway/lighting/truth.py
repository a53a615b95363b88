"""What lamps really do: readings, events and silence of the town's lamps become faults, outages and nights of energy.

Joined here: a watch and a consumption for each node, the feeders they hang on, and what is written of it. It hears what
the intake has made of an uplink, decides, and returns writes for the same commit. Nothing is judged before the time is
known: what is wrong with a lamp stays so, and is seen again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from gateway.lighting.consumption import Consumption, LampNight, Nights
from gateway.lighting.faults import Fault, FaultKind
from gateway.lighting.feeders import Feeders
from gateway.lighting.lamp_watch import LampWatch, Values, levels_of
from gateway.lighting.outage import Outage
from gateway.lighting.plan import Setpoint
from gateway.readings import content
from gateway.readings.record import Kind, Record, own_record
from gateway.store.writes import AddLampNight, AddRecord, KeepFault, KeepLampState, KeepOutage, Write
from protocol.events import POWER_BACK, POWER_LOST
from protocol.quantities import ENERGY, OPERATING_HOURS, SWITCH_COUNT

_GASP_MS = 60_000  # a last gasp that is older, or of unknown age, is told by a lamp that has power again
_SAVE_MS = 3_600_000  # a lamp's own state, when nothing changed: a restart loses no more than that of what was counted
_CLOSE_MS = 3 * 3_600_000  # after noon, when the night of lamps without power is closed, and groups are summed up
_NIGHTS_KEPT = 3  # in memory, for the sums of groups
_TELL_AGAIN_MS = 600_000  # what changed so lately is written again after commits failed


class Town(Nights, Protocol):
    """What is asked about the town."""

    @property
    def known(self) -> bool:
        """Whether nights can be told; before that nothing else is asked."""

    def feeder_of(self, device: int) -> str | None:
        """The name of the supply that a lamp shares with others; None: nobody knows."""

    def groups_of(self, device: int) -> Iterable[str]:
        """The groups that a lamp's energy is counted in."""

    def planned(self, device: int, at_s: int) -> Setpoint | None:
        """What a lamp should do at a Unix time; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store kept of the last run."""

    lamps: Mapping[int, str]
    faults: tuple[Fault, ...] = ()  # that are there
    outages: tuple[Outage, ...] = ()  # that are not over
    nights: tuple[LampNight, ...] = ()  # of the last days
    heard: tuple[int, ...] = ()  # lamps of which anything was ever heard


class _Lamp:
    """One node: its watch, its consumption, its counters, and when it was last written."""

    __slots__ = ("consumption", "hours", "saved_ms", "switches", "watch")

    def __init__(self, device: int, nights: Nights, there: tuple[Fault, ...]) -> None:
        self.watch = LampWatch(device, there)
        self.consumption = Consumption(device, nights)
        self.hours: dict[int, int] = {}  # by head: operating hours, as the node counts them
        self.switches: dict[int, int] = {}
        self.saved_ms = 0

    def to_text(self) -> str:
        said = {
            "watch": self.watch.to_json(),
            "consumption": self.consumption.to_json(),
            "hours": list(self.hours.items()),
            "switches": list(self.switches.items()),
        }
        return orjson.dumps(said).decode()

    def take(self, text: str) -> None:
        """Undo `to_text`. Raises ValueError, TypeError or LookupError."""
        said = orjson.loads(text)
        self.watch.take(said["watch"])
        self.consumption.take(said["consumption"])
        self.hours = {int(head): int(count) for head, count in said["hours"]}
        self.switches = {int(head): int(count) for head, count in said["switches"]}


class LampTruth:
    """town: see `Town`. kept: from the store; a state that cannot be read is begun anew. now_ms: monotonic."""

    def __init__(self, town: Town, kept: Kept, boot: int, now_ms: int = 0) -> None:
        self._town = town
        self._boot = boot
        there: dict[int, list[Fault]] = {}
        for fault in kept.faults:
            there.setdefault(fault.device, []).append(fault)
        self._lamps: dict[int, _Lamp] = {}
        self._feeders = Feeders(town.feeder_of, self._sun, kept.outages, now_ms)
        for device in sorted({*kept.lamps, *there}):
            self._lamps[device] = self._lamp_of(device, tuple(there.get(device, ())), kept.lamps.get(device))
        for device in sorted({*kept.lamps, *there, *kept.heard}):
            self._feeders.meet(device, now_ms)
        self._nights: dict[int, dict[int, LampNight]] = {}  # night -> device -> its night
        for night in kept.nights:
            self._nights.setdefault(night.night, {})[night.device] = night
        self._told_night: int | None = None  # the last one whose groups were summed up
        self._changed: dict[tuple[Any, ...], tuple[int, Fault | Outage]] = {}  # lately, with monotonic ms
        self._again = False

    # What is heard.

    def other(self, now_ms: int) -> None:
        """Somebody who is no lamp was heard."""
        self._feeders.other(now_ms)

    def heard(
        self, device: int, gap_s: int | None, records: Iterable[Record], now_ms: int, offset_ms: int | None
    ) -> list[Write]:
        """A lamp was heard; *records*: those of its uplink that are new, oldest first."""
        if offset_ms is None or not self._town.known:
            return []
        writes: list[Write] = []
        gasped = False
        for record in records:
            if record.kind is Kind.READING:
                writes += self._reading(device, record, now_ms, offset_ms)
            elif record.kind is Kind.EVENT:
                number, *details = orjson.loads(record.content)
                at_ms = now_ms + offset_ms if record.observed_ms is None else record.observed_ms
                if number == POWER_LOST and record.observed_ms is not None:
                    gasped = gasped or now_ms + offset_ms - at_ms <= _GASP_MS
                if number == POWER_BACK and details and now_ms + offset_ms - at_ms <= _GASP_MS:
                    self._feeders.returned(device, details[0], now_ms)
                lamp = self._lamp(device)
                writes += self._faults(lamp.watch.event(number, tuple(details), at_ms), now_ms, offset_ms)
        if gasped:
            outages = self._feeders.gasped(device, now_ms, offset_ms)
        else:
            outages = self._feeders.heard(device, gap_s, now_ms, offset_ms)
            found = self._lamp(device).watch.beliefs.well(0, FaultKind.MISSING, now_ms + offset_ms, 1)
            writes += self._faults(found, now_ms, offset_ms)
        writes += self._outages(outages, now_ms, offset_ms)
        return writes

    def fell_silent(self, device: int, now_ms: int) -> bool:
        """A lamp was not heard for three of its intervals; whether its feeder answers for that from now on."""
        return self._feeders.fell_silent(device, now_ms)

    def power_ms(self, device: int, now_ms: int, offset_ms: int | None) -> int | None:
        """From when on a silent lamp has power for sure, monotonic ms; None: nobody doubts it, or nobody can tell."""
        if offset_ms is None or not self._town.known:
            return None
        return self._feeders.power_ms(device, now_ms, offset_ms)

    def forget(self, device: int) -> None:
        """It was removed."""
        self._feeders.forget(device)
        self._lamps.pop(device, None)

    def commits_failed(self) -> None:
        """What was decided lately may not have been written: it is, again."""
        self._again = True

    def wake_at(self) -> int | None:
        """When it wants to be asked again, monotonic ms."""
        return self._feeders.wake_at()

    def wake(self, now_ms: int, offset_ms: int | None) -> list[Write]:
        """What silence says, and nights that are over."""
        if offset_ms is None or not self._town.known:
            return []
        found = self._feeders.wake(now_ms, offset_ms)
        writes = self._outages(found.outages, now_ms, offset_ms)
        for device, heard_ms in found.missing:
            beliefs = self._lamp(device).watch.beliefs
            facts = {"by": "silence", "feeder": self._town.feeder_of(device) or ""}
            faults = beliefs.seen(0, FaultKind.MISSING, now_ms + offset_ms, 1, facts, since_ms=heard_ms)
            writes += self._faults(faults, now_ms, offset_ms)
        writes += self._close_nights(now_ms, offset_ms)
        if self._again:
            self._again = False
            writes += self._write_again(now_ms, offset_ms)
        return writes

    # As everybody else sees it.

    def faults(self) -> list[Fault]:
        """All that are there, the oldest first."""
        there = [fault for lamp in self._lamps.values() for fault in lamp.watch.beliefs.all_there()]
        return sorted(there, key=lambda fault: (fault.since_ms, fault.device, fault.head))

    def outages(self) -> list[Outage]:
        """All that are not over."""
        return self._feeders.open()

    # Within.

    def _lamp(self, device: int) -> _Lamp:
        lamp = self._lamps.get(device)
        if lamp is None:
            lamp = self._lamps[device] = self._lamp_of(device, (), None)
        return lamp

    def _lamp_of(self, device: int, there: tuple[Fault, ...], text: str | None) -> _Lamp:
        lamp = _Lamp(device, self._town, there)
        if text is not None:
            try:
                lamp.take(text)
            except (ValueError, TypeError, LookupError):
                return _Lamp(device, self._town, there)
        return lamp

    def _reading(self, device: int, record: Record, now_ms: int, offset_ms: int) -> list[Write]:
        at_ms = record.observed_ms
        if at_ms is None or record.boot is not None:
            return []
        lamp = self._lamp(device)
        values = dict(content.values_of(record.content))
        for (quantity, head), value in values.items():
            if value is not None and quantity == OPERATING_HOURS:
                lamp.hours[head] = value
            elif value is not None and quantity == SWITCH_COUNT:
                lamp.switches[head] = value
        levels = levels_of(values)
        if not levels or at_ms <= lamp.watch.last_ms:
            return []
        writes = self._count(device, lamp, values, levels, at_ms, now_ms + offset_ms)
        found = lamp.watch.reading(values, at_ms, lambda at_s: self._town.planned(device, at_s))
        writes += self._faults(found, now_ms, offset_ms)
        if found or now_ms - lamp.saved_ms >= _SAVE_MS or not lamp.saved_ms:
            lamp.saved_ms = max(1, now_ms)
            writes.append(KeepLampState(device, lamp.to_text()))
        return writes

    def _count(
        self, device: int, lamp: _Lamp, values: Values, levels: tuple[int, ...], at_ms: int, unix_ms: int
    ) -> list[Write]:
        draw = lamp.watch.draw
        expected_w = draw.expected_dw(lamp.watch.levels) / 10
        over = lamp.consumption.reading(levels, values.get((ENERGY, 0)), expected_w, draw.rated_dw / 10, at_ms)
        return self._over(lamp, over, unix_ms)

    def _over(self, lamp: _Lamp, over: Sequence[LampNight], unix_ms: int) -> list[Write]:
        """A lamp's nights that are over are kept and told."""
        writes: list[Write] = []
        for night in over:
            self._nights.setdefault(night.night, {})[night.device] = night
            hours, switches = sum(lamp.hours.values()), sum(lamp.switches.values())
            writes.append(AddLampNight(night, hours if lamp.hours else None, switches if lamp.switches else None))
            writes.append(self._record(Kind.NIGHT, night_to_json(night), unix_ms, night.device))
        return writes

    def _close_nights(self, now_ms: int, offset_ms: int) -> list[Write]:
        """Three hours after noon: lamps without power, and the sums of groups."""
        unix_ms = now_ms + offset_ms
        night = self._town.night_of(unix_ms) - 1
        if night == self._told_night or unix_ms < self._town.noon_ms(night + 1) + _CLOSE_MS:
            return []
        first, self._told_night = self._told_night is None, night
        writes: list[Write] = []
        for lamp in self._lamps.values():
            writes += self._over(lamp, lamp.consumption.close(unix_ms, lamp.watch.draw.rated_dw / 10), unix_ms)
        for old in [each for each in self._nights if each <= night - _NIGHTS_KEPT]:
            del self._nights[old]
        if first and not writes:
            return []  # after a start: it was told by the run before
        groups: dict[str, list[LampNight]] = {}
        for device, each in self._nights.get(night, {}).items():
            for group in self._town.groups_of(device):
                groups.setdefault(group, []).append(each)
        for group in sorted(groups):
            said = {"group": group, **sum_to_json(groups[group])}
            writes.append(self._record(Kind.NIGHT, said, unix_ms))
        return writes

    def _faults(self, found: Sequence[Fault], now_ms: int, offset_ms: int) -> list[Write]:
        writes: list[Write] = []
        for fault in found:
            self._note(("fault", *fault.key), fault, now_ms)
            writes += self._fault(fault, now_ms + offset_ms)
        return writes

    def _outages(self, found: Sequence[Outage], now_ms: int, offset_ms: int) -> list[Write]:
        writes: list[Write] = []
        for outage in found:
            self._note(("outage", outage.feeder, outage.cause, outage.since_ms), outage, now_ms)
            writes += self._outage(outage, now_ms + offset_ms)
        return writes

    def _fault(self, fault: Fault, unix_ms: int) -> list[Write]:
        return [KeepFault(fault), self._record(Kind.FAULT, fault_to_json(fault), unix_ms, fault.device)]

    def _outage(self, outage: Outage, unix_ms: int) -> list[Write]:
        return [KeepOutage(outage), self._record(Kind.OUTAGE, outage_to_json(outage), unix_ms)]

    def _note(self, key: tuple[Any, ...], said: Fault | Outage, now_ms: int) -> None:
        """Remember it for the case that its commit fails."""
        old = [each for each, (at_ms, _) in self._changed.items() if now_ms - at_ms > _TELL_AGAIN_MS]
        for each in old:
            del self._changed[each]
        self._changed[key] = now_ms, said

    def _write_again(self, now_ms: int, offset_ms: int) -> list[Write]:
        writes: list[Write] = []
        for at_ms, said in list(self._changed.values()):
            if now_ms - at_ms <= _TELL_AGAIN_MS:
                unix_ms = now_ms + offset_ms
                writes += self._fault(said, unix_ms) if isinstance(said, Fault) else self._outage(said, unix_ms)
        return writes

    def _record(self, kind: Kind, said: dict[str, Any], unix_ms: int, device: int | None = None) -> AddRecord:
        return AddRecord(own_record(kind, orjson.dumps(said), unix_ms, None, device))

    def _sun(self, unix_ms: int) -> tuple[int, int]:
        return self._town.dark_ms(self._town.night_of(unix_ms))


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """Content of a FAULT."""
    return {
        "fault": fault.kind.value,
        "state": "there" if fault.over_ms is None else "over",
        "head": fault.head,
        "since_ms": fault.since_ms,
        "over_ms": fault.over_ms,
        "evidence": dict(fault.evidence),
    }


def outage_to_json(outage: Outage) -> dict[str, Any]:
    """Content of an OUTAGE."""
    return {
        "feeder": outage.feeder,
        "cause": outage.cause.value,
        "state": "there" if outage.over_ms is None else "over",
        "since_ms": outage.since_ms,
        "over_ms": outage.over_ms,
        "lamps": outage.lamps,
        "known": outage.known,
        "gasps": outage.gasps,
        "others_heard": outage.others_heard,
    }


def night_to_json(night: LampNight) -> dict[str, Any]:
    """Content of a NIGHT of one lamp post."""
    return {
        "night": night.night,
        "lamps": 1,
        "energy_wh": night.energy_wh,
        "reckoned_wh": night.reckoned_wh,
        "full_wh": night.full_wh,
        "lit_s": night.lit_s,
        "dark_s": night.dark_s,
        "covered_s": night.covered_s,
        "switches": night.switches,
    }


def sum_to_json(nights: Sequence[LampNight]) -> dict[str, Any]:
    """The same of several lamps in one night; full_wh: None unless it is known of all."""
    full = [night.full_wh for night in nights if night.full_wh is not None]
    return {
        "night": nights[0].night,
        "lamps": len(nights),
        "energy_wh": round(sum(night.energy_wh for night in nights), 1),
        "reckoned_wh": round(sum(night.reckoned_wh for night in nights), 1),
        "full_wh": round(sum(full), 1) if len(full) == len(nights) else None,
        "lit_s": sum(night.lit_s for night in nights),
        "dark_s": sum(night.dark_s for night in nights),
        "covered_s": sum(night.covered_s for night in nights),
        "switches": sum(night.switches for night in nights),
    }
