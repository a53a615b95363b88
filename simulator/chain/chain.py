"""A whole-chain run: a city's nodes, its air, its gateway and its broker on one virtual clock, with the truths on."""

import gc
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from simulator.air.fates import Fate
from simulator.air.interface import OnAir, Reception, on_air
from simulator.air.position import Position
from simulator.air.radio import RadioAir
from simulator.air.station import Station
from simulator.chain.attacker import Assault
from simulator.chain.broker import Broker
from simulator.chain.cabinet import Cabinet, CabinetSettings, Member, OrderRefusedError, Team, Warm
from simulator.chain.closing import close_books
from simulator.chain.faults import Faults
from simulator.chain.radios import model_of, station_of
from simulator.chain.scenes import Scenes
from simulator.chain.strokes import Strokes
from simulator.chain.telling import Telling
from simulator.fleet.births import Firmware, whole_core
from simulator.fleet.fleet import Fleet, Registered
from simulator.fleet.sites import lamp_site
from simulator.report.collector import Collector
from simulator.report.district import district_of
from simulator.report.making import report_of
from simulator.report.report import Report
from simulator.scenario.model import Order, Role, Scenario
from simulator.stimuli.bay import Life
from simulator.stimuli.capture import CapturedFrame, played
from simulator.stimuli.town import Town
from simulator.streams import Stream
from simulator.timeline import Timeline
from simulator.truths.lamps import Darkness
from simulator.truths.witness import SETTLED_US, Witness

if TYPE_CHECKING:
    from firmware.node import Core

_ATTACKER = "attacker"
_TWILIGHT_SINE = -0.1045  # of -6°: then civil twilight is over
_MC_ADDR = 0xFF000001  # no node has such an address (see gateway/api/desk.py)
_AGAIN_US = 60_000_000  # whoever gave an order that the gateway did not take gives it again
_TRIES = 30
_ORDER_LASTS_S = 3600
_JOIN_GROUP_US = 2_000_000  # from one member's order to join to the next: what duty cycle allows at DR3
_MOST_S = 7 * 86_400  # that an order may last (gateway/orders/request.py)
_NEAR_DBM, _NEAR_SNR_DB = -40, 10.0  # of the attacker beside the mast
_GC = (100_000, 20, 100)  # frames and records end by themselves: looking for rings of them often finds none, and costs
_WAITING_US = 60_000_000  # how often it is asked what waits for the broker


class Chain:
    """One run; `run` may be called piece by piece, `finish` once at the end.

    replay: the command that repeats the run. lines: where published messages go, one JSON a line. database: the
    gateway's, a file that does not exist or ":memory:". core_of: see `Fleet`. Raises what `Town`, `Fleet` and `Cabinet`
    raise.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        replay: str = "",
        lines: TextIO | None = None,
        database: Path | str = ":memory:",
        core_of: "Callable[[Firmware], Core]" = whole_core,
    ) -> None:
        self.scenario = scenario
        self.replay = replay
        self.timeline = Timeline()
        self.collector = Collector(district_of(scenario, replay))
        due_us = int(max(0.0, scenario.end_s * 1e6 - SETTLED_US))
        self.witness = Witness(scenario.start_s, self.collector.broke, due_us)
        self.town = Town(scenario)
        self.darkness = Darkness(self.timeline, scenario.start_s, self._night, self.witness.breaches)
        self._telling = Telling(self.timeline, self.witness, self.darkness, self.collector, lines)
        self.air = RadioAir(self.timeline, scenario.seed, model_of(scenario.radio), self._sent, self._settled)
        self._telling.air = self.air
        for gateway in scenario.gateways:
            self.air.attach(gateway.name, self._hear_at(gateway.name), station_of(gateway))
        for node in scenario.nodes:
            self.witness.records.meet(node.name, node.dev_eui)
            if node.role is Role.LIGHT:
                self.darkness.meet(node.name, node.heads)
        self._looks_on: Callable[[OnAir], None] = lambda frame: None
        self._heard: OnAir | None = None  # of the frames that gateways heard, the last
        self._teams = _teams(scenario)
        keys = {team.name: (team.mc_addr, team.mc_key) for team in self._teams}
        self.fleet = Fleet(
            scenario,
            self.timeline,
            self.air,
            self.town.stimulus,
            self._telling,
            self.air.bears,
            keys,
            core_of=core_of,
        )
        self.broker = Broker(
            self.timeline,
            Stream(scenario.seed, "broker"),
            self._telling.arrived,
            self._telling.broken,
            self._telling.arrived_again,
        )
        self.cabinet = self._cabinet(database)
        self.scenes = Scenes(self.timeline, self.fleet.nodes, self.cabinet)
        gateways = [gateway.name for gateway in scenario.gateways]
        strokes = Strokes(self.fleet, scenario.seed)
        self._faults = Faults(
            self.timeline,
            scenario.faults,
            gateways,
            self.air,
            strokes,
            self.cabinet,
            self.broker,
            self.witness,
            self.collector,
        )
        self._assault = self._attacker()
        self._begin()
        gc.collect()
        gc.freeze()  # what stands now stands to the end: a collector that walks through it all day takes a tenth of it
        self._gc_before = gc.get_threshold()
        gc.set_threshold(*_GC)

    def invite(self, guests: Iterable[tuple[str, str]], looks_on: Callable[[OnAir], None]) -> None:
        """Have nodes in the street that are none of the scenario's: name and DevEUI in hex of each.

        looks_on: told of each uplink as it begins.
        """
        self._telling.strangers |= {known for guest in guests for known in guest}
        self._looks_on = looks_on

    def hear(self, gateway: str, frame: OnAir, reception: Reception) -> None:
        """A gateway received a frame, now."""
        if self._assault is not None and self._assault.drowns(frame):
            return
        heard = self.cabinet.receive(gateway, frame, round(reception.rssi_dbm), reception.snr_db)
        if heard and frame is not self._heard:  # by the first of the gateways
            self._heard = frame
            self._telling.heard(frame)

    def run(self, until_s: float) -> None:
        """Let virtual time pass up to *until_s*."""
        self.timeline.run(int(until_s * 1_000_000))

    def finish(self) -> Report:
        """Close the gateway and say what the run showed, with the digest over everything that happened."""
        scenario, now_us = self.scenario, self.timeline.now_us
        whole = now_us >= int(scenario.end_s * 1e6)
        quiet_us = self._quiet_us if scenario.final_quiet_s and whole else None
        self.witness.settle(now_us, self.cabinet.told(), quiet_us)
        records = self.witness.records
        measured = {
            "published_twice": float(records.repeats - self._telling.doubled),
            "confirmed_uplinks": float(self.witness.counters.confirmed),
            "dark_lamp_min": self.darkness.dark_min(),
            "frames_forged": float(self.witness.believed),
            "frames_delayed": float(self.witness.late),
            "downlinks_stolen": float(self.cabinet.stolen),
        }
        if self.scenes.followed is not None:
            measured["scene_followed_10s"] = round(self.scenes.followed, 6)
        if self.scenes.confirmed_s is not None:
            measured["scene_confirmed_s"] = self.scenes.confirmed_s
        if records.due:
            measured["settled"] = round(records.due_arrived / records.due, 6)
            measured["settled_soon"] = round(records.due_soon / records.due, 6)
        self.cabinet.close()
        gc.set_threshold(*self._gc_before)
        gc.unfreeze()
        close_books(self.collector, scenario, self.air, self.fleet, now_us)
        report = report_of(self.collector, now_us, self.witness.truths(), scenario.expectations, measured)
        report.seal(self._telling.digest)
        return report

    # Making.

    def _has_lamps(self) -> bool:
        return any(node.role is Role.LIGHT for node in self.scenario.nodes)

    def _cabinet(self, database: Path | str) -> Cabinet:
        scenario, radio = self.scenario, self.scenario.radio
        settings = CabinetSettings(
            start_s=scenario.start_s,
            site=scenario.site.insee,
            radios=tuple(gateway.name for gateway in scenario.gateways),
            database=database,
            rx_delay_s=radio.rx_delay_s,
            rx2_dr=radio.rx2_dr,
            resend=radio.resend,
            almanac=lamp_site(scenario.site, scenario.start_s) if self._has_lamps() else b"",
        )
        cabinet = Cabinet(self.timeline, settings, Stream(scenario.seed, "gateway"), self.broker, self._telling)
        nodes = {node.name: node for node in scenario.nodes}
        members = [
            _member(registered, nodes[registered.name].zone, nodes[registered.name].group)
            for registered in self.fleet.registrations()
        ]
        cabinet.enrol(members, self._teams)
        registries = dict.fromkeys(capture.registry for capture in scenario.captures if capture.registry is not None)
        self._telling.strangers = frozenset(eui for registry in registries for eui in cabinet.enrol_file(registry))
        return cabinet

    def _attacker(self) -> Assault | None:
        attacker = self.scenario.attacker
        if attacker is None:
            return None
        position = Position(attacker.x_m, attacker.y_m, attacker.height_m)
        self.air.attach(_ATTACKER, lambda frame, reception: None, Station(position=position, channels_hz=()))
        door = _Door(self.air, self.timeline, self.cabinet, self._telling, self.collector, self.scenario)
        assault = Assault(self.timeline, Stream(self.scenario.seed, _ATTACKER), attacker, door)
        self._telling.eavesdropper = assault
        return assault

    def _begin(self) -> None:
        """What begins with the run."""
        scenario = self.scenario
        self.timeline.at(0, self._faults.begin)  # after the faults that begin with the run
        self.darkness.begin()
        self._lose_by_chance()
        self._count_waiting()
        for order in scenario.orders:
            self._plan_order(order)
        if not scenario.warm:
            self._gather()
        for capture in scenario.captures:
            self._play(capture.gateway, played(capture))
        for node in scenario.nodes:
            if node.role is Role.PARKING:
                for bay in range(node.bays):
                    self._follow_bay(node.name, bay, self.town.life(node, bay))

    def _gather(self) -> None:
        """Order new lamps into their groups, one after the other."""
        numbers = {team.name: number for number, team in enumerate(self._teams, 1)}
        members = [node for node in self.scenario.nodes if node.group]
        for at, node in enumerate(members, 1):
            arguments: dict[str, object] = {"group": numbers[node.group]}
            self._give_at(at * _JOIN_GROUP_US, node.name, "join_group", arguments, int(self.scenario.end_s))

    def _lose_by_chance(self) -> None:
        """The scenario's share of frames, until the final quiet."""
        scenario = self.scenario
        names = [gateway.name for gateway in scenario.gateways]
        ends = [
            self.air.lose(names, scenario.radio.loss_up, up=True, down=False),
            self.air.lose(names, scenario.radio.loss_down, up=False, down=True),
        ]
        if scenario.final_quiet_s:
            for end in ends:
                self.timeline.at(self._quiet_us, end)

    @property
    def _quiet_us(self) -> int:
        """When the final quiet begins."""
        return int((self.scenario.end_s - self.scenario.final_quiet_s) * 1e6)

    # What happens.

    def _sent(self, frame: OnAir) -> None:
        self._telling.sent(frame)
        self._looks_on(frame)

    def _settled(self, frame: OnAir, fate: Fate) -> None:
        if frame.sender not in self._telling.strangers:
            self.collector.landed(frame.sender, fate.value, self.timeline.now_us)

    def _hear_at(self, gateway: str) -> Callable[[OnAir, Reception], None]:
        return partial(self.hear, gateway)

    def _play(self, gateway: str, frames: Iterator[tuple[int, CapturedFrame]]) -> None:
        """Let *gateway* hear the next frame of a capture when its time comes, and so on."""
        following = next(frames, None)
        if following is None:
            return
        at_us, captured = following

        def hear() -> None:
            frame = on_air(captured.radio, captured.phy_payload, captured.freq_hz, captured.dr, 14, at_us)
            snr_db = 0.0 if captured.snr_db is None else captured.snr_db
            if self.cabinet.receive(gateway, frame, captured.rssi_dbm or 0, snr_db):
                self._telling.recorded()
            self._play(gateway, frames)

        self.timeline.at(at_us, hear)

    def _follow_bay(self, node: str, bay: int, life: Life) -> None:
        """Tell of a bay as it really is, from now on."""
        start_s, now_us = self.scenario.start_s, self.timeline.now_us
        time_s = start_s + now_us / 1e6
        self.collector.bay(node, bay, life.occupied(time_s), now_us)
        next_s = life.next_change_s(time_s)
        if next_s < start_s + self.scenario.end_s:
            self.timeline.at((next_s - start_s) * 1_000_000, lambda: self._follow_bay(node, bay, life))

    def _plan_order(self, order: Order) -> None:
        """Somebody dims at its time: a group, a lamp, or all of them."""
        for target in self._targets(order.target):
            self._hold_at(int(order.at_s * 1e6), target, order)
            if order.level_pct == 0:
                dark_until_us = int((order.at_s + _ORDER_LASTS_S + order.hold_s) * 1e6)
                for name in self._members(target):
                    self.darkness.ordered(name, dark_until_us)

    def _targets(self, target: str) -> list[str]:
        """Groups and lamps that an order goes to."""
        if target:
            return [target]
        lamps = [node for node in self.scenario.nodes if node.role is Role.LIGHT]
        return list(dict.fromkeys(node.group or node.name for node in lamps))

    def _members(self, target: str) -> list[str]:
        """Lamps of a group, or one by itself."""
        return [node.name for node in self.scenario.nodes if target in (node.name, node.group)]

    def _hold_at(self, at_us: int, target: str, order: Order) -> None:
        def hold() -> None:
            self.cabinet.hold(target, order.level_pct, order.hold_s, order.fade_s)
            if order.level_pct is not None:
                self.scenes.began(self._members(target), order.level_pct)

        self._try_at(at_us, target, hold)

    def _give_at(self, at_us: int, target: str, verb: str, arguments: dict[str, object], expires_in_s: int) -> None:
        def give() -> None:
            self.cabinet.order(target, verb, arguments, min(expires_in_s, _MOST_S))

        self._try_at(at_us, target, give)

    def _try_at(self, at_us: int, target: str, give: Callable[[], None], tries: int = _TRIES) -> None:
        """Give an order then, and again a minute later as long as the gateway does not take it."""

        def attempt() -> None:
            try:
                give()
            except OrderRefusedError:
                if tries > 1:
                    self._try_at(self.timeline.now_us + _AGAIN_US, target, give, tries - 1)
                else:
                    self.collector.happened("order_refused", target, self.timeline.now_us)

        self.timeline.at(at_us, attempt)

    def _count_waiting(self) -> None:
        figures = self.cabinet.figures()
        if figures is not None:
            self.collector.waiting(figures.backlog, self.timeline.now_us)
        self.timeline.at(self.timeline.now_us + _WAITING_US, self._count_waiting)

    def _night(self, time_s: float) -> bool:
        return self.town.daylight.height_sine(time_s) < _TWILIGHT_SINE


class _Door:
    """Implements `simulator.chain.attacker.Door`, beside the first gateway's mast."""

    def __init__(
        self,
        air: RadioAir,
        timeline: Timeline,
        cabinet: Cabinet,
        telling: Telling,
        collector: Collector,
        scenario: Scenario,
    ) -> None:
        self._air = air
        self._timeline = timeline
        self._cabinet = cabinet
        self._telling = telling
        self._collector = collector
        self._radio = scenario.gateways[0].name
        self._power_dbm = scenario.attacker.power_dbm if scenario.attacker is not None else 0

    def inject(self, phy_payload: bytes, freq_hz: int, dr: int) -> None:
        """An uplink reaches the radio."""
        now_us = self._timeline.now_us
        frame = on_air(_ATTACKER, phy_payload, freq_hz, dr, self._power_dbm, now_us)
        if self._cabinet.receive(self._radio, frame, _NEAR_DBM, _NEAR_SNR_DB):
            self._telling.injected(phy_payload)

    def emit(self, phy_payload: bytes, freq_hz: int, dr: int) -> None:
        """A downlink goes on the air."""
        airtime_us = self._air.emit(_ATTACKER, phy_payload, freq_hz, dr, self._power_dbm)
        self._telling.forged(self._timeline.now_us + airtime_us)

    def pull(self, address: tuple[str, int]) -> None:
        """A PULL_DATA with the radio's EUI reaches the gateway."""
        self._cabinet.pull(self._radio, address)

    def attacked(self, kind: str) -> None:
        """He begins one more."""
        self._collector.attacked(kind)


def _teams(scenario: Scenario) -> list[Team]:
    """The multicast groups of the lamps, in the order in which nodes name them."""
    groups = dict.fromkeys(node.group for node in scenario.nodes if node.group)
    return [
        Team(name=name, mc_addr=_MC_ADDR + number, mc_key=Stream(scenario.seed, f"group/{name}").bytes(16))
        for number, name in enumerate(groups)
    ]


def _member(registered: Registered, zone: str, group: str) -> Member:
    warm = registered.warm
    return Member(
        name=registered.name,
        dev_eui=registered.dev_eui,
        join_eui=registered.join_eui,
        app_key=registered.app_key,
        gen_app_key=registered.gen_app_key,
        role=registered.role.value,
        places=registered.places,
        zone=zone,
        class_c=registered.class_c,
        plan=registered.plan,
        min_dr=registered.min_dr,
        group=group,
        warm=None
        if warm is None
        else Warm(
            dev_addr=warm.dev_addr,
            nwk_s_key=warm.nwk_s_key,
            app_s_key=warm.app_s_key,
            dev_nonce=warm.dev_nonce,
            join_nonce=warm.join_nonce,
            f_cnt_up=warm.f_cnt_up,
            f_cnt_down=warm.f_cnt_down,
            epoch=warm.epoch,
            next_seq=warm.next_seq,
        ),
    )
