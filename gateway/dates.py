"""When it was: monotonic times of this boot and of earlier ones as Unix times, as far as anybody can tell."""

from collections.abc import Iterable

from gateway.store.boots import Boot

_ERROR_S = 1  # of a clock that is trusted


class Dates:
    """boots: as the store has them, oldest first; the last one is this boot, which began at *began_ms* (monotonic)."""

    def __init__(self, boots: Iterable[Boot], began_ms: int) -> None:
        self._boots = {boot.boot: boot for boot in boots}
        self._current = max(self._boots)
        self._began_ms = began_ms
        self.offset_ms: int | None = None
        self.floor_ms = self._boots[self._current].floor_ms  # no earlier time can be true

    def unix_ms(self, now_ms: int) -> int | None:
        """Unix ms of *now_ms* in this boot; None while nobody knows the time."""
        return None if self.offset_ms is None else now_ms + self.offset_ms

    def resolve(self, boot: int, ms: int) -> tuple[int, int] | None:
        """(Unix ms, error in s) of *ms* on the monotonic clock of *boot*; None: later, perhaps.

        A boot that ended before it knew the time lies between the last time known before it and the beginning of the
        first one after it that knows: what is published again is dated as it was.
        """
        if boot == self._current:
            return None if self.offset_ms is None else (ms + self.offset_ms, _ERROR_S)
        known = self._boots.get(boot)
        if known is not None and known.offset_ms is not None:
            return ms + known.offset_ms, _ERROR_S
        latest_ms = None if known is None else known.latest_ms
        if latest_ms is None:
            if self.offset_ms is None:
                return None
            latest_ms = self._began_ms + self.offset_ms
        earliest_ms = min(known.floor_ms if known is not None else 0, latest_ms)
        return (earliest_ms + latest_ms) // 2, (latest_ms - earliest_ms) // 2000 + _ERROR_S
