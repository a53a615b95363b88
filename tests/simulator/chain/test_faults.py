"""Each kind of fault says what it may cost, and somebody carries it out."""

import pytest

from simulator.chain.chain import Chain
from simulator.chain.faults import _ACTS as CITY_ACTS
from simulator.chain.faults import COSTS
from simulator.chain.strokes import _ACTS as NODE_ACTS
from simulator.scenario.model import Fault, FaultKind
from tests.simulator.chain.runs import HOUR_S, scenario


def test_every_kind_has_its_cost_and_its_act():
    assert set(COSTS) == set(FaultKind)
    assert set(CITY_ACTS) | set(NODE_ACTS) == set(FaultKind)


def test_costs_are_sentences():
    assert all(cost.about.endswith(".") and cost.about[0].isupper() for cost in COSTS.values())


@pytest.mark.parametrize("kind", [FaultKind.GATEWAY_POWER_CUT, FaultKind.POWER_CUT])
def test_a_cut_that_begins_with_the_run_keeps_the_gateway_down_for_as_long(kind):
    chain = Chain(scenario(2, faults=(Fault(kind=kind, targets=("mast",), from_s=0.0, for_s=HOUR_S),)))
    ran = []
    for until_s in (1, HOUR_S - 1, HOUR_S + 1, 2 * HOUR_S):
        chain.run(until_s)
        ran.append(chain.cabinet.running)
    report = chain.finish()
    assert ran == [False, False, True, True]
    assert all(truth.held for truth in report.truths)
    assert report.readings["delivered"] > 0
