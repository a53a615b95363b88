"""Named random streams: each thing in the city throws its own dice, so that one more node does not reshuffle others."""

import hashlib
import math
import random


class Stream:
    """The random numbers of one thing; drawn from `random.random()` only, which is the same on every CPython.

    unit: call it for a number from 0 to below 1, where a method more would cost too much.
    """

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._random = self.unit = random.Random(int.from_bytes(digest[:8], "big")).random

    def uniform(self, low: float, high: float) -> float:
        """A number from low to below high."""
        return low + (high - low) * self._random()

    def below(self, limit: int) -> int:
        """A whole number 0..limit-1."""
        return int(self._random() * limit)

    def chance(self, probability: float) -> bool:
        """Whether something that happens with *probability* happened."""
        return self._random() < probability

    def bell(self) -> float:
        """About a standard normal number (a sum of twelve uniform ones), without functions that differ by platform."""
        return sum(self._random() for _ in range(12)) - 6.0

    def exponential(self, mean: float) -> float:
        """How long to wait for what comes once in *mean*; its last bits differ by platform, so round it well."""
        return -mean * math.log(1.0 - self._random())

    def bytes(self, count: int) -> bytes:
        """*count* bytes, for keys of virtual nodes."""
        return bytes(self.below(256) for _ in range(count))
