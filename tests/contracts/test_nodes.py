"""What mind and MAC owe the body together, each pair of them, with real and fake ones on either side."""

from collections.abc import Callable
from typing import Any

import pytest

from firmware.actions import RadioTransmit, Sense, SetLamp, Transmit
from firmware.cable import CableMac
from firmware.events import Downlink, FrameHeard, Sensed, Transmitted, WindowClosed, Woke
from firmware.mac import Mac
from firmware.node import Node
from firmware.session import Identity
from protocol.lorawan.frames import UPLINK, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload
from protocol.quantities import AIR_FULL
from protocol.region import FULL
from protocol.telemetry import F_PORT_READINGS
from protocol.telemetry_reader import decode_readings
from tests.fakes.bench import Bench
from tests.fakes.macs import PatientMac, RecordingMac
from tests.fakes.minds import ChattyMind, PlainMind, air_mind

DAY_MS = 86_400_000
SECRETS = (bytes(range(16)), bytes(range(16, 32)))
KEYS = SessionKeys(*SECRETS)
NODE = Identity(bytes(8), abp=(0x26000001, *SECRETS))
Open = Callable[[bytes], tuple[int | None, bytes]]


def open_real(phy_payload: bytes) -> tuple[int | None, bytes]:
    frame = parse_frame(phy_payload)
    assert mic_matches(KEYS, frame, UPLINK, frame.f_cnt16)
    return frame.f_port, open_payload(KEYS, frame, UPLINK, frame.f_cnt16)


def open_fake(phy_payload: bytes) -> tuple[int | None, bytes]:
    frame = parse_frame(phy_payload)
    return frame.f_port, bytes(frame.frm_payload)


MINDS = {
    "Air": lambda: air_mind(900_000),
    "PlainMind": lambda: PlainMind(AIR_FULL, 900_000),
}
MACS: dict[str, tuple[Callable[[], Any], Open]] = {
    "Mac-DR0": (lambda: Mac(NODE, FULL, dr=0, adr=False), open_real),
    "Mac-DR5": (lambda: Mac(NODE, FULL, dr=5), open_real),
    "CableMac": (lambda: CableMac(NODE), open_real),
    "PatientMac-DR0": (lambda: PatientMac(0), open_fake),
}


@pytest.mark.parametrize("mac", MACS.values(), ids=MACS.keys())
@pytest.mark.parametrize("mind", MINDS.values(), ids=MINDS.keys())
def test_what_was_sensed_is_on_the_air_before_the_next_reading(mind, mac):
    make_mac, open_frame = mac
    sensed: dict[tuple[int, ...], int] = {}

    def sense(set_number: int, now_ms: int) -> tuple[int, ...]:
        n = now_ms // 900_000
        values = (80 + n, 100 - n, 130 + n, 160 + 3 * n, 420 + n, -20 + n, 60, 10_130)
        sensed[values] = now_ms
        return values

    bench = Bench(Node(mind(), make_mac()), sense)
    bench.run(DAY_MS)
    told: dict[tuple[int | None, ...], int] = {}
    for at_ms, action in bench.of(RadioTransmit):
        f_port, payload = open_frame(action.phy_payload)
        if f_port == F_PORT_READINGS:
            for row in decode_readings(payload).rows:
                told.setdefault(row.values, at_ms)
    assert len(sensed) >= 96
    assert told.keys() == sensed.keys()
    assert all(told[values] - sensed[values] < 900_000 for values in sensed)


def node_of_fakes() -> tuple[Node, ChattyMind, RecordingMac]:
    mind, mac = ChattyMind(1000), RecordingMac()
    return Node(mind, mac), mind, mac


def test_a_transmission_goes_to_the_mac_and_not_to_the_body():
    node, _, mac = node_of_fakes()
    assert node.handle(Woke(), 0) == []
    assert [type(event) for event in mac.heard] == [Woke, Transmit]
    assert len(mac.payloads) == 1


def test_a_downlink_goes_to_the_mind_and_not_to_the_body():
    node, mind, mac = node_of_fakes()
    node.handle(Woke(), 0)
    downlink = Downlink(4, b"order")
    mac.answers = [downlink]
    assert node.handle(FrameHeard(b"\x60", -100, 10), 1) == []
    assert mind.heard[-1] is downlink


def test_both_hear_the_clock_and_each_its_own_hardware():
    order: list[str] = []

    class Ear:
        def __init__(self, name: str) -> None:
            self.name = name

        def handle(self, event: object, now_ms: int) -> list[object]:
            order.append(self.name)
            return []

        def wake_at(self) -> int | None:
            return None

    node = Node(Ear("mind"), Ear("mac"))
    node.handle(Woke(), 0)
    assert order == ["mind", "mac"]
    order.clear()
    node.handle(Sensed(3, ()), 0)
    assert order == ["mind"]
    order.clear()
    for event in (Transmitted(), FrameHeard(b"", -90, 20), WindowClosed()):
        node.handle(event, 0)
    assert order == ["mac"] * 3  # what these mean the MAC tells the mind


class Told:
    """A core that was told what to do and when to wake."""

    def __init__(self, actions: list[object], wake_ms: int | None) -> None:
        self._actions = actions
        self._wake_ms = wake_ms

    def handle(self, event: object, now_ms: int) -> list[object]:
        return self._actions

    def wake_at(self) -> int | None:
        return self._wake_ms


def test_the_body_gets_all_other_actions_in_their_order():
    lamp, dim, sense = SetLamp(0, 100, 0), SetLamp(0, 40, 5), Sense(3)
    assert Node(Told([lamp, dim], None), Told([sense], None)).handle(Woke(), 0) == [lamp, dim, sense]


@pytest.mark.parametrize(
    ("mind_ms", "mac_ms", "node_ms"),
    [(None, None, None), (5, None, 5), (None, 7, 7), (5, 7, 5), (9, 7, 7), (0, None, 0)],
)
def test_it_wakes_for_whichever_of_the_two_is_earlier(mind_ms, mac_ms, node_ms):
    assert Node(Told([], mind_ms), Told([], mac_ms)).wake_at() == node_ms
