"""A whole fleet: every node of a scenario, on real minds and MACs, in virtual time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from firmware.groups import group_to_wire
from protocol.dimming import DEFAULT_PROGRAMME
from protocol.lorawan.multicast import mc_session_keys
from protocol.region import Plan, plan_named
from simulator.air.interface import Air
from simulator.air.position import Position
from simulator.energy.currents import board_named
from simulator.energy.ledger import Ledger, Sensors
from simulator.fleet.births import JOIN_EUI, Firmware, Kit, whole_core
from simulator.fleet.ears import Ears
from simulator.fleet.network import WarmSession, Windows
from simulator.fleet.node import FleetNode
from simulator.fleet.senses import Stimulus
from simulator.fleet.sites import lamp_site
from simulator.fleet.watcher import Watcher
from simulator.scenario.model import NodeSpec, Role, Scenario
from simulator.streams import Stream
from simulator.timeline import Timeline

if TYPE_CHECKING:
    from firmware.node import Core

DEV_ADDR_FIRST = 0x02000000  # of the network's joins (gateway/network/settings.py), and how many bits of it are free
_DEV_ADDR_BITS = 25
_LEAST_FIRST_MS = 5_000
_PROGRAMME_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a gateway is told of a node, as plain data. warm: the session that both have, None for one that will join.

    plan: its number in `protocol.region.PLANS`. places: one for each of its instances.
    """

    name: str
    role: Role
    dev_eui: bytes
    join_eui: bytes
    app_key: bytes
    gen_app_key: bytes
    class_c: bool
    plan: int
    min_dr: int
    places: tuple[str, ...]
    warm: WarmSession | None


class Fleet:
    """All nodes of *scenario*, and switches them on: at once if it is warm, else each at its own time.

    stimuli: what a node senses. watcher: who is told. bears: data rate and TXPower that a node's link bears, None if
    nobody knows; asked when it is warm, or ADR is off. groups: McAddr and McKey of multicast groups, which their warm
    members have. by_images: each deep sleep goes through RTC memory, as on a board, which takes ten times as long; else
    a sleeping node stays as it is. core_of: what of its firmware a body runs, for runs that last years. nodes: by name,
    in the scenario's order. Raises SettingsError for settings that no node can have.
    """

    def __init__(
        self,
        scenario: Scenario,
        timeline: Timeline,
        air: Air,
        stimuli: Callable[[NodeSpec], Stimulus],
        watcher: Watcher,
        bears: Callable[[str], tuple[int, int] | None] = lambda node: None,
        groups: Mapping[str, tuple[int, bytes]] = MappingProxyType({}),
        by_images: bool = False,
        core_of: "Callable[[Firmware], Core]" = whole_core,
    ) -> None:
        self.nodes: dict[str, FleetNode] = {}
        self._scenario = scenario
        self._timeline = timeline
        self._adr = scenario.radio.adr and scenario.radio.dr is None
        self._lamp = b"", b""
        if any(spec.role is Role.LIGHT for spec in scenario.nodes):
            programme = _PROGRAMME_VERSION.to_bytes(2, "little") + DEFAULT_PROGRAMME.encode()
            self._lamp = lamp_site(scenario.site, scenario.start_s), programme
        windows = Windows(rx_delay_s=scenario.radio.rx_delay_s, rx2_dr=scenario.radio.rx2_dr)
        spread_s = {feeder.name: feeder.spread_s for feeder in scenario.feeders}
        ears = Ears(timeline, air)
        taken: set[int] = set()
        for spec in scenario.nodes:
            dice = Stream(scenario.seed, f"node/{spec.name}")
            air.place(spec.name, Position(spec.x_m, spec.y_m, spec.height_m), spec.excess_loss_db)
            borne = bears(spec.name) if scenario.warm or not self._adr else None
            kit = self._kit(spec, dice, borne)
            delay_us = int(dice.uniform(0, spread_s.get(spec.feeder, 0.0)) * 1_000_000)
            stimulus = stimuli(spec)
            node = FleetNode(
                kit, timeline, air, stimulus, scenario.start_s, watcher, ears, delay_us, by_images, core_of
            )
            self.nodes[spec.name] = node
            if not scenario.warm:
                node.switch_on(int(spec.boots_s * 1_000_000))
                continue
            if spec.group in groups:
                mc_addr, mc_key = groups[spec.group]
                node.hardware.persist("mc0", group_to_wire(mc_addr, 0, *mc_session_keys(mc_key, mc_addr)))
            node.rehearse(dice, free_dev_addr(dice, taken), windows, borne)

    def registrations(self) -> list[Registered]:
        """What the gateway has to know of each node before the run, in the scenario's order."""
        return [_registered(node) for node in self.nodes.values()]

    def charge(self, name: str, sensors: Sensors) -> Ledger:
        """Where a node's charge went so far, on the board that the scenario gives it."""
        node = self.nodes[name]
        node.settle()
        return node.hardware.tally.ledger(board_named(node.kit.spec.board), sensors, max(1, self._timeline.now_us))

    def _kit(self, spec: NodeSpec, dice: Stream, borne: tuple[int, int] | None) -> Kit:
        radio = self._scenario.radio
        plan = plan_named(radio.plan)
        if radio.dr is not None:
            plan = _limited(plan, radio.dr, radio.dr)
        elif not radio.adr and borne is not None:
            plan = _limited(plan, plan.min_dr, borne[0])
        site, programme = self._lamp if spec.role is Role.LIGHT else (b"", b"")
        return Kit(
            spec=spec,
            app_key=dice.bytes(16),
            gen_app_key=dice.bytes(16),
            epoch=dice.below(0x10000),
            first_ms=_LEAST_FIRST_MS + dice.below(spec.interval_s * 1000),
            plan=plan,
            adr=None if self._adr else False,
            site=site,
            programme=programme,
            repeat=self._scenario.radio.repeat,
        )


def _limited(plan: Plan, min_dr: int, max_dr: int) -> Plan:
    """The plan for nodes without ADR that do with these of its data rates."""
    least, most = (max(plan.min_dr, min(plan.max_dr, dr)) for dr in (min_dr, max_dr))
    return Plan(plan.number, plan.name, plan.channels, plan.join_channels, least, most, False, plan.max_nodes)


def free_dev_addr(dice: Stream, taken: set[int]) -> int:
    """An address that no other node of the run has."""
    offset = dice.below(1 << _DEV_ADDR_BITS)
    while offset in taken:
        offset = (offset + 1) % (1 << _DEV_ADDR_BITS)
    taken.add(offset)
    return DEV_ADDR_FIRST + offset


def _registered(node: FleetNode) -> Registered:
    kit = node.kit
    settings = kit.settings()
    return Registered(
        name=node.name,
        role=kit.spec.role,
        dev_eui=kit.spec.dev_eui,
        join_eui=JOIN_EUI,
        app_key=kit.app_key,
        gen_app_key=kit.gen_app_key,
        class_c=settings.device_class == 1,
        plan=kit.plan.number,
        min_dr=settings.min_dr,
        places=kit.spec.place_ids,
        warm=node.warm,
    )
