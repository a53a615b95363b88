"""`lampyre gateway light faults | energy`: the work list, and what lamps took, mounted beside the rest of `light`."""

import csv
import sys
import time
from collections.abc import Iterable
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, print_rows

if TYPE_CHECKING:
    from gateway.api.door import Door


_PAGE = 500  # nights of lamps in one go


class Language(Enum):
    """Of the work list."""

    EN = "en"
    FR = "fr"


class By(Enum):
    """What energy is summed by."""

    GROUP = "group"
    LAMP = "lamp"
    NIGHT = "night"
    LAMP_NIGHT = "lamp-night"
    GROUP_NIGHT = "group-night"


_FAULTS = {
    "en": {"place": "lamp", "zone": "zone", "what": "what", "since": "since", "over": "over", "shows": "what shows it"},
    "fr": {"place": "lampe", "zone": "zone", "what": "quoi", "since": "depuis", "over": "fin", "shows": "constat"},
}
_NOTHING = {"en": "nothing is wrong with any lamp", "fr": "aucune lampe n’est en défaut"}
_ENERGY = {
    "night": "night",
    "lamp": "lamp",
    "group": "group",
    "lamps": "lamps",
    "nights": "nights",
    "energy_kwh": "kWh",
    "reckoned_kwh": "reckoned",
    "full_kwh": "at full",
    "saved_of_full_pct": "saved %",
    "baseline_kwh": "baseline",
    "saved_of_baseline_pct": "saved %",
    "lit_h": "lit h",
    "covered_h": "seen h",
    "switches": "switches",
}


def faults(
    days: Annotated[int, typer.Option(help="Also what was over within so many days.", min=0, max=1100)] = 0,
    lang: Annotated[Language, typer.Option(help="Of the list.")] = Language.EN,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Show what is wrong with lamps and their feeders: since when, and what shows it."""
    from gateway.lighting.work_list import evidence_in_words, name_of, outage_in_words

    language = lang.value
    query = {"since_ms": int((time.time() - days * 86_400) * 1000)} if days else {}
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/light/faults", query)["faults"]
    if not as_json:
        for row in rows:
            of_lamp = row["dev_eui"] is not None
            row["shows"] = (evidence_in_words if of_lamp else outage_in_words)(row["evidence"], language)
            row["what"] = name_of(row["fault"], language)
            row["place"] = (row["place"] or row["dev_eui"]) if of_lamp else ""
            if of_lamp and row["head"]:
                row["place"] += f" ({row['head'] + 1})"
            row["since"] = _local(row["since"])
            row["over"] = _local(row["over"]) if row["over"] else ""
    columns = {key: heading for key, heading in _FAULTS[language].items() if key != "over" or days}
    print_rows(rows, columns, as_json, _NOTHING[language])


def energy(
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="First night; 30 nights ago by default.")] = "",
    to: Annotated[str, typer.Option("--to", metavar="DATE", help="Last night; the last one by default.")] = "",
    by: Annotated[By, typer.Option(help="What it is summed by.")] = By.GROUP,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write CSV here, `-` for stdout, with every column.", allow_dash=True)
    ] = None,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """Show what lamps took, against full light and against the declared baseline, by group, lamp or night."""
    from gateway.lighting.accounting import summed

    today = date.today()
    first, last = _date(since, today - timedelta(days=30)), _date(to, today)
    if first > last:
        fail(f"--from {first} is after --to {last}", 2)
    keys = by.value.split("-")
    with door(config) as gateway:
        rows = summed(_nights(gateway, first, last), keys)
    if csv_file is not None:
        _write_csv(rows, csv_file)
        return
    columns = {key: heading for key, heading in _ENERGY.items() if key in keys or key not in ("night", "lamp", "group")}
    nothing = f"no night of a lamp is known from {first} to {last}"
    print_rows(rows, columns, as_json, nothing)


def _nights(gateway: "Door", first: date, last: date) -> Iterable[dict[str, Any]]:
    query: dict[str, str | int] = {"from": str(first), "to": str(last), "limit": _PAGE}
    while True:
        page = gateway.ask("GET", "/v1/light/nights", query)
        yield from page["nights"]
        if page["next"] is None:
            return
        query["after"] = page["next"]


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    if not rows:
        fail("no night of a lamp is known in that time; nothing was written")
    try:
        with open(sys.stdout.fileno() if str(path) == "-" else path, "w", newline="", closefd=str(path) != "-") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")


def _date(text: str, default: date) -> date:
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"'{text}' is no date; write it as 2026-11-22", 2)


def _local(text: str) -> str:
    from datetime import datetime

    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
