"""The MAC's flights: class A windows, repeats, acknowledgements, counters, class C; against a scripted network."""

from firmware.actions import AskLink, AskTime, OpenWindow, Persist, RadioTransmit, Transmit
from firmware.asleep import IMAGE_MAX_LEN, pack
from firmware.dialogue import MAX_WAITING
from firmware.duty import Ledger
from firmware.events import (
    Downlink,
    FrameHeard,
    Joined,
    LinkAnswered,
    Sent,
    TimeAnswered,
    Transmitted,
    WindowClosed,
    Woke,
)
from firmware.flight import Flight
from firmware.mac import Mac
from protocol.lorawan.frames import DOWNLINK, UPLINK
from protocol.lorawan.mac_commands import encode_command
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import FULL, SINGLE_CHANNEL, Plan, max_payload

from .network import ABP, DEV_ADDR, Down, Network, PowerCut, Street

HOUR_MS = 3_600_000


SLOW = Plan(9, "slow", SINGLE_CHANNEL.channels, SINGLE_CHANNEL.join_channels, 0, 0, False, None)


def abp(dr=5, class_c=False, adr=None, plan=FULL):
    return lambda saved, image: Mac(ABP, plan, saved, image, dr, adr, class_c)


def street(network, dr=5, class_c=False, adr=None, plan=FULL, **kwargs):
    return Street(network, abp(dr, class_c, adr, plan), **kwargs)


def ask(payload=b"abc", f_port=1, confirmed=False):
    return Transmit(f_port, lambda room, now_ms: payload, confirmed)


def sent(city):
    return [(event.f_port, event.acked) for event in city.events(Sent)]


def filling(rooms):
    """A compose that uses all its room, and notes it."""

    def compose(room, now_ms):
        rooms.append(room)
        return bytes(room)

    return compose


def request(cid, *values):
    return encode_command(DOWNLINK, cid, *values)


def at_data_rate(dr, network, offset=0):
    """A street whose node sends at *dr*; DR6 and DR7 need a channel of their own, which a command gives."""
    city = street(network, dr=min(dr, 5))
    city.run(0)
    commands = b""
    if dr > 5:
        commands = request(0x07, 3, 867_100_000, 7, 0) + request(0x03, dr, 0, 0x0008, 0, 1)
    commands += request(0x05, offset, network.rx2[1], network.rx2[0])
    network.answers = [Down(1, 0, commands)]
    city.tell(ask())
    city.run(10_000)
    network.offset = offset
    return city


def test_an_uplink_arrives_as_it_was_composed_and_its_end_is_told():
    network = Network()
    city = street(network)
    rooms = []

    def compose(room, now_ms):
        rooms.append((room, now_ms))
        return b"a reading"

    city.run(1234)
    city.tell(Transmit(7, compose))
    city.run(20_000)
    [up] = network.uplinks
    assert rooms == [(222, 1234)]
    assert (up.f_port, up.payload, up.confirmed, up.f_cnt, up.dr) == (7, b"a reading", False, 0, 5)
    assert (up.adr, up.adr_ack_req, up.ack, up.f_opts) == (True, False, False, b"")
    assert (up.start_ms, up.power_dbm) == (1234, 16)
    assert sent(city) == [(7, None)]
    assert [type(event) for _, event in city.told] == [Joined, Sent]


def test_the_windows_of_every_data_rate_and_offset_hear_what_comes_in_them():
    """Clocks of both ends 30 ms apart: 20 ms of interrupts and 5 s at 2000 ppm."""
    for dr in range(8):
        for offset in range(6):
            network = Network()
            city = at_data_rate(dr, network, offset)
            for skew_ms in (-30, 0, 30):
                city.skew_ms = skew_ms
                city.windows.clear()
                network.answers = [Down(1, 9, b"one")]
                city.tell(ask())
                city.run(HOUR_MS)
                assert network.uplinks[-1].dr == dr
                assert len(city.windows) == 1, (dr, offset, skew_ms)
            assert [event.payload for event in city.events(Downlink)] == [b"one"] * 3


def test_rx2_of_every_data_rate_hears_what_comes_in_it():
    for rx2_dr in range(8):
        network = Network()
        network.rx2 = (869_525_000, 3)
        city = street(network)
        network.answers = [Down(1, None, b"", request(0x05, 0, rx2_dr, 869_525_000))]
        city.tell(ask())
        city.run(10_000)
        network.rx2 = (869_525_000, rx2_dr)
        for skew_ms in (-32, 0, 32):
            city.skew_ms = skew_ms
            city.windows.clear()
            network.answers = [Down(2, 9, b"two")]
            city.tell(ask())
            city.run(HOUR_MS)
            assert [window.dr for window in city.windows] == [5, rx2_dr]
        assert [event.payload for event in city.events(Downlink)] == [b"two"] * 3


def test_windows_open_when_the_specification_says():
    """RP 1.0.3revA §2.2.9: RECEIVE_DELAY2 is RECEIVE_DELAY1 + 1 s; symbols as LoRaMac-node's formula gives them."""
    city = street(Network())
    city.tell(ask())
    city.run(20_000)
    end_ms = city.flights[0][1]
    rx1, rx2 = city.windows
    # 30 ms at SF7: ceil((4 * 1.024 + 60) / 1.024) = 63 symbols, half of them before the fourth of the preamble.
    assert (rx1.symbols, rx1.dr) == (63, 5)
    assert rx1.open_ms == end_ms + 5000 + (4 * 1024 - 63 * 512) // 1000
    # 32 ms at SF9: ceil(4 + 64 / 4.096) = 20 symbols.
    assert (rx2.symbols, rx2.dr, rx2.freq_hz) == (20, 3, 869_525_000)
    assert rx2.open_ms == end_ms + 6000 + (4 * 4096 - 20 * 2048) // 1000


def test_a_frame_in_rx1_that_is_not_for_this_node_leaves_rx2_open():
    network = Network()
    foreign = seal_data(SessionKeys(bytes(16), bytes(16)), DOWNLINK, DEV_ADDR, 0, 1, b"x")
    for noise in (
        foreign,
        b"\x60",
        b"\xe0 no frame",
        b"\x20" + bytes(16),
        seal_data(network.keys, UPLINK, DEV_ADDR, 9),
    ):
        city = street(network)
        network.activate(DEV_ADDR, (bytes(range(16, 32)), bytes(range(32, 48))))
        network._used.clear()
        network.answers = [noise]
        city.tell(ask())
        city.run(20_000)
        assert len(city.windows) == 2
        assert city.events(Downlink) == []


def test_a_long_foreign_frame_in_rx1_costs_rx2():
    network = Network()
    city = street(network, dr=0)
    network.answers = [bytes(60)]  # 2.5 s at SF12: longer than RX2 is away
    city.tell(ask())
    city.run(20_000)
    assert len(city.windows) == 1
    assert sent(city) == [(1, None)]


def test_a_replayed_downlink_is_not_obeyed():
    network = Network()
    city = street(network)
    down = network.seal(Down(1, 4, b"order"))
    network.answers = [down, down, down]
    for _ in range(3):
        city.tell(ask())
        city.run(20_000)
    assert [event.payload for event in city.events(Downlink)] == [b"order"]
    city.cut()
    network.answers = [down]
    city.tell(ask())
    city.run(20_000)
    assert len(city.events(Downlink)) == 1


def test_a_downlink_without_payload_or_for_ports_beyond_the_application_is_not_told():
    network = Network()
    city = street(network)
    for down in (Down(1), Down(1, 224, b"test"), Down(1, 0, b"")):
        network.answers = [down]
        city.tell(ask())
        city.run(20_000)
    assert city.events(Downlink) == []


def test_the_counter_goes_to_flash_before_the_frame_that_it_lets_be_believed():
    network = Network()
    city = street(network)
    city.tell(ask())
    down = network.seal(Down(1, 4, b"order"))
    mac = city.mac
    city.run(0)
    now_ms = city.flights[0][1]
    [window] = mac.handle(Transmitted(), now_ms)
    assert isinstance(window, OpenWindow)
    actions = mac.handle(FrameHeard(down, -90, 20), now_ms + 5100)
    assert [type(action) for action in actions] == [Persist, Downlink, Sent]
    assert actions[0].key == "session"


def test_each_unconfirmed_frame_goes_nb_trans_times_and_another_waits():
    network = Network()
    city = street(network)
    network.answers = [Down(1, None, b"", request(0x03, 15, 15, 0x00FF, 0, 3))]
    city.tell(ask())
    city.run(10_000)
    city.tell(ask(b"first"))
    city.tell(ask(b"second"))
    city.run(200_000)
    assert [up.payload for up in network.uplinks] == [b"abc"] + [b"first"] * 3 + [b"second"] * 3
    assert [up.f_cnt for up in network.uplinks] == [0, 1, 1, 1, 2, 2, 2]
    assert len({up.freq_hz for up in network.uplinks}) > 1
    assert sent(city) == [(1, None)] * 3
    for a, b in ((1, 2), (2, 3), (4, 5)):
        gap_ms = network.uplinks[b].start_ms - network.uplinks[a].end_ms - 6000
        assert 1000 <= gap_ms <= 3200  # RETRANSMIT_TIMEOUT after RX2


def test_any_class_a_downlink_ends_the_repeats_of_an_unconfirmed_frame():
    network = Network()
    city = street(network)
    network.answers = [Down(1, None, b"", request(0x03, 15, 15, 0x00FF, 0, 5)), None, Down(2)]
    city.tell(ask())
    city.run(10_000)
    city.tell(ask(b"first"))
    city.run(200_000)
    assert [up.payload for up in network.uplinks] == [b"abc", b"first", b"first"]
    assert sent(city) == [(1, None)] * 2


def test_a_confirmed_frame_is_repeated_until_its_acknowledgement():
    """In 1.0.4 NbTrans bounds confirmed frames too; a downlink without ACK does not end them."""
    network = Network()
    city = street(network)
    network.answers = [Down(1, None, b"", request(0x03, 15, 15, 0x00FF, 0, 4)), None, Down(1), Down(2, ack=True)]
    city.tell(ask())
    city.run(10_000)
    city.tell(ask(b"status", 3, True))
    city.run(200_000)
    assert [up.payload for up in network.uplinks] == [b"abc"] + [b"status"] * 3
    assert network.uplinks[1].confirmed
    assert sent(city) == [(1, None), (3, True)]


def test_a_confirmed_frame_that_nobody_acknowledges_is_told_as_such():
    network = Network()
    city = street(network)
    city.tell(ask(b"status", 3, True))
    city.run(20_000)
    network.answers = [Down(1)]
    city.tell(ask(b"status", 3, True))
    city.run(20_000)
    assert len(network.uplinks) == 2
    assert sent(city) == [(3, False), (3, False)]


def test_an_acknowledgement_that_answers_no_confirmed_frame_means_nothing():
    network = Network()
    city = street(network)
    network.answers = [Down(1, ack=True)]
    city.tell(ask())
    city.run(20_000)
    assert sent(city) == [(1, None)]


def test_a_confirmed_downlink_is_acknowledged_by_the_next_frame_or_an_empty_one():
    network = Network()
    city = street(network)
    network.answers = [Down(1, 4, b"order", confirmed=True)]
    city.tell(ask())
    city.run(60_000)
    first, second = network.uplinks
    assert not first.ack
    assert second.ack
    assert second.f_port is None
    assert 1000 <= second.start_ms - first.end_ms - 5000 <= 3500
    network.answers = [Down(1, 4, b"order", confirmed=True)]
    city.tell(ask())
    city.run(5500)
    city.tell(ask(b"receipt", 4))
    city.run(60_000)
    assert [(up.f_port, up.ack) for up in network.uplinks] == [(1, False), (None, True), (1, False), (4, True)]
    assert [port for port, _ in sent(city)] == [1, 1, 4]


def test_when_the_network_has_more_to_say_an_empty_frame_fetches_it():
    network = Network()
    city = street(network)
    network.answers = [Down(1, 4, b"one", f_pending=True), Down(1, 4, b"two")]
    city.tell(ask())
    city.run(60_000)
    assert [event.payload for event in city.events(Downlink)] == [b"one", b"two"]
    assert len(network.uplinks) == 2


def test_a_full_queue_keeps_the_newest_and_every_transmit_has_one_end():
    network = Network()
    city = street(network, dr=0)
    for number in range(10):
        city.tell(ask(bytes([number]), 1 + number, number % 2 == 0))
    assert [port for port, _ in sent(city)] == [2, 3, 4, 5, 6]
    assert dict(sent(city)) == {2: None, 3: False, 4: None, 5: False, 6: None}
    city.run(HOUR_MS)
    numbers = [up.payload[0] for up in network.uplinks]
    assert numbers[0] == 0
    assert numbers[1:] == list(range(10 - MAX_WAITING, 10))
    assert sorted([port for port, _ in sent(city)]) == list(range(1, 11))


def test_time_and_link_are_asked_with_the_next_frame_and_told_once_answered():
    network = Network()
    city = street(network)
    city.tell(AskTime())
    city.tell(AskLink())
    city.tell(AskTime())
    assert network.uplinks == []
    answer = request(0x0D, 1_139_322_288, 64) + request(0x02, 20, 3)
    network.answers = [Down(1, None, b"", answer), Down(1, None, b"", answer)]
    rooms = []
    city.tell(Transmit(1, lambda room, now_ms: rooms.append(room) or b""))
    city.run(60_000)
    [up] = network.uplinks
    assert sorted(up.names()) == [0x02, 0x0D]
    assert rooms == [220]
    [time] = city.events(TimeAnswered)
    assert (time.gps_s, time.at_ms) == (1_139_322_288, up.end_ms - 250)  # 64/256 s after the whole second
    [link] = city.events(LinkAnswered)
    assert (link.margin_db, link.gateways) == (20, 3)
    city.tell(ask())
    city.run(60_000)  # the network answers what nobody asked
    assert network.uplinks[-1].names() == []
    assert len(city.events(TimeAnswered)) == len(city.events(LinkAnswered)) == 1


def test_the_room_that_compose_is_told_is_what_the_data_rate_leaves():
    for dr in range(6):
        network = Network()
        city = street(network, dr=dr)
        rooms = []
        compose = filling(rooms)
        city.tell(Transmit(1, compose))
        city.run(60_000)
        city.tell(AskTime())
        city.tell(Transmit(1, compose))
        city.run(HOUR_MS)
        assert rooms == [max_payload(dr), max_payload(dr) - 1]
        assert len(network.uplinks) == 2


def test_compose_may_know_what_the_sub_bands_of_all_channels_allow_in_an_hour():
    """865 to 868 and 868.0 to 868.6 MHz allow 1 % each (EN 300 220-2): of an hour 36 s."""
    for plan, hour_ms in ((FULL, 72_000), (SINGLE_CHANNEL, 36_000)):
        city = street(Network(), dr=3, plan=plan)
        transmit = ask()
        city.tell(transmit)
        city.run(20_000)
        assert transmit.hour_ms == hour_ms


def test_the_16_bits_of_f_cnt_wrap_both_ways():
    network = Network()
    network.f_cnt_up = 0xFFF0 - 1
    network.f_cnt_down = 0xFFF8
    city = street(network, saved={"f_cnt_up": 0xFFF0})
    for _ in range(40):
        network.answers = [Down(1, 2, b"x")]
        city.tell(ask())
        city.run(60_000)
    assert [up.f_cnt for up in network.uplinks] == list(range(0xFFF0, 0xFFF0 + 40))
    assert len(city.events(Downlink)) == 40
    assert network.f_cnt_down == 0x10020
    city.cut()
    network.answers = [Down(1, 2, b"x")]
    city.tell(ask())
    city.run(60_000)
    assert network.uplinks[-1].f_cnt == 0xFFF0 + 64
    assert len(city.events(Downlink)) == 41


def test_uptime_passes_the_ends_of_small_ints_and_of_32_bits():
    for power in (30, 31, 32):
        network = Network()
        start_ms = (1 << power) - 3 * HOUR_MS // 2
        city = street(network, dr=0, start_ms=start_ms)
        network.answers = [Down(1, 2, b"x")] * 150
        for _ in range(150):
            city.tell(ask(bytes(51)))
            city.run(72_000)
        assert city.now_ms > 1 << power
        assert 66 <= len(network.uplinks) <= 77  # of 2.8 s, in three hours of 36 s in each of two sub-bands
        assert len(city.events(Downlink)) == len(network.uplinks)
        assert 900 < city.worst_hour_ms() <= 1000
        city.nap()
        city.run(HOUR_MS)
        assert city.worst_hour_ms() <= 1000


def test_frames_wait_for_the_duty_cycle_and_none_is_lost_to_it():
    network = Network()
    city = street(network, dr=0, plan=SLOW)
    done = 0
    for _ in range(3):
        for _ in range(16):
            city.tell(ask(bytes(51)))
            city.run(30_000)
        done = len(sent(city))
        city.run(HOUR_MS)
    assert 900 < city.worst_hour_ms() <= 1000
    assert done < 48 == len(sent(city))


def test_after_a_power_cut_the_airtime_of_the_hour_before_still_counts():
    network = Network()
    city = street(network, dr=0, plan=SLOW)
    for cut_at in range(3, 40, 3):
        while len(network.uplinks) < cut_at:
            city.tell(ask(bytes(51)))
            city.run(15_000)
        city.cut()
    assert city.worst_hour_ms() <= 1000


def test_a_node_that_is_cut_every_day_does_not_hoard_airtime():
    network = Network()
    city = street(network)
    for _ in range(30):
        city.cut()
        city.tell(ask())
        city.run(2 * HOUR_MS)
        city.tell(ask())
        city.run(22 * HOUR_MS)
    assert len(network.uplinks) == 60
    assert max(city.saved["airtime"]) < 8  # of 32: four times what an hour needs


def test_only_what_was_persisted_survives_and_no_counter_comes_twice():
    """The power goes after each number of actions there can be; the network refuses any counter that comes again."""
    for actions in range(1, 60):
        network = Network()
        city = street(network)
        city.cut_at = actions
        downs = 0
        while city.cut_at is not None:
            network.answers = [Down(1 + downs % 2, 4, b"order", request(0x04, 0), confirmed=True)]
            downs += 1
            try:
                city.tell(ask(b"status", 3, True))
                city.run(60_000)
            except PowerCut:
                city.cut()
        used = range(network.f_cnt_down)
        replays = [network.seal(Down(1, 4, b"new"))]
        replays += [seal_data(network.keys, DOWNLINK, DEV_ADDR, f_cnt, 4, b"order") for f_cnt in used]
        told = len(city.events(Downlink))
        network.answers = replays
        for _ in range(len(replays)):
            city.tell(ask())
            city.run(60_000)
        news = [event.payload for event in city.events(Downlink)[told:]]
        assert news[0] == b"new"
        assert b"order" not in news, actions


def test_a_nap_at_any_moment_goes_on_where_it_was():
    """What the images lose is only the downlink of the windows slept through."""
    for moment in range(0, 40_000, 500):
        network = Network()
        city = street(network)
        network.answers = [Down(1, None, b"", request(0x03, 5, 1, 0x00FF, 0, 2) + request(0x05, 0, 3, 869_525_000))]
        city.tell(ask())
        city.run(8_000)
        city.tell(ask(b"status", 3, True))
        city.run(moment)
        city.nap()
        city.run(60_000)
        assert sent(city) == [(1, None), (3, False)], moment
        assert [up.payload for up in network.uplinks] == [b"abc", b"status", b"status"]
        assert network.uplinks[1].commands == network.uplinks[2].commands == [(3, (1, 1, 1)), (5, (1, 1, 1))]
        city.tell(ask(b"next"))
        city.run(60_000)
        assert network.uplinks[-1].f_cnt == 2  # exact: nothing skipped
        assert network.uplinks[-1].commands == [(5, (1, 1, 1))]  # sticky still
        assert network.uplinks[-1].power_dbm == 14
        assert len(city.events(Joined)) == 1


def test_a_nap_keeps_answers_requests_and_what_the_ledger_knows():
    network = Network()
    city = street(network, dr=0, plan=SLOW)
    city.tell(AskTime())
    city.nap()
    network.answers = [Down(1, 4, b"order", confirmed=True)]
    city.tell(ask())
    city.run(7_700)
    city.nap()
    city.run(20_000)
    assert [up.names() for up in network.uplinks] == [[0x0D], []]
    assert network.uplinks[1].ack
    for _ in range(300):
        city.tell(ask(bytes(51)))
        city.run(30_000)
        city.nap()
    assert 900 < city.worst_hour_ms() <= 1000
    assert city.images > 300


def test_a_repeat_does_not_come_earlier_for_a_nap():
    network = Network()
    city = street(network)
    network.answers = [Down(1, None, b"", request(0x03, 15, 15, 0x00FF, 0, 3))]
    city.tell(ask())
    city.run(10_000)
    city.tell(ask())
    city.nap()  # the frame is on the air
    assert city.mac.wake_at() >= city.now_ms + 1000
    city.run(7_500)
    rest_ms = city.mac.wake_at()
    assert rest_ms > city.now_ms
    state = city.mac._dice.state
    city.nap()
    assert (city.mac.wake_at(), city.mac._dice.state) == (rest_ms, state)


def test_class_a_hears_nothing_outside_its_windows():
    network = Network()
    city = street(network)
    city.tell(FrameHeard(network.seal(Down(1, 4, b"order")), -90, 20))
    assert city.events(Downlink) == []


def test_an_image_that_is_damaged_or_stale_is_as_good_as_none():
    network = Network()
    city = street(network)
    for _ in range(5):
        city.tell(ask())
        city.run(60_000)
    image = city.mac.image()
    for at in range(len(image)):
        broken = image[:at] + bytes([image[at] ^ 0x10]) + image[at + 1 :]
        for bad in (broken, image[:at]):
            mac = Mac(ABP, FULL, dict(city.saved), bad, 5)
            mac.handle(Woke(), city.now_ms)
            actions = mac.handle(ask(), city.now_ms + HOUR_MS)
            [radio] = [action for action in actions if isinstance(action, RadioTransmit)]
            assert radio.phy_payload[6:8] == bytes([32, 0]), at  # the reserved bound
    for _ in range(40):
        city.tell(ask())
        city.run(60_000)
    city._begin(image)  # from before: RTC memory survived a crash, and nobody had cleared it
    city.tell(Woke())
    city.tell(ask())
    city.run(60_000)
    assert network.uplinks[-1].f_cnt == 64


def test_the_longest_image_fits():
    network = Network()
    city = street(network, dr=5, adr=False)
    network.answers = [
        Down(1, 0, b"".join([request(0x07, n, 863_100_000 + 200_000 * n, 5, 0) for n in range(3, 6)])),
        Down(1, 0, b"".join([request(0x07, n, 868_700_000 + 100_000 * (n - 5), 5, 0) for n in range(6, 8)])),
        Down(1, 0, request(0x07, 8, 869_525_000, 5, 0) + request(0x07, 9, 869_800_000, 5, 0)),
    ]
    for _ in range(5 * 60):
        city.tell(ask(bytes(200)))
        city.run(20_000)
        assert len(city.mac.image()) <= IMAGE_MAX_LEN
    # All of it at once: sticky answers, others for FPort 0, a request, and the longest frame that must go again.
    network.answers = [Down(1, 0, request(0x05, 0, 3, 869_525_000) + request(0x0A, 3, 863_300_000))]
    city.tell(ask())
    city.run(60_000)
    city.tell(Transmit(1, lambda room, now_ms: bytes(room), True))
    city.tell(AskTime())
    city.run(2_000)
    assert 450 < len(city.mac.image()) <= IMAGE_MAX_LEN
    # Sticky answers fill FOpts, the others a downlink's worth, and a sub-band has nine slots: nothing is longer.
    ledger = Ledger()
    for band in range(6):
        for n in range(17):
            ledger.spend(band, 1, n * 225_000)
    flight = Flight(bytes(235), 5, 1, True, 3).to_wire(0)
    parts = (bytes(15), bytes(51), b"\x02\x0d", flight)
    assert 600 < len(pack((0,) * 6, (0,) * 10, parts, ledger.to_wire(16 * 225_000))) <= IMAGE_MAX_LEN
    city.nap()
    city.run(60_000)
    assert city.worst_hour_ms() <= 1000


def test_events_out_of_turn_change_nothing():
    city = street(Network())
    for event in (Transmitted(), WindowClosed(), FrameHeard(bytes(20), -90, 10), Woke(), object()):
        assert city.mac.handle(event, 5) == []
        assert city.mac.wake_at() is None
    city.tell(ask())
    for event in (WindowClosed(), FrameHeard(bytes(20), -90, 10), Woke(), object()):
        assert city.mac.handle(event, 6) == []
        assert city.mac.wake_at() is None


# Class C.


def test_a_class_c_node_listens_whenever_it_does_not_send():
    network = Network()
    city = street(network, class_c=True)
    assert [(window.freq_hz, window.dr, window.symbols) for window in city.windows] == [(869_525_000, 3, 0)]
    city.run(1000)
    city.send_class_c(network.seal(Down(0, 4, b"dim")))
    city.run(5000)
    city.tell(ask())
    city.run(20_000)
    assert [window.symbols for window in city.windows] == [0, 0, 63, 0]
    city.send_class_c(network.seal(Down(0, 4, b"bright")))
    city.run(60_000)
    assert [event.payload for event in city.events(Downlink)] == [b"dim", b"bright"]
    assert sent(city) == [(1, None)]


def test_a_class_c_node_hears_before_rx1_in_it_in_rx2_and_after():
    network = Network()
    city = street(network, class_c=True)
    for window, extra_ms in ((0, 0), (1, 0), (2, 0), (0, 20_000)):
        network.answers = [Down(window, 4, b"dim", ack=True)]
        city.skew_ms = extra_ms
        city.tell(ask(b"x", 2, True))
        city.run(60_000)
    assert [event.payload for event in city.events(Downlink)] == [b"dim"] * 4
    assert sent(city) == [(2, True)] * 3 + [(2, False)]


def test_a_class_c_downlink_that_answers_nothing_leaves_the_windows_open():
    network = Network()
    city = street(network, class_c=True)
    network.answers = [Down(0, 4, b"dim")]
    city.tell(ask())
    city.run(2_000)
    assert len(city.events(Downlink)) == 1
    city.run(60_000)
    assert [window.symbols for window in city.windows] == [0, 0, 63, 0]


def test_what_class_c_hears_before_rx1_is_no_class_a_downlink():
    network = Network()
    city = street(network, class_c=True)
    network.answers = [Down(1, None, b"", request(0x05, 0, 3, 869_525_000)), Down(0, 4, b"dim", ack=True), Down(1)]
    for _ in range(4):
        city.tell(ask())
        city.run(60_000)
    assert [up.names() for up in network.uplinks] == [[], [5], [5], []]  # sticky until a class A downlink
    assert [window.symbols for window in city.windows] == [0] + [0, 63, 0] * 4


def test_a_class_c_node_answers_a_confirmed_order_and_mac_commands_soon():
    network = Network()
    city = street(network, class_c=True)
    city.run(1000)
    city.send_class_c(network.seal(Down(0, 4, b"dim", confirmed=True)))
    city.run(20_000)
    city.send_class_c(network.seal(Down(0, None, b"", request(0x06))))
    city.run(20_000)
    ack, status = network.uplinks
    assert ack.ack
    assert status.names() == [0x06]


def test_a_class_c_radio_is_tuned_anew_when_rx2_moves():
    network = Network()
    city = street(network, class_c=True)
    city.run(1000)
    city.send_class_c(network.seal(Down(0, None, b"", request(0x05, 0, 0, 868_300_000))))
    city.run(200)
    assert (city.windows[-1].freq_hz, city.windows[-1].dr, city.windows[-1].symbols) == (868_300_000, 0, 0)
    network.rx2 = (868_300_000, 0)
    city.run(60_000)
    city.send_class_c(network.seal(Down(0, 4, b"dim")))
    city.run(60_000)
    assert len(city.events(Downlink)) == 1


def test_a_class_c_answer_at_the_slowest_rx2_is_waited_for():
    network = Network()
    city = street(network, class_c=True)
    network.answers = [Down(1, None, b"", request(0x05, 0, 0, 869_525_000))]
    city.tell(ask())
    city.run(60_000)
    network.rx2 = (869_525_000, 0)
    network.answers = [Down(2, 4, bytes(50), ack=True)]
    city.tell(ask(b"x", 2, True))
    city.run(60_000)
    assert sent(city) == [(1, None), (2, True)]
