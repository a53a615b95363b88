"""The forwarder speaks as PROTOCOL.TXT has it; the other end here is a bare socket with datagrams written by hand."""

import base64
import json
import socket

import pytest

from simulator.air.interface import Reception, on_air
from simulator.live.forwarder import Forwarder

EUI = bytes.fromhex("aa555a0000000101")
FRAME = on_air("air-01", bytes.fromhex("40 04030201 00 0100 01 AA 11223344"), 868_100_000, 5, 14, 0)


@pytest.fixture(name="server")
def _server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        yield server


@pytest.fixture(name="forwarder")
def _forwarder(server):
    forwarder = Forwarder(EUI, server.getsockname())
    yield forwarder
    forwarder.close()


def test_an_uplink_is_a_push_data_with_one_rxpk(server, forwarder):
    forwarder.heard(FRAME, Reception(-91.4, 7.26), (1 << 32) + 5_000_000)
    datagram, _ = server.recvfrom(4096)
    assert (datagram[0], datagram[3], datagram[4:12]) == (2, 0, EUI)
    assert json.loads(datagram[12:]) == {
        "rxpk": [
            {
                "tmst": 5_000_000,
                "freq": 868.1,
                "chan": 0,
                "rfch": 0,
                "stat": 1,
                "modu": "LORA",
                "datr": "SF7BW125",
                "codr": "4/5",
                "rssi": -91,
                "lsnr": 7.3,
                "size": 14,
                "data": "QAQDAgEAAQABqhEiM0Q=",
            }
        ]
    }


def test_tokens_differ(server, forwarder):
    tokens = set()
    for _ in range(3):
        forwarder.pull()
        datagram, _ = server.recvfrom(64)
        assert (len(datagram), datagram[3], datagram[4:]) == (12, 2, EUI)
        tokens.add(datagram[1:3])
    assert len(tokens) == 3


@pytest.mark.parametrize(
    ("how", "counter_us"),
    [({"imme": True}, None), ({"imme": False, "tmst": 4_294_967_295}, 4_294_967_295), ({"tmst": 7}, 7)],
)
def test_a_pull_resp_is_what_is_to_be_sent(server, forwarder, how, counter_us):
    forwarder.pull()
    _, address = server.recvfrom(64)
    txpk = {
        **how,
        "freq": 869.525,
        "rfch": 0,
        "powe": 27,
        "modu": "LORA",
        "datr": "SF9BW125",
        "codr": "4/5",
        "ipol": True,
        "size": 3,
        "data": base64.b64encode(b"abc").decode(),
    }
    server.sendto(bytes.fromhex("02 0000 04"), address)  # PULL_ACK
    server.sendto(bytes.fromhex("02 BEEF 03") + json.dumps({"txpk": txpk}).encode(), address)
    [wanted] = forwarder.wanted()
    assert wanted == (b"\xbe\xef", b"abc", 869_525_000, 3, 27, counter_us)
    assert forwarder.wanted() == []


@pytest.mark.parametrize(("error", "body"), [("", b""), ("TOO_LATE", b'{"txpk_ack": {"error": "TOO_LATE"}}')])
def test_the_answer_to_it_carries_its_token(server, forwarder, error, body):
    forwarder.answer(b"\xbe\xef", error)
    datagram, _ = server.recvfrom(256)
    assert datagram == bytes.fromhex("02 BEEF 05") + EUI + body


def test_a_gateway_that_is_not_there_is_a_frame_lost(server, forwarder):
    server.close()
    for _ in range(5):
        forwarder.heard(FRAME, Reception(-90, 7), 0)
        assert forwarder.wanted() == []
