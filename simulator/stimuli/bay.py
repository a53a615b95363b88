"""One parking bay's life: which car comes when and leaves when, known ahead of the moment that is asked for."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from protocol.civil import weekday
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.demand import HOME, Demand, Stay
from simulator.stimuli.passages import next_passage_s
from simulator.stimuli.spans import NEVER_S
from simulator.streams import Stream

LEAST_STAY_S = 90  # a car needs up to 20 s to come in and up to 15 to go out
_LEAST_GAP_S = 30
_RUN_IN_S = 3 * DAY_S  # begun empty so long before, a bay is as it would be
_SATURDAY = 5
_TRIES = 20  # to find a stay as long as was seen
_SLEEPERS = 0.15  # of cars at home, each morning, that are not used that day


@dataclass(frozen=True, slots=True)
class Change:
    """A car begins to move in (*taken*) or out at *time_s* (Unix)."""

    time_s: int
    taken: bool


class Life(Protocol):
    """What really happens to a bay, made up or replayed. Times are Unix seconds, in any order."""

    def occupied(self, time_s: float) -> bool:
        """Whether a car is there."""

    def known(self, time_s: float) -> bool:
        """Whether that is known; else `occupied` is what it was last."""

    def changed_s(self, time_s: float) -> int:
        """Since when it has been as it is at *time_s*."""

    def next_change_s(self, time_s: float) -> int:
        """When the next car begins to move after *time_s*; NEVER_S: none will."""

    def changes(self, from_s: float, until_s: float) -> Iterator[Change]:
        """All changes after *from_s* and up to *until_s*."""

    def car(self, time_s: float) -> int:
        """A number of its own for each car that comes, the same while it stays; of the last one while it is free."""


class BayLife:
    """A bay that is wanted by *demand*; drawn from *stream* in the order of time, whoever asks for what.

    seen: whether a car is there at *start_s*, and since when; None leaves that to chance.
    """

    __slots__ = ("_calendar", "_demand", "_dice", "_number", "_times")

    def __init__(
        self, stream: Stream, demand: Demand, calendar: Calendar, start_s: int, seen: tuple[bool, int] | None = None
    ) -> None:
        self._dice = stream
        self._demand = demand
        self._calendar = calendar
        self._number = stream.below(1 << 40)
        # Free from the first time on, taken from the second, and so on.
        self._times = array("q", [start_s - _RUN_IN_S] if seen is None else self._begun(start_s, *seen))

    def occupied(self, time_s: float) -> bool:
        """Whether a car is there."""
        return not self._index(time_s) & 1

    def known(self, time_s: float) -> bool:
        """Always."""
        return True

    def changed_s(self, time_s: float) -> int:
        """Since when it has been as it is."""
        return self._times[self._index(time_s) - 1]

    def next_change_s(self, time_s: float) -> int:
        """When the next car begins to move."""
        return self._times[self._index(time_s)]

    def changes(self, from_s: float, until_s: float) -> Iterator[Change]:
        """All that begin after *from_s* and up to *until_s*."""
        index = self._index(from_s)
        while self._times[index] <= until_s:
            yield Change(self._times[index], bool(index & 1))
            index += 1
            self._foresee(self._times[index - 1])

    def car(self, time_s: float) -> int:
        """A number of the car that is or was there last."""
        return self._number + (self._index(time_s) // 2)

    def _index(self, time_s: float) -> int:
        """How many changes have begun; one more is known. Before the first that is the first."""
        self._foresee(time_s)
        return max(1, bisect_right(self._times, time_s))

    def _foresee(self, time_s: float) -> None:
        """Draw until a change after *time_s* is known."""
        times = self._times
        while (last_s := times[-1]) <= time_s:
            times.append(self._arrival_s(last_s + _LEAST_GAP_S) if len(times) & 1 else last_s + self._stay_s(last_s))

    def _begun(self, start_s: int, taken: bool, since_s: int) -> list[int]:
        """What was seen at the start, and the change that comes next."""
        since_s = min(since_s, start_s)
        if not taken:
            return [since_s, self._arrival_s(start_s)]
        for _ in range(_TRIES):
            leaves_s = since_s + self._stay_s(since_s)
            if leaves_s > start_s:
                break
        else:
            leaves_s = start_s + self._stay_s(start_s)  # longer than anybody stays here: as if it had just come
        return [since_s - DAY_S, since_s, leaves_s]

    def _arrival_s(self, after_s: int) -> int:
        comes_s = next_passage_s(self._dice, self._demand.arrivals, self._calendar, after_s)
        return NEVER_S if comes_s is None else int(comes_s) + 1

    def _stay_s(self, arrival_s: int) -> int:
        hour = int(self._calendar.local(arrival_s)[1]) // 3600
        stay = self._dice.one_of(self._demand.reasons_at(hour))
        seconds = self._until_morning_s(arrival_s) if stay is HOME else self._length_s(stay)
        return max(LEAST_STAY_S, int(seconds))

    def _length_s(self, stay: Stay) -> float:
        total = 0.0
        for _ in range(stay.shape):
            total += self._dice.exponential()
        return total * stay.minutes * 60 / stay.shape

    def _until_morning_s(self, arrival_s: int) -> float:
        """Until the owner drives off: about a quarter to eight, later at weekends, and not every day."""
        day, second = self._calendar.local(arrival_s)
        day += second >= 4 * 3600
        while self._dice.chance(_SLEEPERS):
            day += 1
        late = weekday(day) >= _SATURDAY
        leaves = 10.5 * 3600 + 5400 * self._dice.bell() if late else 7.75 * 3600 + 2400 * self._dice.bell()
        return day * DAY_S + leaves - (arrival_s + self._calendar.offset_s(arrival_s))
