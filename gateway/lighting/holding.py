"""What becomes of overrides, for the city to read: held, replaced, ended or run out; by whom, until when, who followed.

Each is told when it happens and once. An override that runs out while no gateway runs is not told of again: until when
it would hold was said when it began.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

from .plan import Override, Target


class Turn(Enum):
    """What happened to an override. REPLACED: by a newer one of its target; ENDED: by somebody; EXPIRED: by time."""

    HELD = "held"
    REPLACED = "replaced"
    ENDED = "ended"
    EXPIRED = "expired"


class News(NamedTuple):
    """by: who did that. lamps: all that the target means; unconfirmed: those that are not known to follow it now."""

    override: Override
    turn: Turn
    by: str
    lamps: tuple[bytes, ...]
    unconfirmed: tuple[bytes, ...]


class Holding:
    """overrides: the newest of each target, the caller's. members: the lamps of a target. confirmed: who follows."""

    def __init__(
        self,
        overrides: Mapping[Target, Override],
        members: Callable[[Target], list[bytes]],
        confirmed: Callable[[bytes], bool | None],
    ) -> None:
        self._overrides = overrides
        self._members = members
        self._confirmed = confirmed
        self._lasting: dict[Target, Override] | None = None  # None: nobody looked since the start
        self._news: list[News] = []

    def take(self, override: Override, now_s: int) -> None:
        """Somebody holds a level or ends what he held; before it is among the overrides, at Unix time *now_s*."""
        lasting = self._begin(now_s)
        before = lasting.pop(override.target, None)
        if before is not None and before.until_s > now_s:
            self._tell(before, Turn.ENDED if override.level_pct is None else Turn.REPLACED, override.source)
        if override.level_pct is not None:
            lasting[override.target] = override
            self._tell(override, Turn.HELD, override.source)

    def look(self, now_s: int) -> int | None:
        """Find what has run out; returns the Unix time at which the next one will, None: there is none."""
        lasting = self._begin(now_s)
        for target, override in list(lasting.items()):
            if override.until_s <= now_s:
                del lasting[target]
                self._tell(override, Turn.EXPIRED, override.source)
        return min((override.until_s for override in lasting.values()), default=None)

    def news(self) -> list[News]:
        """What happened; each is told once."""
        news, self._news = self._news, []
        return news

    def _begin(self, now_s: int) -> dict[Target, Override]:
        """Those that last; at the start those of the store, which were told of in the run before."""
        if self._lasting is None:
            held = [override for override in self._overrides.values() if override.level_pct is not None]
            self._lasting = {override.target: override for override in held if override.until_s > now_s}
        return self._lasting

    def _tell(self, override: Override, turn: Turn, by: str) -> None:
        lamps = tuple(self._members(override.target))
        unconfirmed = tuple(lamp for lamp in lamps if turn is Turn.HELD or not self._confirmed(lamp))
        self._news.append(News(override, turn, by, lamps, unconfirmed))
