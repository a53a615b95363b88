"""What a node has to tell, and when: receipts, events and their repeats, readings, status, what was asked for again.

Each is a teller: `f_port` and `confirmed` of its next frame, `due_ms()` when that may go (None: nothing to tell),
`compose(room, now_ms)` the payload, which counts as told, and `sent(acked, now_ms)` once its frame is over. The mind
asks them in order of urgency whenever the radio is free.
"""

from protocol.compat import const, on_demand
from protocol.events import MOTION_SEEN
from protocol.reading import Reading
from protocol.telemetry import (
    F_PORT_EVENT,
    F_PORT_READINGS,
    F_PORT_STATUS,
    Status,
    encode_event,
    encode_status,
)

from .actions import LEAST_HOUR_MS
from .dice import Dice
from .store.log import EVENT, NEWEST, READING, Log, Record

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    Rows = Any  # what the same class returned as its image, through CBOR

    class Teller(Protocol):
        """What the mind asks of everything that has something to tell."""

        @property
        def f_port(self) -> int:
            """FPort of the next frame."""

        @property
        def confirmed(self) -> bool:
            """Whether the next frame asks for an acknowledgement."""

        def due_ms(self) -> int | None:
            """When there is something to tell; None: nothing."""

        def compose(self, room: int, now_ms: int) -> bytes:
            """At most *room* bytes, 36 or more, that count as told."""

        def sent(self, acked: bool | None, now_ms: int) -> None:
            """The frame is over."""


RARE = const(255)  # number of a reading that no set lists; its values are the keys, then a value for each
RARE_MOST = const(3)  # values in one of these: they fit the smallest frame whatever they are
MAX_RECEIPTS = const(8)  # the gateway has at most as many orders to one node under way
REPEATED = const(3)  # readings that ride along with the newest: at 20 % loss all four frames are lost once in 625
MAX_EVENTS = const(8)  # under way at once: both bays of a node taken and left again within five minutes
_F_PORT_ORDERS = const(4)  # of protocol/orders.py, which is loaded when an order comes
_REPEATS_S = ((15, 45), (120, 300))  # after the event was first told
_MOTION_REPEATS_S = ((4, 8),)  # somebody walks a few steps
_SLOW_ROOM = const(51)  # bytes in a frame of DR0..DR2 (`protocol/region.py`)
_RETRY_S = const(60)
_MAX_RETRY_S = const(3600)


class Receipts:
    """Receipts of orders (`firmware/orders.py`). image: what `image` returned before the deep sleep."""

    f_port = _F_PORT_ORDERS
    confirmed = False

    def __init__(self, image: "Rows" = ()) -> None:
        self._owed: list[tuple[int, bytes]] = [(due_s * 1000, receipt) for due_s, receipt in image]

    @on_demand
    def owe(self, receipt: bytes, due_ms: int) -> None:
        """Tell *receipt* then, once: an order may be repeated before its receipt went. A ninth forgets the oldest."""
        if receipt not in [owed for _, owed in self._owed]:
            self._owed.append((due_ms, receipt))
            del self._owed[:-MAX_RECEIPTS]

    def due_ms(self) -> int | None:
        """When the next receipt is to go."""
        return min([due_ms for due_ms, _ in self._owed]) if self._owed else None

    @on_demand
    def compose(self, room: int, now_ms: int) -> bytes:
        """The receipt that is due first."""
        first = min([(due_ms, position) for position, (due_ms, _) in enumerate(self._owed)])[1]
        return self._owed.pop(first)[1]

    def sent(self, acked: bool | None, now_ms: int) -> None:
        """A receipt that is lost is asked for again: the gateway repeats the order."""

    @on_demand
    def image(self) -> list[object]:
        """The receipts still owed, for the deep sleep."""
        return [[(due_ms + 999) // 1000, receipt] for due_ms, receipt in self._owed]


class Events:
    """Events: at once, again after 15..45 s and after 2..5 min, each time with the same number.

    A motion goes once more, and soon: later it brightens nothing. Twenty an hour, twice each, take 7 s of the hour's 36
    at DR3; below, where one time takes up to 30 s, it goes once.
    """

    f_port = F_PORT_EVENT
    confirmed = False

    @on_demand
    def __init__(self, dice: Dice, log: Log, boot: int, image: "Rows" = ()) -> None:
        self._dice = dice
        self._boot = boot
        self._under_way: list[_Untold] = []
        for seq, told, due_s, first_s in image:
            for record in log.find(seq, 1):
                event = _Untold(record, due_s * 1000)
                event.told = told
                event.first_ms = first_s * 1000
                self._under_way.append(event)

    @on_demand
    def add(self, record: Record, now_ms: int) -> None:
        """A new event; when too many are under way, the oldest is told no more."""
        self._under_way.append(_Untold(record, now_ms))
        del self._under_way[:-MAX_EVENTS]

    def due_ms(self) -> int | None:
        """When the next event, or the next repeat, is to go."""
        return min([event.due_ms for event in self._under_way]) if self._under_way else None

    @on_demand
    def compose(self, room: int, now_ms: int) -> bytes:
        """The one that waits longest; and throw the dice for its repeat."""
        event = self._under_way[0]
        for other in self._under_way:
            if other.due_ms < event.due_ms:
                event = other
        if event.told == 0:
            event.first_ms = now_ms
        repeats_s: tuple[tuple[int, int], ...] = _REPEATS_S
        if event.record.number == MOTION_SEEN:
            repeats_s = _MOTION_REPEATS_S if room > _SLOW_ROOM else ()
        if event.told < len(repeats_s):
            least_s, most_s = repeats_s[event.told]
            event.due_ms = event.first_ms + self._dice.between_ms(least_s, most_s)
            event.told += 1
        else:
            self._under_way.remove(event)
        return event_payload(event.record, self._boot, now_ms)

    def sent(self, acked: bool | None, now_ms: int) -> None:
        """Nothing depends on it: the repeats go anyway."""

    @on_demand
    def image(self) -> list[object]:
        """The events under way, for the deep sleep."""
        return [
            [event.record.seq, event.told, (event.due_ms + 999) // 1000, event.first_ms // 1000]
            for event in self._under_way
        ]


class Readings:
    """The newest reading, with as many *repeated* before it for the frames that were lost."""

    f_port = F_PORT_READINGS
    confirmed = False

    @on_demand
    def __init__(self, set_number: int, log: Log, boot: int, untold: bool = False, repeated: int = REPEATED) -> None:
        self._repeated = repeated
        self.untold = untold and bool(log.newest(1))
        self._set_number = set_number
        self._boot = boot
        self._newest: list[Reading] = []
        for record in log.newest(NEWEST):
            if record.kind == READING and record.number == set_number and len(self._newest) <= repeated:
                self._newest.append(record)

    def add(self, record: Record) -> None:
        """A new reading; a frame that still waits for its turn will carry it too."""
        self._newest.insert(0, record)
        del self._newest[self._repeated + 1 :]
        self.untold = True

    def due_ms(self) -> int | None:
        """At once, when there is one that no frame has carried."""
        return 0 if self.untold else None

    def compose(self, room: int, now_ms: int) -> bytes:
        """As many as fit."""
        from protocol.telemetry import encode_readings  # here, as it is needed for a moment: else it would stay

        self.untold = False
        return encode_readings(self._set_number, self._newest, self._boot, now_ms // 1000, room)[0]

    def sent(self, acked: bool | None, now_ms: int) -> None:
        """Nothing depends on it: the next frames repeat what this one carried."""


class Resends:
    """What is told from the log: what the gateway missed and asked for, and once a day what no set carries.

    A frame of these uses at most half of the airtime there is, so that what is new finds the other half. It is rare:
    the work is `firmware/recall.py`, loaded for each of them. hour_ms: what there is in an hour, to be set before each.
    """

    confirmed = False

    @on_demand
    def __init__(self, log: Log, boot: int, image: "Rows" = ()) -> None:
        self.f_port = F_PORT_READINGS
        self._log = log
        self._boot = boot
        self._free_ms: int = image[0] * 1000 if image else 0
        self._gaps: list[list[int]] = image[1:] if image else []  # as `recall.enter` makes them, oldest first
        self._head: Record | None = None  # what the next frame begins with
        self.hour_ms = LEAST_HOUR_MS
        if self._gaps:
            self._seek()

    @on_demand
    def add(self, first_seq: int, count: int) -> int | None:
        """Tell *count* records from *first_seq* on, its low 16 bits.

        Returns None, or the first full number that the log still has if older ones were asked for.
        """
        from .recall import enter

        oldest = enter(self._gaps, self._log, first_seq, count)
        self._seek()
        return oldest

    def due_ms(self) -> int | None:
        """When half of the airtime has grown to another frame."""
        return self._free_ms if self._head else None

    @on_demand
    def compose(self, room: int, now_ms: int) -> bytes:
        """The oldest of what is still to tell, and as much after it as fits."""
        from .recall import tell

        assert self._head is not None  # the mind asks only when something is due
        payload, pause_ms = tell(self._gaps[0], self._head, self._log, self._boot, room, now_ms, self.hour_ms)
        self._free_ms = now_ms + pause_ms
        self._seek()
        return payload

    def sent(self, acked: bool | None, now_ms: int) -> None:
        """What is lost again is asked for again."""

    @on_demand
    def image(self) -> list[object]:
        """When it may go on, and what is still to tell, for the deep sleep."""
        image: list[object] = [(self._free_ms + 999) // 1000]
        image.extend(self._gaps)
        return image

    @on_demand
    def _seek(self) -> None:
        from .recall import seek

        self._head = seek(self._gaps, self._log)
        if self._head:
            self.f_port = F_PORT_EVENT if self._head.kind == EVENT else F_PORT_READINGS


class StatusTeller:
    """The status: after each boot and daily; while it opens an epoch, confirmed and until it is acknowledged.

    make: the status as it is now, by now_ms. period_ms: to the next one. image: what `image` returned before the deep
    sleep.
    """

    f_port = F_PORT_STATUS

    @on_demand
    def __init__(
        self, dice: Dice, log: Log, make: "Callable[[int], Status]", period_ms: int, image: "Rows" = ()
    ) -> None:
        self._dice = dice
        self._log = log
        self._make = make
        self.period_ms = period_ms
        self._due_ms: int = image[0] * 1000 if image else 0
        self._retry_s: int = image[1] if image else _RETRY_S  # the pause, should the next one be lost as well

    @property
    def confirmed(self) -> bool:
        """As long as the gateway may not have heard of the epoch: it could not tell the records from older ones."""
        return self._log.epoch_is_new

    def due_ms(self) -> int | None:
        """The next one."""
        return self._due_ms

    @on_demand
    def tell(self) -> None:
        """The next one is due now."""
        self._due_ms = 0

    @on_demand
    def compose(self, room: int, now_ms: int) -> bytes:
        """The status as it is now; one that opens an epoch comes again soon should nobody say how it ended."""
        self._due_ms = now_ms + (_MAX_RETRY_S * 1000 if self._log.epoch_is_new else self.period_ms)
        return encode_status(self._make(now_ms), room)

    @on_demand
    def sent(self, acked: bool | None, now_ms: int) -> None:
        """An epoch is open once its status is acknowledged; else once more, later and later up to an hour."""
        if acked:
            self._log.epoch_told()
            self._due_ms = now_ms + self.period_ms
        elif self._log.epoch_is_new:
            self._due_ms = now_ms + self._retry_s * 1000 + self._dice.between_ms(0, _RETRY_S)
            self._retry_s = min(self._retry_s * 2, _MAX_RETRY_S)

    @on_demand
    def image(self) -> list[object]:
        """The due time and the pause after the next try, in seconds, for the deep sleep."""
        return [(self._due_ms + 999) // 1000, self._retry_s]


class _Untold:
    """An event under way: how often it was told, when first and when again."""

    def __init__(self, record: Record, due_ms: int) -> None:
        self.record = record
        self.told = 0
        self.due_ms = due_ms
        self.first_ms = due_ms


@on_demand
def event_payload(record: Record, boot: int, now_ms: int) -> bytes:
    """The record of an event as a payload of FPort 2; without age if it is of another boot."""
    details = tuple([value for value in record.values if value is not None])
    age_s = now_ms // 1000 - record.uptime_s if record.boot == boot else None
    return encode_event(record.seq, age_s, record.number, details)
