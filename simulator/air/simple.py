"""The simple air of small studies: equal power everywhere, no distance, losses by collision and by chance only."""

from collections import Counter

from simulator.air.fates import Fate
from simulator.air.interface import Hear, Herald, Listener, OnAir, Reception, Watch, on_air
from simulator.air.position import Position
from simulator.air.station import Station
from simulator.streams import Stream
from simulator.timeline import Timeline

STATION = Station()
RECEPTION = Reception(-90.0, 7.0)  # of all frames


class _Flight:
    """A frame on its way, and whether another one crossed it."""

    def __init__(self, frame: OnAir) -> None:
        self.frame = frame
        self.collided = False


class SimpleAir:
    """Frames that overlap destroy each other, of the rest a share is lost by chance.

    Frames overlap when they share a channel and a data rate; chance is thrown for each gateway by itself.
    watch: told of every uplink as it begins.
    """

    def __init__(self, timeline: Timeline, stream: Stream, loss: float, watch: Watch) -> None:
        self._timeline = timeline
        self._stream = stream
        self._loss = loss
        self._watch = watch
        self._gateways: dict[str, Hear] = {}
        self._flights: list[_Flight] = []
        self._heralds: list[Herald] = []
        self._downlinks: list[OnAir] = []
        self._listeners: dict[Listener, tuple[int, int]] = {}
        self._fates_at: dict[str, Counter[Fate]] = {}
        self._caught: dict[Listener, list[OnAir]] = {}
        self.fates: Counter[Fate] = Counter()
        self.down_fates: Counter[Fate] = Counter()

    def fates_at(self, gateway: str) -> Counter[Fate]:
        """What this gateway made of the uplinks that ended."""
        return self._fates_at[gateway]

    def attach(self, gateway: str, hear: Hear, station: Station = STATION) -> None:
        """Add a gateway that hears every channel, wherever it stands."""
        self._gateways[gateway] = hear
        self._fates_at[gateway] = Counter()

    def place(self, node: str, position: Position, loss_db: float = 0.0) -> None:
        """All places are alike."""

    def herald(self, tell: Herald) -> None:
        """Call *tell* right before each downlink."""
        self._heralds.append(tell)

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
        for tell in self._heralds:
            tell(freq_hz, dr)
        frame = on_air(gateway, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us, uplink=False)
        self._downlinks.append(frame)
        self._timeline.at(frame.end_us, lambda: self._pass(frame))
        for listener, tuned in list(self._listeners.items()):
            if tuned == (freq_hz, dr):
                self._reach(listener, frame)
        return frame.end_us - frame.start_us

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Tune a node's radio."""
        self._listeners[listener] = freq_hz, dr
        self._caught[listener] = []
        for frame in self._downlinks:
            if (frame.freq_hz, frame.dr) == (freq_hz, dr):
                self._reach(listener, frame)

    def deafen(self, listener: Listener) -> None:
        """Switch a node's receiver off."""
        self._listeners.pop(listener, None)
        self._caught.pop(listener, None)

    def _reach(self, listener: Listener, frame: OnAir) -> None:
        lost = self._stream.chance(self._loss)
        self.down_fates[Fate.CHANCE if lost else Fate.RECEIVED] += 1
        if not lost:
            self._caught[listener].append(frame)
            listener.begin(frame)

    def _pass(self, frame: OnAir) -> None:
        self._downlinks.remove(frame)
        for listener in list(self._listeners):
            caught = self._caught.get(listener, [])
            if frame in caught:
                caught.remove(frame)
                listener.end(frame, RECEPTION)

    def _land(self, flight: _Flight) -> None:
        self._flights.remove(flight)
        fates = []
        for gateway, hear in self._gateways.items():
            lost = self._stream.chance(self._loss)  # drawn for every frame, so that a collision does not shift the rest
            fate = Fate.COLLISION if flight.collided else Fate.CHANCE if lost else Fate.RECEIVED
            self._fates_at[gateway][fate] += 1
            fates.append(fate)
            if fate is Fate.RECEIVED:
                hear(flight.frame, RECEPTION)
        if fates:
            self.fates[min(fates, key=lambda fate: fate.rank)] += 1
