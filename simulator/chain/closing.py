"""What air and fleet know only when all is over, told to the collector: fates at each gateway, and battery lives."""

from dataclasses import replace

from simulator.air.radio import RadioAir
from simulator.energy.currents import AIR_SENSORS, LIS3MDL, LISOCL2_D
from simulator.energy.ledger import Sensors
from simulator.fleet.fleet import Fleet
from simulator.report.collector import Collector
from simulator.scenario.model import Role, Scenario

_SENSORS = {  # a fleet's bays are watched by a magnetometer that wakes the node; a lamp's meter lives on the mains
    Role.PARKING: LIS3MDL,
    Role.AIR: AIR_SENSORS,
    Role.LIGHT: Sensors(name="none", sense_us=0, idle_ua=0),
}


def close_books(collector: Collector, scenario: Scenario, air: RadioAir, fleet: Fleet, now_us: int) -> None:
    """Tell it once, at the end of the run."""
    for gateway in scenario.gateways:
        fates = air.fates_at(gateway.name)
        collector.fates_at(gateway.name, {fate.value: count for fate, count in fates.items()})
    collector.downlink_fates({fate.value: count for fate, count in air.down_fates.items()})
    for node in scenario.nodes:
        if node.battery_mah and now_us:
            mean_ua = fleet.charge(node.name, _SENSORS[node.role]).mean_ua(now_us)
            cell = replace(LISOCL2_D, capacity_mah=node.battery_mah)
            collector.battery(node.name, cell.years(max(mean_ua, 1)))
