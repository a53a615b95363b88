"""What becomes of a frame: received, or lost to exactly one cause."""

from enum import Enum


class Fate(Enum):
    """What became of a frame at one receiver; the value is the word for it in reports.

    Listed from the best to the worst: an uplink's overall fate is the first of this list that it had at any gateway.
    """

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


BEST_FIRST = tuple(Fate)
