"""Energy as a contract reads it: nights of lamps summed up, against full light and against the declared baseline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from gateway.config.values import Baseline

_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class Sum:
    """Energy of several nights of lamps. Wh; None: not known of all of them. of: what it is the sum of."""

    of: dict[str, str]
    nights: set[str] = field(default_factory=set)
    lamps: set[str] = field(default_factory=set)
    energy_wh: float = 0.0
    reckoned_wh: float = 0.0
    full_wh: float | None = 0.0
    baseline_wh: float | None = 0.0
    lit_s: int = 0
    dark_s: int = 0
    covered_s: int = 0
    switches: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Take in a night of a lamp post, as `night_row` of the API says it."""
        self.nights.add(row["night"])
        self.lamps.add(row["dev_eui"])
        self.energy_wh += row["energy_wh"]
        self.reckoned_wh += row["reckoned_wh"]
        self.full_wh = _plus(self.full_wh, row["full_wh"])
        self.baseline_wh = _plus(self.baseline_wh, row["baseline_wh"])
        self.lit_s += row["lit_s"]
        self.dark_s += row["dark_s"]
        self.covered_s += row["covered_s"]
        self.switches += row["switches"]

    def to_json(self) -> dict[str, Any]:
        """In kWh and hours, with the savings in percent."""
        taken_wh = self.energy_wh + self.reckoned_wh
        return {
            **self.of,
            "lamps": len(self.lamps),
            "nights": len(self.nights),
            "energy_kwh": _kwh(self.energy_wh),
            "reckoned_kwh": _kwh(self.reckoned_wh),
            "full_kwh": _kwh(self.full_wh),
            "saved_of_full_pct": _saved(taken_wh, self.full_wh),
            "baseline_kwh": _kwh(self.baseline_wh),
            "saved_of_baseline_pct": _saved(taken_wh, self.baseline_wh),
            "lit_h": round(self.lit_s / 3600, 1),
            "dark_h": round(self.dark_s / 3600, 1),
            "covered_h": round(self.covered_s / 3600, 1),
            "switches": self.switches,
        }


def baseline_of(baselines: Sequence[Baseline], groups: Iterable[str]) -> Baseline | None:
    """The first that is of one of *groups*."""
    names = set(groups)
    return next((baseline for baseline in baselines if baseline.group in names), None)


def summed(rows: Iterable[dict[str, Any]], by: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the API summed by night, lamp, group or several of them, in their order; a lamp is in all its groups."""
    sums: dict[tuple[str, ...], Sum] = {}
    for row in rows:
        for group in row["groups"] if "group" in by else ("",):
            names = {"night": row["night"], "lamp": row["place"] or row["dev_eui"], "group": group}
            key = tuple(names[each] for each in by)
            sums.setdefault(key, Sum({each: names[each] for each in by})).add(row)
    return [sums[key].to_json() for key in sorted(sums)]


def night_of_iso(text: str) -> int:
    """The night that begins on an ISO date. Raises ValueError."""
    return (date.fromisoformat(text) - _EPOCH).days


def iso_night(night: int) -> str:
    """The date on which a night begins."""
    return (_EPOCH + timedelta(days=night)).isoformat()


def _plus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _kwh(wh: float | None) -> float | None:
    return None if wh is None else round(wh / 1000, 3)


def _saved(taken_wh: float, before_wh: float | None) -> float | None:
    return None if not before_wh else round(100 * (1 - taken_wh / before_wh), 1)
