"""A role that looks at its sensors alone says what a whole node would say, byte for byte."""

import pytest

from firmware.node import Node
from simulator.fleet import births
from simulator.fleet.rousing import Rousing
from simulator.scenario.model import Role
from tests.simulator.fleet.street import Bay, Street, spec

CARS = ((4_000.0, 9_000.0), (9_600.0, 15_000.0), (15_400.0, 15_900.0))


def life(role: Role) -> tuple[list[tuple[int, bytes]], list[object], int]:
    street = Street(
        spec("one", role, sleep_ppm=12_000, clock_ppm=-15),
        stimuli=(lambda node: Bay(*CARS)) if role is Role.PARKING else None,
        warm=False,
    )
    street.run(8)
    assert not street.watcher.deaths
    frames = [(frame.start_us, frame.phy_payload) for frame in street.frames]
    records = [(at, vars(record)) for _, at, _, record, _ in street.watcher.records]
    return frames, records, street.node("one").hardware.tally.wakes


@pytest.mark.parametrize("role", list(Role))
def test_it_sends_the_same_frames_at_the_same_time_and_logs_the_same(role, monkeypatch):
    roused = life(role)
    assert len(roused[0]) > 8
    assert len(roused[1]) > 7
    monkeypatch.setattr(births, "Rousing", lambda node, mind, mac, role: node)
    whole = life(role)
    assert roused[0] == whole[0]
    assert roused[1] == whole[1]


def test_mind_and_mac_sleep_while_an_air_node_takes_its_samples(monkeypatch):
    asked = []

    class Counted(Node):
        def handle(self, event, now_ms):
            asked.append(type(event).__name__)
            return super().handle(event, now_ms)

    monkeypatch.setattr(births, "Node", Counted)
    assert births.Rousing is Rousing
    street = Street(spec("one", interval_s=900))
    street.run(1)
    asked.clear()
    street.run(24)
    frames = len(street.frames)
    # For each frame: the reading is logged, the frame is out, its two windows close. Five samples and a fan go by.
    assert asked.count("Transmitted") == asked.count("WindowClosed") / 2 == pytest.approx(frames, abs=5)
    assert asked.count("Woke") < 1.3 * frames
    assert asked.count("Sensed") == 0
