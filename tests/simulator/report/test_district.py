"""The district of a scenario: who stands where, and which radio model in words."""

import pytest

from simulator.report.district import district_of, model_of
from simulator.scenario.model import Bursts, Interference, Radio
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import shipped


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_scenario_has_its_district(name):
    scenario = load_scenario(shipped()[name])
    district = district_of(scenario, "again")
    assert [spot.name for spot in district.nodes] == [node.name for node in scenario.nodes]
    assert [spot.name for spot in district.gateways] == [gateway.name for gateway in scenario.gateways]
    assert {spot.role for spot in district.nodes} == {node.role.value for node in scenario.nodes}
    assert (district.seed, district.hours, district.replay) == (scenario.seed, scenario.hours, "again")
    assert district.model.en != district.model.fr


def test_the_model_names_all_that_decides_about_frames():
    radio = Radio(
        path_loss="suburban",
        shadowing_db=6,
        fading_db=2,
        interference=Interference.CAPTURE,
        loss_up=0.1,
        loss_down=0.2,
        bursts=Bursts(good_s=7200, bad_s=600, loss=0.9),
    )
    assert model_of(radio).en == (
        "path loss of a suburb (Hata), frozen shadowing of 6 dB, fading of 2 dB from frame to frame, "
        "capture at 6 dB (Bor et al. 2016), 10.0\u202f% of uplinks and 20.0\u202f% of downlinks lost by chance on top, "
        "links bad for 10\u00a0min after 2\u00a0h on average"
    )


def test_what_is_not_there_is_not_named():
    assert "chance" not in model_of(Radio()).en
    assert "average" not in model_of(Radio()).en
