"""Runs of the whole chain, as its tests need them: a short street around one mast."""

import io
import json
from pathlib import Path
from typing import Any

from simulator.chain.chain import Chain
from simulator.report.report import Report
from simulator.scenario.model import GatewaySpec, NodeSpec, Radio, Role, Scenario, Site

SITE = Site(insee="92002", name="Antony", latitude_deg=48.7536, longitude_deg=2.2975)
NEAR = GatewaySpec(name="mast", x_m=0.0, y_m=0.0)
HOUR_S = 3600.0
_WATTS = 42
_PLACE = {Role.AIR: "station", Role.PARKING: "bay", Role.LIGHT: "lamp"}


def node(role: Role, number: int, **more: Any) -> NodeSpec:
    """A node some 50 to 300 m from the mast."""
    name = f"{role.value}-{number:03}"
    given = {
        "name": name,
        "role": role,
        "x_m": 50.0 + 12.0 * (number % 20),
        "y_m": 30.0,
        "place_ids": (f"92002-{_PLACE[role]}-{number:03}",),
        "watts": _WATTS if role is Role.LIGHT else 0,
        "battery_mah": 19_000 if role is Role.PARKING else 0,
        "boots_s": 3.0 * number,
    }
    return NodeSpec(**(given | more))


def nodes(air: int = 0, parking: int = 0, light: int = 0, **more: Any) -> tuple[NodeSpec, ...]:
    """So many of each role."""
    counts = ((Role.AIR, air), (Role.PARKING, parking), (Role.LIGHT, light))
    return tuple(node(role, number, **more) for role, count in counts for number in range(1, count + 1))


def scenario(hours: float = 6.0, **more: Any) -> Scenario:
    """Three air nodes, nothing lost by chance."""
    given: dict[str, Any] = {
        "file": Path("test.toml"),
        "name": "test",
        "site": SITE,
        "gateways": (NEAR,),
        "nodes": nodes(air=3),
        "radio": Radio(shadowing_db=0.0, fading_db=0.0),
        "hours": hours,
    }
    return Scenario(**(given | more))


def run(what: Scenario, **more: Any) -> tuple[Chain, Report, list[dict[str, Any]]]:
    """A run from begin to end: the chain, its report, and what the subscriber heard."""
    lines = io.StringIO()
    chain = Chain(what, replay="again", lines=lines, **more)
    chain.run(what.end_s)
    return chain, chain.finish(), [json.loads(line) for line in lines.getvalue().splitlines()]


def broken(report: Report) -> set[str]:
    return {truth.name for truth in report.truths if not truth.held}
