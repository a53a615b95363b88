"""`lampyre gateway check | init | doctor | backup | …`: looking after a gateway."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, load, shown
from gateway.counted import counted

if TYPE_CHECKING:
    from gateway.config.values import Config

_UNIT = "lampyre-gateway"
_LOG_LINES = 5000


def check(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """Say what gateway.toml means, defaults included, and which dataset leaves by which door."""
    from gateway.config.effective import effective, leaving

    checked = load(config, look=True)
    told = effective(checked)
    if as_json:
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    for section, values in told.items():
        if section in ("file", "datasets"):
            continue
        name = f"[[{section}]]" if section == "serial" else f"[{section}]"
        for values_of_one in values if isinstance(values, list) else [values]:
            if values_of_one is None:
                table.add_row(name, "absent, so closed", "")
                continue
            for at, (key, value) in enumerate(values_of_one.items()):
                table.add_row(name if at == 0 else "", key, shown(value))
        if values == []:
            table.add_row(name, "none", "")
    doors = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("dataset", "sharing", "leaves by", "kept for", "fresh within", "owner", "licence"):
        doors.add_column(heading, overflow="fold")
    for entry in leaving(checked):
        dataset = entry.dataset
        doors.add_row(
            dataset.name,
            dataset.sharing.name.lower(),
            ", ".join(entry.doors) or "nothing: it stays here",
            counted(dataset.retention_days, "day"),
            f"{dataset.freshness_s} s",
            dataset.owner,
            shown(dataset.licence),
        )
    console = Console(markup=False, highlight=False, emoji=False)
    console.print(f"{told['file']} is right. What takes effect:\n")
    console.print(table)
    console.print()
    console.print(doors)


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it; - prints it.")] = CONFIG,
) -> None:
    """Write a commented gateway.toml to begin with."""
    from gateway.config.example import example_text

    if str(path) == "-":
        typer.echo(example_text(), nl=False)
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example_text())
    except FileExistsError:
        fail(f"{path} is there already; `lampyre gateway init -` prints the example")
    except OSError as error:
        fail(f"{path}: {error.strerror}; make its folder, or name another path")
    typer.echo(f"written: {path}; edit it, then run `lampyre gateway check --config {path}`", err=True)


def doctor(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """Look at clock, disk, power, ports, broker and copies: what is wrong, why it matters, what to do.

    Ends with 1 when something is bad.
    """
    from gateway.operate.doctor import Level, examine

    found = examine(load(config))
    if as_json:
        typer.echo(json.dumps([_finding(finding) for finding in found], indent=1, ensure_ascii=False))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        marks = {Level.GOOD: "good", Level.NOTE: "note", Level.BAD: "BAD"}
        for finding in found:
            text = finding.what
            if finding.why:
                text += f"\nwhy: {finding.why}"
            if finding.do:
                text += f"\ndo: {finding.do}"
            table.add_row(marks[finding.level], finding.check, text)
        Console(markup=False, highlight=False, emoji=False).print(table)
    if any(finding.level is Level.BAD for finding in found):
        raise typer.Exit(1)


def health(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """Show how the running gateway is."""
    with door(config) as gateway:
        told: dict[str, Any] = gateway.ask("GET", "/v1/health")
    if as_json:
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False, emoji=False)
    for finding in told.pop("findings"):
        console.print(f"! {finding}")
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in told.items():
        table.add_row(name, shown(value))
    console.print(table)


def backup(config: ConfigPath = CONFIG) -> None:
    """Write a backup now, while the gateway runs or not; prints its path."""
    with door(config) as gateway:
        typer.echo(gateway.ask("POST", "/v1/backup")["written"])


def snapshot(config: ConfigPath = CONFIG) -> None:
    """Write the registry's snapshot (devices, keys, sessions, places) now; prints its path."""
    with door(config) as gateway:
        typer.echo(gateway.ask("POST", "/v1/snapshot")["written"])


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Put a backup in place of the database, while the gateway is stopped.

    What is there now is kept under another name. Counters are raised, so that no node needs a visit.
    """
    checked = load(config)
    if not yes:
        typer.confirm(f"Put {file} in place of {checked.store.database}?", abort=True)
    from gateway.operate.owner import Owner
    from gateway.store.backup import restore as put_back
    from gateway.store.faults import StoreError

    try:
        with Owner(checked.store.folder):
            aside = put_back(file.resolve(), checked.store.database, time.strftime("%Y%m%dT%H%M%S", time.gmtime()))
    except StoreError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or file}: {error.strerror}; may the gateway's user read the backup?")
    kept = f"; what was there is {aside}" if aside else ""
    typer.echo(f"restored {checked.store.database}{kept}; start the gateway", err=True)


def replay(
    since: Annotated[
        str, typer.Option(help="ISO time, as 2026-11-20T00:00+01:00: what was received from then on.")
    ] = "",
    parked: Annotated[bool, typer.Option("--parked", help="What the broker refused, as `doctor` shows it.")] = False,
    publisher: Annotated[str, typer.Option(help="Which one.")] = "mqtt",
    config: ConfigPath = CONFIG,
) -> None:
    """Publish again what a broker lost after it acknowledged it, or refused; keys stay the same."""
    from gateway.commands.places import unix_ms

    if bool(since) == parked:
        fail("say what goes out again: --since TIME, or --parked", 2)
    what = {"parked": True} if parked else {"since_ms": unix_ms(since)}
    with door(config) as gateway:
        told = gateway.ask("POST", "/v1/replay", body=what | {"publisher": publisher})
    typer.echo(f"{counted(told['records'], 'record goes', 'records go')} out again", err=True)


def support_bundle(
    path: Annotated[Path | None, typer.Argument(help="Where to write the tar.gz; must not exist.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Pack what a developer needs to see what happened; it holds no key, password or payload. Prints its path."""
    from gateway.operate.support_bundle import write_bundle

    target = path or Path(time.strftime("lampyre-support-%Y%m%dT%H%M%S.tar.gz"))
    checked = load(config)
    try:
        write_bundle(target, _parts(checked, config), _log())
    except FileExistsError:
        fail(f"{target} is there already; name another")
    except OSError as error:
        fail(f"{target}: {error.strerror}")
    typer.echo(target)


def service() -> None:
    """Print the systemd unit; its head says how to install it."""
    import importlib.resources

    text = (importlib.resources.files("gateway.operate") / f"{_UNIT}.service").read_text(encoding="utf-8")
    program = Path(sys.argv[0]).resolve()
    installed = program if program.name == "lampyre" else Path(sys.executable).with_name("lampyre")
    typer.echo(text.replace("@LAMPYRE@", str(installed)), nl=False)


def _finding(finding: Any) -> dict[str, str]:
    return {
        "check": finding.check,
        "level": finding.level.name.lower(),
        "what": finding.what,
        "why": finding.why,
        "do": finding.do,
    }


def _parts(checked: "Config", path: Path) -> dict[str, Any]:
    """What goes into the bundle; what cannot be had says why."""
    import platform

    from gateway.api.door import Door, DoorError
    from gateway.config.effective import effective
    from gateway.operate.doctor import examine
    from gateway.operate.support_bundle import MAX_ROWS, version, without_payloads

    parts: dict[str, Any] = {
        "version": {"lampyre": version(), "python": sys.version, "machine": platform.platform(), "made": time.time()},
        "config": effective(checked),
        "doctor": [_finding(finding) for finding in examine(checked)],
    }
    try:
        with Door(checked) as gateway:
            parts["devices"] = list(gateway.rows("/v1/devices", "devices"))
            parts["places"] = list(gateway.rows("/v1/places", "places"))
            rows = gateway.ask("GET", "/v1/quarantine", {"limit": MAX_ROWS})["quarantine"]
            parts["quarantine"] = without_payloads(rows)
            parts["orders"] = gateway.ask("GET", "/v1/orders", {"limit": MAX_ROWS})["orders"]
            if gateway.running:
                parts["health"] = gateway.ask("GET", "/v1/health")
                parts["counters"] = gateway.ask("GET", "/v1/counters")["counters"]
                parts["uplinks"] = gateway.ask("GET", "/v1/uplinks", {"limit": MAX_ROWS})["uplinks"]
    except DoorError as error:
        parts["missing"] = str(error)
    return parts


def _log() -> str:
    import subprocess

    try:
        done = subprocess.run(
            ["journalctl", "-u", _UNIT, "-n", str(_LOG_LINES), "--no-pager", "-o", "short-iso"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"no log: {error}\n"
    return done.stdout + done.stderr
