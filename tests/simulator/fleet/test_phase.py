"""Nodes that get their power in one second: those that read together must not speak together for ever."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.lorawan.frames import JOIN_REQUEST, frame_mtype
from simulator.air.fates import Fate
from simulator.air.interface import OnAir
from simulator.air.model import plain
from simulator.air.radio import RadioAir
from simulator.scenario.model import Radio, Role
from simulator.timeline import Timeline
from tests.simulator.fleet.street import Street, spec

HOURS = 12


def listening(fates: list[tuple[OnAir, Fate]]) -> Callable[[Timeline], RadioAir]:
    """An air where frames that overlap are lost, which tells what becomes of each."""
    return lambda timeline: RadioAir(timeline, 1, plain(), settled=lambda frame, fate: fates.append((frame, fate)))


@pytest.mark.parametrize("role", [Role.AIR, Role.PARKING, Role.LIGHT])
def test_two_of_one_switch_on_one_channel_are_heard(role):
    """At one data rate, with their first readings at the same moment, for half a day of a reading every 15 minutes."""
    fates: list[tuple[OnAir, Fate]] = []
    nodes = [spec(name, role, interval_s=900) for name in ("one", "other")]
    street = Street(*nodes, warm=False, radio=Radio(plan="single-channel"), air=listening(fates))
    for name in ("one", "other"):
        street.node(name).kit = replace(street.node(name).kit, first_ms=5_000)
    street.run(HOURS)
    told = [(frame, fate) for frame, fate in fates if frame_mtype(frame.phy_payload) != JOIN_REQUEST]
    assert len(told) >= 2 * (4 * HOURS - 2)
    # Two frames of 0.4 s that know nothing of each other cross once in a thousand intervals of 900 s.
    assert [fate for _, fate in told if fate is not Fate.RECEIVED].count(Fate.COLLISION) <= 2
