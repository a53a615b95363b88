"""Faults of one kind that overlap at a node: each lasts as long as the scenario says."""

from simulator.chain.chain import Chain
from simulator.fleet.hardware import Sensing
from simulator.scenario.model import Fault, FaultKind
from tests.simulator.chain.runs import HOUR_S, scenario


def fault(kind: FaultKind, from_h: float, until_h: float, **more: float) -> Fault:
    return Fault(kind=kind, targets=("air-001",), from_s=from_h * HOUR_S, for_s=(until_h - from_h) * HOUR_S, **more)


def seen(faults, look):
    """What *look* says of the node in the middle of each half hour."""
    chain = Chain(scenario(3, faults=tuple(faults)))
    node = chain.fleet.nodes["air-001"]
    found = []
    for half in range(6):
        chain.run((half + 0.5) * HOUR_S / 2)
        found.append(look(node))
    chain.finish()
    return found


def test_a_sensor_is_as_the_fault_that_began_last_until_each_has_ended():
    dead, stuck, well = Sensing.DEAD, Sensing.STUCK, Sensing.WELL
    ends_first = [fault(FaultKind.SENSOR_DEAD, 0.5, 1.5), fault(FaultKind.SENSOR_STUCK, 1, 2)]
    assert seen(ends_first, lambda node: node.hardware.sensing) == [well, dead, stuck, stuck, well, well]
    within = [fault(FaultKind.SENSOR_DEAD, 0.5, 2.5), fault(FaultKind.SENSOR_STUCK, 1, 1.5)]
    assert seen(within, lambda node: node.hardware.sensing) == [well, dead, stuck, dead, dead, well]


def test_a_flash_is_worn_until_the_last_of_two_faults_has_ended():
    worn = [fault(FaultKind.FLASH_WORN, 0.5, 1.5, share=0.5), fault(FaultKind.FLASH_WORN, 1, 2, share=0.1)]
    refuses = seen(worn, lambda node: node.hardware.files.refuses is not None)
    assert refuses == [False, True, True, True, False, False]


def test_a_clock_drifts_until_the_last_of_two_faults_has_ended():
    drifts = [
        fault(FaultKind.CLOCK_DRIFT, 0.5, 2.5, drift_ppm=-30_000),
        fault(FaultKind.CLOCK_DRIFT, 1, 1.5, drift_ppm=20_000),
    ]
    ppm = seen(drifts, lambda node: node._sleep_ppm)
    usual = ppm[0]
    assert ppm == [usual, -30_000, 20_000, -30_000, -30_000, usual]
