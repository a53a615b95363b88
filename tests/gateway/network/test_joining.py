"""Over-the-air activation: who may join, what the device is told, and what the store must know before that."""

import random

import pytest

from firmware.actions import Transmit
from firmware.mac import Mac
from gateway.links.link import Outcome
from gateway.network.events import Alarm, Commit, DeviceGone, DeviceSet, Reason, Refused
from gateway.network.joining import draw_dev_addr, join_accept
from gateway.network.settings import NetworkSettings
from gateway.store.writes import KeepCounters, KeepSession, StartSession
from protocol.lorawan.join import open_join_accept, seal_join_request
from protocol.region import FULL, SINGLE_CHANNEL
from tests.fakes.devices import JOIN_EUI, Device
from tests.fakes.stations import Station
from tests.firmware.network import OTAA, Network, Street

# RP 1.0.3revA §2.2.2 names the first three; the others are what European networks agree on.
EIGHT_HZ = {868_100_000 + n * 200_000 for n in range(3)} | {867_100_000 + n * 200_000 for n in range(5)}


def channels_after_a_join(plan, accept):
    """What a node that joined with *accept* sends on."""
    network = Network()
    network.accepts.append(accept)
    street = Street(network, lambda saved, image: Mac(OTAA, plan, saved, image))
    street.run(60_000)
    for _ in range(100):
        street.tell(Transmit(1, lambda room, now_ms: b"hello"))
        street.run(60_000)
    assert len(network.uplinks) == 100
    return {uplink.freq_hz for uplink in network.uplinks}


def test_a_node_of_the_full_plan_uses_eight_channels():
    accept = join_accept(FULL, 1, 0x13, 0x26000007)
    assert accept.cf_list == (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)
    assert channels_after_a_join(FULL, accept) == EIGHT_HZ
    accept.cf_list = None
    assert len(channels_after_a_join(FULL, accept)) == 3  # the list is what makes the difference


def test_a_node_of_the_single_channel_plan_stays_on_it():
    accept = join_accept(SINGLE_CHANNEL, 1, 0x13, 0x26000007)
    assert accept.cf_list is None
    assert channels_after_a_join(SINGLE_CHANNEL, accept) == {868_100_000}


def test_the_windows_are_those_of_the_plan_or_of_the_settings():
    accept = join_accept(FULL, 7, 0x13, 0x26000007)
    assert (accept.join_nonce, accept.net_id, accept.dev_addr) == (7, 0x13, 0x26000007)
    assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay_s) == (0, FULL.rx2_dr, FULL.rx_delay_s)
    accept = join_accept(FULL, 7, 0x13, 0x26000007, 1, 0, 2)
    assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay_s) == (2, 0, 1)


def test_dev_addrs_are_drawn_from_the_prefix_and_preferably_free():
    settings = NetworkSettings(dev_addr_first=0x02000100, dev_addr_bits=3)
    dice = random.Random("addresses")
    drawn = {draw_dev_addr(settings, (), (), dice) for _ in range(200)}
    assert drawn == set(range(0x02000100, 0x02000108))
    taken, groups = {0x02000100, 0x02000101, 0x02000102}, {0x02000103}
    drawn = {draw_dev_addr(settings, taken, groups, dice) for _ in range(200)}
    assert drawn == set(range(0x02000104, 0x02000108))
    assert draw_dev_addr(settings, set(range(0x02000100, 0x02000108)), (), dice) in range(0x02000100, 0x02000108)


# The join server.


@pytest.fixture(name="device")
def _device():
    return Device(1, joins=True)


@pytest.fixture(name="station")
def _station(device):
    return Station([device.registration()])


def reason_of(effects):
    [refused] = [effect for effect in effects if isinstance(effect, Refused)]
    return refused.reason


def test_the_accept_goes_after_the_commit_five_seconds_after_the_request(station, device):
    station.hold = True
    ended_us = station.now_ms * 1000
    station.hear(device.join_request(), dr=2, freq_hz=868_300_000)
    [commit] = station.held
    [write] = commit.writes
    assert isinstance(write, KeepSession)
    assert commit.at_once
    assert station.transmits == []
    station.run(700)  # an SD card stalls
    station.commit()
    [transmit] = station.transmits
    assert (transmit.freq_hz, transmit.dr) == (868_300_000, 2)
    assert transmit.counter_us == ended_us + 5_000_000  # RP 1.0.3revA §2.2.9
    accept = device.hear_accept(transmit.phy_payload)
    assert (accept.net_id, accept.rx_delay_s, accept.rx2_data_rate) == (1, 5, 3)
    assert write.session.dev_addr == accept.dev_addr
    assert write.session.dev_addr >> 25 == 1  # NwkID of NetID 000001 (TS002-1.1.0 §5.2)
    assert (write.session.nwk_s_key, write.session.app_s_key) == device.secrets


def test_an_accept_refused_by_the_radio_goes_in_rx2_at_dr0(station, device):
    station.outcome = lambda transmit: Outcome.TOO_LATE if transmit.freq_hz != 869_525_000 else Outcome.SENT
    ended_us = station.now_ms * 1000
    station.hear(device.join_request())
    first, second = station.transmits
    assert (second.freq_hz, second.dr, second.counter_us) == (869_525_000, 0, ended_us + 6_000_000)
    assert first.phy_payload == second.phy_payload


def test_a_session_is_the_current_one_once_it_was_heard_and_the_old_one_until_then(station, device):
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    station.hear(device.frame(0))
    [commit] = station.of(Commit)[1:]
    assert [type(write) for write in commit.writes[:2]] == [StartSession, KeepCounters]
    assert commit.writes[1] == KeepCounters(1, 0, 64, "1")
    old = (device.keys, device.dev_addr)
    station.hear(device.join_request())
    accept = station.transmits[-1].phy_payload
    station.hear(device.frame(1))  # the device did not hear it
    new = Device(1, joins=True)
    new.nonce = device.nonce
    new.hear_accept(accept)
    station.hear(new.frame(0))
    assert station.store.current == {1: 1}
    assert [(uplink.session, uplink.f_cnt) for uplink in station.application.heard] == [(0, 0), (0, 1), (1, 0)]
    device.keys, device.dev_addr = old
    assert reason_of(station.hear(device.frame(2))) is Reason.UNKNOWN_DEV_ADDR


def test_the_first_answers_of_a_session_wait_for_no_commit(station, device):
    """Its first counters were reserved with the session: a node in doubt of it is answered at once."""
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    station.hold = True
    for f_cnt in range(40):
        station.hear(device.frame(f_cnt, f_opts=b"\x02"))
        frame, _ = device.hear(station.transmits[-1].phy_payload)
        assert frame.f_cnt16 == f_cnt
    assert not any(commit.at_once for commit in station.held)


def test_both_sessions_survive_a_restart(station, device):
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    station.hear(device.frame(0))
    station.hear(device.join_request())
    accept = station.transmits[-1].phy_payload
    station.restart()
    station.hear(device.frame(1))
    device.hear_accept(accept)
    station.hear(device.frame(0))
    assert [(uplink.session, uplink.f_cnt) for uplink in station.application.heard] == [(0, 1), (1, 0)]
    station.restart()
    station.hear(device.frame(1))
    assert station.application.heard[-1].session == 1


def test_a_dev_nonce_is_good_once_also_after_a_restart(station, device):
    requests = [device.join_request() for _ in range(5)]
    station.hear(requests[1])
    assert reason_of(station.hear(requests[1])) is Reason.REUSED_DEV_NONCE
    assert reason_of(station.hear(requests[0])) is Reason.REUSED_DEV_NONCE  # 1.0.4: it only grows
    station.restart()
    for request in requests[:2]:
        assert reason_of(station.hear(request)) is Reason.REUSED_DEV_NONCE
    assert not [effect for effect in station.hear(requests[3]) if isinstance(effect, Refused)]


def test_join_nonces_grow_over_joins_and_restarts(station, device):
    nonces = []
    for _ in range(3):
        station.hear(device.join_request())
        nonces.append(open_join_accept(device.app_key, station.transmits[-1].phy_payload).join_nonce)
        station.restart()
    assert nonces == [1, 2, 3]
    assert sorted(number for _, number in station.store.sessions) == [0, 1, 2]


def test_copies_of_a_request_are_one(station, device):
    station.hear(device.join_request(), "udp:a", "udp:b", "udp:c")
    assert len(station.transmits) == 1
    assert station.refusals == []


def test_a_join_whose_commit_failed_never_was(station, device):
    station.hold = True
    request = device.join_request()
    station.hear(request)
    station.fail()
    assert station.transmits == []
    station.hold = False
    station.hear(request)
    assert device.hear_accept(station.transmits[-1].phy_payload).join_nonce == 1
    station.hear(device.frame(0))
    assert station.application.heard[0].session == 0


def test_a_device_removed_while_its_join_is_written_gets_no_answer(station, device):
    station.hold = True
    station.hear(device.join_request())
    station.tell(DeviceGone(dev_eui=device.dev_eui))
    station.commit()
    assert station.transmits == []


def test_a_first_uplink_whose_commit_failed_leaves_the_old_session_in_place(station, device):
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    station.hear(device.frame(0))
    old = Device(1, joins=True)
    old.keys, old.dev_addr = device.keys, device.dev_addr
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    station.hold = True
    station.hear(device.frame(0))
    station.fail()
    station.hold = False
    station.hear(old.frame(1))
    station.hear(device.frame(0))
    assert station.store.current == {1: 1}
    assert [record[1:3] for record in station.store.records] == [(0, 0), (0, 1), (1, 0)]


def test_requests_are_refused_for_the_right_reason(station, device):
    other = Device(2, joins=True)
    wrong_key = seal_join_request(other.app_key, JOIN_EUI, device.dev_eui, 0)
    wrong_eui = seal_join_request(device.app_key, bytes(8), device.dev_eui, 0)
    assert reason_of(station.hear(other.join_request())) is Reason.UNKNOWN_DEV_EUI
    assert reason_of(station.hear(wrong_key)) is Reason.WRONG_MIC
    assert reason_of(station.hear(wrong_eui)) is Reason.WRONG_JOIN_EUI
    bench = Device(3)
    station.tell(DeviceSet(registration=bench.registration()))
    request = seal_join_request(bytes(16), JOIN_EUI, bench.dev_eui, 0)
    assert reason_of(station.hear(request)) is Reason.UNKNOWN_DEV_EUI
    assert station.of(Commit) == []
    for refused in station.refusals:
        assert refused.dev_eui is not None
        assert device.app_key.hex() not in refused.detail


def test_join_requests_with_wrong_mics_ring_the_alarm_and_are_not_looked_at_for_ever(station, device):
    for number in range(150):
        station.hear(seal_join_request(bytes([number]) * 16, JOIN_EUI, device.dev_eui, number))
    [alarm] = station.of(Alarm)
    assert alarm.dev_eui == device.dev_eui
    assert station.refusals[-1].reason is Reason.TOO_MANY_WRONG_MICS
    station.run(10_000)
    device.nonce = 200
    station.hear(device.join_request())
    assert len(station.transmits) == 1


def test_a_new_app_key_begins_its_nonces_anew_and_ends_the_sessions(station, device):
    device.nonce = 500
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    station.hear(device.frame(0))
    fresh = Device(1, joins=True)
    fresh.app_key = bytes(range(16))
    station.tell(DeviceSet(registration=fresh.registration()))
    assert reason_of(station.hear(device.frame(1))) is Reason.UNKNOWN_DEV_ADDR
    station.hear(fresh.join_request())
    assert fresh.hear_accept(station.transmits[-1].phy_payload).join_nonce == 2
    station.hear(fresh.frame(0))
    assert station.application.heard[-1].session == 1


def test_a_device_of_the_single_channel_plan_gets_no_channel_list():
    device = Device(1, joins=True, plan=1)
    station = Station([device.registration()])
    station.hear(device.join_request(), dr=3)
    assert device.hear_accept(station.transmits[-1].phy_payload).cf_list is None


def test_join_nonces_come_to_an_end(station, device):
    station.server._fleet.by_dev_eui[device.dev_eui].join_nonce = 0xFFFFFF
    assert reason_of(station.hear(device.join_request())) is Reason.REUSED_DEV_NONCE
