"""`lampyre node`: what a node is, does and says, over its cable."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from boards.causes import BoardError
from boards.flashing.cli import fail_with, home, show_tests
from boards.messages import language_of, told
from boards.spoken import Command, Group

if TYPE_CHECKING:  # imported where they are used: `--help` must not wait for them
    from boards.node.console import Console

app = typer.Typer(
    cls=Group,
    help="A node on its cable: what it is, does and says. It is woken by a reset if it sleeps.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PortOption = Annotated[
    str, typer.Option("--port", help="Port, place on the hub or USB serial number; the only one by default.")
]
LanguageOption = Annotated[str, typer.Option("--language", help="en or fr; by default the computer's.")]


@app.command(cls=Command)
def status(port: PortOption = "", language: LanguageOption = "") -> None:
    """Show what the node is and how it does."""
    from boards.node.console import states

    with _node(port, language) as node:
        said = states(node.ask("status"))
    spoken = language_of(language)
    rows = [(told(name, spoken), told(value, spoken)) for name, value in said.items()]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        typer.echo(f"{name:<{width}}  {value}")


@app.command(cls=Command)
def selftest(port: PortOption = "", language: LanguageOption = "") -> None:
    """Test the node's parts; exit status 1 if one of them failed."""
    with _node(port, language) as node:
        found = node.test(lambda tries, of: None)
    show_tests(found, language_of(language))
    if any(said != "ok" for _, said in found):
        raise typer.Exit(1)


@app.command(cls=Command)
def settings(
    changes: Annotated[list[str] | None, typer.Argument(metavar="[NAME[=VALUE]]…", show_default=False)] = None,
    port: PortOption = "",
    language: LanguageOption = "",
) -> None:
    """Show settings, all or those named; NAME=VALUE changes one, and the node restarts with it."""
    names = [each for each in changes or [] if "=" not in each]
    given = [each.partition("=") for each in changes or [] if "=" in each]
    with _node(port, language) as node:
        if given:
            node.ask("set " + " ".join(f"{name.strip()} {value.strip()}" for name, _, value in given))
            node.restart()
        if names or not given:
            for line in node.ask(" ".join(["get", *names])):
                typer.echo(line)


@app.command(cls=Command)
def logs(
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=500, help="How many of the newest.")] = 20,
    port: PortOption = "",
    language: LanguageOption = "",
) -> None:
    """Show the newest records of the node's log."""
    with _node(port, language) as node:
        for line in node.ask(f"log {count}"):
            typer.echo(told(line, language_of(language)))


@app.command(cls=Command)
def monitor(port: PortOption = "", language: LanguageOption = "") -> None:
    """Show what the node says, until Ctrl-C; it is not woken for this."""
    from boards.node.console import Console

    with _told(language), Console(_path(port)) as node:
        try:
            for line in node.follow():
                typer.echo(line)
        except KeyboardInterrupt:
            return


@app.command(cls=Command)
def update(port: PortOption = "", language: LanguageOption = "") -> None:
    """Bring the node's firmware up to date: it is tried from the restart on, and taken back if no network answers."""
    from rich.progress import Progress

    from boards.firmware.bundle import bundle
    from boards.node.updating import update as bring

    spoken = language_of(language)
    with _told(language), Progress(transient=True) as shown:
        task = shown.add_task(told("copying", spoken))
        path = _path(port)
        done = bring(path, bundle(home() / "cache"), lambda sent, of: shown.update(task, completed=sent, total=of))
    if done.slot:
        what = (
            f"{done.before} → {done.now} in slot {done.slot}, files copied: {done.files}; "
            "on trial until a network answers"
        )
    else:
        what = f"{done.now} is on trial already; it is confirmed when a network has answered"
    typer.echo(told(what, spoken))


@app.command(cls=Command)
def forget(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    port: PortOption = "",
    language: LanguageOption = "",
) -> None:
    """Forget network, log and learnt state, as for another place; keys and counters stay."""
    spoken = language_of(language)
    if not yes and not _agrees(told("Erase the node's log and what it learnt? Type yes or no", spoken), spoken):
        typer.echo(told("nothing was erased", spoken), err=True)
        raise typer.Exit(1)
    with _node(port, language) as node:
        node.ask("forget yes", last="forgotten; restarting")
        node.wake()
    typer.echo(told("forgotten; the node joins anew", spoken), err=True)


def _agrees(question: str, language: str) -> bool:
    """Whether the technician says yes, in the language or in English; the end of what is typed is a no."""
    try:
        said = typer.prompt(question, default=told("no", language), err=True)
    except typer.Abort:
        return False
    return str(said).strip().lower() in ("yes", "y", told("yes", language))


@contextmanager
def _told(language: str) -> Iterator[None]:
    """What goes wrong is told in a sentence."""
    try:
        yield
    except BoardError as error:
        fail_with(error, language_of(language))


@contextmanager
def _node(port: str, language: str) -> "Iterator[Console]":
    """The node's console, awake."""
    from boards.node.console import Console

    with _told(language), Console(_path(port)) as node:
        node.wake()
        yield node


def _path(asked: str) -> str:
    from boards.node import ports

    return ports.choose(ports.find(), asked).path
