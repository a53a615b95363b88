"""What a lamp post takes in each night: measured where there is a meter, reckoned from its levels where there is none.

A night is a lighting day, noon to noon by local time. The meter's counter is the truth: what lies between two readings
was taken, however many were lost in between, and goes to the nights between them as they are long. Beside it stands
what the same lamps would have taken at full light from sunset to sunrise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_LONGEST_MS = 2 * 3_600_000  # between two readings for which the first one's level is taken to hold
_MOST_SHARE = 1.5  # of full power over the time since the last reading, that a counter may have gone up
_SPARE_WH = 50.0
_MOST_NIGHTS = 31  # between two readings that energy is spread over; what was longer away begins anew


class Nights(Protocol):
    """What is asked about time."""

    def night_of(self, at_ms: int) -> int:
        """The lighting day of a Unix time in ms, as the day (since 1970-01-01) on which its night begins."""

    def noon_ms(self, night: int) -> int:
        """When the lighting day *night* begins, Unix ms."""

    def dark_ms(self, night: int) -> tuple[int, int]:
        """Sunset and sunrise of a night, Unix ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LampNight:
    """One lamp post's night. energy_wh: measured; reckoned_wh: from levels, for hours without a measurement.

    lit_s: of its heads together; dark_s: from sunset to sunrise; covered_s: of the night, that readings tell of.
    full_wh: at full light from sunset to sunrise, None while its rated power is not known. switches: on and off.
    """

    device: int
    night: int
    heads: int
    energy_wh: float
    reckoned_wh: float
    lit_s: int
    covered_s: int
    dark_s: int
    full_wh: float | None
    switches: int

    @property
    def taken_wh(self) -> float:
        """Measured and reckoned together."""
        return self.energy_wh + self.reckoned_wh


class Consumption:
    """Counts one lamp post's night; a reading of another night closes it."""

    __slots__ = (
        "_at_ms",
        "_covered_ms",
        "_device",
        "_energy_wh",
        "_heads",
        "_last_wh",
        "_last_wh_ms",
        "_levels",
        "_lit_ms",
        "_night",
        "_nights",
        "_reckoned_wh",
        "_switches",
    )

    def __init__(self, device: int, nights: Nights) -> None:
        self._device = device
        self._nights = nights
        self._night: int | None = None
        self._at_ms = 0
        self._levels: tuple[int, ...] = ()
        self._heads = 1
        self._last_wh: float | None = None
        self._last_wh_ms = 0
        self._begin(None)

    def to_json(self) -> list[Any]:
        """For the store; undone by `take`."""
        return [
            self._night,
            self._at_ms,
            list(self._levels),
            self._last_wh,
            self._last_wh_ms,
            round(self._energy_wh, 1),
            round(self._reckoned_wh, 1),
            self._lit_ms,
            self._covered_ms,
            self._switches,
        ]

    def take(self, said: Any) -> None:
        """Raises ValueError, TypeError or LookupError for what `to_json` did not write."""
        night, at_ms, levels, last_wh, last_wh_ms, energy, reckoned, lit_ms, covered_ms, switches = said
        self._night = None if night is None else int(night)
        self._at_ms, self._last_wh_ms = int(at_ms), int(last_wh_ms)
        self._levels = tuple(int(level) for level in levels)
        self._heads = max(1, len(self._levels))
        self._last_wh = None if last_wh is None else float(last_wh)
        self._energy_wh, self._reckoned_wh = float(energy), float(reckoned)
        self._lit_ms, self._covered_ms, self._switches = int(lit_ms), int(covered_ms), int(switches)

    def reading(
        self, levels: Sequence[int], energy_wh: int | None, expected_w: float, rated_w: float, at_ms: int
    ) -> list[LampNight]:
        """Take in a reading; returns nights that are over.

        energy_wh: the counter; None: there is none. expected_w: what lamps at the levels *before* take; rated_w: of
        one head, 0: not known. Readings come in the order of their times; an older one is left out.
        """
        if at_ms <= self._at_ms:
            return []
        night = self._nights.night_of(at_ms)
        if self._night is None or night - self._night > _MOST_NIGHTS:
            over = [] if self._night is None else [self._close(rated_w)]
            self._begin(night)
            self._last_wh = None if over else self._last_wh
        else:
            over = []
            while self._night < night:
                noon_ms = self._nights.noon_ms(self._night + 1)
                self._pass_to(noon_ms, expected_w, energy_wh is None)
                self._count(energy_wh, rated_w, at_ms, noon_ms)
                over.append(self._close(rated_w))
                self._begin(self._night + 1)
        self._pass_to(at_ms, expected_w, energy_wh is None)
        self._count(energy_wh, rated_w, at_ms, at_ms)
        self._switches += sum(bool(new) != bool(old) for new, old in zip(levels, self._levels, strict=False))
        self._levels, self._heads, self._at_ms = tuple(levels), max(1, len(levels)), at_ms
        return over

    def close(self, now_ms: int, rated_w: float) -> list[LampNight]:
        """The night that is over by *now_ms* though no reading of the next has come: its lamps are without power."""
        if self._night is None or self._nights.night_of(now_ms) == self._night:
            return []
        over = self._close(rated_w)
        self._begin(None)
        self._night = None
        return [over]

    def _begin(self, night: int | None) -> None:
        self._night = night
        self._energy_wh = self._reckoned_wh = 0.0
        self._lit_ms = self._covered_ms = self._switches = 0

    def _pass_to(self, at_ms: int, expected_w: float, reckon: bool) -> None:
        """The levels before held until *at_ms*."""
        passed_ms = at_ms - self._at_ms
        if not self._at_ms or not 0 < passed_ms <= _LONGEST_MS:
            self._at_ms = max(self._at_ms, at_ms)
            return
        self._at_ms = at_ms
        self._covered_ms += passed_ms
        self._lit_ms += sum(passed_ms for level in self._levels if level)
        if reckon and any(self._levels):
            self._reckoned_wh += expected_w * passed_ms / 3_600_000

    def _count(self, energy_wh: int | None, rated_w: float, at_ms: int, until_ms: int) -> None:
        """Add what the counter, read at *at_ms*, went up by; of that only what was taken up to *until_ms*."""
        if energy_wh is None:
            return
        last_wh, last_ms = self._last_wh, self._last_wh_ms
        hours = (at_ms - last_ms) / 3_600_000
        most_wh = _MOST_SHARE * rated_w * self._heads * hours + _SPARE_WH
        if last_wh is None or energy_wh < last_wh or (rated_w and energy_wh - last_wh > most_wh):
            # The first reading, or the counter began anew or jumped: nobody knows what was taken since.
            self._last_wh, self._last_wh_ms = energy_wh, at_ms
            return
        gone_wh = (energy_wh - last_wh) * self._share(last_ms, until_ms, at_ms)
        self._energy_wh += gone_wh
        self._last_wh = energy_wh if until_ms == at_ms else last_wh + gone_wh
        self._last_wh_ms = until_ms

    def _share(self, from_ms: int, until_ms: int, to_ms: int) -> float:
        """Of the dark time between two readings, the part before *until_ms*."""
        if until_ms >= to_ms:
            return 1.0
        before = after = 0
        for night in range(self._nights.night_of(from_ms), self._nights.night_of(to_ms) + 1):
            sunset_ms, sunrise_ms = self._nights.dark_ms(night)
            before += max(0, min(sunrise_ms, until_ms) - max(sunset_ms, from_ms))
            after += max(0, min(sunrise_ms, to_ms) - max(sunset_ms, until_ms))
        return before / (before + after) if before + after else 1.0

    def _close(self, rated_w: float) -> LampNight:
        assert self._night is not None
        sunset_ms, sunrise_ms = self._nights.dark_ms(self._night)
        dark_s = (sunrise_ms - sunset_ms) // 1000
        return LampNight(
            device=self._device,
            night=self._night,
            heads=self._heads,
            energy_wh=round(self._energy_wh, 1),
            reckoned_wh=round(self._reckoned_wh, 1),
            lit_s=self._lit_ms // 1000,
            covered_s=self._covered_ms // 1000,
            dark_s=dark_s,
            full_wh=round(rated_w * self._heads * dark_s / 3600, 1) if rated_w else None,
            switches=self._switches,
        )
