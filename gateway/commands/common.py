"""What all sub-commands share: finding the configuration and the gateway, and saying no in one sentence."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:  # imported where they are used: `--help` must not wait for them
    from gateway.api.door import Door
    from gateway.config.values import Config

CONFIG = Path("/etc/lampyre/gateway.toml")

ConfigPath = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="LAMPYRE_CONFIG", help="The gateway's configuration.", show_default=True),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def sub_app(help_text: str) -> typer.Typer:
    """A group of sub-commands."""
    return typer.Typer(help=help_text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Say why on stderr, and end."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)


def load(path: Path, *, look: bool = False) -> "Config":
    """The configuration; every fault of it is told."""
    from gateway.config.load import ConfigError, load_config

    try:
        return load_config(path, look=look)
    except ConfigError as error:
        fail(str(error))


@contextmanager
def door(path: Path) -> "Iterator[Door]":
    """The running gateway, or its store; what it refuses is told."""
    from gateway.api.door import Door, DoorError

    config = load(path)
    try:
        with Door(config) as opened:
            for note in opened.notes:
                typer.echo(note, err=True)
            yield opened
    except DoorError as error:
        fail(str(error))


def print_rows(
    rows: Iterable[dict[str, Any]], columns: dict[str, str], as_json: bool, nothing: str, title: str | None = None
) -> None:
    """Print JSON lines, or a table of *columns* (key → heading); *nothing* goes to stderr when there are no rows."""
    if as_json:
        lines(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.show_header = any(columns.values())
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(shown(row.get(key)) for key in columns))
    if not table.row_count:
        typer.echo(nothing, err=True)
        return
    Console(markup=False, highlight=False, emoji=False).print(table)


def lines(rows: Iterable[Any], flush: bool = False) -> None:
    """Print one JSON value a line. A reader that has enough, such as `head`, ends it quietly; a full disk does not."""
    try:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            if flush:
                sys.stdout.flush()
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # Python flushes it once more at its end, which must not fail aloud
    except OSError as error:
        fail(f"cannot write the output: {error.strerror or error}")


def shown(value: object) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = [f"{key} {shown(of_it)}" for key, of_it in value.items()]
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "–"
    return str(value)
