"""A town's air as its tests need it: who sends when, and what was heard, settled and counted."""

from collections.abc import Iterator

from protocol.region import STANDARD_CHANNELS
from simulator.air.fates import Fate
from simulator.air.interface import OnAir, Reception
from simulator.air.model import RadioModel
from simulator.air.position import Position
from simulator.air.radio import RadioAir
from simulator.air.station import Station
from simulator.streams import Stream
from simulator.timeline import Timeline

FLAT = RadioModel(path_loss="everywhere", shadowing_db=0.0, fading_db=0.0)  # every frame at -86 dBm and 31 dB of SNR
CHANNEL_HZ = STANDARD_CHANNELS[0]


class Ear:
    """A node's radio that listens, and what it heard."""

    def __init__(self, town: "Town", name: str) -> None:
        self.name = name
        self.began: list[tuple[int, OnAir]] = []
        self.ended: list[tuple[int, bytes, Reception | None]] = []
        self._timeline = town.timeline

    def minds(self, frame: OnAir) -> bool:
        return True

    def begin(self, frame: OnAir) -> None:
        self.began.append((self._timeline.now_us, frame))

    def end(self, frame: OnAir, reception: Reception | None) -> None:
        self.ended.append((self._timeline.now_us, frame.phy_payload, reception))


class Town:
    """heard: (gateway, frame, reception) in order. settled: (payload, fate) in order."""

    def __init__(self, model: RadioModel = FLAT, seed: int = 1) -> None:
        self.timeline = Timeline()
        self.begun: list[OnAir] = []
        self.heard: list[tuple[str, OnAir, Reception]] = []
        self.settled: list[tuple[bytes, Fate]] = []
        self.air = RadioAir(self.timeline, seed, model, self.begun.append, self._settle)

    def gateway(self, name: str = "gateway", **station: object) -> None:
        station["position"] = Position(*station.pop("at", (0.0, 0.0, 20.0)))  # type: ignore[misc]
        self.air.attach(name, lambda frame, how: self.heard.append((name, frame, how)), Station(**station))  # type: ignore[arg-type]

    def node(
        self, name: str, x_m: float = 100.0, y_m: float = 0.0, height_m: float = 3.0, loss_db: float = 0.0
    ) -> None:
        self.air.place(name, Position(x_m, y_m, height_m), loss_db)

    def send(
        self, at_us: int, name: str, payload: bytes = bytes(30), freq_hz: int = CHANNEL_HZ, dr: int = 5, dbm: int = 14
    ) -> None:
        self.timeline.at(at_us, lambda: self.air.transmit(name, payload, freq_hz, dr, dbm) and None)

    def emit(
        self, at_us: int, gateway: str = "gateway", payload: bytes = b"down", freq_hz: int = CHANNEL_HZ, dr: int = 5
    ) -> None:
        self.timeline.at(at_us, lambda: self.air.emit(gateway, payload, freq_hz, dr, 14) and None)

    def run(self, until_us: int = 3_600_000_000) -> None:
        self.timeline.run(until_us)

    def fates(self) -> list[Fate]:
        """Of the frames, in the order of their ends."""
        return [fate for _, fate in self.settled]

    def _settle(self, frame: OnAir, fate: Fate) -> None:
        self.settled.append((frame.phy_payload, fate))


def busy(model: RadioModel, nodes: int, gateways: int, frames: int, seed: int = 1) -> Town:
    """A town of 4 km where frames of all data rates come ten a second, and gateways send, too."""
    town = Town(model, seed)
    dice = Stream(seed, "town")
    for number in range(gateways):
        town.gateway(f"gateway-{number}", at=(dice.uniform(0, 4000), dice.uniform(0, 4000), 20.0))
    for number in range(nodes):
        town.node(f"node-{number}", dice.uniform(0, 4000), dice.uniform(0, 4000))
    for at_us, number in _times(frames, dice):
        payload = number.to_bytes(2, "big") * (6 + dice.below(20))
        name = f"node-{dice.below(nodes)}"
        town.send(at_us, name, payload, STANDARD_CHANNELS[dice.below(8)], dice.below(6), 2 * dice.below(8))
        if number % 10 == 0:
            town.emit(at_us + dice.below(1_000_000), f"gateway-{dice.below(gateways)}", dr=dice.below(6))
    return town


def _times(frames: int, dice: Stream) -> Iterator[tuple[int, int]]:
    at_us = 0
    for number in range(frames):
        at_us += dice.below(200_000)
        yield at_us, number
