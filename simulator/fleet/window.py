"""A receive window: when it is open, and what has been caught in it."""

from firmware.actions import OpenWindow
from protocol.airtime import symbol_us
from protocol.region import DATA_RATES, FSK, data_rate
from simulator.air.interface import OnAir

_FSK_SYMBOL_US = 160  # a byte at 50 kbit/s, as `protocol.region.rx_window` counts
_PREAMBLE_SYMBOLS = 8
_LOCK_SYMBOLS = 4  # of the preamble that a receiver must hear
_NEVER_US = 1 << 62


class Window:
    """Of class A it closes by itself, of class C never.

    locked: the frame whose preamble fell into it. tuned: whether the radio listens in the air already.
    """

    __slots__ = ("closes_us", "dr", "freq_hz", "locked", "opens_us", "symbols", "tuned")

    def __init__(self, action: OpenWindow, opens_us: int) -> None:
        self.freq_hz = action.freq_hz
        self.dr = action.dr
        self.symbols = action.symbols
        self.opens_us = opens_us
        self.closes_us = opens_us + (action.symbols * SYMBOLS_US[action.dr] or _NEVER_US)
        self.locked: OnAir | None = None
        self.tuned = False

    def may_catch(self, start_us: int) -> bool:
        """Whether a frame that begins then has enough of its preamble in this window."""
        symbol = SYMBOLS_US[self.dr]
        last_us = min(start_us + _PREAMBLE_SYMBOLS * symbol, self.closes_us)
        return last_us - max(start_us, self.opens_us) >= _LOCK_SYMBOLS * symbol

    def begin(self, frame: OnAir) -> None:
        """A downlink begins: lock to it if enough of its preamble falls into the window, and nothing else did."""
        if self.locked is None and self.may_catch(frame.start_us):
            self.locked = frame


def window_us(window: OpenWindow) -> int:
    """How long a class A window that hears nothing stays open; 0 for one of class C, which has no end."""
    return window.symbols * SYMBOLS_US[window.dr]


def _symbol_us(dr: int) -> int:
    sf, bw_hz = data_rate(dr)
    return _FSK_SYMBOL_US if sf == FSK else symbol_us(sf, bw_hz)


SYMBOLS_US = tuple(_symbol_us(dr) for dr in range(len(DATA_RATES)))  # by data rate
