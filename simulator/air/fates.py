"""What becomes of a frame: received, or lost to exactly one cause."""

from collections import Counter
from enum import Enum


class Fate(Enum):
    """What became of a frame at one receiver; the value is the word for it in reports.

    Listed from the best to the worst: an uplink's overall fate is the first of this list that it had at any gateway.
    rank: the place in it, from 0.
    """

    rank: int

    def __init__(self, word: str) -> None:
        self.rank = len(type(self).__members__)

    RECEIVED = "received"
    CHANCE = "chance"  # the scenario's share of frames that are lost, whatever else happens
    BURST = "burst"  # a bad phase of this link
    COLLISION = "collision"  # with frames of the same channel and data rate
    CROSSTALK = "crosstalk"  # with frames of other data rates or of a neighbouring channel
    JAMMING = "jamming"
    NO_DEMODULATOR = "no demodulator"  # all of the gateway's were busy
    GATEWAY_SENDING = "gateway sending"  # a gateway that transmits hears nothing
    NOT_TUNED = "not tuned"  # the receiver listened to another channel or data rate
    GATEWAY_OFF = "gateway off"
    TOO_WEAK = "too weak"  # below the sensitivity at this data rate, or out of reach altogether


class Tally:
    """How many frames had which fate."""

    def __init__(self) -> None:
        self.counts = [0] * len(Fate)  # by rank: an Enum's own hash costs as much as all the rest

    def add(self, fate: Fate) -> None:
        """One more."""
        self.counts[fate.rank] += 1

    def counter(self) -> Counter[Fate]:
        """Those fates that there were, the best first."""
        return Counter({fate: count for fate, count in zip(Fate, self.counts, strict=True) if count})
