"""A street of lamps on the application, over an air that loses frames: what they store by the firmware's own hand."""

import heapq
import itertools
import json
import random

from firmware.roles.loading import NOTHING_HELD, take_part
from gateway.application import TownApplication
from gateway.lighting.lighting import Lighting, Plan, State
from gateway.lighting.plan import Override
from gateway.network.events import Fate, FateOf
from gateway.orders import states
from gateway.readings.record import Kind
from gateway.store.writes import AddRecord, KeepLamp, KeepOrder
from protocol.orders import (
    BAD_ARGUMENT,
    BELOW_FLOOR,
    CONFIGURE,
    DONE,
    EXPIRED,
    JOIN_GROUP,
    LOAD_PROGRAMME,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Receipt,
    decode_order,
    encode_receipt,
)
from protocol.quantities import LAMP_OVERRIDDEN, LIGHT_ONE_HEAD, PROGRAMME_VERSION
from protocol.telemetry import Reading, Status, encode_rare, encode_readings, encode_status
from tests.gateway.lighting.samples import SITE, at, street
from tests.gateway.uplinks import BOOT, uplink

START_S = at("2026-12-22 20:00")
_AIR_MS = 300
_SPREAD_MS = 600_000
_REMEMBERED = 8
_FLOOR_PCT = 30


class FakeLamp:
    """A lamp with its radio: stored is its programme as in flash, held its level and until when."""

    def __init__(self, registration, keyed):
        self.registration = registration
        self.groups = {1} if keyed else set()
        self.stored = b""
        self.parts = NOTHING_HELD
        self.held = None
        self.known = []
        self.deaf = False
        self.floor_pct = _FLOOR_PCT
        self.session = 0
        self.seq = 0
        self.orders = []
        self.settings = {29: 0, 30: 70}  # on_lux, off_lux

    def version(self):
        return int.from_bytes(self.stored[:2], "little") if self.stored else None

    def level(self, now_ms):
        """What it holds by order; None: its programme."""
        return self.held[0] if self.held is not None and self.held[1] > now_ms else None

    def obey(self, order, group, now_ms, now_gps_s):
        """(outcome, detail), as firmware/orders.py has it."""
        for known_group, order_id, *receipt in self.known:
            if (known_group, order_id) == (group, order.order_id):
                return receipt
        self.orders.append(order)
        receipt = self._obey(order, group, now_ms, now_gps_s)
        self.known = [*self.known, (group, order.order_id, *receipt)][-_REMEMBERED:]
        return receipt

    def _obey(self, order, group, now_ms, now_gps_s):
        if now_gps_s >= order.expiry_gps_s:
            return EXPIRED, None
        arguments = order.arguments
        if order.verb == LOAD_PROGRAMME:
            outcome, detail, self.stored, self.parts = take_part(self.stored, self.parts, *arguments)
            return outcome, detail
        if order.verb == CONFIGURE:
            changed = self.settings | dict([arguments])
            if changed[29] > changed[30]:
                return BAD_ARGUMENT, None
            self.settings = changed
        elif order.verb == JOIN_GROUP:
            self.groups.add(1)
        elif order.verb == SET_LEVEL:
            if group is not None and arguments[0] < self.floor_pct:
                return BELOW_FLOOR, self.floor_pct
            hold_s = arguments[2] if len(arguments) > 2 else 7200
            self.held = arguments[0], now_ms + hold_s * 1000
        elif order.verb == RESUME_PROGRAMME:
            self.held = None
        return DONE, None


class Town:
    """down, up: share of frames lost, drawn for each lamp. sent: (ms, target, verb) of all downlinks."""

    def __init__(self, lamps=20, down=0.0, up=0.0, keyed=True, seed=1, programmes=(), assigned=None, reading_s=3600):
        self.dice = random.Random(seed)
        self.down, self.up = down, up
        self.members, self.group = street(lamps)
        self.lamps = {member.dev_eui: FakeLamp(member, keyed) for member in self.members}
        self.plan = Plan(tuple(programmes), assigned or {})
        self.now_ms = 0
        self.sent = []
        self.notices = []
        self.kept = {}
        self.orders = {}
        self.reading_ms = reading_s * 1000
        self._heap = []
        self._number = itertools.count()
        self.begin()
        for index, dev_eui in enumerate(self.lamps):
            self.later(1000 + index * 500, self.status, dev_eui)
            self.later(30_000 + self.dice.randrange(self.reading_ms), self.read, dev_eui)

    def begin(self, overrides=()):
        """A start of the gateway with what it has on disk."""
        state = State(self.plan, dict(self.kept), tuple(overrides), SITE)
        light = Lighting(self.members, [self.group], state)
        orders = [order for _, order in sorted(self.orders.items())]
        next_order = max(self.orders, default=0) + 1
        self.logs = {}
        self.app = TownApplication(
            BOOT, self.members, [self.group], (), orders, next_order, self.now_ms, False, lighting=light
        )
        self.app.set_clock(START_S * 1000)

    @property
    def light(self):
        return self.app.lighting

    def now_s(self):
        return START_S + self.now_ms // 1000

    def hold(self, target, level_pct, hold_s=3600, number=1):
        override = Override(
            id=number,
            target=target,
            level_pct=level_pct,
            fade_s=0,
            since_s=self.now_s(),
            until_s=self.now_s() + hold_s,
            source="test",
        )
        self.light.override(override)
        return override

    def later(self, in_ms, do, *arguments):
        heapq.heappush(self._heap, (self.now_ms + in_ms, next(self._number), do, arguments))

    def run(self, seconds):
        """Let time pass."""
        until_ms = self.now_ms + int(seconds * 1000)
        while True:
            wake_ms = self.app.wake_at()
            due_ms = self._heap[0][0] if self._heap else until_ms + 1
            next_ms = due_ms if wake_ms is None else min(due_ms, max(wake_ms, self.now_ms))
            if next_ms > until_ms:
                break
            self.now_ms = max(self.now_ms, next_ms)
            if due_ms <= self.now_ms:
                _, _, do, arguments = heapq.heappop(self._heap)
                do(*arguments)
            else:
                self.take(self.app.wake(self.now_ms))
        self.now_ms = until_ms

    def take(self, answer):
        for write in answer.writes:
            if isinstance(write, AddRecord) and write.record.kind is Kind.NOTICE:
                self.notices.append(json.loads(write.record.content))
            if isinstance(write, KeepLamp):
                self.kept[write.dev_eui] = write.state
            elif isinstance(write, KeepOrder):
                self.orders[write.id] = write
        for downlink in answer.downlinks:
            if downlink.ref not in answer.cancels:
                self.later(_AIR_MS, self.send, self.app, downlink)

    def send(self, app, downlink):
        """A frame is on the air."""
        if app is not self.app:
            return  # that process is gone
        order = decode_order(downlink.payload)
        self.sent.append((self.now_ms, downlink.target, order.verb))
        group = downlink.target if isinstance(downlink.target, int) else None
        for dev_eui, lamp in self.lamps.items():
            meant = (lamp.groups and group is not None) or downlink.target == dev_eui
            if not meant or lamp.deaf or self.dice.random() < self.down:
                continue
            receipt = lamp.obey(order, group, self.now_ms, self.gps_s())
            if receipt is None:
                continue
            outcome, detail = receipt
            spread_ms = 2000 if group is None else 2000 + self.dice.randrange(_SPREAD_MS)
            self.later(spread_ms, self.hear, dev_eui, 4, encode_receipt(Receipt(order.order_id, outcome, detail)))
        self.take(self.app.fate(Fate(ref=downlink.ref, fate=FateOf.SENT), self.now_ms))

    def gps_s(self):
        return self.now_s() - 315_964_800 + 18

    def hear(self, dev_eui, f_port, payload, sure=False):
        """The gateway hears a lamp, or does not."""
        lamp = self.lamps[dev_eui]
        if lamp.deaf or (not sure and self.dice.random() < self.up):
            return
        log = self.logs.get(dev_eui) or self.app.first_log(None)
        heard = uplink(f_port, payload, self.now_ms, START_S * 1000, lamp.registration, lamp.session)
        answer = self.app.hear(heard, log)
        self.logs[dev_eui] = answer.log or log
        self.take(answer)

    def status(self, dev_eui):
        lamp = self.lamps[dev_eui]
        self.hear(dev_eui, 3, encode_status(Status((1, 0, 0), 7, 1, 60, None, None, None, 10, lamp.seq), 51), True)

    def read(self, dev_eui):
        """A lamp tells its level, and will again."""
        lamp = self.lamps[dev_eui]
        level = lamp.level(self.now_ms)
        values = (40 if level is None else level, 250, 2300, 109, 5, 200, 0 if level is None else LAMP_OVERRIDDEN)
        payload = encode_readings(LIGHT_ONE_HEAD, [Reading(lamp.seq, 1, 1000, values)], 1, 1000, 51)[0]
        lamp.seq += 1
        self.hear(dev_eui, 1, payload)
        self.later(self.reading_ms, self.read, dev_eui)

    def tell_version(self, dev_eui):
        """What a lamp tells once a day, and after each boot."""
        lamp = self.lamps[dev_eui]
        version = lamp.version()
        payload = encode_rare(
            Reading(lamp.seq, 1, 1000, (-1 if version is None else version,)), ((PROGRAMME_VERSION, 0),), 1, 1000
        )
        lamp.seq += 1
        self.hear(dev_eui, 1, payload, True)

    def rejoin(self, dev_eui, wiped=False):
        """A lamp joins anew; wiped: it lost its memory, or is another node."""
        lamp = self.lamps[dev_eui]
        lamp.session += 1
        if wiped:
            lamp.stored, lamp.parts, lamp.groups, lamp.known = b"", NOTHING_HELD, set(), []
        self.status(dev_eui)

    def versions(self):
        """What lamps really have."""
        return [lamp.version() for lamp in self.lamps.values()]

    def known_versions(self):
        """What the gateway thinks that they have."""
        return [self.light.lamps[dev_eui].version for dev_eui in self.lamps]

    def levels(self):
        return [lamp.level(self.now_ms) for lamp in self.lamps.values()]

    def sent_since(self, ms, alone=None, verb=None):
        """How many frames went out: alone: to one lamp, or not; verb: of this one."""
        return sum(
            sent_ms >= ms
            and (alone is None or isinstance(target, bytes) is alone)
            and (verb is None or sent_verb == verb)
            for sent_ms, target, sent_verb in self.sent
        )

    def open_orders(self):
        return sum(not states.is_over(order.state) for order in self.orders.values())
