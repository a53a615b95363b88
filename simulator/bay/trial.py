"""A parking role beside one bay of the magnetic model: how many arrivals and departures it tells right.

A change is right when its event comes within a minute of the car's coming to rest, or to be gone. What it tells
besides is false.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from firmware.actions import Sense, SenseField, TellEvent, WatchField
from firmware.events import FieldMoved, FieldSensed, Sensed, Woke
from firmware.roles.parking import MAGNETIC, WATCHED, Parking
from protocol.events import BAY_LEFT, BAY_TAKEN
from protocol.quantities import quantities_of
from protocol.settings import PARKING, Settings, number_of
from simulator.bay.magnetics import ARRIVAL, DEPARTURE, BayTrace, Street
from simulator.stimuli.cycles import DAY_S

WEEK_S = 7 * DAY_S
# Of one sample on each axis: 0.04 and 0.4 µT are two magnetometers' own (magnetics.py), 0.5 the nominal street's.
NOISES_UT = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_LATE_S = 60.0
_COMPARES_MS = 400  # a LIS3MDL in low power looks 2.5 times a second at best
_DETECTOR = number_of("detector") or 0
_KINDS = {BAY_TAKEN: ARRIVAL, BAY_LEFT: DEPARTURE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of some bay-weeks: changes that happened, those told right, events that were false, samples taken.

    wakes: from a sleep in which the sensor watched by itself.
    """

    weeks: int
    changes: int
    right: int
    false: int
    samples: int
    wakes: int = 0

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
            wakes=self.wakes + other.wakes,
        )


def week(seed: int, street: Street, watched: bool = False) -> Score:
    """The role with its default settings, for a week; watched: by a sensor whose own threshold wakes the node."""
    trace = BayTrace(seed, street)
    role = Parking(Settings({0: PARKING, 1: bytes(8), _DETECTOR: WATCHED if watched else MAGNETIC}))
    unanswered = (None,) * len(quantities_of(role.set_number))
    told: list[tuple[str, float]] = []
    now_ms = samples = wakes = 0
    armed: tuple[int, ...] | None = None  # what a watching sensor compares with, and by how much
    events: list[object] = [Woke()]
    while now_ms < WEEK_S * 1000:
        for action in role.handle(events.pop(), now_ms):
            if isinstance(action, SenseField):
                samples += 1
                x, y, z, dcel = trace.field(now_ms / 1000)
                events.append(FieldSensed(action.bay, (x, y, z), dcel))
            elif isinstance(action, Sense):
                events.append(Sensed(action.set_number, unanswered))
            elif isinstance(action, WatchField):
                armed = (*trace.field(now_ms / 1000)[:3], action.threshold_dut)
            elif isinstance(action, TellEvent) and action.event in _KINDS:
                told.append((_KINDS[action.event], now_ms / 1000))
        if not events:
            until_ms = max(now_ms, role.wake_at() or 0)
            moved_ms = _moved_ms(trace, now_ms, until_ms, armed) if armed else None
            wakes += armed is not None
            if moved_ms is None:
                now_ms = until_ms
                events.append(Woke())
            else:
                now_ms = moved_ms
                armed = None
                events.append(FieldMoved())
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
    return Score(weeks=1, changes=len(changes), right=right, false=false, samples=samples, wakes=wakes)


def _moved_ms(trace: BayTrace, from_ms: int, until_ms: int, armed: tuple[int, ...]) -> int | None:
    """When a sensor that compares by itself would have woken the node, if before *until_ms*."""
    threshold_dut = armed[3]
    for now_ms in range(from_ms + _COMPARES_MS, until_ms, _COMPARES_MS):
        here = trace.field(now_ms / 1000)
        if any(abs(here[axis] - armed[axis]) >= threshold_dut for axis in range(3)):
            return now_ms
    return None


def weeks(seeds: range, street: Street, watched: bool = False) -> Iterator[Score]:
    """A week of each seed, on all cores, in the order of the seeds."""
    with ProcessPoolExecutor() as pool:
        yield from pool.map(week, seeds, [street] * len(seeds), [watched] * len(seeds))


def total(scores: Iterable[Score]) -> Score:
    """Of all, which must be one or more."""
    return reduce(add, scores)


def streets() -> list[Street]:
    """The nominal street with each noise, from clear to hopeless."""
    return [replace(Street(), noise_ut=noise_ut) for noise_ut in NOISES_UT]
