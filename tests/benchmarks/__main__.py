"""`make bench`: every figure as a table, and in build/bench.json; exit 1 when a target is missed.

`python -m tests.benchmarks gateway radio` takes those alone; the file keeps what it has of the others.
"""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    almanac,
    board,
    boards,
    chain,
    energy,
    fleet,
    gateway,
    heap,
    parking,
    payloads,
    radio,
    speed,
)
from tests.benchmarks.figures import Figure

MODULES = (payloads, almanac, energy, parking, heap, speed, fleet, radio, chain, board, boards, gateway)
TARGET_FILE = Path(__file__).parents[2] / "build" / "bench.json"


def main(names: list[str]) -> int:
    """Take the figures of the modules called *names*, or all, and show them."""
    known = {module.__name__.rpartition(".")[2]: module for module in MODULES}
    if strangers := set(names) - set(known):
        print(f"no benchmark is called {', '.join(sorted(strangers))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    console = Console()
    figures: list[Figure] = []
    with console.status("") as status:
        for module in [known[name] for name in names] or MODULES:
            status.update(f"{module.__doc__}".splitlines()[0])
            figures += module.figures()
    console.print(_table(figures))
    TARGET_FILE.parent.mkdir(exist_ok=True)
    told = json.loads(TARGET_FILE.read_text()) if names and TARGET_FILE.exists() else {}
    told |= {figure.name: figure.to_json() for figure in figures}
    TARGET_FILE.write_text(json.dumps(told, indent=2) + "\n")
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
    sys.exit(main(sys.argv[1:]))
