"""A whole-chain run: nodes, air, gateway core, store and JSON lines on one virtual clock.

The one file that joins the gateway to the simulator.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
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
from gateway.links.link import Received
from gateway.network.events import Commit, Committed, Refused
from gateway.network.server import SkeletonServer
from gateway.network.session import Session
from gateway.publish.lines import to_line
from gateway.store.database import open_database
from gateway.store.records import RecordStore
from protocol.lorawan.frames import parse_frame
from protocol.lorawan.security import SessionKeys
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
DELIVERED = f"delivered >= 0.99, of readings older than {REPEATED * INTERVAL_S // 60} minutes"
_DATA_RATES = (5, 5, 4, 4, 3, 3, 2, 1, 0)  # as a street around one gateway: most nodes near, a few far


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
    """One run; `run` may be called piece by piece, `finish` once at the end.

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
        self._database = open_database(settings.database, durable=False)
        self._store = RecordStore(self._database)
        self._published = 0
        self._refused: Counter[str] = Counter()
        self._published_seqs: set[tuple[str, int]] = set()
        self._broken: Counter[str] = Counter()  # truths by how often they were broken
        self._f_cnts: dict[int, int] = {}  # the last one on the air, by DevAddr
        self._hour: dict[tuple[str, str], deque[tuple[int, int]]] = {}  # by node and sub-band: (start_us, end_us)
        self._air = SimpleAir(self.timeline, Stream(settings.seed, "air"), settings.loss, self._watch)
        self._air.attach("gateway", self._heard)
        self._bodies: list[Body] = []
        self._names: dict[str, str] = {}  # by DevEUI, as published
        self._epochs: dict[str, int] = {}  # by node
        self._server = SkeletonServer([self._node(number) for number in range(settings.nodes)])

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
                Truth(NOT_REFUSED, not self._refused),
            ],
            expectations=[Expectation(DELIVERED, round(share, 4), share >= 0.99)],
        )
        report.seal(self._digest)
        return report

    def _node(self, number: int) -> Session:
        """Build a virtual node on the air and return what the gateway is told of it."""
        dice = Stream(self.settings.seed, f"node/{number}")
        name = f"air-{number + 1:02}"
        dev_addr = 0x26_000_000 + number
        nwk_s_key, app_s_key, epoch = dice.bytes(16), dice.bytes(16), dice.below(0x10000)
        dr = _DATA_RATES[number % len(_DATA_RATES)]
        first_ms = 5_000 + dice.below(INTERVAL_S * 1000)  # nodes of a street do not sense in step
        dev_eui = bytes([0x02, 0, 0, 0, 0, 0, number >> 8, number & 0xFF])  # locally administered: no vendor's
        settings = NodeSettings({0: AIR, 1: dev_eui})
        role = _WatchedAir(settings, first_ms, lambda values: self._took(name, values))
        log = Log(MemoryFiles(), epoch)
        log.epoch_told()  # with the session, which the gateway has from us
        mind = Mind(role, log, settings, Facts(VERSION, BUILD_GPS_S, dev_eui))
        # The skeleton of a gateway never answers, so nothing may depend on it: ABP, and a data rate that stays.
        mac = Mac(Identity(dev_eui, abp=(dev_addr, nwk_s_key, app_s_key)), FULL, dr=dr, adr=False)
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
        return Session(
            dev_eui=dev_eui,
            dev_addr=dev_addr,
            keys=SessionKeys(nwk_s_key, app_s_key),
            place=f"corner-{number + 1:02}",
            epoch=epoch,
        )

    def _took(self, name: str, values: Values) -> None:
        """A node logs a reading, or an event (no values), under its next number."""
        self.views[name].taken += 1 if values else 0
        self.taken[name].append((self.timeline.now_us, values))

    def _watch(self, frame: OnAir) -> None:
        """A node begins a frame: check what must be true of it."""
        self._digest.add("frame", frame.start_us, frame.phy_payload)
        data = parse_frame(frame.phy_payload)
        if data.f_cnt16 <= self._f_cnts.get(data.dev_addr, -1):  # short of 65,536 frames the 16 bits only grow
            self._broken[F_CNT_ONCE] += 1
        self._f_cnts[data.dev_addr] = data.f_cnt16
        band = sub_band(frame.freq_hz)
        hour = self._hour.setdefault((frame.sender, band.name), deque())
        hour.append((frame.start_us, frame.end_us))
        since_us = frame.end_us - _HOUR_US  # no other hour holds more than one that ends with a frame
        while hour[0][1] <= since_us:
            hour.popleft()
        if sum(end_us - max(start_us, since_us) for start_us, end_us in hour) > band.airtime_ms_per_hour * 1000:
            self._broken[DUTY_CYCLE] += 1

    def _heard(self, frame: OnAir) -> None:
        """The gateway's radio received a frame: what its shell does with it, without a shell."""
        received = Received(
            radio="gateway",
            phy_payload=frame.phy_payload,
            freq_hz=frame.freq_hz,
            dr=frame.dr,
            counter_us=self.timeline.now_us & 0xFFFFFFFF,
        )
        self.views[frame.sender].frames_heard += 1
        now_ms = START_S * 1000 + self.timeline.now_us // 1000
        for effect in self._server.handle(received, now_ms):
            if isinstance(effect, Commit):
                self._store.commit(effect)
                self._server.handle(Committed(token=effect.token), now_ms)
            elif isinstance(effect, Refused):
                self._refused[effect.reason.value] += 1
        for row_id, message in self._store.messages(self._published):
            self._publish(message)
            self._published = row_id

    def _publish(self, message: dict[str, Any]) -> None:
        """A record leaves the gateway: write its line and compare it with what the sensors saw."""
        line = to_line(message)
        self._lines.write(line)
        self._digest.add("message", self.timeline.now_us, line.encode())
        view = self.views[self._names[message["dev_eui"]]]
        seq = message["seq"]
        if (view.name, seq) in self._published_seqs:
            self._broken[PUBLISHED_ONCE] += 1
            return
        self._published_seqs.add((view.name, seq))
        view.delivered += 1
        view.latest = message["values"]
        taken = self.taken[view.name]
        known = message["epoch"] == self._epochs[view.name] and seq < len(taken)
        if not known or not _same(message, *taken[seq]):
            self._broken[NOTHING_INVENTED] += 1


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
