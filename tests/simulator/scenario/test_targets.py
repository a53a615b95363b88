"""What a fault's targets mean."""

import pytest

from simulator.scenario.faults import RULES, Aim
from simulator.scenario.model import FaultKind
from simulator.scenario.targets import Targets
from tests.simulator.scenario.towns import WHOLE, read

EXTRA = """
[[feeders]]
name = "cabinet"
[[nodes]]
role = "light"
name = "lamp"
at = [[0, 0], [9, 9]]
zone = "centre"
feeder = "cabinet"
"""
SCENARIO = read(WHOLE + EXTRA)
TARGETS = Targets(SCENARIO.gateways, SCENARIO.nodes)
BAYS = ("parking-rue-001", "parking-rue-002", "parking-rue-003", "parking-rue-004")
LAMPS = ("light-rue-001", "light-rue-002", "light-rue-003")


@pytest.mark.parametrize(
    ("kind", "given", "means"),
    [
        (FaultKind.LOSS, ["all"], ("mairie", *BAYS, *LAMPS, "air-001", "lamp-001", "lamp-002")),
        (FaultKind.LOSS, ["nodes"], (*BAYS, *LAMPS, "air-001", "lamp-001", "lamp-002")),
        (FaultKind.LOSS, ["gateways", "air-001"], ("mairie", "air-001")),
        (FaultKind.LOSS, ["air-001", "mairie", "air-001"], ("mairie", "air-001")),
        (FaultKind.LOSS, ["zone:centre"], (*BAYS, *LAMPS, "lamp-001", "lamp-002")),
        (FaultKind.LOSS, ["street:rue"], (*BAYS, *LAMPS)),
        (FaultKind.LOSS, ["group:rue"], LAMPS),
        (FaultKind.LOSS, ["role:parking"], BAYS),
        (FaultKind.LOSS, ["feeder:cabinet"], ("lamp-001", "lamp-002")),
        (FaultKind.LAMP_FAILED, ["zone:centre"], (*LAMPS, "lamp-001", "lamp-002")),
        (FaultKind.LAMP_BURNS, ["nodes"], (*LAMPS, "lamp-001", "lamp-002")),
        (FaultKind.JAMMING, ["all"], ("mairie",)),
        (FaultKind.POWER_CUT, ["street:rue"], LAMPS),
        (FaultKind.BROKER_AWAY, [], ()),
    ],
)
def test_patterns_mean_what_the_fault_can_strike_in_the_order_of_the_file(kind, given, means):
    assert TARGETS.of(kind, given) == means


def test_every_kind_has_a_rule_and_a_rule_that_needs_something_can_be_given_it():
    assert list(RULES) == list(FaultKind)
    assert all(rule.about for rule in RULES.values())
    assert {kind.value for kind, rule in RULES.items() if rule.aim is Aim.NOTHING} == {
        "broker_away",
        "broker_restart",
        "duplicates",
    }
