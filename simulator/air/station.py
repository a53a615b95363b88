"""The radio side of a gateway: where its antenna stands, and what it can listen to."""

from dataclasses import dataclass
from enum import Enum

from protocol.region import STANDARD_CHANNELS
from simulator.air.position import ORIGIN, Position


class Kind(Enum):
    """What receives: a concentrator (eight channels, all data rates at once) or a bridge (one channel, one rate)."""

    CONCENTRATOR = "concentrator"
    BRIDGE = "bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One gateway's radio.

    channels_hz: what it listens to; a bridge to the first of them. bridge_dr: a bridge's only data rate. demodulators:
    how many frames it can read at once; a bridge one. gain_dbi: of its antenna, less its cable; nodes send and gateways
    emit so much EIRP as they say, so it counts for what is received. half_duplex: whether it hears nothing while it
    sends; one that has an antenna for each could do without.
    """

    position: Position = ORIGIN
    kind: Kind = Kind.CONCENTRATOR
    channels_hz: tuple[int, ...] = STANDARD_CHANNELS
    bridge_dr: int = 3
    demodulators: int = 8
    gain_dbi: float = 0.0
    half_duplex: bool = True

    def hears(self, freq_hz: int, dr: int) -> bool:
        """Whether it listens to that channel at that data rate."""
        if self.kind is Kind.BRIDGE:
            return (freq_hz, dr) == (self.channels_hz[0], self.bridge_dr)
        return freq_hz in self.channels_hz
