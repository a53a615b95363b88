"""Writing commits: each write goes to the module that owns its table, grouped so that few pages are touched."""

from collections.abc import Iterable

import apsw

from gateway.network.events import Commit
from gateway.readings.record import Record
from gateway.store.airtime import write_airtime
from gateway.store.counters import write_counters
from gateway.store.faults import is_of_the_disk
from gateway.store.groups import write_group_counter
from gateway.store.lamps import write_found
from gateway.store.lighting import write_lamp
from gateway.store.orders import write_order
from gateway.store.quarantine import write_quarantine
from gateway.store.records import RecordWriter
from gateway.store.sessions import write_session
from gateway.store.writes import (
    AddLampNight,
    AddQuarantine,
    AddRecord,
    KeepAirtime,
    KeepCounters,
    KeepFault,
    KeepGroupCounter,
    KeepLamp,
    KeepLampState,
    KeepOrder,
    KeepOutage,
    KeepSession,
    StartSession,
    Write,
)

_LAMPS = (KeepLampState, KeepFault, KeepOutage, AddLampNight)
# What was decided does not rest on these.
_FOR_THE_RECORD = (AddRecord, AddQuarantine, KeepOrder, KeepAirtime, KeepLamp, *_LAMPS)


def write_commits(database: apsw.Connection, records: RecordWriter, commits: Iterable[Commit]) -> int:
    """Write *commits* in the caller's transaction, as if one after the other; returns how many records were added.

    Of counters, airtime, lamps and orders only the last state is written.
    """
    added: list[Record] = []
    counters: dict[int, KeepCounters] = {}
    last: dict[tuple[str, int | str | bytes], KeepGroupCounter | KeepAirtime | KeepLamp | KeepOrder] = {}
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
            elif isinstance(write, _LAMPS):
                write_found(database, write)
            elif isinstance(write, KeepGroupCounter):
                last["group", write.group] = write
            elif isinstance(write, KeepAirtime):
                last["airtime", write.radio] = write
            elif isinstance(write, KeepLamp):
                last["lamp", write.dev_eui] = write
            else:
                last["order", write.id] = write
    for kept in last.values():
        if isinstance(kept, KeepGroupCounter):
            write_group_counter(database, kept)
        elif isinstance(kept, KeepAirtime):
            write_airtime(database, kept)
        elif isinstance(kept, KeepLamp):
            write_lamp(database, kept)
        else:
            write_order(database, kept)
    write_counters(database, counters.values())
    if added:
        records.append(database, added)
    return len(added)


def write_apart(
    database: apsw.Connection, records: RecordWriter, commits: Iterable[Commit], left_out: list[str]
) -> int:
    """As `write_commits`, after that failed by a mistake of ours: what cannot be written stays out if it may.

    left_out: gets a sentence for each. What a session or a counter rests on is written, or the error raised.
    """
    added = 0
    for commit in commits:
        for write in commit.writes:
            database.execute("SAVEPOINT write")
            try:
                added += write_commits(database, records, (Commit(token=commit.token, writes=(write,), at_once=False),))
            except Exception as error:
                if not isinstance(write, _FOR_THE_RECORD) or database.get_autocommit() or is_of_the_disk(error):
                    raise
                database.execute("ROLLBACK TO write")
                records.forget()
                left_out.append(f"{_named(write)} could not be written: {type(error).__name__}: {error}; report this")
            database.execute("RELEASE write")
    return added


def _named(write: Write) -> str:
    """What a write was to keep, without its content."""
    if isinstance(write, AddRecord):
        return f"{write.record.kind!r} of device {write.record.device}, number {write.record.seq},"
    if isinstance(write, AddQuarantine):
        return f"a payload of device {write.device} for the quarantine"
    if isinstance(write, _LAMPS):
        return f"what lighting found ({type(write).__name__})"
    if isinstance(write, KeepLamp):
        return f"what is known of lamp {write.dev_eui.hex()}"
    return f"order {write.id}" if isinstance(write, KeepOrder) else f"the airtime of {getattr(write, 'radio', '?')}"


def _after(before: KeepCounters | None, write: KeepCounters) -> KeepCounters:
    if before is None or write.log is not None or before.log is None:
        return write
    return KeepCounters(write.device, write.f_cnt_up, write.f_cnt_down, before.log)
