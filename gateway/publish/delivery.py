"""The publisher at work: its effects carried out on the store and the broker, its timer kept by the asyncio loop."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

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
    Stop,
)
from gateway.publish.mqtt import Mqtt
from gateway.publish.publisher import Publisher
from gateway.readings.record import Record
from gateway.timekeeping import Clock, Handle

_log = logging.getLogger(__name__)


class Outbox(Protocol):
    """What a publisher needs of the store. Writes may be grouped with others; reads are short pages."""

    def read(self, after: int, last: int, limit: int) -> tuple[Sequence[tuple[int, Record]], int]:
        """Rows with after < id <= last, ascending, at most *limit*; and the id up to which there are no others."""

    def save_cursor(self, cursor: Cursor) -> None:
        """Keep the cursor."""

    def park(self, row_id: int, reason: str) -> None:
        """Remember that this row was set aside, and why."""

    def unpark(self, row_ids: Sequence[int]) -> None:
        """Forget that these rows were set aside."""


class Delivery:
    """Runs a publisher on the loop; every call belongs to the loop's thread.

    told: hears the notes. fell: hears of an error that ended what the loop itself began, a timer or a page of rows.
    """

    def __init__(
        self,
        publisher: Publisher,
        outbox: Outbox,
        clock: Clock,
        told: Callable[[Note], None],
        fell: Callable[[Exception], None],
    ) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._clock = clock
        self._told = told
        self._fell = fell
        self._loop = asyncio.get_running_loop()
        self._timer: Handle | None = None
        self._timer_ms = 0
        self._mqtt: Mqtt | None = None

    def start(self, mqtt: Mqtt) -> None:
        """Connect, and publish what waits. The owner of *mqtt* hands its events to `handle`."""
        self._mqtt = mqtt
        self._run(self._publisher.wake(self._clock.now_ms()))

    def handle(self, event: PublisherEvent) -> None:
        """Something happened."""
        self._run(self._publisher.handle(event, self._clock.now_ms()))

    def stop(self) -> None:
        """Keep the cursor and say goodbye."""
        try:
            self.handle(Stop())
        finally:
            self.drop()

    def drop(self) -> None:
        """Do nothing more, whatever is still to come."""
        self._mqtt = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, effects: list[PublisherEffect]) -> None:
        mqtt = self._mqtt
        assert mqtt is not None
        for effect in effects:
            if isinstance(effect, Publish):
                mqtt.publish(effect)
            elif isinstance(effect, ReadMore):
                # Not at once: a page of rows after each turn of the loop leaves room for the uplinks between them.
                self._loop.call_soon(self._read, effect)
            elif isinstance(effect, Connect):
                mqtt.connect(effect.number)
            elif isinstance(effect, Disconnect):
                mqtt.disconnect(effect.number, effect.clean)
            elif isinstance(effect, SaveCursor):
                self._outbox.save_cursor(effect.cursor)
            elif isinstance(effect, Park):
                self._outbox.park(effect.row_id, effect.reason)
            elif isinstance(effect, Note):
                self._told(effect)
            else:
                self._outbox.unpark(effect.row_ids)
        self._set_timer()

    def _read(self, want: ReadMore) -> None:
        if self._mqtt is None:
            return  # dropped meanwhile
        try:
            rows, up_to = self._outbox.read(want.after, want.last, want.limit)
        except Exception as error:
            # Whatever the store has, the records are safe in it: the publisher asks again later.
            why = str(error)
            _log.warning("reading records to publish failed: %s", why)
            self._alone(lambda: self.handle(ReadFailed(want.lane, why)))
            return
        self._alone(lambda: self.handle(Rows(want.lane, rows, up_to)))

    def _set_timer(self) -> None:
        """A timer that comes too soon does no harm, and a new one for each PUBACK would cost more than it."""
        wake_ms = self._publisher.wake_at()
        if wake_ms is None or (self._timer is not None and self._timer_ms <= wake_ms):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ms = wake_ms
        self._timer = self._clock.call_at(wake_ms, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._alone(lambda: self._run(self._publisher.wake(self._clock.now_ms())))

    def _alone(self, do: Callable[[], None]) -> None:
        """Do what nobody called for who would hear of its error: the loop would only log it, and all stand still."""
        try:
            do()
        except Exception as error:
            self._fell(error)
