"""No dark street: at night a lamp that has power shines, unless somebody who may has ordered otherwise.

Night is when the sun is so low that civil twilight is over: then nobody argues. A lamp has a minute to come up.
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.timeline import Timeline
from simulator.truths.breaches import NO_DARK_STREET, Breaches

GRACE_US = 60_000_000  # booting, and the longest fade of the default programme
_STEP_US = 600_000_000  # how often dusk and dawn are looked for


@dataclass(slots=True)
class _Lamp:
    """One head. since_us: since when it is dark though it has power; None: it is not. until_us: of an order for dark.

    dark_us: so long it was dark at night and without an order, counted up to counted_us.
    """

    name: str
    powered: bool = True
    level_pct: int = 0
    since_us: int | None = 0
    until_us: int = 0
    dark_us: int = 0
    counted_us: int = 0


class Darkness:
    """night: whether it is, at a Unix time. start_s: Unix time of virtual time 0."""

    def __init__(self, timeline: Timeline, start_s: int, night: Callable[[float], bool], breaches: Breaches) -> None:
        self._timeline = timeline
        self._start_s = start_s
        self._night = night
        self._breaches = breaches
        self._lamps: dict[tuple[str, int], _Lamp] = {}
        self._by_name: dict[str, list[_Lamp]] = {}
        self._is_night = False
        self._since_us = 0  # since when it is night

    def begin(self) -> None:
        """Look at the sky from now on; call it once."""
        self._look()

    def meet(self, name: str, heads: int) -> None:
        """A lamp post with so many heads, which have power and are dark."""
        for head in range(heads):
            lamp = self._lamps[name, head] = _Lamp(name)
            self._by_name.setdefault(name, []).append(lamp)

    def power(self, name: str, on: bool) -> None:
        """A lamp post has power, or none; without it nobody expects light."""
        for lamp in self._by_name.get(name, ()):
            lamp.powered = on
            if not on:
                lamp.level_pct = 0
            self._turn(lamp)

    def set(self, name: str, head: int, level_pct: int) -> None:
        """A lamp goes to that level."""
        lamp = self._lamps.get((name, head))
        if lamp is not None:
            lamp.level_pct = level_pct
            self._turn(lamp)

    def ordered(self, name: str, until_us: int) -> None:
        """Somebody who may has ordered that lamp post dark until then."""
        for lamp in self._by_name.get(name, ()):
            lamp.until_us = max(lamp.until_us, until_us)

    def dark_min(self) -> float:
        """Minutes of lamps dark at night though they had power, those of the grace included."""
        for lamp in self._lamps.values():
            self._count(lamp)
        return round(sum(lamp.dark_us for lamp in self._lamps.values()) / 60_000_000, 1)

    def _turn(self, lamp: _Lamp) -> None:
        """Its light or its power changed."""
        dark = lamp.powered and not lamp.level_pct
        self._count(lamp)
        if not dark:
            lamp.since_us = None
        elif lamp.since_us is None:
            lamp.since_us = self._timeline.now_us
            self._check_later(lamp)

    def _count(self, lamp: _Lamp) -> None:
        """Add what of its darkness lies in this night and was not ordered."""
        now_us = self._timeline.now_us
        if lamp.since_us is not None and self._is_night:
            from_us = max(lamp.since_us, self._since_us, lamp.until_us, lamp.counted_us)
            lamp.dark_us += max(0, now_us - from_us)
        lamp.counted_us = now_us

    def _check_later(self, lamp: _Lamp) -> None:
        since_us = lamp.since_us
        assert since_us is not None
        at_us = max(since_us, self._since_us, lamp.until_us) + GRACE_US
        self._timeline.at(at_us, lambda: self._check(lamp, since_us))

    def _check(self, lamp: _Lamp, since_us: int) -> None:
        """Whether it is still dark as since then."""
        now_us = self._timeline.now_us
        if lamp.since_us != since_us or not self._is_night:
            return
        if lamp.until_us + GRACE_US > now_us:
            self._check_later(lamp)
        else:
            self._breaches(NO_DARK_STREET, now_us, lamp.name, "it is night, it has power, and it is dark")

    def _look(self) -> None:
        """Dusk and dawn, to ten minutes."""
        now_us = self._timeline.now_us
        night = self._night(self._start_s + now_us / 1e6)
        if night != self._is_night:
            for lamp in self._lamps.values():
                self._count(lamp)
            self._is_night, self._since_us = night, now_us
            if night:
                for lamp in self._lamps.values():
                    if lamp.since_us is not None:
                        self._check_later(lamp)
        self._timeline.at(now_us + _STEP_US, self._look)
