"""A broker in virtual time, and who subscribed to it: it connects, acknowledges, and does neither when a fault says so.

It stands for the whole way to the city: backhaul, broker and consumer. A message that was published on an open
connection has reached the subscriber, even if its acknowledgement is lost; so the same message may come twice, and the
subscriber is told of both.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from simulator.streams import Stream
from simulator.timeline import Timeline

RTT_US = 20_000  # a town's fibre
_TICK_US = 10_000  # acknowledgements within a tick come together, as they do in one TCP segment
QUOTA_EXCEEDED = 0x97  # what a refusing broker answers (MQTT 5 §3.4.2.1)

Subscriber = Callable[[str, bytes], None]


class Client(Protocol):
    """Whoever connects to the broker."""

    def connected(self, number: int) -> None:
        """Connection *number* is accepted."""

    def disconnected(self, number: int, detail: str) -> None:
        """Connection *number* has ended, or never came to be."""

    def acked(self, acks: Sequence[tuple[int, int]]) -> None:
        """PUBACKs: (handle, reason code)."""


class Broker:
    """One client, one subscriber.

    subscriber: told topic and payload of what arrives. broken: called when a connection ends by the broker's doing,
    after which what was not acknowledged comes again. slow_us: added to each round trip. duplicates: share of messages
    that reach the subscriber twice.
    """

    def __init__(
        self,
        timeline: Timeline,
        stream: Stream,
        subscriber: Subscriber,
        broken: Callable[[], None],
        again: Subscriber | None = None,
    ) -> None:
        self.slow_us = 0
        self.duplicates = 0.0
        self.published = 0
        self._timeline = timeline
        self._stream = stream
        self._subscriber = subscriber
        self._broken = broken
        self._again = again or subscriber
        self._away = 0  # faults that keep it away
        self._refusing = 0
        self._client: Client | None = None
        self._number: int | None = None  # of the connection that is open
        self._opening: int | None = None
        self._attempt = 0  # a client that starts afresh counts its connections afresh
        self._acks: dict[int, list[tuple[int, int]]] = {}  # by when they arrive

    @property
    def up(self) -> bool:
        """Whether it can be reached."""
        return not self._away

    # As the client sees it.

    def connect(self, client: Client, number: int) -> None:
        """Ask for connection *number*; what was before is over."""
        self._forget()
        self._opening = number
        self._attempt += 1
        attempt = self._attempt
        self._timeline.at(self._timeline.now_us + RTT_US + self.slow_us, lambda: self._open(client, number, attempt))

    def publish(self, handle: int, topic: str, payload: bytes) -> None:
        """Take a message on the open connection; without one it goes nowhere."""
        if self._number is None or self._away:
            return
        self.published += 1
        if not self._refusing:
            self._subscriber(topic, payload)
            if self.duplicates and self._stream.chance(self.duplicates):
                self._again(topic, payload)
        at_us = self._timeline.now_us + RTT_US + self.slow_us
        at_us += -at_us % _TICK_US
        waiting = self._acks.get(at_us)
        if waiting is None:
            self._acks[at_us] = waiting = []
            attempt = self._attempt
            self._timeline.at(at_us, lambda: self._acknowledge(at_us, attempt))
        waiting.append((handle, QUOTA_EXCEEDED if self._refusing else 0))

    def disconnect(self, number: int) -> None:
        """The client hangs up."""
        if number in (self._number, self._opening):
            self._forget()

    def lose_client(self) -> None:
        """The client is gone without a word."""
        self._forget()

    # As faults see it.

    def leave(self) -> None:
        """Nobody reaches it until as many `come_back`."""
        self._away += 1
        self.drop("the connection was reset")

    def come_back(self) -> None:
        """One reason less to be away."""
        self._away -= 1

    def refuse(self) -> None:
        """Answer every message with a quota that is exceeded, until as many `accept`."""
        self._refusing += 1

    def accept(self) -> None:
        """One reason less to refuse."""
        self._refusing -= 1

    def drop(self, detail: str) -> None:
        """The open connection ends; acknowledgements on their way are lost."""
        client, number = self._client, self._number
        self._forget()
        if client is not None and number is not None:
            self._broken()
            client.disconnected(number, detail)

    def _open(self, client: Client, number: int, attempt: int) -> None:
        if self._opening is None or attempt != self._attempt:
            return
        self._opening = None
        if self._away:
            client.disconnected(number, "no route to the broker")
            return
        self._client, self._number = client, number
        client.connected(number)

    def _acknowledge(self, at_us: int, attempt: int) -> None:
        if attempt != self._attempt:
            return
        acks = self._acks.pop(at_us, None)
        if acks and self._client is not None:
            self._client.acked(acks)

    def _forget(self) -> None:
        self._client = self._number = self._opening = None
        self._acks = {}
