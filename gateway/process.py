"""The gateway as a process: links, engine, store, publisher and local API on one event loop.

Nothing here decides. What ends abnormally ends the process, with a sentence, and the service manager starts it again:
what was accepted is on disk, the rest is still in the nodes' logs.
"""

import asyncio
import functools
import gc
import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.api.metrics_server import MetricsServer
from gateway.api.remote import RemoteDoor
from gateway.api.routes import answer
from gateway.api.server import ApiServer
from gateway.api.station import StationError
from gateway.chores import Backups, Rounds, Snapshots, Tidying, Trust
from gateway.config.load import ConfigError, load_config_apart
from gateway.config.values import Config
from gateway.counted import counted
from gateway.engine import Engine
from gateway.governance.defaults import ENERGY
from gateway.lighting.stored import hanging_now
from gateway.operate import clock as kernel
from gateway.operate.logs import set_up
from gateway.operate.metrics import Figures
from gateway.operate.notify import Notifier
from gateway.outlet import Outlet
from gateway.publish.events import DatesKnown, Stored
from gateway.running.cabinet import Cabinet
from gateway.running.pulse import Pulse
from gateway.running.radios import CAPTURE_MS, Radios
from gateway.running.registry import Change
from gateway.running.telling import Telling
from gateway.station import RunningStation
from gateway.store import records
from gateway.store.faults import StoreError
from gateway.timekeeping import Clock, SystemClock

ALMANAC_MS = 3_600_000  # a new year is seen within the hour, a new place at the start

_log = logging.getLogger(__name__)

_COLLECT_AFTER = 50_000  # containers more than there were; an uplink on its way holds some fifty

Look = Callable[[], tuple[int | None, str]]


class Gateway:
    """A gateway from `start` to `stop`, on the running loop. *ended* is set, with *failure*, when it must not go on.

    look: whether the machine's clock is trusted; None: asks the kernel. durable: False leaves out the physical sync.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        look: Look | None = None,
        capture: Path | None = None,
        durable: bool = True,
        notifier: Notifier | None = None,
    ) -> None:
        self.ended = asyncio.Event()
        self.failure: str | None = None
        self._config = config
        self._clock = clock or SystemClock()
        self._look = look
        self._capture = capture
        self._durable = durable
        self._notifier = notifier or Notifier({})
        self._outlet: Outlet | None = None
        self._metrics: MetricsServer | None = None

    # From start to stop.

    async def start(self) -> None:
        """Open everything. Raises StoreError and OSError, each with a sentence."""
        clock = self._clock
        self._rounds = Rounds(clock, self._told)
        self._pulse = Pulse(clock, self._stored, lambda: self._rounds.hurry("tidying"), self._fail)
        self._radios = Radios(self._config, clock, self._pulse.hear, self._fail, lambda: self._cabinet.dates.offset_ms)
        self._cabinet = Cabinet(self._config, clock, self._durable, self._pulse.deliver, self._radios.transmit)
        self._pulse.drive(self._cabinet.engine)
        self._make_doors()
        await self._radios.open(self._capture)
        if self._outlet is not None:
            self._outlet.start(self.station.give_order)
        await self._api.start()
        await self._remote.start()
        if self._metrics is not None:
            await self._metrics.start()
        self._start_rounds()
        for note in self._cabinet.store.notes:
            self._told("store_rebuilt", note)
        ready = f"{counted(len(self._cabinet.registry.registered), 'device')}, {counted(len(self._radios), 'link')}"
        _log.info("ready: %s; commands come by %s", ready, self._config.api.socket)
        self._notifier.ready(ready)

    async def stop(self) -> None:
        """Accept nothing more, write what was accepted, say goodbye. Everything is closed when it returns."""
        self._notifier.stopping()
        await self._rounds.stop()
        await self._radios.close()
        self._pulse.finish()
        await self._api.close()
        await self._remote.close()
        if self._metrics is not None:
            await self._metrics.close()
        try:
            await self._snapshots.close()
        except StationError as error:
            _log.error("the registry's snapshot was not written: %s", error)
        if self._outlet is not None:
            self._outlet.stop()
        self._pulse.close()
        self._cabinet.read.close()
        await asyncio.get_running_loop().run_in_executor(None, self._cabinet.close, self.failure)

    def quiet(self) -> bool:
        """Whether nothing is under way: all that was heard is decided, written and published as far as it can be."""
        figures = None if self._outlet is None else self._outlet.figures()
        return not (
            self._radios.waiting
            or self._cabinet.writer.queued
            or self.engine.under_way
            or (figures is not None and figures.connected and (figures.backlog - figures.undated or figures.in_flight))
        )

    def hurried(self) -> bool:
        """Whether something is under way that waits for nothing but this machine and its broker."""
        figures = None if self._outlet is None else self._outlet.figures()
        return self._radios.waiting or self.engine.hurried or (figures is not None and figures.in_flight > 0)

    @property
    def engine(self) -> Engine:
        """The cores."""
        return self._cabinet.engine

    @property
    def udp_address(self) -> tuple[str, int] | None:
        """Where packet forwarders are listened to."""
        return self._radios.udp_address

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """Where the remote door listens, while it is open."""
        return self._remote.address

    # Making.

    def _make_doors(self) -> None:
        """What publishes, what tells and what can be asked."""
        config, cabinet = self._config, self._cabinet
        if config.mqtt is not None:
            self._outlet = Outlet(
                config.mqtt,
                config.site,
                config.datasets,
                cabinet.registry.directory,
                cabinet.dates.resolve,
                cabinet.read,
                cabinet.writer.call,
                self._clock,
                self._told,
                self._fail,
                records.id_range(cabinet.read)[1],
            )
        self._trust = Trust(self._look or self._ask_kernel, self._set_clock)
        self._telling = Telling(cabinet, self._outlet, lambda: self._snapshots.made_ms, lambda: self._trust.sentence)
        figures = Figures(self._telling)
        self.station = RunningStation(
            config,
            cabinet.store.layout,
            cabinet.engine,
            cabinet.watch,
            self._clock,
            cabinet.read,
            cabinet.writer,
            self._changed,
            self._telling.health,
            figures,
            None if self._outlet is None else self._outlet.handle,
            self._pulse.relight,
            cabinet.unix_ms,
        )
        self._snapshots = Snapshots(self.station, cabinet.engine, self._clock)
        self._api = ApiServer(self.station, config.api.socket, config.api.permissions, config.api.group)
        self._remote = RemoteDoor(config.store.folder, functools.partial(answer, self.station), self._told)
        if config.metrics is not None:
            self._metrics = MetricsServer(figures.text, config.metrics.address)

    def _start_rounds(self) -> None:
        config, cabinet = self._config, self._cabinet
        kept = next(each.retention_days for each in config.datasets if each.name == ENERGY)
        tidying = Tidying(cabinet.writer, cabinet.caretaker, cabinet.unix_ms, cabinet.tell_deleted, self._told, kept)
        backups = Backups(self.station, config.store.backup_at, config.site.timezone, cabinet.unix_ms)
        self._rounds.start("clock", self._trust.turn)
        self._rounds.start("tidying", tidying.turn)
        self._rounds.start("snapshot", self._snapshots.turn)
        self._rounds.start("backup", backups.turn)
        self._rounds.start("health", self._telling.turn)
        self._rounds.start("almanac", self._look_at_almanac)
        if self._capture is not None:
            self._rounds.start("capture", self._flush_capture)
        if self._notifier.watchdog_interval_s is not None:
            self._rounds.start("watchdog", self._feed_watchdog)

    # Running.

    def _fail(self, sentence: str) -> None:
        if self.failure is None:
            self.failure = sentence
            self.ended.set()

    def _told(self, name: str, detail: str) -> None:
        self._pulse.told(name, detail)

    def _stored(self) -> None:
        if self._outlet is not None:
            self._outlet.handle(Stored(self._cabinet.writer.figures.last_record_id))

    def _set_clock(self, offset_ms: int) -> None:
        first = self._cabinet.dates.offset_ms is None
        self._cabinet.dates.offset_ms = offset_ms
        self._pulse.set_clock(offset_ms)
        if first:
            self._cabinet.keep_offset(offset_ms)
            if self._outlet is not None:
                self._outlet.handle(DatesKnown())

    def _ask_kernel(self) -> tuple[int | None, str]:
        trust = self._config.clock.trust
        offset_ms, verdict = kernel.look(self._cabinet.dates.floor_ms, always=trust == "always")
        return offset_ms, verdict.sentence

    def _changed(self, changes: Sequence[Change]) -> None:
        self._pulse.changed(changes, self._cabinet.registry.change(changes))
        hanging = hanging_now(self._cabinet.read)
        self._pulse.relight(lambda lighting: lighting.set_places(hanging))

    async def _look_at_almanac(self) -> int:
        await self.station.light.refresh()
        return ALMANAC_MS

    async def _flush_capture(self) -> int:
        if (sentence := self._radios.flush()) is not None:
            self._told("capture_ended", sentence)
        return CAPTURE_MS

    async def _feed_watchdog(self) -> int:
        if self._cabinet.writer.alive and self.failure is None:
            self._notifier.alive()
        return int((self._notifier.watchdog_interval_s or 1.0) * 1000)


def run(path: Path, capture: Path | None = None) -> int:
    """Run the gateway that the file at *path* describes until it is told to stop.

    Returns 0 if it was, 1 when it could not go on, 2 when it must not start like this; stderr has the sentence.
    """
    set_up()
    try:
        config = load_config_apart(path)  # before there are threads
        return asyncio.run(_run(config, capture))
    except ConfigError as error:
        for fault in error.faults:
            _log.error("%s", fault)
        return 2
    except (StoreError, OSError) as error:
        _log.error("the gateway cannot start: %s", error)
        return 1


async def _run(config: Config, capture: Path | None) -> int:
    gateway = Gateway(config, capture=capture, notifier=Notifier())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.ended.set)
    await gateway.start()
    _spare_the_collector()
    await gateway.ended.wait()
    if gateway.failure is not None:
        _log.error("the gateway ends: %s", gateway.failure)
    await gateway.stop()
    return 0 if gateway.failure is None else 1


def _spare_the_collector() -> None:
    """What stands now stands to the end, and uplinks leave no cycles: look for those seldom, in what is new."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
