"""Every MAC command of EU868 is applied, answered as the tables say, and survives a power cut (TS001-1.0.4 §5)."""

from firmware.actions import AskTime, Transmit, UsePlan
from firmware.events import Downlink
from firmware.mac import Mac
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.mac_commands import encode_command
from protocol.region import FULL, SINGLE_CHANNEL

from .network import ABP, Down, Network, Street
from .test_mac import HOUR_MS, ask, request, street

LINK_ADR = 0x03
DUTY_CYCLE = 0x04
RX_PARAM = 0x05
DEV_STATUS = 0x06
NEW_CHANNEL = 0x07
RX_TIMING = 0x08
TX_PARAM = 0x09
DL_CHANNEL = 0x0A

CHANNELS = (868_100_000, 868_300_000, 868_500_000, 867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)


class Talk:
    """A node that is given commands and answers them."""

    def __init__(self, dr=5, adr=None, plan=FULL):
        self.network = Network()
        self.city = street(self.network, dr=dr, adr=adr, plan=plan)

    def say(self, *commands):
        """Give the commands on FPort 0; returns the answers that come in the frame after the next."""
        self.network.answers = [Down(1, 0, b"".join(commands))]
        self.up()
        return self.up().commands

    def up(self):
        """One more uplink, heard and left without an answer."""
        count = len(self.network.uplinks)
        self.city.tell(ask())
        self.city.run(60_000)
        while len(self.network.uplinks) <= count:
            self.city.run(60_000)
        return self.network.uplinks[-1]

    def used(self):
        """The frequencies of 60 more uplinks."""
        return {self.up().freq_hz for _ in range(60)}


# LinkADRReq, §5.3.


def test_link_adr_sets_data_rate_power_channels_and_repeats():
    talk = Talk()
    assert talk.say(request(LINK_ADR, 4, 3, 0b1001, 0, 2)) == [(LINK_ADR, (1, 1, 1))]
    up = talk.network.uplinks[-1]
    assert (up.dr, up.power_dbm) == (4, 10)
    assert {talk.up().freq_hz for _ in range(40)} == {868_100_000, 867_100_000}
    frames = [up.f_cnt for up in talk.network.uplinks[1:]]
    assert len(frames) == 2 * len(set(frames))
    talk.city.cut()
    up = talk.up()
    assert (up.dr, up.power_dbm) == (4, 10)
    assert {talk.up().freq_hz for _ in range(40)} == {868_100_000, 867_100_000}


def test_link_adr_power_of_every_index():
    for index in range(8):
        talk = Talk()
        assert talk.say(request(LINK_ADR, 15, index, 0x00FF, 0, 1)) == [(LINK_ADR, (1, 1, 1))]
        assert talk.network.uplinks[-1].power_dbm == 16 - 2 * index  # RP 1.0.3revA §2.2.3
    for index in range(8, 15):
        talk = Talk()
        assert talk.say(request(LINK_ADR, 15, index, 0x00FF, 0, 1)) == [(LINK_ADR, (0, 1, 1))]
        assert talk.network.uplinks[-1].power_dbm == 16


def test_a_radio_that_cannot_give_the_power_gives_what_it_can():
    network = Network()
    city = Street(network, lambda saved, image: Mac(ABP, FULL, saved, image, 5, max_eirp_dbm=11))
    network.answers = [
        Down(1, 0, request(LINK_ADR, 15, 1, 0x00FF, 0, 1)),
        Down(1, 0, request(LINK_ADR, 15, 4, 255, 0, 1)),
    ]
    for _ in range(3):
        city.tell(ask())
        city.run(60_000)
    assert network.uplinks[1].commands == network.uplinks[2].commands == [(LINK_ADR, (1, 1, 1))]
    assert [up.power_dbm for up in network.uplinks] == [11, 11, 8]


def test_link_adr_15_keeps_what_is():
    talk = Talk(dr=3)
    talk.say(request(LINK_ADR, 2, 2, 0x00FF, 0, 1))
    assert talk.say(request(LINK_ADR, 15, 15, 0x00FF, 0, 1)) == [(LINK_ADR, (1, 1, 1))]
    assert (talk.up().dr, talk.up().power_dbm) == (2, 12)


def test_link_adr_that_cannot_be_is_refused_whole():
    for values, answer in (
        ((5, 0, 0x0000, 0, 1), (1, 1, 0)),  # no channel at all
        ((5, 0, 0x0100, 0, 1), (1, 1, 0)),  # a channel that is not defined
        ((5, 0, 0x0001, 1, 1), (1, 1, 0)),  # ChMaskCntl that EU868 does not have
        ((5, 0, 0x0001, 5, 1), (1, 1, 0)),
        ((5, 0, 0x0001, 7, 1), (1, 1, 0)),
        ((6, 0, 0x0001, 0, 1), (1, 0, 1)),  # a data rate that no channel carries
        ((8, 0, 0x0001, 0, 1), (1, 0, 1)),
        ((14, 9, 0x0000, 0, 1), (0, 0, 0)),
    ):
        talk = Talk()
        assert talk.say(request(LINK_ADR, *values)) == [(LINK_ADR, answer)]
        up = talk.up()
        assert (up.dr, up.power_dbm) == (5, 16)
        assert talk.used() == set(CHANNELS)


def test_contiguous_link_adr_requests_are_one():
    """The masks add up in their order, all else is the last one's, and every answer says the same."""
    talk = Talk()
    answers = talk.say(
        request(LINK_ADR, 0, 7, 0x0001, 0, 15), request(DEV_STATUS), request(LINK_ADR, 1, 1, 0x0002, 0, 1)
    )
    assert answers == [(LINK_ADR, (1, 1, 1)), (DEV_STATUS, (255, 5)), (LINK_ADR, (1, 1, 1))]
    assert talk.network.uplinks[-1].dr == 1
    talk = Talk()
    answers = talk.say(
        request(LINK_ADR, 0, 7, 0x0001, 0, 15), request(LINK_ADR, 1, 1, 0, 6, 1), request(LINK_ADR, 4, 1, 0x0006, 0, 1)
    )
    assert answers == [(LINK_ADR, (1, 1, 1))] * 3
    assert talk.network.uplinks[-1].dr == 4
    assert {talk.up().freq_hz for _ in range(30)} == {868_300_000, 868_500_000}
    talk = Talk()
    answers = talk.say(request(LINK_ADR, 0, 7, 0x0001, 3, 15), request(LINK_ADR, 4, 1, 0x0006, 0, 1))
    assert answers == [(LINK_ADR, (1, 1, 0))] * 2  # one bad mask, and none is obeyed
    assert talk.used() == set(CHANNELS)


def test_ch_mask_cntl_6_enables_every_channel_there_is():
    talk = Talk()
    talk.say(request(LINK_ADR, 5, 0, 0x0001, 0, 1))
    talk.say(request(LINK_ADR, 5, 0, 0x0000, 6, 1))
    assert talk.used() == set(CHANNELS)


def test_nb_trans_0_is_once():
    talk = Talk()
    talk.say(request(LINK_ADR, 5, 0, 0x00FF, 0, 3))
    talk.say(request(LINK_ADR, 5, 0, 0x00FF, 0, 0))
    count = len(talk.network.uplinks)
    talk.up()
    assert len(talk.network.uplinks) == count + 1


def test_with_adr_off_the_mask_alone_is_obeyed():
    talk = Talk(adr=False)
    assert not talk.up().adr
    assert talk.say(request(LINK_ADR, 2, 4, 0x0003, 0, 3)) == [(LINK_ADR, (1, 1, 1))]
    up = talk.up()
    assert (up.dr, up.power_dbm) == (5, 16)
    assert talk.used() == {868_100_000, 868_300_000}


# DutyCycleReq, §5.3 of the older and §5.4 of the newer numbering.


def test_duty_cycle_limits_all_bands_together():
    talk = Talk()
    assert talk.say(request(DUTY_CYCLE, 12)) == [(DUTY_CYCLE, ())]
    talk.city.cut()
    for _ in range(20):
        talk.up()
    ups = talk.network.uplinks[-20:]
    for i in range(19):
        airtime_ms = ups[i].end_ms - ups[i].start_ms
        assert ups[i + 1].start_ms - ups[i].start_ms >= 4096 * airtime_ms
    talk.city.tell(ask())
    talk.city.run(1000)
    wake_ms = talk.city.mac.wake_at()
    talk.city.nap()
    assert talk.city.mac.wake_at() is None  # nothing waits: its compose was code
    talk.city.tell(ask())
    assert talk.city.mac.wake_at() == wake_ms
    talk.say(request(DUTY_CYCLE, 0))
    before = talk.up().end_ms
    assert talk.up().start_ms - before < 61_000


# RXParamSetupReq, §5.5: sticky.


def test_rx_param_setup_moves_both_windows_and_is_answered_until_heard():
    talk = Talk()
    assert talk.say(request(RX_PARAM, 2, 0, 868_300_000)) == [(RX_PARAM, (1, 1, 1))]
    assert talk.up().commands == [(RX_PARAM, (1, 1, 1))]
    assert [window.dr for window in talk.city.windows[-2:]] == [3, 0]
    assert talk.city.windows[-1].freq_hz == 868_300_000
    talk.city.cut()  # the answer goes, the settings stay
    talk.up()
    assert [window.dr for window in talk.city.windows[-2:]] == [3, 0]
    talk.network.offset = 2
    talk.network.answers = [Down(1)]
    talk.up()
    assert talk.up().commands == []


def test_rx_param_setup_that_cannot_be_is_refused_whole():
    for values, answer in (
        ((6, 3, 869_525_000), (0, 1, 1)),
        ((7, 3, 869_525_000), (0, 1, 1)),
        ((0, 8, 869_525_000), (1, 0, 1)),
        ((0, 15, 869_525_000), (1, 0, 1)),
        ((0, 3, 868_650_000), (1, 1, 0)),
        ((0, 3, 0), (1, 1, 0)),
        ((7, 9, 433_000_000), (0, 0, 0)),
    ):
        talk = Talk()
        assert talk.say(request(RX_PARAM, *values)) == [(RX_PARAM, answer)]
        assert (talk.city.windows[-1].dr, talk.city.windows[-1].freq_hz) == (3, 869_525_000)
        assert talk.city.windows[-2].dr == 5


# DevStatusReq, §5.5.


def test_dev_status_tells_battery_and_margin():
    talk = Talk()
    talk.city.make = lambda saved, image: Mac(ABP, FULL, saved, image, 5, battery=lambda: 128)
    talk.city.nap()
    assert talk.say(request(DEV_STATUS)) == [(DEV_STATUS, (128, 5))]  # 22 quarters of a dB
    assert talk.up().commands == []  # once


def test_dev_status_margin_keeps_to_six_bits():
    from firmware.commands import obey
    from firmware.session import Session

    session = Session(1, bytes(16), bytes(16), FULL, 5)
    for snr_quarter_db, margin in ((-300, 0x20), (-128, 0x20), (-80, 0x2C), (-1, 0x3F), (0, 0), (124, 31), (127, 31)):
        answers, _ = obey(session, request(DEV_STATUS), True, 0, b"", 0, 0, snr_quarter_db, 51)
        assert answers == bytes([6, 0, margin])


# NewChannelReq, §5.6.


def test_new_channel_is_used_at_once_and_can_be_taken_away():
    talk = Talk()
    assert talk.say(request(NEW_CHANNEL, 8, 864_100_000, 5, 0)) == [(NEW_CHANNEL, (1, 1))]
    talk.city.cut()
    assert 864_100_000 in talk.used()
    assert talk.say(request(NEW_CHANNEL, 8, 0, 0, 0)) == [(NEW_CHANNEL, (1, 1))]
    assert talk.used() == set(CHANNELS)
    assert talk.say(request(NEW_CHANNEL, 15, 0, 0, 0)) == [(NEW_CHANNEL, (1, 1))]  # was not there


def test_new_channel_that_cannot_be_is_refused():
    for values, answer in (
        ((0, 867_100_000, 5, 0), (0, 0)),  # a default channel
        ((2, 0, 0, 0), (0, 0)),
        ((16, 867_100_000, 5, 0), (0, 0)),
        ((255, 867_100_000, 5, 0), (0, 0)),
        ((8, 868_650_000, 5, 0), (1, 0)),  # between two sub-bands
        ((8, 864_100_000, 8, 0), (0, 1)),
        ((8, 864_100_000, 2, 3), (0, 1)),
        ((8, 433_100_000, 15, 0), (0, 0)),
        ((8, 867_938_000, 6, 6), (1, 0)),  # 250 kHz would reach into the next sub-band
    ):
        talk = Talk()
        assert talk.say(request(NEW_CHANNEL, *values)) == [(NEW_CHANNEL, answer)], values
        assert talk.used() == set(CHANNELS)


def test_the_last_channel_that_carries_the_data_rate_is_missed_by_nobody():
    talk = Talk()
    talk.say(request(NEW_CHANNEL, 8, 864_100_000, 7, 6), request(LINK_ADR, 6, 0, 0x0100, 0, 1))
    assert talk.up().dr == 6
    talk.say(request(NEW_CHANNEL, 8, 0, 0, 0))
    up = talk.up()
    assert up.dr == 5
    assert up.freq_hz in CHANNELS[:3]


def test_a_repeat_whose_channel_was_taken_away_is_over():
    """A class C node hears of it between two repeats."""
    network = Network()
    city = street(network, class_c=True)
    network.answers = [Down(1, 0, request(NEW_CHANNEL, 8, 864_100_000, 7, 6) + request(LINK_ADR, 6, 0, 0x0100, 0, 15))]
    city.tell(ask())
    city.run(60_000)
    city.tell(ask(b"again", 2))
    city.run(7_500)
    count = len(network.uplinks)
    city.send_class_c(network.seal(Down(0, None, b"", request(NEW_CHANNEL, 8, 0, 0, 0))))
    city.run(200_000)
    assert count == 2
    assert [up.f_port for up in network.uplinks] == [1, 2, None] + [None] * 14
    assert city.told[-1][1].f_port == 2


# RXTimingSetupReq, §5.7: sticky.


def test_rx_timing_setup_of_every_delay():
    for delay in range(16):
        talk = Talk()
        assert talk.say(request(RX_TIMING, delay)) == [(RX_TIMING, ())]
        assert talk.up().commands == [(RX_TIMING, ())]
        up = talk.network.uplinks[-1]
        rx1, rx2 = talk.city.windows[-2:]
        assert 0 <= 1000 * max(1, delay) - (rx1.open_ms - up.end_ms) < 100
        assert 0 <= 1000 * (max(1, delay) + 1) - (rx2.open_ms - up.end_ms) < 100
        talk.network.delay_s = max(1, delay)
        for skew_ms in (-50, 50):
            talk.city.skew_ms = skew_ms // 50 * (20 + 2 * max(1, delay))
            talk.network.answers = [Down(1, 5, b"heard")]
            talk.up()
        assert len(talk.city.events(Downlink)) == 2
        assert talk.up().commands == []


# TXParamSetupReq, §5.8, and class B.


def test_what_eu868_class_a_does_not_have_gets_no_answer():
    talk = Talk()
    commands = request(TX_PARAM, 0, 0, 5) + request(0x10) + request(0x11, 869_525_000, 3) + request(0x13, 869_525_000)
    assert talk.say(commands, request(DEV_STATUS)) == [(DEV_STATUS, (255, 5))]


def test_commands_before_an_unknown_one_count():
    talk = Talk()
    assert talk.say(request(DEV_STATUS), b"\x80\x01\x02", request(DEV_STATUS)) == [(DEV_STATUS, (255, 5))]


# DlChannelReq, §5.9: sticky.


def test_dl_channel_moves_rx1_of_one_channel():
    talk = Talk()
    talk.say(request(LINK_ADR, 5, 0, 0x0003, 0, 1))
    assert talk.say(request(DL_CHANNEL, 0, 869_800_000)) == [(DL_CHANNEL, (1, 1))]
    assert talk.up().commands == [(DL_CHANNEL, (1, 1))]
    talk.network.down_hz = {868_100_000: 869_800_000}
    heard = set()
    for number in range(20):
        if number == 10:
            talk.city.cut()
        talk.network.answers = [Down(1, 5, b"x")]
        heard.add(talk.up().freq_hz)
    assert heard == {868_100_000, 868_300_000}
    assert len(talk.city.events(Downlink)) == 20
    talk.say(request(NEW_CHANNEL, 3, 867_100_000, 5, 0), request(DL_CHANNEL, 3, 869_800_000))
    talk.network.down_hz[867_100_000] = 869_800_000
    talk.say(request(NEW_CHANNEL, 3, 867_100_000, 5, 0), request(LINK_ADR, 5, 0, 0x0008, 0, 1))
    del talk.network.down_hz[867_100_000]
    talk.network.answers = [Down(1, 5, b"back to the uplink's own")]
    talk.up()
    assert len(talk.city.events(Downlink)) == 21


def test_dl_channel_that_cannot_be_is_refused():
    for values, answer in (
        ((8, 869_800_000), (0, 1)),
        ((16, 869_800_000), (0, 1)),
        ((0, 0), (1, 0)),
        ((0, 868_650_000), (1, 0)),
        ((200, 433_000_000), (0, 0)),
    ):
        talk = Talk()
        assert talk.say(request(DL_CHANNEL, *values)) == [(DL_CHANNEL, answer)]


# Answers.


def test_answers_that_fill_fopts_go_before_the_application_on_port_0():
    talk = Talk()
    commands = [request(DL_CHANNEL, n % 8, 869_800_000) for n in range(9)]
    talk.network.answers = [Down(1, 0, b"".join(commands))]
    talk.up()
    talk.city.tell(AskTime())
    talk.city.tell(ask(b"reading", 2))
    talk.city.run(60_000)
    alone, app = talk.network.uplinks[-2:]
    assert (alone.f_port, len(alone.commands)) == (0, 9)
    assert (app.f_port, app.payload) == (2, b"reading")
    assert app.names() == [DL_CHANNEL] * 7 + [0x0D]  # as many sticky ones as fit, and the request


def test_more_answers_than_a_frame_holds_are_cut_at_a_whole_one():
    talk = Talk(dr=0)
    talk.say(*[request(DEV_STATUS)] * 40)
    assert talk.network.uplinks[-2].commands == [(DEV_STATUS, (255, 5))] * 17  # 51 bytes
    assert talk.network.uplinks[-2].dr == 0


def test_a_request_that_finds_no_room_waits_for_the_next_frame():
    talk = Talk()
    commands = b"".join([request(DEV_STATUS)] * 5)
    talk.network.answers = [Down(1, 0, commands)]
    talk.up()
    talk.city.tell(AskTime())
    assert talk.up().names() == [DEV_STATUS] * 5
    assert talk.up().names() == [0x0D]


def test_answers_leave_the_application_its_room():
    talk = Talk(dr=0)
    talk.network.answers = [Down(1, 0, b"".join([request(DL_CHANNEL, n, 869_800_000) for n in range(7)]))]
    talk.up()
    rooms = []
    talk.city.tell(Transmit(1, lambda room, now_ms: rooms.append(room) or bytes(room)))
    talk.city.run(HOUR_MS)
    assert rooms == [51 - 14]
    assert len(talk.network.uplinks[-1].payload) == 37


# UsePlan.


def test_a_plan_changes_from_the_next_frame_on_and_stays():
    talk = Talk(dr=3, plan=SINGLE_CHANNEL)
    up = talk.up()
    assert (up.dr, up.adr, talk.used()) == (3, False, {868_100_000})
    talk.city.tell(UsePlan(0))
    up = talk.up()
    assert (up.dr, up.adr, talk.used()) == (3, True, set(CHANNELS))
    talk.city.cut()
    assert talk.up().adr
    talk.city.tell(UsePlan(1))
    talk.city.nap()
    up = talk.up()
    assert (up.dr, up.adr, talk.used()) == (3, False, {868_100_000})
    talk.city.tell(UsePlan(2))
    talk.city.tell(UsePlan(-1))
    assert talk.used() == {868_100_000}


def test_commands_are_encoded_as_the_table_test_expects():
    assert encode_command(DOWNLINK, LINK_ADR, 5, 1, 0x00FF, 0, 1) == bytes([3, 0x51, 0xFF, 0, 1])
