"""The table of devices: who is registered, with which keys."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import apsw

from gateway.network.registration import Abp, Registration, Role
from gateway.store import sessions
from gateway.store.checksum import checksum
from gateway.store.rows import fetch
from protocol.lorawan.eui import eui_to_text

Row = tuple[
    int, bytes, str, str, bytes, bytes | None, bytes | None, int | None, bytes | None, bytes | None, int, int, int
]
_COLUMNS = (
    "device, dev_eui, name, role, join_eui, app_key, gen_app_key,"
    " abp_dev_addr, abp_nwk_s_key, abp_app_s_key, class_c, plan, min_dr"
)
_INSERT = f"INSERT INTO device ({_COLUMNS}, removed, crc) VALUES ({', '.join('?' * 13)}, 0, ?)"
_UPDATE = (
    "UPDATE device SET dev_eui = ?2, name = ?3, role = ?4, join_eui = ?5, app_key = ?6, gen_app_key = ?7,"
    " abp_dev_addr = ?8, abp_nwk_s_key = ?9, abp_app_s_key = ?10, class_c = ?11, plan = ?12, min_dr = ?13,"
    " removed = 0, crc = ?14 WHERE device = ?1"
)


class RegistryError(Exception):
    """A change of the registry that cannot be made; *index* tells which of several."""

    def __init__(self, sentence: str, index: int = 0) -> None:
        super().__init__(sentence)
        self.index = index


def add_devices(database: apsw.Connection, registrations: Iterable[Registration]) -> list[Registration]:
    """Register all or none; `device` of each is given here, and is the old one where the DevEUI was registered before.

    A device that comes back keeps its number and so its series. Its sessions are over; with the AppKey that it had
    the nonces used still count, or a Join-Request of then could be replayed.
    Raises RegistryError for the first whose DevEUI or name is taken, with its index. Run it in a transaction.
    """
    return [_add(database, index, registration) for index, registration in enumerate(registrations)]


def set_device(database: apsw.Connection, registration: Registration) -> None:
    """Change a device that is registered; its sessions are over if its keys are new. Run it in a transaction.

    Raises RegistryError when it is not registered, or its name is another's.
    """
    before = get_device(database, registration.dev_eui)
    if before is None:
        raise _unknown(registration.dev_eui)
    _refuse_taken_name(database, 0, registration)
    if (before.app_key, before.abp) != (registration.app_key, registration.abp):
        sessions.end_sessions(database, registration.device, new_key=before.app_key != registration.app_key)
    row = _to_row(registration)
    database.execute(_UPDATE, (*row, checksum(*row)))


def remove_device(database: apsw.Connection, dev_eui: bytes) -> int:
    """Forget the keys of a device; its number and DevEUI stay, because its records do. Returns its number.

    Its sessions are over. Raises RegistryError when it is not registered. Run it in a transaction.
    """
    registration = get_device(database, dev_eui)
    if registration is None:
        raise _unknown(dev_eui)
    row = _to_row(
        Registration(device=registration.device, dev_eui=dev_eui, role=registration.role, name=registration.name)
    )
    database.execute(_UPDATE, (*row, checksum(*row)))
    database.execute(
        "UPDATE device SET removed = 1, last_key = ? WHERE device = ?",
        (_hash(registration.app_key), registration.device),
    )
    sessions.end_sessions(database, registration.device)
    return registration.device


def get_device(database: apsw.Connection, dev_eui: bytes) -> Registration | None:
    """The device with this DevEUI, None when none is registered."""
    rows = fetch(database, f"SELECT {_COLUMNS}, crc FROM device WHERE dev_eui = ? AND NOT removed", (dev_eui,))
    return _from_row(*rows[0]) if rows else None


def list_devices(
    database: apsw.Connection, after: int = 0, limit: int = 1000, *, removed: bool = False
) -> list[Registration]:
    """Up to *limit* devices with a number above *after*, by number. A row that is damaged is left out.

    removed: those that were removed as well, which have no keys any more.
    """
    rows = fetch(
        database,
        f"SELECT {_COLUMNS}, crc FROM device WHERE device > ? AND removed <= ? ORDER BY device LIMIT ?",
        (after, removed, limit),
    )
    return [registration for row in rows if (registration := _from_row(*row)) is not None]


def damaged_devices(database: apsw.Connection) -> list[int]:
    """The numbers of devices whose row does not match its checksum."""
    rows = fetch(database, f"SELECT {_COLUMNS}, crc FROM device")
    return [row[0] for row in rows if _from_row(*row) is None]


def dev_euis(database: apsw.Connection) -> dict[int, bytes]:
    """The DevEUI of every number ever given, removed ones too: what records refer to."""
    return dict(fetch(database, "SELECT device, dev_eui FROM device"))


def _add(database: apsw.Connection, index: int, registration: Registration) -> Registration:
    known = fetch(
        database, "SELECT device, removed, name, last_key FROM device WHERE dev_eui = ?", (registration.dev_eui,)
    )
    if known and not known[0][1]:
        named = f" as {known[0][2]!r}" if known[0][2] else ""
        raise RegistryError(
            f"DevEUI {eui_to_text(registration.dev_eui)} is registered already{named}; remove it first,"
            " or use `devices replace`",
            index,
        )
    _refuse_taken_name(database, index, registration)
    device = known[0][0] if known else _next_number(database)
    numbered = _numbered(registration, device)
    row = _to_row(numbered)
    database.execute(_UPDATE if known else _INSERT, (*row, checksum(*row)))
    if known:
        sessions.end_sessions(database, device, new_key=known[0][3] != _hash(registration.app_key))
    return numbered


def _hash(app_key: bytes | None) -> bytes:
    """Tells keys apart and none of them: 128 random bits are not guessed."""
    return hashlib.sha256(app_key or b"").digest()[:16]


def _next_number(database: apsw.Connection) -> int:
    highest = fetch(database, "SELECT max(device) FROM device")[0][0]  # rows are never deleted
    return (highest or 0) + 1


def _refuse_taken_name(database: apsw.Connection, index: int, registration: Registration) -> None:
    if not registration.name:
        return
    for (other,) in fetch(
        database,
        # An empty name is nobody's, as the index on names says: without that word SQLite would not use it.
        "SELECT dev_eui FROM device WHERE name = ? AND name <> '' AND dev_eui <> ? AND NOT removed",
        (registration.name, registration.dev_eui),
    ):
        raise RegistryError(
            f"the name {registration.name!r} of DevEUI {eui_to_text(registration.dev_eui)} is taken by DevEUI"
            f" {eui_to_text(other)}; choose another",
            index,
        )


def _unknown(dev_eui: bytes) -> RegistryError:
    return RegistryError(f"DevEUI {eui_to_text(dev_eui)} is not registered; `devices list` shows who is")


def _numbered(registration: Registration, device: int) -> Registration:
    return replace(registration, device=device)


def _to_row(registration: Registration) -> Row:
    abp = registration.abp
    return (
        registration.device,
        registration.dev_eui,
        registration.name,
        registration.role.value,
        registration.join_eui,
        registration.app_key,
        registration.gen_app_key,
        abp.dev_addr if abp else None,
        abp.nwk_s_key if abp else None,
        abp.app_s_key if abp else None,
        int(registration.class_c),
        registration.plan,
        registration.min_dr,
    )


def _from_row(*row: Any) -> Registration | None:
    """None: the row is not what was written."""
    *columns, crc = row
    if checksum(*columns) != crc:
        return None
    (device, dev_eui, name, role, join_eui, app_key, gen_app_key, addr, nwk, app, class_c, plan, min_dr) = columns
    return Registration(
        device=device,
        dev_eui=dev_eui,
        role=Role(role),
        name=name,
        join_eui=join_eui,
        app_key=app_key,
        gen_app_key=gen_app_key,
        abp=None if addr is None else Abp(dev_addr=addr, nwk_s_key=nwk, app_s_key=app),
        class_c=bool(class_c),
        plan=plan,
        min_dr=min_dr,
    )
