"""What only an SX1262 has: BUSY, a TCXO, two sleeps, an amplifier with settings, and the errata of its silicon."""

from firmware.drivers.radio import CLOSED, FAILED, HEARD, PENDING, SENT, SPOILT, RadioError
from firmware.drivers.sx1262 import PA_NOMINAL
from simulator.chips.air import Emission
from simulator.chips.wire import Wire
from tests.firmware.drivers.benches import UP_HZ, Sx1262Bench, refusal, started


def bench_of(**given):
    return started(Sx1262Bench, **given)


def test_nothing_that_the_datasheet_forbids_is_done():
    bench = bench_of()
    assert bench.chip.breaches == []
    bench.send(bytes(10))
    bench.radio.prepare_listen(UP_HZ, 7, 125_000, 6)
    bench.radio.go()
    assert bench.outcome() == CLOSED
    bench.radio.sleep()
    bench.radio.prepare_listen(UP_HZ, 7, 125_000, 0)
    bench.radio.go()
    bench.radio.sleep()
    assert bench.chip.breaches == []


def test_the_boards_with_a_crystal_need_no_tcxo():
    bench = bench_of(board={"tcxo_mv": 0}, tcxo=None)
    assert bench.send(b"x").flaws == ()
    assert bench.chip.breaches == []


def test_a_tcxo_that_is_not_powered_is_said_so():
    """XOSC_START_ERR (DS 13.3.6) remains when the chip got no TCXO voltage."""
    bench = Sx1262Bench(tcxo=None)
    assert "XOSC" in refusal(RadioError, bench.radio.start)


def test_a_tcxo_with_too_little_voltage_or_time_is_said_so():
    assert "XOSC" in refusal(RadioError, Sx1262Bench(tcxo=0).radio.start)
    assert "XOSC" in refusal(RadioError, Sx1262Bench(tcxo_us=1_000).radio.start)


def test_a_slow_tcxo_is_waited_for():
    """Nunomcruz measured about 10 ms on a T-Beam."""
    bench = bench_of(board={"tcxo_us": 10_000}, tcxo_us=10_000)
    bench.radio.prepare_transmit(b"slow", UP_HZ, 7, 125_000, 14)
    bench.radio.go()
    assert bench.outcome() == SENT
    assert bench.chip.breaches == []


def test_the_error_of_the_first_start_is_cleared():
    """At power-on the chip calibrates without its TCXO, and notes that: harmless, but no self-test may find it."""
    bench = bench_of()
    assert bench.radio.check() == ""


def test_listening_takes_what_the_dc_dc_converter_gives():
    """Facts of LBM: 4.6 mA with it, 8.88 mA without."""
    for dcdc, boosted, expected_na in ((True, False, 4_600_000), (False, False, 8_880_000), (True, True, 5_300_000)):
        bench = bench_of(dcdc=dcdc, boosted=boosted)
        bench.radio.prepare_listen(UP_HZ, 9, 125_000, 0)
        bench.radio.go()
        bench.clock.sleep_ms(20)
        assert bench.chip.current_na() == expected_na


def test_14_dbm_take_half_with_the_settings_for_it():
    for amplifier, least_ua, most_ua in ((None, 40_000, 50_000), (PA_NOMINAL, 80_000, 95_000)):
        bench = bench_of(**({"amplifier": amplifier} if amplifier else {}))
        bench.radio.prepare_transmit(bytes(20), UP_HZ, 12, 125_000, 14)
        bench.radio.go()
        bench.clock.sleep_ms(100)
        assert least_ua <= bench.chip.current_na() // 1000 <= most_ua
        assert bench.outcome() == SENT
        assert bench.air.sent[-1].power_dbm == 14


def test_the_whole_range_of_power():
    for amplifier in (None, PA_NOMINAL):
        bench = bench_of(**({"amplifier": amplifier} if amplifier else {}))
        for power_dbm in (0, 5, 14, 15, 17, 18, 20, 21, 22):
            frame = bench.send(b"x", power_dbm=power_dbm)
            assert (frame.power_dbm, frame.flaws) == (power_dbm, ())
        assert bench.send(b"x", power_dbm=30).power_dbm == 22
        assert bench.send(b"x", power_dbm=-40).power_dbm <= -9
        assert bench.chip.breaches == []


def test_an_amplifier_behind_the_chip_is_reckoned_with():
    """Heltec V4: 11 dB; 21 dBm at the socket are 10 at the chip."""
    bench = bench_of(gain_db=11, max_dbm=10)
    assert bench.send(b"x", power_dbm=14).power_dbm == 3
    assert bench.send(b"x", power_dbm=27).power_dbm == 10


def test_500_khz_and_back():
    """DS 15.1."""
    bench = bench_of()
    for bw_hz in (125_000, 500_000, 500_000, 250_000):
        assert bench.send(b"x", 7, bw_hz).flaws == ()


def test_a_board_whose_antenna_dio2_turns():
    assert bench_of(board={"dio2_switch": True}).send(b"x").flaws == ()
    assert bench_of(board={"dio2_switch": False}, dio2_switch=False).send(b"x").flaws == ()


def test_a_board_that_wants_to_be_told_when_to_listen():
    """XIAO with Wio-SX1262: RXEN."""
    pin = Wire()
    bench = bench_of(rx_enable=pin)
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 6)
    assert pin.level == 1
    bench.radio.prepare_transmit(b"x", UP_HZ, 9, 125_000, 14)
    assert pin.level == 0
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 6)
    bench.radio.sleep()
    assert pin.level == 0


def test_more_gain_outlives_sleep():
    """DS 9.6: only what is on the retention list."""
    bench = bench_of(boosted=True)
    bench.radio.sleep()
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 0)
    bench.radio.go()
    bench.clock.sleep_ms(20)
    assert bench.chip.current_na() == 5_300_000


def test_between_two_windows_it_rests_without_its_tcxo():
    bench = bench_of()
    bench.send(b"x")
    assert bench.chip.current_na() == 600_000


def test_a_window_longer_than_it_counts_hears_what_comes_late():
    """The 248 symbols of SetLoRaSymbNumTimeout are exceeded: the timer alone closes it."""
    bench = bench_of()
    bench.radio.prepare_listen(UP_HZ, 7, 125_000, 900)
    bench.clock.sleep_ms(20)
    late_us = bench.clock.now_us + 880 * 1024
    bench.emit(Emission(b"late", UP_HZ, 7, 125_000, late_us, inverted_iq=True, crc=False))
    bench.radio.go()
    assert bench.outcome() == HEARD


def test_symbols_that_it_cannot_count_exactly_are_never_too_few():
    bench = bench_of()
    for symbols in (5, 7, 61, 63, 65, 66, 100, 129, 247, 248):
        bench.radio.prepare_listen(UP_HZ, 7, 125_000, symbols)
        bench.clock.sleep_ms(20)
        begun_us = bench.clock.now_us
        bench.radio.go()
        assert bench.outcome() == CLOSED
        lasted = bench.clock.now_us - begun_us
        assert symbols * 1024 <= lasted <= symbols * 1024 * 11 // 10 + 3 * 1024, symbols


def test_what_a_short_frame_left_behind_does_not_limit_the_next_reception():
    """In explicit mode the payload length of SetPacketParams is the longest that is taken."""
    bench = bench_of()
    bench.send(b"x")
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 6)
    bench.clock.sleep_ms(20)
    bench.emit(Emission(bytes(200), UP_HZ, 9, 125_000, bench.clock.now_us, inverted_iq=True, crc=False))
    bench.radio.go()
    assert bench.outcome() == HEARD


def test_settings_that_a_cold_start_has_lost_are_not_trusted():
    bench = bench_of()
    bench.radio.standby()
    bench.clock.sleep_ms(1)
    bench.cs.value(0)
    bench.spi.write(b"\x84\x00")  # SetSleep, cold
    bench.cs.value(1)
    bench.clock.sleep_ms(5)
    bench.restart()
    assert not bench.radio.resume()
    bench.radio.start()
    assert bench.send(b"x").flaws == ()


def test_a_busy_that_never_falls_is_an_error_after_a_tenth_of_a_second():
    bench = bench_of()
    bench.chip.alive = False
    begun_us = bench.clock.now_us
    said = refusal(RadioError, bench.radio.prepare_listen, UP_HZ, 9, 125_000, 6)
    assert "BUSY is high for 100 ms" in said
    assert bench.clock.now_us - begun_us < 110_000


def test_an_interrupt_line_that_is_cut_ends_in_time():
    bench = bench_of()
    bench.radio.prepare_transmit(b"x", UP_HZ, 9, 125_000, 14)
    bench.radio.go()
    bench.dio1.source = lambda: 0
    assert bench.outcome(within_us=bench.radio.due_us - 100_000) == PENDING
    assert bench.outcome(within_us=300_000) == FAILED


def test_a_reset_takes_as_long_as_it_must():
    bench = Sx1262Bench()
    bench.radio.start()
    bench.radio.start()
    assert bench.chip.breaches == []
    assert bench.send(b"x").flaws == ()


def test_a_wire_that_is_cut_is_said_so():
    """BUSY is low and MISO floats."""
    bench = Sx1262Bench()
    bench.chip.alive = False
    bench.busy.source = lambda: 0
    said = refusal(RadioError, bench.radio.start)
    assert "0xffff" in said and "0x1424" in said and "MISO" in said


def test_class_c_goes_on_after_a_header_that_noise_has_eaten():
    bench = bench_of()
    bench.radio.prepare_listen(UP_HZ, 9, 125_000, 0)
    bench.radio.go()
    for header_ok, outcome in ((True, HEARD), (False, SPOILT), (True, HEARD)):
        bench.clock.sleep_ms(2_000)
        frame = Emission(b"again", UP_HZ, 9, 125_000, bench.clock.now_us, inverted_iq=True, crc=False)
        bench.emit(frame, header_ok=header_ok)
        assert bench.outcome() == outcome
        assert bench.radio.payload() == (b"again" if header_ok else b"")
    assert bench.chip.breaches == []
