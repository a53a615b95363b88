"""The tables of places and of what is installed there: devices come and go, a place's series stays."""

from collections.abc import Iterable
from datetime import UTC, datetime

import apsw

from gateway.places.place import Installed, Place, PlaceKind
from gateway.store.devices import RegistryError
from gateway.store.rows import fetch
from protocol.lorawan.eui import eui_to_text

# What is at a place, and where a device's instance is: each by its index, which one OR of both would not use.
_HELD_NOW = (
    "SELECT place_id, from_ms, dev_eui, instance FROM installed WHERE to_ms IS NULL AND place_id = ?1 UNION"
    " SELECT place_id, from_ms, dev_eui, instance FROM installed WHERE to_ms IS NULL AND dev_eui = ?2 AND instance = ?3"
)


def set_places(database: apsw.Connection, places: Iterable[Place]) -> None:
    """Add places, or change those that are there. In a transaction."""
    database.executemany(
        "INSERT INTO place VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " kind = ?2, zone = ?3, name = ?4, latitude_deg = ?5, longitude_deg = ?6",
        [(p.place_id, p.kind.value, p.zone, p.name, p.latitude_deg, p.longitude_deg) for p in places],
    )


def remove_place(database: apsw.Connection, place_id: str) -> None:
    """Forget a place and what was ever installed there. Raises RegistryError when there is no such place."""
    database.execute("DELETE FROM installed WHERE place_id = ?", (place_id,))
    database.execute("DELETE FROM place WHERE place_id = ?", (place_id,))
    if not database.changes():
        raise RegistryError(f"there is no place {place_id!r}; `places list` shows which there are")


def list_places(database: apsw.Connection, after: str = "", limit: int = 1000) -> list[Place]:
    """Up to *limit* places whose id sorts behind *after*, by id."""
    return [
        Place(place_id=place_id, kind=PlaceKind(kind), zone=zone, name=name, latitude_deg=lat, longitude_deg=lon)
        for place_id, kind, zone, name, lat, lon in fetch(
            database, "SELECT * FROM place WHERE place_id > ? ORDER BY place_id LIMIT ?", (after, limit)
        )
    ]


def install(database: apsw.Connection, installed: Installed) -> None:
    """A device's instance is at a place from now on; what it or the place had before ends there. In a transaction.

    Raises RegistryError when there is no such place, or when it starts before what is there now.
    """
    if not fetch(database, "SELECT 1 FROM place WHERE place_id = ?", (installed.place_id,)):
        raise RegistryError(f"there is no place {installed.place_id!r}; make it with `places set` first")
    held = fetch(database, _HELD_NOW, (installed.place_id, installed.dev_eui, installed.instance))
    for place_id, from_ms, *_ in held:
        if from_ms >= installed.from_ms:
            raise RegistryError(
                f"{place_id}: what hangs there has hung there since {_iso(from_ms)}, not before"
                f" {_iso(installed.from_ms)}; give a later time, or take its device away first with"
                " `places free DEV_EUI`"
            )
    for key in held:
        database.execute(
            "UPDATE installed SET to_ms = ? WHERE place_id = ? AND from_ms = ? AND dev_eui = ? AND instance = ?",
            (installed.from_ms, *key),
        )
    database.execute(
        "INSERT INTO installed (place_id, dev_eui, instance, from_ms, to_ms) VALUES (?, ?, ?, ?, ?)",
        (installed.place_id, installed.dev_eui, installed.instance, installed.from_ms, installed.to_ms),
    )


def free(database: apsw.Connection, dev_eui: bytes, to_ms: int) -> None:
    """The device hangs nowhere from *to_ms* (Unix) on."""
    database.execute(
        "UPDATE installed SET to_ms = max(from_ms, ?) WHERE dev_eui = ? AND to_ms IS NULL", (to_ms, dev_eui)
    )


def replace_device(database: apsw.Connection, old: bytes, new: bytes, at_ms: int) -> int:
    """*new* hangs from *at_ms* (Unix) on wherever *old* hung, instance by instance; returns at how many places.

    Both are DevEUIs. Raises RegistryError when *old* hangs nowhere. In a transaction.
    """
    rows = fetch(
        database, "SELECT place_id, instance, from_ms FROM installed WHERE dev_eui = ? AND to_ms IS NULL", (old,)
    )
    if not rows:
        raise RegistryError(f"DevEUI {eui_to_text(old)} is installed nowhere; nothing to hand over")
    for place_id, instance, from_ms in rows:
        begin_ms = max(at_ms, from_ms + 1)
        install(database, Installed(place_id=place_id, dev_eui=new, instance=instance, from_ms=begin_ms))
    return len(rows)


def list_installed(database: apsw.Connection, *, now_only: bool = False) -> list[Installed]:
    """What is or was installed where, by place and time; now_only: what has no end."""
    return [
        Installed(place_id=place_id, dev_eui=dev_eui, instance=instance, from_ms=from_ms, to_ms=to_ms)
        for place_id, from_ms, dev_eui, instance, to_ms in fetch(
            database,
            "SELECT place_id, from_ms, dev_eui, instance, to_ms FROM installed WHERE to_ms IS NULL OR NOT ?"
            " ORDER BY place_id, from_ms",
            (now_only,),
        )
    ]


def _iso(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms // 1000, UTC).isoformat()
