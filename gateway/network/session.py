"""A session: one device's address, keys and counters, as the network server holds and the store keeps them."""

from dataclasses import dataclass, field
from typing import Protocol

RESERVED = 64  # FCntDown are reserved in blocks: one write for so many downlinks, and a restart skips so many at most


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as it is kept. number counts the device's joins from 0, so that (DevEUI, number, FCntUp) is a key.

    f_cnt_up: the counter last accepted, -1 before the first. f_cnt_down: the first one not yet reserved: all below may
    have been used. dev_nonce, join_nonce: of the join that made it, -1 for ABP.
    """

    device: int
    number: int
    dev_addr: int
    nwk_s_key: bytes = field(repr=False)
    app_s_key: bytes = field(repr=False)
    dev_nonce: int
    join_nonce: int
    rx_delay_s: int
    rx1_dr_offset: int
    rx2_dr: int
    f_cnt_up: int
    f_cnt_down: int


class Kept(Protocol):
    """What the store knows of one device, which has no other name than its row.

    current: the session in use; waiting: one whose Join-Accept went out and that was not heard yet. number, dev_nonce,
    join_nonce: the highest that are used up, -1 for none: they may be above those of both. log: the application's text.
    """

    @property
    def device(self) -> int:
        """Its row."""

    @property
    def current(self) -> SessionRow | None:
        """In use."""

    @property
    def waiting(self) -> SessionRow | None:
        """To be heard."""

    @property
    def number(self) -> int:
        """Of sessions."""

    @property
    def dev_nonce(self) -> int:
        """Of Join-Requests."""

    @property
    def join_nonce(self) -> int:
        """Of Join-Accepts."""

    @property
    def log(self) -> str | None:
        """As `DeviceLog.to_text` gave it."""
