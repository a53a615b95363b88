"""The shapes that stimuli are made of: waves by day and year, and noise that can be looked up at any time.

Everything here is a pure function of time: it does not matter who asks, how often, or in which order. Arithmetic is
+, -, *, / and square root only: IEEE 754 fixes these, so the same seed gives the same city everywhere.
"""

from simulator.streams import Stream

DAY_S = 86_400
YEAR_S = 31_557_600

NOISES = 4093  # independent draws to go round in; a prime, so that no step comes back to where it began early


def cycle(time_s: float, period_s: float, peak_s: float) -> float:
    """A smooth wave of *period_s* between -1 and 1 with its top at *peak_s*: two parabolas, close to a cosine."""
    phase = ((time_s - peak_s) % period_s) / period_s  # 0 at the peak, 0.5 at the trough
    distance = abs(phase - 0.5) * 2  # 1 at the peak, 0 at the trough
    if distance > 0.5:
        return 1 - 4 * (1 - distance) * (1 - distance)
    return 4 * distance * distance - 1


class Noise:
    """A table of about standard normal numbers that a whole city shares; each thing begins somewhere else in it.

    bells: the table, NOISES long, for who needs it fast.
    """

    __slots__ = ("bells",)

    def __init__(self, stream: Stream) -> None:
        self.bells = [stream.bell() for _ in range(NOISES)]

    def at(self, index: int) -> float:
        """The number at *index*, any integer."""
        return self.bells[index % NOISES]

    def smooth(self, place: float) -> float:
        """The table as a line through its points, at *place* ≥ 0: it wanders and comes back; sd 1 at the points."""
        whole = int(place)
        here = self.bells[whole % NOISES]
        return here + (place - whole) * (self.bells[(whole + 1) % NOISES] - here)
