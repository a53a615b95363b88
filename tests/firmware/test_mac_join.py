"""Joining: requests, accepts, replays, back-off (TR007-1.1 §4.8), rejoining, and what a power cut leaves of it."""

from firmware.actions import AskTime, JoinGroup, Transmit, UsePlan
from firmware.events import Downlink, Joined, LinkAnswered
from firmware.joining import JoinBackOff
from firmware.mac import Mac
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.join import JoinAccept, seal_join_accept
from protocol.lorawan.mac_commands import RX_TIMING_SETUP
from protocol.lorawan.multicast import encrypt_mc_key, mc_ke_key, mc_root_key, mc_session_keys
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import FULL, SINGLE_CHANNEL, Plan

from .network import ABP, APP_KEY, DEV_EUI, GEN_APP_KEY, JOIN_EUI, OTAA, Down, Network, PowerCut, Street
from .test_mac import HOUR_MS, ask, request, sent

CF_LIST = (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)


def otaa(plan=FULL, adr=None, class_c=False):
    return lambda saved, image: Mac(OTAA, plan, saved, image, None, adr, class_c)


def accept(join_nonce=1, rx_delay=5, offset=0, rx2=3, cf_list=CF_LIST, dev_addr=0x26000099):
    return JoinAccept(join_nonce, 0x13, dev_addr, offset, rx2, rx_delay, cf_list)


def joined(**kwargs):
    network = Network()
    network.accepts = [accept()]
    city = Street(network, otaa(**kwargs))
    city.run(60_000)
    assert len(city.events(Joined)) == 1
    return network, city


def answered(**kwargs):
    """A node that has joined and was answered once, so that it does not doubt its session; nothing is counted yet."""
    network, city = joined(**kwargs)
    network.answers = [Down(1)]
    city.tell(ask())
    city.run(60_000)
    network.uplinks.clear()
    return network, city


def test_a_node_joins_and_its_frames_wait_until_it_has():
    network = Network()
    network.accepts = [accept()]
    city = Street(network, otaa())
    city.tell(ask(b"early"))
    assert network.joins == []
    city.run(60_000)
    [(dev_nonce, dr, freq_hz, _)] = network.joins
    assert (dev_nonce, dr) == (0, 5)
    assert freq_hz in (868_100_000, 868_300_000, 868_500_000)
    [up] = network.uplinks
    assert (up.payload, up.f_cnt, up.dr) == (b"early", 0, 5)
    assert sent(city) == [(1, None)]


def test_both_join_windows_at_every_data_rate():
    """RP 1.0.3revA §2.2.9: 5 s and 6 s after the request; RX2 at DR0."""
    for dr in range(6):
        for window in (1, 2):
            for skew_ms in (-30, 0, 30):
                plan = Plan(9, "one", FULL.channels, FULL.join_channels, dr, dr, True, None)
                network = Network()
                network.accepts = [(window, accept())]
                city = Street(network, otaa(plan))
                city.skew_ms = skew_ms
                city.run(60_000)
                assert [join[1] for join in network.joins] == [dr]
                assert len(city.events(Joined)) == 1, (dr, window, skew_ms)
                assert len(city.windows) == window
                assert city.windows[-1].dr == (dr if window == 1 else 0)


def test_the_accept_sets_windows_and_channels():
    network = Network()
    network.accepts = [accept(rx_delay=3, offset=2, rx2=1)]
    city = Street(network, otaa())
    city.run(60_000)
    for window in (1, 2):
        network.answers = [Down(window, 3, b"heard")]
        city.tell(ask())
        city.run(60_000)
    assert len(city.events(Downlink)) == 2
    freqs = set()
    for _ in range(80):
        city.tell(ask())
        city.run(60_000)
        freqs.add(network.uplinks[-1].freq_hz)
    assert freqs == {868_100_000, 868_300_000, 868_500_000} | set(CF_LIST)


def test_without_cf_list_there_are_the_default_channels_and_odd_entries_are_left_out():
    for cf_list, extra in ((None, set()), ((0, 868_650_000, 867_500_000, 0, 0), {867_500_000})):
        network = Network()
        network.accepts = [accept(cf_list=cf_list)]
        city = Street(network, otaa())
        city.run(60_000)
        freqs = set()
        for _ in range(60):
            city.tell(ask())
            city.run(60_000)
            freqs.add(network.uplinks[-1].freq_hz)
        assert freqs == {868_100_000, 868_300_000, 868_500_000} | extra


def test_the_single_channel_plan_joins_and_talks_on_its_channel_and_data_rate():
    network = Network()
    network.accepts = [None, None, None, accept(cf_list=None)]
    city = Street(network, otaa(SINGLE_CHANNEL))
    city.run(HOUR_MS)
    for _ in range(10):
        city.tell(ask())
        city.run(60_000)
    assert {join[1:3] for join in network.joins} == {(3, 868_100_000)}
    assert {(up.dr, up.freq_hz, up.adr) for up in network.uplinks} == {(3, 868_100_000, False)}


def test_accepts_that_must_not_be_believed():
    good = accept(join_nonce=5)
    for bad in (
        accept(join_nonce=4),
        accept(join_nonce=5),
        accept(join_nonce=6, offset=6),
        accept(join_nonce=6, rx2=8),
        b"\x20" + bytes(16),
        b"\x20" + bytes(32),
        b"\x20",
    ):
        network = Network()
        network.accepts = [good]
        city = Street(network, otaa())
        city.run(60_000)
        del city.saved["session"]
        city.cut()
        network.accepts = [bad]
        city.run(60_000)
        assert len(city.events(Joined)) == 1
        assert len(network.joins) >= 2


def test_a_join_accept_that_nobody_asked_for_is_not_believed():
    network, city = joined()
    network.answers = [b"\x20" + bytes(16)]
    city.tell(ask())
    city.run(60_000)
    assert len(city.events(Joined)) == 1
    assert len(city.windows) == 3  # RX2 of the uplink too


def test_dev_nonce_is_persisted_before_it_is_sent_and_never_comes_twice():
    network = Network()
    city = Street(network, otaa())
    nonces = 0
    for actions in range(1, 40):
        city.cut_at = actions % 5 + 1
        try:
            city.run(HOUR_MS)
        except PowerCut:
            city.cut()
        city.cut()
        nonces = len(network.joins)
    assert nonces > 10  # the network refuses one that comes twice
    sequence = [join[0] for join in network.joins]
    assert sequence == sorted(sequence)


def test_dev_nonces_come_to_an_end():
    network = Network()
    city = Street(network, otaa(), saved={"dev_nonce": 0xFFFF})
    city.run(48 * HOUR_MS)
    assert [join[0] for join in network.joins] == [0xFFFF]
    assert city.mac.wake_at() is None
    assert city.saved["dev_nonce"] == 0x10000
    city.cut()
    city.run(HOUR_MS)
    assert len(network.joins) == 1


def test_a_power_cut_between_any_two_actions_of_a_join():
    for actions in range(1, 12):
        network = Network()
        network.accepts = [accept(), accept(2), accept(3)]
        city = Street(network, otaa())
        city.tell(ask())
        city.cut_at = actions
        try:
            city.run(60_000)
        except PowerCut:
            city.cut()
        for _ in range(3):
            city.tell(ask(b"after"))
            city.run(120_000)
        assert network.uplinks[-1].payload == b"after"


def test_a_session_survives_a_power_cut_and_is_told_again():
    network, city = joined()
    city.tell(ask())
    city.run(60_000)
    city.cut()
    assert len(city.events(Joined)) == 2
    city.tell(ask())
    city.run(60_000)
    assert len(network.joins) == 1
    assert [up.f_cnt for up in network.uplinks] == [0, 32]
    network.answers = [Down(1, 2, b"x")]
    city.tell(ask())
    city.run(60_000)
    assert len(city.events(Downlink)) == 1


def test_a_session_that_another_version_wrote_means_a_new_join():
    network, city = joined()
    for wire in (b"", b"\x00" * 100, b"\x01\x02"):
        city.saved["session"] = wire
        network.accepts = [accept(city.saved["join_nonce"] + 1)]
        city.cut()
        city.run(60_000)
    assert len(network.joins) == 4


def test_each_session_counts_from_zero_and_no_power_cut_mixes_two():
    network, city = joined()
    for nonce in range(2, 5):
        for _ in range(5):
            city.tell(ask())
            city.run(60_000)
        del city.saved["session"]
        city.cut()
        network.accepts = [accept(nonce)]
        city.run(60_000)
    city.tell(ask())
    city.run(60_000)
    assert [up.f_cnt for up in network.uplinks] == [0, 1, 2, 3, 4] * 3 + [0]
    city.cut()
    city.tell(ask())
    city.run(60_000)
    assert 0 < network.uplinks[-1].f_cnt <= 32


def airtime_s(joins):
    return sum([(61.7, 113.2, 205.8, 370.7, 823.3, 1482.8)[5 - dr] for _, dr, _, _ in joins]) / 1000


def test_a_network_that_stays_silent_is_asked_within_the_limits_of_tr007():
    network = Network()
    city = Street(network, otaa())
    city.run(11 * HOUR_MS + 5 * 24 * HOUR_MS)
    ends = (1, 11, 35, 59, 83, 107, 131)
    begin_h = 0
    for end_h in ends:
        joins = [join for join in network.joins if begin_h * HOUR_MS <= join[3] < end_h * HOUR_MS]
        assert airtime_s(joins) <= (36 if begin_h < 11 else 8.7), begin_h
        assert len(joins) >= 9, begin_h
        begin_h = end_h
    assert {join[1] for join in network.joins} == {0, 1, 2, 3, 4, 5}
    assert {join[2] for join in network.joins} == {868_100_000, 868_300_000, 868_500_000}
    gaps = [network.joins[i + 1][3] - network.joins[i][3] for i in range(len(network.joins) - 1)]
    assert 5_000 <= gaps[0] <= 20_000
    assert len(set(gaps)) > len(gaps) // 2  # random
    assert city.worst_hour_ms() <= 1000


def test_the_slowest_data_rate_keeps_to_the_join_limits_too():
    plan = Plan(9, "slow", FULL.channels, FULL.join_channels, 0, 0, True, None)
    network = Network()
    city = Street(network, otaa(plan))
    for _ in range(150):
        city.run(HOUR_MS)
        city.nap()
    joins = [join for join in network.joins if join[3] >= 11 * HOUR_MS]
    for day in range(5):
        since_ms = (11 + 24 * day) * HOUR_MS
        today = [join for join in joins if since_ms <= join[3] < since_ms + 24 * HOUR_MS]
        assert len(today) == 5  # of 1.48 s in 8.7 s


def test_nodes_that_boot_together_do_not_stay_together():
    starts = set()
    for number in range(200):
        mac = Mac(type(OTAA)(bytes([2, 0, 0, 0, 0, 0, 1, number]), JOIN_EUI, APP_KEY, GEN_APP_KEY), FULL)
        starts.add(mac.wake_at())
    assert len(starts) > 150
    assert max(starts) - min(starts) > 14_000
    assert max(starts) <= 15_000


def test_back_off_begins_anew_after_a_join():
    back_off = JoinBackOff((0, 0, 0, 0))
    for _ in range(12):
        back_off.spend(62, back_off.free_at(62), 500)
    assert back_off.dr(FULL, 0) == 5 - 12 // 2 % 6 == 5
    back_off.succeeded()
    assert back_off.not_before_ms == 0
    assert back_off.state[3] == 12 * 62 or back_off.state[2] > 0


def attempted(city, spread):
    """As if the node had just tried to join."""
    back_off = JoinBackOff(city.mac._joins)
    back_off.spend(62, city.now_ms, spread)
    city.mac._joins = back_off.state


def test_after_a_long_silence_the_node_joins_again_and_keeps_the_old_session_until_it_has():
    network, city = answered()
    for _ in range(319):
        city.tell(ask())
        city.run(120_000)
    assert len(network.joins) == 1
    city.tell(ask())
    city.run(120_000)
    assert len(network.joins) == 2
    for _ in range(31):
        city.tell(ask())
        city.run(120_000)
    assert network.uplinks[-1].f_cnt == 351
    assert len(network.joins) == 2
    network.accepts = [accept(2, dev_addr=0x26000100)]
    city.tell(ask(b"before"))
    city.tell(ask(b"after"))
    city.run(240_000)
    assert len(network.joins) == 3
    assert len(city.events(Joined)) == 2
    assert network.uplinks[-1].payload == b"after"
    assert network.uplinks[-1].f_cnt == 0
    assert not network.uplinks[-1].adr_ack_req


def test_a_class_c_node_tries_a_join_beside_its_session_and_hears_orders_meanwhile():
    network, city = answered(class_c=True)
    for _ in range(320):
        city.tell(ask())
        city.run(120_000)
    assert len(network.joins) == 2
    assert city.windows[-1].symbols == 0
    city.send_class_c(network.seal(Down(0, 4, b"dim")))
    city.run(60_000)
    assert len(city.events(Downlink)) == 1
    for _ in range(31):
        city.tell(ask())
        city.run(120_000)
    network.accepts = [accept(2)]
    city.tell(ask())
    city.run(1_000)
    city.run(30_000)
    assert len(network.joins) == 3
    assert len(city.events(Joined)) == 2
    city.send_class_c(network.seal(Down(0, 4, b"dim")))
    city.run(60_000)
    assert len(city.events(Downlink)) == 2


def test_an_order_between_a_join_request_and_its_windows_is_heard():
    network, city = answered(class_c=True)
    city.mac._talk.unheard = 319
    city.tell(ask())
    while len(network.joins) < 2:
        city.run(50)
    city.run(2_000)
    city.send_class_c(network.seal(Down(0, 4, b"dim")))
    city.run(60_000)
    assert len(city.events(Downlink)) == 1


def test_without_adr_the_node_asks_for_the_link_in_a_long_silence():
    network, city = answered(adr=False)
    asked = []
    for number in range(100):
        city.tell(ask())
        city.run(120_000)
        up = network.uplinks[-1]
        assert (up.adr, up.adr_ack_req, up.dr) == (False, False, 5)
        if up.names() == [0x02]:
            asked.append(number)
    assert asked == [64, 72, 80, 88, 96]
    for number in range(100, 128):
        network.answers = [Down(1, None, b"", request(0x02, 10, 1))] if number == 104 else []
        city.tell(ask())
        city.run(120_000)
    assert [up.names() for up in network.uplinks[105:]] == [[]] * 23


def test_a_join_accept_that_was_withheld_and_comes_to_a_later_request_is_found_out():
    """TS001-1.0.4 §6.2.6: no Join-Accept says which Join-Request it answers, and its JoinNonce is new."""
    for kwargs in ({}, {"adr": False}, {"class_c": True}):
        network = Network()
        network.strangers = []
        network.accepts = [None, seal_join_accept(APP_KEY, accept(1)), accept(2, dev_addr=0x26000100)]
        city = Street(network, otaa(**kwargs))
        city.run(60_000)
        assert len(network.joins) == 2
        assert len(city.events(Joined)) == 1  # so the node believes
        for _ in range(23):
            city.tell(ask())
            city.run(HOUR_MS)
        assert (len(network.joins), len(network.strangers), network.uplinks) == (2, 23, [])
        assert {bytes(frame.f_opts) for frame in network.strangers} == {b"\x02"}
        adr_ack_reqs = [number for number, frame in enumerate(network.strangers) if frame.adr_ack_req]
        assert adr_ack_reqs == ([] if "adr" in kwargs else list(range(16, 23)))
        city.tell(ask())
        city.tell(ask(b"back"))
        city.run(HOUR_MS)
        assert (len(network.joins), len(network.strangers)) == (3, 24)
        assert [up.payload for up in network.uplinks] == [b"back"]


def test_the_first_answer_ends_the_doubt_of_a_session_for_good():
    """24 uplinks of which one is answered, whatever by: LinkCheckAns, an order, a time; then 320 as ever."""
    for number in (0, 12, 23):
        network, city = joined()
        network.answers = [None] * number + [Down(2, None, b"", request(0x02, 10, 1))]
        for _ in range(number + 1):
            assert not network.uplinks or network.uplinks[-1].names() == [0x02]
            city.tell(ask())
            city.run(120_000)
        assert len(city.events(LinkAnswered)) == 1
        for _ in range(40):
            city.tell(ask())
            city.run(120_000)
            assert (network.uplinks[-1].names(), network.uplinks[-1].adr_ack_req) == ([], False)
        city.cut()
        for _ in range(40):
            city.tell(ask())
            city.run(120_000)
        assert (network.uplinks[-1].names(), len(network.joins)) == ([], 1)


def test_a_class_c_order_ends_the_doubt_too_and_a_frame_to_a_group_does_not():
    network, city = joined(class_c=True)
    key = bytes(range(50, 66))
    encrypted = encrypt_mc_key(mc_ke_key(mc_root_key(GEN_APP_KEY)), key)
    city.tell(JoinGroup(0, 0x26FFFF01, encrypted, 0))
    keys = SessionKeys(*mc_session_keys(key, 0x26FFFF01))
    city.send_class_c(seal_data(keys, DOWNLINK, 0x26FFFF01, 0, 4, b"all"))
    city.run(60_000)
    city.tell(ask())
    city.run(60_000)
    assert network.uplinks[-1].names() == [0x02]
    city.send_class_c(network.seal(Down(0, 4, b"dim")))
    city.run(60_000)
    city.tell(ask())
    city.run(60_000)
    assert network.uplinks[-1].names() == []
    assert len(city.events(Downlink)) == 2


def test_time_that_is_asked_for_is_question_enough():
    network, city = joined()
    city.tell(AskTime())
    city.tell(ask())
    city.run(60_000)
    assert network.uplinks[-1].names() == [0x0D]


def test_a_doubted_session_is_used_until_the_network_gives_another():
    """A network that hears and is not heard: joins go on within their limits, and no frame is lost to them."""
    network, city = joined()
    for _ in range(96 * 7):
        city.tell(ask())
        city.run(HOUR_MS // 4)
    assert len(network.uplinks) == 96 * 7
    assert airtime_s(network.joins[1:]) <= 36 + 8.7 * 7
    assert len(network.joins) > 14
    assert city.worst_hour_ms() <= 1000


def test_a_power_cut_does_not_end_the_doubt():
    """A switched feeder gives a lamp few uplinks a night: what was unheard before counts, up to eight uplinks less."""
    network, city = joined()
    for _ in range(5):
        city.tell(ask())
        city.run(60_000)
    city.cut()
    for _ in range(7):
        city.tell(ask())
        city.run(60_000)
    assert len(network.joins) == 1
    assert network.uplinks[-1].adr_ack_req
    city.tell(ask())
    city.run(60_000)
    assert len(network.joins) == 2


def test_where_half_of_all_frames_are_lost_few_doubt_a_good_session():
    """0.75^24, a thousandth, as `adr.py` has it; drawn by a xorshift32 (Marsaglia 2003), seed 1."""
    rejoined = 0
    x = 1
    for _ in range(200):
        network, city = joined()
        for _ in range(24):
            lost = []
            for _ in range(2):  # there and back
                x ^= x << 13 & 0xFFFFFFFF
                x ^= x >> 17
                x ^= x << 5 & 0xFFFFFFFF
                lost.append(x & 0x8000 > 0)
            network.answers = [None if lost[0] or lost[1] else Down(1)]
            city.tell(ask())
            city.run(30_000)
            if city.mac._talk.session.f_cnt_down >= 0:
                break
        rejoined += len(network.joins) > 1
    assert rejoined <= 2


def test_a_join_beside_a_session_lets_frames_through():
    network, city = answered()
    city.mac._talk.unheard = 319
    for _ in range(4):
        city.tell(ask())
    city.run(120_000)
    assert (len(network.joins), len(network.uplinks)) == (2, 4)
    attempted(city, 999)  # an attempt just now: the next has to wait
    attempted(city, 999)
    city.mac._talk.unheard = 351
    for _ in range(3):
        city.tell(ask(confirmed=True))
    city.run(25_000)
    assert (len(network.joins), len(network.uplinks)) == (2, 7)
    assert city.mac.wake_at() is not None
    city.run(60_000)
    assert len(network.joins) == 3


def test_a_nap_keeps_the_wish_to_join():
    network, city = answered()
    city.mac._talk.unheard = 319
    attempted(city, 999)
    city.tell(ask())
    city.run(7_000)
    city.nap()
    city.run(120_000)
    assert len(network.joins) == 2


def test_a_data_frame_in_the_window_of_a_join_is_no_answer_to_it():
    network, city = answered(class_c=True)
    city.mac._talk.unheard = 319
    network.accepts = [network.seal(Down(1, 4, b"dim"))]
    city.tell(ask())
    city.run(60_000)
    assert len(network.joins) == 2
    assert len(city.events(Downlink)) == 1
    assert [window.symbols > 0 for window in city.windows[-4:]] == [False, True, True, False]


def test_an_answer_makes_a_join_needless():
    network, city = answered()
    city.mac._talk.unheard = 319
    attempted(city, 999)
    attempted(city, 999)
    city.tell(ask())
    city.run(7_000)
    network.answers = [Down(1, 4, b"order", confirmed=True)]
    city.tell(ask())
    city.run(5_500)
    assert city.mac.wake_at() is not None
    city.run(HOUR_MS)
    assert len(network.joins) == 1


def test_of_a_join_and_a_frame_that_are_due_the_earlier_wakes():
    _, city = joined()
    city.mac._talk.rejoin = True
    attempted(city, 0)
    join_ms = city.mac.wake_at()
    for answer_ms in (join_ms - 1_000, join_ms + 1_000):
        city.mac._talk.answer_at = answer_ms
        assert city.mac.wake_at() == min(join_ms, answer_ms)


def test_the_plan_of_a_node_that_has_not_joined_can_change():
    network = Network()
    city = Street(network, otaa(SINGLE_CHANNEL))
    city.tell(UsePlan(0))
    network.accepts = [accept()]
    city.run(60_000)
    city.tell(ask())
    city.run(60_000)
    assert network.joins[0][1] == 5
    assert network.uplinks[0].adr


def test_a_nap_between_join_requests():
    network = Network()
    city = Street(network, otaa())
    for _ in range(60):
        city.run(100_000)
        city.nap()
    assert 8 <= len(network.joins) <= 14
    assert [join[0] for join in network.joins] == list(range(len(network.joins)))
    assert len({join[1] for join in network.joins}) >= 5


def test_a_nap_in_a_join_gives_the_attempt_up():
    network = Network()
    network.accepts = [None, accept()]
    city = Street(network, otaa())
    while not network.joins:
        city.run(10)
    city.nap()
    city.run(60_000)
    assert len(network.joins) == 2
    assert len(city.events(Joined)) == 1


def test_an_abp_node_never_joins():
    from .test_mac import street

    network = Network()
    city = street(network)
    for _ in range(400):
        city.tell(ask())
        city.run(120_000)
    assert network.joins == []
    assert network.uplinks[-1].names() == []


def test_abp_keys_that_changed_begin_a_new_session():
    from firmware.session import Identity

    network = Network()
    identity = Identity(DEV_EUI, abp=(0x26000007, bytes(range(16, 32)), bytes(range(32, 48))))
    other = Identity(DEV_EUI, abp=(0x26000008, bytes(range(16, 32)), bytes(range(32, 48))))
    network.answers = [Down(1, 4, b"x")] * 2
    city = Street(network, lambda saved, image: Mac(identity, FULL, saved, image, 5))
    city.tell(ask())
    city.run(60_000)
    assert "session" in city.saved
    city.make = lambda saved, image: Mac(other, FULL, saved, image, 5)
    city.cut()
    network.activate(0x26000008, (bytes(range(16, 32)), bytes(range(32, 48))))
    network.f_cnt_down = 0
    city.tell(Transmit(1, lambda room, now_ms: b"new"))
    city.run(60_000)
    assert network.uplinks[-1].payload == b"new"
    assert len(city.events(Downlink)) == 2


def test_a_street_on_a_switched_feeder_joins_over_ten_minutes():
    starts = []
    for number in range(200):
        identity = type(OTAA)(bytes([2, 0, 0, 0, 0, 0, 1, number]), JOIN_EUI, APP_KEY, GEN_APP_KEY)
        starts.append(Mac(identity, FULL, spread_s=600).wake_at())
    starts.sort()
    assert starts[-1] <= 600_000
    assert max([starts[n + 1] - starts[n] for n in range(199)]) < 30_000
    assert len([start for start in starts if start < 300_000]) in range(70, 131)


def test_what_an_abp_node_is_set_up_with_counts_once():
    """The next start takes rx_delay_s and rx2_dr over if they are new; else what the network said since stays."""
    network = Network()
    city = Street(network, lambda saved, image: Mac(ABP, FULL, saved, image, 5))
    network.answers = [Down(1, 0, request(RX_TIMING_SETUP, 7))]
    city.tell(ask())
    city.run(60_000)
    for setting, delay_s, dr in ((None, 7, 3), ((2, 4), 2, 4), ((2, 4), 2, 4), ((5, 3), 5, 3)):
        at = (5, 3) if setting is None else setting
        city.make = lambda saved, image, at=at: Mac(ABP, FULL, saved, image, 5, windows_at=at)
        city.cut()
        network.delay_s, network.rx2 = delay_s, (869_525_000, dr)
        network.answers = [Down(1, 7, b"heard"), Down(2, 8, b"heard too")]
        told = len(city.events(Downlink))
        for _ in range(2):
            city.tell(ask())
            city.run(60_000)
        assert len(city.events(Downlink)) == told + 2, setting


def test_no_join_is_slower_than_the_setting_says():
    network = Network()
    city = Street(network, lambda saved, image: Mac(OTAA, FULL, saved, image, min_dr=4))
    city.run(HOUR_MS)
    assert {dr for _, dr, _, _ in network.joins} == {4, 5}


def test_no_persisted_session_or_image_and_no_command_makes_a_node_slower_than_the_setting_says():
    for identity in (OTAA, ABP):
        for asleep in (False, True):
            network = Network()
            network.accepts = [accept()]
            city = Street(network, lambda saved, image, identity=identity: Mac(identity, FULL, saved, image, 5))
            # The network wants DR1, on the one channel that carries nothing faster.
            new_channel = request(0x07, 3, 863_300_000, 1, 0)
            network.answers = [Down(1, 0, new_channel), Down(1, 0, request(0x03, 1, 0, 0x0008, 0, 1))]
            for _ in range(3):
                city.tell(ask())
                city.run(120_000)
            assert (network.uplinks[-1].dr, network.uplinks[-1].freq_hz) == (1, 863_300_000)
            city.make = lambda saved, image, identity=identity: Mac(identity, FULL, saved, image, 5, min_dr=3)
            if asleep:
                city.nap()
            else:
                city.cut()
            for dr, status in ((2, (1, 0, 1)), (3, (1, 1, 1)), (4, (1, 1, 1)), (0, (1, 0, 1))):
                network.answers = [Down(1, 0, request(0x03, dr, 0, 0x0007, 0, 1))]
                for _ in range(2):
                    city.tell(ask())
                    city.run(120_000)
                assert network.uplinks[-1].commands[0] == (0x03, status), (asleep, dr)  # power, data rate, channels
            assert {up.dr for up in network.uplinks[3:]} == {3, 4}


def test_the_windows_of_a_node_that_joins_are_the_network_s_whatever_it_is_set_up_with():
    network = Network()
    network.accepts = [accept(rx_delay=3, rx2=1)]
    city = Street(network, lambda saved, image: Mac(OTAA, FULL, saved, image, windows_at=(2, 4)))
    city.run(60_000)
    for _ in range(2):
        told = len(city.events(Downlink))
        network.answers = [Down(1, 7, b"heard"), Down(2, 8, b"heard too")]
        for _ in range(2):
            city.tell(ask())
            city.run(60_000)
        assert len(city.events(Downlink)) == told + 2
        city.cut()
