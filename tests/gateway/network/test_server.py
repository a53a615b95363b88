"""The network server of the skeleton: which uplinks it accepts, what becomes of them, and why it refuses the others."""

import random
from dataclasses import replace

import pytest

from gateway.network.events import Commit, Committed, NotCommitted, Reason, Refused
from gateway.network.server import SkeletonServer
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import frame_airtime_us
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, Reading, encode_rare
from tests.fakes.devices import Device, heard, values_of

NOW_MS = 1_767_225_600_000
DEVICE = Device(1)


def server_of(*devices: Device) -> SkeletonServer:
    return SkeletonServer([device.session() for device in devices])


def hear(server: SkeletonServer, phy_payload: bytes, now_ms: int = NOW_MS) -> Commit | Refused:
    [effect] = server.handle(heard(phy_payload), now_ms)
    assert isinstance(effect, Commit | Refused)
    return effect


def accept(server: SkeletonServer, phy_payload: bytes, now_ms: int = NOW_MS) -> Commit:
    """Let the server hear a frame it must accept, and commit it."""
    effect = hear(server, phy_payload, now_ms)
    assert isinstance(effect, Commit), effect
    assert server.handle(Committed(token=effect.token), now_ms) == []
    return effect


def refused(server: SkeletonServer, phy_payload: bytes, reason: Reason, says: str) -> None:
    effect = hear(server, phy_payload)
    assert isinstance(effect, Refused), effect
    assert effect.reason is reason
    assert says in effect.detail


def test_a_reading_becomes_a_record_with_key_place_and_times():
    server = server_of(DEVICE)
    frame = DEVICE.reading(5, seq=3, older=1, age_s=60)
    commit = accept(server, frame)
    assert (commit.dev_eui, commit.f_cnt_up, commit.epoch) == (DEVICE.dev_eui, 5, 0xBEEF)
    newest, older = commit.records
    assert newest.key == (DEVICE.dev_eui, 0xBEEF, 3)
    assert newest.place == "corner-1"
    assert newest.received_ms == NOW_MS
    built_ms = NOW_MS - frame_airtime_us(5, len(frame)) // 1000
    assert newest.observed_ms == built_ms - 60_000
    assert newest.time_error_s == 1 + 60 * 3 // 100
    assert tuple(measured.value for measured in newest.measured) == values_of(3)
    assert older.key == (DEVICE.dev_eui, 0xBEEF, 2)
    assert older.observed_ms == built_ms - 960_000
    assert older.time_error_s == 1 + 960 * 3 // 100
    assert tuple(measured.value for measured in older.measured) == values_of(2)


def test_a_status_opens_a_new_epoch_with_its_numbering():
    server = server_of(DEVICE)
    accept(server, DEVICE.reading(0, seq=700))
    commit = accept(server, DEVICE.status(1, next_seq=70_000, epoch=0x1234))
    assert (commit.epoch, commit.records) == (0x1234, ())
    [record] = accept(server, DEVICE.reading(2, seq=70_000)).records
    assert record.key == (DEVICE.dev_eui, 0x1234, 70_000)


def test_numbers_are_widened_beyond_16_bits():
    server = server_of(DEVICE)
    accept(server, DEVICE.status(0, next_seq=65_534))
    seqs = []
    for f_cnt, seq in enumerate((65_535, 65_537, 65_540), start=1):
        seqs += [record.seq for record in accept(server, DEVICE.reading(f_cnt, seq=seq, older=1)).records]
    assert seqs == [65_535, 65_534, 65_537, 65_536, 65_540, 65_539]


def test_numbers_are_widened_from_the_newest_that_was_told():
    server = server_of(DEVICE)
    seqs = [accept(server, DEVICE.reading(f_cnt, seq=30_000 * f_cnt)).records[0].seq for f_cnt in range(5)]
    assert seqs == [0, 30_000, 60_000, 90_000, 120_000]


def test_frame_counters_are_widened_beyond_16_bits():
    server = server_of(DEVICE)
    accepted = [accept(server, DEVICE.reading(f_cnt)).f_cnt_up for f_cnt in (65_000, 65_535, 65_536, 100_000)]
    assert accepted == [65_000, 65_535, 65_536, 100_000]


def test_devices_with_the_same_address_are_told_apart_by_their_keys():
    twins = Device(1, dev_addr=0x26000009), Device(2, dev_addr=0x26000009)
    server = server_of(*twins)
    for f_cnt in range(3):
        for twin in twins:
            assert accept(server, twin.reading(f_cnt)).dev_eui == twin.dev_eui


def test_a_failed_commit_takes_back_the_epoch_too():
    server = server_of(DEVICE)
    accept(server, DEVICE.reading(0, seq=5))
    status = hear(server, DEVICE.status(1, next_seq=0, epoch=0x1234))
    assert isinstance(status, Commit)
    server.handle(NotCommitted(token=status.token), NOW_MS)
    [record] = accept(server, DEVICE.reading(2, seq=6)).records
    assert record.key == (DEVICE.dev_eui, 0xBEEF, 6)


def test_what_is_cut_off_or_too_long_is_malformed():
    frame = DEVICE.reading(0)
    for length in range(12):
        refused(server_of(DEVICE), frame[:length], Reason.MALFORMED, "1.." if not length else "shortest")
    refused(server_of(DEVICE), frame + bytes(256), Reason.MALFORMED, "carries 1..255")
    refused(server_of(DEVICE), bytes(23), Reason.MALFORMED, "not a data frame")  # a join request; they come later


def test_a_frame_that_lost_its_end_is_not_believed():
    frame = DEVICE.reading(0)
    for length in range(12, len(frame)):
        refused(server_of(DEVICE), frame[:length], Reason.WRONG_MIC, "26000001")


def test_a_downlink_is_not_an_uplink_however_well_it_is_signed():
    keys = SessionKeys(bytes([1]) * 16, bytes([0x81]) * 16)
    downlink = seal_data(keys, DOWNLINK, DEVICE.dev_addr, 0, 1, b"\x80")
    refused(server_of(DEVICE), downlink, Reason.NOT_AN_UPLINK, "another gateway")


def test_an_unknown_address_is_named():
    refused(server_of(DEVICE), Device(7).reading(0), Reason.UNKNOWN_DEV_ADDR, "26000007")


def test_another_key_is_not_believed():
    impostor = Device(2, dev_addr=DEVICE.dev_addr)
    refused(server_of(DEVICE), impostor.reading(0), Reason.WRONG_MIC, "no key known for DevAddr 26000001")


def test_no_flipped_bit_is_believed():
    frame = DEVICE.reading(0)
    server = server_of(DEVICE)
    for bit in range(8 * len(frame)):
        flipped = bytearray(frame)
        flipped[bit // 8] ^= 1 << bit % 8
        assert isinstance(hear(server, bytes(flipped)), Refused), f"bit {bit}"
    accept(server, frame)


def test_the_same_frame_twice_is_a_replay():
    server = server_of(DEVICE)
    accept(server, DEVICE.reading(3))
    refused(server, DEVICE.reading(3), Reason.REPLAYED, "FCntUp 3 of DevAddr 26000001 was accepted before")


@pytest.mark.parametrize("last", [4, 40, 32_770, 65_600])
def test_an_older_frame_is_a_replay_and_names_the_last_counter(last):
    server = SkeletonServer([DEVICE.session(f_cnt_up=last - 5)])
    accept(server, DEVICE.reading(last - 4))
    accept(server, DEVICE.reading(last))
    refused(server, DEVICE.reading(last - 4), Reason.REPLAYED, f"the last one is {last}")


def test_a_frame_from_long_ago_is_refused_too():
    """More than 2^15 back it is no longer told from a forgery, but still not believed."""
    server = server_of(DEVICE)
    for f_cnt in (64, 40_000, 65_600):
        accept(server, DEVICE.reading(f_cnt))
    refused(server, DEVICE.reading(64), Reason.WRONG_MIC, "no key")


def counted_but_refused(server: SkeletonServer, phy_payload: bytes, reason: Reason, says: str) -> None:
    """An authentic frame without a meaning: its counter is committed without records, and it is replayed no more."""
    commit, refusal = server.handle(heard(phy_payload), NOW_MS)
    assert isinstance(commit, Commit)
    assert commit.records == ()
    assert isinstance(refusal, Refused)
    assert refusal.reason is reason
    assert says in refusal.detail
    assert server.handle(Committed(token=commit.token), NOW_MS) == []
    refused(server, phy_payload, Reason.REPLAYED, "accepted before")


def test_an_unknown_f_port_is_named():
    counted_but_refused(server_of(DEVICE), DEVICE.frame(0, 99, b"\x80"), Reason.UNKNOWN_F_PORT, "FPort 99")
    counted_but_refused(server_of(DEVICE), DEVICE.frame(0, None, b""), Reason.UNKNOWN_F_PORT, "FPort None")


def test_a_link_that_names_no_data_rate_of_the_region_is_refused():
    [refusal] = server_of(DEVICE).handle(replace(heard(DEVICE.reading(0)), dr=12), NOW_MS)
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.detail) == (Reason.MALFORMED, "data rate is DR12; expected DR0..DR7")


def test_a_quantity_of_a_newer_firmware_is_kept_under_its_number():
    """From frame to line, as an operator who has not updated yet will see it."""
    payload = encode_rare(Reading(7, 1, 100, (7, 215)), ((200, 1), (5, 0)), 1, 105)
    [record] = accept(server_of(DEVICE), DEVICE.frame(0, F_PORT_READINGS, payload)).records
    assert record.to_message()["values"] == {"temperature": 21.5, "quantity_200.1": 7}


@pytest.mark.parametrize("f_port", [F_PORT_READINGS, F_PORT_STATUS])
@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x80", b"\x83\x03\x00", bytes(40), b"\x9b" + b"\xff" * 8])
def test_garbage_under_a_valid_mic_is_unreadable_and_leaves_no_trace(f_port, payload):
    server = server_of(DEVICE)
    accept(server, DEVICE.reading(0, seq=5))
    counted_but_refused(server, DEVICE.frame(1, f_port, payload), Reason.UNREADABLE_PAYLOAD, "")
    [record] = accept(server, DEVICE.reading(2, seq=6)).records
    assert record.key == (DEVICE.dev_eui, 0xBEEF, 6)


def test_a_set_newer_than_this_gateway_says_what_to_do():
    frame = DEVICE.frame(0, 1, b"\x83\x17\x00\x00")
    counted_but_refused(server_of(DEVICE), frame, Reason.UNREADABLE_PAYLOAD, "update the gateway")


def test_no_bytes_whatsoever_raise(request):
    dice = random.Random(request.config.option.hypothesis_seed)
    server = server_of(DEVICE)
    for _ in range(3000):
        noise = bytearray(dice.randbytes(dice.randrange(60)))
        if noise and dice.random() < 0.8:
            noise[0] = 0x40  # so that some get past the first step
            noise[1:5] = DEVICE.dev_addr.to_bytes(4, "little")[: max(0, len(noise) - 1)]
        assert isinstance(hear(server, bytes(noise)), Refused), noise.hex()


def test_a_refusal_tells_no_key():
    effect = hear(server_of(DEVICE), Device(2, dev_addr=DEVICE.dev_addr).reading(0))
    assert isinstance(effect, Refused)
    assert effect.dev_addr == DEVICE.dev_addr
    assert "0101" not in effect.detail
    assert "8181" not in effect.detail
