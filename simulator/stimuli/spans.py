"""Spans of time in which something is wrong, known ahead."""

from bisect import bisect_right
from collections.abc import Iterable

NEVER_S = 1 << 40  # in Unix seconds


class Spans:
    """Begin and end of each in Unix s; those that overlap are one."""

    __slots__ = ("_edges",)

    def __init__(self, spans: Iterable[tuple[float, float]] = ()) -> None:
        edges: list[float] = []  # begins and ends by turns
        for begin_s, end_s in sorted(spans):
            if edges and begin_s <= edges[-1]:
                edges[-1] = max(edges[-1], end_s)
            elif end_s > begin_s:
                edges += (begin_s, end_s)
        self._edges = edges

    def __bool__(self) -> bool:
        return bool(self._edges)

    def holds(self, time_s: float) -> bool:
        """Whether *time_s* lies in one: from its begin on, not at its end."""
        return bool(bisect_right(self._edges, time_s) & 1)

    def began_s(self, time_s: float) -> float:
        """When the span began in which *time_s* lies, or the last one before; 0: there was none."""
        index = bisect_right(self._edges, time_s)
        index -= 1 if index & 1 else 2
        return self._edges[index] if index >= 0 else 0.0

    def next_change_s(self, time_s: float) -> float:
        """The next begin or end after *time_s*; NEVER_S: there is none."""
        index = bisect_right(self._edges, time_s)
        return self._edges[index] if index < len(self._edges) else NEVER_S
