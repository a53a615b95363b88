"""What every link speaks, whatever it is made of: a frame heard, a frame to send, what became of it, how a radio is."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol


class Received(NamedTuple):
    """A frame as one radio heard it.

    radio: names the concentrator, bridge or cable: `udp:<gateway EUI>`, `bridge:<EUI>`, `cable:<DevEUI>`. counter_us:
    the radio's own clock at the end of the frame, 32 bits that wrap; None where it has none. On a cable freq_hz is 0,
    dr 5 (222 bytes) and counter_us, snr_db and rssi_dbm are None: there are no windows, and an answer goes at once.
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
    GPS_UNLOCKED = "gps_unlocked"
    RADIO_FAULT = "radio_fault"
    NO_ANSWER = "no_answer"  # the radio did not say: it may have gone out, so its FCntDown is used
    LINK_DOWN = "link_down"  # it did not go out: there is no such radio now


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitResult:
    """The answer to the Transmit with this token."""

    token: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioReport:
    """A radio came, went, or told its own counts; *detail* is a sentence for the operator.

    figures: (name, number) pairs as the radio counts them, such as ("rxnb", 12.0); they need not be complete.
    """

    radio: str
    online: bool
    detail: str
    figures: tuple[tuple[str, float], ...] = ()


Heard = Received | TransmitResult | RadioReport


class Link(Protocol):
    """A way frames reach us. One that fails reconnects by itself; only closing ends it."""

    async def receive(self) -> Heard:
        """Wait for what comes next. Raises EOFError once the link is closed and drained."""

    async def transmit(self, transmit: Transmit) -> None:
        """Hand over a downlink; exactly one TransmitResult comes through `receive`, LINK_DOWN if no radio got it."""

    async def close(self) -> None:
        """Let go of the port or socket; what was received before still drains."""
