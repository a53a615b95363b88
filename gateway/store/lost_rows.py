"""After a salvage: the numbers of nodes' logs whose records are gone, so that the nodes are asked for them again.

A log says how far it was heard of; the rows that were saved say what of that is still here. What lies between them is
missing: the node has it for weeks. Much of it the city has already, under the same key, which does no harm; but what
retention has deleted must not be asked for by the thousand. So a device's rows are looked at from its oldest reading
on, and only where others may have been lost below it, or all of them, a bounded number further back.
"""

from array import array

import apsw

from gateway.readings.dating import Moment
from gateway.readings.node_log import REACH, NodeLog
from gateway.readings.record import Kind
from gateway.store.counters import Counters, load_counters, write_counters
from gateway.store.writes import KeepCounters

UNSEEN = 1024  # numbers of one device that are asked for where no row tells: days of an air node, hours of its airtime


def miss_lost_rows(database: apsw.Connection, delivered_id: int | None) -> int:
    """Note in the logs what is missing; returns how many numbers. Run it in a transaction.

    delivered_id: up to there all records had left, None: nobody knows. Rows are read twice, in their order.
    """
    kept = {device: counters for device, counters in load_counters(database).items() if counters.log is not None}
    logs = {
        device: log for device, counters in kept.items() if (log := NodeLog.from_text(counters.log)).epoch is not None
    }
    had, oldest, first_id = _look(database, logs)
    further = delivered_id is not None and (first_id is None or first_id > delivered_id + 1)
    found: dict[int, NodeLog] = {}
    for device, log in logs.items():
        seqs = sorted(set(had[device]))
        next_seq = max(log.next_seq, seqs[-1] + 1 if seqs else 0)
        first = oldest.get(device, next_seq)
        if further or device not in oldest:
            first = min(first, next_seq - UNSEEN)
        after = log.left_with(seqs, max(first, next_seq - REACH, 0))
        if after != log:
            found[device] = after
    moments = _moments(database, found)
    for device, log in found.items():
        _keep(database, device, kept[device], log.dated(moments[device]))
    return sum(max(log.missing() - logs[device].missing(), 0) for device, log in found.items())


def _look(
    database: apsw.Connection, logs: dict[int, NodeLog]
) -> tuple[dict[int, "array[int]"], dict[int, int], int | None]:
    """The numbers of each log that have a row, the number of its oldest reading, and the lowest id there is."""
    had = {device: array("q") for device in logs}
    oldest: dict[int, int] = {}
    first_id: int | None = None
    for row_id, kind, device, epoch, seq in database.execute(
        "SELECT id, kind, device, epoch, seq FROM record ORDER BY id"
    ):
        first_id = row_id if first_id is None else first_id
        log = logs.get(device)
        if log is None or seq is None or epoch != log.epoch:
            continue
        if kind == Kind.READING:
            oldest.setdefault(device, seq)
        if seq >= log.next_seq - REACH:
            had[device].append(seq)
    return had, oldest, first_id


def _moments(database: apsw.Connection, logs: dict[int, NodeLog]) -> dict[int, dict[int, Moment]]:
    """By device, the moments of the rows that its log needs to date what is missing."""
    wanted = {device: log.neighbours() for device, log in logs.items()}
    moments: dict[int, dict[int, Moment]] = {device: {} for device in logs}
    for device, epoch, seq, boot, observed_ms, error_s in database.execute(
        "SELECT device, epoch, seq, boot, observed_ms, time_error_s FROM record WHERE observed_ms IS NOT NULL"
    ):
        if seq in wanted.get(device, ()) and (epoch, boot) == (logs[device].epoch, logs[device].boot):
            moments[device][seq] = observed_ms, error_s
    return moments


def _keep(database: apsw.Connection, device: int, counters: Counters, log: NodeLog) -> None:
    write_counters(database, (KeepCounters(device, counters.f_cnt_up, counters.f_cnt_down, log.to_text()),))
