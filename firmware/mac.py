"""The MAC of the walking skeleton: class A uplinks of an ABP session, inside the duty cycle, without windows.

Frames wait in a short queue, for the radio to fall silent and a sub-band to be free; each takes the next channel of one
that is. FCntUp is reserved in steps before use, so that a counter never repeats after a power cut (design: one owner
per fact, written before use). Joining, receive windows and MAC commands follow behind the same two calls.
"""

from protocol.compat import const
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import Plan, SubBand, frame_airtime_us, max_payload, sub_band

from .actions import Persist, RadioTransmit, Transmit
from .events import Transmitted

MAX_WAITING = const(4)  # a mind sends a reading, a status, an event and a receipt at most; then the newest wins
F_CNT_STEP = const(32)  # counters reserved by one write: at 96 uplinks a day NVS sees three writes
_POWER_DBM = const(14)
_OVERHEAD_LEN = const(13)  # MHDR(1) FHDR(7) FPort(1) MIC(4)
_HOUR_MS = const(3_600_000)


class Mac:
    """f_cnt_up: the first counter that is surely unused, as `Persist("f_cnt_up", …)` left it."""

    def __init__(self, keys: SessionKeys, dev_addr: int, plan: Plan, dr: int, f_cnt_up: int = 0) -> None:
        self._keys = keys
        self._dev_addr = dev_addr
        self._plan = plan
        self._dr = dr
        self._f_cnt_up = f_cnt_up
        self._reserved_to = f_cnt_up
        self._waiting: list[Transmit] = []
        self._on_air = False
        self._channel = dev_addr % len(plan.channels)  # nodes begin on different channels
        self._free_ms: dict[str, int] = {}  # when each sub-band may be used again

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Take a Transmit into the queue; whatever it hears, send what is due."""
        if isinstance(event, Transmit):
            if len(self._waiting) == MAX_WAITING:
                self._waiting.pop(0)
            self._waiting.append(event)
        elif isinstance(event, Transmitted):
            self._on_air = False
        due = self.wake_at()
        if due is None or due > now_ms:
            return []
        return self._send(self._waiting.pop(0), now_ms)

    def wake_at(self) -> int | None:
        """When the first waiting frame may go; None when nothing waits or the radio still sends."""
        if not self._waiting or self._on_air:
            return None
        return min(self._free_ms.get(sub_band(freq_hz).name, 0) for freq_hz in self._plan.channels)

    def _send(self, transmit: Transmit, now_ms: int) -> list[object]:
        payload = transmit.compose(max_payload(self._dr), now_ms)  # first: should it fail, no counter is reserved
        actions: list[object] = []
        if self._f_cnt_up == self._reserved_to:
            self._reserved_to += F_CNT_STEP
            actions.append(Persist("f_cnt_up", self._reserved_to))
        frame = seal_data(
            self._keys, UPLINK, self._dev_addr, self._f_cnt_up, transmit.f_port, payload, transmit.confirmed
        )
        self._f_cnt_up += 1
        freq_hz = self._next_channel(now_ms)
        band = sub_band(freq_hz)
        self._free_ms[band.name] = now_ms + self._pace_ms(len(frame), band)
        self._on_air = True
        actions.append(RadioTransmit(frame, freq_hz, self._dr, _POWER_DBM))
        return actions

    def _pace_ms(self, frame_len: int, band: SubBand) -> int:
        """From the start of a frame to that of the next in its sub-band, so that no sliding hour sees too much.

        With all but the longest frame of the budget spread over the hour, one more that begins at its very end still
        fits; `off_time_ms` spreads the whole budget and would let it pass the limit.
        """
        longest_ms = self._airtime_ms(_OVERHEAD_LEN + max_payload(self._dr))
        return self._airtime_ms(frame_len) * (_HOUR_MS // (band.airtime_ms_per_hour - longest_ms) + 1)

    def _airtime_ms(self, frame_len: int) -> int:
        return (frame_airtime_us(self._dr, frame_len) + 999) // 1000

    def _next_channel(self, now_ms: int) -> int:
        """The channel after the last used one whose sub-band is free; `wake_at` has seen that there is one."""
        while True:
            self._channel = (self._channel + 1) % len(self._plan.channels)
            freq_hz = self._plan.channels[self._channel]
            if self._free_ms.get(sub_band(freq_hz).name, 0) <= now_ms:
                return freq_hz
