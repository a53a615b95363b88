"""The shapes that stimuli are made of: waves by day and year, and values that wander and come back.

Arithmetic is +, -, *, / and square root only: IEEE 754 fixes these, so the same seed gives the same city everywhere.
"""

import math

from simulator.streams import Stream

DAY_S = 86_400
YEAR_S = 31_557_600


def cycle(time_s: float, period_s: float, peak_s: float) -> float:
    """A smooth wave of *period_s* between -1 and 1 with its top at *peak_s*: two parabolas, close to a cosine."""
    phase = ((time_s - peak_s) % period_s) / period_s  # 0 at the peak, 0.5 at the trough
    distance = abs(phase - 0.5) * 2  # 1 at the peak, 0 at the trough
    if distance > 0.5:
        return 1 - 4 * (1 - distance) * (1 - distance)
    return 4 * distance * distance - 1


class Drift:
    """A value that wanders and comes back: a first-order autoregression with its own memory."""

    def __init__(self, stream: Stream, spread: float, memory: float) -> None:
        self._stream = stream
        self._step = spread * math.sqrt(1 - memory * memory)  # keeps the spread what it is
        self._memory = memory
        self._value = spread * stream.bell()

    def next(self) -> float:
        """The value one step later."""
        self._value = self._memory * self._value + self._step * self._stream.bell()
        return self._value
