"""What every network server owes its shell: `handle(event, now) → effects`, and what a commit means to it."""

import random
from collections.abc import Callable

import pytest

from gateway.links.link import Outcome, RadioReport, TransmitResult
from gateway.network.events import (
    Accepted,
    Cancel,
    ClockSet,
    Commit,
    CommitsFailed,
    Committed,
    DeviceGone,
    Effect,
    NetworkServer,
    Refused,
)
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from tests.fakes.applications import PlainApplication
from tests.fakes.devices import Device, heard
from tests.fakes.servers import TrustingServer

NOW_MS = 5_000_000
COPIES_MS = 1_000  # within which every server has made up its mind on a frame
DEVICES = (Device(1), Device(2))


def real() -> NetworkServer:
    registrations = [device.registration() for device in DEVICES]
    return Server(NetworkSettings(), registrations, [], [], PlainApplication(), random.Random(1))


SERVERS: dict[str, Callable[[], NetworkServer]] = {"Server": real, "TrustingServer": TrustingServer}
FRAMES = [DEVICES[0].frame(f_cnt) for f_cnt in range(6)]


@pytest.fixture(name="make", params=SERVERS.values(), ids=SERVERS.keys())
def _make(request: pytest.FixtureRequest) -> Callable[[], NetworkServer]:
    return request.param


class Shell:
    """Lets a server hear, and time pass."""

    def __init__(self, server: NetworkServer) -> None:
        self.server = server
        self.now_ms = NOW_MS

    def hear(self, phy_payload: bytes) -> list[Effect]:
        effects = self.server.handle(heard(phy_payload), self.now_ms)
        until_ms = self.now_ms + COPIES_MS
        while (wake_ms := self.server.wake_at()) is not None and wake_ms <= until_ms:
            self.now_ms = max(self.now_ms, wake_ms)
            effects += self.server.wake(self.now_ms)
            assert self.server.wake_at() != wake_ms, f"the server wants to be woken at {wake_ms} ms for ever"
        self.now_ms = until_ms
        return effects

    def accept(self, phy_payload: bytes) -> int:
        """Let the server hear a frame it must accept; the token of the commit."""
        effects = self.hear(phy_payload)
        assert [type(effect) for effect in effects] == [Commit, Accepted], effects
        return effects[0].token

    def refuse(self, phy_payload: bytes) -> None:
        effects = self.hear(phy_payload)
        assert [type(effect) for effect in effects] == [Refused], effects

    def tell(self, fate: Committed | CommitsFailed) -> None:
        assert self.server.handle(fate, self.now_ms) == []


@pytest.fixture(name="shell")
def _shell(make: Callable[[], NetworkServer]) -> Shell:
    return Shell(make())


def test_each_new_frame_is_one_commit_and_tokens_increase(shell):
    tokens = [shell.accept(frame) for frame in (*FRAMES, DEVICES[1].frame(0))]
    assert tokens == sorted(set(tokens))


def test_a_frame_is_not_accepted_again_while_its_commit_is_on_its_way(shell):
    shell.accept(FRAMES[0])
    shell.refuse(FRAMES[0])


def test_a_frame_that_was_committed_is_not_accepted_again(shell):
    for frame in FRAMES[:3]:
        shell.tell(Committed(token=shell.accept(frame)))
    for frame in FRAMES[:3]:
        shell.refuse(frame)


def test_committed_speaks_of_all_before_it(shell):
    tokens = [shell.accept(frame) for frame in FRAMES[:4]]
    shell.tell(Committed(token=tokens[2]))
    shell.tell(CommitsFailed())
    for frame in FRAMES[:3]:
        shell.refuse(frame)
    shell.accept(FRAMES[3])


def test_frames_whose_commits_failed_are_welcome_again_as_often_as_that_happens(shell):
    for _ in range(3):
        for frame in FRAMES:
            shell.accept(frame)
        shell.tell(CommitsFailed())
    for frame in FRAMES:
        shell.tell(Committed(token=shell.accept(frame)))
    for frame in FRAMES:
        shell.refuse(frame)


def test_a_failure_undoes_every_device_that_waits_and_no_other(shell):
    others = [DEVICES[1].frame(f_cnt) for f_cnt in (1, 2)]
    shell.tell(Committed(token=shell.accept(others[0])))
    shell.accept(FRAMES[1])
    shell.accept(others[1])
    shell.tell(CommitsFailed())
    shell.refuse(others[0])
    shell.accept(FRAMES[1])
    shell.accept(others[1])


def test_what_concerns_nobody_here_is_heard_without_harm(shell):
    for event in (
        TransmitResult(token=1, outcome=Outcome.TOO_LATE),
        RadioReport(radio="udp:09", online=False, detail="gone"),
        CommitsFailed(),
        Committed(token=0),
        ClockSet(offset_ms=None),
        Cancel(ref=5),
        DeviceGone(dev_eui=bytes(8)),
    ):
        assert shell.server.handle(event, shell.now_ms) == []
    shell.accept(FRAMES[0])


def test_the_time_it_wants_to_be_woken_lies_ahead_once_it_was(shell):
    shell.accept(FRAMES[0])
    for minute in range(60):
        now_ms = shell.now_ms + minute * 60_000
        shell.server.wake(now_ms)
        wake_ms = shell.server.wake_at()
        assert wake_ms is None or wake_ms > now_ms


def test_the_same_events_have_the_same_effects(make):
    runs = []
    for _ in range(2):
        shell = Shell(make())
        runs.append([shell.hear(frame) for frame in (*FRAMES, FRAMES[2])])
    assert runs[0] == runs[1]
