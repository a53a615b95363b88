"""A parking role beside one bay of the magnetic model: how many arrivals and departures it tells right.

A change is right when its event comes within a minute of the car's coming to rest, or to be gone. What it tells
besides is false.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from firmware.actions import Sense, SenseField, TellEvent
from firmware.events import FieldSensed, Sensed, Woke
from firmware.roles.parking import Parking
from protocol.events import BAY_LEFT, BAY_TAKEN
from protocol.quantities import SETS
from protocol.settings import PARKING, Settings
from simulator.magnetics import ARRIVAL, DEPARTURE, BayTrace, Street
from simulator.stimuli import DAY_S

WEEK_S = 7 * DAY_S
# Of one sample on each axis. The magnetometers we drive have 0.04 and 0.4 µT (magnetics.py), the nominal street 0.5.
NOISES_UT = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_LATE_S = 60.0
_KINDS = {BAY_TAKEN: ARRIVAL, BAY_LEFT: DEPARTURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of some bay-weeks: changes that happened, those told right, events that were false, samples taken."""

    weeks: int
    changes: int
    right: int
    false: int
    samples: int

    @property
    def right_pct(self) -> float:
        """Changes told right, in percent."""
        return 100 * self.right / self.changes

    @property
    def false_per_week(self) -> float:
        """False events per bay and week."""
        return self.false / self.weeks

    def __add__(self, other: "Score") -> "Score":
        return Score(
            weeks=self.weeks + other.weeks,
            changes=self.changes + other.changes,
            right=self.right + other.right,
            false=self.false + other.false,
            samples=self.samples + other.samples,
        )


def week(seed: int, street: Street) -> Score:
    """The role with its default settings, for a week."""
    trace = BayTrace(seed, street)
    role = Parking(Settings({0: PARKING, 1: bytes(8)}))
    unanswered = (None,) * len(SETS[role.set_number])
    told: list[tuple[str, float]] = []
    now_ms = samples = 0
    events: list[object] = [Woke()]
    while now_ms < WEEK_S * 1000:
        for action in role.handle(events.pop(), now_ms):
            if isinstance(action, SenseField):
                samples += 1
                x, y, z, dcel = trace.field(now_ms / 1000)
                events.append(FieldSensed(action.bay, (x, y, z), dcel))
            elif isinstance(action, Sense):
                events.append(Sensed(action.set_number, unanswered))
            elif isinstance(action, TellEvent) and action.event in _KINDS:
                told.append((_KINDS[action.event], now_ms / 1000))
        if not events:
            events.append(Woke())
            now_ms = max(now_ms, role.wake_at() or 0)
    changes = [truth for truth in trace.truths if truth.end_s < WEEK_S - _LATE_S]
    right = 0
    for truth in changes:
        for event_told in told:
            kind, told_s = event_told
            if kind == truth.kind and truth.start_s <= told_s <= truth.end_s + _LATE_S:
                told.remove(event_told)
                right += 1
                break
    false = sum(told_s < WEEK_S - _LATE_S for _, told_s in told)
    return Score(weeks=1, changes=len(changes), right=right, false=false, samples=samples)


def weeks(seeds: range, street: Street) -> Iterator[Score]:
    """A week of each seed, on all cores, in the order of the seeds."""
    with ProcessPoolExecutor() as pool:
        yield from pool.map(week, seeds, [street] * len(seeds))


def total(scores: Iterable[Score]) -> Score:
    """Of all, which must be one or more."""
    return reduce(add, scores)


def streets() -> list[Street]:
    """The nominal street with each noise, from clear to hopeless."""
    return [replace(Street(), noise_ut=noise_ut) for noise_ut in NOISES_UT]
