"""The two sides of the air, as nodes and gateways see it.

A node's body calls `transmit`; each gateway attached hears what the air lets through, at the end of the frame. A
gateway calls `emit`; whoever listens on that frequency and data rate hears the frame begin and end. Every uplink has
exactly one fate at every gateway and one overall, and the fates add up.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from protocol.region import frame_airtime_us
from simulator.air.fates import Fate
from simulator.air.position import Position
from simulator.air.station import Station


class OnAir(NamedTuple):
    """A frame on the air: who sends it, how (power_dbm is EIRP), and from when to when (virtual µs)."""

    sender: str
    phy_payload: bytes
    freq_hz: int
    dr: int
    power_dbm: int
    start_us: int
    end_us: int


def on_air(
    sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int, start_us: int, uplink: bool = True
) -> OnAir:
    """A frame that begins at *start_us* and takes its airtime; of LoRa frames only uplinks carry a CRC."""
    return OnAir(
        sender=sender,
        phy_payload=phy_payload,
        freq_hz=freq_hz,
        dr=dr,
        power_dbm=power_dbm,
        start_us=start_us,
        end_us=start_us + frame_airtime_us(dr, len(phy_payload), uplink),
    )


class Reception(NamedTuple):
    """How a frame arrived at one receiver, in steps of 0.01 dB."""

    rssi_dbm: float
    snr_db: float


Hear = Callable[[OnAir, Reception], None]
Watch = Callable[[OnAir], None]
Herald = Callable[[int, int], None]  # frequency in Hz, data rate


class Listener(Protocol):
    """A node's radio while it listens."""

    @property
    def name(self) -> str:
        """The node's, under which `Air.place` knows where it stands."""

    def minds(self, frame: OnAir) -> bool:
        """Whether anything comes of this downlink if it is heard; the air spares itself what nobody would notice."""

    def begin(self, frame: OnAir) -> None:
        """A downlink that is strong enough to be read begins, or is on the air already as the radio tunes in."""

    def end(self, frame: OnAir, reception: Reception | None) -> None:
        """A downlink that began is over, and the radio still listens; None: it was destroyed on its way."""


class Air(Protocol):
    """The two sides of the air.

    down_fates: of the downlinks, one for each radio that was tuned to one and minds it.
    """

    @property
    def fates(self) -> Counter[Fate]:
        """Of the uplinks that ended: each one's best fate at any gateway."""

    @property
    def down_fates(self) -> Counter[Fate]:
        """Of the downlinks: one for each radio that was tuned to one and minds it, as soon as it is known."""

    def fates_at(self, gateway: str) -> Counter[Fate]:
        """Of the uplinks that ended: each one's fate at this gateway."""

    def attach(self, gateway: str, hear: Hear, station: Station = ...) -> None:
        """Gateway's side: call *hear* with each frame that arrives whole, at its end."""

    def place(self, node: str, position: Position, loss_db: float = 0.0) -> None:
        """Say where a node stands, and what its own place costs it (a lid of steel, a pit under a car)."""

    def herald(self, tell: Herald) -> None:
        """Node's side: call *tell* right before each downlink, so that who is to listen then need not do so before."""

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Node's side: begin a frame now; returns its airtime in µs."""

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Gateway's side: begin a downlink now; returns its airtime in µs."""

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Node's side: tell *listener* of each downlink there that is on the air now or begins, until `deafen`."""

    def deafen(self, listener: Listener) -> None:
        """Node's side: stop listening."""
