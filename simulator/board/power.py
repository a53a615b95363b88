"""When the power of a board goes in the midst of a write to its flash."""

from dataclasses import dataclass
from enum import Enum


class Cut(Enum):
    """What of the write is there when the power comes back."""

    BEFORE = "before"
    AFTER = "after"
    TORN = "torn"  # half of what a file would have gained; of NVS, which is whole or not, nothing


@dataclass(slots=True)
class Writes:
    """The writes of a board, each of which can be its last. count: so far, of flash and NVS together.

    A write is whatever changes what a power cut leaves: a file that is flushed or closed, made, removed or renamed; a
    commit of NVS that changes something.
    """

    count: int = 0
    _at: int = -1
    _how: Cut = Cut.BEFORE

    def cut_at(self, number: int, how: Cut) -> None:
        """Let the power go at write *number*, from 0."""
        self._at = number
        self._how = how

    def next(self) -> Cut | None:
        """Count a write; how the power goes at it, None if it stays."""
        self.count += 1
        return self._how if self.count - 1 == self._at else None
