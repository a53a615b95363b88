"""`lampyre simulate`: run a virtual fleet through the whole chain."""

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from simulator.bay.trial import streets, total
from simulator.bay.trial import weeks as run_weeks
from simulator.bay.view import accuracy_table
from simulator.commands import light
from simulator.commands.files import mount
from simulator.commands.options import Language
from simulator.commands.outputs import Outputs
from simulator.commands.quick import quick_street
from simulator.commands.running import Order, command, leave, spoken
from simulator.commands.running import run as run_order
from simulator.energy.currents import BOARDS, LISOCL2_D, board_named
from simulator.energy.view import air_table, parking_table
from simulator.scenario.document import ScenarioError
from simulator.scenario.model import Scenario
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import scenario_path, shipped

app = typer.Typer(
    help="A fleet on the laptop: the whole chain without hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_NODES, _LOSS = 10, 0.1  # of the quick street


@app.callback()
def _group() -> None:
    pass


mount(app)
light.mount(app)


@app.command()
def run(
    scenario: Annotated[
        str | None,
        typer.Argument(help="A TOML file, or the name of one that comes with Lampyre; none: a quick street."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same city; else the file's.", min=0)] = None,
    hours: Annotated[float | None, typer.Option(help="Virtual hours; else the file's.", min=0.1, max=8784)] = None,
    nodes: Annotated[int | None, typer.Option(help=f"Of a quick street, else {_NODES}.", min=1, max=5000)] = None,
    loss: Annotated[
        float | None,
        typer.Option(help=f"Share of frames that a quick street loses by chance, else {_LOSS}.", min=0, max=1),
    ] = None,
    lasts: Annotated[
        float, typer.Option(help="Spread the run over so many real seconds, to watch.", min=0, max=86400)
    ] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the report here, as JSON.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write truths and expectations here, as JUnit XML.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to read here.")] = None,
    readings: Annotated[Path | None, typer.Option(help="Write what is published here, as JSON lines.")] = None,
    database: Annotated[Path | None, typer.Option(help="Keep the gateway's database here; must not exist.")] = None,
    firmware: Annotated[
        Path | None, typer.Option(help="Files of a board's flash: a board of each role runs them, beside the nodes.")
    ] = None,
    lang: Annotated[Language | None, typer.Option(help="Of picture, summary and page.")] = None,
) -> None:
    """Run a scenario, or a quick street of air nodes: nodes, radio, gateway and broker in virtual time."""
    outputs = Outputs(json=json, junit=junit, html=html, readings=readings, database=database)
    outputs.check()
    if scenario is None:
        chosen, replay = _street(seed, nodes, hours, loss)
    else:
        if nodes is not None or loss is not None:
            raise typer.BadParameter("--nodes and --loss are of the quick street; a scenario says its own")
        chosen, replay = _read(scenario, seed, hours)
    language = lang.value if lang else spoken()
    order = Order(
        scenario=chosen,
        replay=replay if firmware is None else f"{replay} {command('--firmware', str(firmware))}",
        outputs=outputs,
        language=language,
        lasts_s=lasts,
        boards=firmware is not None,
        firmware=firmware,
    )
    leave(run_order(order))


def _street(seed: int | None, nodes: int | None, hours: float | None, loss: float | None) -> tuple[Scenario, str]:
    seed, hours = 1 if seed is None else seed, 24.0 if hours is None else hours
    nodes, loss = _NODES if nodes is None else nodes, _LOSS if loss is None else loss
    words = ["--seed", str(seed), "--nodes", str(nodes), "--hours", f"{hours:g}", "--loss", f"{loss:g}"]
    return quick_street(seed, nodes, hours, loss), command("lampyre", "simulate", "run", *words)


def _read(name: str, seed: int | None, hours: float | None) -> tuple[Scenario, str]:
    """The scenario, and the command that repeats it with its seed said."""
    try:
        found = load_scenario(scenario_path(name), seed=seed, hours=hours)
    except ScenarioError as error:
        typer.echo(str(error), err=True)
        typer.echo(f"{len(error.faults)} to mend; there are also {', '.join(shipped())}", err=True)
        raise typer.Exit(1) from None
    words = [name, "--seed", str(found.seed), *(() if hours is None else ("--hours", f"{hours:g}"))]
    return found, command("lampyre", "simulate", "run", *words)


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
