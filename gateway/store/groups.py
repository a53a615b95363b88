"""The tables of multicast groups and of their members."""

from dataclasses import replace
from typing import Any

import apsw

from gateway.network.registration import Group
from gateway.store.checksum import checksum
from gateway.store.devices import RegistryError
from gateway.store.faults import FaultKind, StoreError
from gateway.store.rows import fetch
from gateway.store.writes import KeepGroupCounter
from protocol.lorawan.eui import dev_addr_to_text

_COLUMNS = "number, name, mc_addr, mc_key, f_cnt_down, freq_hz, dr"
_WRITE = (
    f"INSERT INTO multicast_group ({_COLUMNS}, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
    " name = ?2, mc_addr = ?3, mc_key = ?4, f_cnt_down = ?5, freq_hz = ?6, dr = ?7, crc = ?8"
)


def add_group(database: apsw.Connection, group: Group) -> Group:
    """Make a group; its number is given here and never again. Raises RegistryError when name or McAddr is taken."""
    highest = fetch(database, "SELECT seq FROM sqlite_sequence WHERE name = 'multicast_group'")
    numbered = replace(group, number=highest[0][0] + 1 if highest else 1)
    set_group(database, numbered)
    return numbered


def set_group(database: apsw.Connection, group: Group) -> None:
    """Change a group and its members. Raises RegistryError when name or McAddr is another's. In a transaction."""
    for name, mc_addr in fetch(
        database,
        "SELECT name, mc_addr FROM multicast_group WHERE (name = ? OR mc_addr = ?) AND number <> ?",
        (group.name, group.mc_addr, group.number),
    ):
        what = f"the name {name!r}" if name == group.name else f"the McAddr {dev_addr_to_text(mc_addr)}"
        raise RegistryError(f"{what} is taken by the group {name!r}; choose another")
    _write(database, group)
    database.execute("DELETE FROM group_member WHERE number = ?", (group.number,))
    database.executemany("INSERT INTO group_member VALUES (?, ?)", [(group.number, dev) for dev in set(group.members)])


def remove_group(database: apsw.Connection, number: int) -> None:
    """Forget a group with its key and members."""
    database.execute("DELETE FROM multicast_group WHERE number = ?", (number,))


def replace_member(database: apsw.Connection, old: bytes, new: bytes) -> int:
    """*new* is a member wherever *old* was (DevEUIs); returns of how many groups. In a transaction."""
    database.execute(
        "INSERT OR IGNORE INTO group_member SELECT number, ? FROM group_member WHERE dev_eui = ?", (new, old)
    )
    database.execute("DELETE FROM group_member WHERE dev_eui = ?", (old,))
    return database.changes()


def load_groups(database: apsw.Connection) -> list[Group]:
    """All groups by number. Raises StoreError for a row that does not match its checksum."""
    members: dict[int, list[bytes]] = {}
    for number, dev_eui in fetch(database, "SELECT number, dev_eui FROM group_member ORDER BY 1, 2"):
        members.setdefault(number, []).append(dev_eui)
    rows = fetch(database, f"SELECT {_COLUMNS}, crc FROM multicast_group ORDER BY number")
    return [_from_row(row, tuple(members.get(row[0], ()))) for row in rows]


def write_group_counter(database: apsw.Connection, write: KeepGroupCounter) -> None:
    """Keep how far a group's downlink counter is reserved."""
    # Without the members, of which there may be thousands.
    for row in fetch(database, f"SELECT {_COLUMNS}, crc FROM multicast_group WHERE number = ?", (write.group,)):
        _write(database, replace(_from_row(row, ()), f_cnt_down=write.f_cnt_down))


def raise_f_cnt_down(database: apsw.Connection, step: int) -> None:
    """Skip *step* downlink counters of every group."""
    for group in load_groups(database):
        _write(database, replace(group, f_cnt_down=group.f_cnt_down + step))


def _write(database: apsw.Connection, group: Group) -> None:
    row = (group.number, group.name, group.mc_addr, group.mc_key, group.f_cnt_down, group.freq_hz, group.dr)
    database.execute(_WRITE, (*row, checksum(*row)))


def _from_row(row: tuple[Any, ...], members: tuple[bytes, ...]) -> Group:
    *columns, crc = row
    if checksum(*columns) != crc:
        raise StoreError(FaultKind.CORRUPT, f"the row of multicast group {row[0]} does not match its checksum")
    number, name, mc_addr, mc_key, f_cnt_down, freq_hz, dr = columns
    return Group(
        number=number,
        name=name,
        mc_addr=mc_addr,
        mc_key=mc_key,
        members=members,
        f_cnt_down=f_cnt_down,
        freq_hz=freq_hz,
        dr=dr,
    )
