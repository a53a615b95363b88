"""Copies of a frame, and what a flood of frames may take."""

import random
import tracemalloc

from gateway.network.deduplication import MAX_OF_ONE
from gateway.network.events import Committed, Reason
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station, refused

DEVICE = Device(1)


def test_copies_within_the_window_are_one_uplink_and_later_ones_replays():
    station = Station([DEVICE.registration()])
    frame = DEVICE.frame(0)
    station.tell(heard(frame, radio="udp:a"))
    station.run(150)
    station.tell(heard(frame, radio="udp:b"))
    station.run(50)
    assert len(station.accepted) == 1
    assert len(station.accepted[0].radios) == 2
    refused(station, frame, Reason.REPLAYED, "a copy that came late")
    assert len(station.store.records) == 1


def test_a_shell_that_is_late_does_not_make_copies_of_repetitions():
    station = Station([DEVICE.registration()])
    frame = DEVICE.frame(0)
    station.tell(heard(frame))
    station.now_ms += 300  # nobody called wake
    effects = station.tell(heard(frame))
    assert [type(effect).__name__ for effect in effects] == ["Commit", "Accepted"]
    [late] = station.run(200)
    assert late.reason is Reason.REPLAYED


# Bounds.


def test_uplinks_are_refused_while_the_store_is_far_behind_and_welcome_later(monkeypatch):
    monkeypatch.setattr("gateway.network.commits.MAX_PENDING", 50)
    station = Station([DEVICE.registration()])
    station.hold = True
    for f_cnt in range(50):
        station.hear(DEVICE.frame(f_cnt))
    refused(station, DEVICE.frame(50), Reason.OVERLOAD, "too far behind")
    station.tell(Committed(token=station.held[0].token))
    station.hear(DEVICE.frame(50))
    assert station.accepted_f_cnts[-1] == 50


def test_floods_take_no_memory():
    """Join-Requests of DevEUIs that nobody knows, and as many frames of foreign DevAddrs: a neighbour, or worse.

    10⁵ of them may take 2 MB, so 10⁴ a tenth of that.
    """
    station = Station([DEVICE.registration()])
    joiner = bytearray(Device(3, joins=True).join_request())
    frame = bytearray(Device(9).frame(0))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(10_000):
        joiner[9:13] = (0x50000000 + number).to_bytes(4, "little")
        frame[1:5] = (0x50000000 + number).to_bytes(4, "little")
        for flood in (joiner, frame):
            [effect] = station.server.handle(heard(bytes(flood)), station.now_ms)
            assert effect.reason in (Reason.UNKNOWN_DEV_EUI, Reason.UNKNOWN_DEV_ADDR)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000


def test_more_frames_than_it_holds_at_once_are_refused_and_welcome_later():
    devices = [Device(number) for number in range(1, 18)]
    station = Station([device.registration() for device in devices])
    frames = [devices[f_cnt // MAX_OF_ONE].frame(f_cnt) for f_cnt in range(4_097)]
    for frame in frames[:-1]:
        assert station.tell(heard(frame)) == []
    [effect] = station.tell(heard(frames[-1]))
    assert effect.reason is Reason.OVERLOAD
    station.run(200)
    station.hear(frames[-1])
    assert station.accepted_f_cnts == list(range(4_097))


def test_a_flood_of_forgeries_of_one_device_shuts_no_other_out():
    """Nor, with wrong MICs held against its DevAddr, do they take places that frames need."""
    other = Device(2)
    station = Station([DEVICE.registration(), other.registration()])
    dice = random.Random(3)

    def forge(count):
        for _ in range(count):
            station.tell(heard(bytes([0x40]) + DEVICE.dev_addr.to_bytes(4, "little") + dice.randbytes(18)))

    forge(5_000)
    station.tell(heard(other.frame(0)))
    station.run(1_000)
    assert [accepted.dev_eui for accepted in station.accepted] == [other.dev_eui]
    assert [refusal.reason for refusal in station.refusals].count(Reason.OVERLOAD) == 5_000 - MAX_OF_ONE
    before = len(station.refusals)
    forge(10)
    assert {refusal.reason for refusal in station.refusals[before:]} == {Reason.TOO_MANY_WRONG_MICS}
    assert station.server._receiver._copies.closes_at() is None, "none of them waits"
