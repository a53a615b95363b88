"""Plantower PMS5003: counts particles with a laser and a fan; by request, so that nothing piles up while nobody reads.

Cited as DS: PMS5003 series data manual V2.5, appendices I and II.
"""

import struct

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, Uart

_READ = b"\x42\x4d\xe2\x00\x00\x01\x71"
_BY_REQUEST = b"\x42\x4d\xe1\x00\x00\x01\x70"
_SLEEP = b"\x42\x4d\xe4\x00\x00\x01\x73"
_WAKE = b"\x42\x4d\xe4\x00\x01\x01\x74"

_FRAME = const(32)  # two letters, the length 28, 13 numbers, their sum
_LENGTH = const(28)
_COMES_MS = const(40)  # question and frame at 9600 bit/s
_PATIENCE_MS = const(1_000)  # after that
_POLL_MS = const(10)


class Pms5003:
    """uart: 9600 bit/s, 8N1. What it measures is true 30 s after `wake`."""

    def __init__(self, uart: "Uart", clock: "Clock") -> None:
        self._uart = uart
        self._clock = clock
        self._frame = bytearray(_FRAME)
        self._room = memoryview(self._frame)

    def wake(self) -> None:
        """Fan and laser on."""
        self._uart.write(_WAKE)
        self._clock.sleep_ms(100)
        self._uart.write(_BY_REQUEST)

    def sleep(self) -> None:
        """Fan and laser off."""
        self._uart.write(_SLEEP)

    def read(self) -> tuple[int, int, int] | None:
        """PM1, PM2.5 and PM10 in tenths of a µg/m³ under atmospheric conditions; None when no sound frame came in 1 s.

        One that has been powered anew sends by itself: its frames are as good.
        """
        while self._uart.any():  # of before
            self._uart.readinto(self._room, _FRAME)
        self._uart.write(_READ)
        self._clock.sleep_ms(_COMES_MS)
        filled = 0
        for _ in range(_PATIENCE_MS // _POLL_MS):
            self._clock.sleep_ms(_POLL_MS)
            while self._uart.any():
                filled += self._uart.readinto(self._room[filled:], _FRAME - filled) or 0
                filled = self._aligned(filled)
                if filled == _FRAME:
                    if self._is_sound():
                        return self._values()
                    filled = self._aligned(filled, 1)
        return None

    def _aligned(self, filled: int, start: int = 0) -> int:
        """Move what may be a frame's beginning to the front; returns how much there is of it."""
        frame = self._frame
        for place in range(start, filled):
            if frame[place] == 0x42 and (place + 1 == filled or frame[place + 1] == 0x4D):
                left = filled - place
                frame[:left] = frame[place:filled]
                return left
        return 0

    def _is_sound(self) -> bool:
        frame = self._frame
        length, told = frame[2] << 8 | frame[3], frame[30] << 8 | frame[31]
        return length == _LENGTH and sum(self._room[:30]) == told and not frame[29]  # 29: its own error code

    def _values(self) -> tuple[int, int, int]:
        pm1, pm2_5, pm10 = struct.unpack_from(">HHH", self._frame, 10)
        return pm1 * 10, pm2_5 * 10, pm10 * 10
