"""A broker in virtual time, and the loop that runs a publisher against it: days in seconds, each failure on order."""

import random
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush

import orjson

from gateway.publish.cursor import Cursor
from gateway.publish.events import (
    Acked,
    Connect,
    Connected,
    Disconnect,
    Disconnected,
    Note,
    Park,
    Publish,
    PublisherEffect,
    PublisherEvent,
    ReadMore,
    Rows,
    SaveCursor,
    Stored,
    Unpark,
)
from gateway.publish.messages import Messenger
from gateway.publish.publisher import Publisher, PublisherSettings
from gateway.readings.record import Record
from tests.fakes.town import MemoryOutbox, eui

Answer = int | str | None  # a reason code, "drop" for an end of the connection, None for silence


class Heard:
    """A message as a consumer got it."""

    def __init__(self, at_ms: int, topic: str, message: dict[str, object]) -> None:
        self.at_ms = at_ms
        self.topic = topic
        self.message = message
        key = message["key"]
        assert isinstance(key, dict)
        self.dev_eui: str = key["dev_eui"]
        self.seq: int = key.get("seq", key.get("row"))
        self.key = (key["dev_eui"], key.get("epoch"), self.seq, message["instance"])
        self.historical = message["historical"]


class Chain:
    """A publisher, its outbox and a broker, on one timeline.

    answer: what the broker does with a publish, given it and the time; a message that it answers with a success, or
    with silence, has reached the consumer. rtt_ms: between publish and PUBACK.
    """

    def __init__(
        self,
        outbox: MemoryOutbox,
        messenger: Messenger,
        answer: Callable[[Publish, int], Answer] = lambda publish, now_ms: 0,
        *,
        rtt_ms: int = 10,
        seed: int = 1,
        window: int = 100,
        batch: int = 50,
        max_packet: int | None = None,
        receive_max: int | None = None,
    ) -> None:
        self.now_ms = 0
        self.outbox = outbox
        self.messenger = messenger
        self.answer = answer
        self.up = True
        self.heard: list[Heard] = []
        self.notes: list[Note] = []
        self.most_in_flight = 0
        self.most_bytes = 0
        self.connects = 0
        self.publishes = 0
        self._rtt_ms = rtt_ms
        self._max_packet = max_packet
        self._receive_max = receive_max
        self._dice = random.Random(seed)
        self._settings = PublisherSettings(batch_topic=messenger.batch_topic("{}"), window=window, batch=batch)
        self._timeline: list[tuple[int, int, Callable[[], None]]] = []
        self._steps = 0
        self._connection: int | None = None
        self._in_flight: dict[int, int] = {}  # handle -> bytes
        self.publisher = self._publisher(outbox.cursor)

    def _publisher(self, cursor: Cursor) -> Publisher:
        return Publisher(
            self._settings,
            self.messenger.messages_of,
            self._dice.random,
            cursor,
            self.outbox.last_id(),
            self.now_ms,
        )

    def restart(self) -> None:
        """The process is killed and starts again with what it had saved."""
        self._connection = None
        self._in_flight.clear()
        self.publisher = self._publisher(self.outbox.cursor)

    def drop(self) -> None:
        """TCP ends; what was on the way is lost."""
        if self._connection is not None:
            number, self._connection = self._connection, None
            self._in_flight.clear()
            self.give(Disconnected(number=number, detail="dropped"))

    def store(self, record: Record) -> int:
        """A record is committed now."""
        row_id = self.outbox.append(record)
        self.give(Stored(row_id))
        return row_id

    def at(self, at_ms: int, what: Callable[[], None]) -> None:
        """Do something at a time."""
        self._steps += 1
        heappush(self._timeline, (at_ms, self._steps, what))

    def give(self, event: PublisherEvent) -> None:
        """Hand an event to the publisher and carry out what it wants."""
        self._run(self.publisher.handle(event, self.now_ms))

    def run_until(self, end_ms: int) -> None:
        """Let time pass."""
        idle = 0
        self._run(self.publisher.wake(self.now_ms))
        while True:
            wake_ms = self.publisher.wake_at()
            event_ms = self._timeline[0][0] if self._timeline else None
            if wake_ms is not None and (event_ms is None or wake_ms < event_ms):
                if wake_ms > end_ms:
                    break
                idle = idle + 1 if wake_ms <= self.now_ms else 0
                assert idle < 5, f"the publisher wants to be woken at {wake_ms} again and again, now is {self.now_ms}"
                self.now_ms = max(self.now_ms, wake_ms)
                self._run(self.publisher.wake(self.now_ms))
            elif event_ms is not None and event_ms <= end_ms:
                idle = 0
                self.now_ms = max(self.now_ms, event_ms)
                heappop(self._timeline)[2]()
            else:
                break
        self.now_ms = max(self.now_ms, end_ms)

    def _run(self, effects: list[PublisherEffect]) -> None:
        for effect in effects:
            if isinstance(effect, Publish):
                self._publish(effect)
            elif isinstance(effect, ReadMore):
                rows, up_to = self.outbox.read(effect.after, effect.last, effect.limit)
                self.at(self.now_ms, partial(self.give, Rows(effect.lane, rows, up_to)))
            elif isinstance(effect, Connect):
                self.connects += 1
                self.at(self.now_ms + self._rtt_ms, partial(self._connect, effect.number))
            elif isinstance(effect, Disconnect):
                self._connection = None
                self._in_flight.clear()
            elif isinstance(effect, SaveCursor):
                self.outbox.save_cursor(effect.cursor)
            elif isinstance(effect, Park):
                self.outbox.park(effect.row_id, effect.reason)
            elif isinstance(effect, Unpark):
                self.outbox.unpark(effect.row_ids)
            else:
                self.notes.append(effect)

    def _connect(self, number: int) -> None:
        if not self.up:
            self.give(Disconnected(number=number, detail="no route to host"))
            return
        self._connection = number
        self._in_flight.clear()
        self.give(Connected(number=number, max_packet=self._max_packet, receive_max=self._receive_max))

    def _publish(self, publish: Publish) -> None:
        if self._connection is None:
            return  # into a socket that nobody reads
        self.publishes += 1
        self._in_flight[publish.handle] = len(publish.payload)
        self.most_in_flight = max(self.most_in_flight, len(self._in_flight))
        self.most_bytes = max(self.most_bytes, sum(self._in_flight.values()))
        if self._receive_max is not None:
            assert len(self._in_flight) <= self._receive_max
        answer = self.answer(publish, self.now_ms)
        if answer is None or (isinstance(answer, int) and answer < 0x80):
            said = orjson.loads(publish.payload)
            for message in said if isinstance(said, list) else [said]:
                self.heard.append(Heard(self.now_ms, publish.topic, message))
        if answer is None:
            return
        number = self._connection

        def arrive() -> None:
            if self._connection != number:
                return
            if answer == "drop":
                self.drop()
                return
            assert isinstance(answer, int)
            self._in_flight.pop(publish.handle, None)
            self.give(Acked([(publish.handle, answer)]))

        self.at(self.now_ms + self._rtt_ms, arrive)


def assert_all_heard(chain: Chain, but: frozenset[int] = frozenset()) -> None:
    """Every row of the outbox has reached the consumer, those in *but* excepted; nothing else has."""
    told = {heard.key[:3] for heard in chain.heard}
    wanted: set[tuple[object, ...]] = set()
    for row_id, record in chain.outbox.rows:
        if row_id not in but:
            assert record.device is not None
            wanted.add((eui(record.device).hex(), record.epoch, record.seq))
    assert told == wanted, f"{len(wanted - told)} of {len(wanted)} lost, {len(told - wanted)} invented"


def assert_in_order(chain: Chain) -> None:
    """In each lane a device's records come for the first time in the order in which it made them."""
    last: dict[tuple[str, object, object], int] = {}
    seen = set()
    for heard in chain.heard:
        if heard.key in seen:
            continue
        seen.add(heard.key)
        lane = (heard.dev_eui, heard.message["instance"], heard.historical)
        assert heard.seq > last.get(lane, -1), f"{heard.key} came after {last[lane]}"
        last[lane] = heard.seq
