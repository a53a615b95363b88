"""Who is silent: nodes not heard for three of their own intervals. It is told once, and once when they are back.

The interval is the longest lately between two readings, as the node itself tells it with their repeats: lost frames do
not lengthen it. A lamp whose feeder is switched has no power by day: who came back from such a pause lately is given
as long again. All this is soft state; after a start of the gateway every node has its three intervals and one more
before anything is said of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.network.registration import Registration

INTERVALS = 3
DEFAULT_MS = 3_600_000  # the heartbeat of a parking node; nothing of ours is heard less often
_LEAST_MS = 300_000  # a node that reads every minute and changes its data rate may be away for a while
_MOST_MS = 6 * 3_600_000
_PAUSE_MS = (4 * 3_600_000, 36 * 3_600_000)  # a day without power, as firmware/roles/light.py takes it
_HABIT_MS = 48 * 3_600_000  # a pause is expected again for so long
_LOOK_MS = 60_000  # a look at 5,000 nodes takes a fifth of a millisecond
MOST_AT_ONCE = 100  # notices in one commit, when the only radio of a town fails


@dataclass(slots=True)
class _Node:
    registration: Registration
    heard_ms: int
    interval_ms: int = DEFAULT_MS
    silent: bool = False
    pause_ms: int = 0  # how long the last long pause was, and when it ended
    paused_ms: int = 0
    excused_ms: int = 0  # until then its silence means nothing

    def patience_ms(self, now_ms: int) -> int:
        """After how long a silence is told."""
        habit_ms = self.pause_ms * 5 // 4 if self.pause_ms and now_ms - self.paused_ms < _HABIT_MS else 0
        return max(INTERVALS * self.interval_ms, habit_ms)


class Silence:
    """heard_before: devices of which something was heard before this start. now_ms: monotonic, as everywhere here."""

    def __init__(self, heard_before: Iterable[Registration] = (), now_ms: int = 0) -> None:
        self._nodes = {registration.dev_eui: _Node(registration, now_ms + DEFAULT_MS) for registration in heard_before}
        self._look_ms = now_ms + _LOOK_MS
        self._unseen: list[_Node] = []  # in this look, the last first: it sees each once, whatever comes of those told

    def heard(self, registration: Registration, gap_s: int | None, now_ms: int) -> int | None:
        """Something was heard of it. Returns for how many ms it had been silent, if that had been said.

        gap_s: how far apart two of its readings were that followed each other, if the frame told that.
        """
        node = self._nodes.get(registration.dev_eui)
        if node is None:
            self._nodes[registration.dev_eui] = _Node(registration, now_ms)
            return None
        silent_ms = now_ms - node.heard_ms
        node.heard_ms = now_ms
        if silent_ms >= _PAUSE_MS[0]:
            node.pause_ms = silent_ms if silent_ms <= _PAUSE_MS[1] else 0
            node.paused_ms = now_ms
        if gap_s is not None:
            interval_ms = max(gap_s * 1000, node.interval_ms - node.interval_ms // 8, _LEAST_MS)
            node.interval_ms = min(interval_ms, _MOST_MS)
        if not node.silent:
            return None
        node.silent = False
        return silent_ms

    def excuse(self, dev_eui: bytes, until_ms: int) -> None:
        """Nobody knows whether it has power until then: its silence, just told, counts from there."""
        node = self._nodes[dev_eui]
        node.silent, node.excused_ms = False, until_ms

    def silent(self) -> int:
        """How many are silent now."""
        return sum(node.silent for node in self._nodes.values())

    def forget(self, dev_eui: bytes) -> None:
        """It was removed."""
        self._nodes.pop(dev_eui, None)

    def wake_at(self) -> int | None:
        """When to look again."""
        return self._look_ms if self._nodes else None

    def wake(self, now_ms: int) -> list[tuple[Registration, int, int]]:
        """Those that have fallen silent, at most MOST_AT_ONCE: (device, ms since it was heard, its interval in ms)."""
        if now_ms < self._look_ms:
            return []
        fallen = []
        self._unseen = self._unseen or list(reversed(self._nodes.values()))
        while self._unseen:
            node = self._unseen.pop()
            if self._nodes.get(node.registration.dev_eui) is not node:
                continue  # it was removed since
            silent_ms = now_ms - node.heard_ms
            if silent_ms <= INTERVALS * node.interval_ms:
                continue  # as nearly all: a look at a town is not to hold its uplinks up
            counted_ms = min(silent_ms, now_ms - node.excused_ms) if node.excused_ms else silent_ms
            if not node.silent and counted_ms > node.patience_ms(now_ms):
                node.silent = True
                fallen.append((node.registration, silent_ms, node.interval_ms))
                if len(fallen) == MOST_AT_ONCE and self._unseen:
                    return fallen  # and look on at once
        self._look_ms = now_ms + _LOOK_MS
        return fallen
