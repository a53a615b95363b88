"""`lampyre boards`: which boards there are, how one is wired, whether a file is right, and their images."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from boards.catalogue.known import Board, boards, load, parse
from boards.catalogue.options import unknown
from boards.catalogue.page import LANGUAGES, wiring_page
from boards.causes import BoardError
from boards.flashing.cli import fail_with, home
from boards.flashing.image import SOURCE
from boards.flashing.image import fetch as get
from boards.messages import language_of, sentence, told
from boards.spoken import Command, Group

if TYPE_CHECKING:  # imported where it is used: the other commands need no progress
    from rich.progress import Progress, TaskID

app = typer.Typer(
    cls=Group,
    help="The boards we know: which there are, how they are wired, and their images.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LanguageOption = Annotated[str, typer.Option("--language", help="en or fr; by default the computer's.")]


@app.command("list", cls=Command)
def list_(language: LanguageOption = "") -> None:
    """Show all boards."""
    language = language_of(language)
    for board in boards():
        kind = f"{board.chip.name}, {told(f'{board.flash_mb} MB', language)}, {board.radio.chip.upper()}"
        typer.echo(f"{board.id:<16} {board.name:<36} {kind}")


@app.command(cls=Command)
def check(file: Annotated[Path, typer.Argument(help="A board's TOML file.")], language: LanguageOption = "") -> None:
    """Check a board's file, as one that was just written: every fault with its place."""
    language = language_of(language)
    try:
        board = parse(file.stem, file.read_bytes())
    except OSError as error:
        typer.echo(f"{file}: {told(str(error.strerror), language)}", err=True)
        raise typer.Exit(1) from None
    except BoardError as error:
        for fault in error.facts["detail"].splitlines():
            typer.echo(told(fault, language), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{board.name}: {', '.join(board.roles)}; options {', '.join(board.options) or told('none', language)}")


@app.command(cls=Command)
def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[BOARD]…", help="By default all boards.")] = None,
    source: Annotated[str, typer.Option(help="Where the images are; a mirror of yours, perhaps.")] = SOURCE,
    language: LanguageOption = "",
) -> None:
    """Fetch the boards' MicroPython images, so that flashing needs no internet."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress

    language = language_of(language)
    try:
        builds = {load(name).image for name in names} if names else {board.image for board in boards()}
    except BoardError as error:
        fail_with(error, language)
    absent = 0
    for build in sorted(builds):  # one that is not to be had keeps no other from the van
        try:
            with Progress(*Progress.get_default_columns(), DownloadColumn(), console=Console(stderr=True)) as shown:
                task = shown.add_task(build)
                path = get(build, home() / "images", functools.partial(_tell, shown, task), source)
            typer.echo(str(path))
        except BoardError as error:
            absent += 1
            typer.echo(sentence(error, language), err=True)
    if absent:
        raise typer.Exit(1)


def _tell(shown: "Progress", task: "TaskID", so_far: int, of: int) -> None:
    shown.update(task, completed=so_far, total=of)


@app.command(cls=Command)
def wiring(
    board: Annotated[str, typer.Argument(help="Such as heltec-v3.")],
    role: Annotated[str, typer.Option(help="parking, air, light or bridge.")],
    option: Annotated[list[str] | None, typer.Option(help="A part the board's file offers.")] = None,
    output: Annotated[Path | None, typer.Option(help="File for the page; by default BOARD-ROLE.html.")] = None,
    language: LanguageOption = "",
) -> None:
    """Write a page that shows which wire goes where."""
    language = language_of(language)
    try:
        found = load(board)
    except BoardError as error:
        typer.echo(sentence(error, language), err=True)
        raise typer.Exit(2) from None
    options = tuple(option or ())
    wrong = _wrong(found, role, options)
    if wrong:
        typer.echo(told(wrong, language), err=True)
        raise typer.Exit(2)
    output = output or Path(f"{board}-{role}.html")
    assert language in LANGUAGES
    output.write_text(wiring_page(found, role, options, language), encoding="utf-8")
    typer.echo(str(output))


def _wrong(board: Board, role: str, options: tuple[str, ...]) -> str:
    if role not in (*board.roles, "bridge"):
        return f"--role is {role!r}; {board.id} has {', '.join(board.roles)} and bridge"
    return unknown(board, role, options)
