"""The table of counters: what changes with every uplink, in small rows so that a commit touches few pages."""

from collections.abc import Iterable
from dataclasses import dataclass

import apsw

from gateway.readings.node_log import doubted
from gateway.store.checksum import checksum
from gateway.store.faults import FaultKind, StoreError
from gateway.store.rows import fetch, insert
from gateway.store.writes import KeepCounters

_COUNTERS = "counter (device, f_cnt_up, f_cnt_down, crc)"
_WITH_LOG = "counter (device, f_cnt_up, f_cnt_down, crc, log, log_crc)"
_KEEP = "ON CONFLICT DO UPDATE SET f_cnt_up = excluded.f_cnt_up, f_cnt_down = excluded.f_cnt_down, crc = excluded.crc"
_KEEP_LOG = f"{_KEEP}, log = excluded.log, log_crc = excluded.log_crc"


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of a device's current session, and the text of its log; None: nothing was kept of it."""

    f_cnt_up: int
    f_cnt_down: int
    log: str | None


def write_counters(database: apsw.Connection, writes: Iterable[KeepCounters]) -> None:
    """Write counters of devices, each at most once; run it in a transaction."""
    with_log = []
    without = []
    for write in writes:
        device, up, down, log = write.device, write.f_cnt_up, write.f_cnt_down, write.log
        if log is None:
            without.append((device, up, down, checksum(device, up, down)))
        else:
            with_log.append((device, up, down, checksum(device, up, down), log, checksum(device, log)))
    insert(database, _WITH_LOG, with_log, _KEEP_LOG)
    insert(database, _COUNTERS, without, _KEEP)


def start_counters(database: apsw.Connection, device: int, f_cnt_up: int, f_cnt_down: int) -> None:
    """A new session is the current one; the log stays."""
    insert(database, _COUNTERS, [(device, f_cnt_up, f_cnt_down, checksum(device, f_cnt_up, f_cnt_down))], _KEEP)


def load_counters(database: apsw.Connection) -> dict[int, Counters]:
    """The counters of all devices, by number. Raises StoreError for a row that does not match its checksum."""
    kept = {}
    for device, up, down, crc, log, log_crc in fetch(
        database, "SELECT device, f_cnt_up, f_cnt_down, crc, log, log_crc FROM counter"
    ):
        if checksum(device, up, down) != crc or (log is not None and checksum(device, log) != log_crc):
            raise StoreError(FaultKind.CORRUPT, f"the counters of device {device} do not match their checksum")
        kept[device] = Counters(up, down, log)
    return kept


def doubt_logs(database: apsw.Connection, device: int | None = None) -> None:
    """Of these logs, of one device's or of all, their nodes must tell how they are before anything is taken again.

    What was kept is of an earlier time than what the nodes know. Run it in a transaction.
    """
    for number, kept in load_counters(database).items():
        if device in (None, number) and kept.log is not None:
            write_counters(database, (KeepCounters(number, kept.f_cnt_up, kept.f_cnt_down, doubted(kept.log)),))


def raise_f_cnt_down(database: apsw.Connection, step: int) -> None:
    """Skip *step* downlink counters of every device."""
    for device, kept in load_counters(database).items():
        start_counters(database, device, kept.f_cnt_up, kept.f_cnt_down + step)
