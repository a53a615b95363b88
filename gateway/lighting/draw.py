"""What the lamps behind one meter should take at their levels, learned from them while they are well.

Until they have shown more, power is believed to go with the level above what a driver takes for itself. Drivers differ
from that, most of all at little light, and lamps age: so what was really taken is remembered for each tenth of the
level and followed slowly. Two lamps behind one meter are learned of while they share a level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

STANDBY_SHARE = 0.05  # of the rated power, that a driver takes beside the light; the firmware reckons with the same

_LEARN_PCT = 50  # at less light too little is said of the rated power
_AGREEING = 3  # measurements in a row that must agree before a rated power is believed
_AGREE_SHARE = 0.05
_SLOWLY = 16  # measurements in which what was learned follows: some hours, where ageing takes years
_SURE = 4  # measurements of a tenth after which it is believed more than the line
_LEAST_DW = 30.0  # expected power, or a difference, below which nothing is concluded: 3 W drown in a driver's own
_DEAD_DW = 20.0  # of a lit lamp whose rated power is not known
_BURNS_DW = 50.0
_BURNS_SHARE = 0.2  # of the rated power of a head that is told to be dark
_DARK_SHARE = 0.15  # of its rated power that a head may take which gives no light
_LOW_SHARE, _LOW_LEARNED = 0.4, 0.2  # missing, where only the line is known, and where the lamp's own habit is
_HIGH_SHARE, _HIGH_LEARNED = 0.4, 0.25  # too much
_HIGH_OF_RATED = 0.12


class Sign(Enum):
    """What one measurement says."""

    NOTHING = "nothing"  # too little light, or too little known, to tell
    FINE = "fine"  # a lamp that is lit takes what it should
    FINE_DARK = "fine_dark"  # all are told to be dark, and are
    DARK = "dark"  # told to be lit, takes next to nothing
    LOW = "low"  # takes too little for its level
    HIGH = "high"  # takes too much for its level
    BURNS = "burns"  # told to be dark, takes power


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sign, the head it is about, and tenths of a watt that all heads together should have taken, None: unknown."""

    sign: Sign
    head: int = 0
    expected_dw: float | None = None


class Draw:
    """rated_dw: tenths of a watt of one head at full light, 0 until that is known."""

    __slots__ = ("_alike", "_learned", "rated_dw")

    def __init__(self, rated_dw: float = 0.0) -> None:
        self.rated_dw = rated_dw
        self._alike: list[float] = []  # what the rated power would be by the last measurements
        self._learned: dict[int, tuple[int, float]] = {}  # tenth of the level -> measurements, mean share of rated

    def to_json(self) -> list[Any]:
        """For the store; undone by `from_json`."""
        return [
            round(self.rated_dw, 1),
            {str(tenth): [n, round(mean, 4)] for tenth, (n, mean) in self._learned.items()},
        ]

    @classmethod
    def from_json(cls, said: Any) -> "Draw":
        """Raises ValueError, TypeError or LookupError for what `to_json` did not write."""
        draw = cls(float(said[0]))
        draw._learned = {int(tenth): (int(n), float(mean)) for tenth, (n, mean) in said[1].items()}
        return draw

    def expected_dw(self, levels: Sequence[int]) -> float:
        """What heads at *levels* take together; 0 while the rated power is not known."""
        return sum(self._share(level, len(set(levels)) == 1) for level in levels) * self.rated_dw

    def judge(self, levels: Sequence[int], power_dw: float) -> Verdict:
        """What it means that heads at *levels*, at least one, take *power_dw* together."""
        if not any(levels):
            burns = power_dw > max(_BURNS_DW, self.rated_dw * _BURNS_SHARE)
            return Verdict(Sign.BURNS if burns else Sign.FINE_DARK, 0, 0.0)
        if not self.rated_dw:
            dead = min(levels) >= _LEARN_PCT and power_dw < _DEAD_DW
            return Verdict(Sign.DARK if dead else Sign.NOTHING, 0, None)
        expected_dw = self.expected_dw(levels)
        if power_dw < expected_dw:
            return self._too_little(levels, expected_dw, expected_dw - power_dw)
        return self._too_much(levels, expected_dw, power_dw - expected_dw)

    def learn(self, levels: Sequence[int], power_dw: float) -> None:
        """Take in a measurement of lamps that are well."""
        if len(set(levels)) > 1 or not levels[0]:
            return
        level, each_dw = levels[0], power_dw / len(levels)
        if not self.rated_dw:
            self._learn_rated(level, each_dw)
            return
        if level == 100:
            self.rated_dw += (each_dw - self.rated_dw) / _SLOWLY
        tenth, share = _tenth(level), each_dw / self.rated_dw / _line(level)
        count, mean = self._learned.get(tenth, (0, share))
        self._learned[tenth] = (min(count + 1, _SLOWLY), mean + (share - mean) / min(count + 1, _SLOWLY))

    def _learn_rated(self, level: int, each_dw: float) -> None:
        if level < _LEARN_PCT:
            return
        self._alike = [*self._alike, each_dw / _line(level)][-_AGREEING:]
        least, most = min(self._alike), max(self._alike)
        if len(self._alike) == _AGREEING and least >= _LEAST_DW and most - least <= most * _AGREE_SHARE:
            self.rated_dw = sorted(self._alike)[_AGREEING // 2]
            self._alike = []

    def _too_little(self, levels: Sequence[int], expected_dw: float, missing_dw: float) -> Verdict:
        if expected_dw < _LEAST_DW:
            return Verdict(Sign.NOTHING, 0, expected_dw)
        shares = [_line(level) * self.rated_dw for level in levels]
        head = min(range(len(levels)), key=lambda k: (not levels[k], abs(shares[k] - missing_dw)))
        allowed = _LOW_LEARNED if self._sure(levels) else _LOW_SHARE
        left_dw = shares[head] - missing_dw
        if missing_dw >= _LEAST_DW and left_dw <= min(max(_DEAD_DW, self.rated_dw * _DARK_SHARE), shares[head] * 0.4):
            return Verdict(Sign.DARK, head, expected_dw)
        if missing_dw >= max(_LEAST_DW, expected_dw * allowed):
            return Verdict(Sign.LOW, head, expected_dw)
        return Verdict(Sign.FINE, head, expected_dw)

    def _too_much(self, levels: Sequence[int], expected_dw: float, excess_dw: float) -> Verdict:
        allowed = _HIGH_LEARNED if self._sure(levels) else _HIGH_SHARE
        if excess_dw < max(_BURNS_DW, expected_dw * allowed, self.rated_dw * _HIGH_OF_RATED):
            return Verdict(Sign.FINE, 0, expected_dw)
        rest = [self.rated_dw * (1 - (_line(level) if level else 0)) for level in levels]
        head = min(range(len(levels)), key=lambda k: abs(rest[k] - excess_dw))
        return Verdict(Sign.HIGH if levels[head] else Sign.BURNS, head, expected_dw)

    def _sure(self, levels: Sequence[int]) -> bool:
        known = self._learned.get(_tenth(levels[0]))
        return len(set(levels)) == 1 and known is not None and known[0] >= _SURE

    def _share(self, level: int, alike: bool) -> float:
        if not level:
            return 0.0
        known = self._learned.get(_tenth(level)) if alike else None
        return _line(level) * (known[1] if known is not None and known[0] >= _SURE else 1.0)


def _line(level: int) -> float:
    """The share of the rated power that a lit head is believed to take."""
    return STANDBY_SHARE + (1 - STANDBY_SHARE) * level / 100


def _tenth(level: int) -> int:
    return min(level, 99) // 10
