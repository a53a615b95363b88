"""Time on air against Semtech's calculators and what others published."""

from protocol.airtime import MAX_PREAMBLE, airtime_us, fsk_airtime_us, symbol_us
from tests.protocol.expect import refused, vectors


def test_published_lora_airtimes():
    count = 0
    for group in vectors("airtime")["lora"]:
        for case in group["cases"]:
            assert airtime_us(*case[:-1]) == case[-1], (group["source"], case)
            count += 1
    assert count == 63


def test_published_fsk_airtime():
    for phy_len, us in vectors("airtime")["fsk"]["cases"]:
        assert fsk_airtime_us(phy_len) == us


def test_low_data_rate_optimize_comes_on_at_16_ms_a_symbol():
    for sf, bw_hz, on in ((10, 125_000, False), (11, 125_000, True), (12, 125_000, True), (12, 250_000, True)):
        assert airtime_us(64, sf, bw_hz) == airtime_us(64, sf, bw_hz, low_data_rate=on)
        assert airtime_us(64, sf, bw_hz) != airtime_us(64, sf, bw_hz, low_data_rate=not on)


def test_symbols():
    assert symbol_us(7, 125_000) == 1024
    assert symbol_us(12, 125_000) == 32_768
    assert symbol_us(9, 125_000) == 4096  # this and the next: brocaar/lorawan airtime_test.go
    assert symbol_us(9, 500_000) == 1024


def test_the_longest_frame_stays_a_small_int():
    longest = airtime_us(255, 12, 125_000, 4, MAX_PREAMBLE)
    assert 40_000_000 < longest < 1 << 30


def test_the_shortest_frame_is_preamble_and_eight_symbols():
    assert airtime_us(0, 12, 125_000, explicit_header=False, crc=False) == 32_768 * (8 + 8) + 32_768 * 17 // 4


def test_what_no_frame_has_is_refused():
    refused("spreading factor is 6; expected 7..12", airtime_us, 10, 6, 125_000)
    refused("spreading factor is 13; expected 7..12", airtime_us, 10, 13, 125_000)
    refused("bandwidth is 62500 Hz; expected 125000, 250000 or 500000", airtime_us, 10, 7, 62_500)
    refused("PHYPayload of 256 bytes; expected 0..255", airtime_us, 256, 7, 125_000)
    refused("PHYPayload of -1 bytes", fsk_airtime_us, -1)
    refused("coding rate is 5; expected 1..4", airtime_us, 10, 7, 125_000, 5)
    refused("coding rate is 0", airtime_us, 10, 7, 125_000, 0)
    refused("preamble is 0 symbols; expected 1..1000", airtime_us, 10, 7, 125_000, 1, 0)
    refused("preamble is 1001 symbols", airtime_us, 10, 7, 125_000, 1, 1001)
