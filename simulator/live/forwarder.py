"""A virtual gateway's packet forwarder: Semtech UDP (PROTOCOL.TXT 1.4, version 2) on a socket that never waits."""

import base64
import json
import socket
from typing import Any, NamedTuple

from protocol.region import DATA_RATES, FSK, dr_of
from simulator.air.interface import OnAir, Reception

PUSH_DATA, PULL_DATA, PULL_RESP, TX_ACK = 0, 2, 3, 5
_VERSION = 2
_DATAGRAM_MAX_LEN = 65_536
_COUNTER = 0xFFFFFFFF  # a concentrator's µs have 32 bits


class ToSend(NamedTuple):
    """A downlink the gateway wants on the air. counter_us: at that µs of ours, None: now; token: for `answer`."""

    token: bytes
    phy_payload: bytes
    freq_hz: int
    dr: int
    power_dbm: int
    counter_us: int | None


class Forwarder:
    """Speaks for one radio to the gateway at *address*. eui: 8 bytes as printed."""

    def __init__(self, eui: bytes, address: tuple[str, int]) -> None:
        self.eui = eui
        self._token = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(address)

    def heard(self, frame: OnAir, reception: Reception, counter_us: int) -> None:
        """Tell the gateway of an uplink; *counter_us* is its end on our clock."""
        rxpk = {
            "tmst": counter_us & _COUNTER,
            "freq": frame.freq_hz / 1e6,
            "chan": 0,
            "rfch": 0,
            "stat": 1,
            "modu": "LORA" if DATA_RATES[frame.dr][0] else "FSK",
            "datr": _datr(frame.dr),
            "codr": "4/5",
            "rssi": round(reception.rssi_dbm),
            "lsnr": round(reception.snr_db, 1),
            "size": len(frame.phy_payload),
            "data": base64.b64encode(frame.phy_payload).decode(),
        }
        self._send(PUSH_DATA, self._next(), json.dumps({"rxpk": [rxpk]}).encode())

    def pull(self) -> None:
        """Say where downlinks are to be sent; the gateway forgets it after a while."""
        self._send(PULL_DATA, self._next())

    def wanted(self) -> list[ToSend]:
        """What the gateway wants sent since the last call; whatever else came, acknowledgements mostly, is dropped."""
        found = []
        while (datagram := self._receive()) is not None:
            if len(datagram) > 4 and datagram[3] == PULL_RESP:
                found.append(_to_send(datagram[1:3], json.loads(datagram[4:])["txpk"]))
        return found

    def answer(self, token: bytes, error: str = "") -> None:
        """Say what became of a downlink: sent, or an *error* such as "TOO_LATE"."""
        self._send(TX_ACK, token, json.dumps({"txpk_ack": {"error": error}}).encode() if error else b"")

    def close(self) -> None:
        """Be gone."""
        self._socket.close()

    def _next(self) -> bytes:
        self._token = (self._token + 1) & 0xFFFF
        return self._token.to_bytes(2, "big")

    def _send(self, kind: int, token: bytes, body: bytes = b"") -> None:
        try:
            self._socket.send(bytes([_VERSION]) + token + bytes([kind]) + self.eui + body)
        except (BlockingIOError, ConnectionRefusedError):
            return  # as on a real backhaul: nobody is there, and the frame is lost

    def _receive(self) -> bytes | None:
        try:
            return self._socket.recv(_DATAGRAM_MAX_LEN)
        except BlockingIOError:
            return None
        except ConnectionRefusedError:  # nobody listened when we last sent
            return b""


def _to_send(token: bytes, txpk: dict[str, Any]) -> ToSend:
    return ToSend(
        token=token,
        phy_payload=base64.b64decode(txpk["data"]),
        freq_hz=round(txpk["freq"] * 1e6),
        dr=_dr(txpk["datr"]),
        power_dbm=txpk["powe"],
        counter_us=None if txpk.get("imme") else txpk["tmst"],
    )


def _datr(dr: int) -> str | int:
    sf, bw_hz = DATA_RATES[dr]
    return f"SF{sf}BW{bw_hz // 1000}" if sf else 50_000


def _dr(datr: str | int) -> int:
    if isinstance(datr, int):
        return dr_of(FSK, 0)
    sf, _, bw_khz = datr.removeprefix("SF").partition("BW")
    return dr_of(int(sf), int(bw_khz) * 1000)
