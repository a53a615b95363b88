"""The LoRaWAN network server: who speaks, whether it is new, what it means to the store, and what is said in return.

Here is what each event is handed to, and what follows from any of them. An uplink passes named steps: in `receiving`
recognise → wait for copies → parse → authenticate; in `accepting` decrypt → hear MAC commands → hear the application →
commit → answer; or, if it asks to join, in `joining`. What goes down is said by `speaking`, and by `groups` to many.
"""

from collections.abc import Iterable, Mapping

from gateway.links.link import RadioReport, Received, TransmitResult
from gateway.network.accepting import Acceptor
from gateway.network.application import Answer, Application
from gateway.network.commits import RETRY_COMMIT_MS, Stream
from gateway.network.device import Device
from gateway.network.events import (
    Cancel,
    ClockSet,
    CommitsFailed,
    Committed,
    DeviceGone,
    DeviceSet,
    Downlink,
    Effect,
    Event,
    GroupSet,
)
from gateway.network.fleet import Fleet, LinkState
from gateway.network.groups import Groups
from gateway.network.joining import Dice, JoinServer
from gateway.network.receiving import Receiver
from gateway.network.registration import Group, Registration
from gateway.network.scheduling import Owed, Radios
from gateway.network.session import Kept
from gateway.network.settings import NetworkSettings
from gateway.network.speaking import GONE, Speaker
from gateway.network.timers import Timers

_ROUNDS = 3  # of fates and what the application makes of them, before the shell has its turn


class Server:
    """Implements `gateway.network.events.NetworkServer`.

    kept: what the store knows of devices that were heard before; the others are new. sent: by radio, what it sent
    within the hour before now_ms, the start.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        registrations: Iterable[Registration],
        kept: Iterable[Kept],
        groups: Iterable[Group],
        application: Application,
        dice: Dice,
        sent: Mapping[str, str | None] | None = None,
        now_ms: int = 0,
    ) -> None:
        self._application = application
        self._retry_ms = 0
        self._keeping = False  # whether the radios' airtime is on its way to the disk
        self._radios = Radios(settings, sent, now_ms)
        self._stream = Stream()
        self._timers: Timers[Device] = Timers()
        self._fleet = Fleet(registrations, kept, application.first_log)
        self._speaker = Speaker(settings, self._radios, self._stream, self._timers)
        self._groups = Groups(self._radios, self._stream, self._fleet.radios_of, self._speaker.next_token)
        self._acceptor = Acceptor(settings, self._fleet, self._stream, self._speaker, application, self._enqueue)
        join_server = JoinServer(settings, self._fleet, self._stream, self._speaker, self._groups, dice)
        self._receiver = Receiver(settings.dedup_ms, self._fleet, self._stream, self._acceptor, join_server)
        for group in groups:
            self._groups.set(group)

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Decide what *event* means."""
        out: list[Effect] = []
        if isinstance(event, Received):
            self._radios.heard(event.radio)
            self._receiver.received(event, now_ms, out)
        elif isinstance(event, Committed):
            self._stream.committed(event.token, now_ms, out)
        elif isinstance(event, TransmitResult):
            if not self._speaker.result(event, now_ms, out):
                self._groups.result(event, now_ms, out)
        elif isinstance(event, Downlink):
            self._send(event, now_ms, out)
        elif isinstance(event, CommitsFailed):
            self._stream.failed(now_ms)
            self._retry_ms = now_ms + RETRY_COMMIT_MS
        elif isinstance(event, RadioReport):
            self._radios.heard(event.radio, event.online)
        elif isinstance(event, ClockSet):
            self._acceptor.offset_ms = event.offset_ms
        elif isinstance(event, Cancel):
            self._cancel(event.ref)
        elif isinstance(event, DeviceSet):
            self._fleet.set(event.registration, event.kept)
        elif isinstance(event, DeviceGone):
            gone = self._fleet.remove(event.dev_eui)
            if gone is not None:
                self._speaker.drop_all(gone, GONE)
        else:
            assert isinstance(event, GroupSet)
            self._groups.set(event.group)
        self._settle(now_ms, out)
        return out

    def wake_at(self) -> int | None:
        """When `wake` wants to be called next; None while nothing is pending."""
        wake_ms = self._receiver.closes_at()
        for at_ms in (self._timers.next_at(), self._groups.next_at(), self._application.wake_at()):
            if at_ms is not None and (wake_ms is None or at_ms < wake_ms):
                wake_ms = at_ms
        owes_airtime = self._radios.owes and not self._keeping
        if owes_airtime or self._stream.behind() or self._speaker.fates or self._groups.fates:
            return self._retry_ms if wake_ms is None else min(wake_ms, self._retry_ms)
        return wake_ms

    def wake(self, now_ms: int) -> list[Effect]:
        """Do what is due at *now_ms*."""
        out: list[Effect] = []
        self._receiver.close_copies(now_ms, out)
        self._acceptor.close_windows(now_ms)
        while (due := self._timers.due(now_ms)) is not None:
            self._speaker.look(due, now_ms, out)
        self._groups.wake(now_ms, out)
        due_ms = self._application.wake_at()
        if due_ms is not None and due_ms <= now_ms:
            self._take(self._application.wake(now_ms), now_ms, out)
        if self._stream.behind() and now_ms >= self._retry_ms:
            self._stream.commit((), True, None, out)
        self._settle(now_ms, out)
        return out

    def carry_out(self, answer: Answer, now_ms: int) -> list[Effect]:
        """Do what the application answered to somebody else, who gave an order or took it back.

        Its commit is one of the stream. A downlink that must not go before that is on disk is handed over as an event,
        once it is.
        """
        out: list[Effect] = []
        self._take(answer, now_ms, out)
        self._settle(now_ms, out)
        return out

    def end(self, now_ms: int) -> list[Effect]:
        """Nothing more will be sent: keep exactly what was."""
        out: list[Effect] = []
        if writes := self._radios.at_the_end(now_ms):
            self._stream.commit(writes, True, None, out)
        return out

    def link_of(self, dev_eui: bytes) -> LinkState | None:
        """How that device was heard last; None for an unknown one."""
        return self._fleet.link_of(dev_eui)

    # What the operator and the application want.

    def _send(self, downlink: Downlink, now_ms: int, out: list[Effect]) -> None:
        device = self._enqueue(downlink, now_ms, out)
        if device is not None:
            self._speaker.speak(device, now_ms, out)

    def _enqueue(self, downlink: Downlink, now_ms: int, out: list[Effect]) -> Device | None:
        """Let it wait; the device that may be spoken to now."""
        if isinstance(downlink.target, int):
            self._groups.enqueue(downlink, now_ms, out)
            return None
        device = self._fleet.by_dev_eui.get(downlink.target)
        return device if self._speaker.enqueue(downlink, device, now_ms) else None

    def _take(self, answer: Answer, now_ms: int, out: list[Effect]) -> None:
        """Do what the application wants when no uplink asked it."""
        if answer.writes:
            self._stream.commit(answer.writes, answer.at_once, None, out)
        out.extend(answer.notes)
        for ref in answer.cancels:
            self._cancel(ref)
        for downlink in answer.downlinks:
            self._send(downlink, now_ms, out)

    def _cancel(self, ref: int) -> None:
        if not self._speaker.cancel(ref):
            self._groups.cancel(ref)

    def _settle(self, now_ms: int, out: list[Effect]) -> None:
        """What may follow from anything: fates to be told, airtime to be kept."""
        self._tell_fates(now_ms, out)
        if self._radios.owes and not self._keeping and now_ms >= self._retry_ms:
            self._keeping = True
            owed, writes = self._radios.to_keep(now_ms)
            self._stream.commit(writes, False, _AirtimeKept(self, owed), out)

    def airtime_kept(self, owed: list[Owed]) -> None:
        """That is on disk; nothing: it could not be written."""
        self._keeping = False
        self._radios.kept(owed)

    def _tell_fates(self, now_ms: int, out: list[Effect]) -> None:
        for _ in range(_ROUNDS):
            if not self._speaker.fates and not self._groups.fates:
                return
            fates = [*self._speaker.fates, *self._groups.fates]
            self._speaker.fates.clear()
            self._groups.fates.clear()
            for fate in fates:
                out.append(fate)
                self._take(self._application.fate(fate, now_ms), now_ms, out)


class _AirtimeKept:
    """The step of a commit that keeps what radios have sent."""

    __slots__ = ("_owed", "_server")

    def __init__(self, server: Server, owed: list[Owed]) -> None:
        self._server = server
        self._owed = owed

    def undo(self, now_ms: int) -> None:
        self._server.airtime_kept([])

    def done(self, now_ms: int, out: list[Effect]) -> None:
        self._server.airtime_kept(self._owed)
