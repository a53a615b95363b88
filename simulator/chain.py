"""A whole-chain run: nodes, air, gateway core, store and JSON lines on one virtual clock.

The one file that joins the gateway to the simulator.
"""

import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

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
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
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
from gateway.store.records import records_after
from gateway.store.writer import InlineWriter, Result
from protocol.lorawan.frames import JOIN_REQUEST, frame_mtype, parse_frame
from protocol.quantities import AIR_FULL, quantities_of
from protocol.quantity_table import Quantity
from protocol.region import FULL, sub_band
from protocol.settings import AIR
from protocol.settings import Settings as NodeSettings
from simulator.air import OnAir, SimpleAir
from simulator.body import Body
from simulator.files import MemoryFiles
from simulator.report import Digest, Expectation, Report, Truth
from simulator.stimuli import AirStimulus
from simulator.streams import Stream
from simulator.timeline import Timeline

Values = tuple[int | None, ...]

START_S = 1_767_225_600  # virtual time 0 is 2026-01-01T00:00:00Z
VERSION = (0, 1, 0)  # of the firmware
BUILD_GPS_S = 1_400_000_000  # 2024-05-18: before every run
INTERVAL_S = 900
_HOUR_US = 3_600_000_000
F_CNT_ONCE = "no frame counter was used twice"
DUTY_CYCLE = "no node left the duty cycle in any hour"
NOTHING_INVENTED = "no reading was invented, changed or dated wrongly"
PUBLISHED_ONCE = "no reading was published twice"
NOT_REFUSED = "no authentic frame was refused"
RADIO = "udp:aa555a0000000101"
SITE = "92002"  # Antony
DELIVERED = f"delivered >= 0.99, of readings older than {REPEATED * INTERVAL_S // 60} minutes"
_DATA_RATES = (5, 5, 4, 4, 3, 3, 2, 1, 0)  # as a street around one gateway: most nodes near, a few far
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
    dr: int
    taken: int = 0
    delivered: int = 0
    frames_heard: int = 0
    latest: dict[str, float | int | None] | None = None


class Chain:
    """One run; `run` may be called piece by piece, `finish` once at the end. Implements `gateway.engine.Observer`.

    lines: where the published JSON lines go. taken: by node, the virtual µs and values of each reading (of an event: no
    values), in the order of their numbers. Raises apsw.Error when the database cannot be opened.
    """

    def __init__(self, settings: Settings, lines: TextIO) -> None:
        self.settings = settings
        self.timeline = Timeline()
        self.views: dict[str, NodeView] = {}
        self.taken: dict[str, list[tuple[int, Values]]] = {}
        self._lines = lines
        self._digest = Digest()
        self._refused: Counter[str] = Counter()
        self._repeats = 0  # frames that nodes sent again on purpose
        self._published = 0
        self._published_seqs: set[tuple[str, int]] = set()
        self._broken: Counter[str] = Counter()  # truths by how often they were broken
        self._f_cnts: dict[int, tuple[int, bytes]] = {}  # the last one on the air and its frame, by DevAddr
        self._hour: dict[tuple[str, str], deque[tuple[int, int]]] = {}  # by node and sub-band: (start_us, end_us)
        self._air = SimpleAir(self.timeline, Stream(settings.seed, "air"), settings.loss, self._watch)
        self._air.attach(RADIO, self._heard)
        self._bodies: list[Body] = []
        self._names: dict[str, str] = {}  # by DevEUI, as published
        self._epochs: dict[str, int] = {}  # by node
        self._alarm_us: int | None = None
        self._database = open_database(settings.database, durable=False)
        migrate(self._database)
        self._join_gateway([self._node(number) for number in range(settings.nodes)])

    def run(self, until_s: int) -> None:
        """Let virtual time pass up to *until_s*."""
        self.timeline.run(until_s * 1_000_000)

    def finish(self) -> Report:
        """Close the database and say what the run showed, with the digest over everything that happened."""
        self._database.close()
        taken = sum(view.taken for view in self.views.values())
        delivered = sum(view.delivered for view in self.views.values())
        due_us = self.timeline.now_us - REPEATED * INTERVAL_S * 1_000_000  # younger ones may still come, repeated
        due = [
            (name, seq)
            for name, readings in self.taken.items()
            for seq, (time_us, values) in enumerate(readings)
            if values and time_us < due_us
        ]
        share = sum(key in self._published_seqs for key in due) / len(due) if due else 1.0
        report = Report(
            seed=self.settings.seed,
            hours=self.settings.hours,
            nodes=self.settings.nodes,
            loss=self.settings.loss,
            uplinks={
                "sent": sum(body.frames_sent for body in self._bodies),
                "received": self._air.fates["received"],
            },
            readings={"taken": taken, "delivered": delivered},
            lost={cause: self._air.fates[cause] for cause in ("chance", "collision")},
            refused=dict(sorted(self._refused.items())),
            airtime_s=round(sum(body.airtime_us for body in self._bodies) / 1e6, 3),
            truths=[
                Truth(F_CNT_ONCE, not self._broken[F_CNT_ONCE]),
                Truth(DUTY_CYCLE, not self._broken[DUTY_CYCLE]),
                Truth(NOTHING_INVENTED, not self._broken[NOTHING_INVENTED]),
                Truth(PUBLISHED_ONCE, not self._broken[PUBLISHED_ONCE]),
                Truth(NOT_REFUSED, self._refused.total() <= self._repeats),
            ],
            expectations=[Expectation(DELIVERED, round(share, 4), share >= 0.99)],
        )
        report.seal(self._digest)
        return report

    def _join_gateway(self, registrations: list[Registration]) -> None:
        """The gateway's own cores and store, written in the call and without physical sync."""
        with self._database:
            added = add_devices(self._database, registrations)
        application = TownApplication(1, added)
        server = Server(NetworkSettings(), added, (), (), application, _Dice(Stream(self.settings.seed, "gateway")))
        self._engine = Engine(server, application, 1, self._transmit, self)
        self._engine.write_with(InlineWriter(self._connection, self._written))
        corners = [f"corner-{number + 1:02}" for number in range(len(added))]
        self._messenger = Messenger(
            prefix="lampyre",
            site=SITE,
            directory=Directory(
                added,
                [Place(place_id=corner, kind=PlaceKind.STATION) for corner in corners],
                [
                    Installed(place_id=corner, dev_eui=entry.dev_eui, instance=0, from_ms=0)
                    for corner, entry in zip(corners, added, strict=True)
                ],
            ),
            datasets=datasets_of("simulated"),
            door=Sharing.INTERNAL,
            resolve=lambda boot, ms: (ms + START_S * 1000, 0),
        )
        self._engine.hear(RadioReport(radio=RADIO, online=True, detail="virtual"), 0)
        self._engine.set_clock(START_S * 1000, 0)
        self._plan()

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
        mac = Mac(Identity(dev_eui, join_eui, app_key), FULL)
        self.views[name] = NodeView(name, dr)
        self.taken[name] = []
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
        self._names[dev_eui.hex()] = name
        self._epochs[name] = epoch
        return Registration(device=0, dev_eui=dev_eui, role=Role.AIR, name=name, join_eui=join_eui, app_key=app_key)

    def _took(self, name: str, values: Values) -> None:
        """A node logs a reading, or an event (no values), under its next number."""
        self.views[name].taken += 1 if values else 0
        self.taken[name].append((self.timeline.now_us, values))

    def _watch(self, frame: OnAir) -> None:
        """A node begins a frame: check what must be true of it."""
        self._digest.add("frame", frame.start_us, frame.phy_payload)
        if frame_mtype(frame.phy_payload) != JOIN_REQUEST:
            data = parse_frame(frame.phy_payload)
            last, payload = self._f_cnts.get(data.dev_addr, (-1, b""))
            if frame.phy_payload == payload:
                self._repeats += 1
            elif data.f_cnt16 <= last:  # short of 65,536 frames the 16 bits only grow
                self._broken[F_CNT_ONCE] += 1
            self._f_cnts[data.dev_addr] = data.f_cnt16, frame.phy_payload
        band = sub_band(frame.freq_hz)
        hour = self._hour.setdefault((frame.sender, band.name), deque())
        hour.append((frame.start_us, frame.end_us))
        since_us = frame.end_us - _HOUR_US  # no other hour holds more than one that ends with a frame
        while hour[0][1] <= since_us:
            hour.popleft()
        if sum(end_us - max(start_us, since_us) for start_us, end_us in hour) > band.airtime_ms_per_hour * 1000:
            self._broken[DUTY_CYCLE] += 1

    def _heard(self, frame: OnAir) -> None:
        """The gateway's radio received a frame."""
        view = self.views[frame.sender]
        view.frames_heard += 1
        received = Received(
            radio=RADIO,
            phy_payload=frame.phy_payload,
            freq_hz=frame.freq_hz,
            dr=frame.dr,
            counter_us=self.timeline.now_us & 0xFFFFFFFF,
            rssi_dbm=-90,
            snr_db=_LEAST_SNR_DB[view.dr] + _ABOVE_DB,
        )
        self._engine.hear(received, self._now_ms())
        self._plan()

    def _transmit(self, transmit: Transmit) -> None:
        """The gateway's radio is told to send: at its µs, or now."""
        now_us = self.timeline.now_us
        wait_us = 0 if transmit.counter_us is None else (transmit.counter_us - now_us) & 0xFFFFFFFF
        outcome = Outcome.SENT if wait_us < 1 << 31 else Outcome.TOO_LATE
        if outcome is Outcome.SENT:
            self.timeline.at(now_us + wait_us, lambda: self._emit(transmit))
        result = TransmitResult(token=transmit.token, outcome=outcome)
        self.timeline.at(now_us, lambda: self._engine.hear(result, self._now_ms()))

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
                self._publish(json.loads(message.payload), message.payload)
        self._published = page.last_id

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
        self._refused[refused.reason.value] += 1

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        """Alarms are published as notices."""

    def radio(self, report: RadioReport, now_ms: int) -> None:
        """There is one, and it is there."""

    def _publish(self, message: dict[str, Any], payload: bytes) -> None:
        """A message leaves the gateway: write its line and, if it is a reading, compare it with what was sensed."""
        self._lines.write(payload.decode() + "\n")
        self._digest.add("message", self.timeline.now_us, payload)
        if message["kind"] != "reading":
            return
        key = message["key"]
        view = self.views[self._names[key["dev_eui"]]]
        seq = key["seq"]
        if (view.name, seq) in self._published_seqs:
            self._broken[PUBLISHED_ONCE] += 1
            return
        self._published_seqs.add((view.name, seq))
        view.delivered += 1
        view.latest = message["values"]
        taken = self.taken[view.name]
        known = key["epoch"] == self._epochs[view.name] and seq < len(taken)
        if not known or not _same(message, *taken[seq]):
            self._broken[NOTHING_INVENTED] += 1


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


def _same(message: dict[str, Any], time_us: int, values: Values) -> bool:
    """Whether a published record says what was sensed, at the time it was sensed, within the error it admits."""
    if message["observed"] is None:
        return False  # no node of this run loses its clock
    observed_s = datetime.fromisoformat(message["observed"]).timestamp()
    if abs(observed_s - START_S - time_us / 1e6) > message["time_error_s"]:
        return False
    sensed = {}
    for value, (number, _) in zip(values, quantities_of(AIR_FULL), strict=True):
        quantity = Quantity(number)
        sensed[quantity.name] = value if value is None or not quantity.decimals else value / 10**quantity.decimals
    return bool(message["values"] == sensed)
