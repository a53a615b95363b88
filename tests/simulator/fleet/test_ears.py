"""A radio that is tuned only when a downlink comes hears exactly what one hears that was tuned all along."""

import pytest

from firmware.actions import OpenWindow, RadioTransmit
from firmware.events import FrameHeard, WindowClosed, Woke
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import RX2_FREQ_HZ
from simulator.fleet.body import Body
from simulator.fleet.ears import Ears
from simulator.fleet.hardware import Hardware
from simulator.fleet.window import Window
from simulator.scenario.model import Role
from simulator.timeline import Timeline
from tests.fakes.airs import PerfectAir
from tests.simulator.fleet.street import Corner, Street, spec
from tests.simulator.fleet.test_body import Script

DR3_US = 4_096
FREQ_HZ = 868_300_000


class CountedAir(PerfectAir):
    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self.tunings = 0

    def listen(self, listener, freq_hz, dr):
        self.tunings += 1
        super().listen(listener, freq_hz, dr)


def heard(at_us: int | None, freq_hz: int, dr: int, sparing: bool) -> tuple[list[object], int]:
    """What a body is told whose window of six symbols opens after 5 s, when a downlink begins at *at_us*."""
    timeline = Timeline()
    air = CountedAir(timeline)
    core = Script(([OpenWindow(5_000, FREQ_HZ, 3, 6)], None), ([OpenWindow(6_000, RX2_FREQ_HZ, 3, 6)], None))
    body = Body("node", core, timeline, air, Corner(), 0, ears=Ears(timeline, air) if sparing else None)
    body.boot(0)
    if at_us is not None:
        timeline.at(at_us, lambda: air.emit("gateway", bytes(12), freq_hz, dr, 14) and None)
    timeline.run(60_000_000)
    return core.told, air.tunings


@pytest.mark.parametrize("symbols", [-40, -5, -4, -1, 0, 2, 3, 6, 40])
@pytest.mark.parametrize(("freq_hz", "dr"), [(FREQ_HZ, 3), (FREQ_HZ, 5), (RX2_FREQ_HZ, 3)])
def test_it_hears_the_same(symbols, freq_hz, dr):
    at_us = 5_000_000 + symbols * DR3_US
    spared, tunings = heard(at_us, freq_hz, dr, True)
    assert spared == heard(at_us, freq_hz, dr, False)[0]
    caught = FrameHeard in [event for _, event in spared]
    assert caught == ((freq_hz, dr) == (FREQ_HZ, 3) and -4 <= symbols <= 2)
    assert tunings == caught


def test_a_window_that_nobody_fills_does_not_touch_the_air():
    told, tunings = heard(None, 0, 0, True)
    assert [event for _, event in told] == [Woke, WindowClosed, WindowClosed]
    assert tunings == 0
    assert heard(None, 0, 0, False)[1] == 2


@pytest.mark.parametrize("sparing", [True, False])
def test_who_hears_one_downlink_is_not_torn_away_by_the_next(sparing):
    """Two gateways answer two nodes at once on one channel: the first frame must end for who locked to it."""
    timeline = Timeline()
    air = CountedAir(timeline)
    core = Script(([OpenWindow(5_000, FREQ_HZ, 3, 6)], None), ([], None))
    Body("node", core, timeline, air, Corner(), 0, ears=Ears(timeline, air) if sparing else None).boot(0)
    for symbols, payload in ((0, b"first"), (2, b"other")):
        at_us = 5_000_000 + symbols * DR3_US
        timeline.at(at_us, lambda payload=payload: air.emit("gateway", payload, FREQ_HZ, 3, 14) and None)
    timeline.run(60_000_000)
    assert [event for _, event in core.told] == [Woke, FrameHeard]
    assert air.tunings == 1


def test_who_turned_away_is_not_tuned_any_more():
    timeline = Timeline()
    air = CountedAir(timeline)
    core = Script(
        ([OpenWindow(5_000, FREQ_HZ, 3, 6)], 5_010), ([RadioTransmit(b"x", 868_100_000, 5, 14)], None), ([], None)
    )
    Body("node", core, timeline, air, Corner(), 0, ears=Ears(timeline, air)).boot(0)
    timeline.at(5_011_000, lambda: air.emit("gateway", bytes(12), FREQ_HZ, 3, 14) and None)
    timeline.run(60_000_000)
    assert air.tunings == 0


def test_windows_that_are_over_are_forgotten():
    timeline = Timeline()
    air = PerfectAir(timeline)
    ears = Ears(timeline, air)
    for freq_hz in (FREQ_HZ, RX2_FREQ_HZ):
        core = Script(([OpenWindow(5_000, freq_hz, 3, 6)], None), ([], None))
        Body("node", core, timeline, air, Corner(), 0, ears=ears).boot(0)
    timeline.run(5_000_000)
    assert ears.count() == 2
    timeline.run(60_000_000)
    assert ears.count() == 0


def test_a_window_locks_to_one_frame():
    window = Window(OpenWindow(0, FREQ_HZ, 3, 6), 1_000_000)
    assert window.closes_us == 1_000_000 + 6 * DR3_US
    assert window.may_catch(1_000_000)
    assert not window.may_catch(1_000_000 + 3 * DR3_US)
    assert Window(OpenWindow(0, FREQ_HZ, 3, 0), 0).may_catch(10**15)


def test_a_lamp_does_not_stir_for_a_downlink_to_another_and_would_have_done_nothing():
    street = Street(spec("one", Role.LIGHT))
    street.run(0.5)
    node = street.node("one")
    mac = node.firmware.mac
    foreign = seal_data(SessionKeys(bytes(16), bytes(16)), DOWNLINK, 0x2600FFFF, 3, 4, b"hello")
    assert not node.hardware.is_meant(foreign)
    uptime_ms = 30 * 60_000
    assert mac.handle(FrameHeard(foreign, -80, 20), uptime_ms) == []
    wakes = node.hardware.tally.wakes
    street.air.emit("gateway", foreign, RX2_FREQ_HZ, 3, 27)
    street.run(0.001)
    assert node.hardware.tally.wakes <= wakes + 1  # its own alarm may ring
    assert node.hardware.tally.frames_heard == 0 + street_answers(node)


def street_answers(node: object) -> int:
    """Frames that it heard before the run."""
    return node.warm.f_cnt_down + 1  # type: ignore[attr-defined]  # and the Join-Accept


def test_without_an_address_everything_is_meant():
    hardware = Hardware()
    assert hardware.is_meant(b"\x60\x01\x02\x03\x04")
    hardware.persist("session", b"\x01\x04\x03\x02\x01rest")
    hardware.persist("mc2", b"\xff\xff\xff\xff" + bytes(40))
    assert hardware.is_meant(b"\x60\x04\x03\x02\x01")
    assert hardware.is_meant(b"\x60\xff\xff\xff\xff")
    assert not hardware.is_meant(b"\x20\x04\x03\x02\x01"), "a Join-Accept has no address"
    assert not hardware.is_meant(b"\x60\x01\x02\x03\x04")
