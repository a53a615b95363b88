"""How far a publisher has come in the table of records: everything up to a row, but for some intervals."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Beyond this the two closest intervals become one, and what lies between is sent again under the same keys. Rows go
# out in order, so that a healthy publisher has a handful; a hundred windows' worth of strays still fit.
MAX_INTERVALS = 256


class Intervals:
    """A bounded set of row ids, kept as ascending intervals that do not touch."""

    def __init__(self, intervals: Iterable[tuple[int, int]] = ()) -> None:
        self._spans: list[tuple[int, int]] = []
        for first, last in intervals:
            self.add(first, last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._spans)

    def __len__(self) -> int:
        """How many intervals there are."""
        return len(self._spans)

    def __contains__(self, row_id: int) -> bool:
        at = bisect_left(self._spans, (row_id + 1, 0)) - 1
        return at >= 0 and row_id <= self._spans[at][1]

    def count(self) -> int:
        """How many row ids there are."""
        return sum(last - first + 1 for first, last in self._spans)

    def add(self, first: int, last: int) -> None:
        """Put *first*..*last* in; nothing when it is empty."""
        if last < first:
            return
        spans = self._spans
        if spans and spans[-1][1] == first - 1:  # by far the most frequent: the next row
            spans[-1] = (spans[-1][0], last)
            return
        begin = bisect_left(spans, first - 1, key=lambda span: span[1])
        end = begin
        while end < len(spans) and spans[end][0] <= last + 1:
            first, last = min(first, spans[end][0]), max(last, spans[end][1])
            end += 1
        spans[begin:end] = [(first, last)]
        if len(spans) > MAX_INTERVALS:
            closest = min(range(1, len(spans)), key=lambda at: spans[at][0] - spans[at - 1][1])
            spans[closest - 1 : closest + 1] = [(spans[closest - 1][0], spans[closest][1])]

    def remove(self, first: int, last: int) -> None:
        """Take *first*..*last* out, as far as it is in."""
        kept = []
        for low, high in self._spans:
            if high < first or last < low:
                kept.append((low, high))
                continue
            if low < first:
                kept.append((low, first - 1))
            if last < high:
                kept.append((last + 1, high))
        self._spans = kept

    def take_all(self, other: "Intervals") -> None:
        """Move everything out of *other*."""
        for first, last in other:
            self.add(first, last)
        other._spans = []


@dataclass(frozen=True, slots=True)
class Cursor:
    """Every row up to *head* has been published or parked, except those in *pending* (first, last), ascending."""

    head: int
    pending: tuple[tuple[int, int], ...] = ()

    def done(self, row_id: int) -> bool:
        """Whether this row has been published or parked: retention deletes such rows first."""
        return row_id <= self.head and not any(first <= row_id <= last for first, last in self.pending)

    def done_up_to(self) -> int:
        """The highest row up to which everything is done."""
        return self.pending[0][0] - 1 if self.pending else self.head

    def to_text(self) -> str:
        """How the store keeps it: JSON."""
        return json.dumps([self.head, *self.pending], separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Cursor":
        """Read what `to_text` wrote. Raises ValueError for anything else."""
        try:
            head, *pending = json.loads(text)
            spans = tuple((first, last) for first, last in pending)
            if not all(type(number) is int for number in (head, *(end for span in spans for end in span))):
                raise TypeError("not all are integers")
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"cursor {text[:80]!r} cannot be read ({error}); expected [head, [first, last], …]: delete the cursor"
                " to publish everything again"
            ) from None
        return cls(head, spans)


def cursor_of(head: int, pending: Intervals) -> Cursor:
    """The shortest cursor for what is pending of the rows up to *head*: what reaches up to it needs no interval."""
    spans = tuple(pending)
    if spans and spans[-1][1] >= head:
        return Cursor(spans[-1][0] - 1, spans[:-1])
    return Cursor(head, spans)
