"""`lampyre simulate new` and `check`: begin a scenario, and see what one holds before it runs."""

import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from simulator.scenario.document import ScenarioError
from simulator.scenario.model import Role, Scenario
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import scenario_path, shipped, template_text

Given = Annotated[
    str, typer.Argument(help="A TOML file, or the name of one that comes with Lampyre.", metavar="SCENARIO")
]
Seed = Annotated[int | None, typer.Option(help="Instead of the file's.", min=0)]


def mount(app: typer.Typer) -> None:
    """Add the two commands to *app*."""
    app.command()(new)
    app.command()(check)


def new(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist.")],
    like: Annotated[
        str | None, typer.Option(help="Copy one that comes with Lampyre, with the series it names.", metavar="NAME")
    ] = None,
) -> None:
    """Write a scenario to begin with: every key is in it, explained."""
    if file.exists():
        raise typer.BadParameter(f"{file} exists; name a file that does not", param_hint="FILE")
    if not file.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {file.parent} for {file.name}", param_hint="FILE")
    if like is None:
        text, series = template_text(), []
    elif like in shipped():
        text, series = shipped()[like].read_text(encoding="utf-8"), _series(shipped()[like])
    else:
        raise typer.BadParameter(f"there is no {like!r}; there are {', '.join(shipped())}", param_hint="--like")
    there = [path.name for path in series if (file.parent / path.name).exists()]
    if there:
        raise typer.BadParameter(f"{', '.join(there)} in {file.parent} would be overwritten", param_hint="FILE")
    try:
        file.write_text(text, encoding="utf-8")
        for path in series:
            shutil.copyfile(path, file.parent / path.name)
    except OSError as error:
        typer.echo(f"cannot write: {error}", err=True)
        raise typer.Exit(1) from None
    for path in (file, *(file.parent / path.name for path in series)):
        typer.echo(f"written: {path}", err=True)
    typer.echo(f"what it holds: lampyre simulate check {file}\nrun it: lampyre simulate run {file}", err=True)


def check(scenario: Given, seed: Seed = None) -> None:
    """Read a scenario and say what it holds; each mistake with its line and what to write instead."""
    try:
        found = load_scenario(scenario_path(scenario), seed=seed)
    except ScenarioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    console = Console()
    console.print(contents(found))


def contents(scenario: Scenario) -> Table:
    """What a scenario holds, a line for each thing."""
    table = Table(title=scenario.name, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for heading, text in _lines(scenario):
        table.add_row(heading, text)
    return table


def _lines(scenario: Scenario) -> list[tuple[str, str]]:
    site, radio = scenario.site, scenario.radio
    begin = datetime.fromtimestamp(scenario.start_s, UTC).astimezone(ZoneInfo(site.time_zone))
    lines = [
        ("site", f"{site.name} ({site.insee})"),
        ("time", f"{begin:%Y-%m-%d %H:%M} {site.time_zone}, {scenario.hours:g} h, seed {scenario.seed}"),
        ("nodes", _nodes(scenario)),
        ("gateways", ", ".join(f"{gateway.name} ({gateway.kind.value})" for gateway in scenario.gateways)),
        ("radio", f"plan {radio.plan}, path loss {radio.path_loss}, interference {radio.interference.value}"),
    ]
    lines += [("zone", f"{zone.label}: {_nodes(scenario, zone.name)}") for zone in scenario.zones]
    lines += [
        ("replayed", f"{stimulus.replay.file.name} by {stimulus.role.value}")
        for stimulus in scenario.stimuli
        if stimulus.replay
    ]
    lines += [("replayed", f"{capture.file.name} at {capture.gateway}") for capture in scenario.captures]
    lines += [("fault", text) for text in _faults(scenario)]
    if scenario.attacker:
        lines.append(("attacker", ", ".join(attack.kind.value for attack in scenario.attacker.attacks)))
    lines += [("expected", expectation.text) for expectation in scenario.expectations]
    return lines


def _nodes(scenario: Scenario, zone: str | None = None) -> str:
    counts = Counter(node.role for node in scenario.nodes if zone is None or node.zone == zone)
    return ", ".join(f"{counts[role]} {role.value}" for role in Role if counts[role]) or "none"


def _faults(scenario: Scenario) -> list[str]:
    """Each fault written by hand, and those drawn by their kind."""
    told = []
    for fault in scenario.faults:
        if not fault.drawn:
            targets = (
                f" of {len(fault.targets)}" if len(fault.targets) > 1 else "".join(f" of {t}" for t in fault.targets)
            )
            lasting = f" for {fault.for_s / 3600:.2f} h" if fault.for_s else ""
            told.append(f"{fault.kind.value}{targets} after {fault.from_s / 3600:.2f} h{lasting}")
    drawn = Counter(fault.kind.value for fault in scenario.faults if fault.drawn)
    told += [f"{'once' if count == 1 else f'{count} times'} {kind}, drawn" for kind, count in sorted(drawn.items())]
    return told


def _series(path: Path) -> list[Path]:
    """The files beside a shipped scenario that it names."""
    return [stimulus.replay.file for stimulus in load_scenario(path).stimuli if stimulus.replay]
