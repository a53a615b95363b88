"""What the cabinet is told and tells, as plain values: nodes, groups, settings, and who hears what it does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MEMORY = ":memory:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """A session that began before the run, and how far the node's log had come.

    f_cnt_up: the last one heard, -1 for none. f_cnt_down: the first not used. next_seq: all below was heard.
    """

    dev_addr: int
    nwk_s_key: bytes
    app_s_key: bytes
    dev_nonce: int
    join_nonce: int
    f_cnt_up: int
    f_cnt_down: int
    epoch: int
    next_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A node as the gateway is told of it. role: "air", "parking" or "light". places: one for each of its instances.

    group: name of its multicast group, "" for none. warm: None for a node that will join.
    """

    name: str
    dev_eui: bytes
    join_eui: bytes
    app_key: bytes
    role: str
    places: tuple[str, ...]
    zone: str = ""
    gen_app_key: bytes | None = None
    class_c: bool = False
    plan: int = 0
    min_dr: int = 0
    group: str = ""
    warm: Warm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A multicast group."""

    name: str
    mc_addr: int
    mc_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CabinetSettings:
    """start_s: Unix time of virtual time 0. site: INSEE code. radios: names, each of a concentrator.

    database: a file that does not exist yet, or ":memory:". resend: whether nodes are asked for what is missing.
    almanac: the site's sun, as lamps have it; b"" without lamps.
    """

    start_s: int
    site: str
    radios: tuple[str, ...]
    database: Path | str = MEMORY
    rx_delay_s: int = 5
    rx2_dr: int = 3
    resend: bool = True
    almanac: bytes = b""


class CabinetWatcher(Protocol):
    """Who is told what the gateway does; each call is quick."""

    def emit(self, radio: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> None:
        """A radio begins a downlink."""

    def accepted(self, name: str, f_cnt: int, records: int, dr: int, radios: tuple[str, ...]) -> None:
        """An uplink of the node *name* was accepted; radios: those that heard it, the best first."""

    def refused(self, reason: str, name: str | None) -> None:
        """A frame was refused; name: of the node it says it is of, if that is known."""

    def committed(self, records: int) -> None:
        """So many records are on the card now."""

    def alarmed(self, alarm: str, detail: str) -> None:
        """Something an operator must know of."""

    def began(self, records: int) -> None:
        """The process starts and finds so many records on the card."""

    def ended(self, orderly: bool) -> None:
        """The process is gone."""


class OrderRefusedError(Exception):
    """The gateway did not take an order; the message says why."""
