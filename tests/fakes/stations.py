"""The engine around a network server, as small as it can be: a clock, a store that is a dict, and radios that obey."""

import random
from dataclasses import replace

from gateway.links.link import Outcome, Transmit, TransmitResult
from gateway.network.events import Accepted, Alarm, Commit, CommitsFailed, Committed, Effect, Fate, Reason, Refused
from gateway.network.registration import Group, Registration
from gateway.network.server import Server
from gateway.network.session import SessionRow
from gateway.network.settings import NetworkSettings
from gateway.store.writes import (
    AddRecord,
    KeepAirtime,
    KeepCounters,
    KeepGroupCounter,
    KeepSession,
    StartSession,
    Write,
)
from tests.fakes.applications import PlainApplication
from tests.fakes.devices import heard

_PATIENCE = 10_000  # times that the server may be woken at one moment


class Store:
    """What a database would hold. sessions: by (device, number); current: a device's number; records: in order."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[int, int], SessionRow] = {}
        self.current: dict[int, int] = {}
        self.logs: dict[int, str] = {}
        self.groups: dict[int, int] = {}
        self.records: list[tuple[int | None, int | None, int | None, bytes]] = []
        self.airtime: dict[str, str] = {}
        self.other: list[Write] = []

    def write(self, write: Write) -> None:
        if isinstance(write, KeepSession):
            self.sessions[write.session.device, write.session.number] = write.session
        elif isinstance(write, StartSession):
            assert (write.device, write.number) in self.sessions
            self.current[write.device] = write.number
            old = [key for key in self.sessions if key[0] == write.device and key[1] < write.number]
            for key in old:
                del self.sessions[key]
        elif isinstance(write, KeepCounters):
            key = (write.device, self.current[write.device])
            row = self.sessions[key]
            assert write.f_cnt_down >= row.f_cnt_down or row.f_cnt_up == -1, "a reserved FCntDown never goes back"
            self.sessions[key] = replace(row, f_cnt_up=write.f_cnt_up, f_cnt_down=write.f_cnt_down)
            if write.log is not None:
                self.logs[write.device] = write.log
        elif isinstance(write, KeepGroupCounter):
            assert write.f_cnt_down > self.groups.get(write.group, -1)
            self.groups[write.group] = write.f_cnt_down
        elif isinstance(write, AddRecord):
            record = write.record
            self.records.append((record.device, record.epoch, record.seq, record.content))
        elif isinstance(write, KeepAirtime):
            self.airtime[write.radio] = write.sent
        else:
            self.other.append(write)

    def kept(self) -> list["Kept"]:
        """As the server wants it."""
        return [Kept(self, device) for device in sorted({device for device, _ in self.sessions})]


class Kept:
    """What the store knows of one device."""

    def __init__(self, store: Store, device: int) -> None:
        rows = [row for (number, _), row in store.sessions.items() if number == device]
        number = store.current.get(device)
        self.device = device
        self.current = None if number is None else store.sessions[device, number]
        waiting = [row for row in rows if number is None or row.number > number]
        self.waiting = max(waiting, key=lambda row: row.number, default=None)
        self.number = max(row.number for row in rows)
        self.dev_nonce = max(row.dev_nonce for row in rows)
        self.join_nonce = max(row.join_nonce for row in rows)
        self.log = store.logs.get(device)


class Station:
    """A server in its shell. hold: commits wait until `commit` or `fail`; else each is on disk at once.

    outcome: what radios say of a transmission: an Outcome, or a function of it. silent: they say nothing.
    effects: (now_ms, effect) of all time.
    """

    def __init__(
        self,
        registrations: list[Registration],
        groups: tuple[Group, ...] = (),
        settings: NetworkSettings = NetworkSettings(),  # noqa: B008 - frozen
        now_ms: int = 1_000_000,
        application: PlainApplication | None = None,
    ) -> None:
        self.store = Store()
        self.registrations = registrations
        self.groups = groups
        self.settings = settings
        self.now_ms = now_ms
        self.hold = False
        self.silent = False
        self.outcome = lambda transmit: Outcome.SENT
        self.held: list[Commit] = []
        self.effects: list[tuple[int, Effect]] = []
        self.restart(application)

    def restart(self, application: PlainApplication | None = None) -> None:
        """The process ends and starts again: only what the store has is there."""
        self.held.clear()
        self.application = PlainApplication() if application is None else application
        groups = [
            replace(group, f_cnt_down=self.store.groups.get(group.number, group.f_cnt_down)) for group in self.groups
        ]
        self.server = Server(
            self.settings,
            self.registrations,
            self.store.kept(),
            groups,
            self.application,
            random.Random(7),
            self.store.airtime,
            self.now_ms,
        )

    def tell(self, event: object) -> list[Effect]:
        """Let the server hear *event* now, and do what it wants; returns all that came of it."""
        return self._do(self.server.handle(event, self.now_ms))  # type: ignore[arg-type]

    def run(self, span_ms: int) -> list[Effect]:
        """Let time pass."""
        until_ms = self.now_ms + span_ms
        out = []
        alarms = 0
        while True:
            wake_ms = self.server.wake_at()
            if wake_ms is None or wake_ms > until_ms:
                self.now_ms = until_ms
                return out
            alarms = alarms + 1 if wake_ms <= self.now_ms else 0
            assert alarms < _PATIENCE, f"the server wants to be woken at {wake_ms} ms for ever"
            self.now_ms = max(self.now_ms, wake_ms)
            out += self._do(self.server.wake(self.now_ms))

    def hear(self, phy_payload: bytes, *radios: str, **fields: object) -> list[Effect]:
        """A frame ends now and is heard by these radios; what comes of it within the window."""
        out = []
        for radio in radios or ("udp:01",):
            fields.setdefault("counter_us", self.now_ms * 1000 & 0xFFFFFFFF)
            out += self.tell(heard(phy_payload, radio=radio, **fields))
        return out + self.run(self.settings.dedup_ms)

    def commit(self) -> list[Effect]:
        """All that waits is on disk."""
        held, self.held = self.held, []
        for commit in held:
            self._write(commit)
        return self.tell(Committed(token=held[-1].token)) if held else []

    def fail(self) -> list[Effect]:
        """Nothing that waits gets to the disk."""
        self.held = []
        return self.tell(CommitsFailed())

    def of(self, kind: type) -> list:
        """All effects of one kind so far, but for commits that only keep airtime."""
        found = [effect for _, effect in self.effects if isinstance(effect, kind)]
        return [one for one in found if not (isinstance(one, Commit) and _keeps_airtime(one))]

    @property
    def transmits(self) -> list[Transmit]:
        return self.of(Transmit)

    @property
    def refusals(self) -> list[Refused]:
        return self.of(Refused)

    @property
    def accepted(self) -> list[Accepted]:
        return self.of(Accepted)

    @property
    def accepted_f_cnts(self) -> list[int]:
        return [accepted.f_cnt for accepted in self.accepted]

    @property
    def fates(self) -> list[tuple[int, str]]:
        return [(fate.ref, fate.fate.value) for fate in self.of(Fate)]

    @property
    def alarms(self) -> list[Alarm]:
        return self.of(Alarm)

    def _do(self, effects: list[Effect]) -> list[Effect]:
        out = list(effects)
        self.effects += [(self.now_ms, effect) for effect in effects]
        for effect in effects:
            if isinstance(effect, Commit):
                self.held.append(effect)
                if not self.hold:
                    out += self.commit()
            elif isinstance(effect, Transmit) and not self.silent:
                out += self.tell(TransmitResult(token=effect.token, outcome=self.outcome(effect)))
        return out

    def _write(self, commit: Commit) -> None:
        for write in commit.writes:
            self.store.write(write)


def refused(station: Station, phy_payload: bytes, reason: Reason, says: str = "", **fields: object) -> Refused:
    """Let *station* hear a frame that it must refuse, with *says* in the sentence, and do nothing else."""
    effects = station.hear(phy_payload, **fields)
    assert [type(effect) for effect in effects] == [Refused], effects
    assert effects[0].reason is reason
    assert says in effects[0].detail
    return effects[0]


def _keeps_airtime(commit: Commit) -> bool:
    return all(isinstance(write, KeepAirtime) for write in commit.writes) and bool(commit.writes)
