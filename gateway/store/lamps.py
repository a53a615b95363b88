"""The tables of what lamps really did: their state between readings, faults, outages of feeders, nights of energy."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import apsw

from gateway.lighting.consumption import LampNight
from gateway.lighting.faults import Fault, FaultKind
from gateway.lighting.outage import Cause, Outage
from gateway.store.checksum import checksum
from gateway.store.rows import fetch
from gateway.store.writes import AddLampNight, KeepFault, KeepLampState, KeepOutage

MAX_FAULTS = 5000  # that are handed out at once: every lamp of a gateway has one
KEPT_FAULTS_DAYS = 1100  # after they were over: three years of a maintenance contract
_FAULT = "device, head, kind, since_ms, seen_ms, over_ms, evidence"
_OUTAGE = "feeder, since_ms, cause, over_ms, lamps, known, gasps, others_heard"
_NIGHT = "night, device, heads, energy_wh, reckoned_wh, lit_s, covered_s, dark_s, full_wh, switches"


class NightRow(NamedTuple):
    """A lamp post's night, with what its own counters had reached then; None: it had not told."""

    night: LampNight
    operating_h: int | None
    switch_count: int | None


def write_found(database: apsw.Connection, write: KeepLampState | KeepFault | KeepOutage | AddLampNight) -> None:
    """Keep it; in a transaction."""
    if isinstance(write, KeepLampState):
        database.execute(
            "INSERT INTO lamp_state VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = ?2, crc = ?3",
            (write.device, write.state, checksum(write.device, write.state)),
        )
    elif isinstance(write, KeepFault):
        fault = write.fault
        evidence = json.dumps(dict(fault.evidence), ensure_ascii=False, separators=(",", ":"))
        row = (fault.device, fault.head, fault.kind.value, fault.since_ms, fault.seen_ms, fault.over_ms, evidence)
        database.execute(f"INSERT OR REPLACE INTO lamp_fault ({_FAULT}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    elif isinstance(write, KeepOutage):
        _write_outage(database, write.outage)
    else:
        night = write.night
        values = tuple(getattr(night, name) for name in _NIGHT.split(", "))
        database.execute(
            f"INSERT OR REPLACE INTO lamp_night ({_NIGHT}, operating_h, switch_count)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, write.operating_h, write.switch_count),
        )


def load_states(database: apsw.Connection) -> dict[int, str]:
    """The state of each lamp by its device's row; one that does not match its checksum is left out."""
    rows = fetch(database, "SELECT device, state, crc FROM lamp_state")
    return {device: state for device, state, crc in rows if checksum(device, state) == crc}


def load_faults(database: apsw.Connection, since_ms: int | None = None) -> list[Fault]:
    """Those that are there, and those that were over after *since_ms* if that is given; the oldest first."""
    rows = fetch(
        database,
        f"SELECT {_FAULT} FROM lamp_fault WHERE over_ms IS NULL OR over_ms >= ? ORDER BY since_ms, device LIMIT ?",
        ((1 << 62) if since_ms is None else since_ms, MAX_FAULTS),
    )
    kinds = {kind.value: kind for kind in FaultKind}
    return [
        Fault(
            device=device,
            head=head,
            kind=kinds[kind],
            since_ms=since,
            seen_ms=seen,
            over_ms=over,
            evidence=json.loads(evidence),
        )
        for device, head, kind, since, seen, over, evidence in rows
        if kind in kinds
    ]


def load_outages(database: apsw.Connection, since_ms: int | None = None) -> list[Outage]:
    """Those that are not over, and those that were over after *since_ms* if that is given; the oldest first."""
    rows = fetch(
        database,
        f"SELECT {_OUTAGE} FROM feeder_outage WHERE over_ms IS NULL OR over_ms >= ? ORDER BY since_ms LIMIT ?",
        ((1 << 62) if since_ms is None else since_ms, MAX_FAULTS),
    )
    causes = {cause.value: cause for cause in Cause}
    return [
        Outage(
            feeder=feeder,
            cause=causes[cause],
            since_ms=since,
            over_ms=over,
            lamps=lamps,
            known=known,
            gasps=gasps,
            others_heard=bool(others_heard),
        )
        for feeder, since, cause, over, lamps, known, gasps, others_heard in rows
        if cause in causes
    ]


def nights_between(
    database: apsw.Connection, first: int, last: int, after: tuple[int, int] | None = None, limit: int = 1000
) -> Sequence[NightRow]:
    """Up to *limit* nights of lamps from night *first* to *last*, by night and device, behind *after* of these."""
    rows = fetch(
        database,
        f"SELECT {_NIGHT}, operating_h, switch_count FROM lamp_night WHERE night BETWEEN ? AND ? AND"
        " (night, device) > (?, ?) ORDER BY night, device LIMIT ?",
        (first, last, *(after or (first, -1)), limit),
    )
    names = _NIGHT.split(", ")
    return [NightRow(LampNight(**dict(zip(names, row[:-2], strict=True))), row[-2], row[-1]) for row in rows]


def last_nights(database: apsw.Connection) -> tuple[LampNight, ...]:
    """Those of the newest two nights there are."""
    newest = fetch(database, "SELECT max(night) FROM lamp_night")[0][0]
    if newest is None:
        return ()
    return tuple(row.night for row in nights_between(database, newest - 1, newest, limit=2 * MAX_FAULTS))


def forget_lamp(database: apsw.Connection, device: int, unix_ms: int) -> None:
    """The device was removed: nobody looks after it any more, and what was wrong with it is over. In a transaction."""
    database.execute("DELETE FROM lamp_state WHERE device = ?", (device,))
    database.execute("UPDATE lamp_fault SET over_ms = ? WHERE device = ? AND over_ms IS NULL", (unix_ms, device))


def forget_lamps(database: apsw.Connection, unix_ms: int, nights_days: int) -> int:
    """Delete nights older than so many days, and faults and outages that are long over; returns how many rows."""
    before_ms = unix_ms - KEPT_FAULTS_DAYS * 86_400_000
    gone = 0
    for sql, bound in (
        ("DELETE FROM lamp_night WHERE night < ?", unix_ms // 86_400_000 - nights_days),
        ("DELETE FROM lamp_fault WHERE over_ms < ?", before_ms),
        ("DELETE FROM feeder_outage WHERE over_ms < ?", before_ms),
    ):
        database.execute(sql, (bound,))
        gone += database.changes()
    return gone


def _write_outage(database: apsw.Connection, outage: Outage) -> None:
    row = tuple(getattr(outage, name) for name in _OUTAGE.split(", "))
    values = tuple(value.value if isinstance(value, Cause) else value for value in row)
    database.execute(f"INSERT OR REPLACE INTO feeder_outage ({_OUTAGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
