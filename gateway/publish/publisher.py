"""The publisher: brings every record to the broker, in order for each device, whatever the broker does.

The table of records is the outbox. A row is done when the broker has acknowledged all its messages; only then the
cursor passes it. What is stored while the broker takes messages goes through the live lane; what had to wait goes
through the historical lane, oldest first and in batches, beside it.

What can go wrong, and what is done then:

- No connection: try again after 1 to 120 s. No PUBACK in time: drop the connection, as MQTT allows resending only on a
  new one (MQTT 5 §4.4), and send what was not acknowledged again under the same keys.
- A refused message: its device's later rows wait, it is tried again, and after some tries it is parked. A row is parked
  only if the broker accepted something else meanwhile; else the fault is the broker's, and everything pauses.
- A message that makes the broker drop the connection: after three connections without a single PUBACK messages go one
  at a time, so that the one that does it can be told from the others and is treated as refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gateway.publish.cursor import Cursor, Intervals, cursor_of
from gateway.publish.events import (
    Acked,
    Connect,
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
from gateway.readings.record import Record

# (row id, record, historical) -> its messages, none, or None while its time cannot be told.
MessagesOf = Callable[[int, Record, bool], tuple[Message, ...] | None]

_BACK_OFF_MIN_MS = 1_000
_BACK_OFF_MAX_MS = 120_000
_CONNECT_MS = 60_000  # name look-up, TCP, TLS and CONNACK; the shell gives up sooner, this is for when it does not
_STEADY_MS = 30_000  # a connection that lasted so long was a good one: the next attempt comes soon
_BRIEF_MS = 60_000  # rows stored in an outage no longer than this still go out as live
_SAVE_MS = 10_000  # a crash repeats so much; each save is a write on an SD card
_READ_AGAIN_MS = 5_000  # after the store could not read

_LIVE_ROOM = 500  # rows of a lane in memory, about 1 kB each
_HISTORICAL_ROOM = 1_000
_LIVE_BACKLOG = 2_000  # unread live rows beyond this are no longer news
_LANE_BYTES = 131_072  # out at most: what stands before a live message in a slow connection
_BATCH_BYTES = 32_768
_PACKET_OVERHEAD = 32  # of a PUBLISH beyond topic and payload, generously

# Refusals that speak of the message and will not change: Not authorized, Topic Name invalid, Packet too large,
# Payload format invalid (MQTT 5 §3.4.2.1). Quotas and unnamed troubles pass, and get ten tries over some minutes.
_LASTING = frozenset((0x87, 0x90, 0x95, 0x99))
_LASTING_TRIES = 4
_PASSING_TRIES = 10
_REFUSED_IN_A_ROW = 8  # then it is the broker; also how many messages feel their way after the pause
_BARREN = 3  # connections that end without a PUBACK until messages go one at a time
_LOST = 0x100  # stands for a reason code: the connection went with this message out

_REASONS = {
    0x80: "unspecified error",
    0x83: "implementation specific error",
    0x87: "not authorized: check the broker's access list for this topic",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x95: "packet too large: raise the broker's limit",
    0x97: "quota exceeded",
    0x99: "payload format invalid",
    _LOST: "the broker drops the connection over it: is it too large?",
}


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


class _State(Enum):
    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    STOPPED = "stopped"


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
        self._dice = dice
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

        self._state = _State.DOWN
        self._number = 0
        self._attempts = 0
        self._connect_at_ms = now_ms
        self._since_ms = now_ms  # of the state
        self._down_since_ms = now_ms - _BRIEF_MS
        self._told_down = False
        self._window = settings.window
        self._max_packet: int | None = None
        self._barren = 0
        self._sent_here = 0
        self._accepted_here = 0
        self._suspects: set[int] = set()

        self._flights: dict[int, _Flight] = {}
        self._handle = 0
        self._paused_until_ms = 0  # 0: not now
        self._pauses = 0
        self._refused_in_a_row = 0
        self._distrusted: set[int | None] = set()  # devices whose last row was parked; as many as are registered
        self._accepted = 0
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
                if event.number == self._number and self._state is not _State.STOPPED:
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
        times = [self._save_at_ms] if self._dirty else []
        if self._state is _State.DOWN:
            times.append(self._connect_at_ms)
        elif self._state is _State.CONNECTING:
            times.append(self._since_ms + _CONNECT_MS)
        elif self._state is _State.UP:
            if self._flights:
                times.append(next(iter(self._flights.values())).deadline_ms)
            if self._paused_until_ms:
                times.append(self._paused_until_ms)
            else:
                times.extend(lane.release_at() for lane in self._lanes)
            times.extend(lane.read_at_ms for lane in self._lanes if lane.read_at_ms)
        return min((time for time in times if time is not None), default=None)

    def wake(self, now_ms: int) -> list[PublisherEffect]:
        """Do what is due at *now_ms*."""
        effects: list[PublisherEffect] = []
        if self._state is _State.UP and self._flights:
            if next(iter(self._flights.values())).deadline_ms <= now_ms:
                effects.append(Disconnect(self._number))
                waited_s = self._settings.ack_timeout_ms // 1000
                self._lost(f"a PUBACK did not come within {waited_s} s", now_ms, effects)
        elif self._state is _State.CONNECTING and now_ms >= self._since_ms + _CONNECT_MS:
            effects.append(Disconnect(self._number))
            self._lost(f"the broker did not answer within {_CONNECT_MS // 1000} s", now_ms, effects)
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
            connected=self._state is _State.UP,
            backlog=sum(lane.todo.count() + len(lane.tasks) for lane in self._lanes) + undated,
            undated=undated,
            in_flight=len(self._flights),
            accepted=self._accepted,
            refused=self._refused,
            parked=self._parked,
            connects=self._number,
            oldest_pending=oldest if oldest <= self._last_id else None,
        )

    def _go_on(self, now_ms: int, effects: list[PublisherEffect]) -> None:
        """What is due after any event: connect, send, read, keep the cursor."""
        if self._state is _State.DOWN and now_ms >= self._connect_at_ms:
            self._number += 1
            self._state = _State.CONNECTING
            self._since_ms = now_ms
            effects.append(Connect(self._number))
        elif self._state is _State.UP:
            if now_ms >= self._paused_until_ms:
                self._paused_until_ms = 0
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
        window = self._window
        if self._suspects or self._barren >= _BARREN:
            window = 1
        elif self._pauses:
            window = min(window, _REFUSED_IN_A_ROW)
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
                        task.mark = self._accepted
                size = len(parcel.payload)
                if self._max_packet is not None and size + len(parcel.topic) + _PACKET_OVERHEAD > self._max_packet:
                    self._landed(_Flight(parcel, lane, 0), 0x95, now_ms, effects)
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
        if code < 0x80:
            self._accepted += 1
            self._accepted_here += 1
            self._barren = 0
            self._attempts = 0
            self._refused_in_a_row = 0
            if self._pauses:
                self._pauses = 0
                self._paused_until_ms = 0
                effects.append(Note("broker_accepts", "the broker accepts messages again"))
        else:
            self._barren = 0
        self._landed(flight, code, now_ms, effects)
        if code >= 0x80:
            self._pause_if_refusing(code, now_ms, effects)

    def _landed(self, flight: _Flight, code: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        """The broker, or the lack of one, has decided on a flight: on to the next state of its rows."""
        lane = flight.lane
        if code < 0x80:
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
            self._suspects.discard(task.row_id)
            self._distrusted.discard(task.queue.device)
            lane.done(task)
            self._dirty = True
        elif not task.refused:
            lane.back(task, now_ms + _BACK_OFF_MIN_MS if code >= 0x80 else 0)
        elif task.tries >= self._tries(task, code) and self._accepted > task.mark:
            self._suspects.discard(task.row_id)
            self._distrusted.add(task.queue.device)
            lane.done(task)
            why = _REASONS.get(code, "a reason of its own")
            self._park(
                task.row_id,
                f"the broker refused row {task.row_id} {task.tries} times (reason 0x{code:02x}): {why}",
                effects,
            )
        else:
            lane.back(task, now_ms + self._back_off_ms(task.tries - 1))

    def _tries(self, task: Task, code: int) -> int:
        """How often a row is tried: once only after one of its device had to be parked, until one gets through."""
        if task.queue.device in self._distrusted:
            return 1
        return _LASTING_TRIES if code in _LASTING or code == _LOST else _PASSING_TRIES

    def _park(self, row_id: int, reason: str, effects: list[PublisherEffect]) -> None:
        self._parked += 1
        self._dirty = True
        effects.append(Park(row_id, reason))

    def _pause_if_refusing(self, code: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        if now_ms < self._paused_until_ms:
            return  # what was in flight when the pause began
        self._refused_in_a_row += 1
        if self._refused_in_a_row < _REFUSED_IN_A_ROW:
            return
        if not self._pauses:
            why = _REASONS.get(code, "a reason of its own")
            effects.append(Note("broker_refuses", f"the broker refuses everything, now with 0x{code:02x}: {why}"))
        self._refused_in_a_row = 0
        self._paused_until_ms = now_ms + self._back_off_ms(self._pauses)
        self._pauses += 1

    # ---- the connection

    def _connected(self, event: Connected, now_ms: int, effects: list[PublisherEffect]) -> None:
        if event.number != self._number or self._state is not _State.CONNECTING:
            effects.append(Disconnect(event.number))
            return
        self._state = _State.UP
        self._since_ms = now_ms
        self._sent_here = 0
        self._accepted_here = 0
        self._max_packet = event.max_packet
        self._window = min(self._settings.window, event.receive_max or self._settings.window)
        if now_ms - self._down_since_ms >= _BRIEF_MS:
            self._live.empty_into(self._historical.todo)
            self._suspects.clear()
        if self._told_down or self._number == 1:
            effects.append(Note("broker_connected", f"connected to the broker, attempt {self._number}"))
        self._told_down = False

    def _lost(self, detail: str, now_ms: int, effects: list[PublisherEffect]) -> None:
        """The connection ended or did not come to be: everything in flight waits again."""
        if self._state is _State.UP:
            self._down_since_ms = now_ms
            if self._sent_here and not self._accepted_here:
                self._barren += 1
            if now_ms - self._since_ms >= _STEADY_MS:
                self._attempts = 0
            self._take_back(now_ms, effects)
        self._state = _State.DOWN
        self._since_ms = now_ms
        self._connect_at_ms = now_ms + self._back_off_ms(self._attempts)
        self._attempts += 1
        if not self._told_down:
            self._told_down = True
            effects.append(Note("broker_lost", f"no connection to the broker: {detail}; records wait in the store"))

    def _take_back(self, now_ms: int, effects: list[PublisherEffect]) -> None:
        flights = list(self._flights.values())
        self._flights.clear()
        alone = len(flights) == 1 and (self._barren >= _BARREN or bool(self._suspects))
        for flight in flights:
            flight.lane.out -= 1
            flight.lane.bytes_out -= flight.size
            if alone:
                self._suspects.update(task.row_id for task, _ in flight.parts)
                self._landed(flight, _LOST, now_ms, effects)
                continue
            for task, _ in flight.parts:
                task.open -= 1
                if not task.open:
                    flight.lane.back(task)

    def _stop(self, effects: list[PublisherEffect]) -> None:
        self._save(effects)
        if self._state is not _State.DOWN:
            effects.append(Disconnect(self._number, clean=True))
        self._state = _State.STOPPED

    def _save(self, effects: list[PublisherEffect]) -> None:
        self._dirty = False
        self._save_at_ms = None
        cursor = self.cursor()
        if cursor != self._saved:
            self._saved = cursor
            effects.append(SaveCursor(cursor))

    def _back_off_ms(self, failures: int) -> int:
        """1 s, doubled with each failure up to 120 s, of which a random part up to a half is left out."""
        longest_ms = min(_BACK_OFF_MIN_MS << min(failures, 10), _BACK_OFF_MAX_MS)
        return longest_ms - int(self._dice() * longest_ms / 2)
