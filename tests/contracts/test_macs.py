"""What every MAC owes its mind, its body and the other users of the band, the fake one too."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from firmware.actions import Persist, RadioTransmit, Transmit
from firmware.cable import CableMac
from firmware.dialogue import MAX_WAITING
from firmware.events import Downlink, Sensed, Sent, Transmitted, WindowClosed, Woke
from firmware.mac import F_CNT_STEP, Mac
from firmware.node import Node
from firmware.session import Identity
from protocol.errors import MessageError
from protocol.lorawan.frames import parse_frame
from protocol.region import FULL, SINGLE_CHANNEL, SUB_BANDS, max_payload, sub_band
from tests.fakes.bench import Bench, airtime_ms
from tests.fakes.macs import PatientMac
from tests.fakes.minds import ChattyMind

HOUR_MS = 3_600_000
Saved = dict[str, int | bytes]
Make = Callable[[Saved], Any]  # with what `Persist` wrote before


def node_number(number: int) -> Identity:
    """An ABP node, so that it may send at once."""
    keys = (bytes(range(16)), bytes(range(16, 32)))
    return Identity(bytes([2, 0, 0, 0, 0, 0, 0, number]), abp=(0x26000000 + number, *keys))


CABLE = "CableMac"
MACS: dict[str, tuple[int, Make]] = {
    "Mac-DR0": (0, lambda saved: Mac(node_number(1), FULL, saved, dr=0, adr=False)),
    "Mac-DR3-one-channel": (3, lambda saved: Mac(node_number(2), SINGLE_CHANNEL, saved, dr=3)),
    "Mac-DR5": (5, lambda saved: Mac(node_number(3), FULL, saved, dr=5, adr=False)),
    "Mac-DR5-class-C": (5, lambda saved: Mac(node_number(4), FULL, saved, dr=5, adr=False, class_c=True)),
    CABLE: (5, lambda saved: CableMac(node_number(5), saved)),
    "PatientMac-DR0": (0, lambda saved: PatientMac(0, saved.get("f_cnt_up", 0))),
    "PatientMac-DR5": (5, lambda saved: PatientMac(5, saved.get("f_cnt_up", 0))),
}
ON_AIR = {name: kind for name, kind in MACS.items() if name != CABLE}


@pytest.fixture(name="kind", params=MACS.values(), ids=MACS.keys())
def _kind(request: pytest.FixtureRequest) -> tuple[int, Make]:
    return request.param


def no_sensors(set_number: int, now_ms: int) -> tuple[int, ...]:
    raise AssertionError("nobody asked to sense")


def bench_of(mac: object, interval_ms: int = 1000) -> tuple[Bench, ChattyMind]:
    """A node that always has something to say."""
    mind = ChattyMind(interval_ms)
    return Bench(Node(mind, mac), no_sensors), mind


def f_cnts(bench: Bench) -> list[int]:
    return [parse_frame(action.phy_payload).f_cnt16 for _, action in bench.of(RadioTransmit)]


def worst_hour_ms(flights: list[tuple[int, int]]) -> int:
    """The most ms on the air, of flights (start, end), in any hour: none holds more than one that ends with a frame."""
    hours = [(end_ms - HOUR_MS, end_ms) for _, end_ms in flights]
    return max(
        sum(min(end, until) - max(start, since) for start, end in flights if end > since and start < until)
        for since, until in hours
    )


@pytest.mark.parametrize("make", [make for _, make in ON_AIR.values()], ids=ON_AIR.keys())
def test_no_sliding_hour_holds_more_than_the_duty_cycle_of_its_sub_band(make):
    bench, _ = bench_of(make({}))
    bench.run(3 * HOUR_MS)
    used = 0
    for band in SUB_BANDS:
        frames = [(at_ms, frame) for at_ms, frame in bench.of(RadioTransmit) if sub_band(frame.freq_hz) is band]
        if frames:
            used += 1
            worst_ms = worst_hour_ms([(at_ms, at_ms + airtime_ms(frame)) for at_ms, frame in frames])
            assert 0 < worst_ms <= band.airtime_ms_per_hour
    assert used


def test_a_frame_counter_only_grows(kind):
    _, make = kind
    bench, _ = bench_of(make({}))
    bench.run(2 * HOUR_MS)
    assert len(f_cnts(bench)) > 10
    assert all(older < newer for older, newer in pairwise(f_cnts(bench)))


def test_a_counter_is_on_flash_before_it_is_on_the_air(kind):
    _, make = kind
    bench, _ = bench_of(make({}))
    bench.run(2 * HOUR_MS)
    safe = 0
    for _, action in bench.done:
        if isinstance(action, Persist) and action.key == "f_cnt_up":
            assert action.value > safe
            safe = action.value
        elif isinstance(action, RadioTransmit):
            assert parse_frame(action.phy_payload).f_cnt16 < safe


def test_no_power_cut_makes_a_counter_come_twice(kind):
    """Cut after every number of actions there can be, so also between the two of one list."""
    _, make = kind
    used: list[int] = []
    saved: Saved = {}
    for actions_left in range(1, 5 * F_CNT_STEP, 7):
        bench, _ = bench_of(make(dict(saved)))
        while len(bench.done) < actions_left:
            bench.run(bench.now_ms + 10_000)
        for _, action in bench.done[:actions_left]:
            if isinstance(action, Persist):
                saved[action.key] = action.value
            elif isinstance(action, RadioTransmit):
                used.append(parse_frame(action.phy_payload).f_cnt16)
    assert len(used) == len(set(used)) > F_CNT_STEP


def test_each_frame_is_composed_once_at_the_moment_it_goes_with_the_room_of_its_data_rate(kind):
    dr, make = kind
    bench, mind = bench_of(make({}))
    bench.run(HOUR_MS)
    sent = bench.of(RadioTransmit)
    room = max_payload(dr)
    assert mind.composed == [(at_ms, room) for at_ms, _ in sent]
    lengths = [len(parse_frame(action.phy_payload).frm_payload) for _, action in sent]
    assert lengths == [room if n % 2 == 0 else 1 for n in range(len(sent))]
    assert {action.dr for _, action in sent if action.freq_hz} <= {dr}


def over(mac: Any, now_ms: int) -> list[object]:
    """Let the frame on the air end and its windows pass, unanswered; returns all that was done."""
    done = mac.handle(Transmitted(), now_ms)
    for at_ms in range(now_ms + 5_000, now_ms + 9_000, 1_000):
        done += mac.handle(Woke(), at_ms) + mac.handle(WindowClosed(), at_ms)
    return done


def test_a_queue_that_is_full_keeps_the_newest_and_every_transmit_has_one_end(kind):
    """Nothing was sent before the radio is free again, so the first of all is the one on the air."""
    _, make = kind
    mac = make({})
    asked = [Transmit(1 + number, lambda room, now_ms, number=number: bytes([number])) for number in range(20)]
    composed: list[int] = []
    now_ms = 0
    done = [action for transmit in asked for action in mac.handle(_noting(transmit, composed), now_ms)]
    assert sum(isinstance(action, RadioTransmit) for action in done) == 1
    for _ in range(10):
        done += over(mac, now_ms)
        now_ms += HOUR_MS
        done += mac.handle(Woke(), now_ms)
    assert composed == [0, *range(20 - MAX_WAITING, 20)]
    assert sorted(action.f_port for action in done if isinstance(action, Sent)) == list(range(1, 21))


def _noting(transmit: Transmit, composed: list[int]) -> Transmit:
    def compose(room: int, now_ms: int) -> bytes:
        payload = transmit.compose(room, now_ms)
        composed.append(payload[0])
        return payload

    return Transmit(transmit.f_port, compose)


def test_while_the_radio_sends_nothing_else_is_sent_and_no_alarm_is_set(kind):
    _, make = kind
    mac = make({})
    first = mac.handle(Transmit(1, lambda room, now_ms: b"first"), 0)
    assert isinstance(first[-1], RadioTransmit)
    assert mac.handle(Transmit(1, lambda room, now_ms: b"second"), 1) == []
    mac.handle(Woke(), 100 * HOUR_MS)
    assert mac.wake_at() is None
    assert any(isinstance(action, RadioTransmit) for action in over(mac, 100 * HOUR_MS))


def test_with_nothing_to_send_it_sleeps(kind):
    _, make = kind
    mac = make({})
    assert mac.wake_at() is None
    mac.handle(Woke(), 0)  # the boot: a session is told, a class C radio listens
    for event in (Woke(), Transmitted(), WindowClosed(), Sensed(3, ()), Downlink(1, b""), object()):
        assert mac.handle(event, HOUR_MS) == []
        assert mac.wake_at() is None


def test_a_payload_that_cannot_be_made_costs_no_counter(kind):
    _, make = kind
    mac = make({})

    def fail(room: int, now_ms: int) -> bytes:
        raise MessageError("out of memory, say")

    with pytest.raises(MessageError):
        mac.handle(Transmit(1, fail), 0)
    actions = mac.handle(Transmit(1, lambda room, now_ms: b"ok"), 1)
    [persist] = [action for action in actions if isinstance(action, Persist) and action.key == "f_cnt_up"]
    [radio] = [action for action in actions if isinstance(action, RadioTransmit)]
    assert parse_frame(radio.phy_payload).f_cnt16 == 0 < persist.value


def test_the_same_events_give_the_same_frames(kind):
    _, make = kind
    runs = []
    for _ in range(2):
        bench, _ = bench_of(make({}), interval_ms=7_000)
        bench.run(HOUR_MS)
        runs.append([(at_ms, action.phy_payload, action.freq_hz) for at_ms, action in bench.of(RadioTransmit)])
    assert runs[0] == runs[1]
