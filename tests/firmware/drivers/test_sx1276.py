"""What only an SX1276 has: registers, DIO lines that may be missing, two amplifiers, and its errata."""

from firmware.drivers.radio import CLOSED, HEARD, PENDING, RadioError
from simulator.chips.air import Emission
from tests.firmware.drivers.benches import UP_HZ, Sx1276Bench, refusal, started


def bench_of(**given):
    return started(Sx1276Bench, **given)


def test_nothing_that_the_datasheet_forbids_is_done():
    bench = bench_of()
    for bw_hz in (125_000, 250_000, 500_000, 125_000):
        assert bench.send(bytes(10), 8, bw_hz, 20).flaws == ()
        bench.radio.prepare_listen(UP_HZ, 8, bw_hz, 6)
        bench.radio.go()
        assert bench.outcome() == CLOSED
    bench.radio.sleep()
    assert bench.chip.breaches == []


def test_the_whole_range_of_power():
    """DS 5.4.2: 2 to 17 dBm on PA_BOOST, up to 20 with RegPaDac (5.4.3)."""
    bench = bench_of()
    for power_dbm in (2, 5, 14, 16, 17, 18, 19, 20):
        frame = bench.send(b"x", power_dbm=power_dbm)
        assert (frame.power_dbm, frame.flaws) == (power_dbm, ())
    assert bench.send(b"x", power_dbm=-3).power_dbm == 2
    assert bench.send(b"x", power_dbm=30).power_dbm == 20


def test_the_other_amplifier():
    bench = bench_of(board={"pa_boost": False}, boost=False, max_dbm=14)
    for power_dbm in (0, 7, 13, 14):
        frame = bench.send(b"x", power_dbm=power_dbm)
        assert (frame.power_dbm, frame.flaws) == (power_dbm, ())


def test_20_dbm_are_off_while_it_listens():
    bench = bench_of()
    bench.send(b"x", power_dbm=20)
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 0)
    bench.radio.go()
    bench.clock.sleep_ms(1)
    assert bench.chip.register(0x4D) == 0x84
    assert bench.chip.breaches == []


def test_more_gain_is_what_was_asked_for():
    for boosted, expected_na in ((True, 11_500_000), (False, 10_800_000)):
        bench = bench_of(boosted=boosted)
        bench.radio.prepare_listen(UP_HZ, 9, 125_000, 0)
        bench.radio.go()
        bench.clock.sleep_ms(1)
        assert bench.chip.current_na() == expected_na


def test_a_window_without_dio1_closes_by_its_time():
    bench = bench_of(wired=False)
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 6)
    begun_us = bench.clock.now_us
    bench.radio.go()
    assert bench.outcome() == CLOSED
    assert 6 * 4096 <= bench.clock.now_us - begun_us < 33 * 4096


def test_a_long_frame_that_began_in_the_window_is_waited_for():
    for wired in (True, False):
        bench = bench_of(wired=wired)
        bench.radio.prepare_listen(UP_HZ, 12, 125_000, 6)
        bench.emit(Emission(bytes(range(51)), UP_HZ, 12, 125_000, bench.clock.now_us, inverted_iq=True, crc=False))
        bench.radio.go()
        assert bench.outcome() == HEARD
        assert bench.radio.payload() == bytes(range(51))


def test_a_tcxo_or_a_crystal_as_the_board_has_it():
    for tcxo in (False, True):
        bench = bench_of(board={"tcxo": tcxo}, tcxo=tcxo)
        assert bench.send(b"x").flaws == ()
        assert bench.chip.breaches == []


def test_a_window_longer_than_it_counts():
    bench = bench_of()
    bench.radio.prepare_listen(UP_HZ, 7, 125_000, 2000)
    late_us = bench.clock.now_us + 1980 * 1024
    bench.emit(Emission(b"late", UP_HZ, 7, 125_000, late_us, inverted_iq=True, crc=False))
    bench.radio.go()
    assert bench.outcome() == HEARD
    bench.radio.prepare_listen(UP_HZ, 7, 125_000, 2000)
    bench.radio.go()
    assert bench.outcome() == CLOSED


def test_after_a_frame_of_such_a_window_it_does_not_listen_on():
    bench = bench_of()
    bench.radio.prepare_listen(UP_HZ, 7, 125_000, 2000)
    bench.emit(Emission(b"x", UP_HZ, 7, 125_000, bench.clock.now_us, inverted_iq=True, crc=False))
    bench.radio.go()
    assert bench.outcome() == HEARD
    bench.emit(Emission(b"y", UP_HZ, 7, 125_000, bench.clock.now_us, inverted_iq=True, crc=False))
    assert bench.outcome(within_us=1_000_000) == PENDING


def test_another_chip_is_not_taken_for_it():
    bench = Sx1276Bench(board={"version": 0x22})  # an SX1272
    said = refusal(RadioError, bench.radio.start)
    assert "0x22" in said and "0x12" in said
