"""The gateway's end of a cable: with the bridge's own program at the other end, with a node's words, with noise."""

import random
from dataclasses import replace

import pytest

from firmware.roles.bridge import STATISTICS_US, Bridge, Emit, Emitted, FrameReceived, Tell
from gateway.links.cable import (
    DEAD_MS,
    HELLO_MS,
    LOGS_PER_MINUTE,
    MAX_PENDING,
    QUIET_MS,
    RESULT_MS,
    STRANGE_MS,
    Cable,
)
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
from protocol import envelope
from protocol.envelope import Decoder, message, seal
from protocol.region import SINGLE_CHANNEL

EUI = bytes.fromhex("70B3D57ED0000001")
BRIDGE = "bridge:70b3d57ed0000001"
NODE = "cable:70b3d57ed0000001"
TRANSMIT = Transmit(
    token=70_000,
    radio=BRIDGE,
    phy_payload=b"\x60",
    freq_hz=869_525_000,
    dr=3,
    power_dbm=14,
    counter_us=6_000_000,
)


class Street:
    """A `Cable` and the firmware's `Bridge`, joined by bytes, in virtual time. heard: what the gateway takes."""

    def __init__(self):
        self.now_us = 0
        self.heard = []
        self.on_air = []
        self.hellos = 0
        self.deaf = True  # the cable carries nothing up
        self.cable = Cable("serial:/dev/bridge", "0.1.0")
        self.restart()
        self.deaf = False

    def restart(self):
        """The bridge begins anew, as after a power cut; its clock too."""
        self.started_us = self.now_us
        self.bridge = Bridge(EUI, "0.2.0", SINGLE_CHANNEL)
        self.decoder = Decoder()
        self.told_bridge(None)

    def told_bridge(self, event):
        for action in self.bridge.handle(event, self.now_us - self.started_us):
            if isinstance(action, Tell):
                self.hellos += action.content.kind == envelope.HELLO
                if not self.deaf:
                    self.take(self.cable.feed(seal(action.content), self.now_us // 1000))
            elif isinstance(action, Emit):
                self.on_air.append(action)

    def take(self, effects):
        for effect in effects:
            if isinstance(effect, bytes):
                for content in self.decoder.feed(effect):
                    self.told_bridge(content)
            else:
                self.heard.append(effect)

    def run(self, until_ms):
        """Let time pass, alarm by alarm."""
        while True:
            alarm_us = self.started_us + self.bridge.wake_at()
            wake_ms = self.cable.wake_at()
            next_us = min(alarm_us, alarm_us if wake_ms is None else wake_ms * 1000)
            if next_us > until_ms * 1000:
                self.now_us = until_ms * 1000
                return
            self.now_us = max(self.now_us, next_us)
            if wake_ms is not None and wake_ms * 1000 <= self.now_us:
                self.take(self.cable.wake(self.now_us // 1000))
            if alarm_us <= self.now_us:
                self.told_bridge(None)

    def transmit(self, transmit):
        self.take(self.cable.transmit(transmit, self.now_us // 1000))

    def results(self):
        return [(one.token, one.outcome) for one in self.heard if isinstance(one, TransmitResult)]

    def reports(self):
        return [
            (one.radio, one.online, one.detail) for one in self.heard if isinstance(one, RadioReport) and one.detail
        ]


@pytest.fixture(name="street")
def _street():
    street = Street()
    street.take(street.cable.opened(0))
    street.run(3_000)
    return street


def met(role=envelope.NODE, max_phy_len=255):
    """A cable at whose other end somebody has said who he is."""
    cable = Cable("serial:/dev/port", "0.1.0")
    cable.opened(0)
    hello = message(envelope.HELLO, role=role, firmware="0.2.0", eui=EUI, max_phy_len=max_phy_len, plan=None)
    cable.feed(seal(hello), 0)
    return cable


def heard(cable, content, now_ms=0):
    return cable.feed(seal(content), now_ms)


def test_both_ends_get_to_know_each_other_and_then_fall_silent(street):
    assert street.reports() == [(BRIDGE, True, "is there, firmware 0.2.0")]
    assert street.cable.radio == BRIDGE
    assert street.hellos == 2  # at its start, before anybody listened, and in answer
    street.run(600_000)
    assert street.hellos == 2


def test_the_gateway_says_hello_as_a_gateway():
    (sealed,) = Cable("serial:/dev/port", "0.1.0").opened(0)
    (hello,) = Decoder().feed(sealed)
    assert (hello.kind, hello.role, hello.firmware, hello.plan) == (envelope.HELLO, envelope.GATEWAY, "0.1.0", None)


def test_a_frame_from_the_bridge(street):
    street.told_bridge(FrameReceived(5_000_000, -117, -31, True, b"\x40\x01"))
    street.told_bridge(FrameReceived(5_100_000, -117, -31, False, b"\x40\x01"))
    assert street.heard[-1] == Received(
        radio=BRIDGE,
        phy_payload=b"\x40\x01",
        freq_hz=868_100_000,
        dr=3,
        counter_us=5_000_000,
        rssi_dbm=-117,
        snr_db=-7.75,
    )


@pytest.mark.parametrize(("sf", "bw_hz", "crc_ok"), [(9, 125_000, False), (7, 500_000, True)])
def test_frames_with_a_wrong_crc_or_of_no_eu868_data_rate_go_no_further(sf, bw_hz, crc_ok):
    content = message(
        envelope.RECEIVED,
        counter_us=0,
        freq_hz=868_100_000,
        sf=sf,
        bw_hz=bw_hz,
        rssi_dbm=-90,
        snr_qdb=20,
        crc_ok=crc_ok,
        phy_payload=b"\x40",
    )
    assert heard(met(envelope.BRIDGE), content) == []


def test_what_a_newer_board_says_is_passed_over():
    assert heard(met(), envelope.Message(99, [1, "new"])) == []


def test_a_downlink_at_its_microsecond(street):
    street.transmit(TRANSMIT)
    street.run(6_000)
    (emit,) = street.on_air
    assert emit.start_us == 6_000_000
    order = emit.order
    assert (order.freq_hz, order.sf, order.bw_hz, order.power_dbm) == (869_525_000, 9, 125_000, 14)
    assert (order.iq_inverted, order.preamble_symbols, order.phy_payload) == (True, 8, b"\x60")
    street.told_bridge(Emitted(6_000_000, 14))
    street.run(60_000)
    assert street.results() == [(70_000, Outcome.SENT)]


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"counter_us": 3_000_000}, Outcome.TOO_LATE),
        ({"counter_us": 70_000_000}, Outcome.TOO_EARLY),
        ({"freq_hz": 868_650_000}, Outcome.TX_FREQ),
        ({"power_dbm": 30}, Outcome.TX_POWER),
    ],
)
def test_what_the_bridge_refuses_and_why(street, change, outcome):
    street.transmit(replace(TRANSMIT, **change))
    assert street.results() == [(70_000, outcome)]


def test_two_downlinks_at_once_collide(street):
    street.transmit(TRANSMIT)
    street.transmit(replace(TRANSMIT, token=70_001))
    assert street.results() == [(70_001, Outcome.COLLISION)]


def test_a_radio_that_fails_is_told(street):
    street.transmit(TRANSMIT)
    street.run(6_000)
    street.told_bridge(Emitted(None, None))
    assert street.results() == [(70_000, Outcome.RADIO_FAULT)]


def test_a_bridge_that_restarted_has_lost_what_it_was_told(street):
    street.transmit(TRANSMIT)
    street.run(5_500)
    street.restart()
    assert street.results() == [(70_000, Outcome.NO_ANSWER)]
    assert street.reports()[-1] == (BRIDGE, True, "has restarted, firmware 0.2.0")
    street.run(600_000)
    assert street.hellos == 4  # one at its start, one in answer to ours, and no echo of that
    assert len(street.reports()) == 2
    street.transmit(replace(TRANSMIT, token=70_001, counter_us=None))
    street.told_bridge(None)
    street.run(street.now_us // 1000 + 1_000)
    assert len(street.on_air) == 1


def test_a_board_that_starts_while_it_is_asked_says_hello_twice_and_has_restarted_once():
    cable = Cable("serial:/dev/port", "0.1.0")
    cable.opened(0)
    hello = message(envelope.HELLO, role=envelope.BRIDGE, firmware="0.2.0", eui=EUI, max_phy_len=255, plan=1)
    assert len(heard(cable, hello, 100)) == 1  # of its start, though it looks like the answer
    cable.transmit(TRANSMIT, 200)
    assert heard(cable, hello, 1_100) == []  # the answer
    result, report, asked = heard(cable, hello, 6_000)
    assert result == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)
    assert report.detail == "has restarted, firmware 0.2.0"
    assert isinstance(asked, bytes)


def test_a_restart_whose_hello_was_lost_shows_in_the_statistics():
    cable = met(envelope.BRIDGE)
    cable.transmit(TRANSMIT, 0)
    counts = {"received_ok": 0, "received_bad": 0, "forwarded": 0, "transmitted": 0}
    (report,) = heard(cable, message(envelope.STATISTICS, uptime_s=60, **counts))
    result, report = heard(cable, message(envelope.STATISTICS, uptime_s=2, **counts))
    assert result == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)
    assert report.figures[0] == ("uptime_s", 2.0)


def test_without_an_answer_the_result_comes_by_itself(street):
    street.transmit(TRANSMIT)
    street.deaf = True
    street.run(3_000 + RESULT_MS)
    assert street.results() == [(70_000, Outcome.NO_ANSWER)]


def test_what_the_bridge_counts_is_a_report(street):
    street.told_bridge(FrameReceived(5_000_000, -117, -31, True, b"\x40\x01"))
    street.cable.feed(b"\x00noise\x00", 3_000)
    street.run(STATISTICS_US // 1000)
    report = street.heard[-1]
    assert report == RadioReport(
        radio=BRIDGE,
        online=True,
        detail="",
        figures=(
            ("uptime_s", 30.0),
            ("received_ok", 1.0),
            ("received_bad", 0.0),
            ("forwarded", 1.0),
            ("transmitted", 0.0),
            ("bad_envelopes", 1.0),
            ("discarded_bytes", 5.0),
            ("overflow", 0.0),
        ),
    )


def test_more_downlinks_than_any_bridge_keeps_are_refused():
    cable = met(envelope.BRIDGE)
    tokens = set()
    for _ in range(MAX_PENDING):
        (sealed,) = cable.transmit(TRANSMIT, 0)
        tokens.add(Decoder().feed(sealed)[0].token)
    assert len(tokens) == MAX_PENDING
    assert cable.transmit(TRANSMIT, 0) == [TransmitResult(token=70_000, outcome=Outcome.COLLISION)]


def test_tokens_on_the_cable_wrap_and_are_never_shared():
    cable = met(envelope.BRIDGE)
    cable._wire_token = 0xFFFD
    tokens = []
    for number in range(5):
        if number == 3:
            cable._wire_token = 0xFFFD  # as 65,536 downlinks later, while these are still under way
        (sealed,) = cable.transmit(replace(TRANSMIT, token=number), 0)
        tokens.append(Decoder().feed(sealed)[0].token)
    assert tokens == [0xFFFE, 0xFFFF, 0, 1, 2]
    for number, token in enumerate(tokens):
        result = message(envelope.TRANSMIT_RESULT, token=token, outcome=envelope.SENT, started_us=1, actual_dbm=14)
        assert heard(cable, result) == [TransmitResult(token=number, outcome=Outcome.SENT)]


@pytest.mark.parametrize(("started_us", "outcome"), [(None, Outcome.RADIO_FAULT), (7, Outcome.SENT)])
def test_an_outcome_of_a_newer_bridge(started_us, outcome):
    cable = met(envelope.BRIDGE)
    (sealed,) = cable.transmit(TRANSMIT, 0)
    token = Decoder().feed(sealed)[0].token
    result = message(envelope.TRANSMIT_RESULT, token=token, outcome=99, started_us=started_us, actual_dbm=None)
    assert heard(cable, result) == [TransmitResult(token=70_000, outcome=outcome)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"phy_payload": bytes(200)}, "cannot be told to send: a frame of 200 bytes; it takes 100"),
        ({"dr": 8}, "cannot be told to send: data rate is DR8"),
        ({"power_dbm": 99}, "cannot be told to send: TRANSMIT.power_dbm is 99"),
        ({"freq_hz": 1}, "cannot be told to send: TRANSMIT.freq_hz is 1"),
    ],
)
def test_what_no_envelope_carries_is_a_fault_with_its_reason(change, says):
    result, report = met(envelope.BRIDGE, max_phy_len=100).transmit(replace(TRANSMIT, **change), 0)
    assert result == TransmitResult(token=70_000, outcome=Outcome.RADIO_FAULT)
    assert says in report.detail


# A wired node.


def test_a_wired_node_says_and_hears_the_very_same_frames():
    cable = met()
    assert heard(cable, message(envelope.FRAME, phy_payload=b"\x40")) == [
        Received(radio=NODE, phy_payload=b"\x40", freq_hz=0, dr=5)
    ]
    sealed, result = cable.transmit(replace(TRANSMIT, radio=NODE, counter_us=None), 0)
    assert Decoder().feed(sealed) == [message(envelope.FRAME, phy_payload=b"\x60")]
    assert result == TransmitResult(token=70_000, outcome=Outcome.SENT)


def test_another_radio_than_the_one_asked_for_is_not_told():
    assert met().transmit(TRANSMIT, 0) == [TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)]


def test_another_board_on_the_same_cable():
    cable = met()
    hello = message(envelope.HELLO, role=envelope.BRIDGE, firmware="0.2.0", eui=EUI, max_phy_len=255, plan=1)
    left, came, asked = heard(cable, hello, 60_000)
    assert (left.radio, left.online) == (NODE, False)
    assert (came.radio, came.online) == (BRIDGE, True)
    assert isinstance(asked, bytes)


def test_a_log_is_handed_on_harmless_and_bounded():
    cable = met()
    assert heard(cable, message(envelope.LOG, level=envelope.DEBUG, text="tick")) == []
    (report,) = heard(cable, message(envelope.LOG, level=envelope.WARNING, text="SX1262\n\x1b[2J restarted"))
    assert report == RadioReport(radio=NODE, online=True, detail="warning: SX1262??[2J restarted")
    told = [heard(cable, message(envelope.LOG, level=7, text="again")) for _ in range(1_000)]
    assert sum(map(len, told)) == LOGS_PER_MINUTE - 1
    assert len(heard(cable, message(envelope.LOG, level=envelope.ERROR, text="again"), 60_000)) == 1


# Who is there, or not.


def test_before_a_hello_nothing_counts_and_the_question_is_repeated():
    cable = Cable("serial:/dev/port", "0.1.0")
    (hello,) = cable.opened(0)
    assert heard(cable, message(envelope.FRAME, phy_payload=b"\x40")) == []
    assert cable.radio == "serial:/dev/port"
    assert cable.transmit(TRANSMIT, 0) == [TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)]
    assert cable.wake_at() == HELLO_MS
    assert cable.wake(HELLO_MS) == [hello]


def test_a_port_where_nobody_speaks_envelopes_is_told_once():
    cable = Cable("serial:/dev/port", "0.1.0")
    cable.opened(0)
    cable.feed(b"MicroPython v1.27 on 2026\r\n>>> \x00", 100)
    told = []
    for _ in range(100):
        told += [effect for effect in cable.wake(cable.wake_at()) if isinstance(effect, RadioReport)]
    (report,) = told
    assert (report.radio, report.online) == ("serial:/dev/port", False)
    assert "no bridge or node answers: is Lampyre's firmware on it" in report.detail
    assert "What came was not understood: COBS at byte" in report.detail
    assert cable.opened(600_000)  # anew, and told anew
    assert any(isinstance(effect, RadioReport) for effect in cable.wake(600_000 + STRANGE_MS))


def test_two_gateways_on_one_cable_are_told_so_once():
    cable = Cable("serial:/dev/port", "0.1.0")
    (hello,) = cable.opened(0)
    (report,) = cable.feed(hello, 0)
    assert "a HELLO with role 0; expected a bridge (1) or a node (2)" in report.detail
    assert cable.feed(hello, 1) == []


def test_who_is_silent_is_asked_and_then_given_up():
    cable = met()
    assert cable.wake_at() == QUIET_MS
    asked = 0
    while True:
        now_ms = cable.wake_at()
        effects = cable.wake(now_ms)
        asked += sum(isinstance(effect, bytes) for effect in effects)
        reports = [effect for effect in effects if isinstance(effect, RadioReport)]
        if reports:
            break
    assert now_ms == DEAD_MS
    assert asked == 3  # twice while it was known, and once more at the end
    assert (reports[0].radio, reports[0].online) == (NODE, False)
    assert reports[0].detail == "has said nothing for 180 s: has its program stopped?"
    assert not cable.known


def test_who_answers_is_not_taken_for_restarted():
    cable = met()
    cable.wake(QUIET_MS)
    hello = message(envelope.HELLO, role=envelope.NODE, firmware="0.2.0", eui=EUI, max_phy_len=255, plan=None)
    assert heard(cable, hello, QUIET_MS + 5) == []


def test_a_port_that_is_gone_gives_everything_its_result_once():
    cable = met(envelope.BRIDGE)
    cable.transmit(TRANSMIT, 0)
    result, report = cable.lost("it was unplugged")
    assert result == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)
    assert report == RadioReport(radio=BRIDGE, online=False, detail="it was unplugged")
    assert cable.lost("still") == []
    assert cable.wake_at() is None
    assert cable.wake(RESULT_MS) == []
    assert cable.transmit(TRANSMIT, 0) == [TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)]


def test_ten_megabytes_without_a_delimiter_take_no_memory_and_spoil_nothing_after_them():
    cable = met()
    for _ in range(2_560):
        cable.feed(b"\xff" * 4_096, 0)
    assert len(cable._decoder._buffer) == envelope.MAX_ENVELOPE
    assert len(heard(cable, message(envelope.FRAME, phy_payload=b"\x40"))) == 1


def test_noise_costs_no_good_envelope_and_raises_nothing():
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    cable = met()
    for _ in range(2_000):
        cable.feed(dice.randbytes(dice.randrange(60)), 0)
        found = heard(cable, message(envelope.FRAME, phy_payload=b"\x40"))
        assert found == [Received(radio=NODE, phy_payload=b"\x40", freq_hz=0, dr=5)], f"seed {seed}"
