"""Carries out what a publisher wants: rows from the store, messages to the broker, the cursor back to the store."""

import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import apsw

from gateway.publish.cursor import Cursor
from gateway.publish.events import (
    Connect,
    Disconnect,
    Note,
    Park,
    Publish,
    PublisherEffect,
    PublisherEvent,
    ReadFailed,
    ReadMore,
    Rows,
    SaveCursor,
    Unpark,
)
from gateway.publish.publisher import Publisher
from gateway.store import cursors
from gateway.store.faults import StoreError, explain
from gateway.store.records import records_after


class Broker(Protocol):
    """What a pump needs of `gateway.publish.mqtt.Mqtt`."""

    def connect(self, number: int) -> None:
        """Start connection *number*."""

    def disconnect(self, number: int, clean: bool = False) -> None:
        """Drop it."""

    def publish(self, publish: Publish) -> None:
        """Send with QoS 1."""


class Call(Protocol):
    """`gateway.store.writer.Writer.call`."""

    def __call__(
        self, function: Callable[[apsw.Connection], Any], *, alone: bool = False, urgent: bool = True
    ) -> "Future[Any]":
        """Run *function* on the writing connection."""


class Pump:
    """name: of the publisher in the store. read: a reading connection. note: told of what an operator must know."""

    def __init__(
        self,
        name: str,
        publisher: Publisher,
        broker: Broker,
        read: apsw.Connection,
        call: Call,
        note: Callable[[str, str], None],
    ) -> None:
        self.publisher = publisher
        self.damaged = 0  # rows left out because they are not what was written
        self._name = name
        self._broker = broker
        self._read = read
        self._call = call
        self._note = note

    def handle(self, event: PublisherEvent, now_ms: int) -> None:
        """Let the publisher hear *event*, and do what it wants."""
        self._do(self.publisher.handle(event, now_ms), now_ms)

    def wake_at(self) -> int | None:
        """When `wake` wants to be called."""
        return self.publisher.wake_at()

    def wake(self, now_ms: int) -> None:
        """Do what is due."""
        self._do(self.publisher.wake(now_ms), now_ms)

    def _do(self, effects: list[PublisherEffect], now_ms: int) -> None:
        todo = deque(effects)
        while todo:
            effect = todo.popleft()
            if isinstance(effect, Publish):
                self._broker.publish(effect)
            elif isinstance(effect, ReadMore):
                todo.extend(self.publisher.handle(self._rows(effect), now_ms))
            elif isinstance(effect, SaveCursor):
                self._save(effect.cursor)
            elif isinstance(effect, Connect):
                self._broker.connect(effect.number)
            elif isinstance(effect, Disconnect):
                self._broker.disconnect(effect.number, effect.clean)
            elif isinstance(effect, Park):
                self._park(effect)
            elif isinstance(effect, Unpark):
                self._unpark(effect)
            else:
                assert isinstance(effect, Note)
                self._note(effect.name, effect.detail)

    def _rows(self, wanted: ReadMore) -> Rows | ReadFailed:
        try:
            page = records_after(self._read, wanted.after, wanted.limit, wanted.last)
        except apsw.Error as error:
            return ReadFailed(wanted.lane, str(explain(error, self._read.filename)))
        if page.damaged:
            self.damaged += len(page.damaged)
            first = page.damaged[0]
            self._note("damaged_rows", f"{len(page.damaged)} records from {first} on do not match their checksums")
        up_to = page.last_id if page.more else wanted.last
        return Rows(wanted.lane, page.records, up_to)

    def _save(self, cursor: Cursor) -> None:
        kept = cursors.Cursor(publisher=self._name, delivered_id=cursor.done_up_to(), state=cursor.to_text())
        self._later(lambda database: cursors.keep_cursor(database, kept))

    def _park(self, effect: Park) -> None:
        parked = cursors.Parked(
            publisher=self._name, record_id=effect.row_id, tries=1, reason=effect.reason, parked_ms=0
        )
        self._later(lambda database: cursors.park(database, parked))

    def _unpark(self, effect: Unpark) -> None:
        def unpark(database: apsw.Connection) -> None:
            for row_id in effect.row_ids:
                cursors.unpark(database, self._name, row_id)

        self._later(unpark)

    def _later(self, function: Callable[[apsw.Connection], None]) -> None:
        """Write when there is company; what cannot be written now is written with the next cursor."""
        self._call(function, urgent=False).add_done_callback(_observed)


def _observed(future: "Future[Any]") -> None:
    with contextlib.suppress(StoreError):
        future.result()
