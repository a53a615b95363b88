"""What the simulator's radio gives for published studies beside what they printed, and its speed.

Speed is by CPU time of this process: what else the machine did counts little.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

from protocol.region import STANDARD_CHANNELS
from simulator.air.model import RadioModel
from simulator.air.position import Position
from simulator.air.radio import RadioAir
from simulator.air.station import Station
from simulator.streams import Stream
from simulator.timeline import Timeline
from tests.benchmarks.figures import Figure
from tests.simulator.air import studies

_HOW = "best of 3, CPU time of one process; LoRaSim: r334 on the two cores of another day"
_TOWN = (
    "default models, frames of 30 bytes every 15 minutes on eight channels at DR0 to DR5, with the timeline's events "
    "and the choice of channels"
)
_FRAMES = 80_000  # for each of the studies' figures
_NS3_RUNS = 40
_DRS = (5, 5, 5, 5, 4, 4, 3, 3, 2, 1, 0)
_SIDE_M = 3_000.0
_INTERVAL_US = 900_000_000


def figures() -> Iterator[Figure]:
    """Delivery and throughput as published, then frames a second."""
    yield from _deliveries()
    yield from _throughputs()
    for nodes in (100, 1600):
        yield Figure(
            name=f"radio.lorasims_rule.{nodes}_nodes.frames_per_s",
            value=_best(partial(_cell, nodes)),
            unit="1/s",
            target=500_000,
            more_is_better=True,
            peer={"lorasim": studies.LORASIM_FRAMES_PER_S[nodes]},
            how=f"SN3, one channel; {_HOW}",
        )
    yield Figure(
        name="radio.town.3_gateways.frames_per_s",
        value=_best(partial(_town, 1000, 3, 10)),
        unit="1/s",
        target=60_000,
        more_is_better=True,
        how=f"1,000 nodes; {_TOWN}; best of 3, CPU time of one process",
    )
    yield Figure(
        name="radio.town.20000_nodes.8_gateways.frames_per_s",
        value=_best(partial(_town, 20_000, 8, 0.75)),
        unit="1/s",
        more_is_better=True,
        how=f"22 frames a second on eight channels, all gateways in reach of most; {_TOWN}",
    )


def _deliveries() -> Iterator[Figure]:
    """LoRaSim's rule; the target is how far we may be away."""
    furthest = 0.0
    for (setting, nodes), published in studies.LORASIM.items():
        for path_loss, theirs in zip((studies.LN, studies.LOG10), published, strict=True):
            ours = studies.delivery(setting, nodes, path_loss, _FRAMES)
            furthest = max(furthest, abs(ours - theirs))
            how = "natural logarithm, as published" if path_loss == studies.LN else "decimal logarithm, as meant"
            yield Figure(
                name=f"radio.{setting.lower()}.{nodes}_nodes.{path_loss.replace('-', '_')}.delivery",
                value=round(ours, 3),
                unit="",
                peer={"lorasim": theirs},
                how=f"LoRaSim's rule, {how} in its path loss; {_FRAMES} frames",
            )
    yield Figure(
        name="radio.lorasim.furthest_from_theirs",
        value=round(furthest, 4),
        unit="",
        target=studies.LORASIM_TOLERANCE,
        how="of all deliveries above",
    )


def _throughputs() -> Iterator[Figure]:
    peak = sum(studies.aloha(0.5, seed).throughput for seed in range(_NS3_RUNS)) / _NS3_RUNS
    yield Figure(name="radio.aloha.throughput", value=round(peak, 4), unit="", peer={"1/2e": 0.1839})
    furthest = 0.0
    for load, theirs in studies.NS3_GOURSAUD.items():
        ours = studies.ns3_throughput(load, _NS3_RUNS)
        furthest = max(furthest, abs(ours - theirs))
        yield Figure(
            name=f"radio.goursaud.load_{load:g}.throughput",
            value=round(ours, 3),
            unit="",
            peer={"ns3_lorawan": theirs},
            how="1,000 nodes, disc of 7,500 m, one channel and one demodulator, as their example has it",
        )
    yield Figure(
        name="radio.goursaud.furthest_from_theirs",
        value=round(furthest, 4),
        unit="",
        target=studies.NS3_TOLERANCE,
        how="theirs were read from a picture",
    )


def _cell(nodes: int) -> float:
    """Frames a second of CPU time under LoRaSim's rule."""
    days = _FRAMES / nodes * studies.GAP_US / 86_400e6
    began = time.process_time()
    outcome = studies.lorasim("SN3", nodes, studies.LOG10, days)
    return outcome.sent / (time.process_time() - began)


def _town(nodes: int, gateways: int, hours: float) -> float:
    """Frames a second of CPU time, from the second round on."""
    timeline = Timeline()
    air = RadioAir(timeline, 1, RadioModel())
    dice = Stream(1, "places")
    for number in range(gateways):
        place = Position(dice.uniform(0, _SIDE_M), dice.uniform(0, _SIDE_M), 20.0)
        air.attach(f"gateway-{number}", lambda frame, reception: None, Station(position=place))
    for number in range(nodes):
        name = f"node-{number}"
        air.place(name, Position(dice.uniform(0, _SIDE_M), dice.uniform(0, _SIDE_M), 3.0))
        timeline.at(dice.below(_INTERVAL_US), _sender(air, timeline, name, _DRS[number % len(_DRS)], dice))
    timeline.run(_INTERVAL_US + 1_000_000)  # each link is made as its node sends first
    before, began = air.fates.total(), time.process_time()
    timeline.run(int(hours * 3_600_000_000))
    return (air.fates.total() - before) / (time.process_time() - began)


def _sender(air: RadioAir, timeline: Timeline, name: str, dr: int, dice: Stream) -> Callable[[], None]:
    payload = bytes(30)

    def send() -> None:
        air.transmit(name, payload, STANDARD_CHANNELS[dice.below(8)], dr, 14)
        timeline.at(timeline.now_us + _INTERVAL_US + dice.below(1_000_000), send)

    return send


def _best(run: Callable[[], float]) -> int:
    return round(max(run() for _ in range(3)))
