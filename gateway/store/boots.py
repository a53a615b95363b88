"""The table of the gateway's boots: what dates records from before anybody knew the time.

A Pi has no clock of its own. What is heard before time is trusted carries the boot and the ms of its monotonic clock;
once the offset of that boot is known, so is the date, also for rows long written.
"""

from dataclasses import dataclass

import apsw

from gateway.store.records import records_before
from gateway.store.rows import fetch

KEPT = 2000  # boots: five years of daily power cuts, or three hours of a crash every five seconds
_LOOKED_AT = 100  # newest records, for the last time known


@dataclass(frozen=True, slots=True)
class Boot:
    """floor_ms: the last Unix time known when it began, 0 for none. offset_ms: makes Unix ms of its monotonic ms.

    latest_ms: of one that ended before it knew the time, the Unix time by which that was; None while nobody knows.
    """

    boot: int
    floor_ms: int
    offset_ms: int | None
    latest_ms: int | None = None


class Boots:
    """What is known of the boots, to date records with; begin again when an offset was learnt."""

    def __init__(self, boots: list[Boot]) -> None:
        self._offset_ms = {boot.boot: boot.offset_ms for boot in boots}

    def unix_ms(self, boot: int | None, ms: int) -> int | None:
        """The Unix time of *ms* as a record with this *boot* has it; None while nobody knows."""
        if boot is None:
            return ms
        offset_ms = self._offset_ms.get(boot)
        return None if offset_ms is None else ms + offset_ms


def begin_boot(database: apsw.Connection, built_ms: int = 0) -> Boot:
    """A boot begins; built_ms: when this program was made, before which it can't be. In a transaction."""
    earlier = load_boots(database)
    known = [built_ms, *(boot.floor_ms for boot in earlier[-1:])]
    boots = Boots(earlier)
    for stored in records_before(database, None, _LOOKED_AT).records:
        unix_ms = boots.unix_ms(stored.record.boot, stored.record.received_ms)
        known += [] if unix_ms is None else [unix_ms]
    number = (fetch(database, "SELECT max(boot) FROM boot")[0][0] or 0) + 1
    boot = Boot(number, max(known), None)
    database.execute("INSERT INTO boot (boot, floor_ms) VALUES (?, ?)", (boot.boot, boot.floor_ms))
    database.execute("DELETE FROM boot WHERE boot <= ?", (number - KEPT,))
    return boot


def keep_offset(database: apsw.Connection, boot: int, offset_ms: int, began_ms: int) -> None:
    """The time is trusted: Unix ms is the monotonic ms of this boot + *offset_ms*. In a transaction.

    began_ms: monotonic ms of its beginning, before which those have ended that never knew the time.
    """
    database.execute("UPDATE boot SET offset_ms = ? WHERE boot = ?", (offset_ms, boot))
    database.execute(
        "UPDATE boot SET latest_ms = ? WHERE boot < ? AND offset_ms IS NULL AND latest_ms IS NULL",
        (began_ms + offset_ms, boot),
    )


def load_boots(database: apsw.Connection) -> list[Boot]:
    """All boots that are kept, in order."""
    sql = "SELECT boot, floor_ms, offset_ms, latest_ms FROM boot ORDER BY boot"
    return [Boot(*row) for row in fetch(database, sql)]
