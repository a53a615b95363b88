"""Path losses as their authors print them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.air.path_loss import PATH_LOSSES, free_space_db, path_loss_named


@pytest.mark.parametrize(
    ("name", "distance_m", "loss_db"),
    [
        ("lorasim", 40, 127.41),  # Bor et al. 2016, section 4.1
        ("lorasim", 400, 148.21),
        ("lorasim-ln", 40, 127.41),
        ("lorasim-ln", 110.26, 148.5),  # r334: the disc whose edge is just heard
        ("flora", 400, 148.21),
        ("ns3", 1, 7.7),
        ("ns3", 1000, 120.5),  # the classic of 3GPP: 120.5 + 37.6 log(R/km)
        ("oulu", 1000, 126.95),
        ("oulu", 10_000, 150.15),
        ("everywhere", 12_345, 100.0),
    ],
)
def test_published_points(name, distance_m, loss_db):
    assert path_loss_named(name).loss_db(distance_m, 0, 0) == pytest.approx(loss_db, abs=0.01)


@pytest.mark.parametrize(
    ("name", "gateway_m", "node_m", "distance_m", "loss_db"),
    [
        # By hand from Hata 1980 at 868 MHz: log f = 2.93852, log 30 = 1.47712, a(1.5) = 0.0145.
        ("urban", 30, 1.5, 1000, 69.55 + 76.872 - 20.414 - 0.0145),
        ("urban", 30, 1.5, 5000, 125.994 + 35.225 * 0.69897),
        ("suburban", 30, 1.5, 5000, 150.616 - 9.848),
        ("open", 30, 1.5, 5000, 150.616 - 28.352),
        # a(3) = 3.8130, log 20 = 1.30103.
        ("urban", 20, 3, 1000, 69.55 + 76.872 - 17.980 - 3.813),
    ],
)
def test_hata_by_hand(name, gateway_m, node_m, distance_m, loss_db):
    assert path_loss_named(name).loss_db(distance_m, gateway_m, node_m) == pytest.approx(loss_db, abs=0.01)


def test_free_space_by_hand():
    """The wavelength of 868 MHz is 0.34538 m: 20 log (4 pi 1000 / 0.34538) = 91.22 dB."""
    assert free_space_db(1000) == pytest.approx(20 * math.log10(4 * math.pi * 1000 / 0.345383), abs=0.02)


@given(
    name=st.sampled_from(sorted(PATH_LOSSES)),
    near_m=st.floats(0, 30_000),
    more_m=st.floats(0, 30_000),
    gateway_m=st.floats(0, 300),
    node_m=st.floats(0, 30),
)
def test_further_away_is_never_louder(name, near_m, more_m, gateway_m, node_m):
    model = path_loss_named(name)
    assert model.loss_db(near_m + more_m, gateway_m, node_m) >= model.loss_db(near_m, gateway_m, node_m) - 1e-9


@pytest.mark.parametrize("name", ["urban", "suburban", "open"])
def test_a_town_is_never_better_than_free_space(name):
    for distance_m in (0, 1, 5, 20, 100, 1000):
        assert path_loss_named(name).loss_db(distance_m, 25, 2) >= free_space_db(distance_m)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(ValueError, match="no path loss is called 'paris'; expected one of urban, suburban, open"):
        path_loss_named("paris")
