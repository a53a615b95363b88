"""The life of a warm node before the run: the real firmware joins a quiet network, is told the time and its data rate.

It happens on a timeline of the node's own, at times before 0, and is over in a millisecond of ours. At 0 the node goes
on in the street as it is: session, counters, log and bays are what its firmware made them. Two things are not lived
through but told, so that five thousand nodes do not all do daily what they do daily at the same hour: answers about the
time some hours ago, and when the next status is due.
"""

from collections import Counter

from protocol.civil import DAY_S, to_gps
from protocol.region import rx1_dr
from simulator.air.fates import Fate
from simulator.air.interface import Hear, Herald, Listener, OnAir, Reception, on_air
from simulator.air.position import Position
from simulator.air.station import Station
from simulator.fleet.network import QuietNetwork
from simulator.streams import Stream
from simulator.timeline import Timeline

LEAST_S = 180  # from the boot to the run: to join, to tell the status, to learn the data rate
_LEARNT_S = 7200  # between two answers about the time, of which the node learns its drift
_LOUD = Reception(-80.0, 9.0)


class QuietAir:
    """An air with one node and *network* in it. Implements `simulator.air.interface.Air` as far as a body needs it."""

    def __init__(self, timeline: Timeline, network: QuietNetwork) -> None:
        self.fates: Counter[Fate] = Counter()
        self.down_fates: Counter[Fate] = Counter()
        self._timeline = timeline
        self._network = network
        self._tuned: tuple[Listener, int, int] | None = None
        self._answering: OnAir | None = None  # at slow data rates a window opens after the frame has begun

    def fates_at(self, gateway: str) -> Counter[Fate]:
        """There is no gateway."""
        return self.fates

    def attach(self, gateway: str, hear: Hear, station: Station = Station()) -> None:  # noqa: B008 - frozen
        """There is no gateway."""

    def place(self, node: str, position: Position, loss_db: float = 0.0) -> None:
        """The network is everywhere."""

    def herald(self, tell: Herald) -> None:
        """Its one node listens by itself."""

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """The network hears it, and answers in RX1."""
        frame = on_air(sender, phy_payload, freq_hz, dr, power_dbm, self._timeline.now_us)
        answer = self._network.hear(phy_payload, frame.end_us)
        if answer is not None:
            down, delay_s = answer
            start_us = frame.end_us + delay_s * 1_000_000
            self._timeline.at(start_us, lambda: self._answer(down, freq_hz, rx1_dr(dr, 0), start_us))
        return frame.end_us - frame.start_us

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """There is no gateway."""
        return 0

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """The node turns its receiver on."""
        self._tuned = listener, freq_hz, dr
        frame = self._answering
        if frame is not None and (frame.freq_hz, frame.dr) == (freq_hz, dr) and listener.minds(frame):
            listener.begin(frame)

    def deafen(self, listener: Listener) -> None:
        """And off."""
        self._tuned = None

    def _answer(self, phy_payload: bytes, freq_hz: int, dr: int, start_us: int) -> None:
        frame = self._answering = on_air("network", phy_payload, freq_hz, dr, 14, start_us, uplink=False)
        if self._tuned is not None and self._tuned[1:] == (freq_hz, dr) and self._tuned[0].minds(frame):
            self._tuned[0].begin(frame)
        self._timeline.at(frame.end_us, lambda: self._over(frame))

    def _over(self, frame: OnAir) -> None:
        self._answering = None
        if self._tuned is not None and self._tuned[1:] == (frame.freq_hz, frame.dr):
            self._tuned[0].end(frame, _LOUD)


def history(dice: Stream, start_s: int, since_s: float, ppm: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two answers about the time, as (gps_s, at_ms) of a clock that gains *ppm* and began *since_s* before *start_s*.

    The second was up to a day before the run: so the node asks again when that day is over.
    """
    second_s = -dice.uniform(since_s, DAY_S)
    answers = []
    for at_s in (second_s - _LEARNT_S, second_s):
        gps_s = to_gps(0, start_s + int(at_s))
        clock_s = (int(at_s) + since_s) * (1_000_000 + ppm) / 1_000_000
        answers.append((gps_s, int(clock_s * 1000)))
    return answers[0], answers[1]
