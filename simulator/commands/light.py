"""`lampyre simulate light A.toml B.toml`: lighting programmes compared over a year."""

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from simulator.commands.options import Language
from simulator.commands.running import spoken

if TYPE_CHECKING:
    from simulator.chain.cabinet import PlannedNights

_EXAMPLES = Path(__file__).parent.parent / "lighting" / "examples"
_STREET = "street"


def examples() -> dict[str, Path]:
    """The programmes that come with the package, by name."""
    return {path.stem: path for path in sorted(_EXAMPLES.glob("*.toml")) if path.stem != _STREET}


def mount(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(light)


def light(
    programmes: Annotated[
        list[str],
        typer.Argument(
            metavar="PROGRAMME…",
            help=f"TOML files as `lampyre gateway light programme load` takes them, or {', '.join(examples())}.",
        ),
    ],
    street: Annotated[
        Path | None, typer.Option(help="What stands there and who comes, as TOML; a residential street by default.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of people and weather, instead of the street's.", min=0)] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here, as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
    new_street: Annotated[
        Path | None, typer.Option(help="Write a street to begin with here, every key explained, and end.")
    ] = None,
    lang: Annotated[Language | None, typer.Option(help="Of table and page.")] = None,
) -> None:
    """Compare lighting programmes over a year: the same street, the same people, the same weather."""
    from dataclasses import replace

    from simulator.lighting.compare import MOST, compare
    from simulator.lighting.page import comparison_page
    from simulator.lighting.street import Street, StreetError, load_street
    from simulator.lighting.view import comparison_table

    if new_street is not None:
        _write_new(new_street)
        return
    if len(programmes) > MOST:
        raise typer.BadParameter(f"{len(programmes)} programmes; {MOST} can be told apart in a plot")
    for path in (json, html):
        if path is not None and not path.parent.is_dir():
            raise typer.BadParameter(f"there is no folder {path.parent} for {path.name}")
    try:
        there = Street() if street is None else load_street(street)
        if seed is not None:
            there = replace(there, seed=seed)
        comparison = compare(there, [_plan(name) for name in programmes])
    except (StreetError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    language = lang.value if lang else spoken()
    Console().print(comparison_table(comparison, language))
    try:
        if json:
            json.write_text(
                json_text.dumps(comparison.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
        if html:
            html.write_text(comparison_page(comparison, language), encoding="utf-8")
    except OSError as error:
        typer.echo(f"cannot write: {error}", err=True)
        raise typer.Exit(1) from None


def _plan(name: str) -> "PlannedNights":
    """The programme in a file, or that comes with the package. Raises ValueError with a sentence."""
    from simulator.chain.cabinet import planned_nights

    path = Path(name)
    path = path if path.exists() else examples().get(name, path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ValueError(f"{name}: {why}; write a TOML file, or one of {', '.join(examples())}") from None
    try:
        return planned_nights(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _write_new(path: Path) -> None:
    if path.exists():
        raise typer.BadParameter(f"{path} exists; name a file that does not", param_hint="--new-street")
    try:
        path.write_text((_EXAMPLES / f"{_STREET}.toml").read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        typer.echo(f"cannot write: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"written: {path}", err=True)
