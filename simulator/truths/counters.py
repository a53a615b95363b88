"""No frame counter twice: a counter that comes back under one key is a key stream that is used twice.

Uplinks are followed by who sends them, downlinks by the address they go to. A frame that is sent again byte by byte is
no second use: repetitions (NbTrans), and copies of a group's frame from several radios, are that.
"""

from protocol.lorawan.frames import (
    CONFIRMED_DATA_DOWN,
    CONFIRMED_DATA_UP,
    JOIN_REQUEST,
    UNCONFIRMED_DATA_DOWN,
    UNCONFIRMED_DATA_UP,
)
from simulator.air.interface import OnAir
from simulator.truths.breaches import F_CNT_ONCE, Breaches

_HALF = 0x8000  # of the 16 bits on the air: what is further ahead has gone back
_STATUS = 3  # the FPort of the status that opens an epoch, the only frame that may be confirmed
_HEADER_LEN = 8  # MHDR, DevAddr, FCtrl, FCnt; FOpts and FPort follow


class FrameCounters:
    """repeats: uplinks that were sent again on purpose. confirmed: data uplinks that asked for an acknowledgement."""

    def __init__(self, breaches: Breaches) -> None:
        self.repeats = 0
        self.confirmed = 0
        self._breaches = breaches
        self._ups: dict[str, tuple[int, int, bytes]] = {}  # by sender: DevAddr, FCnt, the frame
        self._nonces: dict[str, tuple[int, bytes]] = {}
        self._downs: dict[int, tuple[int, bytes]] = {}  # by DevAddr

    def up(self, frame: OnAir) -> None:
        """A node begins a frame."""
        payload = frame.phy_payload
        mtype = payload[0] >> 5
        if mtype in (UNCONFIRMED_DATA_UP, CONFIRMED_DATA_UP):
            dev_addr = int.from_bytes(payload[1:5], "little")
            f_cnt = payload[7] << 8 | payload[6]
            last = self._ups.get(frame.sender)
            if last is not None and last[0] == dev_addr:
                step = (f_cnt - last[1]) & 0xFFFF
                if not step and last[2] == payload:
                    self.repeats += 1
                    return
                if not step or step >= _HALF:
                    what = f"FCntUp {f_cnt} after {last[1]} in the session of DevAddr {dev_addr:08x}"
                    self._breaches(F_CNT_ONCE, frame.start_us, frame.sender, what, payload)
            self._ups[frame.sender] = dev_addr, f_cnt, payload
            if mtype == CONFIRMED_DATA_UP and payload[_HEADER_LEN + (payload[5] & 0x0F)] != _STATUS:
                self.confirmed += 1
        elif mtype == JOIN_REQUEST:
            self._join(frame)

    def down(self, radio: str, payload: bytes, time_us: int) -> None:
        """A gateway's radio begins a frame."""
        mtype = payload[0] >> 5
        if mtype not in (UNCONFIRMED_DATA_DOWN, CONFIRMED_DATA_DOWN):
            return
        dev_addr = int.from_bytes(payload[1:5], "little")
        f_cnt = payload[7] << 8 | payload[6]
        last = self._downs.get(dev_addr)
        if last is not None and last[1] != payload and not 0 < (f_cnt - last[0]) & 0xFFFF < _HALF:
            what = f"FCntDown {f_cnt} after {last[0]} to DevAddr {dev_addr:08x}"
            self._breaches(F_CNT_ONCE, time_us, radio, what, payload)
        self._downs[dev_addr] = f_cnt, payload

    def _join(self, frame: OnAir) -> None:
        dev_nonce = int.from_bytes(frame.phy_payload[17:19], "little")
        last = self._nonces.get(frame.sender)
        if last is not None and dev_nonce <= last[0] and frame.phy_payload != last[1]:
            what = f"DevNonce {dev_nonce} after {last[0]}"
            self._breaches(F_CNT_ONCE, frame.start_us, frame.sender, what, frame.phy_payload)
        self._nonces[frame.sender] = dev_nonce, frame.phy_payload
