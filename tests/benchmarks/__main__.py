"""`make bench`: every figure as a table, and in build/bench.json; exit 1 when a target is missed."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import almanac, boards, chain, energy, fleet, gateway, heap, parking, payloads, radio, speed
from tests.benchmarks.figures import Figure

TARGET_FILE = Path(__file__).parents[2] / "build" / "bench.json"


def main() -> int:
    """Take all figures and show them."""
    console = Console()
    figures: list[Figure] = []
    with console.status("") as status:
        for module in (payloads, almanac, energy, parking, heap, speed, fleet, radio, chain, boards, gateway):
            status.update(f"{module.__doc__}".splitlines()[0])
            figures += module.figures()
    console.print(_table(figures))
    TARGET_FILE.parent.mkdir(exist_ok=True)
    TARGET_FILE.write_text(json.dumps({figure.name: figure.to_json() for figure in figures}, indent=2) + "\n")
    missed = [figure.name for figure in figures if figure.met is False]
    if missed:
        print(f"targets missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _table(figures: list[Figure]) -> Table:
    table = Table()
    table.add_column("Figure", no_wrap=True)
    table.add_column("Value", justify="right", no_wrap=True)
    table.add_column("Target", justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("Elsewhere")
    for figure in figures:
        sign = "≥" if figure.more_is_better else "≤"
        table.add_row(
            figure.name,
            f"{figure.value:g} {figure.unit}",
            "" if figure.target is None else f"{sign} {figure.target:g}",
            {True: "[green]✓[/]", False: "[red]✗[/]", None: ""}[figure.met],
            ", ".join(f"{name} {value:g}" for name, value in figure.peer.items()),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
