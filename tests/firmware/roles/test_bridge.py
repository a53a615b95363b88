from firmware.events import Woke
from firmware.roles.bridge import (
    HELLO_US,
    LEAD_US,
    MAX_ADVANCE_US,
    MAX_WAITING,
    STATISTICS_US,
    Bridge,
    Emit,
    Emitted,
    FrameReceived,
    Listen,
    Tell,
)
from protocol import envelope as e
from protocol.region import SINGLE_CHANNEL, frame_airtime_us
from tests.protocol.expect import Dice, hexa

EUI = hexa("70b3d5 0000 0000 01")
START_US = 5_000_000
RX2_HZ = 869_525_000
PAYLOAD = bytes(20)
AIRTIME_US = frame_airtime_us(3, 20, uplink=False)


def order(token=1, at_us=None, freq_hz=RX2_HZ, sf=9, bw_hz=125_000, power_dbm=14, phy=PAYLOAD, preamble=8):
    return e.message(
        e.TRANSMIT,
        token=token,
        at_us=at_us,
        freq_hz=freq_hz,
        sf=sf,
        bw_hz=bw_hz,
        power_dbm=power_dbm,
        iq_inverted=True,
        preamble_symbols=preamble,
        phy_payload=phy,
    )


def running(antenna_cdb=215):
    bridge = Bridge(EUI, "1.2.3", SINGLE_CHANNEL, antenna_cdb)
    bridge.handle(Woke(), START_US)
    return bridge


def told(actions):
    return [action.content for action in actions if isinstance(action, Tell)]


def results(actions):
    return [(content.token, content.outcome) for content in told(actions) if content.kind == e.TRANSMIT_RESULT]


def emitted(actions):
    return [(action.order.token, action.start_us) for action in actions if isinstance(action, Emit)]


class Radio:
    """A bridge with a radio that ends each frame in time; done: all actions, in order."""

    def __init__(self):
        self.now_us = START_US
        self.done = []
        self._bridge = Bridge(EUI, "1.2.3", SINGLE_CHANNEL)
        self._over = None
        self.tell(Woke())

    def tell(self, event):
        """The bridge hears *event* now."""
        for action in self._bridge.handle(event, self.now_us):
            self.done.append(action)
            if isinstance(action, Emit):
                assert self._over is None, "one frame at a time"
                assert action.start_us >= self.now_us
                self._over = (action.start_us + AIRTIME_US, Emitted(action.start_us, 14))

    def run(self, until_us):
        """Ring its alarms and end its frames."""
        while True:
            due_us = self._bridge.wake_at()
            if self._over:
                due_us = min(due_us, self._over[0])
            if due_us > until_us:
                self.now_us = until_us
                return
            self.now_us = max(self.now_us, due_us)
            event = Woke()
            if self._over and self._over[0] <= self.now_us:
                event = self._over[1]
                self._over = None
            self.tell(event)


def test_at_start_it_says_hello_and_listens():
    bridge = Bridge(EUI, "1.2.3", SINGLE_CHANNEL)
    listen, hello = bridge.handle(Woke(), START_US)
    assert isinstance(listen, Listen)
    assert (listen.freq_hz, listen.dr) == (868_100_000, 3)
    expected = e.message(e.HELLO, role=e.BRIDGE, firmware="1.2.3", eui=EUI, max_phy_len=255, plan=1)
    assert hello.content == expected


def test_it_answers_a_hello_but_never_more_than_once_a_second():
    hello = e.message(e.HELLO, role=e.GATEWAY, firmware="x", eui=bytes(8), max_phy_len=255, plan=None)
    bridge = running()
    assert bridge.handle(hello, START_US + 1000) == []
    assert bridge.wake_at() == START_US + HELLO_US
    assert [content.kind for content in told(bridge.handle(Woke(), START_US + HELLO_US))] == [e.HELLO]
    assert bridge.wake_at() == START_US + STATISTICS_US - START_US
    later_us = START_US + 3 * HELLO_US
    assert [content.kind for content in told(bridge.handle(hello, later_us))] == [e.HELLO]
    other = e.message(e.HELLO, role=e.BRIDGE, firmware="x", eui=bytes(8), max_phy_len=255, plan=None)
    assert bridge.handle(other, later_us + 2 * HELLO_US) == []


def test_a_frame_goes_up_as_it_was_heard():
    bridge = running()
    (action,) = bridge.handle(FrameReceived((1 << 32) + 77, -97, 26, True, b"\x40abc"), START_US)
    content = action.content
    assert (content.kind, content.counter_us, content.freq_hz) == (e.RECEIVED, 77, 868_100_000)
    assert (content.sf, content.bw_hz, content.rssi_dbm, content.snr_qdb) == (9, 125_000, -97, 26)
    assert (content.crc_ok, content.phy_payload) == (True, b"\x40abc")
    e.open_envelope(e.seal(content))


def test_noise_is_counted_and_goes_no_further():
    bridge = running()
    assert bridge.handle(FrameReceived(0, -130, -80, False, b"?"), START_US) == []
    (statistics,) = told(bridge.handle(Woke(), STATISTICS_US))
    assert (statistics.received_ok, statistics.received_bad, statistics.forwarded) == (0, 1, 0)


def test_statistics_come_every_half_minute():
    radio = Radio()
    radio.tell(FrameReceived(0, -100, 0, True, b"\x40"))
    radio.tell(order())
    radio.run(3 * STATISTICS_US)
    reports = [content for content in told(radio.done) if content.kind == e.STATISTICS]
    assert [report.uptime_s for report in reports] == [30, 60, 90]
    assert (reports[-1].received_ok, reports[-1].forwarded, reports[-1].transmitted) == (1, 1, 1)


def test_now_means_now():
    bridge = running()
    actions = bridge.handle(order(7), START_US)
    assert emitted(actions) == [(7, START_US + LEAD_US)]
    (result,) = told(bridge.handle(Emitted(START_US + LEAD_US + 3, 13), START_US + LEAD_US + AIRTIME_US))
    expected = e.message(e.TRANSMIT_RESULT, token=7, outcome=e.SENT, started_us=START_US + LEAD_US + 3, actual_dbm=13)
    assert result == expected


def test_a_window_is_met_to_the_microsecond_also_where_the_counter_wraps():
    for now_us in (START_US, (1 << 32) - 2_000_000, (1 << 32) - 10_000, (5 << 32) - 2_000_000):
        bridge = Bridge(EUI, "1", SINGLE_CHANNEL)
        bridge.handle(Woke(), now_us)
        start_us = now_us + 5_000_000
        told_us = start_us & 0xFFFFFFFF
        assert results(bridge.handle(order(7, at_us=told_us), now_us)) == []
        if bridge.wake_at() == STATISTICS_US:
            bridge.handle(Woke(), STATISTICS_US)
        assert bridge.wake_at() == start_us - LEAD_US
        assert emitted(bridge.handle(Woke(), start_us - LEAD_US)) == [(7, start_us)]


def test_too_late_and_too_early():
    bridge = running()
    assert results(bridge.handle(order(1, at_us=START_US + LEAD_US - 1), START_US)) == [(1, e.TOO_LATE)]
    assert results(bridge.handle(order(2, at_us=START_US - 60_000_000 & 0xFFFFFFFF), START_US)) == [(2, e.TOO_LATE)]
    assert results(bridge.handle(order(3, at_us=START_US + MAX_ADVANCE_US + 1), START_US)) == [(3, e.TOO_EARLY)]
    assert results(bridge.handle(order(4, at_us=START_US + MAX_ADVANCE_US), START_US)) == []
    assert emitted(bridge.handle(order(5, at_us=START_US + LEAD_US), START_US)) == [(5, START_US + LEAD_US)]


def test_an_alarm_that_came_too_late_is_said():
    bridge = running()
    bridge.handle(order(1, at_us=START_US + 1_000_000), START_US)
    assert results(bridge.handle(Woke(), START_US + 1_000_001)) == [(1, e.TOO_LATE)]
    bridge.handle(order(2, at_us=START_US + 3_000_000), START_US + 1_000_001)
    assert emitted(bridge.handle(Woke(), START_US + 3_000_000)) == [(2, START_US + 3_000_000)]


def test_two_frames_that_touch_collide():
    at_us = START_US + 1_000_000
    for shift_us, collides in (
        (0, True),
        (AIRTIME_US + 2_000, True),
        (AIRTIME_US + 2_001, False),
        (-AIRTIME_US - 2_000, True),
        (-AIRTIME_US - 2_001, False),
    ):
        bridge = running()
        bridge.handle(order(1, at_us=at_us), START_US)
        expected = [(2, e.COLLISION)] if collides else []
        assert results(bridge.handle(order(2, at_us=at_us + shift_us), START_US)) == expected


def test_a_frame_in_the_way_is_waited_for_by_one_that_may_go_at_any_time():
    radio = Radio()
    second_us = START_US + LEAD_US + AIRTIME_US + 50_000  # no room between the first two
    for token, at_us in ((1, START_US + LEAD_US), (2, second_us), (3, None), (4, None)):
        radio.tell(order(token, at_us=at_us))
    radio.run(START_US + 20 * AIRTIME_US)
    step_us = AIRTIME_US + 2_001
    expected = [(1, START_US + LEAD_US), (2, second_us), (3, second_us + step_us), (4, second_us + 2 * step_us)]
    assert emitted(radio.done) == expected
    assert results(radio.done) == [(1, e.SENT), (2, e.SENT), (3, e.SENT), (4, e.SENT)]


def test_one_that_fits_before_the_next_goes_before_it():
    bridge = running()
    bridge.handle(order(1, at_us=START_US + 5_000_000), START_US)
    assert emitted(bridge.handle(order(2), START_US)) == [(2, START_US + LEAD_US)]


def test_no_more_wait_than_there_is_room_for():
    bridge = running()
    for n in range(MAX_WAITING):
        assert bridge.handle(order(n, at_us=START_US + (n + 1) * 1_000_000), START_US) == []
    assert results(bridge.handle(order(99, at_us=START_US + 30_000_000), START_US)) == [(99, e.COLLISION)]


def test_what_would_break_the_band_is_refused():
    for freq_hz, power_dbm, outcome in (
        (868_100_000, 14, None),
        (868_100_000, 15, e.BAD_POWER),
        (RX2_HZ, 27, None),
        (RX2_HZ, 28, e.BAD_POWER),
        (868_650_000, 5, e.BAD_FREQUENCY),
        (433_100_000, 5, e.BAD_FREQUENCY),
    ):
        expected = [] if outcome is None else [(1, outcome)]
        assert results(running().handle(order(freq_hz=freq_hz, power_dbm=power_dbm), START_US)) == expected
    assert results(running(antenna_cdb=316).handle(order(freq_hz=868_100_000), START_US)) == [(1, e.BAD_POWER)]
    assert results(running().handle(order(sf=9, bw_hz=250_000), START_US)) == [(1, e.BAD_FREQUENCY)]


def test_fsk_and_long_preambles_take_their_time():
    bridge = running()
    bridge.handle(order(1, sf=0, bw_hz=0, freq_hz=868_300_000), START_US)
    assert bridge.wake_at() < START_US + LEAD_US + 10_000 + 1_000_000
    bridge = running()
    bridge.handle(order(1, at_us=START_US + 1_000_000, preamble=1000), START_US)
    late_us = START_US + 1_000_000 + AIRTIME_US + 992 * 4096
    assert results(bridge.handle(order(2, at_us=late_us), START_US)) == [(2, e.COLLISION)]
    assert results(bridge.handle(order(3, at_us=late_us + 2_001), START_US)) == []


def test_a_radio_that_fails_or_stays_silent_is_said():
    bridge = running()
    bridge.handle(order(1), START_US)
    assert results(bridge.handle(Emitted(None, None), START_US + LEAD_US)) == [(1, e.RADIO_FAULT)]
    bridge.handle(order(2), START_US + 1_000_000)
    over_us = START_US + 1_000_000 + LEAD_US + AIRTIME_US + 1_000_000
    assert bridge.wake_at() == over_us
    assert results(bridge.handle(Woke(), over_us)) == [(2, e.RADIO_FAULT)]
    assert bridge.handle(Emitted(over_us, 14), over_us + 1) == []


def test_messages_that_are_not_for_it_do_no_harm():
    bridge = running()
    wake_us = bridge.wake_at()
    for content in (
        e.message(e.LOG, level=1, text="?"),
        e.message(e.FRAME, phy_payload=b"\x40"),
        e.Message(99, [1]),
    ):
        assert bridge.handle(content, START_US) == []
    assert bridge.wake_at() == wake_us


def test_whatever_it_is_told_every_order_has_one_answer_and_no_two_frames_touch():
    for seed in range(60):
        dice = Dice(seed)
        radio = Radio()
        for token in range(40):
            at_us = None if dice.below(3) == 0 else radio.now_us + dice.below(2_000) * 1000 - 100_000
            radio.tell(order(token, at_us=at_us))
            radio.run(radio.now_us + dice.below(800) * 1000)
        radio.run(radio.now_us + 20_000_000)
        answered = results(radio.done)
        assert sorted([token for token, _ in answered]) == list(range(40))
        assert {outcome for _, outcome in answered} <= {e.SENT, e.TOO_LATE, e.COLLISION}
        sent = [token for token, outcome in answered if outcome == e.SENT]
        starts = [start_us for _, start_us in emitted(radio.done)]
        assert [token for token, _ in emitted(radio.done)] == sent
        assert min([starts[n + 1] - starts[n] for n in range(len(starts) - 1)]) > AIRTIME_US + 2_000
