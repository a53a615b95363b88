"""The cores joined: what links hear goes to the network server, what it decides is written, sent, counted and told.

No thread, no socket, no clock: the process hands in events with their time, and a writer and a way to transmit at the
start. So a simulated city and a cabinet run the same gateway.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from gateway.application import TownApplication
from gateway.lighting.lighting import Lighting
from gateway.links.link import Heard, RadioReport, Received, Transmit
from gateway.network.application import Answer
from gateway.network.events import (
    Accepted,
    Alarm,
    Cancel,
    ClockSet,
    Commit,
    CommitsFailed,
    Committed,
    DeviceGone,
    DeviceSet,
    Effect,
    Event,
    GroupSet,
    NetworkServer,
    Reason,
    Refused,
)
from gateway.network.registration import Registration
from gateway.orders.request import OrderRequest
from gateway.readings.content import notice
from gateway.readings.record import Kind, Record, own_record
from gateway.store.faults import FaultKind, StoreError
from gateway.store.writer import Died, Failed, LeftOut, Result
from gateway.store.writes import AddRecord, KeepSession, StartSession, Write
from protocol.lorawan.frames import JOIN_ACCEPT

_ALARMS_PER_HOUR = 60  # NOTICE records; the rest are counted only, so that a storm does not fill the card
_HOUR_MS = 3_600_000
_REGISTRY = (KeepSession, StartSession)  # writes that the snapshot must have


class Writes(Protocol):
    """What the engine needs of `gateway.store.writer`."""

    @property
    def overloaded(self) -> bool:
        """Whether uplinks must be refused now."""

    def submit(self, commit: Commit) -> None:
        """Write it after those before; `Engine.written` is told how that went."""

    def resume(self) -> None:
        """Commits count again."""


class Observer(Protocol):
    """Who watches: the ring of the last uplinks, the log, metrics. Called for each; must be quick and not raise."""

    def accepted(self, accepted: Accepted, now_ms: int) -> None:
        """An uplink was accepted."""

    def refused(self, refused: Refused, now_ms: int) -> None:
        """An uplink, or what it says, was refused."""

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        """Something an operator must know of."""

    def radio(self, report: RadioReport, now_ms: int) -> None:
        """A radio came, went or told its counts."""


class Decider(NetworkServer, Protocol):
    """A network server that also does what the application answered to somebody else."""

    def carry_out(self, answer: Answer, now_ms: int) -> list[Effect]:
        """Commit it, again and again should commits fail, and send its downlinks."""

    def end(self, now_ms: int) -> list[Effect]:
        """Nothing more will be sent."""


class _Own(NamedTuple):
    """A commit of the server's by its token there, or an order's, which somebody waits for."""

    token: int
    at_once: bool
    server_token: int | None
    done: Callable[[StoreError | None], None] | None


class Engine:
    """boot: number of this boot of the gateway. transmit: hands a downlink to its radio's link."""

    def __init__(
        self,
        server: Decider,
        application: TownApplication,
        boot: int,
        transmit: Callable[[Transmit], None],
        observer: Observer,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.fault: str | None = None  # why nothing can be written now
        self.dead: str | None = None  # why the process must end
        self.registry_changes = 0  # of registry and sessions: when the snapshot must be written anew
        self._server = server
        self._application = application
        self._boot = boot
        self._transmit = transmit
        self._observer = observer
        self._writer: Writes | None = None
        self._offset_ms: int | None = None
        self._token = 0
        self._pending: deque[_Own] = deque()  # commits on their way; the writer bounds them
        self._alarms: deque[int] = deque()  # when NOTICE records of alarms were written within the last hour

    def write_with(self, writer: Writes) -> None:
        """Use this writer, whose results come to `written`."""
        self._writer = writer

    @property
    def lighting(self) -> Lighting:
        """What holds the lamps."""
        return self._application.lighting

    @property
    def under_way(self) -> bool:
        """Whether commits are not yet known to be on disk."""
        return bool(self._pending)

    @property
    def hurried(self) -> bool:
        """Whether something waits for a commit that is not grouped."""
        return any(own.at_once for own in self._pending)

    # What happens.

    def hear(self, heard: Heard, now_ms: int) -> None:
        """A link heard something."""
        if isinstance(heard, Received):
            assert self._writer is not None
            if self._writer.overloaded:
                self._refuse(Refused(reason=Reason.OVERLOAD, dev_addr=None, detail="the disk does not keep up"), now_ms)
                return
            self.counts["heard"] += 1
        elif isinstance(heard, RadioReport):
            self._observer.radio(heard, now_ms)
        else:
            self.counts[f"transmitted:{heard.outcome.value}"] += 1
        self._tell(heard, now_ms)

    def wake_at(self) -> int | None:
        """When `wake` wants to be called."""
        return self._server.wake_at()

    def wake(self, now_ms: int) -> None:
        """Do what is due."""
        self._do(self._server.wake(now_ms), now_ms)

    def written(self, result: Result, now_ms: int) -> None:
        """The writer says what is on disk."""
        if isinstance(result, Committed):
            self._committed(result.token, now_ms)
        elif isinstance(result, Failed):
            self._failed(result.error, now_ms)
        elif isinstance(result, LeftOut):
            self.note("not_written", result.detail, now_ms)
        else:
            assert isinstance(result, Died)
            self.dead = result.detail
            self._tell_givers(StoreError(FaultKind.OTHER, result.detail), self._take_pending())

    def set_clock(self, offset_ms: int | None, now_ms: int) -> None:
        """Unix ms is monotonic ms and that; None: nobody knows."""
        self._offset_ms = offset_ms
        self._application.set_clock(offset_ms)
        self._tell(ClockSet(offset_ms=offset_ms), now_ms)

    def changed(
        self, changes: Iterable[DeviceSet | DeviceGone | GroupSet], gone: Iterable[Registration], now_ms: int
    ) -> None:
        """The registry was changed, and is on disk. gone: what was known of the devices that went."""
        self.registry_changes += 1
        for change in changes:
            if isinstance(change, DeviceSet):
                self._application.set_device(change.registration)
            elif isinstance(change, GroupSet):
                self._application.set_group(change.group)
            self._tell(change, now_ms)
        for registration in gone:
            self._application.drop_device(registration)

    def give(self, request: OrderRequest, now_ms: int) -> "Future[tuple[int, ...]]":
        """Take an order in; the ids of the orders made, once they are on disk and on their way.

        Raises OrderError for one that cannot be given; the future fails with StoreError when it cannot be kept, and
        then it never was: whoever gave it may give it again.
        """
        given = self._application.give(request, now_ms)
        future: Future[tuple[int, ...]] = Future()

        def done(error: StoreError | None) -> None:
            if error is not None:
                self._application.withdraw(given.ids)
                future.set_exception(error)
                return
            for downlink in given.answer.downlinks:
                self._tell(downlink, now_ms)
            future.set_result(given.ids)

        self._wait_for(given.answer.writes, done)
        return future

    def cancel(self, order_id: int, now_ms: int) -> "Future[None]":
        """Send an order no more; done when that is on disk. Raises OrderError when it is not under way.

        The future fails with StoreError when it could not be written: then it is, as soon as the disk takes it.
        """
        answer, ref = self._application.cancel(order_id, now_ms)
        if ref is not None:
            self._tell(Cancel(ref=ref), now_ms)
        future: Future[None] = Future()

        def done(error: StoreError | None) -> None:
            if error is None:
                future.set_result(None)
                return
            future.set_exception(error)
            self._do(self._server.carry_out(answer, now_ms), now_ms)  # which tries it as often as it takes

        self._wait_for(answer.writes, done)
        return future

    def note(self, name: str, detail: str, now_ms: int) -> None:
        """Something outside the network server that an operator must know of, such as a broker that refuses."""
        self._alarm(Alarm(name=name, dev_eui=None, detail=detail), now_ms)

    def record(self, records: Sequence[Record], now_ms: int) -> None:
        """Write records of the gateway's own; if the disk is full, as soon as it is not."""
        writes = tuple(AddRecord(record) for record in records)
        self._do(self._server.carry_out(Answer(writes=writes, at_once=True), now_ms), now_ms)

    def end(self, now_ms: int) -> None:
        """Nothing more will be heard or sent: let be written what only a start asks for."""
        self._do(self._server.end(now_ms), now_ms)

    # What is done.

    def _wait_for(self, writes: tuple[Write, ...], done: Callable[[StoreError | None], None]) -> None:
        """Write *writes*, behind all that was decided before, and call *done* once it all is on disk, or is not."""
        self._token += 1
        self._pending.append(_Own(self._token, True, None, done))
        self._write(Commit(token=self._token, writes=writes, at_once=True))

    def _tell(self, event: Event, now_ms: int) -> None:
        self._do(self._server.handle(event, now_ms), now_ms)

    def _do(self, effects: list[Effect], now_ms: int) -> None:
        for effect in effects:
            if isinstance(effect, Commit):
                for write in effect.writes:
                    self.registry_changes += isinstance(write, _REGISTRY)
                self._token += 1
                self._pending.append(_Own(self._token, effect.at_once, effect.token, None))
                self._write(Commit(token=self._token, writes=effect.writes, at_once=effect.at_once))
            elif isinstance(effect, Accepted):
                self.counts["accepted"] += 1
                self._observer.accepted(effect, now_ms)
            elif isinstance(effect, Refused):
                self._refuse(effect, now_ms)
            elif isinstance(effect, Transmit):
                self.counts["downlinks"] += 1
                if effect.phy_payload[0] >> 5 == JOIN_ACCEPT:
                    self.counts["joins"] += 1
                self._transmit(effect)
            elif isinstance(effect, Alarm):
                self._alarm(effect, now_ms)

    def _write(self, commit: Commit) -> None:
        assert self._writer is not None
        self._writer.submit(commit)

    def _committed(self, token: int, now_ms: int) -> None:
        """Everything up to *token* is on disk; the server hears of its newest, and whoever waits for his own."""
        self.fault = None
        server_token = None
        done: list[Callable[[StoreError | None], None]] = []
        while self._pending and self._pending[0].token <= token:
            own = self._pending.popleft()
            if own.server_token is not None:
                server_token = own.server_token
            elif own.done is not None:
                done.append(own.done)
        if server_token is not None:
            self._tell(Committed(token=server_token), now_ms)
        for call in done:
            call(None)

    def _failed(self, error: StoreError, now_ms: int) -> None:
        """Nothing that is pending is on disk: everybody goes back to what is, and the writer may go on."""
        assert self._writer is not None
        known, self.fault = self.fault, str(error)
        self.counts["commits_failed"] += 1
        self.counts["not_stored"] += sum(own.server_token is not None for own in self._pending)
        alarm = Alarm(name="store_failed", dev_eui=None, detail=self.fault)
        if known is None:
            # The writer discards it, as all else until it goes on: the server keeps it for when there is room.
            self._alarm(alarm, now_ms)
        else:
            self.counts["alarm:store_failed"] += 1
            self._observer.alarmed(alarm, now_ms)
        pending = self._take_pending()
        self._writer.resume()
        self._tell(CommitsFailed(), now_ms)
        # Whoever gave an order first: it never was, so it is not among what the application writes again.
        self._tell_givers(error, pending)
        self._application.commits_failed(now_ms)

    def _take_pending(self) -> "deque[_Own]":
        pending, self._pending = self._pending, deque()
        return pending

    def _tell_givers(self, error: StoreError, pending: "deque[_Own]") -> None:
        for own in pending:
            if own.done is not None:
                own.done(error)

    def _refuse(self, refused: Refused, now_ms: int) -> None:
        self.counts[f"refused:{refused.reason.value}"] += 1
        self._observer.refused(refused, now_ms)

    def _alarm(self, alarm: Alarm, now_ms: int) -> None:
        self.counts[f"alarm:{alarm.name}"] += 1
        self._observer.alarmed(alarm, now_ms)
        if alarm.recorded:
            return
        while self._alarms and self._alarms[0] <= now_ms - _HOUR_MS:
            self._alarms.popleft()
        if len(self._alarms) >= _ALARMS_PER_HOUR:
            return
        self._alarms.append(now_ms)
        said = (
            {"detail": alarm.detail}
            if alarm.dev_eui is None
            else {"dev_eui": alarm.dev_eui.hex(), "detail": alarm.detail}
        )
        self.record([self._notice(notice(alarm.name, **said), now_ms)], now_ms)

    def _notice(self, content: bytes, now_ms: int) -> Record:
        boot = self._boot if self._offset_ms is None else None
        return own_record(Kind.NOTICE, content, now_ms + (self._offset_ms or 0), boot)
