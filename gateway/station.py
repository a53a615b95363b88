"""The running gateway as the local API sees it: the desk, and what only a process knows."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import apsw

from gateway.api.desk import Desk, first_id_since
from gateway.api.light import Change, LightDesk
from gateway.api.station import Json, NotFoundError, OrderForm, RefusedError, UnavailableError
from gateway.config.values import Config
from gateway.engine import Engine
from gateway.network.events import DeviceGone, DeviceSet, GroupSet
from gateway.network.registration import Group, Registration
from gateway.operate.metrics import Figures
from gateway.orders.request import OrderError, OrderRequest
from gateway.publish.events import Replay, ReplayParked
from gateway.store import cursors, devices, groups
from gateway.store.faults import StoreError
from gateway.store.opening import Layout
from gateway.store.writer import Writer
from gateway.timekeeping import Clock
from gateway.watch import Watch
from protocol.lorawan.eui import eui_to_text

Value = TypeVar("Value")


class RunningStation(Desk):
    """Implements `gateway.api.station.Station` beside the engine.

    replay: moves the running publisher back; None without a broker. health: how it is, now. relight: tells lighting
    what is planned otherwise. unix_ms: the time, None while nobody knows it.
    """

    def __init__(
        self,
        config: Config,
        layout: Layout,
        engine: Engine,
        watch: Watch,
        clock: Clock,
        read: apsw.Connection,
        writer: Writer,
        changed: Callable[[Sequence[DeviceSet | DeviceGone | GroupSet]], None],
        health: Callable[[], Json],
        metrics: Figures,
        replay: Callable[[Replay | ReplayParked], None] | None,
        relight: Callable[[Change], None],
        unix_ms: Callable[[], int | None],
    ) -> None:
        super().__init__(
            layout=layout,
            backups=config.store.backups,
            keep=config.store.backup_keep,
            read=read,
            write=self._write_now,
            datasets=config.datasets,
            baselines=config.baselines,
            site=config.site.insee,
            prefix=config.mqtt.prefix if config.mqtt else "lampyre",
            rx2_dr=config.network.rx2_dr,
            changed=changed,
        )
        self._engine = engine
        self._watch = watch
        self._clock = clock
        self._reader = read
        self._writer = writer
        self._health = health
        self._figures = metrics
        self._replay = replay
        self.light = LightDesk(
            config.site,
            config.lighting,
            read,
            self._write_now,
            lambda: engine.lighting,
            relight,
            unix_ms,
            clock.now_ms,
        )

    async def uplinks(self, after: int, limit: int, wait_s: float) -> Sequence[Json]:
        """See `Station`."""
        return await self._watch.uplinks(after, limit, wait_s)

    async def give_order(self, form: OrderForm) -> Sequence[int]:
        """See `Station`."""
        request = OrderRequest(
            target=self._target(form.target),
            verb=form.verb,
            arguments=form.arguments,
            expires_in_s=form.expires_in_s,
            source=form.source,
        )
        try:
            return await asyncio.wrap_future(self._engine.give(request, self._clock.now_ms()))
        except OrderError as error:
            raise RefusedError(str(error)) from None
        except StoreError as error:
            raise UnavailableError(str(error)) from None

    async def health(self) -> Json:
        """See `Station`."""
        return self._health()

    async def metrics(self) -> bytes:
        """See `Station`."""
        return self._figures.text()

    async def counters(self) -> Mapping[str, int]:
        """See `Station`."""
        return dict(self._engine.counts)

    async def cancel_order(self, order_id: int) -> None:
        """See `Station`."""
        try:
            await asyncio.wrap_future(self._engine.cancel(order_id, self._clock.now_ms()))
        except OrderError as error:
            raise RefusedError(f"{error}; `order list` shows what became of it") from None
        except StoreError as error:
            raise UnavailableError(f"order {order_id} is sent no more, but that is not on disk yet: {error}") from None

    async def replay(self, since_ms: int, publisher: str) -> int:
        """See `Station`."""
        replay = self._replay_of(publisher)
        first = first_id_since(self._reader, since_ms)
        last = self._writer.figures.last_record_id
        if last < first:
            return 0
        replay(Replay(first, last))
        return last - first + 1

    async def replay_parked(self, publisher: str) -> int:
        """See `Station`."""
        replay = self._replay_of(publisher)
        parked = tuple(row.record_id for row in cursors.list_parked(self._reader, publisher))
        if parked:
            replay(ReplayParked(parked))
        return len(parked)

    def _replay_of(self, publisher: str) -> Callable[[Replay | ReplayParked], None]:
        if self._replay is None or publisher != "mqtt":
            raise NotFoundError(f"there is no publisher {publisher} here; gateway.toml's [mqtt] makes `mqtt`")
        return self._replay

    def _target(self, target: bytes | int) -> Registration | Group:
        if isinstance(target, bytes):
            registration = devices.get_device(self._reader, target)
            if registration is None:
                raise NotFoundError(f"DevEUI {eui_to_text(target)} is not registered; `devices list` shows who is")
            return registration
        for group in groups.load_groups(self._reader):
            if group.number == target:
                return group
        raise NotFoundError(f"there is no group {target}; `groups list` shows which there are")

    def _write_now(self, function: Callable[[apsw.Connection], Value], *, alone: bool = False) -> Awaitable[Value]:
        return asyncio.wrap_future(self._writer.call(function, alone=alone))
