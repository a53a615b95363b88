"""The whole chain in virtual time: how fast, how large, and what repeating and asking again are worth."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.chain.chain import Chain
from simulator.scenario.model import GatewaySpec, NodeSpec, Role, Scenario
from simulator.streams import Stream
from tests.benchmarks.figures import Figure
from tests.simulator.chain.lossy_weeks import Week, outcomes
from tests.simulator.chain.runs import SITE

REPOSITORY = Path(__file__).parents[2]
_SIDE_M = 2400.0
_RING_M = ((900.0, 0.0), (636.4, 636.4), (0.0, 900.0), (-636.4, 636.4))
_GATEWAYS = (*_RING_M, *((-x_m, -y_m) for x_m, y_m in _RING_M))
_HOURS = 2.0  # for the rate
_HALF_HOUR = 0.5  # of the same morning, whatever the size: by night cars are fewer, and each takes fifty samples
_TOWNS = {100: 60, 5000: 2, 20_000: 1}  # one after another; all of a size together send as much, or more
_SETTLES_S = 30.0  # until the gateway has read its fleet
_ROLES = ((Role.AIR, "station"), (Role.PARKING, "bay"))
_HOW = (
    "one core, CPU time; warm fleet, half air and half parking nodes, a reading every 15 minutes and parking events on "
    "top, eight gateways, default radio model, real gateway, store in a file, publisher, truths and report"
)
_HOW_WEEK = "six air and six parking nodes, a week, DR5; of records taken up to six hours before the end"


def figures() -> Iterator[Figure]:
    """Uplinks a second, MB, cost per uplink against a hundred nodes; shares of records under loss."""
    told = _measure(5000, _HOURS)
    yield Figure(
        name="chain.uplinks_per_s",
        value=round(told["uplinks"] / told["seconds"]),
        unit="1/s",
        target=3000,
        more_is_better=True,
        how=f"5000 nodes, {_HOURS:g} h; {_HOW}",
    )
    yield Figure(name="chain.memory", value=round(told["mb"]), unit="MB", target=400, how="5000 nodes, RSS")
    costs = {}
    for nodes, towns in _TOWNS.items():
        told = _measure(nodes, _HALF_HOUR, towns)
        costs[nodes] = told["seconds"] / told["uplinks"]
    yield Figure(
        name="chain.cost_of_size",
        value=round(max(costs.values()) / costs[100], 2),
        unit="1",
        target=1.2,
        how="cost of an uplink, at worst, from 100 to 20,000 nodes; 1 is that of 100; the same half hour of a morning",
    )
    yield from _weeks()


def _weeks() -> Iterator[Figure]:
    """Promise 2, and the same without what keeps it."""
    weeks = [
        Week(5, bursts, repeat, resend)
        for bursts in (False, True)
        for repeat, resend in ((True, True), (False, True), (True, False), (False, False))
    ]
    found = [outcome["figures"] for outcome in outcomes(weeks, 6, 6)]
    for at, name in ((0, "loss_20"), (4, "bursts")):
        for what, metric, target in (("arrived", "settled", 0.999), ("in_the_hour", "settled_soon", 0.99)):
            whole, terse, deaf, plain = (round(each[metric], 5) for each in found[at : at + 4])
            yield Figure(
                name=f"promise_2.{name}.{what}",
                value=whole,
                unit="1",
                target=target,
                more_is_better=True,
                peer={"no_repetition": terse, "no_asking_again": deaf, "neither": plain},
                how=_HOW_WEEK,
            )


def _measure(nodes: int, hours: float, towns: int = 1) -> dict[str, float]:
    """Runs in a process of its own, because memory is never given back."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.chain", str(nodes), str(hours), str(towns)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def town(nodes: int, hours: float, seed: int = 1) -> Scenario:
    """So many nodes in a square around eight gateways."""
    dice = Stream(seed, "town")
    street = []
    for number in range(nodes):
        role, kind = _ROLES[number % len(_ROLES)]
        name = f"{role.value}-{number:05}"
        street.append(
            NodeSpec(
                name=name,
                role=role,
                x_m=dice.uniform(-_SIDE_M / 2, _SIDE_M / 2),
                y_m=dice.uniform(-_SIDE_M / 2, _SIDE_M / 2),
                place_ids=(f"92002-{kind}-{number:05}",),
                interval_s=900,
                battery_mah=19_000,
            )
        )
    masts = tuple(GatewaySpec(name=f"mast-{at}", x_m=x_m, y_m=y_m) for at, (x_m, y_m) in enumerate(_GATEWAYS))
    return Scenario(
        file=Path("town.toml"), name="town", seed=seed, site=SITE, gateways=masts, nodes=tuple(street), hours=hours
    )


def main() -> None:
    nodes, hours, towns = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    uplinks, seconds = 0, 0.0
    for seed in range(1, towns + 1):
        with tempfile.TemporaryDirectory() as folder:
            chain = Chain(town(nodes, hours, seed), database=Path(folder) / "gateway.sqlite")
            chain.run(_SETTLES_S)
            before = sum(chain.collector.series.sent)
            began = time.process_time()
            chain.run(chain.scenario.end_s)
            seconds += time.process_time() - began
            report: Any = chain.finish()
        assert not report.failures, report.failures
        uplinks += report.uplinks["sent"] - before
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"uplinks": uplinks, "seconds": seconds, "mb": mb}, sys.stdout)


if __name__ == "__main__":
    main()
