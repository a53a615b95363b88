"""What network and device ask each other in MAC commands; a device that listens otherwise is brought in line."""

import pytest

from gateway.network.events import ClockSet
from gateway.network.registration import Role
from gateway.network.settings import NetworkSettings
from protocol.lorawan.frames import DOWNLINK, UPLINK
from protocol.lorawan.mac_commands import encode_command, parse_commands
from tests.fakes.devices import Device
from tests.fakes.stations import Station

LINK_CHECK, LINK_ADR, RX_PARAM, DEV_STATUS, NEW_CHANNEL, RX_TIMING, DEVICE_TIME = 2, 3, 5, 6, 7, 8, 13
DAY_MS = 86_400_000
# lorawan-eu868.md: 2016-02-12 14:24:31 UTC is GPS second 1139322288, with 17 leap seconds then; 18 since 2017.
CHECK_UNIX_MS, CHECK_GPS_S = 1_455_287_071_000, 1_139_322_288 + 1


def said(station, device, f_cnt, f_opts=b"", radios=(), **fields):
    """The commands that answer an uplink with these."""
    sent = len(station.transmits)
    flags = fields.pop("flags", {})
    station.hear(device.frame(f_cnt, f_opts=f_opts, **flags), *radios, **fields)
    station.run(10_000)
    found = []
    for transmit in station.transmits[sent:]:
        found += parse_commands(device.hear(transmit.phy_payload)[0].f_opts, DOWNLINK)
    return found


def answer(cid, *values):
    return encode_command(UPLINK, cid, *values)


@pytest.mark.parametrize(
    ("dr", "snr_db", "margin_db"),
    [(0, -20.0, 0), (0, -7.5, 12), (5, -7.5, 0), (5, 6.5, 14), (5, -9.0, 0), (3, None, 0), (7, 10.0, 0)],
)
def test_a_link_check_is_answered_with_the_margin_and_the_radios(dr, snr_db, margin_db):
    device = Device(1)
    station = Station([device.registration()])
    commands = said(station, device, 0, b"\x02\x02", ("udp:a", "udp:b"), dr=dr, snr_db=snr_db)
    assert commands == [(LINK_CHECK, (margin_db, 2))]


def test_the_time_is_that_of_the_uplinks_end_and_told_only_if_known():
    device = Device(1)
    station = Station([device.registration()])
    assert said(station, device, 0, b"\x0d") == []
    station.tell(ClockSet(offset_ms=CHECK_UNIX_MS - station.now_ms + 500))
    assert said(station, device, 1, b"\x0d") == [(DEVICE_TIME, (CHECK_GPS_S, 128))]
    station.tell(ClockSet(offset_ms=None))
    assert said(station, device, 2, b"\x02\x0d") == [(LINK_CHECK, (14, 1))]


def test_requests_on_port_0_are_answered_as_well():
    device = Device(1)
    station = Station([device.registration()])
    station.hear(device.frame(0, 0, b"\x02"))
    assert parse_commands(device.hear(station.transmits[0].phy_payload)[0].f_opts, DOWNLINK) == [(LINK_CHECK, (14, 1))]


def test_what_stands_before_an_unknown_command_counts():
    device = Device(1)
    station = Station([device.registration()])
    assert said(station, device, 0, b"\x02\x77\x0d") == [(LINK_CHECK, (14, 1))]


def test_a_foreign_device_from_the_bench_is_brought_in_line_one_thing_at_a_time():
    """It listens as the region does: after one second, RX2 at DR0 (RP 1.0.3revA §2.2.9)."""
    device = Device(1, role=Role.FOREIGN)
    station = Station([device.registration()])
    adr = {"flags": {"adr": True}}
    ended_us = station.now_ms * 1000
    assert said(station, device, 0, **adr) == [(RX_TIMING, (5,))]
    assert station.transmits[0].counter_us == ended_us + 1_000_000
    ended_us = station.now_ms * 1000
    assert said(station, device, 1, answer(RX_TIMING), **adr) == [(RX_PARAM, (0, 3, 869_525_000))]
    assert station.transmits[1].counter_us == ended_us + 5_000_000, "from its answer on it listens later"
    commands = said(station, device, 2, answer(RX_PARAM, 1, 1, 1), **adr)
    for index, freq_hz in enumerate((867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000), 3):
        assert commands == [(NEW_CHANNEL, (index, freq_hz, 5, 0))]
        commands = said(station, device, index, answer(NEW_CHANNEL, 1, 1), **adr)
    assert commands == [(DEV_STATUS, ())]
    assert said(station, device, 8, answer(DEV_STATUS, 200, -5), **adr) == []
    link = station.server.link_of(device.dev_eui)
    assert (link.battery, link.margin_db) == (200, -5)
    row = station.store.sessions[1, 0]
    assert (row.rx_delay_s, row.rx1_dr_offset, row.rx2_dr) == (5, 0, 3)
    station.restart()
    commands = said(station, device, 9)
    assert commands == [(DEV_STATUS, ())]
    assert station.transmits[-1].counter_us is not None
    station.run(DAY_MS)
    assert said(station, device, 10) == [(DEV_STATUS, ())]


def test_settings_that_changed_reach_sessions_that_are_there():
    device = Device(1, joins=True)
    station = Station([device.registration()])
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    assert said(station, device, 0) == []
    station.settings = NetworkSettings(rx_delay_s=1, rx1_dr_offset=2, rx2_dr=0)
    station.restart()
    assert said(station, device, 1) == [(RX_TIMING, (1,))]
    assert said(station, device, 2, answer(RX_TIMING)) == [(RX_PARAM, (2, 0, 869_525_000))]
    ended_us = station.now_ms * 1000
    assert said(station, device, 3, answer(RX_PARAM, 1, 1, 1) + b"\x02") == [(LINK_CHECK, (14, 1))]
    assert (station.transmits[-1].counter_us, station.transmits[-1].dr) == (ended_us + 1_000_000, 3)


def test_a_changed_session_is_written_even_if_the_first_commit_of_it_failed():
    device = Device(1, role=Role.FOREIGN)
    station = Station([device.registration()])
    said(station, device, 0)
    station.hold = True
    station.hear(device.frame(1, f_opts=answer(RX_TIMING)))
    station.fail()
    station.hold = False
    said(station, device, 1, answer(RX_TIMING))
    assert station.store.sessions[1, 0].rx_delay_s == 5
    assert station.store.sessions[1, 0].f_cnt_up == 1


def test_a_request_that_nobody_answers_goes_again_ever_more_rarely():
    device = Device(1, role=Role.FOREIGN)
    station = Station([device.registration()])
    asked = [f_cnt for f_cnt in range(70) if (RX_TIMING, (5,)) in said(station, device, f_cnt)]
    assert asked == [0, 1, 3, 7, 15, 31, 63]


def test_a_request_that_is_refused_rests():
    device = Device(1, role=Role.FOREIGN, plan=1)
    station = Station([device.registration()])
    said(station, device, 0)
    said(station, device, 1, answer(RX_TIMING))
    assert said(station, device, 2, answer(RX_PARAM, 1, 0, 1)) == [], "nor anything else"
    asked = [f_cnt for f_cnt in range(3, 200) if said(station, device, f_cnt)]
    assert asked[0] == 66


def test_ours_are_asked_nothing():
    device = Device(1, joins=True)
    station = Station([device.registration()])
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    for f_cnt in range(19):
        assert said(station, device, f_cnt, flags={"adr": True}) == []


def test_answers_and_a_request_share_one_frame():
    device = Device(1)
    station = Station([device.registration()])
    station.tell(ClockSet(offset_ms=0))
    for f_cnt in range(19):
        said(station, device, f_cnt, dr=0, snr_db=9.0, flags={"adr": True})
    commands = said(station, device, 19, b"\x02\x0d", dr=0, snr_db=9.0, flags={"adr": True})
    assert [cid for cid, _ in commands] == [LINK_CHECK, DEVICE_TIME, LINK_ADR]
