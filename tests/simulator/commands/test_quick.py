"""The street that runs when no scenario is named."""

import pytest

from simulator.commands.quick import quick_street


@pytest.mark.parametrize("nodes", [1, 20, 21, 100])
def test_nodes_stand_apart_along_its_streets(nodes):
    street = quick_street(1, nodes, 24, 0.1)
    assert len({(node.x_m, node.y_m) for node in street.nodes}) == nodes
    assert len({node.name for node in street.nodes}) == len({node.place_ids for node in street.nodes}) == nodes
    assert {node.street for node in street.nodes} == {each.name for each in street.streets}
    assert max(abs(node.y_m) for node in street.nodes) < 1000


@pytest.mark.parametrize(("hours", "quiet_s"), [(1, 900), (4, 3600), (24, 10_800)])
def test_it_loses_until_its_last_quarter(hours, quiet_s):
    street = quick_street(1, 2, hours, 0.3)
    assert (street.radio.loss_up, street.radio.loss_down) == (0.3, 0.3)
    assert street.final_quiet_s == quiet_s
    assert street.faults == ()
