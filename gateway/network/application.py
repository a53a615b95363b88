"""The seam between the network server and what uplinks mean: the server authenticates, the application understands.

Both decide on the same state of a device and their writes go into one commit, so a frame's counter and its records
are one transaction. The application's own state of a device is an immutable value that the server keeps beside the
session and puts back when a commit fails; it is persisted as the text that goes into `KeepCounters.log`.
"""

from typing import NamedTuple, Protocol

from gateway.links.link import Received
from gateway.network.events import Alarm, Downlink, Fate, Refused
from gateway.network.registration import Registration
from gateway.store.writes import Write


class Uplink(NamedTuple):
    """An authentic data uplink with an FPort above 0, as the application hears it.

    payload: plain. session, f_cnt: with the DevEUI a key of their own. received_ms: end of the frame on the monotonic
    clock; offset_ms: what makes Unix ms of it, None while nobody knows. airtime_ms: of the frame.
    """

    registration: Registration
    session: int
    f_cnt: int
    f_port: int
    payload: bytes
    received_ms: int
    offset_ms: int | None
    airtime_ms: int
    best: Received


class DeviceLog(Protocol):
    """What the application knows of one device's log: immutable, kept as text."""

    def to_text(self) -> str:
        """How it is kept in the store."""


class Answer(NamedTuple):
    """What the application makes of something. log: the device's new state, None: as before.

    at_once: the commit must not be grouped. records: how many were new. cancels: refs of downlinks to forget, before
    those here, if they have not gone yet; only where no uplink asked.
    """

    writes: tuple[Write, ...] = ()
    log: DeviceLog | None = None
    downlinks: tuple[Downlink, ...] = ()
    notes: tuple[Refused | Alarm, ...] = ()
    at_once: bool = False
    records: int = 0
    cancels: tuple[int, ...] = ()


NOTHING = Answer()


class Application(Protocol):
    """What the network server asks about the payloads it carries."""

    def first_log(self, text: str | None) -> DeviceLog:
        """The state of a device's log from its text in the store; None: a device of which nothing was heard."""

    def hear(self, uplink: Uplink, log: DeviceLog) -> Answer:
        """What an uplink means."""

    def stumbled(self, uplink: Uplink, detail: str) -> Answer:
        """An uplink of which something, here or in the server, raised an error that nobody expected: set it aside.

        payload: as it was on the air, if it could not be opened.
        """

    def fate(self, fate: Fate, now_ms: int) -> Answer:
        """What became of a downlink it asked for."""

    def wake_at(self) -> int | None:
        """When it wants to be asked again."""

    def wake(self, now_ms: int) -> Answer:
        """What is due."""
