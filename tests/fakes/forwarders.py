"""A packet forwarder, as PROTOCOL.TXT has it; shares no code with gateway.links.semtech."""

import asyncio
import base64
import json
from typing import cast

from gateway.links.link import Received

DATR = ("SF12BW125", "SF11BW125", "SF10BW125", "SF9BW125", "SF8BW125", "SF7BW125", "SF7BW250", 50_000)
PUSH_DATA, PUSH_ACK, PULL_DATA, PULL_RESP, PULL_ACK, TX_ACK = range(6)
_PATIENCE_S = 60.0


class Datagrams:
    """Makes a forwarder's datagrams, each with the next token. eui: 8 bytes as printed."""

    def __init__(self, eui: bytes, version: int = 2) -> None:
        self.eui = eui
        self.version = version
        self.token = 0

    def push_data(self, root: object) -> bytes:
        return self._next(PUSH_DATA) + self.eui + json.dumps(root).encode()

    def pull_data(self) -> bytes:
        return self._next(PULL_DATA) + self.eui

    def tx_ack(self, token: bytes, root: object = None) -> bytes:
        body = b"" if root is None else json.dumps(root).encode()
        return bytes([self.version]) + token + bytes([TX_ACK]) + self.eui + body

    def _next(self, kind: int) -> bytes:
        self.token = (self.token + 1) & 0xFFFF
        return bytes([self.version]) + self.token.to_bytes(2, "big") + bytes([kind])


def rxpk_of(frame: Received) -> dict[str, object]:
    """What a forwarder would say of *frame*."""
    rxpk = {
        "tmst": frame.counter_us,
        "freq": frame.freq_hz / 1e6,
        "chan": 0,
        "rfch": 0,
        "stat": 1,
        "modu": "FSK" if frame.dr == 7 else "LORA",
        "datr": DATR[frame.dr],
        "codr": "4/5",
        "size": len(frame.phy_payload),
        "data": base64.b64encode(frame.phy_payload).decode(),
    }
    if frame.rssi_dbm is not None:
        rxpk["rssi"] = frame.rssi_dbm
    if frame.snr_db is not None:
        rxpk["lsnr"] = frame.snr_db
    return rxpk


class Forwarder(asyncio.DatagramProtocol):
    """A forwarder on a socket of its own.

    txpks: what it was told to send, with the token. It answers with *verdict*, the JSON of a TX_ACK (None: empty, which
    means sent), unless that is `Forwarder.SILENT`.
    """

    SILENT = object()

    def __init__(self, eui: bytes, version: int = 2) -> None:
        self.datagrams = Datagrams(eui, version)
        self.verdict: object = None
        self.txpks: list[tuple[bytes, dict[str, object]]] = []
        self.acks: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()  # (PUSH_ACK or PULL_ACK, token)
        self.told = asyncio.Event()  # something was to be sent
        self._transport: asyncio.DatagramTransport | None = None

    async def connect(self, address: tuple[str, int], source: str = "127.0.0.1") -> None:
        """Speak to the gateway at *address* from *source*."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(source, 0), remote_addr=address)

    async def push(self, root: object) -> None:
        """Send a PUSH_DATA and wait for its acknowledgement."""
        await self._ask(self.datagrams.push_data(root), PUSH_ACK)

    async def pull(self) -> None:
        """Send a PULL_DATA and wait for its acknowledgement."""
        await self._ask(self.datagrams.pull_data(), PULL_ACK)

    def send(self, datagram: bytes) -> None:
        """Send anything."""
        assert self._transport is not None
        self._transport.sendto(datagram)

    def close(self) -> None:
        """Be gone."""
        if self._transport is not None:
            self._transport.close()

    async def _ask(self, datagram: bytes, expected: int) -> None:
        self.send(datagram)
        async with asyncio.timeout(_PATIENCE_S):  # the kernel may lose a datagram, and nobody would say it again
            assert await self.acks.get() == (expected, datagram[1:3])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        assert data[0] == self.datagrams.version
        kind, token = data[3], data[1:3]
        if kind != PULL_RESP:
            assert len(data) == 4
            self.acks.put_nowait((kind, token))
            return
        self.txpks.append((token, json.loads(data[4:])["txpk"]))
        self.told.set()
        if self.verdict is not self.SILENT:
            self.send(self.datagrams.tx_ack(token, self.verdict))
