"""How well lamps follow what somebody holds: how many do after ten seconds, and when the gateway knows that all do."""

from collections.abc import Mapping, Sequence

from simulator.chain.cabinet import Cabinet, OrderRefusedError
from simulator.fleet.node import FleetNode
from simulator.timeline import Timeline

_SOON_US = 10_000_000
_LOOK_US = 10_000_000  # how often the gateway is asked
_MOST_US = 3_600_000_000  # and for how long


class Scenes:
    """Of all lamps that are powered and heard. nodes: by name.

    followed: the least share of a scene's lamps that had its level after 10 s. confirmed_s: from the order of a scene
    until the gateway knew of its last lamp, the longest; an hour for one that it never knew of. None: no scene was.
    """

    def __init__(self, timeline: Timeline, nodes: Mapping[str, FleetNode], cabinet: Cabinet) -> None:
        self.followed: float | None = None
        self.confirmed_s: float | None = None
        self._timeline = timeline
        self._nodes = nodes
        self._cabinet = cabinet

    def began(self, names: Sequence[str], level_pct: int) -> None:
        """Somebody holds these lamps at that level, from now on."""
        now_us = self._timeline.now_us
        self._timeline.at(now_us + _SOON_US, lambda: self._count(names, level_pct))
        self._timeline.at(now_us + _LOOK_US, lambda: self._ask(names, now_us))

    def _count(self, names: Sequence[str], level_pct: int) -> None:
        lit = [self._nodes[name].hardware.lamps for name in names if self._nodes[name].runs]
        if lit:
            share = sum([all(lamp[0] == level_pct for lamp in lamps.values()) for lamps in lit]) / len(lit)
            self.followed = share if self.followed is None else min(self.followed, share)

    def _ask(self, names: Sequence[str], since_us: int) -> None:
        now_us = self._timeline.now_us
        if now_us - since_us < _MOST_US and not self._known(names):
            self._timeline.at(now_us + _LOOK_US, lambda: self._ask(names, since_us))
            return
        self.confirmed_s = max(self.confirmed_s or 0.0, (now_us - since_us) / 1e6)

    def _known(self, names: Sequence[str]) -> bool:
        """Whether the gateway knows of each lamp that it follows."""
        try:
            scenes = self._cabinet.lighting().scenes
        except OrderRefusedError:
            return False
        dev_euis = self._cabinet.dev_euis
        return all(scenes.confirmed(dev_euis[name]) or not self._nodes[name].runs for name in names)
