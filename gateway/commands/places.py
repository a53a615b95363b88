"""`lampyre gateway places`: what the town knows, and which device hangs there."""

import time
from datetime import datetime
from typing import Annotated, Any

import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, print_rows, sub_app

app = sub_app("Places of the town (bays, lamps, stations), and which device hangs where.")
PlaceId = Annotated[
    str, typer.Argument(metavar="PLACE", help="<INSEE code>-<bay, lamp or station>-<name>, as 92002-bay-a12.")
]
_COLUMNS = {"place": "place", "zone": "zone", "name": "name", "dev_eui": "device", "instance": "instance"}


@app.command("list")
def list_(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """List the places, with the device that hangs there now."""
    with door(config) as gateway:
        there = {row["place"]: row for row in gateway.ask("GET", "/v1/installed")["installed"]}
        rows: list[dict[str, Any]] = [
            row | {name: there.get(row["place"], {}).get(name) for name in ("dev_eui", "instance")}
            for row in gateway.rows("/v1/places", "places")
        ]
    print_rows(rows, _COLUMNS, as_json, "there are no places")


@app.command("set")
def set_(
    place: PlaceId,
    zone: Annotated[str, typer.Option(help="As figures are summed up by.")] = "",
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    latitude_deg: Annotated[float | None, typer.Option(min=-90, max=90, help="WGS 84.")] = None,
    longitude_deg: Annotated[float | None, typer.Option(min=-180, max=180, help="WGS 84.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Make a place, or describe it anew; what is not given is empty."""
    form = {
        "place": place,
        "zone": zone,
        "name": name,
        "latitude_deg": latitude_deg,
        "longitude_deg": longitude_deg,
    }
    with door(config) as gateway:
        gateway.ask("POST", "/v1/places", body=form)
    typer.echo(f"{place} is set", err=True)


@app.command()
def install(
    place: PlaceId,
    dev_eui: Annotated[str, typer.Argument(metavar="DEV_EUI", help="A registered device.")],
    instance: Annotated[int, typer.Option(min=0, max=7, help="1 for its second bay or head.")] = 0,
    since: Annotated[str, typer.Option("--from", help="ISO time, as 2026-11-22T08:00+01:00; now by default.")] = "",
    config: ConfigPath = CONFIG,
) -> None:
    """Hang a device at a place that exists; what hung there, or where it hung, ends."""
    with door(config) as gateway:
        form = {"place": place, "dev_eui": dev_eui, "instance": instance, "from_ms": unix_ms(since)}
        gateway.ask("POST", "/v1/installed", body=form)
    typer.echo(f"{dev_eui} hangs at {place}", err=True)


@app.command()
def free(
    dev_eui: Annotated[str, typer.Argument(metavar="DEV_EUI", help="A device that hangs somewhere.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Take a device away from wherever it hangs; it stays registered."""
    with door(config) as gateway:
        hangs = [
            row for row in gateway.ask("GET", "/v1/installed")["installed"] if row["dev_eui"] == _plain_eui(dev_eui)
        ]
        if not hangs:
            fail(f"{dev_eui} hangs nowhere")
        gateway.ask("POST", "/v1/installed", body=hangs[0] | {"to_ms": unix_ms("")})
    typer.echo(f"{dev_eui} hangs nowhere now", err=True)


@app.command()
def history(place: PlaceId, as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """Show which devices hung at a place, and when."""
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/installed", {"place": place})["installed"]
    if not as_json:
        for row in rows:
            row |= {"from": _local(row["from_ms"]), "to": _local(row["to_ms"]) if row["to_ms"] else "now"}
    columns = {"dev_eui": "device", "instance": "instance", "from": "from", "to": "to"}
    print_rows(rows, columns, as_json, f"nothing ever hung at {place}")


def unix_ms(text: str) -> int:
    """Unix ms of an ISO time, in local time if it names no offset; of now when *text* is empty."""
    if not text:
        return time.time_ns() // 1_000_000
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        fail(f"'{text}' is no time; write it as 2026-11-22T08:00+01:00", 2)


def _local(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(sep=" ", timespec="seconds")


def _plain_eui(text: str) -> str:
    return "".join(char for char in text.lower() if char not in "-: ")
