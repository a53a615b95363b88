"""Runs of the whole chain, as its tests need them."""

import io
import json
from typing import Any

from simulator.chain import Chain, Settings
from simulator.report.report import Report


def run(**settings: Any) -> tuple[Chain, Report, list[dict[str, Any]]]:
    """A run from begin to end: the chain, its report, and what was published."""
    lines = io.StringIO()
    chain = Chain(Settings(**settings), lines)
    chain.run(chain.settings.hours * 3600)
    return chain, chain.finish(), [json.loads(line) for line in lines.getvalue().splitlines()]


def readings_of(published: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in published if message["kind"] == "reading"]


def broken_truths(report: Report) -> set[str]:
    return {truth.name for truth in report.truths if not truth.held}
