"""Integer time on air agrees with the data sheet's formula in floating point, everywhere."""

import math

from hypothesis import given
from hypothesis import strategies as st

from protocol.airtime import airtime_us, fsk_airtime_us


def data_sheet_us(phy_len, sf, bw_hz, coding_rate, preamble, explicit_header, crc, low_data_rate):
    """SX1276 data sheet, section 4.1.1.7, as printed there."""
    t_s = 2**sf / bw_hz * 1e6
    t_preamble = (preamble + 4.25) * t_s
    ceiled = math.ceil(
        (8 * phy_len - 4 * sf + 28 + 16 * crc - 20 * (not explicit_header)) / (4 * (sf - 2 * low_data_rate))
    )
    return t_preamble + (8 + max(ceiled * (coding_rate + 4), 0)) * t_s


@given(
    phy_len=st.integers(0, 255),
    sf=st.integers(7, 12),
    bw_hz=st.sampled_from([125_000, 250_000, 500_000]),
    coding_rate=st.integers(1, 4),
    preamble=st.integers(1, 1000),
    explicit_header=st.booleans(),
    crc=st.booleans(),
    low_data_rate=st.none() | st.booleans(),
)
def test_agrees_with_the_data_sheet(phy_len, sf, bw_hz, coding_rate, preamble, explicit_header, crc, low_data_rate):
    ours = airtime_us(phy_len, sf, bw_hz, coding_rate, preamble, explicit_header, crc, low_data_rate)
    optimize = low_data_rate if low_data_rate is not None else 2**sf / bw_hz >= 0.016
    theirs = data_sheet_us(phy_len, sf, bw_hz, coding_rate, preamble, explicit_header, crc, optimize)
    assert abs(ours - theirs) < 0.001


@given(phy_len=st.integers(0, 255))
def test_fsk_takes_preamble_sync_length_payload_and_crc(phy_len):
    assert math.isclose(fsk_airtime_us(phy_len), (5 + 3 + 1 + phy_len + 2) * 8 / 50_000 * 1e6)
