"""When nodes of one kind read, so that those which were powered together do not speak together for ever.

A power cut makes a whole town begin within seconds. Its nodes share their first interval out between them, and none
keeps to a time: two whose frames meet once, or one that speaks while the gateway answers another, would meet at every
interval.
"""

from protocol.compat import const

EARLIER_S = const(32)  # the times of a node vary by less than this
_DRAWS = const(65537)  # x -> 75 x + 74 goes through all below it (the ZX81's generator), in small integers


def draw_after(draw: int) -> int:
    """The next of a node's numbers; the first one is its seed, 0 or more."""
    return (75 * (draw % _DRAWS) + 74) % _DRAWS


class Turns:
    """The intervals of one node. seed: 0 or more, unlike its neighbours'."""

    def __init__(self, seed: int) -> None:
        self.state = -1 - seed % _DRAWS  # what a deep sleep must not take: a number drawn; below 0 before the first

    def gap_s(self, interval_s: int) -> int:
        """From this reading to the next, on average interval_s (60 and more).

        The first is any time from half of it to one and a half, the others differ by a few seconds.
        """
        is_first = self.state < 0
        self.state = draw_after(-1 - self.state if is_first else self.state)
        if is_first:  # in proportion: neighbours' numbers are 75 apart, which divides most intervals
            return interval_s + interval_s // 2 - ((self.state >> 4) * interval_s >> 12)
        return interval_s + EARLIER_S // 2 - self.state % (EARLIER_S + 1)
