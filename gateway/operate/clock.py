"""Whether this machine's clock may be believed: asked of the kernel, decided purely, never guessed.

A Pi has no battery-backed clock: it boots with the time of its last shutdown, or of its image, and jumps once NTP
answers (facts/reliability.md, C-1 to C-3). Until then nothing is dated and no node is told the time.
"""

import ctypes
import time
from dataclasses import dataclass

BUILD_MS = 1_790_000_000_000  # 2026-09-21: no gateway with this program is older; raised with each release
MAX_ERROR_MS = 2_000  # a synchronised kernel claims less; beyond, a reading's time_error_s would be a fiction
_STA_UNSYNC = 0x0040  # <linux/timex.h>
_TIME_ERROR = 5  # adjtimex's answer when the clock is not synchronised


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What adjtimex(2) says. unsynchronised: STA_UNSYNC or TIME_ERROR. max_error_ms: its own bound of the error."""

    unsynchronised: bool
    max_error_ms: int


@dataclass(frozen=True, slots=True)
class ClockVerdict:
    """Whether Unix time may be believed, and the sentence that says why (not)."""

    trusted: bool
    sentence: str


def judge(kernel: KernelClock | None, now_ms: int, floor_ms: int, *, always: bool) -> ClockVerdict:
    """Decide. kernel: None where it cannot be asked. now_ms: Unix ms. floor_ms: no earlier time can be true.

    always: the operator vouches for the clock ([clock] trust = "always"); the floor holds even so.
    """
    if now_ms < floor_ms:
        behind_s = (floor_ms - now_ms) // 1000
        return ClockVerdict(False, f"the clock is {behind_s} s before a time that has been; it waits for NTP or `date`")
    if always:
        return ClockVerdict(True, 'believed because gateway.toml says trust = "always"')
    if kernel is None:
        return ClockVerdict(False, 'the kernel does not tell; write [clock] trust = "always" if the clock is right')
    if kernel.unsynchronised:
        return ClockVerdict(False, "the kernel says it is not synchronised; `timedatectl` shows whether NTP answers")
    if kernel.max_error_ms > MAX_ERROR_MS:
        return ClockVerdict(False, f"the kernel bounds its error by {kernel.max_error_ms} ms; expected {MAX_ERROR_MS}")
    return ClockVerdict(True, f"synchronised, error below {max(1, kernel.max_error_ms)} ms")


def floor_of(last_stored_ms: int | None) -> int:
    """The earliest time that can be true: this program's build, or the last time that was stored."""
    return max(BUILD_MS, last_stored_ms or 0)


class _Timex(ctypes.Structure):
    """struct timex of <sys/timex.h>, as far as it is read; the rest is room that the kernel writes to."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    )


def ask_kernel() -> KernelClock | None:
    """Ask adjtimex(2), changing nothing; None where there is no such call or it refuses."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    return KernelClock(state == _TIME_ERROR or bool(timex.status & _STA_UNSYNC), timex.maxerror // 1000)


def look(last_stored_ms: int | None, *, always: bool) -> tuple[int | None, ClockVerdict]:
    """(offset_ms for `ClockSet`, or None, and the verdict), from this machine's clocks now."""
    monotonic_ms, now_ms = time.monotonic_ns() // 1_000_000, time.time_ns() // 1_000_000
    verdict = judge(ask_kernel(), now_ms, floor_of(last_stored_ms), always=always)
    return (now_ms - monotonic_ms if verdict.trusted else None), verdict


def uptime_s() -> float:
    """Seconds since this machine booted."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
