"""The clocks of a node: a crystal while it is awake or dozes, and a poor oscillator in deep sleep.

What a node calls a second is the street's second, give or take: ±20 ppm by the crystal, up to ±3 % by the RC
oscillator that is all that runs in deep sleep. That one moves with the temperature too: here by a quarter of what it is
off, up and down with the day. [A]: data sheets say ±5 % over the whole range; nobody measured ours.
"""

from simulator.stimuli.cycles import DAY_S, cycle

WORST_SLEEP_PPM = 30_000
_UNIT = 1_000_000
_SWING = 4  # a quarter
_WARMEST_S = 54_000  # of the day, UTC


class NodeClock:
    """Ticks from *node_us* on at virtual time *true_us*; all times in µs.

    awake_ppm, sleep_ppm: how much it gains; positive is fast. asleep: whether it goes by the poor oscillator.
    """

    __slots__ = ("_awake", "_node_us", "_rate", "_true_us", "asleep", "sleep_ppm")

    def __init__(self, true_us: int, node_us: int = 0, awake_ppm: int = 0, sleep_ppm: int = 0) -> None:
        self._true_us = true_us
        self._node_us = node_us
        self._rate = self._awake = _UNIT + awake_ppm
        self.sleep_ppm = sleep_ppm
        self.asleep = False

    def awake_ppm(self, ppm: int) -> None:
        """From the next `wake` on the crystal gains so much."""
        self._awake = _UNIT + ppm

    def wake(self, true_us: int) -> int:
        """Go on by the crystal; returns the node's time in µs."""
        node_us = self._node_us = self._node_us + (true_us - self._true_us) * self._rate // _UNIT
        self._true_us = true_us
        self._rate = self._awake
        self.asleep = False
        return node_us

    def sleep(self, time_s: int) -> None:
        """Go on by the poor oscillator from the moment of the last `wake`, which is *time_s* (Unix)."""
        self.asleep = True
        ppm = self.sleep_ppm
        if ppm:
            ppm += int(ppm / _SWING * cycle(time_s, DAY_S, _WARMEST_S))
            self._rate = _UNIT + max(-WORST_SLEEP_PPM, min(WORST_SLEEP_PPM, ppm))

    def when_us(self, node_us: int) -> int:
        """The virtual time at which it will show *node_us*, or that of the last `wake` if it has been."""
        left_us = node_us - self._node_us
        if left_us <= 0:
            return self._true_us
        return self._true_us - left_us * _UNIT // -self._rate
