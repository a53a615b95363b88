"""Wrong MICs: how many of one DevAddr or DevEUI are still looked at, and when an operator must hear of them.

A MIC has 32 bits, so each frame that is looked at is one guess in 4·10⁹. A bucket per address holds 100 guesses and
gets one more every 10 s: a year of forging at full speed succeeds with 0.07 %, the alarm ringing all the while. A
neighbour whose network happens to use the same DevAddr stays below that, and so do frames that noise changed.
"""

from collections import OrderedDict

MAX_ADDRESSES = 1_024  # suspicious ones; only those of our own devices get here. The least recent is forgotten first.
GUESSES = 100
REFILL_MS = 10_000
ALARM_AT = 100  # wrong MICs within an hour

_HOUR_MS = 3_600_000


class Suspicion:
    """What is held against each address: a DevAddr, or a DevEUI that asks to join."""

    def __init__(self) -> None:
        # address: (guesses left, since when, wrong ones in the hour, which began then)
        self._held: OrderedDict[int | bytes, tuple[int, int, int, int]] = OrderedDict()

    def too_many(self, address: int | bytes, now_ms: int) -> bool:
        """Whether frames of *address* are not even looked at now."""
        held = self._held.get(address)
        return held is not None and not held[0] + (now_ms - held[1]) // REFILL_MS

    def wrong(self, address: int | bytes, now_ms: int) -> bool:
        """A MIC was wrong; whether that is one too many, which is said once an hour."""
        left, since_ms, wrong, hour_ms = self._held.pop(address, (GUESSES, now_ms, 0, now_ms))
        gained = (now_ms - since_ms) // REFILL_MS
        since_ms += gained * REFILL_MS
        if now_ms - hour_ms >= _HOUR_MS:
            wrong, hour_ms = 0, now_ms
        self._held[address] = (max(0, min(GUESSES, left + gained) - 1), since_ms, wrong + 1, hour_ms)
        if len(self._held) > MAX_ADDRESSES:
            self._held.popitem(last=False)
        return wrong + 1 == ALARM_AT
