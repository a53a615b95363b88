"""A whole-chain run: nodes, air, gateway core, store and JSON lines on one virtual clock."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from firmware.actions import TakeReading, TellEvent
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.session import Identity
from firmware.store.log import Log
from firmware.telling import REPEATED
from protocol.quantities import AIR_FULL
from protocol.region import FULL, Plan
from protocol.settings import AIR
from protocol.settings import Settings as NodeSettings
from simulator.air.fates import Fate
from simulator.air.interface import OnAir, Reception
from simulator.air.simple import SimpleAir
from simulator.broker import Broker
from simulator.cabinet import Cabinet, CabinetSettings, Member
from simulator.fleet.body import Body
from simulator.fleet.files import MemoryFiles
from simulator.report.report import Digest, Expectation, Report
from simulator.stimuli.air import AirStimulus
from simulator.streams import Stream
from simulator.timeline import Timeline
from simulator.truths import Values, Witness

START_S = 1_767_225_600  # virtual time 0 is 2026-01-01T00:00:00Z
VERSION = (0, 1, 0)  # of the firmware
BUILD_GPS_S = 1_400_000_000  # 2024-05-18: before every run
INTERVAL_S = 900
RADIO = "gateway"
SITE = "92002"  # Antony
DELIVERED = f"delivered >= 0.99, of readings older than {REPEATED * INTERVAL_S // 60} minutes"
_DATA_RATES = (5, 5, 4, 4, 3, 3, 2, 1, 0)  # the fastest that reaches, in a street: most nodes near, a few far
# SNR in dB with which a frame of that data rate can just be read (SX1276 DS table 13), by DR; ADR keeps 10 dB of it.
_LEAST_SNR_DB = (-20.0, -17.5, -15.0, -12.5, -10.0, -7.5)
_ABOVE_DB = 11.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to run. loss: share of frames lost by chance. database: a file, or ":memory:"."""

    seed: int = 1
    nodes: int = 10
    hours: int = 24
    loss: float = 0.1
    database: Path | str = ":memory:"


@dataclass(slots=True)
class NodeView:
    """What the live table shows of one node."""

    name: str
    dr: int | None = None  # of the last frame heard
    taken: int = 0
    delivered: int = 0
    latest: dict[str, float | int | None] | None = None


class Chain:
    """One run; `run` may be called piece by piece, `finish` once at the end. Implements `CabinetWatcher`.

    lines: where the published JSON lines go. witness: what was sensed, and what held. Raises OSError or apsw.Error
    when the database cannot be opened.
    """

    def __init__(self, settings: Settings, lines: TextIO) -> None:
        self.settings = settings
        self.timeline = Timeline()
        self.views: dict[str, NodeView] = {}
        self.witness = Witness(START_S)
        self._lines = lines
        self._digest = Digest()
        self._air = SimpleAir(self.timeline, Stream(settings.seed, "air"), settings.loss, self._watch)
        self._air.attach(RADIO, self._receive)
        self._bodies: list[Body] = []
        self._snr_db: dict[str, float] = {}  # with which the gateway hears a node
        self._broker = Broker(self.timeline, Stream(settings.seed, "broker"), self._arrived, lambda: None)
        self._cabinet = Cabinet(
            self.timeline,
            CabinetSettings(start_s=START_S, site=SITE, radios=(RADIO,), database=settings.database),
            Stream(settings.seed, "gateway"),
            self._broker,
            self,
        )
        self._cabinet.enrol([self._node(number) for number in range(settings.nodes)])
        self._cabinet.begin()

    def run(self, until_s: int) -> None:
        """Let virtual time pass up to *until_s*."""
        self.timeline.run(until_s * 1_000_000)

    def finish(self) -> Report:
        """Close the database and say what the run showed, with the digest over everything that happened."""
        self._cabinet.close()
        views = self.views.values()
        before_us = self.timeline.now_us - REPEATED * INTERVAL_S * 1_000_000  # younger ones may still come, repeated
        share = self.witness.share_published(before_us)
        report = Report(
            seed=self.settings.seed,
            hours=self.settings.hours,
            nodes=self.settings.nodes,
            loss=self.settings.loss,
            uplinks={
                "sent": sum(body.frames_sent for body in self._bodies),
                "received": self._air.fates[Fate.RECEIVED],
            },
            readings={
                "taken": sum(view.taken for view in views),
                "delivered": sum(view.delivered for view in views),
            },
            lost={cause.value: self._air.fates[cause] for cause in (Fate.CHANCE, Fate.COLLISION)},
            refused=dict(sorted(self.witness.refused.items())),
            airtime_s=round(sum(body.airtime_us for body in self._bodies) / 1e6, 3),
            truths=self.witness.truths(),
            expectations=[Expectation(DELIVERED, round(share, 4), share >= 0.99)],
        )
        report.seal(self._digest)
        return report

    def _node(self, number: int) -> Member:
        """Build a virtual node on the air and return what the gateway is told of it."""
        dice = Stream(self.settings.seed, f"node/{number}")
        name = f"air-{number + 1:02}"
        app_key, epoch = dice.bytes(16), dice.below(0x10000)
        dr = _DATA_RATES[number % len(_DATA_RATES)]
        first_ms = 5_000 + dice.below(INTERVAL_S * 1000)  # nodes of a street do not sense in step
        dev_eui = bytes([0x02, 0, 0, 0, 0, 0, number >> 8, number & 0xFF])  # locally administered: no vendor's
        join_eui = bytes([0x02, 0, 0, 0, 0, 0, 0xFF, 0xFF])
        settings = NodeSettings({0: AIR, 1: dev_eui})
        role = _WatchedAir(settings, first_ms, lambda values: self._took(name, values))
        mind = Mind(role, Log(MemoryFiles(), epoch), settings, Facts(VERSION, BUILD_GPS_S, dev_eui))
        mac = Mac(Identity(dev_eui, join_eui, app_key), _reaching(dr))
        self.views[name] = NodeView(name)
        self.witness.meet(name, dev_eui, epoch)
        self._snr_db[name] = _LEAST_SNR_DB[dr] + _ABOVE_DB
        body = Body(
            name,
            Node(mind, mac),
            self.timeline,
            self._air,
            AirStimulus(Stream(self.settings.seed, f"corner/{number}")),
            START_S,
        )
        body.boot(dice.below(60_000_000))
        self._bodies.append(body)
        return Member(
            name=name,
            dev_eui=dev_eui,
            join_eui=join_eui,
            app_key=app_key,
            role="air",
            places=(f"{SITE}-station-{number + 1:02}",),
        )

    def _took(self, name: str, values: Values) -> None:
        """A node logs a reading, or an event (no values), under its next number."""
        self.views[name].taken += 1 if values else 0
        self.witness.took(name, self.timeline.now_us, values)

    def _watch(self, frame: OnAir) -> None:
        """A node begins a frame."""
        self._digest.add("frame", frame.start_us, frame.phy_payload)
        self.witness.sent(frame)

    def _receive(self, frame: OnAir, reception: Reception) -> None:
        """The gateway's radio received a frame."""
        self.views[frame.sender].dr = frame.dr
        self._cabinet.receive(RADIO, frame, -90, self._snr_db[frame.sender])

    # What the cabinet tells.

    def emit(self, radio: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> None:
        """A radio begins a downlink."""
        self._digest.add("downlink", self.timeline.now_us, phy_payload)
        self._air.emit(radio, phy_payload, freq_hz, dr, power_dbm)

    def accepted(self, name: str, f_cnt: int, records: int, dr: int, radios: tuple[str, ...]) -> None:
        """An uplink was accepted."""

    def refused(self, reason: str, name: str | None) -> None:
        """An uplink was refused; of a frame that a node sent twice on purpose the second is."""
        self.witness.refuse(reason)

    def committed(self, records: int) -> None:
        """Records are on the card."""

    def alarmed(self, alarm: str, detail: str) -> None:
        """Alarms are published as notices."""

    def began(self, records: int) -> None:
        """The gateway starts."""

    def ended(self, orderly: bool) -> None:
        """The gateway is gone."""

    def _arrived(self, topic: str, payload: bytes) -> None:
        """The subscriber hears a message, or several."""
        said = json.loads(payload)
        for message in said if isinstance(said, list) else [said]:
            self._heard(message)

    def _heard(self, message: dict[str, Any]) -> None:
        payload = json.dumps(message)
        self._lines.write(payload + "\n")
        self._digest.add("message", self.timeline.now_us, payload.encode())
        name = self.witness.publish(message)
        if name is not None:
            self.views[name].delivered += 1
            self.views[name].latest = message["values"]


class _WatchedAir(Air):
    """An air node's role that says what its mind is going to log."""

    def __init__(self, settings: NodeSettings, first_ms: int, took: Callable[[Values], None]) -> None:
        super().__init__(AIR_FULL, INTERVAL_S, settings.fan_warm_up_s, settings.growth_per_mille, first_ms)
        self._took = took

    def handle(self, event: object, now_ms: int) -> list[object]:
        """What the role wants, as ever."""
        actions = super().handle(event, now_ms)
        for action in actions:
            if isinstance(action, TakeReading):
                self._took(action.values)
            elif isinstance(action, TellEvent):
                self._took(())
        return actions


def _reaching(dr: int) -> Plan:
    """The full plan for a node that was told at its corner what reaches: this air lets every data rate through."""
    return Plan(FULL.number, FULL.name, FULL.channels, FULL.join_channels, FULL.min_dr, dr, FULL.adr, FULL.max_nodes)
