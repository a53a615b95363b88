"""A scenario's street in real time before a running gateway; what `simulator.chain.Chain` is in virtual time.

The fleet runs on its own timeline, a second ahead at most, and whoever drives it keeps that beside the clock on the
wall. A frame goes to the gateway's UDP port when a virtual radio has received it; what the gateway wants sent is looked
for before each stretch of time, which a receive delay of five seconds leaves room for.
"""

from collections.abc import Callable
from dataclasses import replace

from firmware.store.log import READING as LOG_READING
from firmware.store.log import Record
from protocol.events import BAY_LEFT, BAY_TAKEN, VOID
from simulator.air.fates import Fate
from simulator.air.interface import OnAir, Reception
from simulator.air.radio import RadioAir
from simulator.fleet.fleet import Fleet, Registered
from simulator.fleet.watcher import Cause
from simulator.live.forwarder import Forwarder, ToSend
from simulator.live.station import Station
from simulator.radios import model_of, station_of
from simulator.report.collector import BAY, EVENT, READING, Collector
from simulator.report.district import district_of
from simulator.report.making import report_of
from simulator.report.report import Digest, Report
from simulator.scenario.model import Role, Scenario
from simulator.stimuli.bay import Life
from simulator.stimuli.town import Town
from simulator.streams import Stream
from simulator.timeline import Timeline

_PULL_EVERY_S = 5
_ASK_EVERY_S = 2
_BOOT_WITHIN_S = 600.0  # what two gateways can answer: join-accepts fill their hour otherwise
_LATE_US = 1 << 31  # a µs counter that is "in" more than half its range is over


def as_live(scenario: Scenario, now_s: int) -> Scenario:
    """The same district from now on, with nodes that have to join, and without faults, orders or expectations."""
    dice = {node.name: Stream(scenario.seed, f"live/{node.name}") for node in scenario.nodes}
    return replace(
        scenario,
        start_s=now_s,
        warm=False,
        final_quiet_s=0.0,
        nodes=tuple(
            replace(node, group="", boots_s=dice[node.name].uniform(1, _BOOT_WITHIN_S)) for node in scenario.nodes
        ),
        faults=(),
        bad_weeks=(),
        orders=(),
        captures=(),
        attacker=None,
        expectations=(),
    )


def radio_eui(number: int) -> bytes:
    """The EUI of a scenario's gateway, counted from 0."""
    return bytes([0xAA, 0x55, 0x5A, 0, 0, 0, 1, number & 0xFF])


class LiveStreet:
    """Implements `simulator.showing.Run` and `simulator.fleet.watcher.Watcher`. scenario: of `as_live`.

    `attach` it to the gateway before time passes; `registrations` say whom that has to know.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.timeline = Timeline()
        self.collector = Collector(district_of(scenario, "lampyre demo --live"))
        self.collector.has_broker = False
        radio = scenario.radio
        model = replace(model_of(radio), loss_up=radio.loss_up, loss_down=radio.loss_down)
        self.air = RadioAir(self.timeline, scenario.seed, model, self._sent, self._settled)
        for gateway in scenario.gateways:
            self.air.attach(gateway.name, self._hear_at(gateway.name), station_of(gateway))
        town = Town(scenario)
        self.fleet = Fleet(scenario, self.timeline, self.air, town.stimulus, self, self.air.bears)
        for node in scenario.nodes:
            if node.role is Role.PARKING:
                for bay in range(node.bays):
                    self._follow_bay(node.name, bay, town.life(node, bay))
        self._names = {node.dev_eui.hex(): node.name for node in scenario.nodes}
        self._taken: dict[tuple[str, int], tuple[str, int]] = {}  # by node and seq, until delivered: kind, µs
        self._forwarders: dict[str, Forwarder] = {}
        self._station: Station | None = None
        self._cursor = 0
        self._pulled_s = self._asked_s = -60.0  # at once

    def registrations(self) -> list[Registered]:
        """What the gateway has to know of the nodes."""
        return self.fleet.registrations()

    def attach(self, station: Station) -> None:
        """Speak to this gateway from now on."""
        self._station = station
        for number, gateway in enumerate(self.scenario.gateways):
            self._forwarders[gateway.name] = Forwarder(radio_eui(number), station.address)

    def run(self, until_s: int) -> None:
        """Carry out what the gateway wants, let time pass up to *until_s*, and see what it accepted."""
        self._exchange()
        self.timeline.run(until_s * 1_000_000)

    def finish(self) -> Report:
        """Say what was seen; there are no truths, for nobody stands behind this gateway."""
        for forwarder in self._forwarders.values():
            forwarder.close()
        report = report_of(self.collector, self.timeline.now_us, ())
        report.seal(Digest())
        return report

    def _exchange(self) -> None:
        now_s = self.timeline.now_us / 1e6
        if now_s - self._pulled_s >= _PULL_EVERY_S:
            self._pulled_s = now_s
            for forwarder in self._forwarders.values():
                forwarder.pull()
        for name, forwarder in self._forwarders.items():
            for wanted in forwarder.wanted():
                self._send(name, forwarder, wanted)
        if self._station is not None and now_s - self._asked_s >= _ASK_EVERY_S:
            self._asked_s = now_s
            messages, self._cursor = self._station.readings(self._cursor)
            for message in messages:
                self._arrived(message)

    def _send(self, gateway: str, forwarder: Forwarder, wanted: ToSend) -> None:
        now_us = self.timeline.now_us
        wait_us = 0 if wanted.counter_us is None else (wanted.counter_us - now_us) & 0xFFFFFFFF
        if wait_us >= _LATE_US:
            forwarder.answer(wanted.token, "TOO_LATE")
            return
        forwarder.answer(wanted.token)
        self.timeline.at(now_us + wait_us, lambda: self._emit(gateway, wanted))

    def _emit(self, gateway: str, wanted: ToSend) -> None:
        now_us = self.timeline.now_us
        airtime_us = self.air.emit(gateway, wanted.phy_payload, wanted.freq_hz, wanted.dr, wanted.power_dbm)
        self.collector.downlink(gateway, wanted.freq_hz, airtime_us, now_us)

    def _sent(self, frame: OnAir) -> None:
        self.collector.uplink(frame.sender, frame.dr, frame.freq_hz, frame.end_us - frame.start_us, frame.start_us)

    def _settled(self, frame: OnAir, fate: Fate) -> None:
        self.collector.landed(frame.sender, fate.value, self.timeline.now_us)

    def _hear_at(self, gateway: str) -> Callable[[OnAir, Reception], None]:
        def hear(frame: OnAir, reception: Reception) -> None:
            self._forwarders[gateway].heard(frame, reception, self.timeline.now_us)

        return hear

    def _follow_bay(self, node: str, bay: int, life: Life) -> None:
        """Tell of a bay as it really is, from now on."""
        now_us = self.timeline.now_us
        time_s = self.scenario.start_s + now_us / 1e6
        self.collector.bay(node, bay, life.occupied(time_s), now_us)
        next_us = int((life.next_change_s(time_s) - self.scenario.start_s) * 1_000_000)
        self.timeline.at(next_us, lambda: self._follow_bay(node, bay, life))

    def _arrived(self, message: dict[str, object]) -> None:
        """The gateway accepted something; of what a node took it is told once."""
        key = message.get("key")  # a row that the gateway cannot read has none
        if not isinstance(key, dict) or message["kind"] not in ("reading", "event"):
            return
        name = self._names.get(str(key.get("dev_eui")))
        taken = None if name is None else self._taken.pop((name, int(key["seq"])), None)
        if name is not None and taken is not None:
            kind, taken_us = taken
            values = message.get("values")
            if kind == BAY:
                values = {"occupied": int(message["event"] == "bay_taken")}
            instance = message.get("instance")
            self.collector.delivered(
                name,
                kind,
                taken_us,
                self.timeline.now_us,
                instance if isinstance(instance, int) else 0,
                values if isinstance(values, dict) else None,
            )

    # What the fleet tells.

    def took(self, node: str, time_us: int, epoch: int, record: Record, kept: bool) -> None:
        """A node gave a record a number."""
        if record.kind == LOG_READING:
            kind = READING
        elif record.number == VOID:
            return
        else:
            kind = BAY if record.number in (BAY_TAKEN, BAY_LEFT) else EVENT
        self._taken[node, record.seq] = kind, time_us
        self.collector.took(node, kind, time_us)

    def lamp_set(self, node: str, time_us: int, head: int, level_pct: int, fade_s: int) -> None:
        """A node told a lamp."""
        self.collector.lamp(node, head, level_pct, time_us)

    def booted(self, node: str, time_us: int, cause: Cause) -> None:
        """A node starts."""
        self.collector.power(node, True)

    def power_gone(self, node: str, time_us: int) -> None:
        """A node has no power."""
        self.collector.power(node, False)

    def died(self, node: str, time_us: int, why: str) -> None:
        """A node's firmware fell over."""
        self.collector.happened("died", node, time_us)
