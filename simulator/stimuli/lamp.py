"""One lamp head: the light it really gives and the power it really takes, after what was set and what is broken."""

from dataclasses import dataclass
from enum import Enum

from simulator.stimuli.cycles import YEAR_S
from simulator.stimuli.spans import Spans
from simulator.streams import Stream

_STANDBY_SHARE = 0.05  # of the rated power, that a driver takes beside the light while it is lit
_IDLE_W = 0.4  # of a driver that is told to be dark
_DEAD_W = 0.3
_CYCLE_S = 900  # a sodium lamp at its end: burns so long, and is dark until it has cooled
_COOL_S = 600
_REPAIRED_S = 21 * 86_400  # after a failure somebody comes with a ladder
_HOT_K = 45.0
_FULL_PCT = 100.0


class Trouble(Enum):
    """What can be wrong with a head."""

    FAILED = "failed"  # no light, next to no power
    GEAR_FAILED = "gear_failed"  # the driver is dead: no light, and it does not answer
    STUCK = "stuck"  # full light while lit, whatever level is set
    BURNS = "burns"  # day burner: full light though it should be dark
    CYCLES = "cycles"  # goes out and comes back all night
    HOT = "hot"  # its cooling is blocked


# Of drawn troubles: shares of each, after what operators name most often; of our own making.
_SHARES = (
    (0.5, Trouble.FAILED),
    (0.2, Trouble.GEAR_FAILED),
    (0.1, Trouble.BURNS),
    (0.08, Trouble.STUCK),
    (0.07, Trouble.CYCLES),
    (0.05, Trouble.HOT),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A trouble from *begin_s* until *end_s*, in Unix s."""

    trouble: Trouble
    begin_s: float
    end_s: float


def drawn_failures(stream: Stream, start_s: int, for_s: float, per_year: float) -> list[Failure]:
    """Troubles of one head by chance, one after the other, each until somebody has repaired it."""
    failures: list[Failure] = []
    if per_year <= 0:
        return failures
    time_s = start_s + stream.exponential() * YEAR_S / per_year
    while time_s < start_s + for_s:
        trouble = stream.one_of(_SHARES)
        failures.append(Failure(trouble, float(int(time_s)), float(int(time_s + _REPAIRED_S))))
        time_s += _REPAIRED_S + stream.exponential() * YEAR_S / per_year
    return failures


class Head:
    """rated_w: by its label, from which a real one differs a little. failures: truth that a node must find out."""

    __slots__ = ("_fade_s", "_from_pct", "_set_s", "_to_pct", "_troubles", "_watts", "failures", "rated_w")

    def __init__(self, stream: Stream, rated_w: float, failures: tuple[Failure, ...] = ()) -> None:
        self.rated_w = rated_w
        self._watts = rated_w * stream.uniform(0.97, 1.03)
        self.failures = failures
        self._troubles = {
            trouble: Spans((one.begin_s, one.end_s) for one in failures if one.trouble is trouble)
            for trouble in Trouble
        }
        self._from_pct = self._to_pct = 0.0
        self._set_s = 0.0
        self._fade_s = 0

    def set(self, level_pct: int, fade_s: int, time_s: float) -> None:
        """The node brings it to a level from *time_s* (Unix) on, within *fade_s*."""
        self._from_pct = self.told_pct(time_s)
        self._to_pct = float(level_pct)
        self._set_s = time_s
        self._fade_s = fade_s

    def told_pct(self, time_s: float) -> float:
        """The level as set, on its way while it fades."""
        passed_s = max(0.0, time_s - self._set_s)
        if passed_s >= self._fade_s:
            return self._to_pct
        return self._from_pct + (self._to_pct - self._from_pct) * passed_s / self._fade_s

    def light_pct(self, time_s: float) -> float:
        """The light that it really gives, 0..100."""
        told = self.told_pct(time_s)
        if not self.failures:
            return told
        if self.has(Trouble.FAILED, time_s) or self.has(Trouble.GEAR_FAILED, time_s):
            return 0.0
        if self.has(Trouble.BURNS, time_s) or (told and self.has(Trouble.STUCK, time_s)):
            return _FULL_PCT
        if self.has(Trouble.CYCLES, time_s):
            began_s = self._troubles[Trouble.CYCLES].began_s(time_s)
            return told if (time_s - began_s) % (_CYCLE_S + _COOL_S) < _CYCLE_S else 0.0
        return told

    def watts(self, time_s: float) -> float:
        """The power that it really takes."""
        if self.failures and self.has(Trouble.GEAR_FAILED, time_s):
            return 0.0
        light = self.light_pct(time_s)
        if light:
            return self._watts * (_STANDBY_SHARE + (1 - _STANDBY_SHARE) * light / 100)
        return _DEAD_W if self.told_pct(time_s) else _IDLE_W

    def excess_k(self, time_s: float) -> float:
        """How much hotter than it should be it gets."""
        return _HOT_K if self.failures and self.has(Trouble.HOT, time_s) else 0.0

    def has(self, trouble: Trouble, time_s: float) -> bool:
        """Whether a trouble is there."""
        return self._troubles[trouble].holds(time_s)


def _spans(failures: tuple[Failure, ...], trouble: Trouble) -> list[tuple[float, float]]:
    return [(failure.begin_s, failure.end_s) for failure in failures if failure.trouble is trouble]
