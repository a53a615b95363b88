"""An air in which nothing is ever lost."""

from collections import Counter

from simulator.air import Hear, Listener, OnAir, on_air
from simulator.timeline import Timeline


class PerfectAir:
    """Each gateway hears each frame, however many cross. Implements simulator.air.Air."""

    def __init__(self, timeline: Timeline) -> None:
        self.fates: Counter[str] = Counter()
        self._timeline = timeline
        self._gateways: list[Hear] = []
        self.down_fates: Counter[str] = Counter()
        self._listeners: dict[Listener, tuple[int, int]] = {}
        self._downlinks: list[OnAir] = []

    def attach(self, gateway: str, hear: Hear) -> None:
        """Add a gateway."""
        self._gateways.append(hear)

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Carry a frame to all gateways."""
        frame = on_air(sender, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us)
        self._timeline.at(frame.end_us, lambda: self._arrive(frame))
        return frame.end_us - frame.start_us

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Carry a downlink to all who listen there."""
        frame = on_air(gateway, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us, uplink=False)
        self._downlinks.append(frame)
        self._timeline.at(frame.end_us, lambda: self._downlinks.remove(frame))
        for listener, tuned in list(self._listeners.items()):
            if tuned == (freq_hz, dr):
                self.down_fates["received"] += 1
                listener.begin(frame)
        return frame.end_us - frame.start_us

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Tune a node's radio."""
        self._listeners[listener] = freq_hz, dr
        for frame in self._downlinks:
            if (frame.freq_hz, frame.dr) == (freq_hz, dr):
                self.down_fates["received"] += 1
                listener.begin(frame)

    def deafen(self, listener: Listener) -> None:
        """Switch a receiver off."""
        self._listeners.pop(listener, None)

    def _arrive(self, frame: OnAir) -> None:
        for hear in self._gateways:
            self.fates["received"] += 1
            hear(frame)
