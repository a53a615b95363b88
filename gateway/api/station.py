"""The seam behind the local API: what a gateway, running or stopped, can be asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.network.registration import Group, Registration
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


class RefusedError(StationError):
    """What is asked cannot be right, as an order with a level of 300 %."""


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
class OrderForm:
    """An order somebody wants given, as they wrote it. target: a DevEUI, or the number of a multicast group.

    arguments: of the verb, by name. expires_in_s: how long from now on it may still be obeyed. source: who asked.
    """

    target: bytes | int
    verb: str
    arguments: Mapping[str, object] = field(repr=False, default_factory=dict)
    expires_in_s: int = 3600
    source: str = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadForm:
    """A programme to be loaded: its file's text, and the groups, by name or number, that shall run it.

    dry_run: only say what it would mean.
    """

    text: str
    groups: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldForm:
    """Levels to be held for some time: a scene. levels: by target as people write it; None ends what was held."""

    levels: tuple[tuple[str, int | None], ...]
    hold_s: int = 3600
    fade_s: int = 2
    source: str = "api"
    dry_run: bool = False


class LightStation(Protocol):
    """What the API asks of lighting; errors as of `Station`."""

    async def programmes(self) -> Sequence[Json]:
        """The newest version of each programme, and which groups run it."""

    async def programme(self, name: str) -> Json:
        """One programme, with its file's text."""

    async def load(self, form: LoadForm) -> Json:
        """Load a programme and have groups run it; what it costs on the air, and what the law may say of it."""

    async def groups(self) -> Sequence[Json]:
        """Groups with lamps in them: their programme, and how many lamps have it."""

    async def lamps(self, after: str, limit: int) -> Sequence[Json]:
        """Who has what, by DevEUI in hex above *after*."""

    async def explain(self, dev_eui: bytes, at_s: int | None) -> Json:
        """Which rule holds a lamp at Unix time *at_s*, None: now, and until when; and what it told last."""

    async def hold(self, form: HoldForm) -> Json:
        """Hold levels, or end what was held."""


class Station(Protocol):
    """What the API asks. Pages hold at most *limit* rows beyond a cursor, which rows carry themselves.

    Every change is on disk when the call returns. Raises StationError's subclasses, with sentences for the user.
    """

    @property
    def light(self) -> LightStation:
        """Lighting."""

    async def lamp_faults(self, since_ms: int | None) -> Sequence[Json]:
        """What is wrong with lamps and feeders now, and what was over after Unix ms *since_ms*; the oldest first."""

    async def lamp_nights(
        self, first: int, last: int, after: tuple[int, int] | None, limit: int
    ) -> tuple[Sequence[Json], tuple[int, int] | None]:
        """What lamps took from one night to another (days since 1970-01-01), and the cursor behind, None at the end."""

    async def devices(self, after: int, limit: int) -> Sequence[Registration]:
        """Devices by number."""

    async def device(self, dev_eui: bytes) -> tuple[Registration, Json]:
        """One device, and what else is known of it: where it hangs, and its session without keys."""

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

    async def groups(self) -> Sequence[Group]:
        """All multicast groups."""

    async def set_group(self, name: str, members: tuple[bytes, ...]) -> Group:
        """Make the group *name*, with a key of its own, or change its members (DevEUIs)."""

    async def readings(self, after: int, limit: int) -> tuple[Sequence[Json], int | None]:
        """What records with an `id` above *after* say, as it is published; and the next cursor, None at the end."""

    async def uplinks(self, after: int, limit: int, wait_s: float) -> Sequence[Json]:
        """The last uplinks, accepted and refused, each with its `number`; waits for one when there is none yet."""

    async def give_order(self, form: OrderForm) -> Sequence[int]:
        """Queue an order; returns its ids: one, or one for each part of a programme."""

    async def cancel_order(self, order_id: int) -> None:
        """Send an order no more; that it is over is on disk then."""

    async def orders(self, before: int | None, limit: int) -> Sequence[Json]:
        """Orders with an `id` below *before*, the newest first, with their states."""

    async def quarantine(self, before: int | None, limit: int) -> Sequence[Json]:
        """Payloads that could not be read, with an `id` below *before*, the newest first, with reasons."""

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

    async def replay_parked(self, publisher: str) -> int:
        """Let go out again what the broker refused; returns how many records."""
