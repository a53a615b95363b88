"""A whole-chain run: nodes, air, gateway core, store and JSON lines on one virtual clock.

The one file that joins the gateway to the simulator.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import apsw

from firmware.actions import TakeReading, TellEvent
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.session import Identity
from firmware.store.log import Log
from firmware.telling import REPEATED
from gateway.application import TownApplication
from gateway.engine import Engine
from gateway.governance.dataset import Sharing
from gateway.governance.defaults import datasets_of
from gateway.links.link import Heard, Outcome, RadioReport, Received, Transmit, TransmitResult
from gateway.network.events import Accepted, Alarm, Refused
from gateway.network.registration import Registration, Role
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place, PlaceKind
from gateway.publish.messages import Messenger
from gateway.store.database import open_database
from gateway.store.devices import add_devices
from gateway.store.migrate import migrate
from gateway.store.places import install, set_places
from gateway.store.records import records_after
from gateway.store.writer import InlineWriter, Result
from protocol.quantities import AIR_FULL
from protocol.region import FULL, Plan
from protocol.settings import AIR
from protocol.settings import Settings as NodeSettings
from simulator.air import OnAir, SimpleAir
from simulator.body import Body
from simulator.files import MemoryFiles
from simulator.report import Digest, Expectation, Report
from simulator.stimuli.alone import air_alone
from simulator.streams import Stream
from simulator.timeline import Timeline
from simulator.truths import Values, Witness

START_S = 1_767_225_600  # virtual time 0 is 2026-01-01T00:00:00Z
VERSION = (0, 1, 0)  # of the firmware
BUILD_GPS_S = 1_400_000_000  # 2024-05-18: before every run
INTERVAL_S = 900
RADIO = "udp:aa555a0000000101"
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
    """One run; `run` may be called piece by piece, `finish` once at the end. Implements `gateway.engine.Observer`.

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
        self._published = 0  # the last row of the store that was
        self._air = SimpleAir(self.timeline, Stream(settings.seed, "air"), settings.loss, self._watch)
        self._air.attach(RADIO, self._receive)
        self._bodies: list[Body] = []
        self._snr_db: dict[str, float] = {}  # with which the gateway hears a node
        self._alarm_us: int | None = None  # when the engine is woken next
        self._database = open_database(settings.database, durable=False)
        migrate(self._database)
        self._join_gateway([self._node(number) for number in range(settings.nodes)])

    def run(self, until_s: int) -> None:
        """Let virtual time pass up to *until_s*."""
        self.timeline.run(until_s * 1_000_000)

    def finish(self) -> Report:
        """Close the database and say what the run showed, with the digest over everything that happened."""
        self._database.close()
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
                "received": self._air.fates["received"],
            },
            readings={
                "taken": sum(view.taken for view in views),
                "delivered": sum(view.delivered for view in views),
            },
            lost={cause: self._air.fates[cause] for cause in ("chance", "collision")},
            refused=dict(sorted(self.witness.refused.items())),
            airtime_s=round(sum(body.airtime_us for body in self._bodies) / 1e6, 3),
            truths=self.witness.truths(),
            expectations=[Expectation(DELIVERED, round(share, 4), share >= 0.99)],
        )
        report.seal(self._digest)
        return report

    def _join_gateway(self, registrations: list[Registration]) -> None:
        """The gateway's own cores and store, written in the call and without physical sync."""
        stations = [
            Place(place_id=f"{SITE}-station-{number + 1:02}", kind=PlaceKind.STATION)
            for number in range(len(registrations))
        ]
        there = [
            Installed(place_id=station.place_id, dev_eui=registration.dev_eui, instance=0, from_ms=START_S * 1000)
            for station, registration in zip(stations, registrations, strict=True)
        ]
        with self._database:
            added = add_devices(self._database, registrations)
            set_places(self._database, stations)
            for installed in there:
                install(self._database, installed)
        application = TownApplication(1, added)
        server = Server(NetworkSettings(), added, (), (), application, _Dice(Stream(self.settings.seed, "gateway")))
        self._engine = Engine(server, application, 1, self._transmit, self)
        self._engine.write_with(InlineWriter(self._connection, self._written))
        self._messenger = Messenger(
            prefix="lampyre",
            site=SITE,
            directory=Directory(added, stations, there),
            datasets=datasets_of("simulated"),
            door=Sharing.INTERNAL,
            resolve=lambda boot, ms: (ms + START_S * 1000, 0),
        )
        self._engine.set_clock(START_S * 1000, 0)
        self._hear(RadioReport(radio=RADIO, online=True, detail="virtual"))

    def _node(self, number: int) -> Registration:
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
            air_alone(Stream(self.settings.seed, f"corner/{number}")),
            START_S,
        )
        body.boot(dice.below(60_000_000))
        self._bodies.append(body)
        return Registration(device=0, dev_eui=dev_eui, role=Role.AIR, name=name, join_eui=join_eui, app_key=app_key)

    def _took(self, name: str, values: Values) -> None:
        """A node logs a reading, or an event (no values), under its next number."""
        self.views[name].taken += 1 if values else 0
        self.witness.took(name, self.timeline.now_us, values)

    def _watch(self, frame: OnAir) -> None:
        """A node begins a frame."""
        self._digest.add("frame", frame.start_us, frame.phy_payload)
        self.witness.sent(frame)

    def _receive(self, frame: OnAir) -> None:
        """The gateway's radio received a frame."""
        self.views[frame.sender].dr = frame.dr
        self._hear(
            Received(
                radio=RADIO,
                phy_payload=frame.phy_payload,
                freq_hz=frame.freq_hz,
                dr=frame.dr,
                counter_us=self.timeline.now_us & 0xFFFFFFFF,
                rssi_dbm=-90,
                snr_db=self._snr_db[frame.sender],
            )
        )

    def _hear(self, heard: Heard) -> None:
        self._engine.hear(heard, self._now_ms())
        self._plan()

    def _transmit(self, transmit: Transmit) -> None:
        """The gateway's radio is told to send: at its µs, or now."""
        now_us = self.timeline.now_us
        wait_us = 0 if transmit.counter_us is None else (transmit.counter_us - now_us) & 0xFFFFFFFF
        outcome = Outcome.SENT if wait_us < 1 << 31 else Outcome.TOO_LATE
        if outcome is Outcome.SENT:
            self.timeline.at(now_us + wait_us, lambda: self._emit(transmit))
        result = TransmitResult(token=transmit.token, outcome=outcome)
        self.timeline.at(now_us, lambda: self._hear(result))

    def _emit(self, transmit: Transmit) -> None:
        self._digest.add("downlink", self.timeline.now_us, transmit.phy_payload)
        self._air.emit(RADIO, transmit.phy_payload, transmit.freq_hz, transmit.dr, transmit.power_dbm)

    def _connection(self) -> apsw.Connection:
        return self._database

    def _written(self, result: Result) -> None:
        self._engine.written(result, self._now_ms())
        page = records_after(self._database, self._published, 1000)
        for row_id, record in page.records:
            for message in self._messenger.messages_of(row_id, record) or ():
                self._publish(message.payload)
        self._published = page.last_id

    def _publish(self, payload: bytes) -> None:
        """A message leaves the gateway."""
        self._lines.write(payload.decode() + "\n")
        self._digest.add("message", self.timeline.now_us, payload)
        message = json.loads(payload)
        name = self.witness.publish(message)
        if name is not None:
            self.views[name].delivered += 1
            self.views[name].latest = message["values"]

    def _plan(self) -> None:
        """Wake the engine when it wants to be, as the process does."""
        wake_ms = self._engine.wake_at()
        if wake_ms is None:
            return
        wake_us = max(wake_ms * 1000, self.timeline.now_us)
        if self._alarm_us is not None and self.timeline.now_us <= self._alarm_us <= wake_us:
            return
        self._alarm_us = wake_us
        self.timeline.at(wake_us, lambda: self._ring(wake_us))

    def _ring(self, alarm_us: int) -> None:
        if alarm_us == self._alarm_us:
            self._alarm_us = None
            self._engine.wake(self._now_ms())
            self._plan()

    def _now_ms(self) -> int:
        return self.timeline.now_us // 1000

    # What the engine tells.

    def accepted(self, accepted: Accepted, now_ms: int) -> None:
        """An uplink was accepted."""

    def refused(self, refused: Refused, now_ms: int) -> None:
        """An uplink was refused; of a frame that a node sent twice on purpose the second is."""
        self.witness.refuse(refused.reason.value)

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        """Alarms are published as notices."""

    def radio(self, report: RadioReport, now_ms: int) -> None:
        """There is one, and it is there."""


class _Dice:
    """The gateway's dice, from a stream that is the same on every machine."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below *stop*."""
        return self._stream.below(stop)


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
