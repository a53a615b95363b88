"""Counters of which no value may ever come twice, though flash wears: reserved a step ahead, used one by one."""

from ..actions import Persist


class Reserved:
    """Gives 0, 1, 2, … and never the same number twice, whatever is cut off when.

    key: under which the bound is persisted. start: the bound as it was last persisted, 0 on a new node. step: numbers
    that one write reserves, and at most lost with the power. exact: `next` as it was when the node went to sleep in
    good order, from RTC memory; None after anything else. RTC memory survives a crash too, and then tells of the
    sleep before: whoever reads it clears it at once, so that it is believed only once.
    """

    def __init__(self, key: str, start: int, step: int, exact: int | None = None) -> None:
        self._key = key
        self._step = step
        self._bound = start  # every number below may have been used
        self.next = exact if exact is not None and start - step <= exact <= start else start

    def take(self) -> tuple[int, Persist | None]:
        """The next number, and what must be persisted before the number is used, or None."""
        value = self.next
        self.next = value + 1
        if value < self._bound:
            return value, None
        self._bound = value + self._step
        return value, Persist(self._key, self._bound)

    def void(self, first: int) -> tuple[int, int] | None:
        """The numbers from *first* on that were reserved and will never be used, as (first, count), or None.

        first: one above the last number known to be used, as `Log.next_seq` has it.
        """
        return (first, self.next - first) if first < self.next else None
