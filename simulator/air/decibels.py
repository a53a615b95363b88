"""Powers as whole hundredths of a decibel, so that every machine counts the same.

Logarithms and powers differ in their last bit from one C library to the next. Here each is rounded far above that bit
as soon as it is taken: losses and levels to 0.01 dB (called cdb and cdbm), milliwatts to ten digits. What follows are
additions, multiplications and comparisons, which IEEE 754 fixes.
"""

from statistics import NormalDist

DRAWS = 4096  # how finely a normal number is drawn: its tails end at 3.67 standard deviations, so links can be culled
_DIGITS = 10


def cdb(decibels: float) -> int:
    """Whole hundredths of a decibel."""
    return round(100 * decibels)


def ratio(decibels: float) -> float:
    """The ratio of powers that *decibels* stand for, to ten digits."""
    return float(f"{10 ** (decibels / 10):.{_DIGITS}g}")


class _Milliwatts(dict[int, float]):
    """By level in hundredths of a dBm; there are some 20,000 between thermal noise and the strongest transmitter."""

    def __missing__(self, level_cdbm: int) -> float:
        power_mw = self[level_cdbm] = ratio(level_cdbm / 100)
        return power_mw


MILLIWATTS = _Milliwatts()

_NORMAL = tuple(round(NormalDist().inv_cdf((step + 0.5) / DRAWS), 6) for step in range(DRAWS))


def spread(deviation_db: float) -> tuple[int, ...]:
    """What a normal number with this standard deviation is, in hundredths of a dB, for each of DRAWS equal chances."""
    return tuple(round(100 * deviation_db * quantile) for quantile in _NORMAL)
