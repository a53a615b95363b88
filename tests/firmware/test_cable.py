"""The wired node's MAC: the same frames at once, without what belongs to the air."""

from firmware.actions import AskTime, JoinGroup, Transmit, UsePlan
from firmware.cable import CableMac
from firmware.events import Downlink, FrameHeard, Joined, Sent, TimeAnswered

from .network import ABP, OTAA, Down, Network, Street
from .test_mac import HOUR_MS, ask, request, sent
from .test_mac_groups import MC_ADDR, group_frame, join
from .test_mac_join import accept


class CableNetwork(Network):
    def in_window(self, window, radio, end_ms, phy_payload):
        return end_ms + 100, 0, 0, phy_payload

    def _hear_join(self, radio, end_ms):
        return [(end_ms + 100, 0, 0, answer[3]) for answer in Network._hear_join(self, radio, end_ms)]


def wired(network, identity=ABP):
    return Street(network, lambda saved, image: CableMac(identity, saved, image))


def test_frames_go_one_after_another_without_waiting_for_airtime():
    network = CableNetwork()
    city = wired(network)
    rooms = []
    for _ in range(300):
        city.tell(Transmit(1, lambda room, now_ms: rooms.append(room) or bytes(room)))
        city.run(2_100)
    assert rooms == [222] * 300
    assert len(network.uplinks) == 300
    assert len(sent(city)) == 300
    assert not any(up.adr for up in network.uplinks)
    assert city.flights == []


def test_what_comes_is_heard_at_any_time():
    network = CableNetwork()
    city = wired(network)
    city.run(1000)
    city.send_on_cable(network.seal(Down(0, 4, b"dim")))
    city.run(1000)
    network.answers = [Down(1, 4, b"bright", ack=True)]
    city.tell(ask(b"x", 2, True))
    city.run(1000)
    assert [event.payload for event in city.events(Downlink)] == [b"dim", b"bright"]
    assert sent(city) == [(2, True)]
    city.tell(ask(b"x", 2, True))
    city.run(10_000)
    assert sent(city) == [(2, True), (2, False)]
    assert len(network.uplinks) == 2


def test_an_answer_is_the_flights_end_and_frames_of_others_are_not():
    network = CableNetwork()
    city = wired(network)
    city.tell(ask())
    city.run(100)
    city.tell(FrameHeard(b"\x60 no frame of ours", 0, 0))
    assert sent(city) == []
    city.run(3_000)
    assert sent(city) == [(1, None)]


def test_it_joins_and_rejoins_over_the_cable():
    network = CableNetwork()
    network.accepts = [None, accept()]
    city = wired(network, OTAA)
    city.tell(AskTime())
    city.run(60_000)
    assert len(network.joins) == 2
    assert len(city.events(Joined)) == 1
    network.answers = [Down(1, None, b"", request(0x0D, 1_000_000_000, 0))]
    city.tell(AskTime())
    city.tell(ask())
    city.run(60_000)
    assert len(city.events(TimeAnswered)) == 1
    for _ in range(330):
        city.tell(ask())
        city.run(5_000)
    assert len(network.joins) == 3
    city.cut()
    city.tell(ask())
    city.run(5_000)
    assert network.uplinks[-1].f_cnt == 352


def test_groups_work_and_plans_mean_nothing():
    network = CableNetwork()
    city = wired(network)
    city.tell(join())
    city.tell(UsePlan(1))
    city.run(100)
    city.send_on_cable(group_frame(0))
    city.run(1000)
    assert [event.group for event in city.events(Downlink)] == [1]
    assert "plan" not in city.saved
    assert isinstance(join(), JoinGroup)
    assert MC_ADDR


def test_a_nap_on_the_cable():
    network = CableNetwork()
    city = wired(network)
    city.tell(ask())
    city.run(100)
    city.nap()
    city.run(HOUR_MS)
    assert len(city.events(Sent)) == 1
    city.tell(ask())
    city.run(HOUR_MS)
    assert [up.f_cnt for up in network.uplinks] == [0, 1]
