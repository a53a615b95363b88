"""A fleet of ABP air nodes as frames made in advance: for load, and for tests that kill the gateway."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from protocol.lorawan.eui import eui_to_text
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.quantities import AIR_FULL
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, Reading, Status, encode_readings, encode_status

EPOCH = 0xBEEF
REPEATED = 3  # as nodes do (firmware/telling.py)
_INTERVAL_S = 900
_FREQ_HZ = (868_100_000, 868_300_000, 868_500_000)


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame, and the numbers of the readings in it, the new one first; of a status: none."""

    dev_eui: bytes
    phy_payload: bytes
    seqs: tuple[int, ...]


class Fleet:
    """*size* nodes that speak in turn; the first frame of each is the status that opens its log.

    probers: nodes beside them that only speak when they are asked to, by `confirmed`.
    """

    def __init__(self, size: int, probers: int = 0) -> None:
        self.size = size
        self._probers = probers
        self._keys = [SessionKeys(*self._secrets(number)) for number in range(size + probers)]

    def devices(self) -> list[dict[str, str]]:
        """The fleet as rows for `lampyre gateway devices import`."""
        return [
            {
                "dev_eui": eui_to_text(self.dev_eui(number)),
                "name": f"air-{number}",
                "role": "air",
                "dev_addr": f"{self._dev_addr(number):08x}",
                "nwk_s_key": self._secrets(number)[0].hex(),
                "app_s_key": self._secrets(number)[1].hex(),
            }
            for number in range(self.size + self._probers)
        ]

    def dev_eui(self, number: int) -> bytes:
        """DevEUI of one of them: locally administered."""
        return bytes([2, 0, 0, 0, 0]) + number.to_bytes(3, "big")

    def frames(self, first_round: int, rounds: int) -> Iterator[Sent]:
        """What all send in these rounds; round 0 is the status, round n the reading n - 1."""
        for turn in range(first_round, first_round + rounds):
            for number in range(self.size):
                yield self._frame(number, turn)

    def confirmed(self) -> Iterator[Sent]:
        """The status of each prober, confirmed as nodes send the one that opens a log."""
        for number in range(self.size, self.size + self._probers):
            dev_addr = self._dev_addr(number)
            frame = seal_data(self._keys[number], UPLINK, dev_addr, 0, F_PORT_STATUS, _status(), confirmed=True)
            yield Sent(self.dev_eui(number), frame, ())

    def _frame(self, number: int, turn: int) -> Sent:
        if turn == 0:
            seqs: tuple[int, ...] = ()
            f_port, payload = F_PORT_STATUS, _status()
        else:
            newest = turn - 1
            seqs = tuple(range(newest, max(newest - REPEATED, 0) - 1, -1))
            log = [Reading(seq, 1, 5 + seq * _INTERVAL_S, values(number, seq)) for seq in seqs]
            f_port, payload = F_PORT_READINGS, encode_readings(AIR_FULL, log, 1, 7 + newest * _INTERVAL_S, 222)[0]
        frame = seal_data(self._keys[number], UPLINK, self._dev_addr(number), turn, f_port, payload)
        return Sent(self.dev_eui(number), frame, seqs)

    def _dev_addr(self, number: int) -> int:
        return 0x26000000 + number

    def _secrets(self, number: int) -> tuple[bytes, bytes]:
        tail = number.to_bytes(4, "big")
        return b"\x01nwk-s-key--" + tail, b"\x02app-s-key--" + tail


def _status() -> bytes:
    return encode_status(Status((0, 1, 0), EPOCH, 1, 5, None, None, None, None, 0), 51)


def values(number: int, seq: int) -> tuple[int, ...]:
    """What node *number* measured as its reading *seq*: as smooth as air is."""
    pm = 80 + number % 50 + seq % 7
    return pm, pm + 10, pm + 20, pm + 40, 430 + (number + seq) % 60, 150 + seq % 100, 63, 10_132


def datagrams(frames: Iterator[Sent], eui: bytes, per_datagram: int) -> Iterator[bytes]:
    """PUSH_DATA of a packet forwarder with this EUI, so many frames in each."""
    token = tmst = 0
    batch: list[dict[str, object]] = []
    for sent in frames:
        tmst = (tmst + 40_000) & 0xFFFFFFFF
        batch.append(
            {
                "tmst": tmst,
                "freq": _FREQ_HZ[tmst // 40_000 % 3] / 1e6,
                "stat": 1,
                "modu": "LORA",
                "datr": "SF7BW125",
                "codr": "4/5",
                "lsnr": 7.5,
                "rssi": -80,
                "size": len(sent.phy_payload),
                "data": b64encode(sent.phy_payload).decode(),
            }
        )
        if len(batch) == per_datagram:
            token = (token + 1) & 0xFFFF
            yield bytes([2]) + token.to_bytes(2, "big") + b"\x00" + eui + json.dumps({"rxpk": batch}).encode()
            batch = []
