"""Any order of events, losses, duplicates, sleeps and power cuts: what the MAC must never do, and what it must do."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.actions import AskLink, AskTime, JoinGroup, Transmit, UsePlan
from firmware.asleep import IMAGE_MAX_LEN
from firmware.cable import CableMac
from firmware.events import Downlink, Sent
from firmware.mac import Mac
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.join import JoinAccept
from protocol.lorawan.mac_commands import encode_command
from protocol.lorawan.multicast import encrypt_mc_key, mc_ke_key, mc_root_key, mc_session_keys
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import FULL, SINGLE_CHANNEL
from tests.firmware.network import ABP, GEN_APP_KEY, OTAA, Down, Network, PowerCut, Street

HOUR_MS = 3_600_000
MC_ADDR = 0xFF000001
MC_KEYS = tuple(bytes([number]) * 16 for number in (1, 2))
KE_KEY = mc_ke_key(mc_root_key(GEN_APP_KEY))
CF_LIST = (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)


def command(cid: int, *fields: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    return st.tuples(*fields).map(lambda values: encode_command(DOWNLINK, cid, *values))


freqs = st.sampled_from((0, 433_000_000, 864_100_000, 867_100_000, 868_900_000, 869_525_000, 868_650_000))
# DutyCycleReq and NbTrans stay where a frame still gets through within the bound below.
commands = st.lists(
    st.one_of(
        command(0x02, st.integers(0, 255), st.integers(0, 255)),
        command(
            0x03,
            st.integers(0, 15),
            st.integers(0, 15),
            st.integers(0, 0xFFFF) | st.just(0x00FF) | st.just(1),
            st.integers(0, 7),
            st.integers(0, 2),
        ),
        command(0x04, st.integers(0, 5)),
        command(0x05, st.integers(0, 7), st.integers(0, 15), freqs),
        command(0x06),
        command(0x07, st.integers(0, 17), freqs, st.integers(0, 8), st.integers(0, 8)),
        command(0x08, st.integers(0, 15)),
        command(0x09, st.integers(0, 1), st.integers(0, 1), st.integers(0, 15)),
        command(0x0A, st.integers(0, 17), freqs),
        command(0x0D, st.integers(0, 2**32 - 1), st.integers(0, 255)),
        st.binary(min_size=1, max_size=3),
    ),
    max_size=8,
).map(b"".join)
spans_ms = st.integers(0, 2_000) | st.integers(0, 60_000) | st.integers(0, 2 * HOUR_MS)


class RememberingNetwork(Network):
    """Keeps every downlink that was ever authentic, for those who replay."""

    def __init__(self) -> None:
        self.sealed: list[bytes] = []
        super().__init__()

    def seal(self, down: Down) -> bytes:
        frame: bytes = super().seal(down)
        self.sealed.append(frame)
        return frame


class Life(RuleBasedStateMachine):
    """A node, a network that speaks well or ill, and somebody at the switch."""

    @initialize(kind=st.sampled_from(("abp", "abp-slow", "abp-c", "otaa", "otaa-c", "one-channel", "cable")))
    def switch_on(self, kind: str) -> None:
        self.network = RememberingNetwork()
        self.class_c = kind.endswith("-c") or kind == "cable"
        self.cable = kind == "cable"
        self.otaa = kind.startswith("otaa")
        self.join_nonce = 0
        self.sealed = self.network.sealed
        self.payloads = 0
        self.group_cnt = 0
        self.forged = {b"forged"}
        make: Any = {
            "abp": lambda saved, image: Mac(ABP, FULL, saved, image, 5),
            "abp-slow": lambda saved, image: Mac(ABP, FULL, saved, image, 0),
            "abp-c": lambda saved, image: Mac(ABP, FULL, saved, image, 5, None, True),
            "otaa": lambda saved, image: Mac(OTAA, FULL, saved, image),
            "otaa-c": lambda saved, image: Mac(OTAA, FULL, saved, image, class_c=True),
            "one-channel": lambda saved, image: Mac(OTAA, SINGLE_CHANNEL, saved, image),
            "cable": lambda saved, image: CableMac(ABP, saved, image),
        }[kind]
        self.otaa = self.otaa or kind == "one-channel"
        self.lost = False
        self.city = Street(self.network, make, lose=lambda number: self.lost)
        if self.cable:
            self.network.in_window = lambda window, radio, end_ms, phy: (end_ms + 100, 0, 0, phy)  # type: ignore[method-assign]

    def _safely(self, do: Any, *args: Any) -> None:
        try:
            do(*args)
        except PowerCut:
            self.city.cut()

    @rule(length=st.integers(0, 222), confirmed=st.booleans(), f_port=st.integers(1, 223))
    def ask_to_transmit(self, length: int, confirmed: bool, f_port: int) -> None:
        transmit = Transmit(f_port, lambda room, now_ms: bytes(min(room, length)), confirmed)
        self._safely(self.city.tell, transmit)

    @rule(count=st.integers(5, 200))
    def chatter(self, count: int) -> None:
        """A stretch of traffic at the limit, as ADR's back-off and the ledger meet it."""
        for _ in range(count):
            self._safely(self.city.tell, Transmit(1, lambda room, now_ms: bytes(room)))
            self._safely(self.city.run, 20_000)

    @rule(what=st.sampled_from((AskTime(), AskLink(), UsePlan(0), UsePlan(1), UsePlan(9))))
    def ask_for(self, what: object) -> None:
        self._safely(self.city.tell, what)

    @rule(span_ms=spans_ms)
    def wait(self, span_ms: int) -> None:
        self._safely(self.city.run, span_ms)

    @rule(
        window=st.integers(1, 2),
        f_opts=commands,
        confirmed=st.booleans(),
        ack=st.booleans(),
        f_pending=st.booleans(),
        app=st.booleans(),
    )
    def answer_next(self, window: int, f_opts: bytes, confirmed: bool, ack: bool, f_pending: bool, app: bool) -> None:
        f_port, payload = (4, self._payload()) if app else (None, b"")
        if len(f_opts) > 15:
            f_port, payload, f_opts = 0, f_opts, b""
        down = Down(window, f_port, payload, f_opts, confirmed, ack, f_pending)
        self.network.answers.append(down)

    @rule(data=st.data())
    def answer_next_with_a_replay_or_a_forgery(self, data: st.DataObject) -> None:
        """Bytes in RX1: an old frame, one that was changed, another network's, or noise."""
        self.network.answers.append(self._evil(data))

    @rule(heard=st.booleans())
    def answer_next_join(self, heard: bool) -> None:
        if not heard:
            self.network.accepts.append(None)
            return
        self.join_nonce += 1
        self.network.accepts.append(JoinAccept(self.join_nonce, 1, 0x26000007, 0, 3, 5, CF_LIST))

    @rule(lost=st.booleans())
    def lose_uplinks(self, lost: bool) -> None:
        self.lost = lost

    @precondition(lambda self: self.class_c)
    @rule(f_opts=commands, confirmed=st.booleans(), data=st.data(), evil=st.booleans())
    def send_class_c(self, f_opts: bytes, confirmed: bool, data: st.DataObject, evil: bool) -> None:
        if evil:
            self._send(self._evil(data))
        else:
            fields: Any = (0, f_opts, b"") if len(f_opts) > 15 else (4, self._payload(), f_opts)
            self._send(self.network.seal(Down(0, fields[0], fields[1], fields[2], confirmed)))

    @precondition(lambda self: self.class_c)
    @rule(key=st.sampled_from(MC_KEYS), group=st.integers(0, 3))
    def join_group(self, key: bytes, group: int) -> None:
        """A gateway gives a counter that it has not used yet: it alone knows what it sent under a key."""
        self._safely(self.city.tell, JoinGroup(group, MC_ADDR, encrypt_mc_key(KE_KEY, key), self.group_cnt + 1))

    @precondition(lambda self: self.class_c)
    @rule(key=st.sampled_from(MC_KEYS), gap=st.integers(1, 5))
    def send_to_group(self, key: bytes, gap: int) -> None:
        self.group_cnt += gap
        keys = SessionKeys(*mc_session_keys(key, MC_ADDR))
        frame = seal_data(keys, DOWNLINK, MC_ADDR, self.group_cnt, 4, self._payload())
        self.sealed.append(frame)
        self._send(frame)

    @rule()
    def nap(self) -> None:
        self._safely(self.city.nap)

    @rule(actions=st.integers(1, 12))
    def arm_a_power_cut(self, actions: int) -> None:
        self.city.cut_at = actions

    @rule()
    def cut(self) -> None:
        self.city.cut()

    @invariant()
    def no_hour_holds_more_than_the_duty_cycle(self) -> None:
        del self.city.flights[:-600]
        assert self.city.worst_hour_ms() <= 1000

    @invariant()
    def nothing_is_obeyed_twice_and_no_forgery_ever(self) -> None:
        payloads = [event.payload for event in self.city.events(Downlink)]
        assert len(payloads) == len(set(payloads))
        assert not self.forged & set(payloads)

    @invariant()
    def the_image_fits(self) -> None:
        assert len(self.city.mac.image()) <= IMAGE_MAX_LEN

    def teardown(self) -> None:
        """Once faults stop, a frame gets through: never wedged."""
        if not hasattr(self, "city"):
            return
        self.city.cut_at = None
        self.lost = False
        self.network.answers.clear()
        self.network.accepts.clear()
        if self.otaa and self.city.mac._talk.session is None:
            self.join_nonce += 1
            self.network.accepts.append(JoinAccept(self.join_nonce, 1, 0x26000007, 0, 3, 5, CF_LIST))
        before = len(self.city.events(Sent))
        self.city.tell(Transmit(99, lambda room, now_ms: b"last"))
        # An hour for each of five frames sent twice, in a sub-band that has room for one; a join before them.
        self.city.run(24 * HOUR_MS)
        assert len(self.city.events(Sent)) > before
        assert self.network.uplinks[-1].payload == b"last" or self.network.uplinks[-1].f_port is None
        self.nothing_is_obeyed_twice_and_no_forgery_ever()
        self.no_hour_holds_more_than_the_duty_cycle()

    def _payload(self) -> bytes:
        self.payloads += 1
        return b"order %d" % self.payloads

    def _send(self, phy_payload: bytes) -> None:
        if self.cable:
            self.city.send_on_cable(phy_payload)
        else:
            self.city.send_class_c(phy_payload)
        self._safely(self.city.run, 3_000)

    def _evil(self, data: st.DataObject) -> bytes:
        choices = [st.binary(min_size=1, max_size=64)]
        if self.sealed:
            old = st.sampled_from(self.sealed)
            choices += [
                old,
                st.builds(lambda frame, at, bit: _flipped(frame, at, bit), old, st.integers(0, 400), st.integers(0, 7)),
                st.builds(lambda frame, end: frame[: 1 + end % len(frame)], old, st.integers(0, 400)),
            ]
        alien = SessionKeys(bytes(16), bytes(16))
        forged = st.integers(0, 100_000).map(
            lambda f_cnt: seal_data(alien, DOWNLINK, self.network.dev_addr, f_cnt, 4, b"forged")
        )
        return data.draw(st.one_of(forged, *choices))


def _flipped(frame: bytes, at: int, bit: int) -> bytes:
    at %= len(frame)
    return frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=40)
