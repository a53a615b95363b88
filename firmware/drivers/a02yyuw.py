"""DFRobot A02YYUW (SEN0311): the distance to the nearest thing, by ultrasound; watertight.

Cited as DS: its maker's pages, wiki.dfrobot.com/sen0311 ("Communication Protocol", "Specification", revision of January
2026) and the Chinese edition, wiki.dfrobot.com.cn. It speaks by itself at 9600 bit/s, 8N1: every 0.1 s, or with a
steadier value and up to 0.3 s after the one before while its RX is high or open, as a UART at rest leaves it; the
Chinese edition gives 0.5 s. The longer A01NYUB (SEN0313) and the ME007YS (SEN0312) speak the same frames.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, Uart

_FRAME = const(4)  # 0xFF, high and low byte of the millimetres, the low byte of the sum of the three
_HEAD = const(0xFF)
_BLIND_MM = const(30)  # DS: 3 cm to 4.5 m; their own example refuses 30 mm and less
# Beyond 4.5 m it still says numbers, of open space 5.5 m and then 0 (owners of DYP-A02 sensors, on GitHub): far is all
# that a bay wants to know, so the limit is that of the A01NYUB.
_FARTHEST_MM = const(7_500)
_PATIENCE_MS = const(700)  # the slowest that is documented, and a bit
_POLL_MS = const(10)


class A02yyuw:
    """uart: 9600 bit/s, 8N1."""

    def __init__(self, uart: "Uart", clock: "Clock") -> None:
        self._uart = uart
        self._clock = clock
        self._frame = bytearray(_FRAME)
        self._room = memoryview(self._frame)

    def read(self) -> "tuple[int] | None":
        """The distance in cm, rounded down; None when no sound frame came in 0.7 s, or nothing is in its range."""
        for _ in range(_PATIENCE_MS):  # what came before it was asked; bounded, should noise never end
            if not self._uart.readinto(self._room, _FRAME):
                break
        filled = 0
        for _ in range(_PATIENCE_MS // _POLL_MS):
            self._clock.sleep_ms(_POLL_MS)
            for _ in range(self._uart.any()):
                filled += self._uart.readinto(self._room[filled:], 1) or 0
                if filled == _FRAME and self._is_sound():
                    return self._centimetres()
                filled = self._aligned(filled)
        return None

    def _is_sound(self) -> bool:
        frame = self._frame
        return frame[0] == _HEAD and (frame[0] + frame[1] + frame[2]) & 0xFF == frame[3]

    def _aligned(self, filled: int) -> int:
        """Move what may be a frame's beginning to the front; returns how much there is of it."""
        frame = self._frame
        for place in range(1 if filled == _FRAME else 0, filled):
            if frame[place] == _HEAD:
                left = filled - place
                frame[:left] = frame[place:filled]
                return left
        return 0

    def _centimetres(self) -> "tuple[int] | None":
        distance_mm = self._frame[1] << 8 | self._frame[2]
        return (distance_mm // 10,) if _BLIND_MM < distance_mm <= _FARTHEST_MM else None
