"""What strikes single nodes: power, clocks, flash and sensors, by the faults of a scenario."""

from collections.abc import Callable

from simulator.fleet.fleet import Fleet
from simulator.fleet.hardware import Sensing
from simulator.fleet.node import FleetNode
from simulator.scenario.model import Fault, FaultKind, Role
from simulator.streams import Stream

End = Callable[[], None]


class Strokes:
    """Implements `simulator.chain.faults.Street`. What befalls lamps and their mains the stimuli know of themselves."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self._fleet = fleet
        self._seed = seed

    def strike(self, fault: Fault, name: str) -> End:
        """It befalls the node of this name."""
        node = self._fleet.nodes[name]
        return _ACTS[fault.kind](self, node, fault)

    def _cut(self, node: FleetNode, fault: Fault) -> End:
        """The mains is away; whoever lives on a cell does not notice, and lamps hear of it by their mains."""
        spec = node.kit.spec
        if spec.battery_mah or spec.role is Role.LIGHT:
            return _nothing
        return self._silence(node, fault)

    def _silence(self, node: FleetNode, fault: Fault) -> End:
        node.lose_power()
        return node.regain_power

    def _reboot(self, node: FleetNode, fault: Fault) -> End:
        node.brown_out()
        return _nothing

    def _empty(self, node: FleetNode, fault: Fault) -> End:
        node.lose_power()
        return _nothing

    def _drift(self, node: FleetNode, fault: Fault) -> End:
        node.drift(fault.drift_ppm)
        return lambda: node.drift(None)

    def _wear(self, node: FleetNode, fault: Fault) -> End:
        node.wear(fault.share or 0.0, Stream(self._seed, f"flash/{node.name}"))
        return lambda: node.wear(0.0, None)

    def _tear(self, node: FleetNode, fault: Fault) -> End:
        node.tear()
        return _nothing

    def _blind(self, node: FleetNode, fault: Fault) -> End:
        node.sense(Sensing.DEAD if fault.kind is FaultKind.SENSOR_DEAD else Sensing.STUCK)
        return lambda: node.sense(Sensing.WELL)

    def _leave_to_stimuli(self, node: FleetNode, fault: Fault) -> End:
        return _nothing


def _nothing() -> None:
    pass


_ACTS: dict[FaultKind, Callable[[Strokes, FleetNode, Fault], End]] = {
    FaultKind.POWER_CUT: Strokes._cut,
    FaultKind.NODE_REBOOT: Strokes._reboot,
    FaultKind.NODE_DEAD: Strokes._silence,
    FaultKind.BATTERY_EMPTY: Strokes._empty,
    FaultKind.CLOCK_DRIFT: Strokes._drift,
    FaultKind.FLASH_WORN: Strokes._wear,
    FaultKind.FLASH_TORN: Strokes._tear,
    FaultKind.SENSOR_DEAD: Strokes._blind,
    FaultKind.SENSOR_STUCK: Strokes._blind,
    FaultKind.LAMP_FAILED: Strokes._leave_to_stimuli,
    FaultKind.LAMP_BURNS: Strokes._leave_to_stimuli,
}
