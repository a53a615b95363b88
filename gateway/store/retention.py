"""Keeping the disk bounded: what is deleted, in which order, in small slices, and told to the city.

Two reasons to delete: a dataset's retention has passed, or space runs out. Then delivered readings go first, then
undelivered ones, then what else is delivered, and events last. Each step counts what it took, exactly, and says so in
a NOTICE record. The newest record always stays: its id must not be given twice.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import apsw

from gateway.readings.record import Kind, Record, own_record
from gateway.store.boots import Boots, load_boots
from gateway.store.cursors import delivered_by_all
from gateway.store.database import PAGE_SIZE, checkpoint
from gateway.store.records import delete_records, id_range
from gateway.store.rows import fetch

SLICE = 500  # rows looked at in one transaction: a few ms, and an answer never waits longer for the writer
VACUUM_PAGES = 256  # given back to the file system at once, for the same reason
RESERVE_BYTES = 8 << 20  # a full log, twice
_DAY_MS = 86_400_000  # the shortest retention there is
_SWEEP_MS = 3_600_000
_START_PCT, _STOP_PCT = 95, 90  # of what the file may hold


class Step(Enum):
    """What goes when space runs out, first first. The text is what the NOTICE says."""

    DELIVERED_READINGS = "delivered readings"
    UNDELIVERED_READINGS = "undelivered readings"
    DELIVERED_REST = "delivered events, states and notices"
    EVENTS = "undelivered events, states and notices"
    EXPIRED = "records past their retention"  # not for lack of space


LOST = frozenset({Step.UNDELIVERED_READINGS, Step.EVENTS})  # had not left yet
_FOR_SPACE = (Step.DELIVERED_READINGS, Step.UNDELIVERED_READINGS, Step.DELIVERED_REST, Step.EVENTS)
_KNOWN = frozenset(Kind)
_REST = frozenset({Kind.EVENT, Kind.STATUS, Kind.ORDER, Kind.NOTICE, Kind.FAULT, Kind.OUTAGE, Kind.NIGHT})
_OF_READINGS = frozenset({Step.DELIVERED_READINGS, Step.UNDELIVERED_READINGS})
_OF_DELIVERED = frozenset({Step.DELIVERED_READINGS, Step.DELIVERED_REST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """max_bytes: what the file may hold. used_bytes: of it. free_bytes: on the disk; keep_bytes: that must stay so."""

    max_bytes: int
    used_bytes: int
    free_bytes: int
    keep_bytes: int


@dataclass(frozen=True, slots=True)
class Sliced:
    """One slice's work. deleted: how many rows, by step one entry; more: whether there is work left now."""

    step: Step | None
    deleted: int
    more: bool


RetentionDays = Callable[[Kind, int | None], int | None]


class Retention:
    """Decides and deletes, a slice at a time; call `slice` as an `alone` call of the writer.

    retention_days: for a kind of record and a device's number, how many days its dataset is kept; None: for ever.
    """

    def __init__(self, retention_days: RetentionDays | None = None) -> None:
        self._retention_days = retention_days
        self._seen: dict[Step, int] = {}  # ids up to which a step has been through since the start
        self._swept = 0  # id up to which this sweep for what is past its retention has come
        self._next_sweep_ms = 0
        self._deleting = False
        self.deleted: dict[Step, int] = dict.fromkeys(Step, 0)
        self._told: dict[Step, int] = dict.fromkeys(Step, 0)

    def slice(self, database: apsw.Connection, space: Space, unix_ms: int | None) -> Sliced:
        """Do one slice of what is due. unix_ms: None while nobody knows the time: then nothing expires."""
        if self._short(space):
            return self._make_room(database, space)
        return self._expire(database, unix_ms) if unix_ms is not None else Sliced(None, 0, False)

    def notices(self, received_ms: int, boot: int | None) -> list[Record]:
        """What was deleted since the last call, as records for the city; times as in `Record`."""
        records = []
        for step, count in self.deleted.items():
            news = count - self._told[step]
            if news:
                self._told[step] = count
                records.append(_notice(step, news, count, received_ms, boot))
        return records

    def _short(self, space: Space) -> bool:
        """Whether space must be made; begun is carried on until there is some to spare."""
        share = _STOP_PCT if self._deleting else _START_PCT
        full = space.used_bytes * 100 >= space.max_bytes * share
        spare = space.keep_bytes * (9 if self._deleting else 8) // 8
        self._deleting = full or space.free_bytes < spare
        return self._deleting

    def _make_room(self, database: apsw.Connection, space: Space) -> Sliced:
        for step in _FOR_SPACE:
            after, deleted = self._step(database, step)
            if deleted or after is not None:
                if space.free_bytes < space.keep_bytes * 9 // 8:
                    give_back(database)
                return Sliced(step, deleted, True)
        return Sliced(None, 0, False)

    def _step(self, database: apsw.Connection, step: Step) -> tuple[int | None, int]:
        """Look at one slice of rows; (None, 0): the step has nothing to look at."""
        low, high = id_range(database)
        bound = high - 1  # the newest stays
        if step in _OF_DELIVERED:
            bound = min(bound, delivered_by_all(database) or 0)
        after = max(self._seen.get(step, 0), low - 1)
        rows = fetch(
            database, "SELECT id, kind FROM record WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", (after, bound, SLICE)
        )
        if not rows:
            return None, 0
        # A kind nobody knows is a flipped bit: it goes with the readings.
        doomed = [row_id for row_id, kind in rows if (kind in _REST) != (step in _OF_READINGS)]
        with database:
            delete_records(database, doomed)
        self._seen[step] = rows[-1][0]
        self.deleted[step] += len(doomed)
        return rows[-1][0], len(doomed)

    def _expire(self, database: apsw.Connection, unix_ms: int) -> Sliced:
        """Go on with the sweep through the table, once an hour, up to what is younger than any retention."""
        if self._retention_days is None or self._next_sweep_ms - _SWEEP_MS <= unix_ms < self._next_sweep_ms:
            return Sliced(None, 0, False)
        low, high = id_range(database)
        rows = fetch(
            database,
            "SELECT id, kind, device, received_ms, boot FROM record WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            (max(self._swept, low - 1), high, SLICE),
        )
        boots = Boots(load_boots(database))
        doomed = []
        for row_id, kind, device, ms, boot in rows:
            received_ms = boots.unix_ms(boot, ms)
            if received_ms is not None and received_ms > unix_ms - _DAY_MS:
                rows = []  # what comes behind was received later still
                break
            if received_ms is not None and self._expired(kind, device, unix_ms - received_ms):
                doomed.append(row_id)
        with database:
            delete_records(database, doomed)
        self.deleted[Step.EXPIRED] += len(doomed)
        if len(rows) < SLICE:
            self._swept, self._next_sweep_ms = 0, unix_ms + _SWEEP_MS
            return Sliced(Step.EXPIRED, len(doomed), False)
        self._swept = rows[-1][0]
        return Sliced(Step.EXPIRED, len(doomed), True)

    def _expired(self, kind: int, device: int | None, age_ms: int) -> bool:
        assert self._retention_days is not None
        days = self._retention_days(Kind(kind), device) if kind in _KNOWN else None
        return days is not None and age_ms > days * _DAY_MS


class Reserve:
    """A file that keeps space back: given up when the disk is full, so that deletes find room, and made again after."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size = size

    @property
    def held(self) -> bool:
        """Whether the space is kept back now."""
        return self._path.exists() and self._path.stat().st_size == self._size

    def hold(self) -> bool:
        """Take the space if it is free; whether it is held now."""
        if self.held:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._size)
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        finally:
            os.close(fd)
        return True

    def release(self) -> None:
        """Give the space up."""
        self._path.unlink(missing_ok=True)


def measure(database: apsw.Connection, max_bytes: int, keep_bytes: int) -> Space:
    """How full file and disk are now."""
    pages = int(database.pragma("page_count")) - int(database.pragma("freelist_count"))
    disk = os.statvfs(Path(database.filename).parent)
    return Space(
        max_bytes=max_bytes,
        used_bytes=pages * PAGE_SIZE,
        free_bytes=disk.f_bavail * disk.f_frsize,
        keep_bytes=keep_bytes,
    )


def give_back(database: apsw.Connection) -> None:
    """Return a slice of the file's free pages to the disk."""
    database.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    checkpoint(database)


def hours_that_fit(space: Space, bytes_per_hour: float) -> float | None:
    """How many more hours of records fit before the first is deleted; None: nothing comes."""
    if bytes_per_hour <= 0:
        return None
    room = min(space.max_bytes * _START_PCT // 100 - space.used_bytes, space.free_bytes - space.keep_bytes)
    return max(0, room) / bytes_per_hour


def _notice(step: Step, count: int, since_start: int, received_ms: int, boot: int | None) -> Record:
    content = {"notice": "deleted", "what": step.value, "count": count, "since_start": since_start}
    return own_record(Kind.NOTICE, json.dumps(content, separators=(",", ":")).encode(), received_ms, boot)
