"""The process of a gateway, from one start to its end: everything that a power cut takes with it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from gateway.chores import Trust
from gateway.config.values import Network
from gateway.dates import Dates
from gateway.engine import Engine
from gateway.governance.dataset import Sharing
from gateway.governance.defaults import datasets_of
from gateway.lighting.files import read_programme
from gateway.lighting.plan import SITE, Target
from gateway.lighting.stored import load_plan, override_of, target_to_text
from gateway.links.forwarders import Address, Forwarders, Holds, Send
from gateway.links.forwarders import Effect as LinkEffect
from gateway.links.link import RadioReport, Received, Transmit, TransmitResult
from gateway.network.events import Accepted, Alarm, Committed, Refused
from gateway.network.registration import Group, Registration
from gateway.orders.request import OrderError, OrderRequest
from gateway.outlet import NAME as PUBLISHER
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
from gateway.publish.publisher import Publisher, PublisherSettings
from gateway.running.cores import DEDUP_MS, make_cores
from gateway.running.registry import Registry
from gateway.store import boots, cursors
from gateway.store.faults import StoreError
from gateway.store.groups import load_groups
from gateway.store.lighting import OverrideRow, ProgrammeRow, add_override, add_programme, assign
from gateway.store.opening import Store
from gateway.store.records import id_range
from gateway.store.timed_writer import TimedWriter
from gateway.store.writer import Died, LeftOut, Result
from simulator.chain.cabinet.clock import ProcessClock
from simulator.chain.cabinet.concentrators import tx_ack
from simulator.chain.cabinet.told import OrderRefusedError
from simulator.streams import Stream

if TYPE_CHECKING:
    from simulator.chain.cabinet.hanging import Cabinet


_ROOM = 1 << 30  # pages: no bound of the file
_BUILT_MS = 1_700_000_000_000  # 2023-11-14: before every run


class Process:
    """The process. Implements `gateway.engine.Observer` and `simulator.chain.broker.Client`."""

    def __init__(self, cabinet: "Cabinet") -> None:
        settings = cabinet.settings
        self._cabinet = cabinet
        self._watcher = cabinet.watcher
        self._timeline = cabinet.timeline
        self._clock = ProcessClock(cabinet.timeline, settings.start_s)
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
            Dice(cabinet.dice),
            settings.resend,
            settings.almanac or None,
            directory=self._registry.directory,
        )
        self.engine = Engine(server, self._application, self._boot, self._transmit, self)
        self.engine.write_with(self._writer)
        self._forwarders = Forwarders(
            {radio.eui: None for radio in cabinet.radios.values()}, lambda: cabinet.dice.below(0x10000), cabinet.held
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
            if isinstance(effect, Holds):
                self._cabinet.held[effect.eui] = effect.ip
            elif not isinstance(effect, Send):
                self._later(effect)
            elif transmit is not None:
                outcome = self._cabinet.transmit(transmit, effect.address)
                if outcome is not None:
                    ack = tx_ack(effect.datagram, transmit.radio, outcome)
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
        """Close the files; what is in memory outlives the process, as a card does.

        The writer last: who only reads cannot put what is in SQLite's log into the file, and leaves it beside it.
        """
        if self._store is not None:
            self._read.close()
            self._writer.close()
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


class Dice:
    """The gateway's dice, from a stream that is the same on every machine."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below *stop*."""
        return self._stream.below(stop)


def _raised(error: apsw.Error) -> None:
    """SQLite cannot read what it wrote; whoever asked raises it."""
