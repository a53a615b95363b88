"""Windows against LoRaMac-node's formula in doubles; sub-bands and pacing for any frequency and frame."""

import math

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FrameError
from protocol.region import DATA_RATES, SUB_BANDS, data_rate, is_channel, off_time_ms, rx_window, sub_band


@given(
    dr=st.integers(0, 7),
    error_ms=st.integers(0, 3000),
    min_symbols=st.integers(1, 255),
    wake_ms=st.integers(0, 20),
)
def test_windows_follow_loramac(dr, error_ms, min_symbols, wake_ms):
    sf, bw_hz = DATA_RATES[dr]
    symbol_ms = 2**sf / bw_hz * 1000 if bw_hz else 8 / 50
    width = ((2 * min_symbols - 8) * symbol_ms + 2 * error_ms) / symbol_ms
    symbols = max(math.ceil(round(width, 6)), min_symbols)
    offset_ms = 4 * symbol_ms - symbols * symbol_ms / 2 - wake_ms
    ours = rx_window(dr, 1000 * error_ms, min_symbols, 1000 * wake_ms)
    assert ours[0] == symbols
    assert math.isclose(ours[1] / 1000, offset_ms, abs_tol=1e-6)


@given(dr=st.integers(0, 6), error_us=st.integers(0, 200_000), late_us=st.integers(-200_000, 200_000))
def test_a_window_always_meets_the_preamble(dr, error_us, late_us):
    """A preamble of eight symbols that starts within the error leaves the radio four of them to lock on."""
    late_us = max(-error_us, min(error_us, late_us))
    sf, bw_hz = data_rate(dr)
    symbol_us = 2**sf * 1_000_000 // bw_hz
    symbols, offset_us = rx_window(dr, error_us)
    heard_from = max(offset_us, late_us)
    heard_to = min(offset_us + symbols * symbol_us, late_us + 8 * symbol_us)
    assert heard_to - heard_from >= 4 * symbol_us


@given(freq_hz=st.integers(860_000_000, 875_000_000), bw_hz=st.sampled_from([125_000, 250_000]))
def test_a_channel_lies_in_one_sub_band_or_is_refused(freq_hz, bw_hz):
    holding = [band for band in SUB_BANDS if band.low_hz <= freq_hz - bw_hz / 2 and freq_hz + bw_hz / 2 <= band.high_hz]
    try:
        assert [sub_band(freq_hz, bw_hz)] == holding
    except FrameError:
        assert holding == []
    if bw_hz == 125_000:
        assert is_channel(freq_hz) == (holding != [] and freq_hz % 100 == 0)


@given(frame_us=st.integers(0, 10_000_000), band=st.sampled_from(SUB_BANDS))
def test_a_paced_sender_keeps_its_share(frame_us, band):
    off_us = 1000 * off_time_ms(frame_us, band)
    assert frame_us * 1000 <= band.duty_per_mille * (frame_us + off_us)
