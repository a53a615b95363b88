"""`lampyre gateway devices`: who may speak."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, print_rows, sub_app
from gateway.counted import counted

app = sub_app("Devices that may speak: register, list, exchange, remove.")
_COLUMNS = {
    "dev_eui": "DevEUI",
    "role": "role",
    "name": "name",
    "activation": "activation",
    "class_c": "class C",
    "plan": "plan",
    "number": "number",
}
DevEui = Annotated[str, typer.Argument(metavar="DEV_EUI", help="16 hex digits, as printed on the label.")]


@app.command()
def add(
    dev_eui: DevEui,
    role: Annotated[str, typer.Option(help="parking, air, light or foreign.")],
    app_key: Annotated[
        str | None,
        typer.Option(
            help="32 hex digits; better left out: then it is asked for, and stays out of the shell's history.",
            show_default=False,
        ),
    ] = None,
    gen_app_key: Annotated[str | None, typer.Option(help="For multicast groups.", show_default=False)] = None,
    join_eui: Annotated[str, typer.Option(help="As flashed; zeros by default.")] = "",
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    plan: Annotated[str, typer.Option(help="The channel plan it was flashed for.")] = "full",
    place: Annotated[str, typer.Option(help="Where it hangs from now on, as 92002-bay-a12.")] = "",
    zone: Annotated[str, typer.Option(help="The place's zone.")] = "",
    config: ConfigPath = CONFIG,
) -> None:
    """Register one device that joins (OTAA); `import` takes many, and ABP."""
    key = app_key if app_key is not None else typer.prompt("AppKey", hide_input=True)
    row = {
        "dev_eui": dev_eui,
        "role": role,
        "name": name,
        "join_eui": join_eui,
        "app_key": key,
        "gen_app_key": gen_app_key,
        "plan": plan,
        "place": place,
        "zone": zone,
    }
    with door(config) as gateway:
        gateway.ask("POST", "/v1/devices", body={"devices": [row]})
    typer.echo(f"registered {dev_eui}" + (f" at {place}" if place else ""), err=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or JSON; - is standard input.", exists=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look what is wrong with it.")] = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Register many devices at once, or none when a line is wrong.

    CSV has a header and ; or , between columns: dev_eui, role, name, join_eui, app_key, gen_app_key, plan, class_c,
    min_dr; place, instance, zone, latitude_deg, longitude_deg; for ABP dev_addr, nwk_s_key, app_s_key instead of
    app_key. JSON is a list of objects with the same names.
    """
    from gateway.operate.importing import parse_csv, parse_json, rows_of

    raw = _read(file)
    parse = parse_json if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")) else parse_csv
    batch = parse(raw, time.time_ns() // 1_000_000)
    if batch.faults:
        for fault in batch.faults:
            typer.echo(
                f"{file}:{fault.line}: {fault.sentence}" if fault.line else f"{file}: {fault.sentence}", err=True
            )
        fail(f"{counted(len(batch.faults), 'fault')}; nothing was registered")
    if not batch.registrations:
        fail(f"{file}: has no devices")
    devices, places = counted(len(batch.registrations), "device"), counted(len(batch.places), "place")
    if dry_run:
        typer.echo(f"{devices} and {places} can be read", err=True)
        return
    with door(config) as gateway:
        gateway.ask("POST", "/v1/devices", body={"devices": rows_of(batch)})
    typer.echo(f"registered {devices}, {places}", err=True)


@app.command("list")
def list_(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """List the devices, without their keys."""
    with door(config) as gateway:
        print_rows(gateway.rows("/v1/devices", "devices"), _COLUMNS, as_json, "no device is registered")


@app.command()
def show(
    dev_eui: DevEui,
    show_keys: Annotated[
        bool, typer.Option("--show-keys", help="Also its keys; for root and the gateway's user.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Show one device: its session, and where it hangs."""
    with door(config) as gateway:
        query = {"keys": "show"} if show_keys else {}
        told: dict[str, Any] = gateway.ask("GET", f"/v1/devices/{dev_eui}", query)
    if as_json:
        print_rows([told], {}, True, "")
        return
    session = told.pop("session") or {}
    hangs = [f"{entry['place']} ({entry['instance']})" for entry in told.pop("installed") if entry["to_ms"] is None]
    told |= {f"session {key}": value for key, value in session.items()} | {"installed at": hangs}
    print_rows([{"what": key, "is": value} for key, value in told.items()], {"what": "", "is": ""}, False, "")


@app.command()
def remove(
    dev_eui: DevEui,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Remove a device: its keys and session go, what it told stays."""
    if not yes:
        typer.confirm(f"Remove {dev_eui}? It must be registered anew, with its keys, to be heard again", abort=True)
    with door(config) as gateway:
        gateway.ask("DELETE", f"/v1/devices/{dev_eui}")
    typer.echo(f"removed {dev_eui}", err=True)


@app.command()
def replace(
    old: Annotated[str, typer.Argument(metavar="OLD", help="DevEUI of the one that hangs there.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="DevEUI of the one that takes over; registered before.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Exchange a device for another: places and groups go on with the new one, and their series with them."""
    with door(config) as gateway:
        gateway.ask("POST", "/v1/replace", body={"old": old, "new": new})
    typer.echo(f"{new} stands where {old} stood; `devices remove {old}` when it is scrapped", err=True)


def _read(file: Path) -> bytes:
    from gateway.operate.importing import MAX_LEN

    try:
        if str(file) == "-":
            return typer.get_binary_stream("stdin").read(MAX_LEN + 1)
        with file.open("rb") as opened:
            return opened.read(MAX_LEN + 1)
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
