"""Programmes side by side: each lives through the same year, beside full light from sunset to sunrise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from protocol.dimming import EVERY_DAY, SUNRISE, SUNSET, DayType, Programme, Step
from simulator.chain.cabinet import PlannedNights, almanac
from simulator.lighting.people import passages
from simulator.lighting.street import CLASSES, UNITS, Street
from simulator.lighting.year import Outcome, Year, below_h
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.weather import Weather
from simulator.streams import Stream

FULL = "full"  # the name of full light, to which others are compared
MOST = 4  # programmes at once: as many as can be told apart beside full light


@dataclass(frozen=True, slots=True)
class Figures:
    """A year of one programme in the figures that people compare.

    saved_pct: against full light; below_h: hours of darkness with less than each class asks for; met_pct: of people
    below lamps in the dark, None where nobody comes; dark_pct: of the night without any light; curfew_lmh: lumen-hours
    of one lamp between the curfew's hours; lit_h: of one lamp.
    """

    name: str
    kwh: float
    eur: float
    co2_kg: float
    saved_pct: float
    below_h: dict[str, float]
    met_pct: float | None
    dark_pct: float
    curfew_lmh: float
    lit_h: float
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "programme": self.name,
            "kwh": round(self.kwh, 1),
            "eur": round(self.eur, 2),
            "co2_kg": round(self.co2_kg, 1),
            "saved_pct": round(self.saved_pct, 1),
            "hours_below_class": {name: round(hours, 1) for name, hours in self.below_h.items()},
            "passages_met_with_light_pct": None if self.met_pct is None else round(self.met_pct, 2),
            "dark_pct": round(self.dark_pct, 2),
            "curfew_lumen_hours_per_lamp": round(self.curfew_lmh),
            "lit_hours_per_lamp": round(self.lit_h, 1),
            "kwh_by_month": [round(kwh, 1) for kwh in self.outcome.taken_kwh],
            "passages_by_hour": {
                str(hour): [met, passed]
                for hour, (met, passed) in enumerate(zip(self.outcome.met, self.outcome.passed, strict=True))
                if passed
            },
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """figures: full light first, then each programme in the order given. dark_h, curfew_h: of the year."""

    street: Street
    figures: tuple[Figures, ...]
    dark_h: float
    curfew_h: float
    people: int

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        street = self.street
        return {
            "street": {name: getattr(street, name) for name in Street.__dataclass_fields__},
            "classes": dict(CLASSES[street.classes]),
            "unit": UNITS[street.classes],
            "dark_h": round(self.dark_h, 1),
            "curfew_h": round(self.curfew_h, 1),
            "people_in_the_dark": self.people,
            "programmes": [figures.to_json() for figures in self.figures],
        }


def compare(street: Street, plans: Sequence[PlannedNights]) -> Comparison:
    """Let each programme, and full light before them, live through the street's year. Raises ValueError."""
    site = almanac(street.latitude_deg, street.longitude_deg, street.time_zone, street.insee, street.year)
    weather = Weather(Stream(street.seed, "weather"), Calendar(street.time_zone))
    empty = Year(street, site, weather, ())
    people = passages(street, int(empty.noons[0]), int(empty.noons[-1]))
    year = Year(street, site, weather, people)
    full = PlannedNights(FULL, Programme(DayType(EVERY_DAY, Step(SUNSET, 0, 100, 0), Step(SUNRISE, 0, 0, 0))))
    outcomes = [year.outcome(plan) for plan in (full, *plans)]
    most_kwh = sum(outcomes[0].taken_kwh)
    lamps = street.lamps
    dark_h = sum(outcomes[0].in_the_dark.values()) / 3600 / lamps
    curfew_h = sum(outcomes[0].in_the_curfew.values()) / 3600 / lamps
    figures = tuple(_figures(street, outcome, most_kwh, dark_h) for outcome in outcomes)
    return Comparison(street, figures, dark_h, curfew_h, sum(outcomes[0].passed))


def _figures(street: Street, outcome: Outcome, most_kwh: float, dark_h: float) -> Figures:
    kwh = sum(outcome.taken_kwh)
    passed = sum(outcome.passed)
    curfew_lms = sum(level / 100 * street.lumens * s for level, s in outcome.in_the_curfew.items())
    return Figures(
        name=outcome.name,
        kwh=kwh,
        eur=kwh * street.eur_per_kwh,
        co2_kg=kwh * street.co2_g_per_kwh / 1000,
        saved_pct=100 * (1 - kwh / most_kwh),
        below_h=below_h(outcome, street),
        met_pct=100 * sum(outcome.met) / passed if passed else None,
        dark_pct=100 * outcome.in_the_dark.get(0, 0.0) / 3600 / street.lamps / dark_h,
        curfew_lmh=curfew_lms / 3600 / street.lamps,
        lit_h=outcome.lit_s / 3600 / street.lamps,
        outcome=outcome,
    )
