"""A packet forwarder between the bench's air and a gateway's UDP port (GWMP v2), asked in each of the bench's turns."""

import json
import socket
from base64 import b64decode, b64encode

from protocol.region import data_rate, dr_of
from simulator.air.station import Station

EUI = bytes.fromhex("aa555a0000000201")
_PUSH_DATA, _PUSH_ACK, _PULL_DATA, _PULL_RESP, _PULL_ACK, _TX_ACK = range(6)
_U32 = 0xFFFFFFFF


class Forwarder:
    """heard: frames that came from nodes; sent: those that the gateway sent."""

    def __init__(self, bench, address):
        self.heard = self.sent = 0
        self._bench = bench
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(address)
        self._socket.setblocking(False)
        self._say(_PULL_DATA)
        bench.air.attach("mast", self._push, Station(half_duplex=False))
        bench.turns.append(self.turn)

    def close(self):
        with self._bench.alone():
            self._bench.turns.remove(self.turn)
            self._socket.close()

    def turn(self):
        """What the gateway has said."""
        while True:
            try:
                data = self._socket.recv(4096)
            except BlockingIOError:
                return
            if data[3] == _PULL_RESP:
                self._emit(json.loads(data[4:])["txpk"])
                self._say(_TX_ACK, token=data[1:3])

    def _push(self, frame, reception):
        sf, bw_hz = data_rate(frame.dr)
        rxpk = {
            "tmst": self._bench.timeline.now_us & _U32,
            "freq": frame.freq_hz / 1e6,
            "chan": 0,
            "rfch": 0,
            "stat": 1,
            "modu": "LORA",
            "datr": f"SF{sf}BW{bw_hz // 1000}",
            "codr": "4/5",
            "rssi": round(reception.rssi_dbm),
            "lsnr": round(reception.snr_db, 1),
            "size": len(frame.phy_payload),
            "data": b64encode(frame.phy_payload).decode(),
        }
        self.heard += 1
        self._say(_PUSH_DATA, json.dumps({"rxpk": [rxpk]}).encode())

    def _emit(self, txpk):
        now_us = self._bench.timeline.now_us
        wait_us = 0 if txpk.get("imme") else (txpk["tmst"] - now_us) & _U32
        assert wait_us < 1 << 31, "it comes too late: the bench's time ran away"
        sf, bw_khz = txpk["datr"][2:].split("BW")
        sent = b64decode(txpk["data"]), round(txpk["freq"] * 1e6), dr_of(int(sf), int(bw_khz) * 1000), txpk["powe"]
        self.sent += 1
        self._bench.timeline.at(now_us + wait_us, lambda: self._bench.air.emit("mast", *sent))

    def _say(self, kind, body=b"", token=b"\0\1"):
        self._socket.send(b"\x02" + token + bytes([kind]) + EUI + body)
