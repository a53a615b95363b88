"""The tables of lighting: programmes, which group runs which, what each lamp has, overrides, and the site's almanac."""

from dataclasses import dataclass

import apsw

from gateway.store.checksum import checksum
from gateway.store.rows import fetch
from gateway.store.writes import KeepLamp

KEPT_VERSIONS = 200  # of programmes: a year of a town that changes one every other day; lamps hold at most the last few
KEPT_OVERRIDES = 1000  # as of orders: for an operator who asks what happened


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A version of a programme, as its file was loaded at Unix *loaded_ms*."""

    name: str
    version: int
    text: str
    loaded_ms: int


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """An override; target is a DevEUI in hex, or the number of a group, "0" for the site."""

    id: int
    target: str
    level_pct: int | None
    fade_s: int
    since_s: int
    until_s: int
    source: str


def add_programme(database: apsw.Connection, row: ProgrammeRow) -> None:
    """Keep a version of a programme as the newest of its name; the oldest beyond KEPT_VERSIONS go. In a transaction."""
    columns = (row.name, row.version, row.text, row.loaded_ms)
    database.execute(
        "INSERT INTO light_programme (name, version, text, loaded_ms, crc) VALUES (?, ?, ?, ?, ?)",
        (*columns, checksum(*columns)),
    )
    database.execute(
        "DELETE FROM light_programme WHERE id NOT IN (SELECT max(id) FROM light_programme GROUP BY name)"
        " AND id NOT IN (SELECT id FROM light_programme ORDER BY id DESC LIMIT ?)",
        (KEPT_VERSIONS,),
    )


def load_programmes(database: apsw.Connection) -> list[ProgrammeRow]:
    """All versions of all programmes, the newest last; rows that are damaged are left out."""
    rows = fetch(database, "SELECT name, version, text, loaded_ms, crc FROM light_programme ORDER BY id")
    return [ProgrammeRow(*columns) for *columns, crc in rows if checksum(*columns) == crc]


def assign(database: apsw.Connection, number: int, programme: str) -> None:
    """The lamps of this group shall run the programme of that name. In a transaction."""
    database.execute(
        "INSERT OR REPLACE INTO light_group VALUES (?, ?, ?)", (number, programme, checksum(number, programme))
    )


def load_assigned(database: apsw.Connection) -> dict[int, str]:
    """The name of the programme of each group that has one."""
    rows = fetch(database, "SELECT number, programme, crc FROM light_group ORDER BY number")
    return {number: programme for number, programme, crc in rows if checksum(number, programme) == crc}


def write_lamp(database: apsw.Connection, write: KeepLamp) -> None:
    """Keep what is known of a lamp."""
    row = (write.dev_eui, write.state)
    database.execute("INSERT OR REPLACE INTO light_lamp VALUES (?, ?, ?)", (*row, checksum(*row)))


def load_lamps(database: apsw.Connection) -> dict[bytes, str]:
    """What is known of each lamp; one whose row is damaged is asked anew."""
    rows = fetch(database, "SELECT dev_eui, state, crc FROM light_lamp")
    return {dev_eui: state for dev_eui, state, crc in rows if checksum(dev_eui, state) == crc}


def add_override(database: apsw.Connection, row: OverrideRow) -> OverrideRow:
    """Keep an override, whose id is given here; the oldest beyond KEPT_OVERRIDES go. In a transaction."""
    columns = (row.target, row.level_pct, row.fade_s, row.since_s, row.until_s, row.source)
    database.execute(
        "INSERT INTO light_override (target, level_pct, fade_s, since_s, until_s, source, crc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*columns, checksum(*columns)),
    )
    number = database.last_insert_rowid()
    database.execute("DELETE FROM light_override WHERE id <= ?", (number - KEPT_OVERRIDES,))
    return OverrideRow(number, *columns)


def load_overrides(database: apsw.Connection, since_s: int = 0) -> list[OverrideRow]:
    """The overrides that last beyond Unix *since_s*, oldest first; those that are damaged are left out."""
    rows = fetch(
        database,
        "SELECT id, target, level_pct, fade_s, since_s, until_s, source, crc FROM light_override WHERE until_s > ?"
        " ORDER BY id",
        (since_s,),
    )
    return [OverrideRow(number, *columns) for number, *columns, crc in rows if checksum(*columns) == crc]


def keep_site(database: apsw.Connection, place: str, first_year: int, site: bytes) -> None:
    """Keep the almanac of the site instead of any other. In a transaction."""
    database.execute("DELETE FROM light_site")
    row = (place, first_year, site)
    database.execute("INSERT INTO light_site VALUES (?, ?, ?, ?)", (*row, checksum(*row)))


def load_site(database: apsw.Connection, place: str) -> tuple[int, bytes] | None:
    """The almanac that was kept for *place*, with its first year; None: another's, or it is damaged."""
    rows = fetch(database, "SELECT place, first_year, site, crc FROM light_site WHERE place = ?", (place,))
    return next((row[1:3] for row in rows if checksum(*row[:3]) == row[3]), None)
