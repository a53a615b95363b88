"""The network server's seam: what it hears, and what it wants done."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.links.link import Received, Transmit, TransmitResult
from gateway.readings.record import Record


class Reason(Enum):
    """Why an uplink was refused; each is counted and shown."""

    MALFORMED = "malformed"
    NOT_AN_UPLINK = "not_an_uplink"
    UNKNOWN_DEV_ADDR = "unknown_dev_addr"
    WRONG_MIC = "wrong_mic"
    REPLAYED = "replayed"
    UNKNOWN_F_PORT = "unknown_f_port"
    UNREADABLE_PAYLOAD = "unreadable_payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """The Commit with this token is on disk."""

    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCommitted:
    """The Commit with this token could not be written: its frame counts as never heard, a repetition is welcome."""

    token: int


Event = Received | TransmitResult | Committed | NotCommitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Write the session's counter and the records of one uplink in one transaction, then answer with the token."""

    token: int
    dev_eui: bytes
    f_cnt_up: int
    epoch: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An uplink, or what it says, was not accepted; *detail* is a sentence for the operator, without keys."""

    reason: Reason
    dev_addr: int | None
    detail: str


Effect = Commit | Refused | Transmit


class NetworkServer(Protocol):
    """The core between links and store. Times are Unix ms; it never sleeps, sends, writes or reads a clock."""

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Decide what *event* means."""

    def wake_at(self) -> int | None:
        """When `wake` wants to be called next, in Unix ms; None while nothing is pending."""

    def wake(self, now_ms: int) -> list[Effect]:
        """Do what is due at *now_ms*."""
