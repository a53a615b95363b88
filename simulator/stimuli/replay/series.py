"""One series of a CSV file within a run, kept small: times and scaled values, and what they say at any moment."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator

from simulator.stimuli.spans import NEVER_S, Spans

UNKNOWN = -(2**31)  # in place of a value that the file does not have
MOST_VALUE = 2**31 - 1


class Series:
    """Rows in the order of time. max_gap_s: so long a value holds; line: between two rows values change evenly.

    early: the first row holds before its time as well, as long as any other; for nodes that rehearse before a run.
    """

    __slots__ = ("_line", "_max_gap_s", "_rows", "_times", "_width", "early")

    def __init__(self, width: int, max_gap_s: int, line: bool = False) -> None:
        self._width = width
        self._max_gap_s = max_gap_s
        self._line = line
        self.early = False
        self._times = array("q")
        self._rows = array("i")

    def __len__(self) -> int:
        return len(self._times)

    @property
    def times(self) -> "array[int]":
        """Unix seconds of the rows."""
        return self._times

    def rows(self, column: int = 0) -> Iterator[tuple[int, int]]:
        """Time and value of each row that knows it."""
        for time_s, value in zip(self._times, self._rows[column :: self._width], strict=True):
            if value != UNKNOWN:
                yield time_s, value

    def unknown(self) -> Spans:
        """When a state that holds until the next row is not known: before the first, and from a row without it on."""
        begin_s: float = -NEVER_S
        spans: list[tuple[float, float]] = []
        known = self.early
        for time_s, value in zip(self._times, self._rows[:: self._width], strict=True):
            if known and value == UNKNOWN:
                begin_s = time_s
            elif not known and value != UNKNOWN:
                spans.append((begin_s, time_s))
            known = value != UNKNOWN
        return Spans(spans if known else [*spans, (begin_s, NEVER_S)])

    def add(self, time_s: int, values: list[int]) -> None:
        """Append a row; they may come in any order, see `sort`."""
        self._times.append(time_s)
        self._rows.extend(values)

    def sort(self) -> None:
        """Put the rows in order; of those with the same time the last in the file counts."""
        times, width = self._times, self._width
        if all(times[k] < times[k + 1] for k in range(len(times) - 1)):
            return
        order = sorted(range(len(times)), key=times.__getitem__)
        kept = [k for place, k in enumerate(order) if place + 1 == len(order) or times[order[place + 1]] != times[k]]
        rows = self._rows
        self._rows = array("i", [value for k in kept for value in rows[k * width : (k + 1) * width]])
        self._times = array("q", [times[k] for k in kept])

    def at(self, column: int, time_s: float) -> int | None:
        """The scaled value at *time_s* (Unix), None when it is not known."""
        times, rows, width = self._times, self._rows, self._width
        index = bisect_right(times, time_s) - 1
        if index < 0 and self.early and times[0] - time_s <= self._max_gap_s:
            index, time_s = 0, times[0]
        while index >= 0 and time_s - times[index] <= self._max_gap_s:
            value = rows[index * width + column]
            if value != UNKNOWN:
                return self._between(index, column, value, time_s) if self._line else value
            index -= 1
        return None

    def _between(self, index: int, column: int, value: int, time_s: float) -> int:
        """On the straight line to the next row, if that one is known and no gap lies between."""
        if index + 1 == len(self._times):
            return value
        after = self._rows[(index + 1) * self._width + column]
        here_s, after_s = self._times[index], self._times[index + 1]
        if after == UNKNOWN or after_s - here_s > self._max_gap_s:
            return value
        return value + round((after - value) * (time_s - here_s) / (after_s - here_s))
