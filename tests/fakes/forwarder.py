"""A packet forwarder as a gateway's UDP port sees one: Semtech GWMP v2, written from Lora-net's PROTOCOL.TXT (v1.4)."""

import asyncio
import base64
import json
import struct
from collections.abc import Callable
from typing import Any

PUSH_DATA, PUSH_ACK, PULL_DATA, PULL_RESP, PULL_ACK, TX_ACK = range(6)
DATR = ("SF12BW125", "SF11BW125", "SF10BW125", "SF9BW125", "SF8BW125", "SF7BW125", "SF7BW250")

Judge = Callable[[dict[str, Any]], str]  # a txpk to the error of its TX_ACK, "NONE" for none


class Forwarder(asyncio.DatagramProtocol):
    """One concentrator. downlinks: the txpk objects that came, in order; judge: what its TX_ACK says of each."""

    def __init__(self, eui: bytes, judge: Judge = lambda txpk: "NONE") -> None:
        self.eui = eui
        self.downlinks: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.acked = 0
        self._judge = judge
        self._token = 0
        self._acks: dict[tuple[int, bytes], asyncio.Future[None]] = {}

    async def start(self, host: str, port: int) -> None:
        """Open the socket and say where downlinks go."""
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, remote_addr=(host, port)
        )
        await self.pull()

    def close(self) -> None:
        self._transport.close()

    async def pull(self) -> None:
        """Send a keepalive and wait for its answer."""
        await self._ask(PULL_DATA, PULL_ACK, b"")

    async def push(self, *rxpk: dict[str, Any], stat: dict[str, Any] | None = None) -> None:
        """Send what was heard and wait for the acknowledgement."""
        body: dict[str, Any] = {"rxpk": list(rxpk)} if rxpk else {}
        if stat is not None:
            body["stat"] = stat
        await self._ask(PUSH_DATA, PUSH_ACK, json.dumps(body).encode())

    def datagram_received(self, data: bytes, addr: object) -> None:
        version, token, kind = data[0], data[1:3], data[3]
        assert version == 2
        if kind == PULL_RESP:
            txpk = json.loads(data[4:])["txpk"]
            error = self._judge(txpk)
            body = json.dumps({"txpk_ack": {"error": error}}).encode() if error != "NONE" else b""
            self._transport.sendto(bytes([2]) + token + bytes([TX_ACK]) + self.eui + body)
            if error == "NONE":
                self.downlinks.put_nowait(txpk)
            return
        self.acked += 1
        waiting = self._acks.pop((kind, token), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _ask(self, kind: int, answer: int, body: bytes) -> None:
        self._token = (self._token + 1) & 0xFFFF
        token = struct.pack(">H", self._token)
        waiting = self._acks[answer, token] = asyncio.get_running_loop().create_future()
        self._transport.sendto(bytes([2]) + token + bytes([kind]) + self.eui + body)
        await asyncio.wait_for(waiting, timeout=10)


def rxpk(
    phy_payload: bytes, tmst: int, freq_hz: int, dr: int, rssi_dbm: int = -90, snr_db: float = 7.0
) -> dict[str, Any]:
    """An uplink as a concentrator tells it."""
    return {
        "tmst": tmst & 0xFFFFFFFF,
        "chan": 0,
        "rfch": 0,
        "freq": freq_hz / 1e6,
        "stat": 1,
        "modu": "LORA",
        "datr": DATR[dr],
        "codr": "4/5",
        "lsnr": snr_db,
        "rssi": rssi_dbm,
        "size": len(phy_payload),
        "data": base64.b64encode(phy_payload).decode(),
    }
