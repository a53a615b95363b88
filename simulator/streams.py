"""Named random streams: each thing in the city throws its own dice, so that one more node does not reshuffle others."""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class Stream:
    """The random numbers of one thing; drawn from `random.random()` only, which is the same on every CPython.

    unit: call it for a number from 0 to below 1, where a method more would cost too much.
    """

    __slots__ = ("_random", "unit")  # a town has tens of thousands

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

    def one_of(self, shares: Sequence[tuple[float, Choice]]) -> Choice:
        """One of the choices, each with its share of 1; the last takes what is left."""
        left = self._random()
        for share, choice in shares[:-1]:
            if left < share:
                return choice
            left -= share
        return shares[-1][1]

    def bell(self) -> float:
        """About a standard normal number (a sum of twelve uniform ones), without functions that differ by platform."""
        # Added one by one: since CPython 3.12 `sum` of floats rounds only once, which no other version does.
        draw = self._random
        first = draw() + draw() + draw() + draw() + draw() + draw()
        return first + draw() + draw() + draw() + draw() + draw() + draw() - 6.0

    def exponential(self, mean: float = 1.0) -> float:
        """An exponentially distributed number, by comparisons only: no logarithm that differs by platform.

        J. von Neumann, "Various techniques used in connection with random digits", NBS AMS 12 (1951), §4: of uniform
        numbers that fall, a run of odd length ends at its first number; after one of even length 1 is added.
        """
        draw = self._random
        whole = 0.0
        while True:
            first = last = draw()
            odd = True
            while (following := draw()) < last:
                last = following
                odd = not odd
            if odd:
                return mean * (whole + first)
            whole += 1.0

    def bytes(self, count: int) -> bytes:
        """*count* bytes, for keys of virtual nodes."""
        return bytes(self.below(256) for _ in range(count))
