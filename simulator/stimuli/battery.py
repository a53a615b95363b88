"""The voltage of a node's cell: flat for years, then gone."""

from simulator.stimuli.cycles import NOISES, Noise
from simulator.streams import Stream

# A cell of lithium and thionyl chloride at a few milliamperes and 20 °C, by the share of its capacity that is spent:
# nearly level at 3.6 V until little is left, as every data sheet of the kind draws it (values recalled).
_CURVE = ((0.0, 3.66), (0.05, 3.62), (0.7, 3.60), (0.85, 3.55), (0.93, 3.40), (0.97, 3.10), (1.0, 2.0))
_COLD_V_PER_K = 0.0025  # below 20 °C; there is more of it in the frost than here


class Cell:
    """spent: the share of its capacity that was drawn, 0..1; whoever counts the node's charge may write it."""

    __slots__ = ("_offset_v", "_phase", "spent")

    def __init__(self, stream: Stream, spent: float | None = None) -> None:
        self.spent = stream.uniform(0.02, 0.6) if spent is None else spent
        self._offset_v = stream.uniform(-0.02, 0.02)
        self._phase = stream.below(NOISES)

    def centivolts(self, time_s: float, celsius: float, noise: Noise) -> int:
        """What the node's converter reads."""
        cold_v = _COLD_V_PER_K * min(0.0, celsius - 20)
        jitter_v = 0.004 * noise.at(self._phase + int(time_s))
        return round(100 * (_at(min(1.0, max(0.0, self.spent))) + self._offset_v + cold_v + jitter_v))


def _at(spent: float) -> float:
    before = _CURVE[0]
    for point in _CURVE[1:]:
        if spent <= point[0]:
            return before[1] + (point[1] - before[1]) * (spent - before[0]) / (point[0] - before[0])
        before = point
    return before[1]
