"""A foreign device made of lora-packet joins, speaks and listens; what is wrong with its frames is refused by name."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.network.events import Downlink, Reason
from gateway.network.registration import Abp, Registration, Role
from tests.fakes.stations import Station

PEER = Path(__file__).with_name("foreign_device.mjs")
DEV_EUI, JOIN_EUI = "70b3d57ed0000001", "70b3d57ed0000000"
APP_KEY, NWK_S_KEY, APP_S_KEY = "00112233445566778899aabbccddeeff", "aa" * 16, "bb" * 16


class Foreigner:
    """The device; each method is one line to its process and one back."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def does(self, name: str, **fields: object) -> dict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": name, **fields}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "foreign_device.mjs failed (cd tests && npm ci installs what it needs)"
        return json.loads(line)

    def uplink(self, f_cnt: int, payload: bytes = b"hello", confirmed: bool = False) -> bytes:
        fields = {"f_cnt": f"{f_cnt:04x}", "f_port": 10, "payload": payload.hex(), "confirmed": confirmed}
        return bytes.fromhex(self.does("uplink", **fields)["phy"])

    def join_request(self, dev_nonce: int, app_key: str = APP_KEY) -> bytes:
        fields = {"dev_eui": DEV_EUI, "join_eui": JOIN_EUI, "app_key": app_key, "dev_nonce": f"{dev_nonce:04x}"}
        return bytes.fromhex(self.does("joinRequest", **fields)["phy"])

    def hear(self, phy_payload: bytes) -> dict:
        heard = self.does("downlink", phy=phy_payload.hex())
        assert heard["mic"] is True
        return heard


@pytest.fixture(name="foreigner")
def _foreigner() -> Iterator[Foreigner]:
    node = os.environ.get("LAMPYRE_NODE") or shutil.which("node")
    assert node, "no Node.js: set LAMPYRE_NODE, or put `node` on the PATH"
    with subprocess.Popen([node, PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Foreigner(process)


def registration(**fields: object) -> Registration:
    return Registration(
        device=1,
        dev_eui=bytes.fromhex(DEV_EUI),
        join_eui=bytes.fromhex(JOIN_EUI),
        role=Role.FOREIGN,
        **fields,  # type: ignore[arg-type]
    )


def order(station: Station, ref: int, payload: bytes) -> None:
    expires_ms = station.now_ms + 3_600_000
    downlink = Downlink(ref=ref, target=bytes.fromhex(DEV_EUI), f_port=2, payload=payload, expires_ms=expires_ms)
    station.tell(downlink)


def refused(station: Station, phy_payload: bytes, reason: Reason) -> None:
    [effect] = station.hear(phy_payload)
    assert effect.reason is reason, effect


def test_a_device_from_the_bench(foreigner):
    keys = {"nwk_s_key": NWK_S_KEY, "app_s_key": APP_S_KEY}
    foreigner.does("personalise", dev_addr="26011bda", **keys)
    abp = Abp(dev_addr=0x26011BDA, nwk_s_key=bytes.fromhex(NWK_S_KEY), app_s_key=bytes.fromhex(APP_S_KEY))
    station = Station([registration(abp=abp)])
    first = foreigner.uplink(0, b"one", True)
    station.hear(first)
    heard = foreigner.hear(station.transmits[-1].phy_payload)
    assert (heard["mtype"], heard["ack"], heard["f_opts"]) == (
        "Unconfirmed Data Down",
        True,
        "0805",
    )
    order(station, 1, b"do it")
    for f_cnt in range(1, 30):
        station.hear(foreigner.uplink(f_cnt, b"%d" % f_cnt))
    assert bytes.fromhex(foreigner.hear(station.transmits[1].phy_payload)["payload"]) == b"do it"
    assert [uplink.payload for uplink in station.application.heard] == [b"one", *(b"%d" % n for n in range(1, 30))]
    station.run(10_000)

    last = foreigner.uplink(30)
    station.hear(last)
    refused(station, last, Reason.REPLAYED)
    refused(station, first, Reason.REPLAYED)
    flipped = bytearray(foreigner.uplink(31))
    flipped[9] ^= 4
    refused(station, bytes(flipped), Reason.WRONG_MIC)
    foreigner.does("personalise", dev_addr="26011bda", nwk_s_key="cc" * 16, app_s_key=APP_S_KEY)
    refused(station, foreigner.uplink(31), Reason.WRONG_MIC)
    foreigner.does("personalise", dev_addr="26011bdb", **keys)
    refused(station, foreigner.uplink(31), Reason.UNKNOWN_DEV_ADDR)


def test_a_device_that_joins(foreigner):
    station = Station([registration(app_key=bytes.fromhex(APP_KEY))])
    request = foreigner.join_request(7)
    station.hear(request)
    accept = foreigner.does("joinAccept", phy=station.transmits[0].phy_payload.hex(), app_key=APP_KEY)
    assert accept["mic"] is True
    assert int(accept["dev_addr"], 16) >> 25 == 1
    order(station, 1, b"welcome")
    station.hear(foreigner.uplink(0, b"here I am"))
    heard = foreigner.hear(station.transmits[1].phy_payload)
    assert (bytes.fromhex(heard["payload"]), heard["f_cnt"]) == (b"welcome", 0)
    [uplink] = station.application.heard
    assert (uplink.payload, uplink.f_port, uplink.session) == (b"here I am", 10, 0)
    refused(station, request, Reason.REUSED_DEV_NONCE)
    refused(station, foreigner.join_request(6), Reason.REUSED_DEV_NONCE)
    refused(station, foreigner.join_request(8, "11" * 16), Reason.WRONG_MIC)
    station.hear(foreigner.join_request(9))
    foreigner.does("joinAccept", phy=station.transmits[-1].phy_payload.hex(), app_key=APP_KEY)
    station.hear(foreigner.uplink(0, b"again"))
    assert (station.application.heard[-1].payload, station.application.heard[-1].session) == (b"again", 1)
