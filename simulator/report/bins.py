"""Figures over time and their distributions, in memory that does not grow with what is counted.

A run is cut into at most a hundred bins of equal width. Latencies go into classes an eighth of an octave wide, so that
a quantile is right within 6 % whatever it is; both are whole numbers, the same on every machine.
"""

from collections.abc import Hashable

_WIDTHS_MIN = (5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 5760)
_MOST_BINS = 100  # more than a page's plot can show apart
WITHIN_S = (60, 360, 3600)  # what the promises speak of
_LONGEST_WITHIN_US = 3_600_000_000
_MINUTE_US = 60_000_000
_EIGHTHS = 3  # bits below the leading one that choose a class
_CLASSES = 8 * 36  # up to 2**38 ms: eight years


class Bins:
    """The run of *hours* in bins of `width_us`; what lies beyond the end falls into the last one."""

    def __init__(self, hours: float) -> None:
        minutes = hours * 60
        width = next((width for width in _WIDTHS_MIN if minutes <= _MOST_BINS * width), _WIDTHS_MIN[-1])
        self.width_us = width * _MINUTE_US
        self.count = max(1, -int(-minutes // width))

    def of(self, time_us: int) -> int:
        """The bin of a time."""
        return min(time_us // self.width_us, self.count - 1)


class Latencies:
    """How long things took, and of each bin of the run. within: how many of them took at most so many s."""

    def __init__(self, bins: int) -> None:
        self.count = 0
        self.within = dict.fromkeys(WITHIN_S, 0)
        self.longest_us = 0
        self._all = [0] * _CLASSES
        self._by_bin: list[list[int] | None] = [None] * bins

    def add(self, latency_us: int, bin_number: int) -> None:
        """Count one that was taken in that bin."""
        self.count += 1
        if latency_us <= _LONGEST_WITHIN_US:
            for limit_s in WITHIN_S:
                if latency_us <= limit_s * 1_000_000:
                    self.within[limit_s] += 1
        if latency_us > self.longest_us:
            self.longest_us = latency_us
        number = _class_of(latency_us // 1000)
        self._all[number] += 1
        counts = self._by_bin[bin_number]
        if counts is None:
            counts = self._by_bin[bin_number] = [0] * _CLASSES
        counts[number] += 1

    def quantile_s(self, share: float, bin_number: int | None = None) -> float | None:
        """The latency in s that *share* (0 to 1) of all, or of one bin's, do not exceed; None where there are none."""
        counts = self._all if bin_number is None else self._by_bin[bin_number]
        found_s = None if counts is None else _quantile_s(counts, share)
        return None if found_s is None else min(found_s, self.longest_us / 1e6)

    def joined_with(self, other: "Latencies") -> "Latencies":
        """A new one that holds what both hold."""
        both = Latencies(len(self._by_bin))
        both.count = self.count + other.count
        both.within = {limit_s: self.within[limit_s] + other.within[limit_s] for limit_s in WITHIN_S}
        both.longest_us = max(self.longest_us, other.longest_us)
        both._all = _added(self._all, other._all)
        for number, (mine, theirs) in enumerate(zip(self._by_bin, other._by_bin, strict=True)):
            both._by_bin[number] = mine if theirs is None else theirs if mine is None else _added(mine, theirs)
        return both


class Sums:
    """A quantity over time: mean, least and most of each bin."""

    def __init__(self, bins: int) -> None:
        self._sums: list[float] = [0] * bins
        self._counts = [0] * bins
        self.least: list[float | None] = [None] * bins
        self.most: list[float | None] = [None] * bins

    def __bool__(self) -> bool:
        """Whether there was any value."""
        return any(self._counts)

    def add(self, value: float, bin_number: int) -> None:
        """Take in one value."""
        self._sums[bin_number] += value
        self._counts[bin_number] += 1
        least, most = self.least[bin_number], self.most[bin_number]
        if least is None or value < least:
            self.least[bin_number] = value
        if most is None or value > most:
            self.most[bin_number] = value

    def means(self) -> list[float | None]:
        """The mean of each bin; None where there was no value."""
        return [total / count if count else None for total, count in zip(self._sums, self._counts, strict=True)]


class Levels:
    """The mean over time and members of something that stays as it was set, such as which bays are taken."""

    def __init__(self, bins: Bins) -> None:
        self._bins = bins
        self._now: dict[Hashable, int] = {}
        self._total = 0
        self._since_us = 0
        self._areas = [0] * bins.count  # level times µs, summed over members
        self._members_us = [0] * bins.count  # µs, summed over members

    @property
    def members(self) -> int:
        """How many there are."""
        return len(self._now)

    @property
    def mean(self) -> float | None:
        """Their mean level now; None: there is no member."""
        return self._total / len(self._now) if self._now else None

    def set(self, member: Hashable, level: int, time_us: int) -> int:
        """A member has this level from now on; returns by how much it rose. Times only grow."""
        self.pass_until(time_us)
        rise = level - self._now.get(member, 0)
        self._total += rise
        self._now[member] = level
        return rise

    def pass_until(self, time_us: int) -> None:
        """Nothing changes until then."""
        while self._since_us < time_us:
            number = self._bins.of(self._since_us)
            end_us = (number + 1) * self._bins.width_us if number + 1 < self._bins.count else time_us
            lasted_us = min(end_us, time_us) - self._since_us
            self._areas[number] += self._total * lasted_us
            self._members_us[number] += len(self._now) * lasted_us
            self._since_us += lasted_us

    def means(self) -> list[float | None]:
        """The mean level of each bin; None where there was no member yet."""
        return [area / time if time else None for area, time in zip(self._areas, self._members_us, strict=True)]


def _added(mine: list[int], theirs: list[int]) -> list[int]:
    return [one + other for one, other in zip(mine, theirs, strict=True)]


def _class_of(latency_ms: int) -> int:
    """Below 8 ms each has its own; above, each octave has eight."""
    octave = latency_ms.bit_length() - 1 - _EIGHTHS
    if octave < 0:
        return max(0, latency_ms)
    return min(8 * (octave + 1) + (latency_ms >> octave) - 8, _CLASSES - 1)


def _middle_s(number: int) -> float:
    if number < 8:
        return number / 1000
    octave = number // 8 - 1
    return (8 + number % 8 + 0.5) * (1 << octave) / 1000


def _quantile_s(counts: list[int], share: float) -> float | None:
    wanted, seen = share * sum(counts), 0
    for number, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return _middle_s(number)
    return None
