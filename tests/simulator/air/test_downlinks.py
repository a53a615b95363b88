"""Frames from gateways to nodes: who hears them, what destroys them, and what became of each at each radio tuned in."""

import pytest

from protocol.region import frame_airtime_us
from simulator.air.fates import Fate
from simulator.air.interface import OnAir, Reception
from simulator.air.model import Bursts, RadioModel
from tests.simulator.air.towns import CHANNEL_HZ, Ear, Town

AIRTIME_US = frame_airtime_us(5, 4, uplink=False)
RX2_HZ = 869_525_000


def town_with(*names: str, model: RadioModel | None = None) -> tuple[Town, list[Ear]]:
    """A gateway, and nodes that listen at DR5."""
    town = Town(model) if model else Town()
    town.gateway()
    ears = []
    for name in names:
        town.node(name)
        ears.append(Ear(town, name))
        town.air.listen(ears[-1], CHANNEL_HZ, 5)
    return town, ears


def test_it_arrives_with_the_level_that_the_way_back_leaves():
    """As the uplink's, without the gateway's antenna: that one is in its EIRP."""
    town = Town(RadioModel(shadowing_db=0.0, fading_db=0.0))
    town.gateway(gain_dbi=6.0)
    town.node("far", x_m=1000.0, loss_db=3.0)
    ear = Ear(town, "far")
    town.air.listen(ear, CHANNEL_HZ, 5)
    town.emit(0)
    town.run()
    [(now_us, payload, reception)] = ear.ended
    assert (now_us, payload) == (AIRTIME_US, b"down")
    assert reception is not None
    assert reception.rssi_dbm == pytest.approx(14 - 3 - 124.63, abs=0.02)


def test_both_ways_share_their_shadowing():
    town = Town(RadioModel(path_loss="everywhere", shadowing_db=7.0, fading_db=0.0))
    town.gateway()
    ears = []
    for number in range(20):
        town.node(f"{number}")
        ears.append(Ear(town, f"{number}"))
        town.air.listen(ears[-1], CHANNEL_HZ, 5)
        town.send(number * 1_000_000, f"{number}")
    town.emit(60_000_000)
    town.run()
    up = [how.rssi_dbm for _, _, how in town.heard]
    down = [how.rssi_dbm for ear in ears for _, _, how in ear.ended if how]
    assert up == down
    assert len(set(up)) > 15


def test_nodes_do_not_hear_nodes():
    """Downlinks have the other polarity of the chirp."""
    town, [ear] = town_with("ear")
    town.node("talker")
    town.send(0, "talker")
    town.run()
    assert (ear.began, ear.ended) == ([], [])
    assert town.air.down_fates == {}


def test_an_uplink_at_the_same_time_does_not_destroy_it():
    town, [ear] = town_with("ear")
    town.node("talker")
    town.send(1_000, "talker")
    town.emit(0)
    town.run()
    assert [payload for _, payload, _ in ear.ended] == [b"down"]


def test_too_far_away_it_does_not_begin():
    town = Town()
    town.gateway()
    town.node("far", loss_db=40.0)
    ear = Ear(town, "far")
    town.air.listen(ear, CHANNEL_HZ, 5)
    town.emit(0)
    town.run()
    assert ear.began == []
    assert town.air.down_fates == {Fate.TOO_WEAK: 1}


def test_two_gateways_on_one_channel_destroy_each_others_frames_for_who_hears_both_alike():
    town, [ear] = town_with("ear")
    town.gateway("other")
    town.air.listen(ear, CHANNEL_HZ, 5)
    town.emit(0)
    town.emit(5_000, "other", b"also")
    town.run()
    assert [(payload, how) for _, payload, how in ear.ended] == [(b"down", None), (b"also", None)]
    assert town.air.down_fates == {Fate.COLLISION: 2}


def test_the_nearer_gateways_frame_survives():
    town = Town(RadioModel(shadowing_db=0.0, fading_db=0.0))
    town.gateway("near", at=(0.0, 0.0, 20.0))
    town.gateway("far", at=(1500.0, 0.0, 20.0))
    town.node("node", x_m=200.0)
    ear = Ear(town, "node")
    town.air.listen(ear, CHANNEL_HZ, 5)
    town.emit(0, "near", b"near")
    town.emit(1_000, "far", b"far ")
    town.run()
    assert [(payload, how is not None) for _, payload, how in ear.ended] == [(b"near", True), (b"far ", False)]


def test_a_frame_that_is_too_weak_to_be_read_still_disturbs():
    """The listener is tuned to SF7 and reads it 3 dB above what comes at SF7 from a gateway beyond its reach."""
    destroyed = []
    for louder_db in (0.5, 1.5):
        town = Town(RadioModel(path_loss="everywhere", shadowing_db=0.0, fading_db=0.0))
        town.gateway("a")
        town.gateway("b")
        town.node("node", loss_db=38.0)  # -124 dBm, just above the least
        town.air.detune(["b"], louder_db)  # below the least, or nearly
        ear = Ear(town, "node")
        town.air.listen(ear, CHANNEL_HZ, 5)
        town.emit(0, "b", b"weak")
        town.emit(0, "a", b"good")
        town.run()
        destroyed.append([how is None for _, payload, how in ear.ended if payload == b"good"])
    assert destroyed == [[True], [False]]


@pytest.mark.parametrize(("louder_db", "fate"), [(9.0, Fate.RECEIVED), (9.5, Fate.CROSSTALK)])
def test_another_data_rate_on_the_channel_destroys_it_if_it_is_loud_enough(louder_db, fate):
    """Nobody here is tuned to the other one; Croce's matrix lets SF12 be 9 dB louder than SF7."""
    town = Town()
    town.gateway()
    town.gateway("other")
    town.node("node")
    town.air.detune(["gateway"], louder_db)
    ear = Ear(town, "node")
    town.air.listen(ear, CHANNEL_HZ, 5)
    town.emit(0, "other", dr=0)
    town.emit(1_000)
    town.run()
    assert town.air.down_fates == {fate: 1}
    assert [how is not None for _, _, how in ear.ended] == [fate is Fate.RECEIVED]


def test_chance_and_bursts_strike_downlinks_too():
    model = RadioModel(path_loss="everywhere", shadowing_db=0.0, fading_db=0.0, loss_down=0.3)
    town, [ear] = town_with("ear", model=model)
    for number in range(1000):
        town.emit(number * 1_000_000)
    town.run()
    assert town.air.down_fates[Fate.CHANCE] == pytest.approx(300, abs=58)
    assert len(ear.ended) == town.air.down_fates[Fate.RECEIVED] == 1000 - town.air.down_fates[Fate.CHANCE]
    model = RadioModel(fading_db=0.0, bursts=Bursts(good_s=60, bad_s=60, loss=1.0))
    town, [ear] = town_with("ear", model=model)
    for number in range(3000):
        town.emit(number * 1_000_000)
    town.run()
    assert town.air.down_fates[Fate.BURST] == pytest.approx(1500, abs=500)


def test_a_burst_is_the_links_and_strikes_both_ways():
    model = RadioModel(fading_db=0.0, bursts=Bursts(good_s=300, bad_s=300, loss=1.0))
    town, [ear] = town_with("node", model=model)
    for number in range(3000):
        town.emit(number * 1_000_000)
        town.send(number * 1_000_000 + 500_000, "node")
    town.run()
    down = {now_us // 1_000_000 for now_us, _, _ in ear.ended}
    up = {frame.start_us // 1_000_000 for _, frame, _ in town.heard}
    assert len(down ^ up) < 40  # but for the seconds in which the phase changed
    assert 300 < len(down) < 2700


@pytest.mark.parametrize("name", ["gateway", "node"])
def test_a_fault_may_spare_one_direction(name):
    town, [ear] = town_with("node")
    town.air.lose([name], 1.0, up=False)
    town.send(0, "node")
    town.emit(1_000_000)
    town.run()
    assert len(town.heard) == 1
    assert ear.began == []


def test_who_turns_away_before_the_end_was_not_tuned():
    town, [ear, other] = town_with("turns", "stays")
    town.emit(0)
    town.timeline.at(1_000, lambda: town.air.deafen(ear))
    town.run()
    assert (len(ear.began), len(ear.ended)) == (1, 0)
    assert len(other.ended) == 1
    assert town.air.down_fates == {Fate.NOT_TUNED: 1, Fate.RECEIVED: 1}


def test_retuning_to_the_same_begins_anew():
    town, [ear] = town_with("node")
    town.emit(0)
    town.timeline.at(1_000, lambda: town.air.listen(ear, CHANNEL_HZ, 5))
    town.run()
    assert [now_us for now_us, _ in ear.began] == [0, 1_000]
    assert len(ear.ended) == 1
    assert town.air.down_fates == {Fate.NOT_TUNED: 1, Fate.RECEIVED: 1}


def test_a_radio_that_is_switched_off_at_its_neighbours_end_hears_no_end():
    """What a body does at the end of a frame may be anything, to any radio."""

    class Switch(Ear):
        def end(self, frame: OnAir, reception: Reception | None) -> None:
            super().end(frame, reception)
            town.air.deafen(other)

    town = Town()
    town.gateway()
    for name in ("first", "second"):
        town.node(name)
    first, other = Switch(town, "first"), Ear(town, "second")
    town.air.listen(first, CHANNEL_HZ, 5)
    town.air.listen(other, CHANNEL_HZ, 5)
    town.emit(0)
    town.run()
    assert (len(first.ended), len(other.ended)) == (1, 0)
    assert town.air.down_fates == {Fate.RECEIVED: 1, Fate.NOT_TUNED: 1}


def test_power_that_fails_while_a_gateway_sends_destroys_the_frame():
    town, [ear] = town_with("node")
    town.emit(0)
    town.timeline.at(10_000, lambda: town.air.switch("gateway", False))
    town.timeline.at(12_000, lambda: town.air.switch("gateway", True))
    town.emit(1_000_000)
    town.run()
    assert [how is None for _, _, how in ear.ended] == [True, False]
    assert town.air.down_fates == {Fate.GATEWAY_OFF: 1, Fate.RECEIVED: 1}


def test_a_class_c_street_costs_only_who_is_in_reach():
    """A frame is told to the lamps around its gateway, not to those of the whole town."""
    town = Town(RadioModel(shadowing_db=0.0))
    town.gateway("here", at=(0.0, 0.0, 10.0))
    town.gateway("there", at=(60_000.0, 0.0, 10.0))
    ears = []
    for number in range(50):
        town.node(f"here-{number}", x_m=10.0 * number)
        town.node(f"there-{number}", x_m=60_000.0 + 10.0 * number)
        ears += [Ear(town, f"here-{number}"), Ear(town, f"there-{number}")]
    for ear in ears:
        town.air.listen(ear, RX2_HZ, 3)
    town.emit(0, "here", freq_hz=RX2_HZ, dr=3)
    town.run()
    assert town.air.down_fates == {Fate.RECEIVED: 50}
    assert {ear.name[:4] for ear in ears if ear.ended} == {"here"}


def test_one_more_node_does_not_reshuffle_what_others_hear():
    ended = []
    for more in (False, True):
        model = RadioModel(path_loss="everywhere", loss_down=0.5)
        town, ears = town_with(*(["more"] if more else []), "node", model=model)
        for number in range(200):
            town.emit(number * 1_000_000)
        town.run()
        ended.append(ears[-1].ended)
    assert ended[0] == ended[1]
