"""The table of the radios' airtime: one small row for each, written over after it has sent."""

import apsw

from gateway.network.airtime import NOTHING
from gateway.store.checksum import checksum
from gateway.store.rows import fetch
from gateway.store.writes import KeepAirtime

MAX_RADIOS = 1_024  # as many as are known at a time


def write_airtime(database: apsw.Connection, write: KeepAirtime) -> None:
    """Keep what a radio has sent; in a transaction. Of one that has sent nothing nothing is kept."""
    if write.sent == NOTHING:
        database.execute("DELETE FROM airtime WHERE radio = ?", (write.radio,))
        return
    database.execute(
        "INSERT INTO airtime VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sent = ?2, crc = ?3",
        (write.radio, write.sent, checksum(write.radio, write.sent)),
    )


def load_airtime(database: apsw.Connection) -> dict[str, str | None]:
    """What each radio has sent, by name; None where the row does not match its checksum. At most MAX_RADIOS."""
    return {
        radio: sent if checksum(radio, sent) == crc else None
        for radio, sent, crc in fetch(database, "SELECT radio, sent, crc FROM airtime LIMIT ?", (MAX_RADIOS,))
    }
