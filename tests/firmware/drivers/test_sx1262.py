"""The SX1262's driver against a chip that follows the datasheet."""

from firmware.drivers.radio import CLOSED, HEARD, SENT
from simulator.chips.air import Emission
from tests.firmware.drivers.benches import UP_HZ, Sx1262Bench


def started(**given):
    bench = Sx1262Bench(**given)
    bench.radio.start()
    return bench


def test_a_frame_leaves_as_it_was_given():
    bench = started()
    payload = bytes(range(23))
    air_us = bench.radio.prepare_transmit(payload, UP_HZ, 9, 125_000, 14)
    bench.radio.go()
    assert bench.outcome() == SENT
    (frame,) = bench.air.sent
    assert frame.payload == payload
    assert abs(frame.freq_hz - UP_HZ) <= 1
    assert (frame.sf, frame.bw_hz, frame.coding_rate, frame.preamble) == (9, 125_000, 1, 8)
    assert (frame.sync_word, frame.inverted_iq, frame.crc, frame.explicit) == (0x34, False, True, True)
    assert frame.airtime_us == air_us
    assert frame.power_dbm == 14
    assert frame.flaws == ()
    assert bench.chip.breaches == []


def test_a_downlink_is_heard():
    bench = started()
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 6)
    bench.clock.sleep_ms(20)
    bench.emit(Emission(b"hello", UP_HZ, 9, 125_000, bench.clock.now_us - 4000, inverted_iq=True, crc=False))
    bench.radio.go()
    assert bench.outcome() == HEARD
    assert bench.radio.payload() == b"hello"
    assert bench.chip.breaches == []


def test_an_empty_window_closes():
    bench = started()
    bench.radio.prepare_listen(UP_HZ, 12, 125_000, 6)
    bench.clock.sleep_ms(20)
    begun = bench.clock.now_us
    bench.radio.go()
    assert bench.outcome() == CLOSED
    assert 6 * 32_768 <= bench.clock.now_us - begun < 7 * 32_768
