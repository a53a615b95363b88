"""What the network server does when no uplink asks it: writes that wait, and what the application answers to others."""

from gateway.network.application import Answer
from gateway.network.events import Commit, Downlink
from tests.fakes.devices import Device
from tests.fakes.stations import Station

DEVICE = Device(1)
HOUR_MS = 3_600_000


def test_writes_that_no_uplink_brings_again_are_written_later():
    station = Station([DEVICE.registration()])
    station.application.due_ms = station.now_ms
    [write] = Station([DEVICE.registration()]).hear(DEVICE.frame(0))[0].writes[-1:]
    station.application.alarm = Answer(writes=(write,), at_once=True)
    station.hold = True
    station.run(0)
    station.hear(DEVICE.frame(0))
    station.fail()
    station.fail()
    station.run(4_999)
    assert station.held == []
    station.run(1)
    assert [commit.writes for commit in station.held] == [(write,)]
    station.fail()
    station.hear(DEVICE.frame(0))
    assert station.held[0].writes[0] == write
    station.fail()
    station.hear(DEVICE.frame(0))
    station.hold = False
    station.commit()
    station.run(HOUR_MS)
    assert len(station.store.records) == 2
    assert station.server.wake_at() is None


def test_what_the_application_answers_to_others_is_committed_in_the_same_stream():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    [write] = station.of(Commit)[0].writes[-1:]
    before = station.of(Commit)[-1].token
    [commit] = station.server.carry_out(Answer(writes=(write,), at_once=True), station.now_ms)
    assert (commit.token, commit.writes, commit.at_once) == (before + 1, (write,), True)
    downlink = Downlink(ref=1, target=bytes(8), f_port=4, payload=b"", expires_ms=station.now_ms + 1)
    [fate] = station.server.carry_out(Answer(downlinks=(downlink,)), station.now_ms)
    assert fate.fate.value == "impossible"
