"""The street that runs when no scenario is named: air nodes about a gateway, on an air that loses by chance alone.

It loses until the last quarter of the run, or the last three hours: then all that the nodes still have must arrive.
"""

from pathlib import Path

from simulator.scenario.model import (
    Expectation,
    GatewaySpec,
    NodeSpec,
    Operator,
    Radio,
    Role,
    Scenario,
    Site,
    Street,
)

_INSEE = "92002"
_APART_M = 35.0  # between two nodes
_IN_A_ROW = 20
_QUIET_S = 3 * 3600.0


def quick_street(seed: int, nodes: int, hours: float, loss: float) -> Scenario:
    """*nodes* air nodes that join first; *loss* is the share of frames lost by chance, both ways."""
    rows = -(-nodes // _IN_A_ROW)
    wide = _APART_M * (min(nodes, _IN_A_ROW) - 1)
    return Scenario(
        file=Path("quick"),
        name="A quick street",
        seed=seed,
        hours=hours,
        warm=False,
        final_quiet_s=min(hours * 3600 / 4, _QUIET_S),
        site=Site(insee=_INSEE, name="Antony", latitude_deg=48.7536, longitude_deg=2.2975),
        radio=Radio(shadowing_db=0.0, fading_db=0.0, loss_up=loss, loss_down=loss),
        gateways=(GatewaySpec(name="gateway", x_m=0.0, y_m=_APART_M),),
        streets=tuple(
            Street(
                name=f"street-{row + 1}", zone="", points=((-wide / 2, -_APART_M * row), (wide / 2, -_APART_M * row))
            )
            for row in range(rows)
        ),
        nodes=tuple(_node(number, wide, nodes) for number in range(nodes)),
        expectations=(Expectation(metric="delivered", operator=Operator.AT_LEAST, value=0.99),),
    )


def _node(number: int, wide: float, nodes: int) -> NodeSpec:
    row, place = divmod(number, _IN_A_ROW)
    return NodeSpec(
        name=f"air-{number + 1:02}",
        role=Role.AIR,
        x_m=place * _APART_M - wide / 2,
        y_m=-_APART_M * row,
        street=f"street-{row + 1}",
        place_ids=(f"{_INSEE}-station-{number + 1:02}",),
        boots_s=60.0 * number / nodes,
    )
