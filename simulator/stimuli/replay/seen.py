"""Series of a file in the place of what chance would make up."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from protocol.quantities import quantities_of
from simulator.stimuli.bay import Change
from simulator.stimuli.replay.series import Series
from simulator.stimuli.spans import NEVER_S


class Seen:
    """Quantities that a file has, by their numbers in the order of its columns."""

    __slots__ = ("_places", "_series")

    def __init__(self, series: Series, quantities: tuple[int, ...]) -> None:
        self._series = series
        self._places = {quantity: place for place, quantity in enumerate(quantities)}

    def has(self, quantity: int) -> bool:
        """Whether the file has it."""
        return quantity in self._places

    def at(self, quantity: int, time_s: float) -> int | None:
        """Its scaled value, None when it is not known; KeyError for one that the file does not have."""
        return self._series.at(self._places[quantity], time_s)

    def over(self, set_number: int, time_s: float, values: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """*values* of a set, with those of the file in their places."""
        places, series = self._places, self._series
        return tuple(
            [
                series.at(places[quantity], time_s) if quantity in places else value
                for (quantity, _), value in zip(quantities_of(set_number), values, strict=True)
            ]
        )


class ReplayedLife:
    """A bay's life (`simulator.stimuli.bay.Life`) from rows of 0 and 1, each of which holds until the next.

    A car stays over rows that do not know. number: what tells its cars from those of other bays.
    """

    __slots__ = ("_changes", "_number", "_since_s", "_taken", "_unknown")

    def __init__(self, series: Series, number: int) -> None:
        self._unknown = series.unknown()
        self._number = number
        self._taken = False  # before the first change
        self._since_s = series.times[0]
        self._changes = array("q")
        state: int | None = None
        for time_s, now in series.rows():
            if state is None:
                self._taken = bool(now)
            elif now != state:
                self._changes.append(time_s)
            state = now

    def known(self, time_s: float) -> bool:
        """Not so after a row that does not know, and before the first."""
        return not self._unknown.holds(time_s)

    def occupied(self, time_s: float) -> bool:
        """Whether a car is there, or was before a gap."""
        return self._taken ^ bool(bisect_right(self._changes, time_s) & 1)

    def changed_s(self, time_s: float) -> int:
        """Since when it has been as it is; before the first change, since the first row."""
        index = bisect_right(self._changes, time_s)
        return self._changes[index - 1] if index else self._since_s

    def next_change_s(self, time_s: float) -> int:
        """When the next car begins to move."""
        index = bisect_right(self._changes, time_s)
        return self._changes[index] if index < len(self._changes) else NEVER_S

    def changes(self, from_s: float, until_s: float) -> Iterator[Change]:
        """All that begin after *from_s* and up to *until_s*."""
        for index in range(bisect_right(self._changes, from_s), bisect_right(self._changes, until_s)):
            yield Change(self._changes[index], self._taken ^ (not index & 1))

    def car(self, time_s: float) -> int:
        """A number of the car that is or was there last."""
        return self._number + (bisect_right(self._changes, time_s) + (not self._taken)) // 2
