"""The MAC of the walking skeleton: class A uplinks of an ABP session, inside the duty cycle, without windows.

Frames wait in a short queue; each takes the next channel whose sub-band is free. FCntUp is reserved in steps before
use, so that a counter never repeats after a power cut (design: one owner per fact, written before use). Joining,
receive windows and MAC commands follow with the full MAC behind the same two calls.
"""

from protocol.compat import const
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import Plan, frame_airtime_us, max_payload, off_time_ms, sub_band

from .actions import Persist, RadioTransmit, Transmit
from .events import Woke

MAX_WAITING = const(4)  # a mind sends a reading, a status, an event and a receipt at most; then the newest wins
F_CNT_STEP = const(32)  # counters reserved by one write: at 96 uplinks a day NVS sees three writes
_POWER_DBM = const(14)


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
        self._channel = dev_addr % len(plan.channels)  # nodes begin on different channels
        self._free_ms: dict[str, int] = {}  # when each sub-band may be used again

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Take a Transmit into the queue, or send what is due."""
        if isinstance(event, Transmit):
            if len(self._waiting) == MAX_WAITING:
                self._waiting.pop(0)
            self._waiting.append(event)
        elif not isinstance(event, Woke):
            return []
        due = self.wake_at()
        if due is None or due > now_ms:
            return []
        return self._send(self._waiting.pop(0), now_ms)

    def wake_at(self) -> int | None:
        """When the first waiting frame may go; None when nothing waits. In the past means at once."""
        if not self._waiting:
            return None
        return min(self._free_ms.get(sub_band(freq_hz).name, 0) for freq_hz in self._plan.channels)

    def _send(self, transmit: Transmit, now_ms: int) -> list[object]:
        actions: list[object] = []
        if self._f_cnt_up == self._reserved_to:
            self._reserved_to += F_CNT_STEP
            actions.append(Persist("f_cnt_up", self._reserved_to))
        payload = transmit.compose(max_payload(self._dr), now_ms)
        frame = seal_data(
            self._keys, UPLINK, self._dev_addr, self._f_cnt_up, transmit.f_port, payload, transmit.confirmed
        )
        self._f_cnt_up += 1
        freq_hz = self._next_channel(now_ms)
        airtime_us = frame_airtime_us(self._dr, len(frame))
        band = sub_band(freq_hz)
        self._free_ms[band.name] = now_ms + (airtime_us + 999) // 1000 + off_time_ms(airtime_us, band)
        actions.append(RadioTransmit(frame, freq_hz, self._dr, _POWER_DBM))
        return actions

    def _next_channel(self, now_ms: int) -> int:
        """The channel after the last used one whose sub-band is free; `wake_at` has seen that there is one."""
        while True:
            self._channel = (self._channel + 1) % len(self._plan.channels)
            freq_hz = self._plan.channels[self._channel]
            if self._free_ms.get(sub_band(freq_hz).name, 0) <= now_ms:
                return freq_hz
