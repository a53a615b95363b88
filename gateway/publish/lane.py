"""A lane of rows on their way to the broker: in order for each device, fair between devices, bounded.

A row is in exactly one of these states: to be read (`todo`), waiting in its device's queue, or out with the broker.
A device has one parcel out at a time, so that a refusal holds back its later rows and those of nobody else. A parcel
is one MQTT message: a message of a row, or a batch of rows of one dataset, which may hold many rows of one device.
"""

from collections import deque
from heapq import heappop, heappush
from typing import NamedTuple

from gateway.publish.cursor import Intervals
from gateway.publish.events import LaneName
from gateway.publish.messages import Message


class Task:
    """A row in memory. messages: those not yet accepted. open: parcels of it that are out. mark: see the publisher."""

    __slots__ = ("dataset", "mark", "messages", "open", "queue", "refused", "row_id", "size", "tries")

    def __init__(self, row_id: int, queue: "Queue", messages: tuple[Message, ...]) -> None:
        self.row_id = row_id
        self.queue = queue
        self.messages = messages
        self.dataset = messages[0].dataset  # "": not to be put into a batch
        self.size = len(messages[0].payload) + 1
        for message in messages[1:]:
            self.size += len(message.payload) + 1
            if message.dataset != self.dataset:
                self.dataset = ""
        self.open = 0
        self.refused = False
        self.tries = 0
        self.mark = -1


class Queue:
    """The rows of one device in a lane: *waiting* in order of their ids, and how many are *out*."""

    __slots__ = ("device", "held_until_ms", "out", "unsorted", "waiting")

    def __init__(self, device: int | None) -> None:
        self.device = device
        self.waiting: deque[Task] = deque()
        self.out = 0
        self.unsorted = False
        self.held_until_ms = 0


class Parcel(NamedTuple):
    """What goes out as one MQTT message; parts: the rows in it, with those of their messages."""

    topic: str
    payload: bytes
    parts: tuple[tuple[Task, tuple[Message, ...]], ...]
    batch: bool


class Lane:
    """Rows on their way. room: rows in memory at most. batch: messages in a batch at most; 1: no batches.

    batch_from: how many rows must wait before they go as a batch.
    """

    def __init__(self, name: LaneName, room: int, batch: int, batch_from: int) -> None:
        self.name = name
        self.room = room
        self.todo = Intervals()
        self.tasks: dict[int, Task] = {}
        self.ready: deque[Queue] = deque()
        self.reading = False
        self.reading_from = 0
        self.read_at_ms = 0
        self.out = 0  # parcels
        self.bytes_out = 0
        self._batch = batch
        self._batch_from = batch_from
        self._waiting = 0
        self._queues: dict[int | None, Queue] = {}
        self._held: list[tuple[int, int, Queue]] = []
        self._holds = 0

    def add(self, row_id: int, device: int | None, messages: tuple[Message, ...]) -> None:
        """A row was read; one that is here already is left as it is."""
        if row_id in self.tasks:
            return
        queue = self._queues.get(device)
        if queue is None:
            queue = self._queues[device] = Queue(device)
            self.ready.append(queue)
        elif queue.waiting and queue.waiting[-1].row_id > row_id:
            queue.unsorted = True
        task = self.tasks[row_id] = Task(row_id, queue, messages)
        queue.waiting.append(task)
        self._waiting += 1

    def pick(self, most: int, batch_topic: str, batch_bytes: int) -> list[Parcel]:
        """The next 1..*most* parcels of the device whose turn it is, or a batch of several devices' rows.

        Call it only while `ready` is not empty. batch_topic: with "{}" for the dataset.
        """
        if self._batch > 1 and self._waiting >= self._batch_from:
            first = self.ready[0].waiting[0]
            if first.dataset:
                return [self._fill_batch(batch_topic.format(first.dataset), first.dataset, batch_bytes)]
        queue = self.ready.popleft()
        if queue.unsorted:
            _sort(queue)
        task = queue.waiting.popleft()
        self._waiting -= 1
        queue.out = 1
        messages = task.messages[:most]
        task.open = len(messages)
        return [Parcel(message.topic, message.payload, ((task, (message,)),), False) for message in messages]

    def done(self, task: Task) -> None:
        """The row needs nothing more."""
        del self.tasks[task.row_id]
        self._returned(task.queue)

    def back(self, task: Task, until_ms: int = 0) -> None:
        """The row must go again, before the later ones of its device and not before *until_ms*."""
        queue = task.queue
        task.refused = False
        queue.waiting.appendleft(task)
        queue.unsorted = True
        queue.held_until_ms = max(queue.held_until_ms, until_ms)
        self._waiting += 1
        self._returned(queue)

    def release(self, now_ms: int) -> None:
        """Let the devices go whose time has come."""
        while self._held and self._held[0][0] <= now_ms:
            queue = heappop(self._held)[2]
            queue.held_until_ms = 0
            self.ready.append(queue)

    def release_at(self) -> int | None:
        """When `release` has something to do."""
        return self._held[0][0] if self._held else None

    def empty_into(self, todo: Intervals) -> None:
        """Give all rows away, read or not. Nothing may be out."""
        todo.take_all(self.todo)
        for row_id in sorted(self.tasks):
            todo.add(row_id, row_id)
        self.tasks = {}
        self._queues = {}
        self._held = []
        self.ready.clear()
        self._waiting = 0

    def _fill_batch(self, topic: str, dataset: str, batch_bytes: int) -> Parcel:
        parts: list[tuple[Task, tuple[Message, ...]]] = []
        payloads: list[bytes] = []
        size = 2
        aside = []
        full = False
        while self.ready and not full:
            queue = self.ready.popleft()
            if queue.unsorted:
                _sort(queue)
            waiting = queue.waiting
            while waiting and waiting[0].dataset == dataset:
                task = waiting[0]
                if payloads and (len(payloads) + len(task.messages) > self._batch or size + task.size > batch_bytes):
                    full = True
                    break
                waiting.popleft()
                queue.out += 1
                task.open = 1
                size += task.size
                parts.append((task, task.messages))
                payloads.extend([message.payload for message in task.messages])
            if not queue.out:
                aside.append(queue)
        self.ready.extendleft(reversed(aside))
        self._waiting -= len(parts)
        if len(payloads) == 1:
            message = parts[0][1][0]
            return Parcel(message.topic, message.payload, tuple(parts), False)
        return Parcel(topic, b"[" + b",".join(payloads) + b"]", tuple(parts), True)

    def _returned(self, queue: Queue) -> None:
        """One of the queue's rows is no longer out."""
        queue.out -= 1
        if queue.out:
            return
        if not queue.waiting:
            del self._queues[queue.device]
        elif queue.held_until_ms:
            self._holds += 1
            heappush(self._held, (queue.held_until_ms, self._holds, queue))
        else:
            self.ready.append(queue)


def _sort(queue: Queue) -> None:
    queue.waiting = deque(sorted(queue.waiting, key=lambda task: task.row_id))
    queue.unsorted = False
