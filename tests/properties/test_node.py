"""A whole node: mind, MAC, role and a log on littlefs, with a network and a world that do their worst.

Between two steps any order of losses, replays, forgeries, commands, deep sleeps, restarts and power cuts (between any
two actions, in the middle of any write) may have come; what holds after every step is checked where it happens:
`Air` the counters, the hours and the nonces, `Body` progress and who is obeyed how often, `WitnessLog` the records.
"""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.actions import Identify, Persist, RadioTransmit, Restart, Sense, SenseField, SenseLux
from firmware.asleep import IMAGE_MAX_LEN
from firmware.cable import CableMac
from firmware.events import Downlink, FieldMoved, FieldSensed, FrameHeard, LuxSensed, MotionSeen, Sensed, Woke
from firmware.mac import Mac
from firmware.mind import IMAGE_LEN, Facts, Mind
from firmware.node import Node
from firmware.recall import MAX_RESENDS
from firmware.roles.air import Air as AirRole
from firmware.roles.bridge import Bridge, Emit, Emitted, FrameReceived, Tell
from firmware.roles.light import Light
from firmware.roles.parking import WATCHED, Parking
from firmware.session import Identity
from firmware.store.log import READING, Log, Record
from firmware.telling import RARE
from gateway.network.joining import join_accept
from protocol.envelope import RECEIVED, SENT, TRANSMIT, TRANSMIT_RESULT, message
from protocol.events import VOID
from protocol.lorawan.frames import CONFIRMED_DATA_UP, DOWNLINK, JOIN_REQUEST, UPLINK, frame_mtype, parse_frame
from protocol.lorawan.mac_commands import DEVICE_TIME, LINK_CHECK, encode_command, parse_commands
from protocol.lorawan.multicast import encrypt_mc_key, mc_ke_key, mc_root_key, mc_session_keys
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.orders import (
    CONFIGURE,
    IDENTIFY,
    JOIN_GROUP,
    REBOOT,
    RESEND,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Order,
    decode_receipt,
    encode_order,
)
from protocol.quantities import AIR_FULL, ENERGY
from protocol.quantity_table import SETS, Quantity
from protocol.region import PLANS, SUB_BANDS, data_rate, frame_airtime_us, sub_band
from protocol.settings import AIR, LIGHT, PARKING, Settings, number_of
from tests.firmware.network import ABP, DEV_ADDR, DEV_EUI, GEN_APP_KEY, OTAA, Down, Network, Street
from tests.firmware.network import PowerCut as CutBetween
from tests.firmware.store.disks import PowerCut as CutInside
from tests.properties import test_mind
from tests.properties.flash import Flash, LittleFiles

HOUR_S = 3600
HOUR_MS = 3_600_000
BUILD_GPS_S = 1_400_000_000
MC_ADDR = 0xFF000001
MC_KEY = bytes([7]) * 16
PATIENCE = 60  # events at one moment before a node is called busy
RTC_LEN = 2048
TURN_US = 10_000  # a radio that ends a frame so late hears enough of the preamble of one that has begun
MANY = 100  # records that the gateway asks for at once

# A role is one line here: its number, and how the body makes it of settings, what was persisted, and its image.
Make = Callable[[Settings, dict[str, Any], bytes], Any]
ROLES: dict[str, tuple[int, Make]] = {
    "parking": (PARKING, lambda s, kept, image: Parking(s, kept.get("bays", b""), image)),
    "air": (AIR, lambda s, kept, image: AirRole(AIR_FULL, s.reading_interval_s, s.fan_warm_up_s, 182, 5_000, image)),
    "light": (LIGHT, lambda s, kept, image: Light(s, 7, b"", b"", kept.get("light", b""), image)),
}
# How often it reports, and for parking two bays with sensors that watch by themselves: number_of(name) of settings.
OFTEN = {"parking": "heartbeat_s", "air": "reading_interval_s", "light": "reading_interval_s"}
TWO_WATCHED_BAYS = {"bays": 2, "detector": WATCHED}
# How it reaches the network: who it is, the plan, the data rate of its first uplink, whether by cable.
LINKS: dict[str, tuple[Identity, int, int, bool]] = {
    "joins": (OTAA, 0, 5, False),
    "provisioned": (ABP, 0, 5, False),
    "far away": (ABP, 0, 0, False),
    "one channel": (OTAA, 1, 3, False),
    "cable": (ABP, 0, 5, True),
}


class Gateway(test_mind.Gateway):
    """The one of the mind's own test, which also sees that no epoch begins while there are records of another."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch: int | None = None
        self.resends: set[int] = set()

    def hear(self, f_port: int, payload: bytes) -> None:
        if f_port == 4:
            receipt = decode_receipt(payload)
            self.receipts[receipt.order_id] = receipt.outcome
            if receipt.order_id in self.resends and receipt.detail is not None:
                self.gone_below = max(self.gone_below, receipt.detail)
            return
        if f_port == 3:
            epoch = test_mind.decode_status(payload).epoch
            assert epoch == self.epoch or not self.records, "the log began anew"
            self.epoch = epoch
        super().hear(f_port, payload)


class Air(Network):
    """Hears everything, for the books of counters; the network behind it is deaf and mute as often as told.

    It knows every session that it ever gave. sealed: all authentic downlinks, for those who replay.
    """

    def __init__(self, gateway: Gateway, plan_number: int, cable: bool) -> None:
        self.gateway = gateway
        self.deaf = self.mute = 0  # frames that will be lost, up and down
        self.orders: list[bytes] = []  # to go down
        self.commands: list[bytes] = []
        self.evil: list[bytes] = []  # to go down in place of an answer
        self.sealed: list[bytes] = []
        self.gps_s = 0
        self._plan = PLANS[plan_number]
        self._cable = cable
        self._sessions: list[list[Any]] = []  # keys, highest FCntUp, next FCntDown; newest last
        self._newest = self._heard = 0  # the newest that the node used, and of which the network knows that it did
        self._frames: dict[tuple[int, int], bytes] = {}  # by session and FCntUp
        self._join_nonce = 0
        # Join-Accepts of sessions that the node has not used. LoRaWAN 1.0 does not bind one to its request: held back
        # and replayed to a later one, it makes a session that the node alone knows, until it joins anew (`adr.py`).
        self._unused: dict[int, bytes] = {}
        super().__init__()

    def activate(self, dev_addr: int, keys: Any) -> None:
        super().activate(dev_addr, keys)
        self._sessions.append([self.keys, -1, 0])

    def hear(self, radio: Any, start_ms: int, end_ms: int) -> list[Any]:
        if frame_mtype(radio.phy_payload) == JOIN_REQUEST:
            answers = self._answered(self._hear_request(radio, end_ms))
            return [(end_ms + 5_000, radio.freq_hz, radio.dr, self.evil.pop(0))] if self.evil else answers
        frame = parse_frame(radio.phy_payload)
        number, f_cnt = self._whose(frame)
        assert number >= self._newest, "the node went back to an old session"
        session = self._sessions[number]
        assert f_cnt >= session[1], "FCntUp went back"
        self._newest = number
        session[1] = f_cnt
        if number in self._unused:
            self.sealed.append(self._unused.pop(number))
        known = self._frames.setdefault((number, f_cnt), radio.phy_payload)
        assert known == radio.phy_payload, f"FCntUp {f_cnt} came twice under one key"
        if self._lost_up():
            return []
        self._heard = number
        payload = open_payload(session[0], frame, UPLINK, f_cnt)
        if frame.f_port:
            self.gateway.hear(frame.f_port, payload)
        if self.evil:
            return [self.in_window(1, radio, end_ms, self.evil.pop(0))]
        f_opts = self._answers(payload if frame.f_port == 0 else frame.f_opts, end_ms)
        confirmed = frame.mtype == CONFIRMED_DATA_UP
        if not (f_opts or self.orders or confirmed or frame.adr_ack_req):
            return []
        f_port, order = (4, self.orders.pop(0)) if self.orders else (None, b"")
        return self._answered(
            [self.in_window(1, radio, end_ms, self.seal(Down(1, f_port, order, f_opts, ack=confirmed)))]
        )

    def seal(self, down: Down) -> bytes:
        """A downlink of the session in which the node was heard last."""
        session = self._sessions[self._heard]
        frame = seal_data(session[0], DOWNLINK, DEV_ADDR, session[2], *down.fields)
        session[2] += 1
        self.sealed.append(frame)
        return frame

    def in_window(self, window: int, radio: Any, end_ms: int, phy_payload: bytes) -> Any:
        if self._cable:
            return end_ms + 100, 0, 0, phy_payload
        return super().in_window(window, radio, end_ms, phy_payload)

    def _hear_request(self, radio: Any, end_ms: int) -> list[Any]:
        if self._lost_up():
            self.accepts = [None]  # its nonce counts all the same
        else:
            self._join_nonce += 1
            self.accepts = [join_accept(self._plan, self._join_nonce, 0x13, DEV_ADDR)]
        answers: list[Any] = self._hear_join(radio, end_ms)
        for answer in answers:
            self._unused[len(self._sessions) - 1] = answer[3]
        return answers

    def _whose(self, frame: Any) -> tuple[int, int]:
        """The session that signed *frame*, and its whole counter."""
        for number, (keys, highest, _) in reversed(list(enumerate(self._sessions))):
            for high in range(max(highest, 0) >> 16, (max(highest, 0) >> 16) + 2):
                f_cnt = high << 16 | frame.f_cnt16
                if mic_matches(keys, frame, UPLINK, f_cnt):
                    return number, f_cnt
        raise AssertionError("an uplink of no session known here")

    def _answers(self, asked: Any, end_ms: int) -> bytes:
        f_opts = b""
        for cid, _ in parse_commands(asked, UPLINK):
            if cid == DEVICE_TIME:
                f_opts += encode_command(DOWNLINK, DEVICE_TIME, BUILD_GPS_S + end_ms // 1000, 0)
            elif cid == LINK_CHECK:
                f_opts += encode_command(DOWNLINK, LINK_CHECK, 17, 2)
        while self.commands and len(f_opts) + len(self.commands[0]) <= 15:
            f_opts += self.commands.pop(0)
        return f_opts

    def _lost_up(self) -> bool:
        self.deaf = max(0, self.deaf - 1)
        return self.deaf > 0

    def _answered(self, answers: list[Any]) -> list[Any]:
        self.mute = max(0, self.mute - 1)
        return [] if self.mute else answers


class BridgedAir(Air):
    """What the network hears and says passes a real USB bridge: one channel, one radio, deaf while it sends."""

    def __init__(self, gateway: Gateway, plan_number: int, cable: bool) -> None:
        super().__init__(gateway, plan_number, cable)
        self._bridge = Bridge(bytes(8), "0.1.0", self._plan)
        self._us = 0  # of its clock
        self._token = 0

    def hear(self, radio: Any, start_ms: int, end_ms: int) -> list[Any]:
        if start_ms * 1000 + TURN_US < self._us:
            self.deaf = max(self.deaf, 2)
            return super().hear(radio, start_ms, end_ms)
        told = self._tell(FrameReceived(end_ms * 1000, -100, 20, True, radio.phy_payload), end_ms * 1000)
        assert [up.phy_payload for up in told if up.kind == RECEIVED] == [radio.phy_payload]
        return [self._send(*answer) for answer in super().hear(radio, start_ms, end_ms)]

    def _send(self, start_ms: int, freq_hz: int, dr: int, phy_payload: bytes) -> Any:
        """A frame at its µs, to which the bridge must keep to the ms; then it says that it did."""
        self._token += 1
        sf, bw_hz = data_rate(dr)
        at_us = start_ms * 1000
        order = {"token": self._token, "at_us": at_us & 0xFFFFFFFF, "freq_hz": freq_hz, "sf": sf, "bw_hz": bw_hz}
        order.update({"power_dbm": 14, "iq_inverted": True, "preamble_symbols": 8, "phy_payload": phy_payload})
        self._tell(message(TRANSMIT, **order), self._us)
        while not self._emitted:
            wake_us = self._bridge.wake_at()
            assert wake_us is not None
            assert wake_us < at_us, "the bridge sleeps through its window"
            self._tell(Woke(), max(self._us, wake_us))
        assert self._emitted.pop() == at_us
        end_us = at_us + frame_airtime_us(dr, len(phy_payload), uplink=False)
        told = self._tell(Emitted(at_us, 14), end_us)
        results = [(result.token, result.outcome) for result in told if result.kind == TRANSMIT_RESULT]
        assert results == [(self._token, SENT)]
        return start_ms, freq_hz, dr, phy_payload

    def _tell(self, event: object, now_us: int) -> list[Any]:
        """What it says up the cable; what it sends goes to *_emitted*."""
        self._us = max(self._us, now_us)
        actions = self._bridge.handle(event, self._us)
        self._emitted = [action.start_us for action in actions if isinstance(action, Emit)]
        return [action.content for action in actions if isinstance(action, Tell)]


class WitnessLog(Log):
    """Swears to every record that it took: *truth* is what the gateway would say of each number."""

    truth: dict[int, object]
    trying: list[Record]

    def add(self, record: Record) -> bool:
        if record.number == VOID and record.kind != READING:
            assert not [seq for seq in self.truth if record.seq <= seq < record.after()], "a record was declared void"
            return super().add(record)
        assert record.seq not in self.truth, f"seq {record.seq} was given twice"
        self.trying.append(record)
        assert super().add(record)
        self.truth[self.trying.pop().seq] = said(record)
        return True


def said(record: Record) -> object:
    if record.kind == READING:
        return "reading", record.values[len(record.values) // 2 :] if record.number == RARE else record.values
    return record.number, record.values


class Listener:
    """A MAC, and what it believed last: the frame of which it told its mind, or None."""

    def __init__(self, mac: Mac) -> None:
        self.mac = mac
        self.wake_at = mac.wake_at
        self.believed: bytes | None = None

    def handle(self, event: object, now_ms: int) -> list[object]:
        out = self.mac.handle(event, now_ms)
        if isinstance(event, FrameHeard):
            self.believed = event.phy_payload if [1 for item in out if isinstance(item, Downlink)] else None
        return out


class Body(Street):  # type: ignore[misc]
    """Carries out what the node wants, as `Street` does for a MAC; power may go at every action and in every write."""

    def __init__(self, role: str, link: str, interval_s: int, rng: random.Random) -> None:
        self.role_number, self._make_role = ROLES[role]
        self._identity, self._plan_number, self._dr, self.cable = LINKS[link]
        self.often = number_of(OFTEN[role])
        self._given = {self.often: interval_s}
        if self.role_number == PARKING:
            self._given |= {number_of(name): value for name, value in TWO_WATCHED_BAYS.items()}
        self._rng = rng
        self._fields = [(150, 140, -420), (0, 0, 0)]
        self._moves_ms = [0, 0]
        self.cut_at_hearing: int | None = None  # actions that still follow the next frame heard
        self.class_c = self.role_number == LIGHT
        self.flash = Flash(40, rng)
        LittleFiles(self.flash).format()
        self.truth: dict[int, object] = {}
        self.identified: dict[int, int] = {}
        self._trying: list[Record] = []
        self._obeyed: set[bytes] = set()
        self._hearing: bytes | None = None
        self._moment = (0, 0)
        self._hours: dict[str, list[tuple[int, int]]] = {band.name: [] for band in SUB_BANDS}
        self.gateway = Gateway()
        # A site with one channel has a bridge, which has its own role; the others, a concentrator.
        self.network = (BridgedAir if self._plan_number else Air)(self.gateway, self._plan_number, self.cable)
        super().__init__(self.network, self._make)

    def _make(self, saved: dict[str, Any], images: Any) -> Node:
        mac_image, role_image, mind_image, log_image = images or (b"", b"", b"", b"")
        files = LittleFiles(self.flash)
        files.mount()
        WitnessLog.truth, WitnessLog.trying = self.truth, self._trying
        self.log = WitnessLog(files, self._rng.randrange(2**16), log_image)
        if not images:
            self._swear()
        table = saved.get("settings")
        chosen = Settings({0: self.role_number, 1: DEV_EUI, **self._given})
        if table:
            chosen = Settings.decode(table)
        role = self._make_role(chosen, saved, role_image)
        kept = {"boots": saved.get("boots", 0), "seq": saved.get("seq", 0), "orders": saved.get("orders", b"")}
        self.mind = Mind(role, self.log, chosen, Facts((0, 1, 0), BUILD_GPS_S, DEV_EUI, **kept), mind_image)
        if self.cable:
            mac: Mac = CableMac(self._identity, saved, mac_image)
        else:
            mac = Mac(self._identity, PLANS[self._plan_number], saved, mac_image, self._dr, class_c=self.class_c)
        self.radio = Listener(mac)
        return Node(self.mind, self.radio)

    def _swear(self) -> None:
        """After a cut: the record that was being written is kept, or not; all others are."""
        oldest = self.log.oldest_seq()
        kept = {record.seq: said(record) for record in self.log.find(oldest, 1 << 31)}
        for record in self._trying:
            if record.seq in kept:
                self.truth[record.seq] = said(record)
        self._trying.clear()
        assert [seq for seq, what in self.truth.items() if seq >= oldest and kept.get(seq) != what] == []

    # What happens to it.

    def live(self, what: Callable[..., None], *args: Any) -> None:
        """Let it happen; if the power goes, it comes back."""
        try:
            what(*args)
        except (CutBetween, CutInside):
            self.cut()

    def cut(self) -> None:
        while True:
            self.flash.power_on()
            try:
                super().cut()
            except (CutBetween, CutInside):
                continue
            return

    def nap(self) -> None:
        """A deep sleep or a restart in good order, over at once."""
        images = (self.radio.mac.image(), self.mind.role.image(), self.mind.image(), self.log.image())
        assert len(images[0]) <= IMAGE_MAX_LEN
        assert len(images[2]) <= IMAGE_LEN
        assert sum(len(image) for image in images) <= RTC_LEN
        self._begin(images)
        self.tell(Woke())

    def tell(self, event: object) -> None:
        if self._moment[0] != self.now_ms:
            self._moment = (self.now_ms, 0)
        self._moment = (self.now_ms, self._moment[1] + 1)
        assert self._moment[1] < PATIENCE, f"busy at {self.now_ms} ms"
        self._hearing = event.phy_payload if isinstance(event, FrameHeard) else None
        if self._hearing is not None and self.cut_at_hearing is not None:
            self.cut_at, self.cut_at_hearing = self.cut_at_hearing, None
        super().tell(event)
        if self._hearing == self.radio.believed:
            self._note_obedience()

    def run(self, span_ms: int) -> None:
        super().run(span_ms)
        self._moment = (0, 0)
        self._air = [frame for frame in self._air if frame[0] > self.now_ms - 60_000]

    def _do(self, action: object) -> None:
        if isinstance(action, Sense):
            self._due.append((self.now_ms + 50, Sensed(action.set_number, self._measure(action.set_number))))
        elif isinstance(action, SenseField):
            self._due.append((self.now_ms + 50, FieldSensed(action.bay, self._feel(action.bay), 150)))
        elif isinstance(action, SenseLux):
            self._due.append((self.now_ms + 50, LuxSensed(self._rng.choice([None, 0, 500]))))
        elif isinstance(action, Restart):
            raise CutBetween
        elif isinstance(action, Identify):
            self.identified[action.seconds] = self.identified.get(action.seconds, 0) + 1
            assert self.identified[action.seconds] == 1, "an order was obeyed twice"
        else:
            if isinstance(action, RadioTransmit) and action.freq_hz:
                self._clock_airtime(action)
            if isinstance(action, Persist) and action.key in ("session", "mc0", "mc1", "mc2", "mc3"):
                self._note_obedience()
            super()._do(action)

    def _feel(self, bay: int) -> tuple[int, int, int] | None:
        """Every few hours a car moves above the sensor; now and then the sensor is silent."""
        if self.now_ms >= self._moves_ms[bay]:
            self._moves_ms[bay] = self.now_ms + self._rng.randrange(HOUR_MS, 4 * HOUR_MS)
            self._fields[bay] = (self._rng.randrange(1000), self._rng.randrange(1000), self._rng.randrange(1000))
        x, y, z = self._fields[bay]
        return None if self._rng.random() < 0.05 else (x + self._rng.randrange(5), y, z)

    def _measure(self, set_number: int) -> tuple[int | None, ...]:
        quantities = [Quantity(number) for number, _ in SETS[set_number]]
        # A meter counts up; the other sensors may say anything.
        tops = [self.now_ms // HOUR_MS if quantity.number == ENERGY else quantity.high for quantity in quantities]
        values = [(q.low, top, (q.low + top) // 2, None) for q, top in zip(quantities, tops, strict=True)]
        return tuple(self._rng.choice(some) for some in values)

    def _note_obedience(self) -> None:
        """The counter of the frame that is being heard is on flash, or it was obeyed: never again."""
        if self._hearing is not None:
            assert self._hearing not in self._obeyed, "a downlink was believed twice"
            self._obeyed.add(self._hearing)
            self._hearing = None

    def _clock_airtime(self, action: RadioTransmit) -> None:
        """No hour that ends with this frame holds more than its sub-band allows, in true time."""
        band = sub_band(action.freq_hz)
        end_ms = self.now_ms + (frame_airtime_us(action.dr, len(action.phy_payload)) + 999) // 1000
        since_ms = end_ms - HOUR_MS
        flights = [flight for flight in self._hours[band.name] if flight[1] > since_ms]
        flights.append((self.now_ms, end_ms))
        self._hours[band.name] = flights
        spent_ms = sum(end - max(start, since_ms) for start, end in flights)
        assert spent_ms <= band.airtime_ms_per_hour, f"{spent_ms} ms in an hour of sub-band {band.name}"


def command(cid: int, *fields: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    return st.tuples(*fields).map(lambda values: encode_command(DOWNLINK, cid, *values))


# What changes how the node sends; commands that move its windows would need a network that knows its answers.
commands = st.one_of(
    command(
        0x03,
        st.sampled_from((0, 5)),
        st.integers(0, 7),
        st.sampled_from((0xFF, 7, 1, 0x18)),
        st.just(0),
        st.integers(1, 3),
    ),
    command(0x04, st.integers(0, 4)),
    command(0x06),
    command(0x07, st.integers(3, 9), st.sampled_from((0, 864_100_000, 868_900_000)), st.just(5), st.just(0)),
    st.binary(min_size=1, max_size=3),
)
SLOW = encode_command(DOWNLINK, 0x03, 0, 0, 0xFF, 0, 3)
# Every channel there is (ChMaskCntl 6): a mask of eight would be refused for good once one of them was taken away.
HEALTHY = (encode_command(DOWNLINK, 0x03, 5, 0, 0, 6, 1), encode_command(DOWNLINK, 0x04, 0))
settings_to_change = st.sampled_from(
    (("plan", 0), ("plan", 1), ("reading_interval_s", 120), ("reading_interval_s", None), ("status_interval_s", 3600))
)


class Life(RuleBasedStateMachine):
    """One node, from its first power-up until the faults stop and everything has arrived."""

    @initialize(
        role=st.sampled_from(sorted(ROLES)),
        link=st.sampled_from(sorted(LINKS)),
        interval_s=st.sampled_from((300, 900)),
        seed=st.integers(0, 99),
        deaf=st.sampled_from((0, 0, 3)),
        slow=st.booleans(),
    )
    def switch_on(self, role: str, link: str, interval_s: int, seed: int, deaf: int, slow: bool) -> None:
        self.body = Body(role, link, interval_s, random.Random(seed))
        self.air = self.body.network
        self.air.deaf = deaf
        self.air.commands = [SLOW] * slow
        self.count = 0
        self.group_cnt = -1

    @rule(seconds=st.sampled_from((0, 1, 5, 60, 900, 900, HOUR_S, 4 * HOUR_S)))
    def time_passes(self, seconds: int) -> None:
        self._live(self.body.run, seconds * 1000)

    @rule(count=st.integers(1, 12))
    def uplinks_are_lost(self, count: int) -> None:
        self.air.deaf = count + 1

    @rule(count=st.integers(1, 6))
    def downlinks_are_lost(self, count: int) -> None:
        self.air.mute = count + 1

    @rule(which=commands)
    def the_network_commands(self, which: bytes) -> None:
        self.air.commands.append(which)

    @rule()
    def somebody_moves(self) -> None:
        self._live(self.body.tell, FieldMoved() if self.body.role_number == PARKING else MotionSeen())

    @rule(actions=st.integers(1, 8))
    def power_will_go_between_two_actions(self, actions: int) -> None:
        self.body.cut_at = actions

    @rule(operations=st.integers(0, 60))
    def power_will_go_in_the_middle_of_a_write(self, operations: int) -> None:
        self.body.flash.cut_in = operations

    @rule()
    def power_goes(self) -> None:
        self.body.cut()

    @rule(times=st.sampled_from((1, 8)))
    def it_sleeps(self, times: int) -> None:
        self._live(self.body.nap)
        for _ in range(times - 1):
            self._live(self.body.run, 900_000)
            self._live(self.body.nap)

    @rule(lasts_s=st.sampled_from((-10, 600, 90_000)), apart=st.booleans(), cut=st.none() | st.integers(1, 4))
    def an_order(self, lasts_s: int, apart: bool, cut: int | None) -> None:
        """Sent twice, as a gateway does that heard no receipt; perhaps because the power went while it was obeyed."""
        self.count += 1
        self.body.cut_at_hearing = cut
        payload = encode_order(Order(self.count, self._gps_s() + lasts_s, IDENTIFY, self.count))
        self._send(payload)
        if apart:
            self._live(self.body.run, 1_200_000)
        self._send(payload)

    @rule(first=st.integers(0, 0xFFFF), count=st.integers(1, 0x8000))
    def a_resend_of_anything(self, first: int, count: int) -> None:
        self._order(RESEND, first, count)

    @rule(change=settings_to_change)
    def a_setting_is_changed(self, change: tuple[str, int | None]) -> None:
        self._order(CONFIGURE, number_of(change[0]), change[1])

    @rule()
    def it_is_restarted(self) -> None:
        self._order(REBOOT)

    @rule(newest=st.integers(1, 4))
    def the_air_brings_old_frames_again(self, newest: int) -> None:
        for frame in self.air.sealed[-newest:]:
            self._evil(frame)

    @precondition(lambda self: self.air.sealed)
    @rule(data=st.data(), at=st.integers(0, 400), bit=st.integers(0, 7))
    def the_air_brings_a_forgery(self, data: st.DataObject, at: int, bit: int) -> None:
        frame = data.draw(st.sampled_from(self.air.sealed))
        at %= len(frame)
        self._evil(frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :])

    @precondition(lambda self: self.body.class_c)
    @rule(verb=st.sampled_from((SET_LEVEL, RESUME_PROGRAMME, REBOOT)), gap=st.integers(1, 3))
    def an_order_to_its_group(self, verb: int, gap: int) -> None:
        if self.group_cnt < 0:
            key = encrypt_mc_key(mc_ke_key(mc_root_key(GEN_APP_KEY)), MC_KEY)
            self._order(JOIN_GROUP, 1, MC_ADDR, key, 0)
        self.group_cnt += gap
        self.count += 1
        order = Order(self.count, self._gps_s() + HOUR_S, verb, *((40, 2, 60) if verb == SET_LEVEL else ()))
        keys = SessionKeys(*mc_session_keys(MC_KEY, MC_ADDR))
        frame = seal_data(keys, DOWNLINK, MC_ADDR, self.group_cnt, 4, encode_order(order))
        self.air.sealed.append(frame)
        self._on_air(frame)

    @invariant()
    def it_has_something_to_wait_for(self) -> None:
        assert not hasattr(self, "body") or self.body._next()[0] is not None

    def teardown(self) -> None:
        """Faults stop. Then every record within the log's depth arrives, once, and what is void is said to be."""
        if not hasattr(self, "body"):
            return
        body, air, gateway = self.body, self.air, self.body.gateway
        body.cut_at = body.cut_at_hearing = body.flash.cut_in = None
        air.deaf = air.mute = 0
        air.evil.clear()
        air.orders.clear()
        air.commands[:] = HEALTHY
        self._order(CONFIGURE, body.often, 3600)  # no hurry any more
        self._live(body.run, 2 * HOUR_MS)
        for hours in (2, 2, 4, 6, 12) + (24,) * 9:
            air.commands[:] = HEALTHY
            missing = gateway.missing() if gateway.next_seq is not None else []
            if gateway.next_seq is not None and not missing and not self._absent():
                break
            for _ in range(MAX_RESENDS):
                if missing:
                    first = missing[0]
                    missing = [seq for seq in missing if seq >= first + MANY]
                    self._order(RESEND, first & 0xFFFF, MANY)
            self._live(body.run, hours * HOUR_MS)
        assert gateway.next_seq is not None, "the node was never heard"
        assert self._absent() == []
        assert gateway.missing() == []
        for seq, what in gateway.records.items():
            assert what == self.body.truth.get(seq, "void"), f"{seq} arrived as what it never was"

    def _absent(self) -> list[int]:
        """Records that did not arrive as they were, though the log has them."""
        oldest = self.body.log.oldest_seq()
        arrived = self.body.gateway.records
        return [seq for seq, what in self.body.truth.items() if seq >= oldest and arrived.get(seq) != what]

    def _gps_s(self) -> int:
        return BUILD_GPS_S + self.body.now_ms // 1000

    def _order(self, verb: int, *arguments: object) -> None:
        self.count += 1
        if verb == RESEND:
            self.body.gateway.resends.add(self.count)
        self._send(encode_order(Order(self.count, self._gps_s() + 90_000, verb, *arguments)))

    def _send(self, payload: bytes) -> None:
        """With the next answer; to a node that always listens at once."""
        if self.body.class_c or self.body.cable:
            self._on_air(self.air.seal(Down(0, 4, payload)))
        else:
            self.air.orders.append(payload)

    def _evil(self, frame: bytes) -> None:
        """In place of an answer, or at once to a node that always listens."""
        if self.body.class_c or self.body.cable:
            self._on_air(frame)
        else:
            self.air.evil.append(frame)

    def _on_air(self, frame: bytes) -> None:
        if self.body.cable:
            self.body.send_on_cable(frame)
        else:
            self.body.send_class_c(frame)
        self._live(self.body.run, 3_000)

    def _live(self, what: Callable[..., None], *args: Any) -> None:
        self.body.live(what, *args)


TestLife = Life.TestCase
# Each life is a day or two of its own clock, and a quarter of a second of ours.
TestLife.settings = settings(max_examples=max(10, settings.default.max_examples // 2), stateful_step_count=25)
