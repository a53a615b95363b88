"""The default datasets, and which doors they leave by."""

from dataclasses import replace

import pytest

from gateway.governance.dataset import Sharing, may_leave
from gateway.governance.defaults import datasets_of

OPEN = {"parking", "air"}


def test_bays_and_air_are_open_and_everything_else_stays_in_the_town():
    datasets = datasets_of("Ville d’Antony")
    assert datasets.keys() == OPEN | {"light", "energy", "foreign", "orders", "devices", "gateway", "unplaced"}
    assert {name for name, dataset in datasets.items() if may_leave(dataset, Sharing.OPEN)} == OPEN
    assert {name for name, dataset in datasets.items() if may_leave(dataset, Sharing.PARTNERS)} == OPEN
    assert all(may_leave(dataset, Sharing.INTERNAL) for dataset in datasets.values())
    assert all(name == dataset.name and dataset.owner == "Ville d’Antony" for name, dataset in datasets.items())
    assert {name for name, dataset in datasets.items() if dataset.licence == "etalab-2.0"} == OPEN


@pytest.mark.parametrize("sharing", Sharing)
def test_an_operator_may_close_or_share_a_dataset(sharing):
    parking = replace(datasets_of("town")["parking"], sharing=sharing, licence="odbl-1.0")
    datasets = datasets_of("town", changed=[parking])
    assert datasets["parking"] == parking
    assert may_leave(datasets["parking"], Sharing.PARTNERS) == (sharing <= Sharing.PARTNERS)
    assert datasets["air"].sharing is Sharing.OPEN
