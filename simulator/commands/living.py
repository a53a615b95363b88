"""`lampyre demo --live`: the district in real time before a gateway process, until somebody has seen enough."""

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from simulator.chain.live import LiveError, Street, gateway_eui
from simulator.commands.outputs import Outputs
from simulator.commands.showing import Interrupt, Screen
from simulator.commands.station import Station, StationError, possible
from simulator.report.collector import BAY, EVENT, READING, Collector
from simulator.report.making import report_of
from simulator.report.report import Digest, Report
from simulator.report.saying import Text
from simulator.report.summary import summary
from simulator.scenario.model import Scenario
from simulator.streams import Stream

_ASK_EVERY_S = 2.0
_SHOW_EVERY_S = 0.2
_BOOT_WITHIN_S = 600.0  # two gateways answer so many joins in that time; faster, join-accepts fill their hour
_BAYS = {"bay_taken": {"occupied": 1}, "bay_left": {"occupied": 0}}
_LOOK = Text(
    "The gateway runs in {folder}. In another terminal:\n"
    "  export LAMPYRE_CONFIG={config}\n"
    "  lampyre gateway uplinks --follow\n"
    "  lampyre gateway health\n"
    "Nodes are switched on over ten minutes. Ctrl-C ends all.",
    "La passerelle tourne dans {folder}. Dans un autre terminal\u00a0:\n"
    "  export LAMPYRE_CONFIG={config}\n"
    "  lampyre gateway uplinks --follow\n"
    "  lampyre gateway health\n"
    "Les nœuds s’allument en dix minutes. Ctrl-C arrête tout.",
)


def run_live(scenario: Scenario, outputs: Outputs, language: str) -> None:
    """Run until Ctrl-C or the scenario's end; ends the command with status 1 if there is no gateway to be had."""
    if not possible():
        typer.echo("--live needs a gateway, which runs on Linux and macOS; leave --live out here", err=True)
        raise typer.Exit(1)
    folder = Path(tempfile.mkdtemp(prefix="lampyre-live-"))
    try:
        with Interrupt() as interrupt:
            report = live(waking(scenario), folder, language, lambda collector: interrupt.wanted)
        outputs.write(report, report.hours * 3600, language)
    except (StationError, LiveError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"cannot go on: {error}", err=True)
        raise typer.Exit(1) from None
    Console().print(summary(report, language), highlight=False, soft_wrap=True)
    for path in outputs.paths:
        typer.echo(f"written: {path}", err=True)


def waking(scenario: Scenario) -> Scenario:
    """The same district with nodes that are switched on one by one, and nothing planned for it."""
    dice = {node.name: Stream(scenario.seed, f"live/{node.name}") for node in scenario.nodes}
    nodes = tuple(
        replace(node, group="", boots_s=dice[node.name].uniform(0, _BOOT_WITHIN_S)) for node in scenario.nodes
    )
    return replace(scenario, nodes=nodes, final_quiet_s=0.0, orders=(), expectations=())


def live(
    scenario: Scenario, folder: Path, language: str, done: Callable[[Collector], bool], speed: float = 1.0
) -> Report:
    """Run *scenario* before a gateway in *folder* until it ends or *done*; *speed* as `Street` has it.

    Raises StationError and LiveError.
    """
    station = Station(folder, scenario, [gateway_eui(number) for number in range(1, len(scenario.gateways) + 1)])
    street = Street(scenario, station.address, speed)
    street.collector.has_broker = False
    station.enrol(street.registrations(), {node.name: node.zone for node in scenario.nodes})
    with station:
        told = _LOOK.filled(folder=str(folder), config=str(station.config)).to(language)
        typer.echo(told, err=True)
        with Screen(street.collector, Console(), Console(stderr=True), language) as screen:
            asyncio.run(_beside(street, station, screen, lambda: done(street.collector)))
    report = report_of(street.collector, street.timeline.now_us, ())
    report.seal(Digest())
    return report


async def _beside(street: Street, station: Station, screen: Screen, done: Callable[[], bool]) -> None:
    """The street, what its gateway says and the picture, each at its own pace."""
    subscriber = Subscriber(street)
    others = [
        asyncio.ensure_future(_again(_ASK_EVERY_S, lambda: subscriber.ask(station))),
        asyncio.ensure_future(_again(_SHOW_EVERY_S, lambda: _show(street, screen))),
    ]
    living = asyncio.ensure_future(street.run(done))
    try:
        ended, _ = await asyncio.wait([living, *others], return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()  # raises what ended it
        await subscriber.ask(station)
    finally:
        for task in (living, *others):
            task.cancel()
        await asyncio.gather(living, *others, return_exceptions=True)


async def _again(every_s: float, do: Callable[[], Any]) -> None:
    while True:
        await do()
        await asyncio.sleep(every_s)


async def _show(street: Street, screen: Screen) -> None:
    screen.show(street.timeline.now_us)


class Subscriber:
    """Who reads what the gateway accepted, through its local API, and tells the street's collector."""

    def __init__(self, street: Street) -> None:
        self._street = street
        self._names = {node.dev_eui.hex(): node.name for node in street.scenario.nodes}
        self._cursor = 0
        self._row = 0  # the last one taken

    async def ask(self, station: Station) -> None:
        """Take what is new."""
        rows, self._cursor = await asyncio.to_thread(station.readings, self._cursor)
        for row in rows:
            self.take(row)

    def take(self, row: dict[str, Any]) -> None:
        """Take a row of the API; a record of several heads or bays is as many rows with one id, and counts once."""
        again, self._row = row["id"] == self._row, row["id"]
        kind, observed = row.get("kind"), row.get("observed")
        collector = self._street.collector
        if kind is not None and not again:
            collector.message(kind, len(json.dumps(row)))
        name = self._names.get(row["key"]["dev_eui"]) if kind in ("reading", "event") and "key" in row else None
        if name is None or observed is None or row.get("event") == "void":
            return  # statuses and notices; and what has no date cannot be put into the picture
        values = row.get("values") if kind == "reading" else _BAYS.get(row["event"])
        now_us, instance = self._street.timeline.now_us, row["instance"]
        taken_s = datetime.fromisoformat(observed).timestamp() - self._street.scenario.start_s
        if not again:
            what = READING if kind == "reading" else BAY if values else EVENT
            collector.delivered(name, what, min(max(int(taken_s * 1e6), 0), now_us), now_us, instance, values)
        if values and values.get("occupied") is not None:
            collector.bay(name, instance, bool(values["occupied"]), now_us)
