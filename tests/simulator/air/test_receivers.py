"""How weak a frame may be."""

import pytest

from simulator.air.receivers import receiver_named


def test_6_db_of_noise_are_what_datasheets_promise():
    """SX1276 DS 5, table 10: -123 dBm at SF7 to -136 dBm at SF12; SX1261/2 DS: -124 and -137."""
    sensitivity = receiver_named("noise-6db").sensitivity_cdbm
    assert sensitivity[5] == pytest.approx(-12_400, abs=100)
    assert sensitivity[0] == pytest.approx(-13_650, abs=100)


def test_a_step_of_the_spreading_factor_is_worth_2_5_db_and_half_the_band_3():
    sensitivity = receiver_named("noise-6db").sensitivity_cdbm
    assert [sensitivity[dr + 1] - sensitivity[dr] for dr in range(5)] == [250] * 5
    assert sensitivity[6] - sensitivity[5] == 301


@pytest.mark.parametrize(
    ("name", "published_dbm"),
    [
        ("sx1301", (-142.5, -140.0, -137.5, -135.0, -132.5, -130.0)),
        ("sx1272", (-137.0, -135.0, -133.0, -130.0, -127.0, -124.0)),
    ],
)
def test_listed_ones_are_as_listed(name, published_dbm):
    assert receiver_named(name).sensitivity_cdbm[:6] == tuple(round(100 * level) for level in published_dbm)


@pytest.mark.parametrize(("dr", "least_db"), [(0, -20), (1, -17.5), (2, -15), (3, -12.5), (4, -10), (5, -7.5)])
def test_what_can_just_be_read_has_the_least_ratio_to_noise(dr, least_db):
    """SX1276 DS table 13."""
    receiver = receiver_named("noise-6db")
    assert receiver.snr_db(receiver.sensitivity_cdbm[dr], dr) == least_db


def test_nothing_is_told_above_14_db():
    assert receiver_named("noise-6db").snr_db(-3_000, 5) == 14.0


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(ValueError, match="no receiver is called 'ear'; expected one of noise-6db, sx1301, sx1272"):
        receiver_named("ear")
