"""What every network server owes its shell: `handle(event, now) → effects`, and what a commit means to it."""

from collections.abc import Callable

import pytest

from gateway.links.link import Outcome, TransmitResult
from gateway.network.events import Commit, Committed, Effect, NetworkServer, NotCommitted, Refused
from gateway.network.server import SkeletonServer
from tests.fakes.devices import Device, heard
from tests.fakes.servers import TrustingServer

NOW_MS = 1_767_225_600_000
DEVICES = (Device(1), Device(2))
SERVERS: dict[str, Callable[[], NetworkServer]] = {
    "SkeletonServer": lambda: SkeletonServer(device.session() for device in DEVICES),
    "TrustingServer": TrustingServer,
}
FRAMES = [DEVICES[0].reading(f_cnt, seq=f_cnt) for f_cnt in range(6)]


@pytest.fixture(name="make", params=SERVERS.values(), ids=SERVERS.keys())
def _make(request: pytest.FixtureRequest) -> Callable[[], NetworkServer]:
    return request.param


def hear(server: NetworkServer, phy_payload: bytes) -> Effect:
    [effect] = server.handle(heard(phy_payload), NOW_MS)
    return effect


def accept(server: NetworkServer, phy_payload: bytes) -> int:
    """Let the server hear a frame it must accept; the token of the commit."""
    effect = hear(server, phy_payload)
    assert isinstance(effect, Commit), effect
    return effect.token


def tell(server: NetworkServer, fate: Committed | NotCommitted) -> None:
    assert server.handle(fate, NOW_MS) == []


def test_each_new_frame_is_one_commit_with_a_token_of_its_own(make):
    server = make()
    tokens = [accept(server, frame) for frame in (*FRAMES, DEVICES[1].reading(0))]
    assert len(set(tokens)) == len(tokens)


def test_a_frame_is_not_accepted_again_while_its_commit_is_on_its_way(make):
    server = make()
    accept(server, FRAMES[0])
    assert isinstance(hear(server, FRAMES[0]), Refused)


def test_a_frame_that_was_committed_is_not_accepted_again(make):
    server = make()
    for frame in FRAMES[:3]:
        tell(server, Committed(token=accept(server, frame)))
    for frame in FRAMES[:3]:
        assert isinstance(hear(server, frame), Refused)


def test_a_frame_whose_commit_failed_is_welcome_again_as_often_as_that_happens(make):
    server = make()
    for _ in range(3):
        tell(server, NotCommitted(token=accept(server, FRAMES[0])))
    tell(server, Committed(token=accept(server, FRAMES[0])))
    assert isinstance(hear(server, FRAMES[0]), Refused)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1)])
def test_the_frames_of_a_batch_that_failed_are_all_welcome_again(make, order):
    """In whichever order the shell tells their fate."""
    server = make()
    tell(server, Committed(token=accept(server, FRAMES[0])))
    tokens = [accept(server, frame) for frame in FRAMES[1:4]]
    for place in order:
        tell(server, NotCommitted(token=tokens[place]))
    for frame in FRAMES[1:4]:
        tell(server, Committed(token=accept(server, frame)))
    for frame in FRAMES[:4]:
        assert isinstance(hear(server, frame), Refused)


@pytest.mark.parametrize("failed_first", [True, False])
def test_a_commit_that_failed_does_not_open_the_door_to_a_later_frame_that_was_kept(make, failed_first):
    server = make()
    failed, kept = accept(server, FRAMES[1]), accept(server, FRAMES[2])
    fates = [NotCommitted(token=failed), Committed(token=kept)]
    for fate in fates if failed_first else reversed(fates):
        tell(server, fate)
    assert isinstance(hear(server, FRAMES[2]), Refused)
    accept(server, FRAMES[3])


def test_one_devices_failure_is_nothing_to_another(make):
    server = make()
    other = DEVICES[1].reading(9)
    tell(server, Committed(token=accept(server, other)))
    tell(server, NotCommitted(token=accept(server, FRAMES[0])))
    assert isinstance(hear(server, other), Refused)
    accept(server, FRAMES[0])


def test_one_devices_failure_does_not_reach_into_anothers_that_waits(make):
    """The counters of the two are the same on purpose."""
    server = make()
    others = [DEVICES[1].reading(f_cnt) for f_cnt in (1, 2)]
    tell(server, Committed(token=accept(server, others[0])))
    failed = [accept(server, FRAMES[1]), accept(server, FRAMES[2]), accept(server, others[1])]
    for token in failed:
        tell(server, NotCommitted(token=token))
    assert isinstance(hear(server, others[0]), Refused)
    for frame in (others[1], FRAMES[1], FRAMES[2]):
        accept(server, frame)


def test_the_fate_of_a_downlink_is_heard_without_harm(make):
    server = make()
    assert server.handle(TransmitResult(token=1, outcome=Outcome.TOO_LATE), NOW_MS) == []
    accept(server, FRAMES[0])


def test_the_time_it_wants_to_be_woken_lies_ahead_once_it_was(make):
    server = make()
    accept(server, FRAMES[0])
    for minute in range(60):
        now_ms = NOW_MS + minute * 60_000
        server.wake(now_ms)
        wake_ms = server.wake_at()
        assert wake_ms is None or wake_ms > now_ms


def test_the_same_events_have_the_same_effects(make):
    runs = []
    for _ in range(2):
        server = make()
        events = [heard(frame) for frame in (*FRAMES, FRAMES[2])]
        runs.append([server.handle(event, NOW_MS) for event in events])
    assert runs[0] == runs[1]
