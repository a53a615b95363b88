"""An air in which nothing is ever lost."""

from collections import Counter

from protocol.region import frame_airtime_us
from simulator.air import Hear, OnAir
from simulator.timeline import Timeline


class PerfectAir:
    """Each gateway hears each frame, however many cross. Implements simulator.air.Air."""

    def __init__(self, timeline: Timeline) -> None:
        self.fates: Counter[str] = Counter()
        self._timeline = timeline
        self._gateways: list[Hear] = []

    def attach(self, gateway: str, hear: Hear) -> None:
        """Add a gateway."""
        self._gateways.append(hear)

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Carry a frame to all gateways."""
        airtime_us = frame_airtime_us(dr, len(phy_payload))
        now_us = self._timeline.now_us
        frame = OnAir(
            sender=sender,
            phy_payload=phy_payload,
            freq_hz=freq_hz,
            dr=dr,
            power_dbm=power_dbm,
            start_us=now_us,
            end_us=now_us + airtime_us,
        )
        self._timeline.at(frame.end_us, lambda: self._arrive(frame))
        return airtime_us

    def _arrive(self, frame: OnAir) -> None:
        for hear in self._gateways:
            self.fates["received"] += 1
            hear(frame)
