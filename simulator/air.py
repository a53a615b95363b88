"""The air between nodes and gateways: its two sides, and the simple air of the walking skeleton.

A node's body calls `transmit`; each gateway attached hears what the air lets through, at the end of the frame. A
gateway calls `emit`; whoever listens on that frequency and data rate hears the frame begin. Every uplink has exactly
one fate at every gateway, and the fates add up.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from protocol.region import frame_airtime_us
from simulator.streams import Stream
from simulator.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAir:
    """A frame on the air: who sends it, how, and from when to when (virtual µs)."""

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


Hear = Callable[[OnAir], None]


class Listener(Protocol):
    """A node's radio while it listens."""

    def begin(self, frame: OnAir) -> None:
        """The first symbol of a downlink arrives."""


class Air(Protocol):
    """The two sides of the air; "received" is one of the fates.

    fates: of the uplinks that ended, once for each gateway. down_fates: of the downlinks, for each radio tuned to one.
    """

    fates: Counter[str]
    down_fates: Counter[str]

    def attach(self, gateway: str, hear: Hear) -> None:
        """Gateway's side: call *hear* with each frame that arrives whole, at its end."""

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Node's side: begin a frame now; returns its airtime in µs."""

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Gateway's side: begin a downlink now; returns its airtime in µs."""

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Node's side: tell *listener* of each downlink there that is on the air now or begins, until `deafen`."""

    def deafen(self, listener: Listener) -> None:
        """Node's side: stop listening."""


class _Flight:
    """A frame on its way, and whether another one crossed it."""

    def __init__(self, frame: OnAir) -> None:
        self.frame = frame
        self.collided = False


class SimpleAir:
    """Equal power everywhere: frames that overlap destroy each other, of the rest a share is lost by chance.

    Frames overlap when they share a channel and a data rate; chance is thrown for each gateway by itself.
    watch: told of every frame as it begins. fates: frames by what became of them ("received", "collision" or
    "chance"), once for each gateway attached.
    """

    def __init__(self, timeline: Timeline, stream: Stream, loss: float, watch: Hear) -> None:
        self._timeline = timeline
        self._stream = stream
        self._loss = loss
        self._watch = watch
        self._gateways: dict[str, Hear] = {}
        self._flights: list[_Flight] = []
        self._downlinks: list[OnAir] = []
        self._listeners: dict[Listener, tuple[int, int]] = {}
        self.fates: Counter[str] = Counter()
        self.down_fates: Counter[str] = Counter()

    def attach(self, gateway: str, hear: Hear) -> None:
        """Add a gateway that hears every channel."""
        self._gateways[gateway] = hear

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Put a frame on the air now; returns its airtime in µs."""
        now_us = self._timeline.now_us
        frame = on_air(sender, phy_payload, freq_hz, dr, power_dbm, now_us)
        flight = _Flight(frame)
        for other in self._flights:
            if other.frame.end_us > now_us and (other.frame.freq_hz, other.frame.dr) == (freq_hz, dr):
                other.collided = flight.collided = True
        self._flights.append(flight)
        self._watch(frame)
        self._timeline.at(frame.end_us, lambda: self._land(flight))
        return frame.end_us - frame.start_us

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Put a downlink on the air now; returns its airtime in µs."""
        frame = on_air(gateway, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us, uplink=False)
        self._downlinks.append(frame)
        self._timeline.at(frame.end_us, lambda: self._downlinks.remove(frame))
        for listener, tuned in list(self._listeners.items()):
            if tuned == (freq_hz, dr):
                self._reach(listener, frame)
        return frame.end_us - frame.start_us

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Tune a node's radio."""
        self._listeners[listener] = freq_hz, dr
        for frame in self._downlinks:
            if (frame.freq_hz, frame.dr) == (freq_hz, dr):
                self._reach(listener, frame)

    def deafen(self, listener: Listener) -> None:
        """Switch a node's receiver off."""
        self._listeners.pop(listener, None)

    def _reach(self, listener: Listener, frame: OnAir) -> None:
        lost = self._stream.chance(self._loss)
        self.down_fates["chance" if lost else "received"] += 1
        if not lost:
            listener.begin(frame)

    def _land(self, flight: _Flight) -> None:
        self._flights.remove(flight)
        for hear in self._gateways.values():
            lost = self._stream.chance(self._loss)  # drawn for every frame, so that a collision does not shift the rest
            fate = "collision" if flight.collided else "chance" if lost else "received"
            self.fates[fate] += 1
            if fate == "received":
                hear(flight.frame)
