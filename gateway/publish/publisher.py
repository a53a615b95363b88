"""The publisher: brings every record to the broker, in order for each device, whatever the broker does.

The table of records is the outbox. A row is done when the broker has acknowledged all its messages; only then the
cursor passes it. What is stored while the broker takes messages goes through the live lane; what had to wait goes
through the historical lane, oldest first and in batches, beside it.

Without a connection it tries again after 1 to 120 s. When a PUBACK does not come in time it drops the connection, as
MQTT allows resending only on a new one (MQTT 5 §4.4), and sends what was not acknowledged again under the same keys.
While a refused message waits to be tried again, or to be parked (`refusals`), its device's later rows wait with it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.publish.back_off import MIN_MS, BackOff
from gateway.publish.connection import CONNECT_MS, Connection
from gateway.publish.cursor import Cursor, Intervals, cursor_of
from gateway.publish.events import (
    Acked,
    Connected,
    DatesKnown,
    Disconnect,
    Disconnected,
    LaneName,
    Note,
    Park,
    Publish,
    PublisherEffect,
    PublisherEvent,
    ReadFailed,
    ReadMore,
    Replay,
    ReplayParked,
    Rows,
    SaveCursor,
    Stop,
    Stored,
    Unpark,
)
from gateway.publish.lane import Lane, Parcel, Task
from gateway.publish.messages import Message, UnreadableRecordError
from gateway.publish.refusals import LOST, REFUSED, TOO_LARGE, Refusals
from gateway.readings.record import Record

# (row id, record, historical) -> its messages, none, or None while its time cannot be told.
MessagesOf = Callable[[int, Record, bool], tuple[Message, ...] | None]

_BRIEF_MS = 60_000  # rows stored in an outage no longer than this still go out as live
_SAVE_MS = 10_000  # a crash repeats so much; each save is a write on an SD card
_READ_AGAIN_MS = 5_000  # after the store could not read

_LIVE_ROOM = 500  # rows of a lane in memory, about 1 kB each
_HISTORICAL_ROOM = 1_000
_LIVE_BACKLOG = 2_000  # unread live rows beyond this are no longer news
_LANE_BYTES = 131_072  # out at most: what stands before a live message in a slow connection
_BATCH_BYTES = 32_768
_PACKET_OVERHEAD = 32  # of a PUBLISH beyond topic and payload, generously


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherSettings:
    """window: messages in flight. batch: messages in one of the historical lane's. live_batch: 1: live go singly.

    batch_topic: with "{}" for the dataset. ack_timeout_ms: how long a PUBACK may take.
    """

    batch_topic: str
    window: int = 100  # paho and Mosquitto are fastest about here, and a crash repeats no more than this
    batch: int = 50
    live_batch: int = 1
    ack_timeout_ms: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherFigures:
    """How the publisher stands. backlog: rows that wait in both lanes, those whose time is unknown included."""

    connected: bool
    backlog: int
    undated: int
    in_flight: int
    accepted: int  # messages, batches counted once
    refused: int
    parked: int
    connects: int
    oldest_pending: int | None


class _Flight:
    __slots__ = ("batch", "deadline_ms", "lane", "parts", "size")

    def __init__(self, parcel: Parcel, lane: Lane, deadline_ms: int) -> None:
        self.parts = parcel.parts
        self.batch = parcel.batch
        self.size = len(parcel.payload)
        self.lane = lane
        self.deadline_ms = deadline_ms


class Publisher:
    """The core between the store and one broker; it never sleeps, sends, reads a clock or the store.

    cursor: where it left off. last_id: the last row stored; what the cursor has not passed goes out as historical.
    dice: numbers in [0, 1), so that many gateways do not come back to a broker in step.
    """

    def __init__(
        self,
        settings: PublisherSettings,
        messages_of: MessagesOf,
        dice: Callable[[], float],
        cursor: Cursor,
        last_id: int,
        now_ms: int,
    ) -> None:
        self._settings = settings
        self._messages_of = messages_of
        self._back_off = BackOff(dice)
        self._refusals = Refusals(self._back_off)
        self._connection = Connection(self._back_off, now_ms)
        self._live = Lane(LaneName.LIVE, _LIVE_ROOM, settings.live_batch, 2)
        self._historical = Lane(LaneName.HISTORICAL, _HISTORICAL_ROOM, settings.batch, settings.batch + 1)
        self._lanes = (self._live, self._historical)
        self._undated = Intervals()
        # A table restored from a backup may end before the cursor: its next rows are new, whatever the cursor says.
        self._historical.todo.add(cursor.head + 1, last_id)
        for first, last in cursor.pending:
            self._historical.todo.add(first, min(last, last_id))
        self._last_id = last_id
        self._saved = cursor
        self._dirty = False
        self._save_at_ms: int | None = None

        self._window = settings.window
        self._max_packet: int | None = None
        self._sent_here = 0
        self._accepted_here = 0

        self._flights: dict[int, _Flight] = {}
        self._handle = 0
        self._refused = 0
        self._parked = 0

    def handle(self, event: PublisherEvent, now_ms: int) -> list[PublisherEffect]:
        """Decide what *event* means."""
        effects: list[PublisherEffect] = []
        match event:
            case Acked():
                for handle, code in event.acks:
                    self._acked(handle, code, now_ms, effects)
            case Stored():
                if event.last_id > self._last_id:
                    self._live.todo.add(self._last_id + 1, event.last_id)
                    self._last_id = event.last_id
            case Rows():
                self._rows(event, now_ms, effects)
            case ReadFailed():
                lane = self._lane(event.lane)
                lane.reading = False
                lane.read_at_ms = now_ms + _READ_AGAIN_MS
                effects.append(Note("read_failed", f"the store cannot read what is to be published: {event.detail}"))
            case Connected():
                self._connected(event, now_ms, effects)
            case Disconnected():
                if self._connection.is_now(event.number):
                    self._lost(event.detail, now_ms, effects)
            case DatesKnown():
                self._historical.todo.take_all(self._undated)
            case Replay():
                self._historical.todo.add(max(event.first, 1), min(event.last, self._last_id))
                self._save(effects)
            case ReplayParked():
                for row_id in event.row_ids:
                    self._historical.todo.add(row_id, min(row_id, self._last_id))
                self._save(effects)
                effects.append(Unpark(event.row_ids))
            case Stop():
                self._stop(effects)
        self._go_on(now_ms, effects)
        return effects

    def wake_at(self) -> int | None:
        """When `wake` wants to be called next; None while only an event can change anything."""
        times = [self._connection.wake_at(), self._save_at_ms if self._dirty else None]
        if self._connection.up:
            if self._flights:
                times.append(next(iter(self._flights.values())).deadline_ms)
            if self._refusals.paused_until_ms:
                times.append(self._refusals.paused_until_ms)
            else:
                times.extend(lane.release_at() for lane in self._lanes)
            times.extend(lane.read_at_ms for lane in self._lanes if lane.read_at_ms)
        return min((time for time in times if time is not None), default=None)

    def wake(self, now_ms: int) -> list[PublisherEffect]:
        """Do what is due at *now_ms*."""
        effects: list[PublisherEffect] = []
        if self._connection.up and self._flights:
            if next(iter(self._flights.values())).deadline_ms <= now_ms:
                effects.append(Disconnect(self._connection.number))
                waited_s = self._settings.ack_timeout_ms // 1000
                self._lost(f"a PUBACK did not come within {waited_s} s", now_ms, effects)
        elif self._connection.overdue(now_ms):
            effects.append(Disconnect(self._connection.number))
            self._lost(f"the broker did not answer within {CONNECT_MS // 1000} s", now_ms, effects)
        self._go_on(now_ms, effects)
        return effects

    def cursor(self) -> Cursor:
        """What a restart must not forget: rows in memory count as pending."""
        pending = Intervals(self._historical.todo)
        for intervals in (self._live.todo, self._undated):
            for first, last in intervals:
                pending.add(first, last)
        for lane in self._lanes:
            for row_id in sorted(lane.tasks):
                pending.add(row_id, row_id)
        return cursor_of(self._last_id, pending)

    def figures(self) -> PublisherFigures:
        """How it stands, for health and metrics."""
        cursor = self.cursor()
        oldest = cursor.done_up_to() + 1
        undated = self._undated.count()
        return PublisherFigures(
            connected=self._connection.up,
            backlog=sum(lane.todo.count() + len(lane.tasks) for lane in self._lanes) + undated,
            undated=undated,
            in_flight=len(self._flights),
            accepted=self._refusals.accepted,
            refused=self._refused,
            parked=self._parked,
            connects=self._connection.number,
            oldest_pending=oldest if oldest <= self._last_id else None,
        )

    def _go_on(self, now_ms: int, effects: list[PublisherEffect]) -> None:
        """What is due after any event: connect, send, read, keep the cursor."""
        self._connection.try_again(now_ms, effects)
        if self._connection.up:
            if self._refusals.may_send(now_ms):
                self._send_what_fits(now_ms, effects)
            for lane in self._lanes:
                self._read(lane, now_ms, effects)
        if self._dirty:
            if self._save_at_ms is None:
                self._save_at_ms = now_ms + _SAVE_MS
            elif now_ms >= self._save_at_ms:
                self._save(effects)

    # ---- rows in

    def _read(self, lane: Lane, now_ms: int, effects: list[PublisherEffect]) -> None:
        """Ask for more rows of *lane* when it has room for a worthwhile page."""
        if lane is self._live and lane.todo and lane.todo.count() > _LIVE_BACKLOG:
            self._historical.todo.take_all(lane.todo)
        if now_ms < lane.read_at_ms:
            return
        lane.read_at_ms = 0
        if lane.reading or not lane.todo or len(lane.tasks) > lane.room // 2:
            return
        first, last = next(iter(lane.todo))
        lane.reading = True
        lane.reading_from = first
        effects.append(ReadMore(lane.name, first - 1, last, lane.room - len(lane.tasks)))

    def _rows(self, event: Rows, now_ms: int, effects: list[PublisherEffect]) -> None:
        lane = self._lane(event.lane)
        lane.reading = False
        historical = lane is self._historical
        for row_id, record in event.rows:
            if row_id not in lane.todo:
                continue  # the lane was emptied while the store read: another lane's now
            try:
                messages = self._messages_of(row_id, record, historical)
            except UnreadableRecordError as error:
                self._park(row_id, str(error), effects)
                continue
            if messages is None:
                self._undated.add(row_id, row_id)
            elif messages:
                lane.add(row_id, record.device, messages)
        lane.todo.remove(lane.reading_from, event.up_to)
        self._dirty = True

    def _lane(self, name: LaneName) -> Lane:
        return self._live if name is LaneName.LIVE else self._historical

    # ---- messages out

    def _send_what_fits(self, now_ms: int, effects: list[PublisherEffect]) -> None:
        """Live first; but a tenth of the window is the backlog's, so that it ends even under a flood of live rows."""
        live, historical = self._lanes
        live.release(now_ms)
        historical.release(now_ms)
        window = self._refusals.window(self._window)
        share = window // 10 if historical.ready else 0
        if window == 1 and self._handle % 2 and not self._flights:  # one at a time: by turns
            self._send(historical, 1, now_ms, effects)
        self._send(live, window - max(share - historical.out, 0), now_ms, effects)
        self._send(historical, min(window, live.out + max(window // 2, 1)), now_ms, effects)

    def _send(self, lane: Lane, most: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        """Send of *lane* while fewer than *most* messages of all lanes are in flight."""
        flights = self._flights
        deadline_ms = now_ms + self._settings.ack_timeout_ms
        topic = self._settings.batch_topic
        batch_bytes = _BATCH_BYTES
        if self._max_packet is not None:
            batch_bytes = min(batch_bytes, self._max_packet - len(topic) - 2 * _PACKET_OVERHEAD)
        while lane.ready and len(flights) < most and lane.bytes_out < _LANE_BYTES:
            for parcel in lane.pick(most - len(flights), topic, batch_bytes):
                for task, _ in parcel.parts:
                    if task.mark < 0:
                        task.mark = self._refusals.accepted
                size = len(parcel.payload)
                if self._max_packet is not None and size + len(parcel.topic) + _PACKET_OVERHEAD > self._max_packet:
                    self._landed(_Flight(parcel, lane, 0), TOO_LARGE, now_ms, effects)
                    continue
                self._handle += 1
                flights[self._handle] = _Flight(parcel, lane, deadline_ms)
                lane.out += 1
                lane.bytes_out += size
                effects.append(Publish(self._handle, parcel.topic, parcel.payload))
                self._sent_here += 1

    def _acked(self, handle: int, code: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        flight = self._flights.pop(handle, None)
        if flight is None:
            return  # of a connection before, whose rows go again
        flight.lane.out -= 1
        flight.lane.bytes_out -= flight.size
        if code < REFUSED:
            self._accepted_here += 1
            self._refusals.message_accepted(effects)
            self._landed(flight, code, now_ms, effects)
        else:
            self._landed(flight, code, now_ms, effects)
            self._refusals.message_refused(code, now_ms, effects)

    def _landed(self, flight: _Flight, code: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        """The broker, or the lack of one, has decided on a flight: on to the next state of its rows."""
        lane = flight.lane
        if code < REFUSED:
            for task, messages in flight.parts:
                task.open -= 1
                if len(messages) == len(task.messages):
                    task.messages = ()
                else:
                    task.messages = tuple(message for message in task.messages if message not in messages)
                if not task.open:
                    self._decide(lane, task, code, now_ms, effects)
            return
        self._refused += 1
        for task, _ in flight.parts:
            task.open -= 1
            task.dataset = ""  # whichever of a batch it was: alone they will tell
            if flight.batch:
                task.refused = False
            else:
                task.refused = True
                task.tries += 1
            if not task.open:
                self._decide(lane, task, code, now_ms, effects)

    def _decide(self, lane: Lane, task: Task, code: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        """None of the row's messages is out: it is done, it goes again, or it is parked."""
        if not task.messages:
            self._refusals.row_accepted(task)
            lane.done(task)
            self._dirty = True
        elif not task.refused:
            lane.back(task, now_ms + MIN_MS if code >= REFUSED else 0)
        elif (why := self._refusals.give_up_on(task, code)) is not None:
            lane.done(task)
            self._park(task.row_id, why, effects)
        else:
            lane.back(task, now_ms + self._back_off.after_ms(task.tries - 1))

    def _park(self, row_id: int, reason: str, effects: list[PublisherEffect]) -> None:
        self._parked += 1
        self._dirty = True
        effects.append(Park(row_id, reason))

    # ---- the connection

    def _connected(self, event: Connected, now_ms: int, effects: list[PublisherEffect]) -> None:
        if not self._connection.connected(event, now_ms, effects):
            return
        self._sent_here = 0
        self._accepted_here = 0
        self._max_packet = event.max_packet
        self._window = min(self._settings.window, event.receive_max or self._settings.window)
        down_since_ms = self._connection.down_since_ms
        if down_since_ms is None or now_ms - down_since_ms >= _BRIEF_MS:
            self._live.empty_into(self._historical.todo)
            self._refusals.acquit()

    def _lost(self, detail: str, now_ms: int, effects: list[PublisherEffect]) -> None:
        """The connection ended or did not come to be: everything in flight waits again."""
        if self._connection.up:
            if self._sent_here and not self._accepted_here:
                self._refusals.connection_barren()
            self._take_back(now_ms, effects)
        self._connection.lost(detail, bool(self._accepted_here), now_ms, effects)

    def _take_back(self, now_ms: int, effects: list[PublisherEffect]) -> None:
        flights = list(self._flights.values())
        self._flights.clear()
        alone = len(flights) == 1 and self._refusals.one_at_a_time
        for flight in flights:
            flight.lane.out -= 1
            flight.lane.bytes_out -= flight.size
            if alone:
                self._refusals.suspect(task.row_id for task, _ in flight.parts)
                self._landed(flight, LOST, now_ms, effects)
                continue
            for task, _ in flight.parts:
                task.open -= 1
                if not task.open:
                    flight.lane.back(task)

    def _stop(self, effects: list[PublisherEffect]) -> None:
        self._save(effects)
        self._connection.stop(effects)

    def _save(self, effects: list[PublisherEffect]) -> None:
        self._dirty = False
        self._save_at_ms = None
        cursor = self.cursor()
        if cursor != self._saved:
            self._saved = cursor
            effects.append(SaveCursor(cursor))
