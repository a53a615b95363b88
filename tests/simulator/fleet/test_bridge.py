"""A bridge in the street: the real core hears and sends through its body."""

import pytest

from firmware.roles.bridge import STATISTICS_US, Bridge
from protocol.envelope import (
    COLLISION,
    GATEWAY,
    HELLO,
    RECEIVED,
    SENT,
    STATISTICS,
    TOO_LATE,
    TRANSMIT,
    TRANSMIT_RESULT,
    Message,
    message,
)
from protocol.region import RX2_FREQ_HZ, SINGLE_CHANNEL, frame_airtime_us
from simulator.air.interface import OnAir
from simulator.fleet.bridge import BridgeBody
from simulator.timeline import Timeline
from tests.fakes.airs import PerfectAir

EUI = bytes([2, 0, 0, 0, 0, 0, 0, 9])
UP_HZ = SINGLE_CHANNEL.channels[0]


class Mast:
    """A bridge, its cable, and somebody who listens to it."""

    def __init__(self, ppm: int = 0) -> None:
        self.timeline = Timeline()
        self.timeline.now_us = 7_000_000
        self.air = PerfectAir(self.timeline)
        self.told: list[tuple[int, Message]] = []
        self.name = "node"
        self.begun: list[OnAir] = []
        self.air.listen(self, RX2_FREQ_HZ, 3)
        core = Bridge(EUI, "0.1.0", SINGLE_CHANNEL)
        self.bridge = BridgeBody("bridge", core, self.timeline, self.air, self._tell, ppm)
        self.air.attach("bridge", self.bridge.hear)

    def minds(self, frame: OnAir) -> bool:
        return True

    def begin(self, frame: OnAir) -> None:
        self.begun.append(frame)

    def end(self, frame: OnAir, reception: object) -> None:
        pass

    def _tell(self, content: Message) -> None:
        self.told.append((self.timeline.now_us, content))

    def kinds(self) -> list[int]:
        return [content.kind for _, content in self.told]

    def transmit(self, at_us: int | None, token: int = 5) -> Message:
        where = {"freq_hz": RX2_FREQ_HZ, "sf": 9, "bw_hz": 125_000, "power_dbm": 14, "iq_inverted": True}
        what = {"preamble_symbols": 8, "phy_payload": bytes(20)}
        return message(TRANSMIT, token=token, at_us=at_us, **where, **what)


def test_it_says_hello_and_listens_to_its_one_channel():
    mast = Mast()
    [(at_us, hello)] = mast.told
    assert (at_us, hello.kind, hello.eui, hello.plan) == (7_000_000, HELLO, EUI, SINGLE_CHANNEL.number)
    assert mast.bridge.listens == (UP_HZ, 3)
    mast.timeline.run(7_000_000 + 2 * STATISTICS_US)
    assert mast.kinds() == [HELLO, STATISTICS, STATISTICS]


def test_what_it_hears_goes_up_the_cable_with_its_own_time():
    mast = Mast()
    mast.timeline.at(9_000_000, lambda: mast.air.transmit("node", b"\x40frame", UP_HZ, 3, 14) and None)
    mast.timeline.run(12_000_000)
    airtime_us = frame_airtime_us(3, 6)
    at_us, received = mast.told[-1]
    assert at_us == 9_000_000 + airtime_us
    assert received.kind == RECEIVED
    assert (received.counter_us, received.phy_payload, received.freq_hz) == (
        2_000_000 + airtime_us,
        b"\x40frame",
        UP_HZ,
    )


@pytest.mark.parametrize("ppm", [0, 20, -20])
def test_what_it_is_told_it_sends_at_its_own_microsecond(ppm):
    mast = Mast(ppm)
    mast.timeline.run(8_000_000)
    mast.bridge.say(mast.transmit(5_000_000))
    mast.timeline.run(20_000_000)
    [frame] = mast.begun
    assert frame.start_us == pytest.approx(12_000_000 - 5 * ppm, abs=1)
    assert (frame.sender, frame.phy_payload, frame.dr, frame.power_dbm) == ("bridge", bytes(20), 3, 16)
    at_us, result = mast.told[-1]
    assert (result.kind, result.outcome, result.token, result.started_us) == (TRANSMIT_RESULT, SENT, 5, 5_000_000)
    assert at_us == frame.end_us


def test_what_comes_too_late_or_in_the_way_is_refused():
    mast = Mast()
    mast.timeline.run(10_000_000)
    mast.bridge.say(mast.transmit(2_900_000))
    mast.bridge.say(mast.transmit(4_000_000, 1))
    mast.bridge.say(mast.transmit(4_050_000, 2))
    mast.timeline.run(20_000_000)
    results = {content.token: content.outcome for _, content in mast.told if content.kind == TRANSMIT_RESULT}
    assert results == {5: TOO_LATE, 1: SENT, 2: COLLISION}
    assert len(mast.begun) == 1


def test_it_is_deaf_while_it_sends():
    mast = Mast()
    mast.bridge.say(mast.transmit(None))
    mast.timeline.at(7_050_000, lambda: mast.air.transmit("node", b"\x40", UP_HZ, 3, 14) and None)
    mast.timeline.run(7_190_000)
    assert len(mast.begun) == 1
    mast.timeline.run(10_000_000)
    assert RECEIVED not in mast.kinds()


def test_a_bridge_whose_cable_is_pulled_is_gone():
    mast = Mast()
    mast.bridge.say(mast.transmit(3_000_000))
    mast.timeline.run(9_995_000)
    mast.bridge.off()
    mast.bridge.say(message(HELLO, role=GATEWAY, firmware="0.1.0", eui=bytes(8), max_phy_len=255, plan=1))
    mast.timeline.run(60_000_000)
    assert mast.kinds() == [HELLO]
    assert not mast.begun
