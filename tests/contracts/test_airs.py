"""What every air owes nodes on the one side and gateways on the other."""

from collections.abc import Callable

import pytest

from protocol.region import frame_airtime_us
from simulator.air.fates import Fate
from simulator.air.interface import Air, OnAir, Reception
from simulator.air.model import Bursts, RadioModel, plain
from simulator.air.position import Position
from simulator.air.radio import RadioAir
from simulator.timeline import Timeline
from tests.fakes.airs import PerfectAir

FREQ_HZ, DR = 868_100_000, 5
BURSTS = Bursts(good_s=50, bad_s=5, loss=0.5)


AIRS: dict[str, Callable[[Timeline], Air]] = {
    "PerfectAir": PerfectAir,
    "RadioAir": lambda timeline: RadioAir(timeline, 1, RadioModel(shadowing_db=0.0, fading_db=0.0)),
    "RadioAir-plain": lambda timeline: RadioAir(timeline, 1, plain()),
    "RadioAir-plain-lossy": lambda timeline: RadioAir(timeline, 1, plain(0.3)),
    "RadioAir-lossy": lambda timeline: RadioAir(timeline, 1, RadioModel(loss_up=0.2, loss_down=0.2, bursts=BURSTS)),
}
NODES = ("node", "air-07")


class Street:
    """An air with *gateways*, and what they heard: (gateway, when, frame)."""

    def __init__(self, make: Callable[[Timeline], Air], gateways: int = 1) -> None:
        self.timeline = Timeline()
        self.air = make(self.timeline)
        self.heard: list[tuple[str, int, OnAir]] = []
        self.sent = 0
        for number in range(gateways):
            self._attach(f"gateway-{number}")
        for number, node in enumerate(NODES):
            self.air.place(node, Position(300.0 * number, 400.0, 3.0))

    def send(self, at_us: int, phy_payload: bytes, freq_hz: int = FREQ_HZ, dr: int = DR, sender: str = "node") -> None:
        """A node sends then."""
        self.sent += 1
        self.timeline.at(at_us, lambda: self.air.transmit(sender, phy_payload, freq_hz, dr, 14) and None)

    def _attach(self, name: str) -> None:
        self.air.attach(name, lambda frame, _: self.heard.append((name, self.timeline.now_us, frame)))


@pytest.fixture(name="make", params=AIRS.values(), ids=AIRS.keys())
def _make(request: pytest.FixtureRequest) -> Callable[[Timeline], Air]:
    return request.param


@pytest.fixture(name="make_lossless", params=["PerfectAir", "RadioAir", "RadioAir-plain"])
def _make_lossless(request: pytest.FixtureRequest) -> Callable[[Timeline], Air]:
    return AIRS[request.param]


def test_a_frame_takes_its_airtime(make):
    street = Street(make)
    assert street.air.transmit("node", bytes(20), FREQ_HZ, 0, 14) == frame_airtime_us(0, 20) == 1_318_912


def test_a_frame_arrives_unchanged_at_its_end(make_lossless):
    street = Street(make_lossless)
    street.send(1_000, b"first", dr=3, sender="air-07")
    street.timeline.run(10_000_000)
    [(gateway, now_us, frame)] = street.heard
    end_us = 1_000 + frame_airtime_us(3, 5)
    assert gateway == "gateway-0"
    assert frame == OnAir(
        sender="air-07",
        phy_payload=b"first",
        freq_hz=FREQ_HZ,
        dr=3,
        power_dbm=14,
        start_us=1_000,
        end_us=end_us,
    )
    assert now_us == end_us


def test_nothing_is_heard_before_the_end(make):
    street = Street(make)
    street.send(0, bytes(30))
    street.timeline.run(frame_airtime_us(DR, 30) - 1)
    assert street.heard == []


def test_each_gateway_hears_a_frame_at_most_once_and_none_hears_what_was_not_sent(make):
    street = Street(make, gateways=3)
    for number in range(200):
        street.send(number * 1_000_000, number.to_bytes(2, "big") * 6)
    street.timeline.run(300_000_000)
    pairs = [(gateway, frame.phy_payload) for gateway, _, frame in street.heard]
    assert 0 < len(pairs) == len(set(pairs)) <= 3 * 200
    assert {payload for _, payload in pairs} <= {number.to_bytes(2, "big") * 6 for number in range(200)}


def test_each_frame_has_one_fate_at_each_gateway(make):
    street = Street(make, gateways=2)
    for number in range(300):
        street.send(number * 20_000, bytes(12 + number % 40))  # many of them cross
    street.timeline.run(60_000_000)
    at = [street.air.fates_at(f"gateway-{number}") for number in range(2)]
    assert [fates.total() for fates in at] == [street.sent] * 2
    assert at[0][Fate.RECEIVED] + at[1][Fate.RECEIVED] == len(street.heard)


def test_overall_a_frame_has_its_best_fate(make):
    street = Street(make, gateways=2)
    for number in range(300):
        street.send(number * 20_000, number.to_bytes(2, "big") * (6 + number % 20))
    street.timeline.run(60_000_000)
    assert street.air.fates.total() == street.sent
    assert street.air.fates[Fate.RECEIVED] == len({frame.phy_payload for _, _, frame in street.heard})


def test_two_runs_hear_the_same(make):
    runs = []
    for _ in range(2):
        street = Street(make)
        for number in range(200):
            street.send(number * 30_000, bytes([number] * 20))
        street.timeline.run(60_000_000)
        runs.append((street.heard, street.air.fates))
    assert runs[0] == runs[1]


class Ear:
    """A node's radio: when each downlink began in its hearing."""

    def __init__(self, street: Street, name: str = "node", careless: bool = False) -> None:
        self.name = name
        self._careless = careless
        self.began: list[tuple[int, OnAir]] = []
        self.ended: list[tuple[int, OnAir]] = []
        self._timeline = street.timeline

    def minds(self, frame: OnAir) -> bool:
        return not self._careless

    def begin(self, frame: OnAir) -> None:
        self.began.append((self._timeline.now_us, frame))

    def end(self, frame: OnAir, reception: Reception | None) -> None:
        assert reception is not None
        assert -140 < reception.rssi_dbm < 14
        assert -20 <= reception.snr_db <= 14
        self.ended.append((self._timeline.now_us, frame))


def emit(street: Street, at_us: int, freq_hz: int = FREQ_HZ, dr: int = DR) -> None:
    street.timeline.at(at_us, lambda: street.air.emit("gateway-0", b"down", freq_hz, dr, 27) and None)


def test_a_downlink_begins_at_once_for_who_listens_there_and_for_nobody_else(make_lossless):
    street = Street(make_lossless)
    tuned = {name: Ear(street) for name in ("there", "elsewhere", "faster", "deaf")}
    street.air.listen(tuned["there"], FREQ_HZ, DR)
    street.air.listen(tuned["elsewhere"], FREQ_HZ + 200_000, DR)
    street.air.listen(tuned["faster"], FREQ_HZ, DR - 1)
    street.air.listen(tuned["deaf"], FREQ_HZ, DR)
    street.air.deafen(tuned["deaf"])
    emit(street, 5_000)
    street.timeline.run(1_000_000)
    assert {name for name, ear in tuned.items() if ear.began} == {"there"}
    [(now_us, frame)] = tuned["there"].began
    assert (now_us, frame.sender, frame.phy_payload, frame.power_dbm) == (5_000, "gateway-0", b"down", 27)
    assert frame.end_us == 5_000 + frame_airtime_us(DR, 4, uplink=False)
    assert tuned["there"].ended == [(frame.end_us, frame)]


def test_who_does_not_mind_a_downlink_hears_nothing_of_it_and_it_has_no_fate_there(make_lossless):
    street = Street(make_lossless)
    early, late = (Ear(street, name, careless=True) for name in NODES)
    street.air.listen(early, FREQ_HZ, DR)
    emit(street, 5_000)
    street.timeline.at(6_000, lambda: street.air.listen(late, FREQ_HZ, DR))
    street.timeline.run(1_000_000)
    assert early.began == late.began == []
    assert not street.air.down_fates


def test_who_turns_away_does_not_see_the_end_of_a_frame(make_lossless):
    street = Street(make_lossless)
    ear = Ear(street)
    street.air.listen(ear, FREQ_HZ, DR)
    emit(street, 0)
    street.timeline.at(10_000, lambda: street.air.deafen(ear))
    street.timeline.run(1_000_000)
    assert (len(ear.began), len(ear.ended)) == (1, 0)


def test_who_tunes_in_late_finds_the_frame_that_is_on_the_air_and_none_that_is_over(make_lossless):
    street = Street(make_lossless)
    late, too_late = Ear(street), Ear(street)
    emit(street, 0)
    end_us = frame_airtime_us(DR, 4, uplink=False)
    street.timeline.at(end_us - 1, lambda: street.air.listen(late, FREQ_HZ, DR))
    street.timeline.at(end_us + 1, lambda: street.air.listen(too_late, FREQ_HZ, DR))
    street.timeline.run(1_000_000)
    assert (len(late.began), len(too_late.began)) == (1, 0)


def test_who_tunes_in_when_a_downlink_is_announced_hears_it_begin_and_end(make_lossless):
    street = Street(make_lossless)
    ear = Ear(street)
    told = []

    def tell(freq_hz: int, dr: int) -> None:
        told.append((street.timeline.now_us, freq_hz, dr))
        street.air.listen(ear, freq_hz, dr)

    street.air.herald(tell)
    emit(street, 5_000)
    street.timeline.run(1_000_000)
    assert told == [(5_000, FREQ_HZ, DR)]
    assert [now_us for now_us, _ in ear.began] == [5_000]
    assert len(ear.ended) == 1


def test_gateways_do_not_hear_each_other(make):
    """They listen with the other polarity of the chirp."""
    street = Street(make, gateways=2)
    emit(street, 0)
    street.timeline.run(1_000_000)
    assert street.heard == []


def test_each_downlink_has_a_fate_at_each_radio_tuned_to_it(make):
    street = Street(make)
    ears = [Ear(street) for _ in range(3)]
    for ear in ears:
        street.air.listen(ear, FREQ_HZ, DR)
    for number in range(100):
        emit(street, number * 1_000_000)
    street.timeline.run(200_000_000)
    assert sum(street.air.down_fates.values()) == 300
    assert street.air.down_fates[Fate.RECEIVED] == sum(len(ear.began) for ear in ears)
