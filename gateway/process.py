"""The gateway as a process: links, engine, store, publisher and local API on one event loop.

Nothing here decides. What ends abnormally ends the process, with a sentence, and the service manager starts it again:
what was accepted is on disk, the rest is still in the nodes' logs.
"""

import asyncio
import importlib.metadata
import json
import logging
import random
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.api.metrics_server import MetricsServer
from gateway.api.server import ApiServer
from gateway.application import TownApplication
from gateway.chores import Backups, Rounds, Snapshots, Tidying, Trust
from gateway.config.load import ConfigError, load_config_apart
from gateway.config.values import Config
from gateway.dates import Dates
from gateway.engine import Engine
from gateway.links.capture import Capture
from gateway.links.link import Link, RadioReport, Received, Transmit, TransmitResult
from gateway.links.serial import SerialLink
from gateway.links.udp import open_udp
from gateway.network.events import DeviceGone, DeviceSet, GroupSet
from gateway.network.registration import Registration
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.operate import clock as kernel
from gateway.operate.health import Machine, State, health, look_at_machine
from gateway.operate.logs import set_up
from gateway.operate.metrics import Figures
from gateway.operate.notify import Notifier
from gateway.orders import states
from gateway.outlet import Outlet
from gateway.places.directory import Directory
from gateway.publish.events import DatesKnown, Replay, Stored
from gateway.readings.record import Kind, Record
from gateway.station import RunningStation
from gateway.store import boots, devices, groups, orders, places, records, sessions
from gateway.store.faults import FaultKind, StoreError
from gateway.store.opening import Store
from gateway.store.retention import Retention
from gateway.store.writer import Failed, Result
from gateway.timekeeping import Clock, Handle, SystemClock
from gateway.watch import Watch

DEDUP_MS = 200  # from the first copy of a frame to the last: what backhauls of one town differ by
HEALTH_MS = 60_000
_PAGE = 1000
_FATAL = (FaultKind.CORRUPT, FaultKind.NOT_A_DATABASE)  # the next start sets the file aside and saves what is left
_DATASET_KINDS = {Kind.STATUS: "devices", Kind.RAW: "foreign", Kind.ORDER: "orders", Kind.NOTICE: "gateway"}
_ROLE_DATASETS = {"parking": "parking", "air": "air", "light": "light"}

_log = logging.getLogger(__name__)

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
        self._began_ms = self._clock.now_ms()
        self._look = look
        self._capture_path = capture
        self._durable = durable
        self._notifier = notifier or Notifier({})
        self._loop = asyncio.get_running_loop()
        self._links: list[Link] = []
        self._link_of: dict[str, Link] = {}  # by radio; as many as are allowed
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: Handle | None = None
        self._alarm_ms = 0
        self._capture: Capture | None = None
        self._outlet: Outlet | None = None
        self._metrics: MetricsServer | None = None
        self.udp_address: tuple[str, int] | None = None

    # From start to stop.

    async def start(self) -> None:
        """Open everything. Raises StoreError and OSError, each with a sentence."""
        config = self._config
        self._store = Store(
            config.store.database, durable=self._durable, max_bytes=config.store.max_disk_mb * 1_000_000
        )
        self._read = self._store.reader()
        self._writer = self._store.writer(self._deliver)
        boot = self._writer.call(lambda database: boots.begin_boot(database, kernel.BUILD_MS)).result()
        self._boot = boot.boot
        self._dates = Dates(boots.load_boots(self._read), self._began_ms)
        self._watch = Watch(self._dates.unix_ms)
        self._join_cores()
        self._directory = Directory(self._registrations.values(), *self._places())
        last_id = records.id_range(self._read)[1]
        if config.mqtt is not None:
            self._outlet = Outlet(
                config.mqtt,
                config.site,
                config.datasets,
                self._directory,
                self._dates.resolve,
                self._read,
                self._writer.call,
                self._clock,
                self._told,
                last_id,
            )
        self._station = self._make_station()
        if self._capture_path is not None:
            self._capture = Capture(self._capture_path, config.site.insee)
        await self._open_links()
        if self._outlet is not None:
            self._outlet.start(self._station.give_order)
        self._api = ApiServer(self._station, config.api.socket, config.api.permissions, config.api.group)
        await self._api.start()
        if config.metrics is not None:
            self._metrics = MetricsServer(self._figures.text, config.metrics.address)
            await self._metrics.start()
        self._start_rounds()
        for note in self._store.notes:
            self._told("store_rebuilt", note)
        self._notifier.ready(f"{len(self._registrations)} devices, {len(self._links)} links")

    async def stop(self) -> None:
        """Accept nothing more, write what was accepted, say goodbye. Everything is closed when it returns."""
        self._notifier.stopping()
        await self._rounds.stop()
        for link in self._links:
            await link.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._alarm is not None:
            self._alarm.cancel()
        self._engine.wake(self._clock.now_ms() + DEDUP_MS)  # what waits for copies has heard its last one
        await self._api.close()
        if self._metrics is not None:
            await self._metrics.close()
        if self._outlet is not None:
            self._outlet.stop()
        await self._loop.run_in_executor(None, self._writer.close)
        if self._capture is not None:
            self._capture.close()
        self._read.close()
        self._store.close()

    def quiet(self) -> bool:
        """Whether nothing is under way: all that was heard is decided, written and published as far as it can be."""
        figures = None if self._outlet is None else self._outlet.figures()
        return not (
            any(getattr(link, "waiting", 0) for link in self._links)
            or self._writer.queued
            or self._engine.under_way
            or (figures is not None and figures.connected and (figures.backlog - figures.undated or figures.in_flight))
        )

    def hurried(self) -> bool:
        """Whether something is under way that waits for nothing but this machine and its broker."""
        figures = None if self._outlet is None else self._outlet.figures()
        return (
            any(getattr(link, "waiting", 0) for link in self._links)
            or self._engine.hurried
            or (figures is not None and figures.in_flight > 0)
        )

    @property
    def engine(self) -> Engine:
        """The cores."""
        return self._engine

    @property
    def station(self) -> RunningStation:
        """What the local API asks."""
        return self._station

    # Making.

    def _join_cores(self) -> None:
        config = self._config
        now_ms = self._clock.now_ms()
        self._registrations = {entry.dev_eui: entry for entry in self._all_devices()}
        kept = sessions.load_devices(self._read)
        known_groups = groups.load_groups(self._read)
        open_orders = [
            order for order in orders.list_orders(self._read, limit=_PAGE) if not states.is_over(order.state)
        ]
        self._application = TownApplication(
            self._boot,
            self._registrations.values(),
            known_groups,
            [device for device, known in kept.items() if known.log is not None],
            reversed(open_orders),
            orders.next_order_id(self._read),
            now_ms,
        )
        network = config.network
        server = Server(
            NetworkSettings(
                dedup_ms=DEDUP_MS,
                net_id=network.net_id_number,
                rx_delay_s=network.rx_delay_s,
                rx1_dr_offset=network.rx1_dr_offset,
                rx2_dr=network.rx2_dr,
            ),
            self._registrations.values(),
            kept.values(),
            known_groups,
            self._application,
            random.SystemRandom(),
        )
        self._engine = Engine(server, self._application, self._boot, self._transmit, self._watch)
        self._engine.write_with(self._writer)

    def _make_station(self) -> RunningStation:
        self._figures = Figures(self)
        return RunningStation(
            self._config,
            self._store.layout,
            self._engine,
            self._watch,
            self._clock,
            self._read,
            self._writer,
            self._changed,
            self._health,
            self._figures,
            None if self._outlet is None else self._replay,
        )

    async def _open_links(self) -> None:
        config = self._config
        if config.udp is not None:
            udp = await open_udp(dict.fromkeys(config.udp.gateway_euis), *config.udp.address)
            self.udp_address = udp.address
            self._links.append(udp)
        version = importlib.metadata.version("lampyre")
        for port in config.serial:
            self._links.append(SerialLink(str(port.port), f"gateway {version}", port.baud))
        for link in self._links:
            self._begin(self._listen(link))

    def _start_rounds(self) -> None:
        store = self._config.store
        self._rounds = Rounds(self._clock, self._told)
        self._trust = Trust(self._look or self._ask_kernel, self._set_clock)
        self._snapshots = Snapshots(self._station, self._engine, self._clock)
        retention_days = {dataset.name: dataset.retention_days for dataset in self._config.datasets}
        tidying = Tidying(
            self._engine,
            self._writer,
            Retention(lambda kind, device: retention_days.get(self._dataset_of(kind, device))),
            store.max_disk_mb * 1_000_000,
            store.reserve_mb * 1_000_000,
            lambda: self._dates.unix_ms(self._clock.now_ms()),
            self._tell_deleted,
        )
        backups = Backups(
            self._station,
            store.backup_at,
            self._config.site.timezone,
            lambda: self._dates.unix_ms(self._clock.now_ms()),
        )
        self._rounds.start("clock", self._trust.turn)
        self._rounds.start("tidying", tidying.turn)
        self._rounds.start("snapshot", self._snapshots.turn)
        self._rounds.start("backup", backups.turn)
        self._rounds.start("health", self._say_health)
        if self._notifier.watchdog_interval_s is not None:
            self._rounds.start("watchdog", self._feed_watchdog)

    def _begin(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        """A task that ends by an error takes the process with it: half a gateway would look like a whole one."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task ended", exc_info=task.exception())
            self._fail(f"{type(task.exception()).__name__}: {task.exception()}")

    def _or_end(self, do: Callable[[], None]) -> None:
        """As for tasks: of an error here the loop would only write a line, and nothing would be decided any more."""
        try:
            do()
        except Exception as error:
            _log.exception("the engine fell over")
            self._fail(f"{type(error).__name__}: {error}")

    def _fail(self, sentence: str) -> None:
        if self.failure is None:
            self.failure = sentence
            self.ended.set()

    # Running.

    async def _listen(self, link: Link) -> None:
        """Hand on what one link hears until it is closed."""
        engine, clock = self._engine, self._clock
        while True:
            try:
                heard = await link.receive()
            except EOFError:
                return
            now_ms = clock.now_ms()
            if isinstance(heard, Received | RadioReport):
                self._link_of[heard.radio] = link
            if self._capture is not None and isinstance(heard, Received | TransmitResult):
                self._capture.write(heard, now_ms, self._dates.offset_ms)
            engine.hear(heard, now_ms)
            self._plan()

    def _transmit(self, transmit: Transmit) -> None:
        if self._capture is not None:
            self._capture.write(transmit, self._clock.now_ms(), self._dates.offset_ms)
        link = self._link_of[transmit.radio]  # the server knows radios by what they said
        self._begin(link.transmit(transmit))

    def _deliver(self, result: Result) -> None:
        """Called in the writer's thread."""
        self._loop.call_soon_threadsafe(self._or_end, lambda: self._written(result))

    def _written(self, result: Result) -> None:
        self._engine.written(result, self._clock.now_ms())
        if self._engine.dead is not None:
            self._fail(self._engine.dead)
        elif isinstance(result, Failed):
            if result.error.kind in _FATAL:
                self._fail(str(result.error))
        elif self._outlet is not None:
            self._outlet.handle(Stored(self._writer.figures.last_record_id))
        self._plan()

    def _plan(self) -> None:
        """Set the alarm if the engine wants to be woken before it rings; one that rings too soon does no harm."""
        wake_ms = self._engine.wake_at()
        if wake_ms is None or (self._alarm is not None and self._alarm_ms <= wake_ms):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_ms = wake_ms
        self._alarm = self._clock.call_at(wake_ms, lambda: self._or_end(self._wake))

    def _wake(self) -> None:
        self._alarm = None
        self._engine.wake(self._clock.now_ms())
        self._plan()

    def _told(self, name: str, detail: str) -> None:
        self._engine.note(name, detail, self._clock.now_ms())

    def _set_clock(self, offset_ms: int) -> None:
        first = self._dates.offset_ms is None
        self._dates.offset_ms = offset_ms
        self._engine.set_clock(offset_ms, self._clock.now_ms())
        if first:
            boot = self._boot
            self._writer.call(lambda database: boots.keep_offset(database, boot, offset_ms))
            if self._outlet is not None:
                self._outlet.handle(DatesKnown())
        self._plan()

    def _ask_kernel(self) -> tuple[int | None, str]:
        offset_ms, verdict = kernel.look(self._dates.floor_ms, always=self._config.clock.trust == "always")
        return offset_ms, verdict.sentence

    def _changed(self, changes: Sequence[DeviceSet | DeviceGone | GroupSet]) -> None:
        gone: list[Registration] = []
        for change in changes:
            if isinstance(change, DeviceSet):
                self._registrations[change.registration.dev_eui] = change.registration
                self._directory.set_device(change.registration)
            elif isinstance(change, DeviceGone):
                registration = self._registrations.pop(change.dev_eui, None)
                gone += [] if registration is None else [registration]
        self._directory.set_places(*self._places())
        self._engine.changed(changes, gone, self._clock.now_ms())
        self._plan()

    def _replay(self, replay: Replay) -> None:
        assert self._outlet is not None
        self._outlet.handle(replay)

    def _tell_deleted(self, retention: Retention) -> None:
        now_ms = self._clock.now_ms()
        unix_ms = self._dates.unix_ms(now_ms)
        boot = self._boot if unix_ms is None else None
        said: list[Record] = retention.notices(now_ms if unix_ms is None else unix_ms, boot)
        if said:
            self._engine.record(said)

    def _dataset_of(self, kind: Kind, device: int | None) -> str:
        if kind in _DATASET_KINDS:
            return _DATASET_KINDS[kind]
        known = None if device is None else self._directory.device(device)
        return "unplaced" if known is None else _ROLE_DATASETS.get(known.role.value, "foreign")

    # Telling.

    async def _say_health(self) -> int:
        told = self._health()
        if self._outlet is not None:
            self._outlet.say(self._outlet.health_topic, json.dumps(told).encode())
        counts = self._engine.counts
        _log.info(
            "heard %d, accepted %d, records %d, not stored %d, to publish %d",
            counts["heard"],
            counts["accepted"],
            self._writer.figures.records,
            counts["not_stored"],
            told["backlog"]["records"],
        )
        return HEALTH_MS

    async def _feed_watchdog(self) -> int:
        if self._writer.alive and self.failure is None:
            self._notifier.alive()
        return int((self._notifier.watchdog_interval_s or 1.0) * 1000)

    def _health(self) -> dict[str, Any]:
        return health(look_at_machine(self._config.store.folder), self._state())

    def _state(self) -> State:
        now_ms = self._clock.now_ms()
        figures = None if self._outlet is None else self._outlet.figures()
        times_ms = self._writer.commit_ms()
        fsync_us = None
        if times_ms:
            at = (len(times_ms) // 2, len(times_ms) * 99 // 100, -1)
            fsync_us = (int(times_ms[at[0]] * 1000), int(times_ms[at[1]] * 1000), int(times_ms[-1] * 1000))
        made_ms = self._snapshots.made_ms
        return State(
            version=importlib.metadata.version("lampyre"),
            started_because="started",
            running_s=(now_ms - self._began_ms) / 1000,
            clock_trusted=self._dates.offset_ms is not None,
            clock_sentence=self._trust.sentence,
            store_bytes=_size(self._config.store.database),
            records=self._writer.figures.last_record_id,
            backlog_records=0 if figures is None else figures.backlog,
            backlog_age_s=self._backlog_age_s(None if figures is None else figures.oldest_pending),
            broker_connected=None if figures is None else figures.connected,
            snapshot_age_s=None if made_ms is None else (now_ms - made_ms) / 1000,
            fsync_us=fsync_us,
            devices=len(self._registrations),
            devices_silent=self._application.silent(),
            radios=dict(self._watch.radios),
            fault=self._engine.fault,
        )

    def _backlog_age_s(self, oldest_id: int | None) -> float:
        """How long the oldest record waits that the broker does not have."""
        if oldest_id is None:
            return 0.0
        page = records.records_after(self._read, oldest_id - 1, 1)
        if not page.records:
            return 0.0
        record = page.records[0].record
        now_ms = self._clock.now_ms()
        if record.boot is not None:
            return (now_ms - record.received_ms) / 1000 if record.boot == self._boot else 0.0
        unix_ms = self._dates.unix_ms(now_ms)
        return 0.0 if unix_ms is None else max(unix_ms - record.received_ms, 0) / 1000

    def counters(self) -> Mapping[tuple[str, str], int]:
        """For Prometheus; see `operate.metrics.COUNTERS`."""
        counts = self._engine.counts
        found = {
            ("uplinks_accepted", ""): counts["accepted"],
            ("records", ""): self._writer.figures.records,
            ("commits", ""): self._writer.figures.transactions,
            ("commits_failed", ""): counts["commits_failed"],
        }
        for name, count in counts.items():
            kind, _, value = name.partition(":")
            if kind == "refused":
                found["uplinks_refused", value] = count
            elif kind == "transmitted":
                found["downlinks", value] = count
            elif kind == "alarm":
                found["alarms", value] = count
        figures = None if self._outlet is None else self._outlet.figures()
        if figures is not None:
            found["published", ""] = figures.accepted
            found["parked", ""] = figures.parked
        return found

    def gauges(self) -> Mapping[tuple[str, str], float]:
        """For Prometheus; see `operate.metrics.GAUGES`."""
        state = self._state()
        machine: Machine = look_at_machine(self._config.store.folder)
        found: dict[tuple[str, str], float] = {
            ("devices", ""): state.devices,
            ("devices_silent", ""): state.devices_silent,
            ("backlog_records", ""): state.backlog_records,
            ("backlog_age_seconds", ""): state.backlog_age_s,
            ("store_bytes", ""): state.store_bytes,
            ("clock_trusted", ""): state.clock_trusted,
        }
        for name, value in (
            ("disk_free_bytes", machine.disk_free_bytes),
            ("written_bytes", machine.written_bytes),
            ("temperature_celsius", machine.temperature_celsius),
            ("broker_connected", state.broker_connected),
        ):
            if value is not None:
                found[name, ""] = value
        if state.fsync_us is not None:
            found["fsync_p50_seconds", ""] = state.fsync_us[0] / 1e6
            found["fsync_p99_seconds", ""] = state.fsync_us[1] / 1e6
        for radio, online in state.radios.items():
            found["radio_online", radio] = online
        return found

    # Reading the store.

    def _all_devices(self) -> Iterable[Registration]:
        after = 0
        while page := devices.list_devices(self._read, after, _PAGE):
            yield from page
            after = page[-1].device

    def _places(self) -> tuple[list[Any], list[Any]]:
        found = []
        after = ""
        while page := places.list_places(self._read, after, _PAGE):
            found += page
            after = page[-1].place_id
        known = [entry for entry in places.list_installed(self._read) if entry.dev_eui in self._registrations]
        return found, known


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
    await gateway.ended.wait()
    if gateway.failure is not None:
        _log.error("the gateway ends: %s", gateway.failure)
    await gateway.stop()
    return 0 if gateway.failure is None else 1


def _size(database: Path) -> int:
    size = 0
    for suffix in ("", "-wal", "-shm"):
        path = database.with_name(database.name + suffix)
        size += path.stat().st_size if path.exists() else 0
    return size
