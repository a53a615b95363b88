"""Weeks of lossy radio, as promise 2 of the design has them: the test and the benchmark run the same."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.chain.chain import Chain
from simulator.report.report import Report
from simulator.scenario.model import Bursts, Fault, FaultKind, Radio, Role, Scenario
from tests.simulator.chain.runs import HOUR_S, node, scenario

REPOSITORY = Path(__file__).parents[3]
DAYS = 7
LOSS = 0.2
BURSTS = Bursts(good_s=20 * HOUR_S, bad_s=2 * HOUR_S, loss=1.0)
OUTAGE = Fault(kind=FaultKind.JAMMING, targets=("mast",), from_s=50 * HOUR_S, for_s=6 * HOUR_S)
_DRIFT_PPM = 30_000  # sleep clocks: half of the nodes as fast as they may be, the others as slow
_HEARTBEAT_S = 3600


@dataclass(frozen=True)
class Week:
    """dr: a data rate that all keep; None: ADR. bursts: Gilbert-Elliott and one outage; else independent loss."""

    dr: int | None
    bursts: bool
    repeat: bool = True
    resend: bool = True

    @property
    def name(self) -> str:
        rate = "ADR" if self.dr is None else f"DR{self.dr}"
        return f"{rate}, {'bursts of two hours and an outage of six' if self.bursts else '20 % lost both ways'}"


WEEKS = tuple(Week(dr, bursts) for bursts in (False, True) for dr in (0, 3, 5, None))


def scenario_of(week: Week, air: int, parking: int, days: float = DAYS) -> Scenario:
    """Nodes near enough for any data rate: what is lost is lost by chance."""
    street = []
    for role, count in ((Role.AIR, air), (Role.PARKING, parking)):
        for number in range(1, count + 1):
            ppm = _DRIFT_PPM if number % 2 else -_DRIFT_PPM
            interval_s = 900 if role is Role.AIR else _HEARTBEAT_S
            street.append(node(role, number, sleep_ppm=ppm, interval_s=interval_s))
    radio = Radio(
        shadowing_db=0.0,
        fading_db=0.0,
        dr=week.dr,
        loss_up=0.0 if week.bursts else LOSS,
        loss_down=0.0 if week.bursts else LOSS,
        bursts=BURSTS if week.bursts else None,
        repeat=week.repeat,
        resend=week.resend,
    )
    faults = (OUTAGE,) if week.bursts else ()
    return scenario(24.0 * days, nodes=tuple(street), radio=radio, faults=faults)


def run_week(week: Week, air: int, parking: int, days: float = DAYS) -> tuple[Chain, Report]:
    chain = Chain(scenario_of(week, air, parking, days), replay="again")
    chain.run(chain.scenario.end_s)
    return chain, chain.finish()


def main() -> None:
    """Run the weeks that stdin asks for, and write their figures to stdout: a process without the net of the tests."""
    asked = json.load(sys.stdin)
    counts = asked["air"], asked["parking"], asked["days"]
    json.dump([outcome_of(Week(**week), *counts) for week in asked["weeks"]], sys.stdout)


def outcome_of(week: Week, air: int, parking: int, days: float = DAYS) -> dict[str, Any]:
    chain, report = run_week(week, air, parking, days)
    return {
        "broken": [f"{truth.name}: {truth.event}" for truth in report.truths if not truth.held],
        "figures": report.figures,
        "heard": report.uplinks["received"] / report.uplinks["sent"],
        "events": chain.witness.records.taken[1],
    }


def outcomes(weeks: Sequence[Week], air: int, parking: int, days: float = DAYS) -> list[dict[str, Any]]:
    """What became of each week, run in a process of their own."""
    asked = {"weeks": [asdict(week) for week in weeks], "air": air, "parking": parking, "days": days}
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulator.chain.lossy_weeks"],
        cwd=REPOSITORY,
        input=json.dumps(asked),
        check=True,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
