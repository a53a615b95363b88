"""`lampyre simulate`: run a virtual fleet through the whole chain."""

import json
import os
import time
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import apsw
import typer
from rich.console import Console
from rich.live import Live
from rich.progress import Progress

from simulator.bay.trial import streets, total
from simulator.bay.trial import weeks as run_weeks
from simulator.bay.view import accuracy_table
from simulator.chain import Chain, Settings
from simulator.energy.currents import BOARDS, LISOCL2_D, board_named
from simulator.energy.view import air_table, parking_table
from simulator.report.report import Report
from simulator.report.view import live_table, summary
from simulator.scenario.cli import mount as mount_scenario

app = typer.Typer(
    help="A fleet on the laptop: the whole chain without hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_STEP_S = 300  # virtual time between two looks at the clock


@app.callback()
def _group() -> None:
    pass


mount_scenario(app)


@app.command()
def run(
    seed: Annotated[int, typer.Option(help="The same seed gives the same city.", min=0)] = 1,
    nodes: Annotated[int, typer.Option(help="How many air nodes.", min=1, max=5000)] = 10,
    hours: Annotated[int, typer.Option(help="Virtual hours.", min=1, max=8784)] = 24,
    loss: Annotated[float, typer.Option(help="Share of frames lost by chance, 0 to 1.", min=0, max=1)] = 0.1,
    lasts: Annotated[
        float, typer.Option(help="Spread the run over so many real seconds, to watch.", min=0, max=86400)
    ] = 0,
    readings: Annotated[Path | None, typer.Option(help="Write what is published here, as JSON lines.")] = None,
    database: Annotated[Path | None, typer.Option(help="Keep the gateway's database here; must not exist.")] = None,
    json_report: Annotated[Path | None, typer.Option("--json", help="Write the report here, as JSON.")] = None,
) -> None:
    """Run a district of air nodes, its radio and a gateway in virtual time, and say what arrived."""
    console = Console()
    files = [path for path in (readings, database, json_report) if path]
    if len(set(files)) < len(files):
        raise typer.BadParameter("--readings, --database and --json need files of their own")
    if database and database.exists():
        raise typer.BadParameter(f"{database} exists; name a file that does not", param_hint="--database")
    for path in files:
        if not path.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {path.parent} for {path.name}")
    settings = Settings(seed=seed, nodes=nodes, hours=hours, loss=loss, database=database or ":memory:")
    try:
        with (readings or Path(os.devnull)).open("w", encoding="utf-8") as lines:
            report = _watch(Chain(settings, lines), lasts, console)
        if json_report:
            json_report.write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
    except (OSError, apsw.Error) as error:
        typer.echo(f"cannot write: {error}", err=True)
        raise typer.Exit(1) from None
    console.print(summary(report))
    for path in files:
        typer.echo(f"written: {path}", err=True)
    if report.failures:
        typer.echo(
            f"did not hold: {'; '.join(report.failures)}\nrepeat it with: "
            f"lampyre simulate run --seed {seed} --nodes {nodes} --hours {hours} --loss {loss}",
            err=True,
        )
        raise typer.Exit(1)


class _Role(Enum):
    PARKING = "parking"
    AIR = "air"


@app.command()
def energy(
    role: Annotated[_Role, typer.Option(help="Of the node.")] = _Role.PARKING,
    board: Annotated[str, typer.Option(help=f"One of {', '.join(board.name for board in BOARDS)}.")] = BOARDS[0].name,
    capacity_ah: Annotated[float, typer.Option(help="Of a parking node's cell.", min=0.1, max=1000)] = 19,
) -> None:
    """Reckon how long a parking node's cell lasts, or what an air node has to be fed with, from a virtual day."""
    try:
        chosen = board_named(board)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--board") from None
    cell = replace(LISOCL2_D, capacity_mah=int(capacity_ah * 1000))
    Console().print(parking_table(chosen, cell) if role is _Role.PARKING else air_table(chosen))


@app.command()
def parking(
    weeks: Annotated[int, typer.Option(help="How many bays, a week each, at each noise.", min=1, max=1000)] = 10,
    seed: Annotated[int, typer.Option(help="Of the first bay.", min=0)] = 2001,
) -> None:
    """Let parking nodes watch modelled bays, and count the arrivals and departures they tell right, by noise."""
    console = Console()
    results = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("bay-weeks", total=weeks * len(streets()))
        for street in streets():
            scores = list(progress.track(run_weeks(range(seed, seed + weeks), street), task_id=task))
            results.append((street, total(scores)))
    console.print(accuracy_table(results))


def _watch(chain: Chain, lasts_s: float, console: Console) -> Report:
    """Run to the end, showing the table on a terminal; *lasts_s* real seconds or as fast as it goes."""
    end_s = chain.settings.hours * 3600
    began = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=not console.is_terminal) as live:
        shown = 0.0
        for until_s in range(_STEP_S, end_s + 1, _STEP_S):
            chain.run(until_s)
            time.sleep(max(0.0, began + lasts_s * until_s / end_s - time.monotonic()))
            if console.is_terminal and time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                live.update(live_table(chain, console.height), refresh=True)
        live.update(live_table(chain, console.height), refresh=True)
    return chain.finish()
