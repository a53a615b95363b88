"""How long to wait before something is tried again: longer with each failure, and never in step with other gateways."""

from collections.abc import Callable

MIN_MS = 1_000
MAX_MS = 120_000


class BackOff:
    """dice: numbers in [0, 1)."""

    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice

    def after_ms(self, failures: int) -> int:
        """1 s, doubled with each failure up to 120 s, of which a random part up to a half is left out."""
        longest_ms = min(MIN_MS << min(failures, 10), MAX_MS)
        return longest_ms - int(self._dice() * longest_ms / 2)
