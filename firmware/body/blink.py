"""The board's own light, for people: a number of flashes says what is wrong, a flicker which node this is."""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from ..drivers.bus import Pin

DARK = const(0)  # codes: how often it flashes, then it rests
BAD_SETTINGS = const(2)
BAD_BOARD = const(3)
NO_KEYS = const(4)
CRASHED = const(5)

_FLICKER_MS = const(100)
_FLASH_MS = const(250)
_PAUSE = const(6)  # flashes long


class Blinker:
    """led: its pin and the level at which it is lit; None on a board without one."""

    def __init__(self, led: "tuple[Pin, int] | None") -> None:
        self._led = led
        self.code = DARK
        self._until_ms = 0  # of the flicker
        self._lit = False

    def identify(self, seconds: int, now_ms: int) -> None:
        """Flicker for so long."""
        self._until_ms = now_ms + seconds * 1000

    def step(self, now_ms: int) -> None:
        """Be as it should be now."""
        lit = self._wanted(now_ms)
        if self._led is not None and lit != self._lit:
            self._lit = lit
            pin, level = self._led
            pin.value(level if lit else 1 - level)

    def next_ms(self, now_ms: int) -> int | None:
        """When `step` is to be asked again; None: it stays as it is."""
        if self._led is None:
            return None
        if now_ms < self._until_ms:
            return now_ms + _FLICKER_MS - now_ms % _FLICKER_MS
        if self.code or self._lit:
            return now_ms + _FLASH_MS - now_ms % _FLASH_MS
        return None

    def _wanted(self, now_ms: int) -> bool:
        if now_ms < self._until_ms:
            return now_ms // _FLICKER_MS % 2 == 0
        place = now_ms // _FLASH_MS % (2 * self.code + _PAUSE)
        return place < 2 * self.code and place % 2 == 0
