"""The seam behind the local API: what a gateway, running or stopped, can be asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.network.registration import Registration
from gateway.operate.importing import Batch
from gateway.places.place import Installed, Place

Json = dict[str, Any]  # what `json.dumps` takes


class StationError(Exception):
    """A sentence for whoever asked, without keys; its class says what kind of no it is."""


class NotFoundError(StationError):
    """There is no such device, place or order."""


class ConflictError(StationError):
    """It cannot be done beside what is there. faults: a sentence for each thing in the way."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class UnavailableError(StationError):
    """Not now: the gateway is stopped, or its disk is full. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A device to be removed, with its session; its records stay."""

    dev_eui: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """*new* stands where *old* stood, at every place and in every group; *old* stays registered.

    from_ms: Unix ms since when.
    """

    old: bytes
    new: bytes
    from_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order somebody wants given. target: a DevEUI, or the number of a multicast group.

    verb, arguments: as in `protocol.orders`, checked. valid_s: how long from now on it may still be obeyed. source: who
    asked, for the log.
    """

    target: bytes | int
    verb: int
    arguments: tuple[object, ...] = field(repr=False, default=())
    valid_s: int = 3600
    source: str = "api"


class Station(Protocol):
    """What the API asks. Pages hold at most *limit* rows after the cursor *after*; rows carry their own cursor.

    Every change is on disk when the call returns. Raises StationError's subclasses, with sentences for the user.
    """

    async def devices(self, after: int, limit: int) -> Sequence[Registration]:
        """Devices by number."""

    async def device(self, dev_eui: bytes) -> tuple[Registration, Json]:
        """One device, and what else is known of it: session (without keys), places, last heard."""

    async def add(self, batch: Batch) -> None:
        """Register all devices of *batch*, its places and installations, in one transaction, or nothing."""

    async def remove(self, removal: Removal) -> None:
        """Remove a device."""

    async def replace(self, replacement: Replacement) -> None:
        """Exchange a device for another one that is registered; places keep their series."""

    async def places(self, after: str, limit: int) -> Sequence[Place]:
        """Places by id."""

    async def set_place(self, place: Place) -> None:
        """Make a place, or change it."""

    async def installed(self, place_id: str | None) -> Sequence[Installed]:
        """Who is where: at one place with its history, or everywhere now."""

    async def install(self, installed: Installed) -> None:
        """Put a device at a place; with to_ms, take it away."""

    async def readings(self, after: int, limit: int) -> Sequence[Json]:
        """Records in the order of acceptance, each with its `id`, as they are published."""

    async def uplinks(self, after: int, limit: int, wait_s: float) -> Sequence[Json]:
        """The last uplinks, accepted and refused, each with its `number`; waits for one when there is none yet."""

    async def give_order(self, request: OrderRequest) -> Json:
        """Queue an order; returns it as `orders` shows it."""

    async def orders(self, after: int, limit: int) -> Sequence[Json]:
        """Orders by `id`, with their states."""

    async def quarantine(self, after: int, limit: int) -> Sequence[Json]:
        """Payloads that could not be read, by `id`, with reasons."""

    async def health(self) -> Json:
        """How this gateway is (`operate.health`)."""

    async def metrics(self) -> bytes:
        """The figures in Prometheus' text format."""

    async def counters(self) -> Mapping[str, int]:
        """What was counted since the start, refusals by reason among it, for the support bundle."""

    async def snapshot(self) -> str:
        """Write the registry's snapshot now; returns its path."""

    async def backup(self) -> str:
        """Write a backup now; returns its path."""

    async def replay(self, since_ms: int, publisher: str) -> int:
        """Move a publisher's cursor back to what was received since; returns how many records go out again."""
