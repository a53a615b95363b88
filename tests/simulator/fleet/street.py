"""A small street for the fleet's tests: stimuli that do as a test says, a watcher that writes down, a network."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from firmware.store.log import EVENT, READING, Record
from protocol.civil import to_gps
from protocol.lorawan.frames import JOIN_REQUEST, frame_mtype
from protocol.quantities import BATTERY_VOLTAGE, ENERGY, LEVEL, POWER, TEMPERATURE, VOLTAGE, quantities_of
from protocol.region import rx1_dr
from simulator.air.interface import Air, OnAir, Reception
from simulator.fleet.fleet import Fleet
from simulator.fleet.hardware import Field
from simulator.fleet.network import QuietNetwork, Windows
from simulator.fleet.node import FleetNode
from simulator.fleet.watcher import Cause
from simulator.scenario.model import Feeder, NodeSpec, Radio, Role, Scenario, Site
from simulator.timeline import Timeline
from tests.fakes.airs import PerfectAir

START_S = 1_772_434_800  # 2026-03-02T07:00:00Z
HOUR_US = 3_600_000_000
SITE = Site(insee="92002", name="Antony", latitude_deg=48.7536, longitude_deg=2.2975)


class Corner:
    """Air that is never twice the same."""

    def __init__(self) -> None:
        self.looks = 0

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        self.looks += 1
        looks = self.looks
        return (84 + looks % 5, 96 + looks % 9, 112 + looks % 4, 140 + looks % 7, 431 + looks % 3, 214, 63, 10_132)


class Bay:
    """A bay that cars take: (comes, goes) in s of the run. A car moves for six seconds, and swings the needle."""

    EMPTY: Field = (150, 140, -420)
    MOVES_S = 6.0

    def __init__(self, *cars: tuple[float, float]) -> None:
        self.cars = cars
        self.changes = sorted([moment for car in cars for moment in car])

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        known = {TEMPERATURE: 140, BATTERY_VOLTAGE: 360}
        return tuple(known.get(quantity) for quantity, _ in quantities_of(set_number))

    def field(self, bay: int, time_s: float) -> Field:
        at_s = time_s - START_S
        x, y, z = self.EMPTY
        for moment in self.changes:
            if moment <= at_s < moment + self.MOVES_S:
                x += 600 - int(80 * abs(at_s - moment - 3))
        if any(comes + self.MOVES_S <= at_s < goes + self.MOVES_S for comes, goes in self.cars):
            y, z = y - 250, z + 180
        return x + int(at_s * 10) % 3, y, z  # a live sensor's noise

    def temperature_dcel(self, time_s: float) -> int:
        return 140

    def next_change_s(self, bay: int, time_s: float) -> float | None:
        at_s = time_s - START_S
        for moment in self.changes:
            if moment <= at_s < moment + self.MOVES_S:
                return time_s + 0.4
            if at_s < moment:
                return START_S + moment
        return None

    def empty_field(self, bay: int) -> Field:
        return self.EMPTY


class Switch:
    """Mains that are on but for these spans, in s of the run."""

    def __init__(self, *cuts: tuple[float, float]) -> None:
        self.cuts = cuts

    def on(self, time_s: float) -> bool:
        return not any(begin <= time_s - START_S < end for begin, end in self.cuts)

    def next_change_s(self, time_s: float) -> float:
        edges = sorted(edge for cut in self.cuts for edge in cut if START_S + edge > time_s)
        return START_S + edges[0] if edges else float(1 << 40)


class Lamp:
    """A lamp of 40 W. set: (s of the run, head, level, fade) as told. motions: in s of the run."""

    def __init__(self, mains: Switch | None = None, motions: Sequence[float] = ()) -> None:
        self.mains = mains
        self.set: list[tuple[float, int, int, int]] = []
        self.motions = motions
        self.gone: list[float] = []
        self.day_lux: int | None = 0

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        level = self.set[-1][2] if self.set else 0
        known = {LEVEL: level, POWER: 20 + 38 * level // 10, VOLTAGE: 2310, ENERGY: 7, TEMPERATURE: 210}
        return tuple(known.get(quantity) for quantity, _ in quantities_of(set_number))

    def lamp_set(self, head: int, level_pct: int, fade_s: int, time_s: float) -> None:
        self.set.append((round(time_s - START_S, 3), head, level_pct, fade_s))

    def power_gone(self, time_s: float) -> None:
        self.gone.append(time_s - START_S)

    def lux(self, time_s: float) -> int | None:
        return self.day_lux

    def gear_status(self, head: int, time_s: float) -> int:
        return 4

    def next_motion_s(self, time_s: float) -> float | None:
        later = [START_S + moment for moment in self.motions if START_S + moment > time_s]
        return later[0] if later else None


class Recorder:
    """A watcher that keeps all of it."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, int, Record, bool]] = []
        self.lamps: list[tuple[str, int, int, int, int]] = []
        self.boots: list[tuple[str, int, Cause]] = []
        self.gone: list[tuple[str, int]] = []
        self.deaths: list[tuple[str, int, str]] = []

    def took(self, node: str, time_us: int, epoch: int, record: Record, kept: bool) -> None:
        self.records.append((node, time_us, epoch, record, kept))

    def lamp_set(self, node: str, time_us: int, head: int, level_pct: int, fade_s: int) -> None:
        self.lamps.append((node, time_us, head, level_pct, fade_s))

    def booted(self, node: str, time_us: int, cause: Cause) -> None:
        self.boots.append((node, time_us, cause))

    def power_gone(self, node: str, time_us: int) -> None:
        self.gone.append((node, time_us))

    def died(self, node: str, time_us: int, why: str) -> None:
        self.deaths.append((node, time_us, why))

    def events(self, name: str) -> list[tuple[int, int, tuple[int | None, ...]]]:
        """(µs, event, details) of one node."""
        return [(at, r.number, r.values) for node, at, _, r, _ in self.records if node == name and r.kind == EVENT]

    def readings(self, name: str) -> list[Record]:
        """Of one node."""
        return [record for node, _, _, record, _ in self.records if node == name and record.kind == READING]


def spec(name: str, role: Role = Role.AIR, **more: Any) -> NodeSpec:
    return NodeSpec(name=name, role=role, x_m=0.0, y_m=0.0, **more)


class Street:
    """A fleet in an air without losses, or another; a quiet network answers cold nodes. frames: those that arrived."""

    def __init__(
        self,
        *nodes: NodeSpec,
        stimuli: Callable[[NodeSpec], Any] | None = None,
        warm: bool = True,
        radio: Radio = Radio(),  # noqa: B008 - frozen
        feeders: tuple[Feeder, ...] = (),
        seed: int = 1,
        hears: bool = True,
        air: Callable[[Timeline], Air] = PerfectAir,
        **more: Any,
    ) -> None:
        self.timeline = Timeline()
        self.air = air(self.timeline)
        self.watcher = Recorder()
        self.stimuli: dict[str, Any] = {}
        self.frames: list[OnAir] = []
        self._hears = hears
        self._networks: dict[str, QuietNetwork] = {}
        self._make = stimuli or (lambda node: {Role.AIR: Corner, Role.PARKING: Bay, Role.LIGHT: Lamp}[node.role]())
        self.scenario = Scenario(
            file=Path("street.toml"),
            name="street",
            site=SITE,
            gateways=(),
            nodes=nodes,
            start_s=START_S,
            warm=warm,
            radio=radio,
            feeders=feeders,
            seed=seed,
        )
        self.air.attach("gateway", self._hear)
        self.fleet = Fleet(self.scenario, self.timeline, self.air, self._stimulus, self.watcher, **more)

    def node(self, name: str) -> FleetNode:
        return self.fleet.nodes[name]

    def run(self, hours: float) -> None:
        self.timeline.run(self.timeline.now_us + int(hours * HOUR_US))

    def sent(self, name: str) -> list[OnAir]:
        return [frame for frame in self.frames if frame.sender == name]

    def joins(self, name: str) -> list[OnAir]:
        return [frame for frame in self.sent(name) if frame_mtype(frame.phy_payload) == JOIN_REQUEST]

    def _stimulus(self, node: NodeSpec) -> Any:
        return self.stimuli.setdefault(node.name, self._make(node))

    def _hear(self, frame: OnAir, reception: Reception) -> None:
        self.frames.append(frame)
        if not self._hears or self.scenario.warm:
            return
        network = self._networks.get(frame.sender)
        if network is None:
            kit = self.node(frame.sender).kit
            address = 0x26000000 + len(self._networks)
            gps_s = to_gps(0, START_S)
            network = QuietNetwork(kit.app_key, kit.plan, address, Windows(), (5, 0), gps_s)
            self._networks[frame.sender] = network
        answer = network.hear(frame.phy_payload, frame.end_us)
        if answer is not None:
            down, delay_s = answer
            at_us = frame.end_us + delay_s * 1_000_000
            dr = rx1_dr(frame.dr, 0)
            self.timeline.at(at_us, lambda: self.air.emit("gateway", down, frame.freq_hz, dr, 14) and None)
