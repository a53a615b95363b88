"""ADR's back-off, frame by frame (TS001-1.0.4 §4.3.1.1; steps as LoRaMac-node's LoRaMacAdr.c takes them)."""

from .network import Down, Network
from .test_mac import ask, request, street

ALL = {868_100_000, 868_300_000, 868_500_000}


def test_a_silent_network_gets_more_power_then_slower_frames_then_all_channels():
    network = Network()
    city = street(network)
    network.answers = [Down(1, None, b"", request(0x03, 5, 7, 0x00F8, 0, 1))]
    city.tell(ask())
    city.run(60_000)
    for _ in range(330):
        city.tell(ask())
        city.run(400_000)
    ups = network.uplinks[1:]
    assert len(ups) == 330
    for count, up in enumerate(ups):  # uplinks since the last downlink
        assert up.adr
        assert up.adr_ack_req == (count >= 64), count
        assert up.power_dbm == (2 if count < 96 else 16), count
        assert up.dr == (5 if count < 128 else max(0, 5 - (count - 96) // 32)), count
        if count < 288:
            assert up.freq_hz < 868_000_000
    assert ALL & {up.freq_hz for up in ups[288:]}


def test_a_class_a_downlink_ends_the_back_off_where_it_is():
    network = Network()
    city = street(network)
    network.answers = [None] * 140 + [Down(2)]
    for _ in range(160):
        city.tell(ask())
        city.run(100_000)
    assert network.uplinks[140].adr_ack_req
    assert [up.adr_ack_req for up in network.uplinks[141:]] == [False] * 19
    assert [up.dr for up in network.uplinks[127:]] == [5] + [4] * 32


def test_the_last_step_makes_nb_trans_one_again():
    network = Network()
    city = street(network, dr=0)
    network.answers = [Down(1, None, b"", request(0x03, 0, 0, 0x0008, 0, 2))]
    city.tell(ask())
    city.run(60_000)
    for _ in range(129):
        city.tell(ask())
        city.run(900_000)
    times = {}
    for up in network.uplinks:
        times[up.f_cnt] = times.get(up.f_cnt, 0) + 1
    assert [times[f_cnt] for f_cnt in (1, 127, 128, 129)] == [2, 2, 2, 1]


def test_a_nap_does_not_stop_the_back_off_and_a_power_cut_begins_it_anew():
    network = Network()
    city = street(network)
    for _ in range(140):
        city.tell(ask())
        city.run(100_000)
        city.nap()
    assert network.uplinks[-1].dr == 4
    assert network.uplinks[-1].adr_ack_req
    city.cut()
    city.tell(ask())
    city.run(100_000)
    assert network.uplinks[-1].dr == 5
    assert not network.uplinks[-1].adr_ack_req


def test_a_nap_keeps_what_the_back_off_changed():
    network = Network()
    city = street(network, dr=0)
    network.answers = [Down(1, None, b"", request(0x03, 0, 7, 0x0008, 0, 2))]
    city.tell(ask())
    city.run(60_000)
    city.mac._talk.unheard = 126
    for _ in range(2):
        city.tell(ask())
        city.run(900_000)
    before = len(network.uplinks)
    freqs = set()
    for _ in range(40):
        city.nap()
        city.tell(ask())
        city.run(300_000)
        freqs.add(network.uplinks[-1].freq_hz)
    assert {up.power_dbm for up in network.uplinks[before:]} == {16}
    assert freqs == {867_100_000} | ALL
    assert len(network.uplinks) == before + 40


def test_the_back_off_never_ends_at_a_data_rate_without_a_channel():
    network = Network()
    city = street(network)
    network.answers = [Down(1, 0, request(0x07, 3, 867_100_000, 5, 4) + request(0x03, 5, 0, 0x0008, 0, 1))]
    city.tell(ask())
    city.run(60_000)
    for _ in range(170):
        city.tell(ask())
        city.run(100_000)
    assert network.uplinks[-1].dr == 3
    assert network.uplinks[-1].freq_hz in ALL


def test_a_class_c_frame_is_no_class_a_downlink():
    network = Network()
    city = street(network, class_c=True)
    for _ in range(70):
        city.tell(ask())
        city.run(100_000)
        city.send_class_c(network.seal(Down(0, 4, b"dim")))
        city.run(20_000)
    assert network.uplinks[-1].adr_ack_req
