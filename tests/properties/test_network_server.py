"""Any order of joins, uplinks, losses, replays, failed commits and restarts: what the network server must never do."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.links.link import Outcome, Transmit
from gateway.network.events import Accepted, Commit, Downlink, Refused
from gateway.store.writes import KeepSession
from protocol.lorawan.frames import CONFIRMED_DATA_UP, DOWNLINK, JOIN_ACCEPT, JOIN_REQUEST, frame_mtype, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches
from tests.fakes.devices import Device
from tests.fakes.stations import Station

HOUR_MS = 3_600_000
AFTER_RX2_MS = 6_500
ANY = st.integers(0, 2)


class Node:
    """A device with what it sent. frames: (session, FCntUp, payload, frame), sessions counted as it joined."""

    def __init__(self, number: int, joins: bool) -> None:
        self.device = Device(number, joins=joins, class_c=number == 3)
        self.joined = not joins
        self.joins = 0
        self.f_cnt_up = -1
        self.last: bytes | None = None
        self.replaced = False  # it joined again before this session was heard, and did not hear the answer

    def frame(self, payload: bytes, confirmed: bool, f_opts: bytes) -> bytes:
        self.f_cnt_up += 1
        self.last = self.device.frame(self.f_cnt_up, 1, payload, confirmed=confirmed, f_opts=f_opts)
        return self.last


class Life(RuleBasedStateMachine):
    """Two devices that join and one that does not, a disk that fails, a process that ends, an attacker who records."""

    @initialize()
    def switch_on(self) -> None:
        self.nodes = [Node(1, True), Node(2, True), Node(3, False)]
        self.station = Station([node.device.registration() for node in self.nodes])
        self.sent: dict[bytes, bytes] = {}  # payload by frame
        self.payloads = 0
        self.recorded: list[bytes] = []
        self.used: dict[tuple[bytes, int], bytes] = {}  # the frame by NwkSKey and FCntDown
        self.keys: dict[bytes, SessionKeys] = {}
        self.acks_heard = 0
        self.refs = 0
        self.looked = 0
        self.committed: list[tuple[int | None, int | None, int | None, bytes]] = []
        for node in self.nodes:
            self.keys[node.device.secrets[0]] = node.device.keys

    # Rules.

    @rule(which=ANY, confirmed=st.booleans(), asks=st.booleans(), lost=st.booleans(), deaf=st.booleans())
    def uplink(self, which: int, confirmed: bool, asks: bool, lost: bool, deaf: bool) -> None:
        node = self.nodes[which]
        if not node.joined:
            return
        self.payloads += 1
        payload = b"%d" % self.payloads
        frame = node.frame(payload, confirmed, b"\x02" if asks else b"")
        self.sent[frame] = payload
        self.recorded.append(frame)
        if not lost:
            effects = self.station.hear(frame)
            welcome = any(isinstance(effect, Accepted) for effect in effects)
            assert welcome or node.replaced, "a new frame is welcome"
        self.listen(node, deaf)

    @rule(which=ANY, deaf=st.booleans())
    def repeat(self, which: int, deaf: bool) -> None:
        node = self.nodes[which]
        if node.last is not None:
            self.station.run(AFTER_RX2_MS)
            self.station.hear(node.last)
            self.listen(node, deaf)

    @rule(which=st.integers(0, 1), lost=st.booleans(), deaf=st.booleans())
    def join(self, which: int, lost: bool, deaf: bool) -> None:
        node = self.nodes[which]
        request = node.device.join_request()
        self.recorded.append(request)
        self.look()
        before = len(self.station.transmits)
        if not lost:
            node.replaced = node.replaced or self.unheard(node)
            assert not any(isinstance(effect, Refused) for effect in self.station.hear(request))
        self.look()
        for transmit in self.station.transmits[before:]:
            if frame_mtype(transmit.phy_payload) == JOIN_ACCEPT and not deaf:
                node.device.hear_accept(transmit.phy_payload)
                node.joined = True
                node.f_cnt_up = -1
                node.last = None
                node.replaced = False

    @rule(which=ANY, confirmed=st.booleans())
    def order(self, which: int, confirmed: bool) -> None:
        self.refs += 1
        downlink = Downlink(
            ref=self.refs,
            target=self.nodes[which].device.dev_eui,
            f_port=4,
            payload=b"order %d" % self.refs,
            expires_ms=self.station.now_ms + HOUR_MS,
            confirmed=confirmed,
        )
        self.station.tell(downlink)

    @rule(at=st.integers(0, 10**6), bit=st.none() | st.integers(0, 10**6))
    def attack(self, at: int, bit: int | None) -> None:
        """Play a recorded frame again, as it was or with one bit flipped."""
        if not self.recorded:
            return
        frame = bytearray(self.recorded[at % len(self.recorded)])
        if bit is not None:
            frame[bit % (8 * len(frame)) // 8] ^= 1 << bit % 8
            accepted = len(self.station.accepted)
            self.station.hear(bytes(frame))
            assert len(self.station.accepted) == accepted, "one bit was flipped"
            return
        if frame_mtype(frame) == JOIN_REQUEST:  # one that was lost, or whose commit failed, is as good as new
            node = next(node for node in self.nodes if frame[9:17] == node.device.dev_eui[::-1])
            node.replaced = node.replaced or self.unheard(node)
        self.station.hear(bytes(frame))

    @rule(outcome=st.sampled_from(Outcome))
    def radios(self, outcome: Outcome) -> None:
        self.station.outcome = lambda transmit: outcome

    @rule(span_ms=st.integers(0, 3_000) | st.integers(0, 2 * HOUR_MS))
    def wait(self, span_ms: int) -> None:
        self.station.run(span_ms)

    @rule(hold=st.booleans())
    def disk(self, hold: bool) -> None:
        self.station.hold = hold
        if not hold:
            self.station.commit()

    @rule()
    def fail(self) -> None:
        """What was not committed is as if it had not been heard: the newest frame of each device is welcome again."""
        self.station.fail()
        if not self.station.hold:
            return
        kept = {content for _, _, _, content in self.station.store.records}
        for node in self.nodes:
            if node.last is not None and self.sent[node.last] not in kept:
                self.station.run(AFTER_RX2_MS)
                welcome = any(isinstance(effect, Accepted) for effect in self.station.hear(node.last))
                assert welcome or node.replaced, "what was rolled back is welcome again"

    @rule()
    def restart(self) -> None:
        self.station.restart()

    def teardown(self) -> None:
        """In the end everybody is heard, and what was committed is all there."""
        if not hasattr(self, "station"):
            return
        self.disk(False)
        self.radios(Outcome.SENT)
        for which, node in enumerate(self.nodes):
            if node.joined:
                self.uplink(which, False, False, False, True)
        self.station.run(2 * HOUR_MS)
        self.look()
        self.nothing_twice()
        assert self.station.server._stream.behind() is False

    # What must always be true.

    def listen(self, node: Node, deaf: bool) -> None:
        """The device hears what comes in its windows, unless it is *deaf*: all of it is new to it."""
        self.look()
        if deaf:
            return
        for transmit in self.station.transmits[self.acks_heard :]:
            if frame_mtype(transmit.phy_payload) == JOIN_ACCEPT:
                continue
            frame = parse_frame(transmit.phy_payload)
            if mic_matches(node.device.keys, frame, DOWNLINK, frame.f_cnt16) and frame.f_cnt16 > node.device.f_cnt_down:
                node.device.hear(transmit.phy_payload)
        self.acks_heard = len(self.station.transmits)

    def unheard(self, node: Node) -> bool:
        """Whether the session a device uses is not the one the server knows to be in use."""
        session = self.station.server._fleet.by_dev_eui[node.device.dev_eui].session
        return session is None or session.row.nwk_s_key != node.device.secrets[0]

    def look(self) -> None:
        """Look at what the server did since the last time."""
        new = self.station.effects[self.looked :]
        self.looked = len(self.station.effects)
        for _, effect in new:
            if isinstance(effect, Commit):
                for write in effect.writes:
                    if isinstance(write, KeepSession):
                        row = write.session
                        self.keys[row.nwk_s_key] = SessionKeys(row.nwk_s_key, row.app_s_key)
            elif isinstance(effect, Transmit) and frame_mtype(effect.phy_payload) != JOIN_ACCEPT:
                self.sent_down(effect)

    def sent_down(self, transmit: Transmit) -> None:
        frame = parse_frame(transmit.phy_payload)
        [secret] = [secret for secret, keys in self.keys.items() if mic_matches(keys, frame, DOWNLINK, frame.f_cnt16)]
        before = self.used.setdefault((secret, frame.f_cnt16), transmit.phy_payload)
        assert before == transmit.phy_payload, f"FCntDown {frame.f_cnt16} was used twice"
        if frame.ack:
            kept = {content for _, _, _, content in self.station.store.records}
            told = [
                payload
                for phy_payload, payload in self.sent.items()
                if phy_payload[1:5] == transmit.phy_payload[1:5] and phy_payload[0] >> 5 == CONFIRMED_DATA_UP
            ]
            assert any(payload in kept for payload in told), "an acknowledgement of what is not on disk"

    @invariant()
    def nothing_twice(self) -> None:
        if not hasattr(self, "station"):
            return
        self.look()
        records = self.station.store.records
        assert records[: len(self.committed)] == self.committed, "what is committed stays"
        self.committed = list(records)
        keys = [record[:3] for record in records]
        assert len(keys) == len(set(keys)), "a frame was accepted twice"
        contents = [content for _, _, _, content in records]
        assert len(contents) == len(set(contents))
        assert set(contents) <= set(self.sent.values()), "a frame that nobody sent"


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=40)
