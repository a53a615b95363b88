"""Frame counters: each planted reuse is found, and what only looks like one is not."""

import pytest

from simulator.air.interface import OnAir
from simulator.truths.breaches import F_CNT_ONCE, Breaches
from simulator.truths.counters import FrameCounters

UP, CONFIRMED_UP, DOWN = 0x40, 0x80, 0x60
ADDR = "04030201"


def data(mhdr: int, f_cnt: int, tail: str = "01 aa 00000000", addr: str = ADDR) -> bytes:
    return bytes([mhdr]) + bytes.fromhex(addr) + b"\x00" + f_cnt.to_bytes(2, "little") + bytes.fromhex(tail)


def join(nonce: int, mic: str = "00000000") -> bytes:
    return bytes(17) + nonce.to_bytes(2, "little") + bytes.fromhex(mic)


def up(payload: bytes, sender: str = "air-001", at_us: int = 0) -> OnAir:
    return OnAir(
        sender=sender, phy_payload=payload, freq_hz=868_100_000, dr=5, power_dbm=14, start_us=at_us, end_us=at_us + 1
    )


def watch(*payloads: bytes) -> tuple[FrameCounters, Breaches]:
    breaches = Breaches()
    counters = FrameCounters(breaches)
    for payload in payloads:
        counters.up(up(payload))
    return counters, breaches


@pytest.mark.parametrize(
    "payloads",
    [
        [data(UP, 7), data(UP, 7, "01 bb 00000000")],
        [data(UP, 7), data(UP, 6)],
        [data(UP, 0xFFFF), data(UP, 0xFFFE)],
        [data(UP, 7), data(CONFIRMED_UP, 7)],
        [join(5), join(5, "11111111")],
        [join(5), join(4)],
    ],
)
def test_a_counter_used_twice_breaks_the_truth(payloads):
    assert F_CNT_ONCE in watch(*payloads)[1].first


@pytest.mark.parametrize(
    "payloads",
    [
        [data(UP, 7), data(UP, 7)],
        [data(UP, 7), data(UP, 40)],
        [data(UP, 0xFFFF), data(UP, 0)],
        [data(UP, 7), data(UP, 0, addr="05030201")],
        [join(5), join(6), data(UP, 0)],
    ],
)
def test_a_repetition_a_gap_a_wrap_and_a_new_session_do_not(payloads):
    assert watch(*payloads)[1].first == {}


def test_repetitions_and_confirmed_frames_are_counted_but_the_status_of_an_epoch_may_be():
    status = data(CONFIRMED_UP, 3, "03 aa 00000000")
    with_options = bytes.fromhex("80 04030201 02 0400 0d0d 03 aa 00000000")
    counters, _ = watch(data(UP, 1), data(UP, 1), data(CONFIRMED_UP, 2), status, with_options)
    assert (counters.repeats, counters.confirmed) == (1, 1)


def test_downlinks_are_followed_by_address_and_copies_from_several_radios_are_one():
    breaches = Breaches()
    counters = FrameCounters(breaches)
    for radio, payload in (("a", data(DOWN, 1)), ("b", data(DOWN, 1)), ("a", data(DOWN, 2)), ("a", join(0))):
        counters.down(radio, payload, 0)
    assert breaches.first == {}
    counters.down("b", data(DOWN, 2, "01 bb 00000000"), 61_000_000)
    assert breaches.first[F_CNT_ONCE].startswith("day 0 00:01:01.000000 b: FCntDown 2 after 2 to DevAddr 01020304")


def test_the_first_event_is_told_once_with_time_node_and_frame():
    told = []
    breaches = Breaches(lambda truth, time_us: told.append((truth, time_us)))
    counters = FrameCounters(breaches)
    for f_cnt in (9, 8, 7):
        counters.up(up(data(UP, f_cnt), at_us=90_000_000_000 + f_cnt))
    assert told == [(F_CNT_ONCE, 90_000_000_008)]
    [broken] = [truth for truth in breaches.truths() if not truth.held]
    assert broken.event.startswith("day 1 01:00:00.000008 air-001: FCntUp 8 after 9")
    assert data(UP, 8).hex() in broken.event
