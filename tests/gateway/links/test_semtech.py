"""GWMP read and written: the specification's examples, vendors' variants, and what is refused."""

import base64
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.links import semtech
from gateway.links.link import Outcome, Transmit
from gateway.links.semtech import DatagramError, ack, parse, pull_resp, read_push, read_tx_ack
from protocol.errors import FrameError

VECTORS = json.loads((Path(__file__).parents[2] / "data/semtech_udp.json").read_text(encoding="utf-8"))
EUI = bytes.fromhex("AA555A0000000101")
RADIO = "udp:aa555a0000000101"
GOOD = {
    "tmst": 368384825,
    "freq": 868.1,
    "stat": 1,
    "modu": "LORA",
    "datr": "SF7BW125",
    "codr": "4/5",
    "lsnr": -11,
    "rssi": -107,
    "size": 3,
    "data": "QAEC",
}
TRANSMIT = Transmit(
    token=1, radio=RADIO, phy_payload=bytes.fromhex("60 01 02 03"), freq_hz=869_525_000, dr=3, power_dbm=27
)


def push_of(*rxpks):
    return read_push(json.dumps({"rxpk": rxpks}).encode(), RADIO)


@pytest.mark.parametrize("vector", VECTORS["push_data"], ids=lambda vector: vector["source"][:40])
def test_push_data_of_the_specification_and_of_vendors(vector):
    push = read_push(json.dumps(vector["json"]).encode(), RADIO)
    assert (push.bad_crc, push.unsupported, push.malformed) == (0, 0, 0)
    assert push.figures == (None if vector["figures"] is None else tuple(vector["figures"].items()))
    assert len(push.frames) == len(vector["frames"])
    for frame, expected in zip(push.frames, vector["frames"], strict=True):
        assert frame.radio == RADIO
        for name in ("counter_us", "freq_hz", "dr", "rssi_dbm", "snr_db"):
            assert getattr(frame, name) == expected[name], name
        assert len(frame.phy_payload) == expected.get("phy_len", len(frame.phy_payload))
        assert frame.phy_payload.hex() == expected.get("phy_payload", frame.phy_payload.hex())


@pytest.mark.parametrize("vector", VECTORS["tx_ack"], ids=lambda vector: str(vector["json"]))
def test_tx_ack_of_the_specification(vector):
    body = b"" if vector["json"] is None else json.dumps(vector["json"]).encode()
    assert read_tx_ack(body) == (Outcome(vector["outcome"]), vector["detail"])


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"\x00", Outcome.SENT),
        (b'{"txpk_ack":{}}', Outcome.SENT),
        (b'{"txpk_ack":{"error":"SOMETHING_NEW"}}', Outcome.RADIO_FAULT),
        (b'{"txpk_ack":{"error":7}}', Outcome.NO_ANSWER),
        (b'{"txpk_ack":[]}', Outcome.NO_ANSWER),
        (b"{}", Outcome.NO_ANSWER),
        (b"[]", Outcome.NO_ANSWER),
        (b"{", Outcome.NO_ANSWER),
    ],
)
def test_a_tx_ack_that_says_something_else(body, outcome):
    assert read_tx_ack(body)[0] is outcome


def test_what_a_stranger_writes_is_harmless_in_a_log():
    body = json.dumps({"txpk_ack": {"error": "\x1b[31m" + "x" * 1000}}).encode()
    assert read_tx_ack(body) == (Outcome.RADIO_FAULT, "?[31m" + "x" * 27)


@pytest.mark.parametrize(
    ("datagram", "version", "token", "kind", "answer"),
    [
        ("02 1234 00 AA555A0000000101 7B7D", 2, "1234", semtech.PUSH_DATA, "02 1234 01"),
        ("01 FFFE 00 AA555A0000000101", 1, "fffe", semtech.PUSH_DATA, "01 FFFE 01"),
        ("02 0000 02 AA555A0000000101", 2, "0000", semtech.PULL_DATA, "02 0000 04"),
        ("01 00AB 02 AA555A0000000101", 1, "00ab", semtech.PULL_DATA, "01 00AB 04"),
    ],
)
def test_headers_and_their_acknowledgements(datagram, version, token, kind, answer):
    opened = parse(bytes.fromhex(datagram))
    assert (opened.version, opened.token.hex(), opened.kind, opened.eui) == (version, token, kind, EUI)
    assert ack(opened) == bytes.fromhex(answer)


@pytest.mark.parametrize(
    ("datagram", "says"),
    [
        ("", "datagram of 0 bytes; a packet forwarder's has at least 12"),
        ("02 1234 00 AA555A00000001", "datagram of 11 bytes"),
        ("00 1234 00 AA555A0000000101", "GWMP version is 0; expected 1 or 2"),
        ("03 1234 00 AA555A0000000101", "GWMP version is 3"),
        ("02 1234 01 AA555A0000000101", "identifier is 0x01; a forwarder sends PUSH_DATA, PULL_DATA or TX_ACK"),
        ("02 1234 03 AA555A0000000101", "identifier is 0x03"),
        ("02 1234 06 AA555A0000000101", "identifier is 0x06"),
    ],
)
def test_what_is_no_datagram_of_a_forwarder(datagram, says):
    with pytest.raises(DatagramError, match=says):
        parse(bytes.fromhex(datagram))


@pytest.mark.parametrize(
    ("data", "payload"), [("QA", "40"), ("QA==", "40"), ("QAE", "4001"), ("QAE=", "4001"), ("QAEC", "400102")]
)
def test_base64_with_and_without_padding(data, payload):
    assert push_of(GOOD | {"data": data}).frames[0].phy_payload.hex() == payload


@pytest.mark.parametrize(
    ("change", "counts", "says"),
    [
        ({"stat": -1}, (1, 0, 0), ""),
        ({"stat": 0}, (1, 0, 0), ""),
        ({"modu": "LR-FHSS", "datr": "M0CW137", "hpw": 8}, (0, 1, 0), ""),
        ({"datr": "SF7BW500"}, (0, 1, 0), ""),
        ({"datr": "SF5BW125"}, (0, 1, 0), ""),
        ({"datr": 50000}, (0, 1, 0), ""),
        ({"datr": None}, (0, 1, 0), ""),
        ({"datr": ["SF7BW125"]}, (0, 1, 0), ""),
        ({"modu": "FSK", "datr": 38400}, (0, 1, 0), ""),
        ({"tmst": None}, (0, 0, 1), "in an rxpk tmst is not a 32-bit number"),
        ({"tmst": True}, (0, 0, 1), "tmst"),
        ({"tmst": -1}, (0, 0, 1), "tmst"),
        ({"tmst": 2**32}, (0, 0, 1), "tmst"),
        ({"tmst": 1.0}, (0, 0, 1), "tmst"),
        ({"freq": "868.1"}, (0, 0, 1), "in an rxpk freq is not a number of MHz between 137 and 1020"),
        ({"freq": 868_100_000}, (0, 0, 1), "freq"),
        ({"freq": -868.1}, (0, 0, 1), "freq"),
        ({"freq": True}, (0, 0, 1), "freq"),
        ({"data": 7}, (0, 0, 1), "data is not a text"),
        ({"data": ""}, (0, 0, 1), "data has 0 bytes; expected 1..255"),
        ({"data": "Q"}, (0, 0, 1), "data is not base64"),
        ({"data": "QA==QA=="}, (0, 0, 1), "data is not base64"),
        ({"data": "QA é"}, (0, 0, 1), "data is not base64"),
        ({"data": base64.b64encode(bytes(256)).decode()}, (0, 0, 1), "data has 344 characters"),
        ({"data": "A" * 342}, (0, 0, 1), "data has 256 bytes"),
    ],
)
def test_a_bad_rxpk_is_counted_and_spoils_no_neighbour(change, counts, says):
    push = push_of(GOOD, GOOD | change, GOOD)
    assert (push.bad_crc, push.unsupported, push.malformed) == counts
    assert says in push.error
    assert len(push.frames) == 2


@pytest.mark.parametrize("missing", ["tmst", "freq", "data"])
def test_what_a_frame_cannot_do_without_is_named(missing):
    rxpk = dict(GOOD)
    del rxpk[missing]
    assert push_of(rxpk).error == f"an rxpk has no {missing}"


@pytest.mark.parametrize("missing", ["stat", "modu", "codr", "lsnr", "rssi", "size", "chan", "rfch", "time"])
def test_what_a_frame_can_do_without(missing):
    rxpk = dict(GOOD)
    rxpk.pop(missing, None)
    (frame,) = push_of(rxpk).frames
    assert (frame.rssi_dbm, frame.snr_db) == (rxpk.get("rssi"), rxpk.get("lsnr"))


@pytest.mark.parametrize("senseless", ["-107", None, [], 1e300, -(10**30), True])
def test_a_senseless_level_is_not_known_and_the_frame_is_kept(senseless):
    (frame,) = push_of(GOOD | {"rssi": senseless, "lsnr": senseless}).frames
    assert (frame.rssi_dbm, frame.snr_db) == (None, None)


def test_of_several_antennas_the_best_is_told():
    antennas = [
        {"ant": 0, "rssic": -90, "lsnr": 3.0},
        {"ant": 1, "rssic": -110, "lsnr": 7.5},
        {"ant": 2, "rssic": -80},
        "nonsense",
    ]
    (frame,) = push_of(GOOD | {"rsig": antennas}).frames
    assert (frame.rssi_dbm, frame.snr_db) == (-110, 7.5)


@pytest.mark.parametrize("rsig", [[], ["nonsense"], {}, None, 7])
def test_without_a_usable_antenna_the_frame_s_own_level_counts(rsig):
    (frame,) = push_of(GOOD | {"rsig": rsig}).frames
    assert (frame.rssi_dbm, frame.snr_db) == (-107, -11.0)


def test_every_frequency_is_exact_to_the_hertz():
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    for _ in range(2_000):
        freq_hz = dice.randrange(863_000_000, 870_000_001)
        body = f'{{"rxpk":[{json.dumps(GOOD | {"freq": 0})}]}}'.replace('"freq": 0', f'"freq": {freq_hz / 1e6:.6f}')
        assert read_push(body.encode(), RADIO).frames[0].freq_hz == freq_hz, f"seed {seed}"
        told = json.loads(pull_resp(2, b"\x00\x00", replace(TRANSMIT, freq_hz=freq_hz))[4:])["txpk"]["freq"]
        assert round(told * 1e6) == freq_hz, f"seed {seed}"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "PUSH_DATA of 0 bytes is not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[" * 60_000, "not a JSON object"),
        (b'{"rxpk":' + b"[" * 60_000, "not a JSON object"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "not a JSON object"),
        (b'{"rxpk":"\xff"}', "not a JSON object"),
        (b'{"rxpk":[{"freq":NaN}]}', "not a JSON object"),
        (b'{"rxpk":{}}', "rxpk is not an array"),
        (b'{"rxpk":[7]}', "an rxpk is not an object"),
    ],
    ids=lambda value: value[:12],
)
def test_json_that_is_none_or_means_nothing_is_counted(body, says):
    push = read_push(body, RADIO)
    assert (push.frames, push.figures, push.malformed) == ([], None, 1)
    assert says in push.error


def test_more_rxpk_than_any_forwarder_sends_are_not_read():
    push = push_of(*[GOOD] * 300)
    assert len(push.frames) == 255
    assert push.malformed == 45
    assert push.error == "PUSH_DATA has 300 rxpk; expected at most 255"


def test_neither_frames_nor_figures_is_no_fault():
    assert read_push(b"{}", RADIO) == semtech.Push([])
    assert read_push(b'{"rxpk":null,"stat":[]}', RADIO) == semtech.Push([])


def test_figures_are_numbers():
    push = read_push(b'{"stat":{"rxnb":"2","rxok":true,"rxfw":3,"other":4}}', RADIO)
    assert push.figures == (("rxfw", 3.0),)


def test_a_lora_downlink_at_a_time():
    datagram = pull_resp(2, b"\x12\x34", replace(TRANSMIT, counter_us=4_294_967_295))
    assert datagram[:4].hex(" ") == "02 12 34 03"
    assert json.loads(datagram[4:]) == {
        "txpk": {
            "tmst": 4_294_967_295,
            "freq": 869.525,
            "rfch": 0,
            "powe": 27,
            "modu": "LORA",
            "datr": "SF9BW125",
            "codr": "4/5",
            "ipol": True,
            "ncrc": True,
            "size": 4,
            "data": "YAECAw==",
        }
    }


def test_a_downlink_without_a_time_is_immediate():
    txpk = json.loads(pull_resp(1, b"\x00\x00", TRANSMIT)[4:])["txpk"]
    assert txpk["imme"] is True
    assert "tmst" not in txpk


def test_an_fsk_downlink_has_a_deviation_and_keeps_its_crc():
    txpk = json.loads(pull_resp(2, b"\x00\x00", replace(TRANSMIT, dr=7))[4:])["txpk"]
    assert (txpk["modu"], txpk["datr"], txpk["fdev"]) == ("FSK", 50_000, 25_000)
    assert not {"codr", "ipol", "ncrc"} & txpk.keys()


def test_every_data_rate_has_its_name():
    names = [json.loads(pull_resp(2, b"\x00\x00", replace(TRANSMIT, dr=dr))[4:])["txpk"]["datr"] for dr in range(7)]
    assert names == ["SF12BW125", "SF11BW125", "SF10BW125", "SF9BW125", "SF8BW125", "SF7BW125", "SF7BW250"]
    for dr, name in enumerate(names):
        assert push_of(GOOD | {"datr": name}).frames[0].dr == dr


def test_a_data_rate_eu868_has_not_is_refused():
    with pytest.raises(FrameError, match="data rate is DR8"):
        pull_resp(2, b"\x00\x00", replace(TRANSMIT, dr=8))
