"""Which nodes and gateways a fault means by the names and patterns in its list of targets."""

from collections.abc import Sequence

from simulator.scenario.document import nearest
from simulator.scenario.faults import AIM_OF, RULES, Aim
from simulator.scenario.model import FaultKind, GatewaySpec, NodeSpec


class TargetError(Exception):
    """A sentence about a target that is none."""


class Targets:
    """All there is to be struck."""

    def __init__(self, gateways: Sequence[GatewaySpec], nodes: Sequence[NodeSpec]) -> None:
        self._gateways = [gateway.name for gateway in gateways]
        self._nodes = {node.name: node for node in nodes}

    def of(self, kind: FaultKind, given: Sequence[str]) -> tuple[str, ...]:
        """Names of what *given* means and *kind* can strike, gateways first. Raises TargetError."""
        rule = RULES[kind]
        if rule.aim is Aim.NOTHING:
            if given:
                raise TargetError(f"targets are for other faults: {kind.value} is the broker's; leave them out")
            return ()
        if not given:
            raise TargetError(f"{kind.value} needs targets, such as {_example(rule.aim)}")
        found = set()
        for target in given:
            names = self._of(kind, target)
            if not names:
                raise TargetError(f"targets has {target}, which means nothing that {kind.value} can strike")
            found |= set(names)
        return tuple(name for name in (*self._gateways, *self._nodes) if name in found)

    def of_aim(self, aim: Aim, mains: bool = False) -> list[str]:
        """All that can be struck by a fault of this aim; mains: only what hangs on them."""
        gateways = self._gateways if Aim.GATEWAYS in aim else []
        nodes = [
            node.name for node in self._nodes.values() if AIM_OF[node.role] in aim and not (mains and node.battery_mah)
        ]
        return [*gateways, *nodes]

    def _of(self, kind: FaultKind, target: str) -> list[str]:
        strikes = self.of_aim(RULES[kind].aim, mains=kind is FaultKind.POWER_CUT)
        if target == "all":
            return strikes
        if target == "gateways":
            return [name for name in strikes if name in self._gateways]
        if target == "nodes":
            return [name for name in strikes if name in self._nodes]
        pattern, colon, name = target.partition(":")
        if colon:
            struck = set(strikes)
            return [node for node in self._nodes_of(pattern, name) if node in struck]
        if target in strikes:
            return [target]
        if target in self._nodes or target in self._gateways:
            example = _example(RULES[kind].aim)
            raise TargetError(f"targets has {target}, which {kind.value} cannot strike; write {example}")
        raise TargetError(f"targets has {target}; {nearest(target, [*self._gateways, *self._nodes])}")

    def _nodes_of(self, pattern: str, name: str) -> list[str]:
        def value(node: NodeSpec) -> str:
            return node.role.value if pattern == "role" else str(getattr(node, pattern))

        nodes = self._nodes.values()
        found = [node.name for node in nodes if value(node) == name]
        if not found:
            known = dict.fromkeys(value(node) for node in nodes if value(node))
            raise TargetError(f"targets has {pattern}:{name}; of {pattern}s with nodes {nearest(name, known)}")
        return found


def _example(aim: Aim) -> str:
    if aim is Aim.GATEWAYS:
        return '["gateways"] or the name of one'
    return '["role:light"] or the names of lamps' if aim is Aim.LIGHT else '["zone:centre"], ["nodes"] or names'
