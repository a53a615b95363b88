"""One run from its scenario to its files and its exit status, as `lampyre simulate run` and `lampyre demo` share it."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import typer
from rich.console import Console

from simulator.commands.outputs import Outputs
from simulator.commands.showing import Screen, watch
from simulator.report.collector import Collector
from simulator.report.district import district_of
from simulator.report.report import Report
from simulator.report.saying import EN, FR
from simulator.report.summary import summary
from simulator.scenario.model import Scenario
from simulator.stimuli.capture import CaptureError
from simulator.stimuli.replay.rows import ReplayError

_IN_MEMORY = 20_000  # node-hours: some 20 MB of records; a town of 5,000 nodes leaves five times as much in a day
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run and where to leave it. replay: the command that repeats it. lasts_s: spread over real seconds.

    boards: whether virtual boards are to be there; firmware: the folder with what is on their flash.
    """

    scenario: Scenario
    replay: str
    outputs: Outputs
    language: str
    lasts_s: float = 0.0
    boards: bool = False
    firmware: Path | None = None


def run(order: Order) -> Report:
    """Run, show, write, and say what it showed; ends the command with status 1 if it could not be done.

    The picture comes first and the chain's modules after it: they are half of what a short run waits for.
    """
    console, messages = Console(), Console(stderr=True)
    outputs = order.outputs
    before = Collector(district_of(order.scenario, order.replay))
    before.happened("making", "", 0)
    try:
        with Screen(before, console, messages, order.language) as screen:
            from simulator.chain.chain import Chain
            from simulator.commands.visiting import Stay, visited

            with outputs.lines() as lines, _card(order) as database:
                chain = Chain(order.scenario, replay=order.replay, lines=lines, database=database)
                with visited(chain, order.firmware) if order.boards else nullcontext(Stay()) as stay:
                    screen.follow(chain.collector)
                    report = watch(chain, screen, int(order.scenario.end_s), order.lasts_s)
            outputs.write(report, screen.real_s, order.language, stay.visits)
    except (ReplayError, CaptureError) as error:  # what the scenario names is not as it says
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (OSError, apsw.Error) as error:
        typer.echo(f"cannot write: {error}", err=True)
        raise typer.Exit(1) from None
    console.print(summary(report, order.language), highlight=False, soft_wrap=True)
    for line in stay.lines:
        console.print(line.to(order.language), highlight=False, markup=False, soft_wrap=True)
    for path in outputs.paths:
        typer.echo(f"written: {path}", err=True)
    return report


@contextmanager
def _card(order: Order) -> Iterator[Path | str]:
    """Where the gateway keeps its records: in the file asked for, in memory, or for a large run in one that goes."""
    scenario = order.scenario
    if order.outputs.database is not None:
        yield order.outputs.database
    elif len(scenario.nodes) * scenario.hours <= _IN_MEMORY:
        yield ":memory:"
    else:
        with TemporaryDirectory(prefix="lampyre-") as folder:
            yield Path(folder) / "gateway.sqlite"


def leave(report: Report) -> None:
    """End the command with 130 after Ctrl-C, with 1 and the command that repeats it if something did not hold."""
    failures = report.failures if report.complete else [truth.name for truth in report.truths if not truth.held]
    if failures:
        typer.echo(f"did not hold: {'; '.join(failures)}\nrepeat it with: {report.replay}", err=True)
        raise typer.Exit(1)
    if not report.complete:
        typer.echo(f"stopped after {report.hours:g} h; whether expectations hold is not known", err=True)
        raise typer.Exit(INTERRUPTED)


def spoken() -> str:
    """The language of this machine's user, "en" or "fr"."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return FR if wanted.startswith(FR) else EN


def command(*words: str) -> str:
    """Words as a shell takes them."""
    return shlex.join(words)
