"""Keeping the store within its bounds while the gateway runs: space measured, kept back, made, and told.

Call `tend` as an `alone` call of the writer; it does one slice of what is due, so no answer waits long.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import apsw

from gateway.readings.record import Record
from gateway.store.database import checkpoint
from gateway.store.faults import FaultKind, kind_of
from gateway.store.retention import Reserve, Retention, Sliced, Space, Step, measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """max_bytes: what the records may take. keep_bytes: what must stay free on the disk, for the system and others."""

    max_bytes: int
    keep_bytes: int


class Caretaker:
    """Owns the space kept back. space: as measured last; None before the first time."""

    def __init__(self, bounds: Bounds, retention: Retention, reserve: Reserve) -> None:
        self._bounds = bounds
        self._retention = retention
        self._reserve = reserve
        self.space: Space | None = None

    @property
    def deleted(self) -> Mapping[Step, int]:
        """How many rows went since the start, by step."""
        return self._retention.deleted

    def notices(self, received_ms: int, boot: int | None) -> list[Record]:
        """What was deleted since the last call, as records for the city; times as in `Record`."""
        return self._retention.notices(received_ms, boot)

    def tend(self, database: apsw.Connection, unix_ms: int | None) -> Sliced:
        """Do what is due; `more`: call again at once. unix_ms: None while nobody knows the time.

        Raises apsw.Error when even the space kept back does not suffice.
        """
        self.space = measure(database, self._bounds.max_bytes, self._bounds.keep_bytes)
        try:
            sliced = self._retention.slice(database, self.space, unix_ms)
        except apsw.Error as error:
            if kind_of(error) is not FaultKind.FULL or not self._reserve.held:
                raise
            # Even a delete is written to the log first: now is what the space was kept back for.
            self._reserve.release()
            checkpoint(database)
            return self._retention.slice(database, self.space, unix_ms)
        if not sliced.more and self.space.free_bytes > self._bounds.keep_bytes:
            self._reserve.hold()
        return sliced
