"""The network server's seam: what it hears, and what it wants done.

Times called `now_ms` are milliseconds of the gateway's monotonic clock, which never jumps; `ClockSet` tells what Unix
time that is, once it is known. A commit is a step of an ordered stream: `Committed` speaks of all up to its token, and
when one fails, all that were decided after it fail with it (`CommitsFailed`), so a device's state goes back as one.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from gateway.links.link import RadioReport, Received, Transmit, TransmitResult
from gateway.network.registration import Group, Registration
from gateway.network.session import Kept
from gateway.store.writes import Write


class Reason(Enum):
    """Why an uplink was refused; each is counted and shown."""

    MALFORMED = "malformed"
    NOT_AN_UPLINK = "not_an_uplink"
    UNKNOWN_DEV_ADDR = "unknown_dev_addr"
    WRONG_MIC = "wrong_mic"
    TOO_MANY_WRONG_MICS = "too_many_wrong_mics"  # of this DevAddr lately: not even looked at
    REPLAYED = "replayed"
    UNKNOWN_DEV_EUI = "unknown_dev_eui"
    WRONG_JOIN_EUI = "wrong_join_eui"
    REUSED_DEV_NONCE = "reused_dev_nonce"
    OVERLOAD = "overload"  # more uplinks wait than this gateway holds
    UNKNOWN_F_PORT = "unknown_f_port"
    UNREADABLE_PAYLOAD = "unreadable_payload"
    FAULT = "fault"  # it made this program stumble, which is a mistake of ours; an alarm names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The Commit with this token and all before it are on disk."""

    token: int


@dataclass(frozen=True, slots=True)
class CommitsFailed:
    """Every Commit not yet told as committed could not be written: their frames count as never heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSet:
    """Unix ms is `now_ms + offset_ms` from now on; None: nobody knows the time yet."""

    offset_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """What the application wants a device or a group to hear, once. ref returns with its `Fate`.

    target: a DevEUI, or the number of a multicast group. expires_ms: on the monotonic clock; what has not gone by then
    never goes. priority: the lowest goes first. payload: plain, FPort 1..223.
    """

    ref: int
    target: bytes | int
    f_port: int
    payload: bytes
    expires_ms: int
    priority: int = 5
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Forget the Downlink with this ref, if it has not gone yet; it gets no fate."""

    ref: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSet:
    """A device was registered or changed; its session stays unless its keys or its ABP address changed.

    kept: what the store knows of one that was registered before and comes back.
    """

    registration: Registration
    kept: Kept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGone:
    """A device was removed: nothing of it is accepted any more."""

    dev_eui: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSet:
    """A multicast group was made or changed."""

    group: Group


Event = (
    Received
    | TransmitResult
    | RadioReport
    | Committed
    | CommitsFailed
    | ClockSet
    | Downlink
    | Cancel
    | DeviceSet
    | DeviceGone
    | GroupSet
)


class Commit(NamedTuple):
    """Write all of these in one transaction, in order after the commits before it, then answer.

    at_once: an answer, a join, an order or an event waits for it; else it may be grouped with others for up to 2 s.
    """

    token: int
    writes: tuple[Write, ...]
    at_once: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An uplink, or what it says, was not accepted; *detail* is a sentence for the operator, without keys."""

    reason: Reason
    dev_addr: int | None
    detail: str
    dev_eui: bytes | None = None


class Accepted(NamedTuple):
    """An uplink was accepted (not yet committed): for the ring of the last uplinks and for health."""

    dev_eui: bytes
    f_cnt: int
    f_port: int | None
    dr: int
    freq_hz: int
    radios: tuple[tuple[str, int | None, float | None], ...]  # (radio, rssi_dbm, snr_db), the best first
    phy_len: int
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something an operator must know of; *name* is counted, *detail* a sentence without keys.

    recorded: a NOTICE with its figures is written already.
    """

    name: str
    dev_eui: bytes | None
    detail: str
    recorded: bool = False


class FateOf(Enum):
    """What became of a Downlink."""

    SENT = "sent"  # it was on the air; that it was heard only the device can say
    ACKED = "acked"  # confirmed, and acknowledged
    EXPIRED = "expired"
    IMPOSSIBLE = "impossible"  # too long for the data rate, no session, unknown target


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """The Downlink with this ref is over, or on its way (SENT of a confirmed one comes before its end)."""

    ref: int
    fate: FateOf
    detail: str = ""


Effect = Commit | Refused | Accepted | Alarm | Transmit | Fate


class NetworkServer(Protocol):
    """The core between links and store; it never sleeps, sends, writes or reads a clock."""

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Decide what *event* means."""

    def wake_at(self) -> int | None:
        """When `wake` wants to be called next; None while nothing is pending."""

    def wake(self, now_ms: int) -> list[Effect]:
        """Do what is due at *now_ms*."""
