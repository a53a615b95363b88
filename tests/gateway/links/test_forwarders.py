"""Who is heard over UDP, where downlinks go, and what becomes of them; in virtual time, without a socket."""

import json
import random
from dataclasses import replace
from ipaddress import ip_network

import pytest

from gateway.links.forwarders import (
    MAX_PENDING,
    MAX_STRANGERS,
    REPORT_MS,
    RETURN_MS,
    SILENT_MS,
    TX_ACK_MS,
    Forwarders,
    Holds,
    Send,
)
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
from tests.fakes.forwarders import PULL_ACK, PULL_RESP, PUSH_ACK, Datagrams

EUI = bytes.fromhex("AA555A0000000101")
OTHER = bytes.fromhex("AA555A0000000202")
RADIO = "udp:aa555a0000000101"
HOME = ("192.0.2.1", 40_000)
THIEF = ("203.0.113.9", 40_000)
RXPK = {"tmst": 1, "freq": 868.1, "stat": 1, "modu": "LORA", "datr": "SF7BW125", "rssi": -90, "lsnr": 7, "data": "QA"}
TRANSMIT = Transmit(token=70_000, radio=RADIO, phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=27)


def forwarders(allowed):
    return Forwarders(allowed, lambda: 1)


@pytest.fixture(name="core")
def _core():
    numbers = random.Random(1)
    return Forwarders({EUI: None, OTHER: None}, lambda: numbers.getrandbits(16))


@pytest.fixture(name="sent")
def _sent():
    return Datagrams(EUI)


def online(core, sent, address=HOME, now_ms=0):
    core.handle(sent.pull_data(), address, now_ms)


def goes_to(core, now_ms):
    """Where a downlink is sent at *now_ms*, None if nowhere."""
    send = [effect for effect in core.transmit(TRANSMIT, now_ms) if isinstance(effect, Send)]
    return send[0].address if send else None


def reports(effects):
    return [effect.detail for effect in effects if isinstance(effect, RadioReport)]


def results(effects):
    return [(effect.token, effect.outcome) for effect in effects if isinstance(effect, TransmitResult)]


def test_nobody_allowed_is_an_error():
    with pytest.raises(ValueError, match="no gateway EUI is allowed on the UDP link; expected at least one"):
        Forwarders({}, lambda: 0)


def test_frames_come_after_their_acknowledgement(core, sent):
    datagram = sent.push_data({"rxpk": [RXPK, RXPK]})
    ack, *frames = core.handle(datagram, HOME, 0)
    assert ack == Send(b"\x02" + datagram[1:3] + bytes([PUSH_ACK]), HOME)
    assert [frame.phy_payload for frame in frames if isinstance(frame, Received)] == [b"\x40"] * 2


def test_the_first_pull_data_brings_the_radio_online_and_later_ones_only_keep_it_so(core, sent):
    datagram = sent.pull_data()
    ack, holds, report = core.handle(datagram, HOME, 0)
    assert holds == Holds(EUI, HOME[0])
    assert ack == Send(b"\x02" + datagram[1:3] + bytes([PULL_ACK]), HOME)
    assert report == RadioReport(radio=RADIO, online=True, detail="is there, at 192.0.2.1 port 40000, GWMP 2")
    assert reports(core.handle(sent.pull_data(), HOME, 10_000)) == []


def test_silence_takes_it_offline_once_and_pull_data_brings_it_back(core, sent):
    online(core, sent)
    assert core.wake_at() == SILENT_MS
    assert core.wake(SILENT_MS - 1) == []
    (report,) = core.wake(SILENT_MS)
    assert (report.online, report.detail) == (False, "no PULL_DATA for 30 s: its downlinks wait")
    assert core.wake(SILENT_MS + 1) == []
    assert goes_to(core, SILENT_MS) is None
    assert len(reports(core.handle(sent.pull_data(), HOME, SILENT_MS + 2))) == 1
    assert goes_to(core, SILENT_MS + 2) == HOME


def test_a_downlink_goes_where_pull_data_came_from_and_its_tx_ack_is_its_result(core, sent):
    online(core, sent)
    core.handle(sent.push_data({}), ("192.0.2.1", 50_000), 0)  # the forwarder's other socket
    (send,) = core.transmit(TRANSMIT, 100)
    assert send.address == HOME
    assert send.datagram[3] == PULL_RESP
    assert json.loads(send.datagram[4:])["txpk"]["data"] == "YA=="
    assert core.wake_at() == 100 + TX_ACK_MS
    tx_ack = sent.tx_ack(send.datagram[1:3], {"txpk_ack": {"error": "TOO_LATE"}})
    effects = core.handle(tx_ack, HOME, 150)
    assert results(effects) == [(70_000, Outcome.TOO_LATE)]
    assert reports(effects) == ["says of a downlink: TOO_LATE"]
    assert results(core.handle(tx_ack, HOME, 160) + core.wake(100 + TX_ACK_MS)) == []  # exactly one


def test_without_an_answer_the_result_comes_by_itself(core, sent):
    online(core, sent)
    (send,) = core.transmit(TRANSMIT, 100)
    assert core.wake(100 + TX_ACK_MS - 1) == []
    assert results(core.wake(100 + TX_ACK_MS)) == [(70_000, Outcome.NO_ANSWER)]
    assert results(core.handle(sent.tx_ack(send.datagram[1:3]), HOME, 5_000)) == []


def test_version_1_never_tells(core):
    core.handle(Datagrams(EUI, version=1).pull_data(), HOME, 0)
    send, result = core.transmit(TRANSMIT, 0)
    assert send.datagram[0] == 1
    assert result == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)


def test_who_was_never_heard_gets_no_downlink(core, sent):
    core.handle(sent.push_data({"rxpk": [RXPK]}), HOME, 0)
    assert results(core.transmit(TRANSMIT, 0)) == [(70_000, Outcome.LINK_DOWN)]
    assert results(core.transmit(replace(TRANSMIT, radio="udp:0000000000000000"), 0)) == [(70_000, Outcome.LINK_DOWN)]


def test_a_data_rate_that_there_is_not_does_not_go_out(core, sent):
    online(core, sent)
    assert core.transmit(replace(TRANSMIT, dr=8), 0) == [TransmitResult(token=70_000, outcome=Outcome.TX_FREQ)]


def test_more_downlinks_than_a_forwarder_can_queue_are_refused(core, sent):
    online(core, sent)
    tokens = {core.transmit(TRANSMIT, 0)[0].datagram[1:3] for _ in range(MAX_PENDING)}
    assert len(tokens) == MAX_PENDING
    assert core.transmit(TRANSMIT, 0) == [TransmitResult(token=70_000, outcome=Outcome.COLLISION)]


def test_two_downlinks_never_share_a_token():
    core, sent = Forwarders({EUI: None}, lambda: 0xFFFF), Datagrams(EUI)  # the worst dice
    online(core, sent)
    tokens = {core.transmit(TRANSMIT, 0)[0].datagram[1:3] for _ in range(3)}
    assert tokens == {b"\xff\xff", b"\x00\x00", b"\x00\x01"}


def test_closing_gives_what_is_under_way_its_result(core, sent):
    online(core, sent)
    core.transmit(TRANSMIT, 0)
    assert core.close() == [TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)]
    assert core.wake_at() is None
    assert results(core.transmit(TRANSMIT, 1)) == [(70_000, Outcome.LINK_DOWN)]


# Who may take downlinks.


def test_pull_data_from_elsewhere_steals_nothing_while_the_holder_lives(core, sent):
    online(core, sent)
    told = []
    for now_ms in range(0, 600_000, 1_000):  # ten minutes, the thief ten times as often as the true one
        if now_ms % 10_000 == 0:
            online(core, sent, HOME, now_ms)
        effects = core.handle(Datagrams(EUI).pull_data(), THIEF, now_ms)
        effects += core.handle(Datagrams(EUI).push_data({"rxpk": [RXPK]}), THIEF, now_ms)
        told += reports(effects)
        (send,) = core.transmit(TRANSMIT, now_ms)
        assert send.address == HOME
        guess = core.handle(sent.tx_ack(send.datagram[1:3]), THIEF, now_ms)
        assert results(guess) == []
        assert results(core.handle(sent.tx_ack(send.datagram[1:3]), HOME, now_ms)) == [(70_000, Outcome.SENT)]
    assert core.counts["conflicts"] == 600
    assert len(told) == 10  # once a minute
    assert told[0].startswith("PULL_DATA of this gateway comes from 203.0.113.9 too, while 192.0.2.1 is alive")


def test_a_forwarder_that_moved_is_followed_once_its_old_address_is_silent(core, sent):
    online(core, sent)
    moved = ("198.51.100.7", 1234)
    for now_ms in range(1_000, SILENT_MS, 10_000):
        online(core, sent, moved, now_ms)
        assert goes_to(core, now_ms) == HOME
    assert reports(core.handle(sent.pull_data(), moved, SILENT_MS)) == ["has moved from 192.0.2.1 to 198.51.100.7"]
    assert goes_to(core, SILENT_MS) == moved


def test_a_restarted_forwarder_is_followed_at_once(core, sent):
    online(core, sent)
    again = (HOME[0], 40_001)
    assert reports(core.handle(sent.pull_data(), again, 1_000)) == []
    assert goes_to(core, 1_000) == again


def remembering(ip=HOME[0]):
    """After a restart, before anybody was heard."""
    return Forwarders({EUI: None, OTHER: None}, lambda: 1, {EUI: ip})


def held(effects):
    return [effect for effect in effects if isinstance(effect, Holds)]


def test_after_a_restart_a_stranger_who_asks_first_gets_nothing_and_who_held_them_before_goes_on(sent):
    core = remembering()
    told = []
    for now_ms in range(0, 40_000, 1_000):  # the forwarder boots for 40 s
        effects = core.handle(sent.pull_data(), THIEF, now_ms)
        told += reports(effects)
        assert (held(effects), goes_to(core, now_ms)) == ([], None)
    assert core.counts["conflicts"] == 40
    (why,) = told
    assert why.startswith("PULL_DATA of this gateway comes from 203.0.113.9, and 192.0.2.1 had its downlinks before")
    effects = core.handle(sent.pull_data(), (HOME[0], 50_123), 40_000)
    assert reports(effects) == ["is there, at 192.0.2.1 port 50123, GWMP 2"]
    assert held(effects) == []  # nothing new to remember
    core.handle(sent.pull_data(), THIEF, 41_000)
    assert goes_to(core, 41_000) == (HOME[0], 50_123)


def test_a_forwarder_that_moved_while_we_did_not_run_is_followed_after_five_minutes_of_asking(sent):
    core = remembering()
    moved = ("198.51.100.7", 1234)
    for now_ms in range(900_000, 900_000 + RETURN_MS, 10_000):  # from its first word on, not from the start
        assert held(core.handle(sent.pull_data(), moved, now_ms)) == []
    effects = core.handle(sent.pull_data(), moved, 900_000 + RETURN_MS)
    assert held(effects) == [Holds(EUI, moved[0])]
    assert reports(effects) == ["is there, at 198.51.100.7 port 1234, GWMP 2; it was at 192.0.2.1 before"]
    assert goes_to(core, 900_000 + RETURN_MS) == moved


def test_what_is_remembered_of_one_eui_keeps_nobody_from_another(sent):
    core = remembering()
    effects = core.handle(Datagrams(OTHER).pull_data(), THIEF, 0)
    assert held(effects) == [Holds(OTHER, THIEF[0])]


def test_whoever_takes_the_downlinks_over_is_to_be_remembered(core, sent):
    online(core, sent)
    assert held(core.handle(sent.pull_data(), (HOME[0], 1), 5_000)) == []  # another port is the same address
    assert held(core.handle(sent.pull_data(), THIEF, 6_000)) == []
    assert held(core.handle(sent.pull_data(), THIEF, 5_000 + SILENT_MS)) == [Holds(EUI, THIEF[0])]


def test_a_network_in_the_configuration_is_stronger_than_who_came_first(sent):
    core = forwarders({EUI: ip_network("192.0.2.0/24")})
    assert core.handle(sent.pull_data(), THIEF, 0) == []
    assert core.handle(sent.push_data({"rxpk": [RXPK]}), THIEF, 0) == []
    online(core, sent)
    assert goes_to(core, 0) == HOME
    assert core.counts["elsewhere"] == 2


def test_ipv4_on_a_socket_for_both_and_ipv6_are_told_apart(sent):
    core = forwarders({EUI: ip_network("192.0.2.0/24"), OTHER: ip_network("2001:db8::/32")})
    online(core, sent, ("::ffff:192.0.2.1", 1, 0, 0))
    online(core, Datagrams(OTHER), ("2001:db8::1%eth0", 1, 0, 0))
    assert core.counts["elsewhere"] == 0
    online(core, Datagrams(OTHER), ("fe80::1%eth0", 1, 0, 2))
    assert core.counts["elsewhere"] == 1


# What is counted and told.


def test_a_radio_s_everyday_life_is_no_news(core, sent):
    core.handle(sent.push_data({"rxpk": [RXPK | {"stat": -1}, RXPK | {"datr": "M0CW137"}]}), HOME, 0)
    assert core.wake_at() is None
    assert core.wake(0) == []


def test_stat_is_a_report_and_says_when_downlinks_have_no_way(core, sent):
    stat = {"stat": {"rxnb": 2, "ackr": 100.0}}
    _, report = core.handle(sent.push_data(stat), HOME, 0)
    assert report == RadioReport(
        radio=RADIO,
        online=False,
        detail="sends frames but no PULL_DATA, so it cannot be given downlinks",
        figures=(("rxnb", 2.0), ("ackr", 100.0)),
    )
    assert reports(core.handle(sent.push_data(stat), HOME, 0)) == [""]  # told once
    online(core, sent)
    _, report = core.handle(sent.push_data(stat), HOME, 0)
    assert (report.online, report.detail) == (True, "")


def test_ten_thousand_strangers_cost_a_bounded_table_and_a_report_every_five_minutes(core):
    stranger = Datagrams(bytes(8))
    told = []
    for number in range(10_000):
        stranger.eui = number.to_bytes(8, "big")
        assert core.handle(stranger.pull_data(), THIEF, number) == []
        wake_ms = core.wake_at()
        if wake_ms is not None and number >= wake_ms:
            told += core.wake(number)
    assert len(core.strangers) == MAX_STRANGERS
    assert core.counts["strangers"] == 10_000
    (report,) = told
    assert report.radio == "udp"
    assert report.detail == "gateway EUI 0000000000000000 is not in the list; if it is yours, add it to gateway.toml"
    (report,) = core.wake(REPORT_MS)
    assert dict(report.figures)["strangers"] == 10_000
    assert core.wake_at() is None  # no more news, no more reports


def test_every_kind_of_trouble_is_counted(core, sent):
    core.handle(b"hello", THIEF, 0)
    core.handle(sent.push_data({"rxpk": [RXPK | {"stat": -1}, RXPK | {"datr": "M0CW137"}, 7]}), HOME, 0)
    core.overflowed(5)
    counts = dict(core.counts)
    assert counts == {
        "datagrams": 2,
        "malformed": 1,
        "strangers": 0,
        "elsewhere": 0,
        "conflicts": 0,
        "bad_crc": 1,
        "unsupported": 1,
        "unread": 1,
        "overflow": 5,
    }
    (report,) = core.wake(0)
    assert report.figures == tuple(counts.items())
    assert report.detail == "5 frames were dropped: they come faster than this gateway takes them"
