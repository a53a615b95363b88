"""The front door: one command, `lampyre`, that opens each package's own command line when it is asked for."""

import importlib
import importlib.metadata
import io
import sys
from typing import Annotated

import typer

app = typer.Typer(
    help="Street sensors and streetlights over LoRaWAN: gateway, simulator, boards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_PACKAGES = {  # command: (module with an `app`, the extra that holds what it imports, help)
    "flash": ("boards.flashing.cli", "flash", "From a box of blank boards to commissioned nodes."),
    "node": ("boards.node.cli", "flash", "A node on its cable: what it is, does and says."),
    "boards": ("boards.catalogue.cli", "flash", "The boards we know: which there are, and how they are wired."),
    "gateway": ("gateway.cli", "gateway", "What the Pi in the cabinet does."),
    "demo": ("simulator.commands.demo", "simulator", "A district through a day, live, and a page to read afterwards."),
    "simulate": ("simulator.cli", "simulator", "A fleet on the laptop: the whole chain without hardware."),
}


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows a ? instead of failing
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lampyre {importlib.metadata.version('lampyre')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


def _mount(command: str, module: str, extra: str, help_text: str) -> None:
    """Add *command*, which imports its package when called and hands all that follows to the package's own app."""

    @app.command(
        command,
        help=help_text,
        add_help_option=False,  # --help behind the command is the package's
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def forward(context: typer.Context) -> None:
        try:
            package = importlib.import_module(module)
            package.app(args=context.args, prog_name=f"lampyre {command}")  # it imports more where that is needed
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in {"boards", "firmware", "gateway", "simulator"}:
                raise
            typer.echo(
                f"`lampyre {command}` needs the package {error.name}, which is not installed. "
                f"Install it with: pip install 'lampyre[{extra}]'",
                err=True,
            )
            raise typer.Exit(1) from None


for _command, (_module, _extra, _help) in _PACKAGES.items():
    _mount(_command, _module, _extra, _help)

if __name__ == "__main__":
    main()
