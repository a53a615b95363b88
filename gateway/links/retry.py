"""When to try again what has failed: sooner at first, later each time, never in step with others."""

import random

# A port that is back is found within 2 s, whatever the dice say: 1.5 s and a quarter more.
FIRST_S = 0.1
LAST_S = 1.5
_GROWTH = 2.0
_JITTER = 0.25  # so that many links, or gateways after a power cut, do not knock together


class Retry:
    """Gives the seconds to wait before each next try; *dice* make the jitter."""

    def __init__(self, dice: random.Random, first_s: float = FIRST_S, last_s: float = LAST_S) -> None:
        self._dice = dice
        self._first_s = first_s
        self._last_s = last_s
        self._next_s = first_s

    def reset(self) -> None:
        """It worked: begin anew."""
        self._next_s = self._first_s

    def delay_s(self) -> float:
        """How long to wait now, at most a quarter more than *last_s*."""
        delay_s = self._next_s * self._dice.uniform(1 - _JITTER, 1 + _JITTER)
        self._next_s = min(self._next_s * _GROWTH, self._last_s)
        return delay_s
