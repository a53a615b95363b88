"""Writing commits: each write goes to the module that owns its table, grouped so that few pages are touched."""

from collections.abc import Iterable

import apsw

from gateway.network.events import Commit
from gateway.readings.record import Record
from gateway.store.airtime import write_airtime
from gateway.store.counters import write_counters
from gateway.store.groups import write_group_counter
from gateway.store.orders import write_order
from gateway.store.quarantine import write_quarantine
from gateway.store.records import RecordWriter
from gateway.store.sessions import write_session
from gateway.store.writes import (
    AddQuarantine,
    AddRecord,
    KeepAirtime,
    KeepCounters,
    KeepGroupCounter,
    KeepOrder,
    KeepSession,
    StartSession,
)


def write_commits(database: apsw.Connection, records: RecordWriter, commits: Iterable[Commit]) -> int:
    """Write *commits* in the caller's transaction, as if one after the other; returns how many records were added.

    Of counters, airtime and orders only the last state is written.
    """
    added: list[Record] = []
    counters: dict[int, KeepCounters] = {}
    last: dict[tuple[str, int | str], KeepGroupCounter | KeepAirtime | KeepOrder] = {}
    for commit in commits:
        for write in commit.writes:
            if isinstance(write, AddRecord):
                added.append(write.record)
            elif isinstance(write, KeepCounters):
                counters[write.device] = _after(counters.get(write.device), write)
            elif isinstance(write, KeepSession):
                write_session(database, write)
            elif isinstance(write, StartSession):
                # Counters that came before are the old session's; its last log must not get lost with them.
                before = counters.pop(write.device, None)
                if before is not None:
                    write_counters(database, (before,))
                write_session(database, write)
            elif isinstance(write, AddQuarantine):
                write_quarantine(database, write)
            elif isinstance(write, KeepGroupCounter):
                last["group", write.group] = write
            elif isinstance(write, KeepAirtime):
                last["airtime", write.radio] = write
            else:
                last["order", write.id] = write
    for kept in last.values():
        if isinstance(kept, KeepGroupCounter):
            write_group_counter(database, kept)
        elif isinstance(kept, KeepAirtime):
            write_airtime(database, kept)
        else:
            write_order(database, kept)
    write_counters(database, counters.values())
    if added:
        records.append(database, added)
    return len(added)


def _after(before: KeepCounters | None, write: KeepCounters) -> KeepCounters:
    if before is None or write.log is not None or before.log is None:
        return write
    return KeepCounters(write.device, write.f_cnt_up, write.f_cnt_down, before.log)
