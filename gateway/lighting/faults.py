"""What is wrong with a lamp: kinds of faults, when each is believed and when it is over.

The node tells what it found within minutes: by an event, and by the bits of its status in every reading. The gateway
judges the same power again, from further away: it knows what this lamp took on other nights, when its meter went
silent or repeats itself, what the town's programme asks for, and who else has no power. A fault is there as soon as
one of them is sure, and over when all of them have seen the lamp do well what it had failed at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

_STALE_MS = 4 * 3_600_000  # a sign that is older is none any more: what is there shows itself again sooner

Evidence = Mapping[str, int | float | str]


class FaultKind(Enum):
    """Modelled on the events of TALQ's lamp monitor, whose names stand behind."""

    LAMP_FAILED = "lamp_failed"  # lampFailure: told to be lit, takes next to nothing
    DAY_BURNER = "day_burner"  # lampUnexpectedOn: takes power though it should be dark
    CYCLING = "cycling"  # cyclingFailure: goes out and comes back
    DRIVER = "driver"  # dimmingFailure, controlGearCommFailure: does not follow its level, or does not answer
    METER = "meter"  # no values, or always the same
    TOO_HOT = "too_hot"  # highTemperature
    OFF_PLAN = "off_plan"  # the lamp does not do what is planned, and no order says so
    MISSING = "missing"  # not heard, though its neighbours on the same supply are


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One line of the work list. device: row of the node; head: of its lamps. Unix ms.

    since_ms: when it was first seen; seen_ms: last; over_ms: None while it is there. evidence: what shows it.
    """

    device: int
    head: int
    kind: FaultKind
    since_ms: int
    seen_ms: int
    over_ms: int | None = None
    evidence: Evidence = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int, FaultKind, int]:
        """What tells it from every other fault."""
        return self.device, self.head, self.kind, self.since_ms


class Belief:
    """Whether one kind of fault is there: believed after so many signs in a row, given up after so many against it."""

    __slots__ = ("_against", "_first_ms", "_for", "_last_ms", "fault")

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault = fault  # while it is there
        self._for = 0
        self._first_ms = 0
        self._last_ms = 0
        self._against = 0

    def seen(self, fault: Fault, needed: int) -> Fault | None:
        """A sign of *fault* as it is now; returns it, since its first sign, once *needed* in a row have been seen."""
        self._against = 0
        if self.fault is not None:
            self.fault = replace(self.fault, seen_ms=max(fault.seen_ms, self.fault.seen_ms))
            return None
        if not self._for or fault.seen_ms - self._last_ms > _STALE_MS:
            self._for, self._first_ms = 0, fault.since_ms
        self._last_ms = fault.seen_ms
        self._for += 1
        if self._for < needed:
            return None
        self._for = 0
        self.fault = replace(fault, since_ms=min(self._first_ms, fault.since_ms))
        return self.fault

    def well(self, at_ms: int, needed: int) -> Fault | None:
        """A sign against it; returns the fault with its end once *needed* in a row have been seen."""
        self._for = 0
        if self.fault is None:
            return None
        self._against += 1
        if self._against < needed:
            return None
        self._against = 0
        over, self.fault = replace(self.fault, over_ms=max(at_ms, self.fault.since_ms)), None
        return over

    def to_json(self) -> list[int]:
        """The counts; the fault has a row of its own."""
        return [self._for, self._first_ms, self._last_ms, self._against]

    def take(self, said: Any) -> None:
        """Undo `to_json`. Raises ValueError, TypeError or LookupError."""
        self._for, self._first_ms, self._last_ms, self._against = (int(each) for each in said)


class Beliefs:
    """All of one node's, by head and kind; those not asked about before are not there."""

    __slots__ = ("_beliefs", "_device")

    def __init__(self, device: int, there: tuple[Fault, ...] = ()) -> None:
        self._device = device
        self._beliefs = {(fault.head, fault.kind): Belief(fault) for fault in there}

    def there(self, head: int, kind: FaultKind) -> Fault | None:
        """The fault, while it is there."""
        belief = self._beliefs.get((head, kind))
        return None if belief is None else belief.fault

    def all_there(self) -> list[Fault]:
        """All that are there."""
        return [belief.fault for belief in self._beliefs.values() if belief.fault is not None]

    def seen(
        self, head: int, kind: FaultKind, at_ms: int, needed: int, evidence: Evidence, since_ms: int | None = None
    ) -> list[Fault]:
        """A sign of a fault at *at_ms*; the fault if that makes it believed."""
        belief = self._beliefs.setdefault((head, kind), Belief())
        fault = Fault(
            device=self._device,
            head=head,
            kind=kind,
            since_ms=at_ms if since_ms is None else since_ms,
            seen_ms=at_ms,
            evidence=evidence,
        )
        began = belief.seen(fault, needed)
        return [] if began is None else [began]

    def well(self, head: int, kind: FaultKind, at_ms: int, needed: int) -> list[Fault]:
        """A sign against a fault; the fault with its end if that ends it."""
        belief = self._beliefs.get((head, kind))
        over = None if belief is None else belief.well(at_ms, needed)
        return [] if over is None else [over]

    def to_json(self) -> list[Any]:
        """The counts of all; undone by `take`."""
        return [[head, kind.value, *belief.to_json()] for (head, kind), belief in self._beliefs.items()]

    def take(self, said: Any) -> None:
        """Raises ValueError, TypeError or LookupError for what `to_json` did not write."""
        for head, kind, *counts in said:
            self._beliefs.setdefault((int(head), FaultKind(kind)), Belief()).take(counts)
