"""An air in which nothing is ever lost."""

from collections import Counter

from simulator.air.fates import Fate
from simulator.air.interface import Hear, Herald, Listener, OnAir, Reception, on_air
from simulator.air.position import Position
from simulator.air.station import Station
from simulator.timeline import Timeline

RECEPTION = Reception(-90.0, 7.0)
STATION = Station()


class PerfectAir:
    """Each gateway hears each frame, however many cross. Implements simulator.air.interface.Air."""

    def __init__(self, timeline: Timeline) -> None:
        self.fates: Counter[Fate] = Counter()
        self._timeline = timeline
        self._gateways: dict[str, Hear] = {}
        self.down_fates: Counter[Fate] = Counter()
        self._listeners: dict[Listener, tuple[int, int]] = {}
        self._heralds: list[Herald] = []
        self._downlinks: list[OnAir] = []

    def fates_at(self, gateway: str) -> Counter[Fate]:
        """The same at all of them."""
        return self.fates

    def attach(self, gateway: str, hear: Hear, station: Station = STATION) -> None:
        """Add a gateway."""
        self._gateways[gateway] = hear

    def place(self, node: str, position: Position, loss_db: float = 0.0) -> None:
        """All places are alike."""

    def herald(self, tell: Herald) -> None:
        """Call *tell* right before each downlink."""
        self._heralds.append(tell)

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Carry a frame to all gateways."""
        frame = on_air(sender, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us)
        self._timeline.at(frame.end_us, lambda: self._arrive(frame))
        return frame.end_us - frame.start_us

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Carry a downlink to all who listen there."""
        for tell in self._heralds:
            tell(freq_hz, dr)
        frame = on_air(gateway, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us, uplink=False)
        self._downlinks.append(frame)
        self._timeline.at(frame.end_us, lambda: self._pass(frame))
        for listener, tuned in list(self._listeners.items()):
            if tuned == (freq_hz, dr) and listener.minds(frame):
                listener.begin(frame)
        return frame.end_us - frame.start_us

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Tune a node's radio."""
        self._listeners[listener] = freq_hz, dr
        for frame in self._downlinks:
            if (frame.freq_hz, frame.dr) == (freq_hz, dr) and listener.minds(frame):
                listener.begin(frame)

    def deafen(self, listener: Listener) -> None:
        """Switch a receiver off."""
        self._listeners.pop(listener, None)

    def _pass(self, frame: OnAir) -> None:
        self._downlinks.remove(frame)
        for listener, tuned in list(self._listeners.items()):
            if tuned == (frame.freq_hz, frame.dr) and listener.minds(frame):
                self.down_fates[Fate.RECEIVED] += 1
                listener.end(frame, RECEPTION)

    def _arrive(self, frame: OnAir) -> None:
        self.fates[Fate.RECEIVED] += 1
        for hear in self._gateways.values():
            hear(frame, RECEPTION)
