"""What every link speaks, whatever it is made of: a frame heard, a frame to send, and what became of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A frame as one radio heard it.

    radio: the EUI or name of the concentrator, bridge or cable. counter_us: the radio's own clock at the end of the
    frame, 32 bits that wrap; None where it has none. snr_db and rssi_dbm are None on a cable.
    """

    radio: str
    phy_payload: bytes
    freq_hz: int
    dr: int
    counter_us: int | None = None
    rssi_dbm: int | None = None
    snr_db: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmit:
    """A downlink for one radio: at its *counter_us*, or at once when None. token returns with the result."""

    token: int
    radio: str
    phy_payload: bytes
    freq_hz: int
    dr: int
    power_dbm: int
    counter_us: int | None = None


class Outcome(Enum):
    """What a radio says of a Transmit (the packet forwarder's TX_ACK; GWMP v2)."""

    SENT = "sent"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"
    COLLISION = "collision"
    TX_FREQ = "tx_freq"
    TX_POWER = "tx_power"
    LINK_DOWN = "link_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitResult:
    """The answer to the Transmit with this token."""

    token: int
    outcome: Outcome


class Link(Protocol):
    """A way frames reach us. One that fails reconnects by itself; only closing ends it."""

    async def receive(self) -> Received | TransmitResult:
        """Wait for the next frame or result. Raises EOFError once the link is closed and drained."""

    async def transmit(self, transmit: Transmit) -> None:
        """Hand over a downlink; exactly one TransmitResult comes through `receive`, LINK_DOWN if no radio got it."""

    async def close(self) -> None:
        """Let go of the port or socket; what was received before still drains."""
