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
        self._acting: dict[tuple[str, str], list[Fault]] = {}  # by node and what of it is struck, in order

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
        return self._while(node, "clock", fault, lambda acting: node.drift(acting.drift_ppm if acting else None))

    def _wear(self, node: FleetNode, fault: Fault) -> End:
        dice = Stream(self._seed, f"flash/{node.name}")
        return self._while(
            node,
            "flash",
            fault,
            lambda acting: node.wear(acting.share or 0.0, dice) if acting else node.wear(0.0, None),
        )

    def _tear(self, node: FleetNode, fault: Fault) -> End:
        node.tear()
        return _nothing

    def _blind(self, node: FleetNode, fault: Fault) -> End:
        return self._while(node, "sensors", fault, lambda acting: node.sense(_sensing(acting)))

    def _while(self, node: FleetNode, what: str, fault: Fault, be: Callable[[Fault | None], None]) -> End:
        """Let it *be* so until the fault ends; of several at once the one that began last acts."""
        acting = self._acting.setdefault((node.name, what), [])
        acting.append(fault)
        be(fault)

        def end() -> None:
            acting.remove(fault)
            be(acting[-1] if acting else None)

        return end

    def _leave_to_stimuli(self, node: FleetNode, fault: Fault) -> End:
        return _nothing


def _nothing() -> None:
    pass


def _sensing(fault: Fault | None) -> Sensing:
    if fault is None:
        return Sensing.WELL
    return Sensing.DEAD if fault.kind is FaultKind.SENSOR_DEAD else Sensing.STUCK


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
