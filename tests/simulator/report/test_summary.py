"""The summary in sentences, in both languages."""

import io

from rich.console import Console

from simulator.report.report import Expectation, Report, Truth
from simulator.report.summary import summary


def shown(report: Report, language: str = "en") -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    console.print(summary(report, language))
    return console.file.getvalue().splitlines()


def report(**changes) -> Report:
    values = {
        "seed": 1,
        "hours": 24.0,
        "nodes": 10,
        "uplinks": {"sent": 2000, "received": 1500},
        "readings": {"taken": 100, "delivered": 90},
        "events": {"taken": 3, "delivered": 3},
        "latency_s": {"p50": 2.4, "p90": 3.0, "p99": 900.0, "max": 950.0},
        "lost": {"chance": 490, "collision": 10, "jamming": 0},
        "refused": {"replayed": 4},
        "airtime_s": 72.4,
        "truths": [
            Truth("no node's firmware fell over", True),
            Truth("the moon is cheese", False, "day 0 a: eaten"),
        ],
        "expectations": [
            Expectation("delivered >= 0.99", 0.9, False),
            Expectation("battery_p10_years >= 5", None, False),
        ],
        "digest": "abc",
    }
    return Report(**(values | changes))


def test_it_says_what_arrived_and_what_held():
    assert shown(report()) == [
        "90 of 100 readings delivered (90.0\u202f%)",
        "3 of 3 events delivered (100\u202f%)",
        "half of the readings came within 2.4\u00a0s, 99 of 100 within 15\u00a0min",
        "1,500 of 2,000 frames received (75.0\u202f%); lost: 490 (chance), 10 (collision); refused: 4 (replayed)",
        "72.4\u00a0s on the air in 24 h by 10 nodes",
        "✓ no node's firmware fell over",
        "✗ the moon is cheese",
        "  day 0 a: eaten",
        "✗ records delivered ≥ 99\u202f% (it is 90\u202f%)",
        "✗ battery life one in ten misses ≥ 5\u00a0years (nothing to measure)",
        "digest abc",
    ]


def test_in_french_too():
    lines = shown(report(), "fr")
    assert lines[0] == "90 relevés livrés sur 100 (90,0\u202f%)"
    assert lines[5] == "✓ aucun logiciel de nœud n’est tombé"
    assert lines[8] == "✗ relevés livrés ≥ 99\u202f% (c’est 90\u202f%)"


def test_what_was_not_there_is_not_told():
    lines = shown(report(events={}, latency_s={}, lost={"chance": 0}, refused={}, expectations=[]))
    assert lines[1] == "1,500 of 2,000 frames received (75.0\u202f%)"


def test_expectations_of_a_run_that_was_stopped_are_not_judged():
    lines = shown(report(complete=False, latency_s={}))
    assert not any("99" in line for line in lines)
    assert "stopped before its end: what was expected of the whole is not judged" in lines
