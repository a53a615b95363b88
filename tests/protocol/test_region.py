"""EU868's tables against the regional parameters as three public implementations carry them."""

from protocol import region
from protocol.region import (
    DATA_RATES,
    DEFAULT_CHANNELS,
    FSK,
    FULL,
    PLANS,
    SINGLE_CHANNEL,
    STANDARD_CHANNELS,
    SUB_BANDS,
    data_rate,
    dr_of,
    eirp_dbm,
    frame_airtime_us,
    is_channel,
    max_mac_payload,
    max_payload,
    off_time_ms,
    plan_named,
    rx1_dr,
    rx_window,
    sub_band,
)
from tests.protocol.expect import refused, vectors


def test_data_rates():
    table = vectors("eu868")["loramac"]
    for dr in range(8):
        expected = (table["sf"][dr], table["bw_hz"][dr])
        assert data_rate(dr) == ((FSK, 0) if expected == (50, 0) else expected)
        assert dr_of(*data_rate(dr)) == dr
    assert len(DATA_RATES) == 8
    refused("data rate is DR8; expected DR0..DR7", data_rate, 8)
    refused("data rate is DR-1", data_rate, -1)
    refused("no EU868 data rate has SF8 at 250000 Hz", dr_of, 8, 250_000)


def test_max_payload():
    data = vectors("eu868")
    for dr in range(8):
        assert max_payload(dr, 0, False) == data["loramac"]["max_payload"][dr] == data["brocaar"]["n"][dr]
        assert max_payload(dr) == data["loramac"]["max_payload_repeater"][dr] == data["brocaar"]["n_repeater"][dr]
        assert max_mac_payload(dr, False) == data["brocaar"]["m"][dr]
        assert max_mac_payload(dr) == data["brocaar"]["m_repeater"][dr]
    assert max_payload(0, 15) == 36
    assert max_payload(5, 7, False) == 235
    refused("FOpts of 16 bytes; a frame carries 0..15", max_payload, 0, 16)
    refused("FOpts of -1 bytes", max_payload, 0, -1)
    refused("DR8", max_payload, 8)
    refused("DR9", max_mac_payload, 9)


def test_rx1_data_rates():
    table = vectors("eu868")["brocaar"]["rx1_dr"]
    for up_dr in range(8):
        for offset in range(6):
            assert rx1_dr(up_dr, offset) == table[up_dr][offset]
    refused("RX1DROffset is 6; EU868 allows 0..5", rx1_dr, 5, 6)
    refused("RX1DROffset is -1", rx1_dr, 5, -1)
    refused("DR12", rx1_dr, 12, 0)


def test_tx_power():
    data = vectors("eu868")
    for index in range(8):
        assert eirp_dbm(index) == data["loramac"]["max_eirp_dbm"] + data["brocaar"]["tx_power_offset"][index]
    assert eirp_dbm(1, 14) == 12
    refused("TXPower is 8; EU868 has 0..7", eirp_dbm, data["loramac"]["min_tx_power"] + 1)
    refused("TXPower is 15", eirp_dbm, region.KEEP)
    refused("TXPower is -1", eirp_dbm, -1)


def test_defaults():
    table = vectors("eu868")["loramac"]
    assert list(DEFAULT_CHANNELS) == table["default_channels_hz"]
    assert table["max_channels"] == region.MAX_CHANNELS
    assert (table["rx2_freq_hz"], table["rx2_dr"]) == (region.RX2_FREQ_HZ, region.RX2_DR)
    assert table["max_rx1_dr_offset"] == region.MAX_RX1_DR_OFFSET
    assert table["receive_delay1_ms"] == 1000 * region.RECEIVE_DELAY1_S
    assert table["receive_delay2_ms"] == 1000 * (region.RECEIVE_DELAY1_S + 1)
    assert table["join_accept_delay1_ms"] == 1000 * region.JOIN_ACCEPT_DELAY1_S
    assert table["join_accept_delay2_ms"] == 1000 * (region.JOIN_ACCEPT_DELAY1_S + 1)
    assert (table["adr_ack_limit"], table["adr_ack_delay"]) == (region.ADR_ACK_LIMIT, region.ADR_ACK_DELAY)
    assert table["max_eirp_dbm"] == region.MAX_EIRP_DBM


def test_standard_channels():
    assert list(STANDARD_CHANNELS) == vectors("eu868")["ttn"]["channels_hz"]
    for freq_hz in STANDARD_CHANNELS:
        assert is_channel(freq_hz)
        assert sub_band(freq_hz).name == ("M" if freq_hz in DEFAULT_CHANNELS else "L")


def test_sub_bands():
    table = vectors("eu868")["lorawan_stack"]["sub_bands"]
    assert len(SUB_BANDS) == len(table)
    for band, (letter, low_hz, high_hz, per_mille, erp_dbm) in zip(SUB_BANDS, table):
        assert band.name == letter.replace("R", "Q")
        assert (band.low_hz, band.high_hz) == (low_hz, high_hz)
        assert (band.duty_per_mille, band.max_erp_dbm) == (per_mille, erp_dbm)
        assert band.airtime_ms_per_hour * 1000 == 3_600_000 * per_mille
        assert sub_band(low_hz + 62_500) is band
        assert sub_band(high_hz - 62_500) is band
        refused("lies in no EU868 sub-band", sub_band, low_hz + 62_499)
        refused("lies in no EU868 sub-band", sub_band, high_hz - 62_499)


def test_frequencies_between_sub_bands_are_refused():
    for freq_hz in vectors("eu868")["loramac"]["refused_hz"]:
        refused("%d Hz with 125000 Hz of bandwidth lies in no EU868 sub-band" % freq_hz, sub_band, freq_hz)
        assert not is_channel(freq_hz)
    assert sub_band(868_300_000, 250_000).name == "M"
    assert sub_band(region.RX2_FREQ_HZ, 250_000).name == "P"  # fills it exactly
    refused("868500000 Hz with 250000 Hz", sub_band, 868_500_000, 250_000)


def test_channels_that_24_bits_of_100_hz_can_name():
    assert is_channel(867_100_100)
    assert not is_channel(867_100_050)
    assert not is_channel(0)
    assert not is_channel(433_175_000)


def test_airtime_by_data_rate():
    # facts of the SX1261 and TTN calculators: tests/data/airtime.json has 13 bytes at SF7, the sheet 37 at SF12
    assert frame_airtime_us(5, 13) == 46_336
    assert frame_airtime_us(0, 37) == 1_974_272
    assert frame_airtime_us(6, 10) == 20_608
    assert frame_airtime_us(7, 200) == 33_760
    assert frame_airtime_us(7, 200, False) == 33_760  # FSK keeps its CRC on downlinks
    assert frame_airtime_us(5, 12) == frame_airtime_us(5, 14, False)  # two bytes of CRC
    refused("DR8", frame_airtime_us, 8, 10)
    refused("PHYPayload of 300 bytes", frame_airtime_us, 5, 300)


def test_off_time():
    # LoRaMac-node: TimeOff = TxTimeOnAir * DCycle - TxTimeOnAir
    assert off_time_ms(1_482_752, sub_band(868_100_000)) == 1483 * 99
    assert off_time_ms(1_482_752, sub_band(868_900_000)) == 1483 * 999
    assert off_time_ms(1_482_752, sub_band(869_525_000)) == 1483 * 9
    assert off_time_ms(0, sub_band(868_100_000)) == 0
    assert off_time_ms(1, sub_band(868_100_000)) == 99
    refused("time on air is -1 us; expected 0..1000000000", off_time_ms, -1, sub_band(868_100_000))
    refused("time on air is 1000000001 us", off_time_ms, 1_000_000_001, sub_band(868_100_000))
    assert 1_000_000 * 999 + 1 < 1 << 30  # the largest product there


def test_windows_agree_with_loramac():
    for dr, error_ms, symbols, offset_ms in vectors("eu868")["windows"]["cases"]:
        ours = rx_window(dr, 1000 * error_ms)
        assert ours[0] == symbols
        assert -(-ours[1] // 1000) == offset_ms  # LoRaMac rounds up to whole milliseconds


def test_windows():
    assert rx_window(0, 0) == (6, 32_768)
    assert rx_window(5, 10_000, 6, 1500) == (24, -8192 - 1500)
    assert rx_window(5, 150_000) == (297, 4 * 1024 - 297 * 512)  # 3 % of 5 s
    assert rx_window(7, 10_000) == (129, 4 * 160 - 129 * 80)
    refused("clock error is -1 us; expected 0..3000000", rx_window, 5, -1)
    refused("clock error is 3000001 us", rx_window, 5, 3_000_001)
    refused("a window of at least 0 symbols; expected 1..255", rx_window, 5, 0, 0)
    refused("a window of at least 256 symbols", rx_window, 5, 0, 256)
    refused("DR8", rx_window, 8, 0)


def test_plans():
    assert [plan.number for plan in PLANS] == [0, 1]
    assert plan_named("full") is FULL
    assert plan_named("single-channel") is SINGLE_CHANNEL
    refused("no channel plan is called 'eight'; expected one of full, single-channel", plan_named, "eight")
    assert FULL.channels == STANDARD_CHANNELS
    assert FULL.join_channels == DEFAULT_CHANNELS
    assert FULL.adr and FULL.max_nodes is None
    assert (FULL.min_dr, FULL.max_dr) == (0, 5)
    assert SINGLE_CHANNEL.channels == SINGLE_CHANNEL.join_channels == (868_100_000,)
    assert SINGLE_CHANNEL.min_dr == SINGLE_CHANNEL.max_dr
    assert not SINGLE_CHANNEL.adr and SINGLE_CHANNEL.max_nodes == 50
    for plan in PLANS:
        assert (plan.rx2_freq_hz, plan.rx2_dr, plan.rx_delay_s) == (869_525_000, 3, 5)
        assert sub_band(plan.rx2_freq_hz).name == "P"
        for freq_hz in plan.join_channels:
            assert freq_hz in plan.channels
