"""`lampyre gateway`: the operator's command line. With a gateway running commands ask it, else they use its store."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import care, devices, groups, light, orders, places, records, remote
from gateway.commands.common import CONFIG, ConfigPath

app = typer.Typer(
    help="What the Pi in the cabinet does.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
_RUN = "Run and set up"
_IN = "What comes in"
_WHO = "Who and where"
_LIGHT = "Light the street"
_CARE = "Look after it"


@app.callback()
def _group() -> None:
    pass


@app.command(rich_help_panel=_RUN)
def run(
    config: ConfigPath = CONFIG,
    capture: Annotated[
        Path | None, typer.Option(help="Also write every frame that is received to this file, as JSON lines.")
    ] = None,
) -> None:
    """Run the gateway until it is told to stop."""
    arguments = [str(config)] if capture is None else [str(config), str(capture)]
    # The process becomes the gateway and leaves the command line's 10 MB behind; it looks for modules where we did.
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-P", "-m", "gateway", *arguments], where)


app.command(rich_help_panel=_RUN)(care.init)
app.command(rich_help_panel=_RUN)(care.check)
app.command(rich_help_panel=_RUN)(care.service)
app.add_typer(devices.app, name="devices", rich_help_panel=_WHO)
app.add_typer(places.app, name="places", rich_help_panel=_WHO)
app.add_typer(groups.app, name="groups", rich_help_panel=_WHO)
app.command(rich_help_panel=_IN)(records.readings)
app.command(rich_help_panel=_IN)(records.uplinks)
app.command(rich_help_panel=_IN)(records.quarantine)
app.add_typer(orders.app, name="order", rich_help_panel=_WHO)
app.add_typer(remote.app, name="api", rich_help_panel=_CARE)
app.add_typer(light.app, name="light", rich_help_panel=_LIGHT)
app.command(rich_help_panel=_CARE)(care.health)
app.command(rich_help_panel=_CARE)(care.doctor)
app.command(rich_help_panel=_CARE)(care.backup)
app.command(rich_help_panel=_CARE)(care.restore)
app.command(rich_help_panel=_CARE)(care.snapshot)
app.command(rich_help_panel=_CARE)(care.replay)
app.command("support-bundle", rich_help_panel=_CARE)(care.support_bundle)
