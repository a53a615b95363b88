"""`lampyre demo --live`: the district in real time before a gateway process, until somebody has seen enough."""

import tempfile
import time
from pathlib import Path

import typer
from rich.console import Console

from simulator.live.station import Station, StationError, possible
from simulator.live.street import LiveStreet, as_live, radio_eui
from simulator.outputs import Outputs
from simulator.report.report import Report
from simulator.report.saying import Text
from simulator.report.summary import summary
from simulator.scenario.model import Scenario
from simulator.showing import Screen, watch

_LOOK = Text(
    "The gateway runs in {folder}. In another terminal:\n"
    "  export LAMPYRE_CONFIG={config}\n"
    "  lampyre gateway uplinks --follow\n"
    "  lampyre gateway health\n"
    "Ctrl-C ends both.",
    "La passerelle tourne dans {folder}. Dans un autre terminal\u00a0:\n"
    "  export LAMPYRE_CONFIG={config}\n"
    "  lampyre gateway uplinks --follow\n"
    "  lampyre gateway health\n"
    "Ctrl-C arrête les deux.",
)


def run_live(scenario: Scenario, outputs: Outputs, language: str) -> None:
    """Run until Ctrl-C or the scenario's end; ends the command with status 1 if there is no gateway to be had."""
    if not possible():
        typer.echo("--live needs a gateway, which runs on Linux and macOS; leave --live out here", err=True)
        raise typer.Exit(1)
    folder = Path(tempfile.mkdtemp(prefix="lampyre-live-"))
    try:
        report = live(as_live(scenario, int(time.time())), folder, language)
        outputs.write(report, report.hours * 3600, language)
    except StationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"cannot go on: {error}", err=True)
        raise typer.Exit(1) from None
    Console().print(summary(report, language), highlight=False, soft_wrap=True)
    for path in outputs.paths:
        typer.echo(f"written: {path}", err=True)


def live(scenario: Scenario, folder: Path, language: str) -> Report:
    """Run *scenario*, of `as_live`, before a gateway in *folder*; its end or Ctrl-C ends it. Raises StationError."""
    street = LiveStreet(scenario)
    station = Station(folder, scenario, [radio_eui(number) for number in range(len(scenario.gateways))])
    station.enrol(street.registrations(), {node.name: node.zone for node in scenario.nodes})
    with station:
        told = _LOOK.filled(folder=str(folder), config=str(station.config)).to(language)
        typer.echo(told, err=True)
        street.attach(station)
        with Screen(street.collector, Console(), Console(stderr=True), language) as screen:
            return watch(street, screen, int(scenario.end_s), scenario.end_s)
