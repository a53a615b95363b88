"""`lampyre gateway readings | uplinks | quarantine`: what came in."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import apsw
import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, lines, print_rows
from gateway.counted import counted

if TYPE_CHECKING:
    from gateway.api.door import Door

_POLL_S = 25  # of `--follow`: shorter than the longest the gateway waits
_UPLINKS = {
    "at": "time",
    "dev": "device",
    "f_cnt": "FCnt",
    "f_port": "FPort",
    "dr": "DR",
    "rssi_dbm": "RSSI",
    "snr_db": "SNR",
    "said": "what",
}


def readings(
    database: Annotated[
        Path | None,
        typer.Option(help="Read this SQLite file, whoever has it, instead of asking.", exists=True, dir_okay=False),
    ] = None,
    after: Annotated[int, typer.Option(help="Begin behind the record with this id.", min=0)] = 0,
    limit: Annotated[int | None, typer.Option(help="Stop after so many.", min=1)] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Print what was accepted as JSON lines, oldest first, as it is published."""
    if database is not None:
        lines(islice(_of_file(database, after), limit))
        return
    with door(config) as gateway:
        lines(islice(gateway.rows("/v1/readings", "readings", start=after), limit))


def uplinks(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they come, until Ctrl-C.")] = False,
    limit: Annotated[int | None, typer.Option(help="Stop after so many.", min=1)] = None,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Show the last uplinks, accepted and refused, and why."""
    with door(config) as gateway:
        try:
            if follow:
                _print_as_they_come(islice(_follow(gateway), limit), as_json)
                return
            rows = gateway.ask("GET", "/v1/uplinks", {"limit": 1000})["uplinks"][:limit]
        except KeyboardInterrupt:
            return
    print_rows(
        rows if as_json else map(_uplink, rows), _UPLINKS, as_json, "nothing was heard since the gateway started"
    )


def quarantine(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Show payloads that were authentic and could not be read, and why."""
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/quarantine", {"limit": limit})["quarantine"]
    columns = {"received": "received", "dev_eui": "device", "f_port": "FPort", "reason": "reason", "payload": "payload"}
    print_rows(rows, columns, as_json, "the quarantine is empty")


def _of_file(path: Path, after: int) -> Iterator[dict[str, Any]]:
    """All of a file, which may be in use."""
    from gateway.api.reading import read_rows

    try:
        yield from read_rows(path, after)
    except (apsw.NotADBError, apsw.SQLError):
        fail(f"{path} is not a gateway's database")
    except apsw.Error as error:
        fail(f"{path}: {error}; a database that is in use or in WAL mode needs a writable folder")


def _follow(gateway: "Door") -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        told = gateway.ask("GET", "/v1/uplinks", {"after": after, "limit": 1000, "wait_s": _POLL_S})
        after = told["next"]
        yield from told["uplinks"]


def _print_as_they_come(rows: Iterator[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        lines(rows, flush=True)
        return
    for row in map(_uplink, rows):
        typer.echo("  ".join(f"{head} {row[name]}" for name, head in _UPLINKS.items() if row.get(name) is not None))


def _uplink(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the ring as a line: who, how the best radio heard it, and what became of it."""
    if "refused" in row:
        said = f"{row['refused']}: {row['detail']}"
    else:
        said = f"accepted, {counted(row['records'], 'record')}"
    best = row["radios"][0] if row.get("radios") else {}
    return row | best | {"dev": row.get("dev_eui") or row.get("dev_addr"), "said": said}
