"""What every radio driver owes a body: the same tests for all of them, each with its own chip."""

from firmware.drivers.radio import CLOSED, FAILED, HEARD, PENDING, SENT, SPOILT, RadioError
from protocol.region import DATA_RATES, rx_window
from simulator.chips.air import Emission
from tests.firmware.drivers.benches import UP_HZ, WRAP, Sx1262Bench, Sx1276Bench, refusal, started
from tests.protocol.expect import Dice, vectors

ALL = (Sx1262Bench, Sx1276Bench)
LORA = DATA_RATES[:7]
DOWN_HZ = 869_525_000


def benches(**given):
    return [started(make, **given) for make in ALL]


def unblamed(bench):
    assert bench.chip.breaches == [], bench.chip.breaches


def downlink(payload, at_us, sf=9, bw_hz=125_000, **how):
    return Emission(payload, DOWN_HZ, sf, bw_hz, at_us, inverted_iq=True, crc=False, **how)


def window(bench, symbols=6, sf=9, bw_hz=125_000, **how):
    """Get ready for a window, and let the oscillator settle."""
    bench.radio.prepare_listen(DOWN_HZ, sf, bw_hz, symbols, **how)
    bench.clock.sleep_ms(20)


def test_a_frame_leaves_as_it_was_given_at_every_data_rate():
    for bench in benches():
        for sf, bw_hz in LORA:
            payload = bytes([sf] * (13 + sf))
            air_us = bench.radio.prepare_transmit(payload, UP_HZ, sf, bw_hz, 14)
            bench.radio.go()
            assert bench.outcome() == SENT
            frame = bench.air.sent[-1]
            assert frame.payload == payload
            assert abs(frame.freq_hz - UP_HZ) < 62  # a step of the SX1276
            assert (frame.sf, frame.bw_hz, frame.coding_rate, frame.preamble) == (sf, bw_hz, 1, 8)
            assert (frame.sync_word, frame.inverted_iq, frame.crc, frame.explicit) == (0x34, False, True, True)
            assert frame.low_data_rate == (sf > 10)
            assert frame.airtime_us == air_us
            assert frame.power_dbm == 14
            assert frame.flaws == (), frame.flaws
        unblamed(bench)


def test_time_on_air_is_what_others_publish():
    """Of tests/data/airtime.json what LoRaWAN sends: 4/5, 8 symbols of preamble, a header, LDRO where it belongs."""
    count = 0
    for bench in benches():
        for group in vectors("airtime")["lora"]:
            for phy_len, sf, bw_hz, rate, preamble, header, crc, low_data_rate, air_us in group["cases"]:
                usual = (1 << sf) * (1_000_000 // bw_hz) >= 16_000
                if (rate, preamble, header) == (1, 8, True) and low_data_rate in (None, usual):
                    assert bench.send(bytes(phy_len), sf, bw_hz, crc=crc).airtime_us == air_us, group["source"]
                    count += 1
    assert count == 52


def test_the_power_is_what_was_asked_for():
    for bench in benches():
        for power_dbm in (2, 8, 10, 14, 15, 16, 17, 18, 20):
            frame = bench.send(b"x", power_dbm=power_dbm)
            assert frame.power_dbm == power_dbm
            assert frame.flaws == (), frame.flaws
        unblamed(bench)


def test_the_board_caps_the_power():
    for bench in benches(max_dbm=14):
        assert bench.send(b"x", power_dbm=16).power_dbm == 14


def test_a_downlink_is_heard_at_the_edges_of_its_window_at_every_data_rate():
    """The window is computed as a MAC does it, for a clock that may be 20 ms off."""
    for bench in benches():
        for dr, (sf, bw_hz) in enumerate(LORA):
            symbols, offset_us = rx_window(dr, 20_000)
            for error_us in (-20_000, 0, 20_000):
                window(bench, symbols, sf, bw_hz)
                nominal_us = bench.clock.now_us + 100_000
                payload = bytes([dr, 1, 2, 3])
                bench.emit(downlink(payload, nominal_us + error_us, sf, bw_hz), rssi_dbm=-117, snr_quarter_db=-29)
                bench.clock.run(nominal_us + offset_us)
                bench.radio.go()
                assert bench.outcome() == HEARD, (dr, error_us)
                assert bench.radio.payload() == payload
                assert -118 <= bench.radio.rssi_dbm <= -116
                assert bench.radio.snr_quarter_db == -29
        unblamed(bench)


def test_strength_of_a_near_gateway():
    for bench in benches():
        window(bench)
        bench.emit(downlink(b"near", bench.clock.now_us), rssi_dbm=-40, snr_quarter_db=37)
        bench.radio.go()
        assert bench.outcome() == HEARD
        assert (bench.radio.rssi_dbm, bench.radio.snr_quarter_db) == (-40, 37)


def test_an_empty_window_closes_after_its_symbols_and_not_before():
    for bench in benches():
        for symbols, sf, symbol_us in ((6, 12, 32_768), (40, 7, 1024), (200, 7, 1024), (300, 7, 1024)):
            window(bench, symbols, sf)
            begun_us = bench.clock.now_us
            bench.radio.go()
            assert bench.outcome() == CLOSED
            lasted = bench.clock.now_us - begun_us
            assert symbols * symbol_us <= lasted < (symbols + 28) * symbol_us + 2_000, (symbols, sf, lasted)
            assert symbols > 248 or lasted < (symbols + 5) * symbol_us + 2_000
        unblamed(bench)


def test_a_frame_that_begins_after_the_window_is_not_waited_for():
    for bench in benches():
        window(bench, 6)
        bench.emit(downlink(b"late", bench.clock.now_us + 4 * 4096))
        bench.radio.go()
        assert bench.outcome() == CLOSED


def test_a_frame_whose_preamble_is_nearly_over_is_not_heard():
    for bench in benches():
        window(bench, 6)
        bench.emit(downlink(b"early", bench.clock.now_us - 5 * 4096))
        bench.radio.go()
        assert bench.outcome() == CLOSED


def test_a_foreign_preamble_does_not_keep_a_window_open():
    """Of another network's sync word: the radio locks on it, and no header ever follows."""
    for bench in benches():
        window(bench)
        begun_us = bench.clock.now_us
        bench.emit(downlink(bytes(200), begun_us, sync_word=0x12))
        bench.radio.go()
        assert bench.outcome() == CLOSED
        assert bench.clock.now_us - begun_us < 35 * 4096
        unblamed(bench)


def test_other_settings_on_the_air_are_not_heard():
    for bench in benches():
        for other in (
            Emission(b"uplink", DOWN_HZ, 9, 125_000),
            downlink(b"slower", 0, 10),
            downlink(b"wider", 0, 9, 250_000),
            Emission(b"beside", DOWN_HZ + 200_000, 9, 125_000, inverted_iq=True),
        ):
            window(bench)
            begun = bench.clock.now_us
            bench.emit(
                Emission(other.payload, other.freq_hz, other.sf, other.bw_hz, begun, inverted_iq=other.inverted_iq)
            )
            bench.radio.go()
            assert bench.outcome() == CLOSED, other.payload


def test_downlinks_of_every_length_also_twice_in_a_row():
    """More than 32 bytes: the IQ polarity of the SX1262 (DS 15.4) shows there, and after a window that was the same."""
    for bench in benches():
        bench.send(bytes(60))
        for size in (1, 12, 33, 64, 64, 222, 255):
            window(bench, 12)
            payload = bytes([size ^ place for place in range(size)])
            bench.emit(downlink(payload, bench.clock.now_us))
            bench.radio.go()
            assert bench.outcome() == HEARD
            assert bench.radio.payload() == payload
        assert bench.send(bytes(100)).flaws == ()
        unblamed(bench)


def test_a_long_frame_at_the_slowest_rate_is_neither_cut_nor_missed():
    for bench in benches():
        assert bench.send(bytes(64), 12).airtime_us == bench.radio.prepare_transmit(bytes(64), UP_HZ, 12, 125_000, 14)
        window(bench, 6, 12)
        bench.emit(downlink(bytes(range(64)), bench.clock.now_us, 12))
        bench.radio.go()
        assert bench.outcome() == HEARD
        assert bench.radio.payload() == bytes(range(64))
        unblamed(bench)


def test_class_c_hears_frame_after_frame():
    for bench in benches():
        window(bench, 0)
        bench.radio.go()
        for size in (5, 17, 120, 250, 9):
            payload = bytes([size] * size)
            bench.emit(downlink(payload, bench.clock.now_us + 3_000_000))
            assert bench.outcome() == HEARD
            assert bench.radio.payload() == payload
        assert bench.outcome(within_us=20_000_000) == PENDING
        unblamed(bench)


def test_class_c_goes_on_after_windows():
    """A window's symbols must not end what listens for ever."""
    for bench in benches():
        window(bench, 6)
        bench.radio.go()
        assert bench.outcome() == CLOSED
        window(bench, 0)
        bench.radio.go()
        assert bench.outcome(within_us=20_000_000) == PENDING
        bench.emit(downlink(b"still there", bench.clock.now_us))
        assert bench.outcome() == HEARD


def test_what_happened_is_told_once():
    for bench in benches():
        assert bench.send(b"x")
        assert bench.outcome(within_us=30_000_000) == PENDING
        for heard in (False, True):
            window(bench)
            assert bench.radio.poll() == PENDING  # nothing was begun
            bench.clock.sleep_ms(20_000)
            assert bench.radio.poll() == PENDING
            if heard:
                bench.emit(downlink(b"x", bench.clock.now_us))
            bench.radio.go()
            assert bench.outcome() == (HEARD if heard else CLOSED)
            assert bench.outcome(within_us=30_000_000) == PENDING
        unblamed(bench)


def test_a_chip_that_lost_its_mind_while_it_listened_is_noticed():
    """Lightning, or a brown-out of its supply alone: nobody would call a street that hears no more orders."""
    for bench in benches():
        assert not bench.radio.listening()
        window(bench, 0)
        bench.radio.go()
        bench.clock.sleep_ms(5)
        assert bench.radio.listening()
        bench.reset.value(0)
        bench.clock.sleep_ms(1)
        bench.reset.value(1)
        bench.clock.sleep_ms(20)
        assert not bench.radio.listening()
        bench.radio.start()
        window(bench, 0)
        bench.radio.go()
        bench.clock.sleep_ms(5)
        assert bench.radio.listening()
        bench.radio.sleep()
        assert not bench.radio.listening()


def test_a_bridge_hears_uplinks_and_knows_the_spoilt_ones():
    for bench in benches():
        window(bench, 0, invert_iq=False)
        bench.radio.go()
        for changed in (None, b"uplimk"):
            uplink = Emission(b"uplink", DOWN_HZ, 9, 125_000, bench.clock.now_us + 1000)
            bench.emit(uplink, payload=changed)
            assert bench.outcome() == (HEARD if changed is None else SPOILT)
        bench.emit(Emission(b"uplink", DOWN_HZ, 9, 125_000, bench.clock.now_us + 1000))
        assert bench.outcome() == HEARD
        assert bench.radio.payload() == b"uplink"
        unblamed(bench)


def test_a_bridge_answers_downlinks():
    for bench in benches():
        frame = bench.send(bytes(80), invert_iq=True, crc=False)
        assert (frame.inverted_iq, frame.crc, frame.flaws) == (True, False, ())


def test_a_header_that_noise_has_eaten_ends_a_window():
    for bench in benches():
        window(bench)
        begun_us = bench.clock.now_us
        bench.emit(downlink(b"eaten", begun_us), header_ok=False)
        bench.radio.go()
        assert bench.outcome() in (SPOILT, CLOSED)
        assert bench.clock.now_us - begun_us < 35 * 4096
        assert bench.send(b"next").flaws == ()


def test_a_beacon_without_header_is_heard_and_nothing_comes_after_it():
    """Class B (TS001-1.0.4 §15): 17 bytes. SX1262 DS 15.3: the window's timer must not speak up later."""
    for bench in benches():
        window(bench, 12, invert_iq=False, length=17)
        bench.emit(Emission(bytes(range(17)), DOWN_HZ, 9, 125_000, bench.clock.now_us, explicit=False, crc=False))
        bench.radio.go()
        assert bench.outcome() == HEARD
        assert bench.radio.payload() == bytes(range(17))
        assert bench.outcome(within_us=2_000_000) == PENDING
        unblamed(bench)


def test_a_frame_leaves_so_long_after_go_and_no_longer():
    for bench in benches():
        bench.radio.prepare_transmit(b"now", UP_HZ, 9, 125_000, 14)
        bench.clock.sleep_ms(20)
        asked_us = bench.clock.now_us
        bench.radio.go()
        assert bench.outcome() == SENT
        assert 0 < bench.air.sent[-1].start_us - asked_us < 300
        assert bench.radio.end_us == bench.air.sent[-1].end_us % WRAP


def test_the_end_of_a_frame_heard_is_stamped():
    for bench in benches():
        window(bench)
        frame = downlink(b"stamped", bench.clock.now_us)
        bench.emit(frame)
        bench.radio.go()
        assert bench.outcome() == HEARD
        assert bench.radio.end_us == frame.end_us % WRAP


def test_it_sleeps_for_next_to_nothing_and_knows_all_when_it_wakes():
    for bench in benches():
        bench.radio.sleep()
        bench.radio.sleep()
        assert bench.chip.current_na() < 1_000
        bench.clock.sleep_ms(1000)
        frame = bench.send(bytes(40))
        assert (frame.sync_word, frame.flaws) == (0x34, ())
        bench.radio.sleep()
        window(bench)
        bench.emit(downlink(bytes(40), bench.clock.now_us))
        bench.radio.go()
        assert bench.outcome() == HEARD
        unblamed(bench)


def test_it_may_be_woken_as_soon_as_it_sleeps():
    for bench in benches():
        bench.radio.sleep()
        assert bench.send(b"again").flaws == ()
        unblamed(bench)


def test_a_node_that_wakes_takes_over_a_sleeping_radio():
    for bench in benches():
        bench.radio.sleep()
        bench.clock.sleep_ms(900_000)
        bench.restart()
        assert bench.radio.resume()
        frame = bench.send(bytes(40))
        assert (frame.sync_word, frame.flaws) == (0x34, ())
        unblamed(bench)


def test_a_radio_that_lost_its_power_is_not_taken_over():
    for bench in benches():
        bench.radio.sleep()
        bench.reset.value(0)
        bench.clock.sleep_ms(1)
        bench.reset.value(1)
        bench.clock.sleep_ms(20)
        bench.restart()
        assert not bench.radio.resume()
        bench.radio.start()
        assert bench.send(b"back").flaws == ()


def test_listening_is_stopped_by_standby():
    for bench in benches():
        window(bench, 0)
        bench.radio.go()
        assert bench.chip.current_na() > 4_000_000
        bench.radio.standby()
        assert bench.chip.current_na() < 2_000_000
        bench.emit(downlink(b"deaf", bench.clock.now_us))
        assert bench.outcome(within_us=1_000_000) == PENDING


def test_a_radio_that_is_not_there_is_said_so():
    for make in ALL:
        bench = make()
        bench.chip.alive = False
        said = refusal(RadioError, bench.radio.start)
        assert "SX12" in said
        assert not bench.radio.resume()


def test_a_radio_that_dies_on_the_way_does_not_hold_the_node():
    for bench in benches():
        bench.radio.prepare_transmit(b"x", UP_HZ, 9, 125_000, 14)
        bench.chip.alive = False
        try:
            bench.radio.go()
            assert bench.outcome() == FAILED
        except RadioError:
            pass
        assert bench.clock.now_us < WRAP + 60_000_000


def test_both_chips_understand_each_other():
    for sender, receiver in (ALL, (Sx1276Bench, Sx1262Bench)):
        one = started(sender)
        other = started(receiver, clock=one.clock, air=one.air)
        for sf, bw_hz in LORA:
            other.radio.prepare_listen(UP_HZ, sf, bw_hz, 0, invert_iq=False)
            other.radio.go()
            one.clock.sleep_ms(5)
            payload = bytes([sf, 2, 3])
            one.send(payload, sf, bw_hz)
            assert other.outcome() == HEARD
            assert other.radio.payload() == payload
        unblamed(one)
        unblamed(other)


def test_the_self_test_finds_nothing():
    for bench in benches():
        assert bench.radio.check() == ""


class NoisySpi:
    """Whatever is read is noise."""

    def __init__(self, dice):
        self._dice = dice

    def write(self, data):
        pass

    def readinto(self, into, write=0):
        for place in range(len(into)):
            into[place] = self._dice.below(256)


def all_that_can_be_asked(radio):
    return (
        radio.start,
        radio.resume,
        radio.check,
        radio.listening,
        radio.sleep,
        lambda: radio.prepare_transmit(b"x", UP_HZ, 9, 125_000, 14),
        lambda: radio.prepare_listen(UP_HZ, 9, 125_000, 6),
        lambda: radio.prepare_listen(UP_HZ, 9, 125_000, 0, length=17),
        radio.go,
        radio.poll,
        radio.payload,
    )


def test_noise_on_the_bus_is_an_error_or_an_outcome_and_nothing_else():
    dice = Dice(7)
    outcomes = []
    for bench in benches():
        bench.radio._spi = NoisySpi(dice)
        for line in (bench.busy, bench.dio1) if hasattr(bench, "busy") else (bench.dio0, bench.dio1):
            line.source = lambda: dice.below(2)
        for ask in all_that_can_be_asked(bench.radio):
            for _ in range(40):
                try:
                    outcomes.append(ask())
                except RadioError as error:
                    assert "SX12" in str(error)
    assert SENT in outcomes and HEARD in outcomes
