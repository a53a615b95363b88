"""The station beside a gateway that is stopped: the store under its exclusive lock, and no for what takes a process."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn, TypeVar

import apsw

from gateway.api.desk import Desk, all_devices
from gateway.api.light import LightDesk
from gateway.api.station import Json, OrderForm, UnavailableError
from gateway.config.values import Config
from gateway.lighting.lighting import Lighting
from gateway.lighting.stored import hanging_now, load_lighting
from gateway.operate.owner import Owner
from gateway.store import groups
from gateway.store import lighting as light_tables
from gateway.store.opening import Store

Value = TypeVar("Value")


class StoppedStation(Desk):
    """Holds the database's lock from its making to `close`.

    notes: what there is to know of how the store was opened. Raises StoreError (another process has it) and OSError.
    """

    def __init__(self, config: Config) -> None:
        self._owner = Owner(config.store.folder)
        try:
            self._store = Store(config.store.database, check=False)
            try:
                self._database = self._store.connect()
            except BaseException:
                self._store.close()
                raise
        except BaseException:
            self._owner.leave()
            raise
        self.notes = tuple(self._store.notes)
        super().__init__(
            layout=self._store.layout,
            backups=config.store.backups,
            keep=config.store.backup_keep,
            read=self._database,
            write=self._run,
            datasets=config.datasets,
            baselines=config.baselines,
            site=config.site.insee,
            prefix=config.mqtt.prefix if config.mqtt else "lampyre",
            rx2_dr=config.network.rx2_dr,
        )

        self._lighting: Lighting | None = None
        self.light = LightDesk(
            config.site, config.lighting, self._database, self._run, self._core, None, _unix_ms, lambda: 0
        )
        self._almanac_key = config.site.almanac_key

    def close(self) -> None:
        """Let a gateway start."""
        self._database.close()
        self._store.close()
        self._owner.leave()

    async def uplinks(self, after: int, limit: int, wait_s: float) -> Sequence[Json]:
        """There are none."""
        _takes_a_process("uplinks are heard")

    async def give_order(self, form: OrderForm) -> Sequence[int]:
        """Not without a process that sends it."""
        _takes_a_process("orders are sent")

    async def cancel_order(self, order_id: int) -> None:
        """Not without a process that sends it."""
        _takes_a_process("orders are sent")

    async def health(self) -> Json:
        """Not without a process that has any."""
        _takes_a_process("there is health")

    async def metrics(self) -> bytes:
        """Not without a process that counts."""
        _takes_a_process("anything is counted")

    async def counters(self) -> Mapping[str, int]:
        """Not without a process that counts."""
        _takes_a_process("anything is counted")

    def _core(self) -> Lighting:
        """Lighting as the store has it."""
        if self._lighting is None:
            read = self._database
            almanac = light_tables.load_site(read, self._almanac_key)
            state = load_lighting(read, None if almanac is None else almanac[1])
            self._lighting = Lighting(all_devices(read), groups.load_groups(read), state)
            self._lighting.set_places(hanging_now(read))
        return self._lighting

    def _run(self, function: Callable[[apsw.Connection], Value], *, alone: bool = False) -> Awaitable[Value]:
        async def run() -> Value:
            if alone:
                return function(self._database)
            with self._database:
                value = function(self._database)
            return value  # noqa: RET504 - as far as its type says, apsw may swallow an error

        return run()


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


def _takes_a_process(what: str) -> NoReturn:
    raise UnavailableError(f"the gateway is stopped, and only while it runs {what}; `systemctl start lampyre-gateway`")
