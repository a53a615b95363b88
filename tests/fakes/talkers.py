"""Nodes that talk fast and keep a log: each reading is known beforehand, and told again when the gateway asks."""

import base64
from collections import deque
from typing import Any

from gateway.network.registration import Abp, Registration, Role
from protocol.lorawan.frames import DOWNLINK, UPLINK, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.orders import F_PORT_ORDERS, RESEND, Receipt, decode_order, encode_receipt
from protocol.quantities import AIR_FULL
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, Reading, Status, encode_readings, encode_status
from tests.fakes.fleet import EPOCH, REPEATED, values

# The net under the tests (tests/cddl.py) takes 20 ms for a payload: hundreds of these a second would wait for it. That
# such readings are what lampyre.cddl says is held elsewhere.
_encode = getattr(encode_readings, "__wrapped__", encode_readings)

_INTERVAL_S = 900
_MOST = 12  # readings in one frame that answers a resend


class Talker:
    """An ABP air node. taken: how many readings it has taken. downs: FCntDown of every frame it was sent, and bytes."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.dev_eui = bytes([2, 0, 0, 0, 9]) + number.to_bytes(3, "big")
        self.dev_addr = 0x27000000 + number
        self.taken = 0
        self.downs: dict[int, bytes] = {}
        self._secrets = bytes([1]) * 12 + number.to_bytes(4, "big"), bytes([2]) * 12 + number.to_bytes(4, "big")
        self._keys = SessionKeys(*self._secrets)
        self._f_cnt = 0
        self._answers: deque[tuple[int, bytes]] = deque()  # (FPort, payload) that go out instead of a new reading

    def registration(self) -> Registration:
        abp = Abp(dev_addr=self.dev_addr, nwk_s_key=self._secrets[0], app_s_key=self._secrets[1])
        return Registration(device=0, dev_eui=self.dev_eui, role=Role.AIR, abp=abp)

    def status(self) -> bytes:
        """The status that opens its log."""
        return self._frame(F_PORT_STATUS, self._status())

    def speak(self) -> bytes:
        """Its next frame: an answer that it owes, else a new reading with those before it."""
        if self._answers:
            return self._frame(*self._answers.popleft())
        self.taken += 1
        newest = self.taken - 1
        return self._frame(F_PORT_READINGS, self._rows(newest, max(newest - REPEATED, 0)))

    def owes(self) -> bool:
        return bool(self._answers)

    def hear(self, txpk: dict[str, Any]) -> bool:
        """Take a downlink off the air, if it is for this node."""
        phy_payload = base64.b64decode(txpk["data"])
        frame = parse_frame(phy_payload)
        if frame.dev_addr != self.dev_addr:
            return False
        f_cnt = next(  # the gateway skips thousands after a restore
            count for count in range(frame.f_cnt16, 1 << 20, 1 << 16) if mic_matches(self._keys, frame, DOWNLINK, count)
        )
        assert self.downs.setdefault(f_cnt, phy_payload) == phy_payload, f"FCntDown {f_cnt} was used twice"
        if frame.f_port == F_PORT_ORDERS:
            order = decode_order(open_payload(self._keys, frame, DOWNLINK, f_cnt))
            if order.verb == RESEND:
                self._resend(order.order_id, *order.arguments)
        return True

    def _resend(self, order_id: int, first16: object, count: object) -> None:
        assert isinstance(first16, int)
        assert isinstance(count, int)
        first = self.taken - ((self.taken - first16) & 0xFFFF)
        if first < 0:  # of a log that was never: whoever asks that wants to know about this one
            self._answers.append((F_PORT_ORDERS, encode_receipt(Receipt(order_id, 0, 0))))
            self._answers.append((F_PORT_STATUS, self._status()))
            return
        self._answers.append((F_PORT_ORDERS, encode_receipt(Receipt(order_id, 0))))
        for at in range(first, min(first + count, self.taken), _MOST):
            newest = min(at + _MOST, first + count, self.taken) - 1
            self._answers.append((F_PORT_READINGS, self._rows(newest, at)))

    def _status(self) -> bytes:
        return encode_status(Status((0, 1, 0), EPOCH, 1, 5, None, None, None, None, self.taken), 51)

    def _rows(self, newest: int, oldest: int) -> bytes:
        now_s = 10 + self.taken * _INTERVAL_S
        log = [
            Reading(seq, 1, 5 + seq * _INTERVAL_S, values(self.number, seq)) for seq in range(newest, oldest - 1, -1)
        ]
        payload, carried = _encode(AIR_FULL, log, 1, now_s, 222)
        assert carried == len(log)
        return payload

    def _frame(self, f_port: int, payload: bytes) -> bytes:
        frame = seal_data(self._keys, UPLINK, self.dev_addr, self._f_cnt, f_port, payload)
        self._f_cnt += 1
        return frame
