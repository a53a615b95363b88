"""The table of records as a publisher's outbox: short pages read, its cursor and parked rows written."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import apsw

from gateway.publish.cursor import Cursor
from gateway.readings.record import Record
from gateway.store import cursors
from gateway.store.faults import explain
from gateway.store.records import records_after

_log = logging.getLogger(__name__)


class Call(Protocol):
    """`gateway.store.writer.Writer.call`."""

    def __call__(
        self, function: Callable[[apsw.Connection], Any], *, alone: bool = False, urgent: bool = True
    ) -> "Future[Any]":
        """Run *function* on the writing connection."""


class StoreOutbox:
    """Implements `gateway.publish.delivery.Outbox`. publisher: its name in the store. read: a reading connection.

    damaged: told how many rows were left out because they do not match their checksums, and the first one's id.
    broken: told of what SQLite says when they cannot be read.
    """

    def __init__(
        self,
        publisher: str,
        read: apsw.Connection,
        call: Call,
        damaged: Callable[[int, int], None],
        broken: Callable[[apsw.Error], None],
    ) -> None:
        self._publisher = publisher
        self._read = read
        self._call = call
        self._damaged = damaged
        self._broken = broken

    def read(self, after: int, last: int, limit: int) -> tuple[Sequence[tuple[int, Record]], int]:
        """At most *limit* rows with after < id <= last, and the id up to which there are no others.

        Raises apsw.Error.
        """
        try:
            page = records_after(self._read, after, limit, last)
        except apsw.Error as error:
            self._broken(error)
            raise
        if page.damaged:
            self._damaged(len(page.damaged), page.damaged[0])
        return page.records, page.last_id if page.more else last

    def save_cursor(self, cursor: Cursor) -> None:
        """Keep the cursor, with the next commit there is."""
        kept = cursors.Cursor(publisher=self._publisher, delivered_id=cursor.done_up_to(), state=cursor.to_text())
        self._later(lambda database: cursors.keep_cursor(database, kept))

    def park(self, row_id: int, reason: str) -> None:
        """Remember that this row was set aside, and why."""
        parked = cursors.Parked(publisher=self._publisher, record_id=row_id, tries=1, reason=reason, parked_ms=0)
        self._later(lambda database: cursors.park(database, parked))

    def unpark(self, row_ids: Sequence[int]) -> None:
        """Forget that these rows were set aside."""

        def unpark(database: apsw.Connection) -> None:
            for row_id in row_ids:
                cursors.unpark(database, self._publisher, row_id)

        self._later(unpark)

    def _later(self, function: Callable[[apsw.Connection], None]) -> None:
        self._call(function, urgent=False).add_done_callback(_said)


def _said(future: "Future[Any]") -> None:
    """What cannot be written now comes again: the cursor with the next one, a row under the same key."""
    error = future.exception()
    if error is not None:
        _log.info(
            "the publisher's cursor was not kept: %s", explain(error, "") if isinstance(error, apsw.Error) else error
        )
