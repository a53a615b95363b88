"""RTC memory: what the node carries through deep sleep, and what a lamp carries through a restart in good order.

It is erased as it is read, before anything else is done, and written as the last thing before the sleep: it survives a
crash too, and would then tell of counters that have been used since.
"""

import struct

from protocol.compat import const, on_demand

from ..glance import MAX_LEN
from .clock import NodeClock, rtc_ms

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .hardware import Hardware

ASLEEP = const(1)  # kinds: what `glance.pack` made
RESTARTED = const(2)  # a role's image

_HEAD = "<BBBQQ20s"  # kind, cause of the last reset, bays that watch, node's clock, RTC's clock, last error
_HEAD_LEN = const(39)
_ROUNDING_MS = const(2)


class Memory:
    """What was there. kind: 0 for nothing. cause: of the reset before the first sleep. watched: a bit for each bay.

    clock: the node's, which began at now_ms: 0 after anything but deep sleep. It runs from here on, for to load modules
    takes time. The last error of a driver goes on as well.
    """

    @on_demand
    def __init__(self, hardware: "Hardware") -> None:
        machine = hardware.machine
        rtc = machine.RTC()
        found = bytes(rtc.memory())
        rtc.memory(b"")
        reset = machine.reset_cause()
        woke = reset == machine.DEEPSLEEP_RESET
        self.cause: int = reset
        self.kind = self.now_ms = self.watched = 0
        self.image = b""
        if len(found) > _HEAD_LEN:
            kind, cause, watched, at_ms, rtc_then_ms, error = struct.unpack_from(_HEAD, found)
            if kind == ASLEEP and woke:
                self.cause, self.watched = cause, watched
                hardware.last_error = bytes(error).rstrip(b"\x00").decode() or None
                self.now_ms = at_ms + max(rtc_ms(hardware.time) - rtc_then_ms, 0)
            if (kind == ASLEEP and woke) or (kind == RESTARTED and reset == machine.HARD_RESET):
                self.kind = kind
                self.image = found[_HEAD_LEN:]
        self.clock = NodeClock(hardware.time, self.now_ms)
        self._behind_ms = rtc_ms(hardware.time) - self.now_ms

    @on_demand
    def write(self, hardware: "Hardware", kind: int, watched: int, image: bytes) -> None:
        """Write it; nothing may be done after this but to sleep, or to restart."""
        error = (hardware.last_error or "").encode()
        now_ms, rtc_now_ms = self.clock.now_ms(), rtc_ms(hardware.time)
        # Where both clocks tell the same but for rounding, a thousand sleeps must not make seconds of that.
        if abs(rtc_now_ms - self._behind_ms - now_ms) <= _ROUNDING_MS:
            now_ms = rtc_now_ms - self._behind_ms
        head = struct.pack(_HEAD, kind, self.cause, watched, now_ms, rtc_now_ms, error)
        hardware.machine.RTC().memory(head + image)


def fits(image: bytes) -> bool:
    """Whether RTC memory has room for *image*."""
    return len(image) <= MAX_LEN - _HEAD_LEN
