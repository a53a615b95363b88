"""Each kind of fault says what it may cost, and somebody carries it out."""

from simulator.chain.faults import _ACTS as CITY_ACTS
from simulator.chain.faults import COSTS
from simulator.chain.strokes import _ACTS as NODE_ACTS
from simulator.scenario.model import FaultKind


def test_every_kind_has_its_cost_and_its_act():
    assert set(COSTS) == set(FaultKind)
    assert set(CITY_ACTS) | set(NODE_ACTS) == set(FaultKind)


def test_costs_are_sentences():
    assert all(cost.about.endswith(".") and cost.about[0].isupper() for cost in COSTS.values())
