"""Multicast: one frame from as few radios as reach all members, one after the other, each counter used once."""

import itertools

import pytest

from gateway.links.link import Outcome, RadioReport, Transmit
from gateway.network.application import Answer
from gateway.network.events import Cancel, Commit, Downlink, GroupSet
from gateway.network.registration import Group
from gateway.store.writes import KeepGroupCounter
from protocol.lorawan.frames import DOWNLINK, parse_frame
from protocol.lorawan.multicast import check_multicast, mc_session_keys
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload
from tests.fakes.devices import Device
from tests.fakes.stations import Station

HOUR_MS = 3_600_000
MC_ADDR, MC_KEY = 0xFF000001, bytes(range(200, 216))
LIGHTS = [Device(number + 1, class_c=True) for number in range(4)]


def group(members=LIGHTS, **fields):
    fields = {"mc_key": MC_KEY, "mc_addr": MC_ADDR, **fields}
    return Group(number=9, name="rue", members=tuple(light.dev_eui for light in members), **fields)


def station_with(heard_by, group_=None):
    """A station whose lights were last heard by these radios."""
    station = Station([light.registration() for light in LIGHTS], (group_ or group(),))
    for light, radios in zip(LIGHTS, heard_by, strict=False):
        station.hear(light.frame(0), *radios)
    station.run(10_000)
    return station


def order(station, ref=1, payload=b"dim", hours=1, **fields):
    expires_ms = station.now_ms + hours * HOUR_MS
    station.tell(Downlink(ref=ref, target=9, f_port=4, payload=payload, expires_ms=expires_ms, **fields))


def opened(transmit, f_cnt):
    frame = parse_frame(transmit.phy_payload)
    keys = SessionKeys(*mc_session_keys(MC_KEY, MC_ADDR))
    assert frame.dev_addr == MC_ADDR
    assert mic_matches(keys, frame, DOWNLINK, f_cnt)
    check_multicast(frame)
    return open_payload(keys, frame, DOWNLINK, f_cnt)


def test_a_counter_is_on_disk_before_it_is_used():
    station = station_with([("udp:a",)] * 4)
    station.hold = True
    order(station)
    assert station.transmits == []
    [commit] = station.held
    assert (commit.writes, commit.at_once) == ((KeepGroupCounter(9, 64),), True)
    station.commit()
    [transmit] = station.transmits
    assert opened(transmit, 0) == b"dim"
    assert (transmit.freq_hz, transmit.dr, transmit.counter_us) == (869_525_000, 3, None)
    station.run(1_000)
    assert station.fates == [(1, "sent")]


@pytest.mark.parametrize(
    ("heard_by", "radios"),
    [
        ([("udp:a",)] * 4, ["udp:a"]),
        ([("udp:a",), ("udp:b",), ("udp:a", "udp:b"), ("udp:b",)], ["udp:b", "udp:a"]),
        ([("udp:a", "udp:c"), ("udp:b", "udp:c"), ("udp:c",), ("udp:c", "udp:a")], ["udp:c"]),
        ([("udp:a",), ("udp:b",), ("udp:a",)], ["udp:a", "udp:b"]),  # nobody knows where the fourth is: all radios
    ],
)
def test_as_few_radios_as_reach_all_members_send_one_after_the_other(heard_by, radios):
    station = station_with(heard_by)
    start = len(station.effects)
    order(station)
    station.run(5_000)
    sent = [(at_ms, effect) for at_ms, effect in station.effects[start:] if isinstance(effect, Transmit)]
    assert [transmit.radio for _, transmit in sent] == radios
    assert len({transmit.phy_payload for _, transmit in sent}) == 1
    assert all(later - sooner > 100 for (sooner, _), (later, _) in itertools.pairwise(sent))
    assert station.fates == [(1, "sent")]


def test_a_member_on_a_cable_hears_it_there():
    station = Station([light.registration() for light in LIGHTS[:2]], (group(LIGHTS[:2]),))
    station.hear(LIGHTS[0].frame(0), "udp:a")
    name = "cable:" + LIGHTS[1].dev_eui.hex()
    station.hear(LIGHTS[1].frame(0), name, freq_hz=0, counter_us=None, snr_db=None)
    order(station)
    station.run(5_000)
    assert [(transmit.radio, transmit.freq_hz) for transmit in station.transmits] == [(name, 0), ("udp:a", 869_525_000)]


def test_a_radio_that_refuses_is_tried_again_until_the_order_expires():
    station = station_with([("udp:a",)] * 4)
    station.outcome = lambda transmit: Outcome.COLLISION
    order(station)
    station.run(10_000)
    assert len({transmit.phy_payload for transmit in station.transmits}) == 1
    assert 4 <= len(station.transmits) <= 7
    station.outcome = lambda transmit: Outcome.SENT
    station.run(10_000)
    assert station.fates == [(1, "sent")]
    station.tell(RadioReport(radio="udp:a", online=False, detail="gone"))
    order(station, 2)
    station.run(2 * HOUR_MS)
    assert station.fates[1:] == [(2, "expired")]
    assert station.server.wake_at() is None


def test_a_radio_that_dies_half_way_leaves_it_sent_by_the_others():
    station = station_with([("udp:a",), ("udp:b",), ("udp:b",), ("udp:b",)])
    station.outcome = lambda transmit: Outcome.SENT if transmit.radio == "udp:b" else Outcome.LINK_DOWN
    order(station)
    station.run(2 * HOUR_MS)
    assert station.fates == [(1, "sent")]


def test_orders_go_by_priority_each_under_a_counter_of_its_own_also_after_a_restart():
    station = station_with([("udp:a",)] * 4)
    for ref, priority in ((1, 5), (2, 5), (3, 1)):
        order(station, ref, b"%d" % ref, priority=priority)
    station.run(10_000)
    assert [opened(transmit, f_cnt) for f_cnt, transmit in enumerate(station.transmits)] == [b"1", b"3", b"2"]
    station.restart()
    for light in LIGHTS:
        station.hear(light.frame(1), "udp:a")
    order(station, 4)
    station.run(10_000)
    assert opened(station.transmits[-1], 64) == b"dim"
    writes = [write for commit in station.of(Commit) for write in commit.writes]
    kept = [write for write in writes if isinstance(write, KeepGroupCounter)]
    assert kept == [KeepGroupCounter(9, 64), KeepGroupCounter(9, 128)]


def test_a_failed_reservation_is_made_again_later():
    station = station_with([("udp:a",)] * 4)
    station.hold = True
    order(station)
    station.fail()
    assert station.held == []
    station.run(5_000)
    station.commit()
    assert len(station.transmits) == 1


def test_what_can_never_go_is_told():
    station = station_with([])
    station.tell(Downlink(ref=1, target=77, f_port=4, payload=b"", expires_ms=station.now_ms + 1))
    order(station, 2, bytes(116))
    order(station, 3, confirmed=True)
    station.tell(Downlink(ref=4, target=9, f_port=0, payload=b"", expires_ms=station.now_ms + 1))
    assert station.fates == [(ref, "impossible") for ref in (1, 2, 3, 4)]
    for ref in range(10, 19):
        order(station, ref)
    assert station.fates[4:] == [(18, "impossible")]


def test_what_is_cancelled_does_not_go():
    station = station_with([])
    order(station, 1)
    order(station, 2)
    station.tell(Cancel(ref=1))
    station.tell(RadioReport(radio="udp:a", online=True, detail="hello"))
    station.run(10_000)
    assert station.fates == [(2, "sent")]


def test_what_the_application_takes_back_does_not_go():
    station = station_with([])
    order(station, 1)
    order(station, 2)
    assert station.server.carry_out(Answer(cancels=(1,)), station.now_ms) == []
    station.tell(RadioReport(radio="udp:a", online=True, detail="hello"))
    station.run(10_000)
    assert station.fates == [(2, "sent")]


def test_a_group_that_changes_keeps_its_counter_under_the_same_key_only():
    station = station_with([("udp:a",)] * 4)
    order(station, 1)
    station.run(1_000)
    station.tell(GroupSet(group=group(LIGHTS[:1])))
    order(station, 2)
    station.run(1_000)
    assert [opened(transmit, f_cnt) for f_cnt, transmit in enumerate(station.transmits)] == [b"dim", b"dim"]
    station.tell(RadioReport(radio="udp:a", online=False, detail="gone"))
    order(station, 3)
    new = group(mc_key=bytes(16), f_cnt_down=7)
    station.store.groups.clear()
    station.tell(GroupSet(group=new))
    station.tell(RadioReport(radio="udp:a", online=True, detail="back"))
    station.run(10_000)
    frame = parse_frame(station.transmits[-1].phy_payload)
    assert mic_matches(SessionKeys(*mc_session_keys(bytes(16), MC_ADDR)), frame, DOWNLINK, 7)
    assert station.fates[-1] == (3, "sent")
