"""`lampyre gateway api open | status | close`: the door by which a technician's laptop registers devices."""

import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.common import CONFIG, ConfigPath, fail, load, sub_app

app = sub_app("The API by TLS over TCP, for some hours: shut unless it is opened.")
_MAX_HOURS = 72  # as gateway.api.remote_pass has it


@app.command("open")
def open_(
    hours: Annotated[float, typer.Option(help=f"How long, at most {_MAX_HOURS}.")] = 8,
    listen: Annotated[str, typer.Option(help="IP:port, or [IPv6]:port.", show_default=True)] = "127.0.0.1:8443",
    name: Annotated[list[str] | None, typer.Option(help="Another name or address of this machine.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Issue a token, shown this once: whoever has it may read the API and register devices.

    stdout has the two lines of the file for `lampyre flash --token-file`: the token, and the certificate's SHA-256.
    """
    from gateway.api.remote_pass import boot_s, issue
    from gateway.config.values import address_of, is_loopback

    if not (math.isfinite(hours) and 0 < hours <= _MAX_HOURS):
        fail(f"--hours is {hours:g}; write more than 0 and at most {_MAX_HOURS}", 2)
    try:
        host, port = address_of(listen)
    except ValueError:
        fail(f'--listen is {listen}; write an IP address and a port 1..65535, as "192.168.1.20:8443"', 2)
    names = ["localhost", "127.0.0.1", socket.gethostname(), host, *(name or ())]
    try:
        with _folder(config) as folder:
            issued = issue(folder, hours, (host, port), list(dict.fromkeys(names)), boot_s())
    except ValueError:
        fail("--name is no host name or IP address in plain letters", 2)
    typer.echo(f"{issued.token}\nsha256:{issued.certificate_sha256}")
    typer.echo(
        f"A running gateway listens on {listen} within two seconds, for {hours:g} h; `api close` ends it sooner.\n"
        "The two lines above are the token file of `lampyre flash`; they are not shown again.",
        err=True,
    )
    if not is_loopback(host):
        typer.echo(f"Whoever reaches {listen} may knock: open it only inside the city's own network.", err=True)


@app.command()
def status(config: ConfigPath = CONFIG) -> None:
    """Say whether the door is open, where, and for how long. Ends with 1 when its pass cannot be taken."""
    from gateway.api.remote_pass import PassError, boot_s, read_pass

    with _folder(config) as folder:
        try:
            found = read_pass(folder, boot_s())
        except PassError as error:
            fail(f"shut: {error}")
    if found is None:
        typer.echo("shut")
        return
    shown = f"[{found.host}]" if ":" in found.host else found.host
    left_h = (found.expires_s - boot_s()) / 3600
    typer.echo(f"open on {shown}:{found.port} for {left_h:.1f} more hours while the gateway runs")
    typer.echo(f"sha256:{found.certificate_sha256}")


@app.command()
def close(config: ConfigPath = CONFIG) -> None:
    """Shut the door: the token is worth nothing any more."""
    from gateway.api.remote_pass import withdraw

    with _folder(config) as folder:
        there = withdraw(folder)
    typer.echo("the door is shut within two seconds" if there else "no door was open", err=True)


@contextmanager
def _folder(config: Path) -> Iterator[Path]:
    """The store's folder, as its owner; what cannot be read or written there is told."""
    from gateway.operate.owner import Owner

    folder = load(config).store.folder
    try:
        with Owner(folder):
            yield folder
    except OSError as error:
        fail(f"{error.filename or folder}: {error.strerror}; run it as the gateway's user or with sudo")
