"""`lampyre gateway light`: programmes, overrides, and why a lamp has its level."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.commands import lamps
from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, load, print_rows, shown, sub_app
from gateway.commands.places import unix_ms
from gateway.counted import counted

app = sub_app("Street lighting: programmes, overrides, and why a lamp has its level.")
programme = sub_app("Dimming programmes: check a file, load it into lamps, see what there is.")
app.add_typer(programme, name="programme")
app.command()(lamps.faults)
app.command()(lamps.energy)

ProgrammeFile = Annotated[Path, typer.Argument(metavar="FILE", help="A programme as TOML.")]
_GROUPS = {
    "group": "group",
    "name": "name",
    "lamps": "lamps",
    "programme": "programme",
    "version": "version",
    "have_it": "have it",
    "have_key": "have key",
    "held_pct": "held at %",
    "confirmed": "confirmed",
}
_LAMPS = {
    "dev_eui": "lamp",
    "groups": "groups",
    "programme": "programme",
    "lacks": "lacks",
    "follows": "follows",
    "told_pct": "told %",
    "told_at": "at",
}
_PROGRAMMES = {"name": "name", "version": "version", "loaded": "loaded", "groups": "groups"}
_HELD = {"target": "target", "level_pct": "level %", "lamps": "lamps", "until": "until", "airtime_ms": "airtime ms"}
_SPAN = re.compile(r"(\d+)\s*(s|min|h)?")
_SECONDS = {None: 1, "s": 1, "min": 60, "h": 3600}


@programme.command()
def check(
    path: ProgrammeFile,
    lang: Annotated[lamps.Language, typer.Option(help="Of what the law may say.")] = lamps.Language.EN,
    config: ConfigPath = CONFIG,
) -> None:
    """Read a programme and say what is wrong with it, how long it is, and which article of the law it may break."""
    from datetime import UTC, datetime

    from gateway.lighting.almanac import AlmanacError, site_of
    from gateway.lighting.distribution import parts_of
    from gateway.lighting.files import ProgrammeError, read_programme
    from gateway.lighting.law import findings

    site = load(config).site
    now = datetime.now(UTC)
    try:
        found = read_programme(_text(path))
        almanac = site_of(site.latitude_deg, site.longitude_deg, site.timezone, site.insee, now.year)
    except (ProgrammeError, AlmanacError) as error:
        fail(f"{path}: {error}")
    frames, events = counted(parts_of(found), "frame"), counted(len(found.events), "event")
    size = len(found.nights.encode())
    typer.echo(f"{found.name}: version {found.version:04x}, {size} bytes in {frames}, {events}")
    for finding in findings(found, almanac, int(now.timestamp())):
        french = lang is lamps.Language.FR
        typer.echo(f"{'attention :' if french else 'warning:'} {finding.sentence(french)}", err=True)


@programme.command()
def example() -> None:
    """Print a commented example."""
    import importlib.resources

    typer.echo((importlib.resources.files("gateway.lighting") / "example.toml").read_text(encoding="utf-8"), nl=False)


@programme.command("load")
def load_(
    path: ProgrammeFile,
    group: Annotated[
        list[str] | None, typer.Option("--group", help="Who shall run it, by name or number; again for another group.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would cost.")] = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Load a programme into the lamps of its groups; what that costs on the air is said before it is sent."""
    form: dict[str, Any] = {"text": _text(path), "groups": group or []}
    with door(config) as gateway:
        said = gateway.ask("POST", "/v1/light/programmes", body=form | {"dry_run": True})
        for row in said["groups"]:
            typer.echo(f"{row['name']}, {counted(row['lamps'], 'lamp')}: {row['cost']}", err=True)
        for warning in [*said["warnings"], *said["law"]]:
            typer.echo(f"warning: {warning}", err=True)
        if not said["groups"]:
            typer.echo("no group runs it; name one with --group", err=True)
        if not dry_run:
            gateway.ask("POST", "/v1/light/programmes", body=form)
            if not gateway.running and said["groups"]:
                typer.echo("the gateway is stopped; lamps get it once it runs", err=True)
    typer.echo(f"{said['name']} {said['version']}")


@programme.command("list")
def list_(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """List the programmes, and who runs them."""
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/light/programmes")["programmes"]
    print_rows(rows, _PROGRAMMES, as_json, "no programme was loaded")


@programme.command()
def show(
    name: Annotated[str, typer.Argument(help="As `programme list` shows it.")], config: ConfigPath = CONFIG
) -> None:
    """Print a programme as it was loaded."""
    with door(config) as gateway:
        typer.echo(gateway.ask("GET", f"/v1/light/programmes/{name}")["text"], nl=False)


@app.command()
def groups(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """List the groups: what they shall run, how many lamps have it, and what is held."""
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/light/groups")["groups"]
    if not as_json:
        for row in rows:
            row["confirmed"] = f"{row['confirmed']} of {row['told']}" if row["told"] else None
    print_rows(rows, _GROUPS, as_json, "no group has lamps in it; `groups set` makes one")


@app.command()
def who(
    missing: Annotated[bool, typer.Option("--missing", help="Only lamps that lack what they should have.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """List the lamps: which version of which programme each has and should have, and what it told last."""
    with door(config) as gateway:
        rows = list(gateway.rows("/v1/light/lamps", "lamps"))
    if missing:
        rows = [row for row in rows if _lacks(row) or row["follows"] is False]
    if not as_json:
        for row in rows:
            row["programme"] = _programme_of(row)
            row["lacks"] = ", ".join(row["lacks_settings"]) or None
            row["follows"] = row["refusal"] or {True: "yes", False: "not yet", None: None}[row["follows"]]
    print_rows(rows, _LAMPS, as_json, "no lamp lacks anything" if missing else "there are no lamps")


def _lacks(row: dict[str, Any]) -> bool:
    return bool(row["wanted"] and not row["has_it"]) or bool(row["lacks_settings"])


def _programme_of(row: dict[str, Any]) -> str | None:
    """What a lamp has, and what it shall get instead."""
    has: str | None = row["has"]
    if row["refused"]:
        return f"{shown(has)}, refused {row['refused']}"
    if not row["wanted"] or row["has_it"]:
        return has
    return f"{shown(has)}, shall get {row['wanted']}" if has != row["wanted"] else f"{has}, being asked"


@app.command()
def explain(
    lamp: Annotated[str, typer.Argument(metavar="LAMP", help="Its DevEUI.")],
    at: Annotated[str, typer.Option("--at", help="ISO time, as 2026-12-24T23:00+01:00; now by default.")] = "",
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Say which rule holds a lamp, at which level, and until when."""
    query: dict[str, str | int] = {"at_s": unix_ms(at) // 1000} if at else {}
    with door(config) as gateway:
        row = gateway.ask("GET", f"/v1/light/lamps/{lamp}", query)
    if as_json:
        print_rows([row], {}, True, "")
        return
    why = f"{row['rule']}{', ' + row['detail'] if row['detail'] else ''}"
    typer.echo(f"{row['at']}  {row['level_pct']} %  by {why}")
    alone = f"alone it would be at {row['alone_pct']} %"
    if row["wanted"] and not row["has_it"]:
        alone += f", with the programme that it shall get at {row['planned_pct']} %"
    typer.echo(f"until {row['until'] or 'something happens'}; {alone}")
    told = "nothing yet" if row["told_pct"] is None else f"{row['told_pct']} % at {row['told_at']}"
    typer.echo(f"it told {told}; it has {shown(row['has'])}, and should have {shown(row['wanted'])}")


@app.command("set")
def set_(
    levels: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET=PERCENT…", help="A group by name or number, a lamp's DevEUI, or site, as rue-a=40."
        ),
    ],
    for_: Annotated[str, typer.Option("--for", help="How long, as 90min or 2h.")] = "1h",
    fade_s: Annotated[int, typer.Option("--fade", min=0, max=3600, help="Seconds.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would cost.")] = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Hold lamps at a level for a while: an override, or with several targets a scene. It ends by itself."""
    span = _SPAN.fullmatch(for_)
    if span is None:
        fail(f"--for is '{for_}'; write how long, as 90min or 2h", 2)
    form = {
        "levels": dict([_level(text) for text in levels]),
        "hold_s": int(span[1]) * _SECONDS[span[2]],
        "fade_s": fade_s,
        "source": "cli",
    }
    _hold(form, dry_run, config)


@app.command()
def resume(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET…", help="As they were named to `light set`.")],
    config: ConfigPath = CONFIG,
) -> None:
    """End what `light set` holds: back to the programme."""
    _hold({"levels": dict.fromkeys(targets), "source": "cli"}, False, config)


def _hold(form: dict[str, Any], dry_run: bool, config: Path) -> None:
    with door(config) as gateway:
        held = gateway.ask("POST", "/v1/light/holds", body=form | {"dry_run": True})["held"]
        for row in held:
            if row["cost"]:
                typer.echo(f"{row['target']}: {row['cost']}", err=True)
        if not dry_run:
            held = gateway.ask("POST", "/v1/light/holds", body=form)["held"]
    print_rows(held, _HELD, False, "")


def _level(text: str) -> tuple[str, int]:
    target, equals, level = text.rpartition("=")
    if not equals or not target or not level.isdecimal():
        fail(f"'{text}' is no target with a level; write TARGET=PERCENT, as rue-a=40", 2)
    return target, int(level)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{path}: is not UTF-8; save the file as UTF-8")
