"""What waits to be sent to one device or group: by priority, each until it expires, and never too many."""

from gateway.network.events import Downlink

MAX_WAITING = 8  # orders to one node; a person who sends a ninth hears that it is impossible


class Waiting:
    """A downlink that waits. sent: it was on the air at least once; tries: of a confirmed one; it rests until then."""

    __slots__ = ("downlink", "not_before_ms", "sent", "tries")

    def __init__(self, downlink: Downlink) -> None:
        self.downlink = downlink
        self.sent = False
        self.tries = 0
        self.not_before_ms = 0


class Queue:
    """Downlinks of one target, those of the lowest priority number first, then in the order they came."""

    __slots__ = ("items", "unacknowledged")

    def __init__(self) -> None:
        self.items: list[Waiting] = []
        self.unacknowledged: Waiting | None = None  # a confirmed one that went out: it is in no other place

    def full(self) -> bool:
        """Whether no more may come."""
        return len(self.items) + (self.unacknowledged is not None) >= MAX_WAITING

    def add(self, item: Waiting) -> None:
        """Put it behind those as urgent."""
        self._put(item, 0)

    def put_back(self, item: Waiting) -> None:
        """It did not go, or was not acknowledged: put it before those as urgent."""
        self._put(item, -1)

    def ready(self, now_ms: int) -> list[Waiting]:
        """Those that may go now, in their order."""
        return [item for item in self.items if item.not_before_ms <= now_ms]

    def not_acknowledged(self) -> None:
        """What went out confirmed was not acknowledged: it waits again."""
        item = self.unacknowledged
        if item is not None:
            self.unacknowledged = None
            item.not_before_ms = 0
            self.put_back(item)

    def expire(self, now_ms: int) -> list[Waiting]:
        """Take out those whose time has passed."""
        over = [item for item in self.items if item.downlink.expires_ms <= now_ms]
        for item in over:
            self.items.remove(item)
        out_there = self.unacknowledged
        if out_there is not None and out_there.downlink.expires_ms <= now_ms:
            self.unacknowledged = None
            over.append(out_there)
        return over

    def drop(self, item: Waiting) -> None:
        """Forget it, wherever it is."""
        if item is self.unacknowledged:
            self.unacknowledged = None
        elif item in self.items:
            self.items.remove(item)

    def due_at(self, now_ms: int) -> int | None:
        """When something changes by itself: one expires, or may go again."""
        times = [item.downlink.expires_ms for item in self.items]
        times += [item.not_before_ms for item in self.items if item.not_before_ms > now_ms]
        if self.unacknowledged is not None:
            times += (self.unacknowledged.downlink.expires_ms, self.unacknowledged.not_before_ms)
        return min(times, default=None)

    def _put(self, item: Waiting, before: int) -> None:
        place = item.downlink.priority + before
        at = sum(other.downlink.priority <= place for other in self.items)
        self.items.insert(at, item)
