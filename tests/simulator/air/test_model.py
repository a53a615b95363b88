"""The plain model: what overlaps is destroyed, of the rest a share is lost by chance."""

import pytest

from protocol.region import frame_airtime_us
from simulator.air.fates import Fate
from simulator.air.interface import OnAir
from simulator.air.model import plain
from simulator.air.radio import RadioAir
from simulator.timeline import Timeline

LENGTH = 30
AIRTIME_US = frame_airtime_us(5, LENGTH)


class Street:
    def __init__(self, loss: float = 0.0, gateways: int = 1) -> None:
        self.timeline = Timeline()
        self.begun: list[OnAir] = []
        self.heard: list[tuple[int, bytes]] = []
        self.air = RadioAir(self.timeline, 1, plain(loss), self.begun.append)
        for number in range(gateways):
            self.air.attach(f"{number}", lambda frame, _, number=number: self.heard.append((number, frame.phy_payload)))

    def send(self, at_us: int, name: int, freq_hz: int = 868_100_000, dr: int = 5) -> None:
        self.timeline.at(at_us, lambda: self.air.transmit("node", bytes([name]) * LENGTH, freq_hz, dr, 14) and None)

    def run(self) -> list[int]:
        """The names of what gateway 0 heard."""
        self.timeline.run(3_600_000_000)
        return [payload[0] for number, payload in self.heard if number == 0]


@pytest.mark.parametrize("later_us", [0, 1, AIRTIME_US // 2, AIRTIME_US - 1])
def test_frames_that_overlap_destroy_each_other(later_us):
    street = Street()
    street.send(0, 1)
    street.send(later_us, 2)
    assert street.run() == []
    assert street.air.fates == {Fate.COLLISION: 2}


def test_one_that_begins_when_the_other_ends_passes():
    street = Street()
    street.send(0, 1)
    street.send(AIRTIME_US, 2)
    assert street.run() == [1, 2]


@pytest.mark.parametrize("other", [{"freq_hz": 868_300_000}, {"dr": 4}])
def test_on_another_channel_or_data_rate_they_do_not_meet(other):
    street = Street()
    street.send(0, 1)
    street.send(0, 2, **other)
    assert sorted(street.run()) == [1, 2]


def test_a_chain_of_overlaps_destroys_all_of_it():
    """The first and the third do not touch; each touches the second."""
    street = Street()
    for name in range(3):
        street.send(name * AIRTIME_US * 2 // 3, name)
    street.send(10 * AIRTIME_US, 9)
    assert street.run() == [9]
    assert street.air.fates == {Fate.COLLISION: 3, Fate.RECEIVED: 1}


def test_chance_takes_its_share_for_each_gateway_by_itself():
    street = Street(loss=0.2, gateways=2)
    for number in range(2000):
        street.send(number * 1_000_000, number % 256)
    street.run()
    for gateway in ("0", "1"):
        assert street.air.fates_at(gateway)[Fate.CHANCE] == pytest.approx(0.2 * 2000, abs=70)  # 4 standard deviations
        assert street.air.fates_at(gateway).total() == 2000
    assert street.air.fates[Fate.CHANCE] == pytest.approx(0.04 * 2000, abs=35)  # lost at both
    of_one, of_two = ([payload for number, payload in street.heard if number == which] for which in range(2))
    assert of_one != of_two


def test_a_collision_does_not_shift_the_chances_of_later_frames():
    heard = []
    for collide in (False, True):
        street = Street(loss=0.5)
        street.send(0, 1)
        street.send(0, 2, freq_hz=868_100_000 if collide else 868_300_000)
        for number in range(3, 100):
            street.send(number * 1_000_000, number)
        heard.append([name for name in street.run() if name > 2])
    assert heard[0] == heard[1]


def test_the_watch_sees_each_frame_as_it_begins():
    street = Street(loss=1.0)
    street.send(7, 1)
    street.run()
    assert [(frame.start_us, frame.end_us) for frame in street.begun] == [(7, 7 + AIRTIME_US)]
    assert street.heard == []
