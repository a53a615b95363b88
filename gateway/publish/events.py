"""The publisher's seam: what it hears from store and broker, and what it wants done.

Times called `now_ms` are milliseconds of the gateway's monotonic clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gateway.publish.cursor import Cursor
from gateway.readings.record import Record


class LaneName(Enum):
    """Live: as it is accepted. Historical: what had to wait, with `historical` set in its messages."""

    LIVE = "live"
    HISTORICAL = "historical"


@dataclass(frozen=True, slots=True)
class Stored:
    """Records up to this row are committed."""

    last_id: int


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a ReadMore: (row id, record) ascending; no other rows exist up to *up_to*."""

    lane: LaneName
    rows: Sequence[tuple[int, Record]]
    up_to: int


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The answer to a ReadMore that the store could not give now."""

    lane: LaneName
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The broker accepted connection *number*.

    max_packet: bytes of the largest packet it takes (MQTT 5), receive_max: how many unacknowledged ones it allows.
    """

    number: int
    max_packet: int | None = None
    receive_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """Connection *number* ended, or never came to be; *detail* is a sentence for the operator."""

    number: int
    detail: str


@dataclass(frozen=True, slots=True)
class Acked:
    """PUBACKs: (handle of the Publish, reason code); 0 and 0x10 (nobody subscribed) are successes (MQTT 5 §3.4.2.1)."""

    acks: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class DatesKnown:
    """Times that could not be told may be known now."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Publish the rows *first*..*last* again: the broker lost what it acknowledged."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ReplayParked:
    """Try these parked rows again."""

    row_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Keep the cursor and say goodbye."""


PublisherEvent = (
    Stored | Rows | ReadFailed | Connected | Disconnected | Acked | DatesKnown | Replay | ReplayParked | Stop
)


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to the broker, as connection *number*; Connected or Disconnected answers."""

    number: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Drop connection *number*; no answer is needed. clean: say goodbye first, so that the Last Will stays unsaid."""

    number: int
    clean: bool = False


class Publish(NamedTuple):
    """Publish with QoS 1; Acked returns the handle. A plain tuple: thousands a second are made."""

    handle: int
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class ReadMore:
    """Read at most *limit* rows with after < id <= last; Rows or ReadFailed answers."""

    lane: LaneName
    after: int
    last: int
    limit: int


@dataclass(frozen=True, slots=True)
class SaveCursor:
    """Keep this; it need not be committed at once: what is forgotten goes out again under the same key."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Park:
    """Set a row aside with the reason; it counts as done until an operator has it tried again."""

    row_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unpark:
    """These rows are pending again, as the SaveCursor in front of this says: one transaction with it."""

    row_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A change the operator should see; *name* is counted, *detail* a sentence."""

    name: str
    detail: str


PublisherEffect = Connect | Disconnect | Publish | ReadMore | SaveCursor | Park | Unpark | Note
