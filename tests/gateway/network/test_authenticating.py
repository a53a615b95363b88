"""Which frames are believed, once, and why the others are refused."""

import random

import pytest

from gateway.network.events import Alarm, Reason, Refused
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.security import seal_data
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station, refused

DEVICE = Device(1)
SECOND_MS = 1_000


def test_several_devices_share_a_dev_addr_and_the_mic_tells_them_apart():
    devices = [Device(number, dev_addr=0x26000001) for number in (1, 2, 3)]
    station = Station([device.registration() for device in devices])
    for device in devices:
        station.hear(device.frame(4, payload=b"%d" % device.number))
    assert [(record[0], record[3]) for record in station.store.records] == [(1, b"1"), (2, b"2"), (3, b"3")]


@pytest.mark.parametrize("last", [0xFFFF, 0x1FFFF, 0xABCDFFFF])
def test_counters_go_on_beyond_16_bits(last):
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    session = station.server._fleet.by_dev_eui[DEVICE.dev_eui].session
    session.f_cnt_up = last - 2
    for f_cnt in (last - 1, last, last + 1, last + 2):
        station.hear(DEVICE.frame(f_cnt))
    assert station.accepted_f_cnts == [0, last - 1, last, last + 1, last + 2]
    refused(station, DEVICE.frame(last), Reason.REPLAYED, f"the last one is {last + 2}")


def test_every_gap_up_to_65535_is_accepted_once():
    dice = random.Random("gaps")
    station = Station([DEVICE.registration()])
    f_cnt, expected = 0, []
    for gap in (1, 2, 16_384, 16_385, 65_534, 65_535, *(dice.randrange(1, 0x10000) for _ in range(50))):
        f_cnt += gap
        expected.append(f_cnt)
        station.hear(DEVICE.frame(f_cnt))
        refused(station, DEVICE.frame(f_cnt), Reason.REPLAYED)
    assert station.accepted_f_cnts == expected


# What is refused.


def test_frames_that_cannot_be_for_us_are_refused_as_they_come():
    station = Station([DEVICE.registration()])
    down = seal_data(DEVICE.keys, DOWNLINK, DEVICE.dev_addr, 0, 1, b"x")
    for phy_payload, reason in (
        (b"", Reason.MALFORMED),
        (b"\x41" + bytes(20), Reason.MALFORMED),
        (b"\x40" + bytes(10), Reason.MALFORMED),
        (b"\x00" + bytes(21), Reason.MALFORMED),
        (b"\xc0" + bytes(20), Reason.MALFORMED),
        (b"\xe0" + bytes(20), Reason.MALFORMED),
        (b"\x20" + bytes(16), Reason.NOT_AN_UPLINK),
        (down, Reason.NOT_AN_UPLINK),
        (Device(9).frame(0), Reason.UNKNOWN_DEV_ADDR),
        (Device(9, joins=True).join_request(), Reason.UNKNOWN_DEV_EUI),
    ):
        [effect] = station.tell(heard(phy_payload))
        assert isinstance(effect, Refused)
        assert effect.reason is reason, effect
        assert effect.detail
    [effect] = station.tell(heard(DEVICE.frame(0), dr=8))
    assert effect.reason is Reason.MALFORMED
    assert station.server.wake_at() is None


def test_frames_that_break_the_format_inside_are_refused():
    station = Station([DEVICE.registration()])
    head = DEVICE.frame(0)[:5]
    refused(station, head + b"\x0f" + bytes(10), Reason.MALFORMED, "cut short")
    joining = Device(2, joins=True)
    station = Station([joining.registration()])
    refused(station, joining.join_request() + b"\x00", Reason.MALFORMED, "24 bytes")


def test_every_single_bit_flip_is_refused():
    """Of data frames of every kind, and of Join-Requests. Ten seconds between two, or none would be looked at."""
    dice = random.Random("flips")
    device, joining = Device(1), Device(2, joins=True)
    frames = [device.frame(9, None)]
    frames += [
        device.frame(
            10 + number,
            dice.choice((0, 1, 200)),
            dice.randbytes(dice.randrange(12)),
            confirmed=dice.random() < 0.5,
            adr=dice.random() < 0.5,
        )
        for number in range(12)
    ]
    frames += [device.frame(30, 2, b"z", f_opts=b"\x02\x0d"), joining.join_request()]
    station = Station([device.registration(), joining.registration()])
    for frame in frames:
        for bit in range(8 * len(frame)):
            flipped = bytearray(frame)
            flipped[bit // 8] ^= 1 << bit % 8
            effects = [effect for effect in station.hear(bytes(flipped)) if not isinstance(effect, Alarm)]
            assert [type(effect) for effect in effects] == [Refused], (frame.hex(), bit)
            assert effects[0].reason is not Reason.TOO_MANY_WRONG_MICS
            station.run(10 * SECOND_MS)
    for frame in frames:
        station.hear(frame)
    assert len(station.accepted) == len(frames) - 1
    assert len(station.store.sessions) == 2


def test_a_replay_is_told_from_a_forgery():
    station = Station([DEVICE.registration()])
    for f_cnt in (100, 101, 105):
        station.hear(DEVICE.frame(f_cnt))
    effect = refused(station, DEVICE.frame(100), Reason.REPLAYED, "FCntUp 100 of DevAddr 26000001 was accepted before")
    assert effect.dev_eui == DEVICE.dev_eui
    refused(station, DEVICE.frame(102), Reason.REPLAYED)
    forged = bytearray(DEVICE.frame(106))
    forged[-1] ^= 1
    refused(station, bytes(forged), Reason.WRONG_MIC, "matches no key")


def test_nothing_recorded_is_accepted_after_a_restart_either():
    station = Station([DEVICE.registration()])
    frames = [DEVICE.frame(f_cnt, payload=b"%d" % f_cnt) for f_cnt in range(0, 3000, 7)]
    for frame in frames:
        station.hear(frame)
    station.restart()
    for frame in frames:
        refused(station, frame, Reason.REPLAYED)
    assert len(station.store.records) == len(frames)
    station.hear(DEVICE.frame(4000))
    assert station.accepted_f_cnts[-1] == 4000
