"""What a gateway is without its doors: clock, store, registry, cores and the engine that joins them."""

from collections.abc import Callable
from concurrent.futures import Future

from gateway.config.values import Config
from gateway.dates import Dates
from gateway.engine import Engine
from gateway.links.link import Transmit
from gateway.operate import clock as kernel
from gateway.running.cores import make_cores
from gateway.running.last_run import LastRun
from gateway.running.registry import Registry
from gateway.store import boots
from gateway.store.caretaker import Bounds, Caretaker
from gateway.store.lighting import load_site
from gateway.store.opening import Store
from gateway.store.retention import Retention
from gateway.store.writer import Deliver
from gateway.timekeeping import Clock
from gateway.watch import Watch


class Cabinet:
    """Opened by being made; raises StoreError.

    durable: False leaves out the physical sync. deliver: called from the writer's thread with what became of commits.
    transmit: hands a downlink to its radio.
    """

    def __init__(
        self, config: Config, clock: Clock, durable: bool, deliver: Deliver, transmit: Callable[[Transmit], None]
    ) -> None:
        where, max_bytes = config.store, config.store.max_disk_mb * 1_000_000
        self.config = config
        self.clock = clock
        self.began_ms = clock.now_ms()
        self.store = Store(where.database, durable=durable, max_bytes=max_bytes)
        self._last_run = LastRun(where.database.with_name("last-run"))
        self.started_because = self._last_run.begin()
        self.read = self.store.reader()
        self.writer = self.store.writer(deliver)
        self.boot = self.writer.call(lambda database: boots.begin_boot(database, kernel.BUILD_MS)).result().boot
        self.dates = Dates(boots.load_boots(self.read), self.began_ms)
        self.watch = Watch(self.dates.unix_ms)
        self.registry = Registry(self.read)
        registered = self.registry.registered.values()
        almanac = load_site(self.read, config.site.almanac_key)
        server, self.application = make_cores(
            self.read,
            config.network,
            registered,
            self.boot,
            self.began_ms,
            almanac=None if almanac is None else almanac[1],
            directory=self.registry.directory,
        )
        self.engine = Engine(server, self.application, self.boot, transmit, self.watch)
        self.engine.write_with(self.writer)
        days = {dataset.name: dataset.retention_days for dataset in config.datasets}
        self.caretaker = Caretaker(
            Bounds(max_bytes=max_bytes, keep_bytes=where.reserve_mb * 1_000_000),
            Retention(lambda kind, device: days.get(self.registry.dataset_of(kind, device))),
            self.store.reserve(),
        )

    def unix_ms(self) -> int | None:
        """What time it is; None while nobody knows."""
        return self.dates.unix_ms(self.clock.now_ms())

    def keep_offset(self, offset_ms: int) -> "Future[None]":
        """Write down when this boot began, for the records from before the time was known."""
        boot, began_ms = self.boot, self.began_ms
        return self.writer.call(lambda database: boots.keep_offset(database, boot, offset_ms, began_ms))

    def tell_deleted(self) -> None:
        """Tell the city what was deleted since the last time."""
        now_ms, unix_ms = self.clock.now_ms(), self.unix_ms()
        boot = self.boot if unix_ms is None else None
        said = self.caretaker.notices(now_ms if unix_ms is None else unix_ms, boot)
        if said:
            self.engine.record(said, now_ms)

    def close(self, failure: str | None) -> None:
        """Write all that was decided and let go of the store. failure: the sentence with which the process ends.

        Readers must be closed before, as the last to close brings the log home. May take as long as the disk takes.
        """
        self.writer.close()
        self._last_run.end(failure)
        self.store.close()
