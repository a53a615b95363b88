"""The gateway of a virtual city: its own cores, store, publisher and forwarder door on the timeline's clock.

The one file that joins the gateway to the simulator; what it tells others is plain values. A `Cabinet` is what hangs in
the street: the card with the store, and the radios. A `_Run` is the process, from one start to its end: everything that
a power cut takes with it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import apsw

from gateway.chores import Trust
from gateway.config.values import Network
from gateway.dates import Dates
from gateway.engine import Engine
from gateway.governance.dataset import Sharing
from gateway.governance.defaults import datasets_of
from gateway.lighting.almanac import AlmanacError, site_of
from gateway.lighting.files import ProgrammeError, read_programme
from gateway.lighting.lighting import Lighting
from gateway.lighting.plan import SITE, Target
from gateway.lighting.stored import load_plan, override_of, target_to_text
from gateway.links import semtech
from gateway.links.forwarders import Address, Forwarders, Send
from gateway.links.forwarders import Effect as LinkEffect
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
from gateway.network.events import Accepted, Alarm, Commit, Committed, Refused
from gateway.network.registration import Group, Registration, Role
from gateway.network.session import SessionRow
from gateway.operate.importing import Batch, parse_csv
from gateway.orders.request import OrderError, OrderRequest
from gateway.outlet import NAME as PUBLISHER
from gateway.places.place import Installed, Place, PlaceKind
from gateway.publish.cursor import Cursor
from gateway.publish.events import (
    Acked,
    Connect,
    Connected,
    DatesKnown,
    Disconnect,
    Disconnected,
    Note,
    Park,
    Publish,
    PublisherEffect,
    PublisherEvent,
    ReadMore,
    Rows,
    SaveCursor,
    Stop,
    Stored,
)
from gateway.publish.messages import Messenger
from gateway.publish.outbox import StoreOutbox
from gateway.publish.publisher import Publisher, PublisherFigures, PublisherSettings
from gateway.readings.node_log import NodeLog
from gateway.readings.record import Kind
from gateway.running.cores import DEDUP_MS, make_cores
from gateway.running.registry import Registry
from gateway.store import boots, cursors
from gateway.store.apply import write_commits
from gateway.store.database import open_database, read_database
from gateway.store.devices import add_devices
from gateway.store.faults import StoreError
from gateway.store.groups import add_group, load_groups
from gateway.store.lighting import OverrideRow, ProgrammeRow, add_override, add_programme, assign
from gateway.store.migrate import migrate
from gateway.store.opening import Store
from gateway.store.places import install, set_places
from gateway.store.records import RecordWriter, id_range
from gateway.store.rows import fetch
from gateway.store.writer import Died, LeftOut, Result, TimedWriter
from gateway.store.writes import KeepCounters, KeepSession, StartSession
from protocol.dimming import Programme, Site
from simulator.air.interface import OnAir
from simulator.chain.broker import Broker
from simulator.streams import Stream
from simulator.timeline import Timeline

PULL_US = 20_000_000  # between two PULL_DATA of a forwarder: often enough not to be taken for silent
_MEMORY = ":memory:"
_ROOM = 1 << 30  # pages: no bound of the file
_BUILT_MS = 1_700_000_000_000  # 2023-11-14: before every run
_KIND_OF = {Role.AIR: PlaceKind.STATION, Role.PARKING: PlaceKind.BAY, Role.LIGHT: PlaceKind.LAMP}


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
    database: Path | str = _MEMORY
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


class _Alarm:
    """An alarm of the process's clock."""

    __slots__ = ("do",)

    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def cancel(self) -> None:
        """Do not ring."""
        self.do = None


class _Clock:
    """Implements `gateway.timekeeping.Clock`: CLOCK_MONOTONIC of one start of the machine, and its wall clock.

    start_s: Unix time of virtual time 0. When the process is gone no alarm rings any more.
    """

    def __init__(self, timeline: Timeline, start_s: int) -> None:
        self.stopped = False
        self._timeline = timeline
        self._start_s = start_s
        self.began_us = timeline.now_us - timeline.now_us % 1000

    def now_ms(self) -> int:
        """Milliseconds since the machine started."""
        return (self._timeline.now_us - self.began_us) // 1000

    def unix_ms(self) -> int:
        """The true time."""
        return self._start_s * 1000 + self._timeline.now_us // 1000

    def call_at(self, at_ms: int, do: Callable[[], None]) -> _Alarm:
        """Ring at *at_ms*."""
        alarm = _Alarm(do)
        self._timeline.at(self.began_us + at_ms * 1000, lambda: self._ring(alarm))
        return alarm

    def _ring(self, alarm: _Alarm) -> None:
        do, alarm.do = alarm.do, None
        if do is not None and not self.stopped:
            do()


class _Radio:
    """A concentrator with its packet forwarder. gone: reasons why it is off; cut: why it does not reach the gateway."""

    __slots__ = ("address", "cut", "eui", "gone", "link", "name", "token")

    def __init__(self, name: str, eui: bytes, number: int) -> None:
        self.name = name
        self.eui = eui
        self.link = semtech.radio_name(eui)  # what the gateway calls it
        self.address: Address = (f"10.0.{number >> 8}.{number & 0xFF}", 1700)
        self.gone = 0
        self.cut = 0
        self.token = 0


class Cabinet:
    """One gateway with its store and its radios; `begin` switches it on.

    stolen: downlinks that went to another address than their radio's. Raises OSError, StoreError or apsw.Error when the
    database cannot be opened.
    """

    def __init__(
        self, timeline: Timeline, settings: CabinetSettings, dice: Stream, broker: Broker, watcher: CabinetWatcher
    ) -> None:
        self.timeline = timeline
        self.settings = settings
        self.dice = dice
        self.broker = broker
        self.watcher = watcher
        self.stolen = 0
        self.pulls_refused = 0  # PULL_DATA that did not get an EUI's downlinks
        self.clock_off_ms = 0  # the machine's clock is wrong by so much
        self.clock_untrusted = 0  # reasons why nobody vouches for it
        self.names: dict[bytes, str] = {}  # by DevEUI
        self.dev_euis: dict[str, bytes] = {}  # by name
        self.radios: dict[str, _Radio] = {}
        self._euis: dict[str, str] = {}  # name of a radio by how the gateway names it
        for number, name in enumerate(settings.radios, 1):
            eui = bytes([0xAA, 0x55, 0x5A, 0, 0, 0, number >> 8, number & 0xFF])
            self.radios[name] = _Radio(name, eui, number)
            self._euis[self.radios[name].link] = name
        self.database: apsw.Connection | None = None  # of one in memory, which outlives the process
        if settings.database == _MEMORY:
            self.database = open_database(_MEMORY, durable=False)
            migrate(self.database)
        self.run: _Run | None = None
        self._disk_full = 0

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self.run is not None

    def enrol(self, members: Sequence[Member], teams: Sequence[Team] = ()) -> None:
        """Enter the nodes, their places and groups while no process runs."""
        if self.database is not None:
            self._enrol(self.database, members, teams)
        else:
            store = Store(Path(self.settings.database), durable=False)
            database = store.connect()
            self._enrol(database, members, teams)
            database.close()
            store.close()
        self.names |= {member.dev_eui: member.name for member in members}
        self.dev_euis |= {member.name: member.dev_eui for member in members}

    def enrol_file(self, path: Path) -> list[str]:
        """Enter the devices of a file as `lampyre gateway devices import` reads it; their DevEUIs in hex.

        Raises OSError, and ValueError with everything that is wrong with it.
        """
        batch = parse_csv(path.read_bytes(), self.settings.start_s * 1000)
        if batch.faults:
            raise ValueError("\n".join(f"{path}: {fault}" for fault in batch.faults))
        if self.database is not None:
            _enter(self.database, batch)
        else:
            store = Store(Path(self.settings.database), durable=False)
            database = store.connect()
            _enter(database, batch)
            database.close()
            store.close()
        euis = [registration.dev_eui.hex() for registration in batch.registrations]
        self.names |= {bytes.fromhex(eui): eui for eui in euis}
        return euis

    def begin(self) -> None:
        """Start the process if it does not run."""
        if self.run is None:
            self.run = _Run(self)
            self.run.begin()
            for radio in self.radios.values():
                self._pull(radio, self.run)

    def stop(self) -> None:
        """End the process in an orderly way: what was accepted is written, the cursor kept."""
        run, self.run = self.run, None
        if run is not None:
            run.stop()
            self.watcher.ended(orderly=True)

    def kill(self) -> None:
        """The process is gone with everything it had in memory; what was committed is on the card."""
        run, self.run = self.run, None
        if run is not None:
            run.drop()
            self.broker.lose_client()
            self.watcher.ended(orderly=False)

    def close(self) -> None:
        """Stop and let go of the database."""
        self.stop()
        if self.database is not None:
            self.database.close()

    def receive(self, radio: str, frame: OnAir, rssi_dbm: int, snr_db: float) -> bool:
        """A radio received a frame, now; whether the gateway heard of it."""
        there = self.radios[radio]
        if self.run is None or there.gone or there.cut:
            return False
        counter_us = self.timeline.now_us & 0xFFFFFFFF
        self.run.receive(Received(there.link, frame.phy_payload, frame.freq_hz, frame.dr, counter_us, rssi_dbm, snr_db))
        return True

    def order(
        self,
        target: str,
        verb: str,
        arguments: dict[str, object],
        expires_in_s: int,
    ) -> tuple[int, ...]:
        """Give an order to a node or a group by its name; the ids of the orders made.

        Raises OrderRefusedError when it does not take it now, and KeyError for a name that is not registered.
        """
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        return self.run.order(target, verb, arguments, expires_in_s)

    def plan(self, text: str, *groups: str) -> None:
        """Load a programme, the text of its file, and have *groups*, by name, run it, as `light programme load` does.

        Raises OrderRefusedError and KeyError as `order`, and ValueError for what is no programme.
        """
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        self.run.plan(text, groups)

    def hold(self, target: str, level_pct: int | None, hold_s: int, fade_s: int = 2) -> None:
        """Hold a level of a lamp or a group by its name, or of the "site", as `light set` does; None ends it.

        Raises OrderRefusedError and KeyError as `order`.
        """
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        self.run.hold(target, level_pct, hold_s, fade_s)

    def lighting(self) -> Lighting:
        """What the gateway plans and knows of lamps. Raises OrderRefusedError while no process runs."""
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        return self.run.engine.lighting

    # Faults.

    def radio_off(self, name: str) -> None:
        """The concentrator is switched off, until as many `radio_on`."""
        self.radios[name].gone += 1

    def radio_on(self, name: str) -> None:
        """One reason less to be off."""
        self.radios[name].gone -= 1

    def cut_off(self, name: str) -> None:
        """The radio's forwarder does not reach the gateway, until as many `joined_up`."""
        self.radios[name].cut += 1

    def joined_up(self, name: str) -> None:
        """One reason less to be cut off."""
        self.radios[name].cut -= 1

    def fill_disk(self) -> None:
        """Nothing more can be written, until as many `empty_disk`."""
        self._disk_full += 1
        if self.run is not None:
            self.run.bound_file(full=True)

    def empty_disk(self) -> None:
        """One reason less to be full."""
        self._disk_full -= 1
        if self.run is not None and not self._disk_full:
            self.run.bound_file(full=False)

    @property
    def disk_is_full(self) -> bool:
        """Whether nothing can be written."""
        return self._disk_full > 0

    def pull(self, radio: str, address: Address) -> None:
        """Somebody at *address* sends PULL_DATA with the EUI of *radio*."""
        if self.run is not None:
            self.run.datagram(_pull_data(self.radios[radio]), address)

    def figures(self) -> PublisherFigures | None:
        """How the publisher stands; None while no process runs."""
        return None if self.run is None else self.run.publisher.figures()

    def told(self) -> int:
        """How many readings and events are on the card."""
        database = self.database
        if database is None:
            database = read_database(self.settings.database)
        [(count,)] = fetch(
            database,
            "SELECT count(*) FROM record WHERE kind IN (?, ?)",
            (Kind.READING.value, Kind.EVENT.value),
        )
        if self.database is None:
            database.close()
        return int(count)

    @property
    def counts(self) -> Counter[str]:
        """What the engine of this process counted; empty while none runs."""
        return Counter() if self.run is None else self.run.engine.counts

    def _pull(self, radio: _Radio, run: "_Run") -> None:
        """The forwarder's own PULL_DATA, again and again while that process runs."""
        if run is not self.run:
            return
        if not (radio.gone or radio.cut):
            run.datagram(_pull_data(radio), radio.address)
        self.timeline.at(self.timeline.now_us + PULL_US, lambda: self._pull(radio, run))

    def radio_called(self, radio: str) -> str:
        """The name of the radio that the gateway calls *radio*."""
        return self._euis[radio]

    def transmit(self, transmit: Transmit, address: Address) -> Outcome | None:
        """A radio's forwarder is told to send: at its µs, or now; what it answers, None for silence."""
        name = self._euis[transmit.radio]
        radio = self.radios[name]
        if address != radio.address:
            self.stolen += 1
            return None
        if radio.gone or radio.cut:
            return None
        now_us = self.timeline.now_us
        wait_us = 0 if transmit.counter_us is None else (transmit.counter_us - now_us) & 0xFFFFFFFF
        if wait_us >= 1 << 31:
            return Outcome.TOO_LATE
        self.timeline.at(now_us + wait_us, lambda: self._emit(radio, transmit))
        return Outcome.SENT

    def _emit(self, radio: _Radio, transmit: Transmit) -> None:
        if not radio.gone:
            self.watcher.emit(radio.name, transmit.phy_payload, transmit.freq_hz, transmit.dr, transmit.power_dbm)

    def _enrol(self, database: apsw.Connection, members: Sequence[Member], teams: Sequence[Team]) -> None:
        from_ms = self.settings.start_s * 1000
        with database:
            added = add_devices(database, [_registration(member) for member in members])
            set_places(
                database,
                [
                    Place(place_id=place, kind=_KIND_OF[Role(member.role)], zone=member.zone)
                    for member in members
                    for place in member.places
                ],
            )
            for member in members:
                for instance, place in enumerate(member.places):
                    there = Installed(place_id=place, dev_eui=member.dev_eui, instance=instance, from_ms=from_ms)
                    install(database, there)
            for team in teams:
                euis = tuple(member.dev_eui for member in members if member.group == team.name)
                group = Group(
                    number=0,
                    name=team.name,
                    mc_addr=team.mc_addr,
                    mc_key=team.mc_key,
                    members=euis,
                    dr=self.settings.rx2_dr,
                )
                add_group(database, group)
            writes = [
                write
                for registration, member in zip(added, members, strict=True)
                if member.warm is not None
                for write in self._session(registration, member.warm)
            ]
            write_commits(database, RecordWriter(), [Commit(token=0, writes=tuple(writes), at_once=True)])

    def _session(self, registration: Registration, warm: Warm) -> tuple[KeepSession | StartSession | KeepCounters, ...]:
        row = SessionRow(
            device=registration.device,
            number=0,
            dev_addr=warm.dev_addr,
            nwk_s_key=warm.nwk_s_key,
            app_s_key=warm.app_s_key,
            dev_nonce=warm.dev_nonce,
            join_nonce=warm.join_nonce,
            rx_delay_s=self.settings.rx_delay_s,
            rx1_dr_offset=0,
            rx2_dr=self.settings.rx2_dr,
            f_cnt_up=warm.f_cnt_up,
            f_cnt_down=warm.f_cnt_down,
        )
        log = NodeLog(epoch=warm.epoch, next_seq=warm.next_seq, sure=True, since=warm.next_seq)
        return (
            KeepSession(row),
            StartSession(registration.device, 0),
            KeepCounters(registration.device, warm.f_cnt_up, warm.f_cnt_down, log.to_text()),
        )


class _Run:
    """The process. Implements `gateway.engine.Observer` and `simulator.chain.broker.Client`."""

    def __init__(self, cabinet: Cabinet) -> None:
        settings = cabinet.settings
        self._cabinet = cabinet
        self._watcher = cabinet.watcher
        self._timeline = cabinet.timeline
        self._clock = _Clock(cabinet.timeline, settings.start_s)
        self._store: Store | None = None
        if cabinet.database is None:
            self._store = Store(Path(settings.database), durable=False)
            self._read = self._store.reader()
        else:
            self._read = cabinet.database
        self._writing: apsw.Connection | None = None
        self._writer = TimedWriter(self._open, self._written, self._clock)
        began = self._writer.call(lambda database: boots.begin_boot(database, _BUILT_MS)).result()
        self._dates = Dates(boots.load_boots(self._read), 0)
        self._boot = began.boot
        self._registry = Registry(self._read)
        network = Network(rx_delay_s=settings.rx_delay_s, rx2_dr=settings.rx2_dr)
        server, self._application = make_cores(
            self._read,
            network,
            self._registry.registered.values(),
            self._boot,
            0,
            _Dice(cabinet.dice),
            settings.resend,
            settings.almanac or None,
            directory=self._registry.directory,
        )
        self.engine = Engine(server, self._application, self._boot, self._transmit, self)
        self.engine.write_with(self._writer)
        self._forwarders = Forwarders(
            {radio.eui: None for radio in cabinet.radios.values()}, lambda: cabinet.dice.below(0x10000)
        )
        self._trust = Trust(self._look, self._set_clock)
        self._outbox = StoreOutbox(PUBLISHER, self._read, self._writer.call, self._damaged, _raised)
        self._messenger = Messenger(
            prefix="lampyre",
            site=settings.site,
            directory=self._registry.directory,
            datasets=datasets_of("simulated"),
            door=Sharing.INTERNAL,
            resolve=self._dates.resolve,
        )
        kept = cursors.load_cursor(self._read, PUBLISHER)
        self._last_id = id_range(self._read)[1]
        self.publisher = Publisher(
            PublisherSettings(batch_topic=self._messenger.batch_topic("{}")),
            self._messenger.messages_of,
            lambda: cabinet.dice.uniform(0, 1),
            Cursor(0) if kept is None else Cursor.from_text(kept.state),
            self._last_id,
            0,
        )
        self._alarms: dict[str, int | None] = dict.fromkeys(("engine", "publisher", "forwarders"))  # when each rings

    def begin(self) -> None:
        """Connect, and look at the clock."""
        self._watcher.began(self._last_id)
        self._look_at_clock()
        self._publish(self.publisher.wake(self._clock.now_ms()))
        self._plan_engine()

    def stop(self) -> None:
        """As `gateway.process.Gateway.stop` does it."""
        self.engine.wake(self._clock.now_ms() + DEDUP_MS)
        self.engine.end(self._clock.now_ms())
        self._publish(self.publisher.handle(Stop(), self._clock.now_ms()))
        self._clock.stopped = True
        self._writer.flush()
        self._let_go()

    def drop(self) -> None:
        """The power is gone."""
        self._clock.stopped = True
        self._writer.drop()
        self._let_go()

    def receive(self, received: Received) -> None:
        """A frame came by a link. Copies of it are waited for: nothing new is due before that is over."""
        now_ms = self._clock.now_ms()
        self.engine.hear(received, now_ms)
        planned_ms = self._alarms["engine"]
        if planned_ms is None or planned_ms > now_ms + DEDUP_MS:
            self._plan_engine()

    def datagram(self, datagram: bytes, address: Address) -> None:
        """A forwarder says something."""
        counts = self._forwarders.counts
        refused = counts["conflicts"] + counts["elsewhere"]
        self._links(self._forwarders.handle(datagram, address, self._clock.now_ms()))
        self._cabinet.pulls_refused += counts["conflicts"] + counts["elsewhere"] - refused

    def order(self, target: str, verb: str, arguments: dict[str, object], expires_in_s: int) -> tuple[int, ...]:
        """See `Cabinet.order`."""
        request = OrderRequest(
            target=self._target(target),
            verb=verb,
            arguments=arguments,
            expires_in_s=expires_in_s,
            source="simulated",
        )
        try:
            future = self.engine.give(request, self._clock.now_ms())
            self._plan_engine()
            return future.result()
        except (OrderError, StoreError) as error:
            raise OrderRefusedError(str(error)) from error

    def plan(self, text: str, names: Sequence[str]) -> None:
        """See `Cabinet.plan`."""
        programme = read_programme(text)
        numbers = {group.name: group.number for group in load_groups(self._read)}
        row = ProgrammeRow(programme.name, programme.version, text, self._clock.unix_ms())

        def keep(database: apsw.Connection) -> None:
            add_programme(database, row)
            for name in names:
                assign(database, numbers[name], programme.name)

        self._writer.call(keep).result()
        self.engine.lighting.set_plan(load_plan(self._read))
        self._plan_engine()

    def hold(self, target: str, level_pct: int | None, hold_s: int, fade_s: int) -> None:
        """See `Cabinet.hold`."""
        whom: Target = SITE
        if target != "site":
            found = self._target(target)
            whom = found.number if isinstance(found, Group) else found.dev_eui
        now_s = self._clock.unix_ms() // 1000
        row = OverrideRow(0, target_to_text(whom), level_pct, fade_s, now_s, now_s + hold_s, "simulated")
        kept = self._writer.call(lambda database: add_override(database, row)).result()
        self.engine.lighting.override(override_of(kept))
        self._plan_engine()

    def _target(self, name: str) -> Registration | Group:
        """The node or group of this name. Raises KeyError when there is none."""
        dev_eui = self._cabinet.dev_euis.get(name)
        if dev_eui is not None:
            return self._registry.registered[dev_eui]
        return {group.name: group for group in load_groups(self._read)}[name]

    def bound_file(self, full: bool) -> None:
        """Let the file grow, or not."""
        if self._writing is not None:
            pages = self._writing.pragma("page_count") if full else _ROOM
            self._writing.pragma("max_page_count", pages)

    # As the engine's observer.

    def accepted(self, accepted: Accepted, now_ms: int) -> None:
        """An uplink was accepted."""
        cabinet = self._cabinet
        radios = tuple([cabinet.radio_called(radio) for radio, _, _ in accepted.radios])
        name = cabinet.names[accepted.dev_eui]
        self._watcher.accepted(name, accepted.f_cnt, accepted.records, accepted.dr, radios)

    def refused(self, refused: Refused, now_ms: int) -> None:
        """An uplink, or what it says, was refused."""
        name = None if refused.dev_eui is None else self._cabinet.names.get(refused.dev_eui)
        self._watcher.refused(refused.reason.value, name)

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        """Something an operator must know of."""
        self._watcher.alarmed(alarm.name, alarm.detail)

    def radio(self, report: RadioReport, now_ms: int) -> None:
        """A radio came, went or told its counts."""

    # As the broker's client.

    def connected(self, number: int) -> None:
        """The broker accepted the connection."""
        self._tell_publisher(Connected(number=number))

    def disconnected(self, number: int, detail: str) -> None:
        """The connection ended."""
        self._tell_publisher(Disconnected(number=number, detail=detail))

    def acked(self, acks: Sequence[tuple[int, int]]) -> None:
        """PUBACKs came."""
        self._tell_publisher(Acked(acks))

    # Links.

    def _transmit(self, transmit: Transmit) -> None:
        self._links(self._forwarders.transmit(transmit, self._clock.now_ms()), transmit)

    def _links(self, effects: list[LinkEffect], transmit: Transmit | None = None) -> None:
        """What the forwarders' door wants; a datagram that follows from a Transmit is its PULL_RESP."""
        for effect in effects:
            if not isinstance(effect, Send):
                self._later(effect)
            elif transmit is not None:
                outcome = self._cabinet.transmit(transmit, effect.address)
                if outcome is not None:
                    ack = _tx_ack(effect.datagram, transmit.radio, outcome)
                    self._links(self._forwarders.handle(ack, effect.address, self._clock.now_ms()))
        self._plan_links()

    def _later(self, heard: Received | TransmitResult | RadioReport) -> None:
        """What a link hears comes in a turn of its own, as from a socket."""
        self._clock.call_at(self._clock.now_ms(), lambda: self._hear(heard))

    def _hear(self, heard: Received | TransmitResult | RadioReport) -> None:
        self.engine.hear(heard, self._clock.now_ms())
        self._plan_engine()

    # Store.

    def _open(self) -> apsw.Connection:
        database = self._cabinet.database
        if database is None:
            assert self._store is not None
            database = self._store.connect()
        self._writing = database
        if self._cabinet.disk_is_full:
            self.bound_file(full=True)
        return database

    def _written(self, result: Result) -> None:
        self.engine.written(result, self._clock.now_ms())
        self._plan_engine()
        if isinstance(result, Died | LeftOut):
            raise RuntimeError(str(result))
        if isinstance(result, Committed):
            last_id = self._writer.figures.last_record_id
            if last_id > self._last_id:
                self._last_id = last_id
                self._watcher.committed(last_id)
                self._tell_publisher(Stored(last_id))

    def _let_go(self) -> None:
        """Close the files; what is in memory outlives the process, as a card does."""
        if self._store is not None:
            self._writer.close()
            self._read.close()
            self._store.close()

    # Publisher.

    def _tell_publisher(self, event: PublisherEvent) -> None:
        self._publish(self.publisher.handle(event, self._clock.now_ms()))

    def _publish(self, effects: list[PublisherEffect]) -> None:
        broker = self._cabinet.broker
        for effect in effects:
            if isinstance(effect, Publish):
                broker.publish(effect.handle, effect.topic, effect.payload)
            elif isinstance(effect, ReadMore):
                self._read_more(effect)
            elif isinstance(effect, SaveCursor):
                self._outbox.save_cursor(effect.cursor)
            elif isinstance(effect, Connect):
                broker.connect(self, effect.number)
            elif isinstance(effect, Disconnect):
                broker.disconnect(effect.number)
            elif isinstance(effect, Note):
                self.engine.note(effect.name, effect.detail, self._clock.now_ms())
            elif isinstance(effect, Park):
                self._outbox.park(effect.row_id, effect.reason)
            else:
                self._outbox.unpark(effect.row_ids)
        self._plan("publisher", self.publisher.wake_at(), self._wake_publisher)

    def _read_more(self, want: ReadMore) -> None:
        """In a turn of its own, as `gateway.publish.delivery.Delivery` does."""

        def read() -> None:
            rows, up_to = self._outbox.read(want.after, want.last, want.limit)
            self._tell_publisher(Rows(want.lane, rows, up_to))

        self._clock.call_at(self._clock.now_ms(), read)

    def _damaged(self, count: int, first: int) -> None:
        raise RuntimeError(f"{count} records from {first} on do not match their checksums")

    # Time.

    def _look(self) -> tuple[int | None, str]:
        if self._cabinet.clock_untrusted:
            return None, "nobody vouches for it"
        return self._clock.unix_ms() - self._clock.now_ms() + self._cabinet.clock_off_ms, "as the timeline has it"

    def _look_at_clock(self) -> None:
        """A turn of `Trust`, which awaits nothing."""
        turn = self._trust.turn()
        try:
            turn.send(None)
        except StopIteration as done:
            self._clock.call_at(self._clock.now_ms() + int(done.value), self._look_at_clock)
        else:
            raise RuntimeError("Trust.turn waits for something; here is nobody to wait")

    def _set_clock(self, offset_ms: int) -> None:
        first = self._dates.offset_ms is None
        self._dates.offset_ms = offset_ms
        self.engine.set_clock(offset_ms, self._clock.now_ms())
        self._plan_engine()
        if first:
            self._writer.call(lambda database: boots.keep_offset(database, self._boot, offset_ms, 0))
            self._tell_publisher(DatesKnown())

    def _plan_engine(self) -> None:
        self._plan("engine", self.engine.wake_at(), self._wake_engine)

    def _plan_links(self) -> None:
        self._plan("forwarders", self._forwarders.wake_at(), self._wake_links)

    def _plan(self, who: str, wake_ms: int | None, wake: Callable[[], None]) -> None:
        """Set an alarm unless one rings before; one that rings too soon does no harm."""
        planned_ms = self._alarms[who]
        if wake_ms is None or (planned_ms is not None and planned_ms <= wake_ms):
            return
        wake_ms = max(wake_ms, self._clock.now_ms())
        self._alarms[who] = wake_ms
        self._timeline.at(self._clock.began_us + wake_ms * 1000, lambda: self._ring(who, wake_ms, wake))

    def _ring(self, who: str, wake_ms: int, wake: Callable[[], None]) -> None:
        if wake_ms == self._alarms[who] and not self._clock.stopped:  # else an earlier alarm took its place
            self._alarms[who] = None
            wake()

    def _wake_engine(self) -> None:
        self.engine.wake(self._clock.now_ms())
        self._plan_engine()

    def _wake_publisher(self) -> None:
        self._publish(self.publisher.wake(self._clock.now_ms()))

    def _wake_links(self) -> None:
        self._links(self._forwarders.wake(self._clock.now_ms()))


class _Dice:
    """The gateway's dice, from a stream that is the same on every machine."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below *stop*."""
        return self._stream.below(stop)


def _enter(database: apsw.Connection, batch: Batch) -> None:
    """Store what a file of devices said."""
    with database:
        add_devices(database, batch.registrations)
        set_places(database, batch.places)
        for installed in batch.installed:
            install(database, installed)


def _raised(error: apsw.Error) -> None:
    """SQLite cannot read what it wrote; whoever asked raises it."""


def _registration(member: Member) -> Registration:
    return Registration(
        device=0,
        dev_eui=member.dev_eui,
        role=Role(member.role),
        name=member.name,
        join_eui=member.join_eui,
        app_key=member.app_key,
        gen_app_key=member.gen_app_key,
        class_c=member.class_c,
        plan=member.plan,
        min_dr=member.min_dr,
    )


def _pull_data(radio: _Radio) -> bytes:
    """The next PULL_DATA of a forwarder (GWMP §5.2)."""
    radio.token = (radio.token + 1) & 0xFFFF
    return bytes((2, radio.token >> 8, radio.token & 0xFF, semtech.PULL_DATA)) + radio.eui


def _tx_ack(pull_resp: bytes, radio: str, outcome: Outcome) -> bytes:
    """A forwarder's answer to *pull_resp* (GWMP §5.5)."""
    head = pull_resp[:3] + bytes((semtech.TX_ACK,)) + bytes.fromhex(radio.removeprefix("udp:"))
    return head if outcome is Outcome.SENT else head + b'{"txpk_ack":{"error":"%s"}}' % outcome.name.encode()


class PlannedNights(NamedTuple):
    """A town's programme as its file says it. events: first and last night (days since 1970-01-01) with their steps.

    presence: level and seconds; lux: level, on and off; None: the file asks for none.
    """

    name: str
    nights: Programme
    events: tuple[tuple[int, int, Programme], ...] = ()
    presence: tuple[int, int] | None = None
    lux: tuple[int, int, int] | None = None


def planned_nights(text: str) -> PlannedNights:
    """The text of a programme's file, read by the gateway that would load it. Raises ValueError with a sentence."""
    try:
        found = read_programme(text)
    except ProgrammeError as error:
        raise ValueError(str(error)) from None
    return PlannedNights(
        found.name,
        found.nights,
        tuple((event.first, event.last, event.nights) for event in found.events),
        None if found.presence is None else (found.presence.level_pct, found.presence.hold_s),
        None if found.lux is None else (found.lux.level_pct, found.lux.on_lux, found.lux.off_lux),
    )


def almanac(latitude_deg: float, longitude_deg: float, time_zone: str, insee: str, year: int) -> Site:
    """Sun, local time and public holidays as the gateway has them written into lamps. Raises ValueError."""
    try:
        return site_of(latitude_deg, longitude_deg, time_zone, insee, year)
    except AlmanacError as error:
        raise ValueError(str(error)) from None
