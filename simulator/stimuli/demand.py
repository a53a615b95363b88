"""How much a bay is wanted, by kind of street, hour and day, and how long cars stay.

The kinds are of our own making, after what everybody sees in a town: people come home in the evening and leave in the
morning; shops fill their bays by day and empty them within the hour; offices hold theirs all day and stand empty on
Sundays; commuters take those of a station before eight. They are shapes to test with, no count of any town's cars.
"""

from dataclasses import dataclass

from simulator.scenario.model import StimulusSpec, StreetKind
from simulator.stimuli.calendar import Hours, Week

_MOST_TAKEN = 0.95  # of its time that a bay can be asked to be taken


@dataclass(frozen=True, slots=True)
class Stay:
    """A reason to park: a mean length, and how much lengths differ (the sum of *shape* exponential ones)."""

    minutes: float
    shape: int


HOME = Stay(0, 0)  # until one of the next mornings

_STOP = Stay(6, 1)
_ERRAND = Stay(25, 2)
_VISIT = Stay(95, 2)
_LUNCH = Stay(70, 4)
_WORK = Stay(470, 12)
_COMMUTE = Stay(590, 16)

Reasons = tuple[tuple[float, Stay], ...]  # shares that add up to 1


@dataclass(frozen=True, slots=True)
class Demand:
    """arrivals: cars per hour that take a bay if it is free. reasons: from which hour of the day on why they come."""

    arrivals: Week
    reasons: tuple[tuple[int, Reasons], ...]

    def reasons_at(self, hour: int) -> Reasons:
        """Why cars come at an *hour* of the day, 0..23."""
        found = self.reasons[0][1]
        for since, reasons in self.reasons:
            if since <= hour:
                found = reasons
        return found


def _hours(*spans: tuple[int, float]) -> Hours:
    """Values from an hour on, until the next one."""
    values = [0.0] * 24
    for since, value in spans:
        values[since:] = [value] * (24 - since)
    return tuple(values)


_DEMANDS = {
    StreetKind.RESIDENTIAL: Demand(
        (
            _hours((0, 0.04), (6, 0.06), (8, 0.16), (11, 0.2), (14, 0.16), (16, 0.5), (18, 0.9), (20, 0.6), (22, 0.3)),
            _hours((0, 0.06), (8, 0.15), (11, 0.3), (14, 0.2), (17, 0.5), (20, 0.4), (22, 0.3)),
            _hours((0, 0.06), (9, 0.12), (12, 0.3), (15, 0.2), (18, 0.6), (21, 0.3)),
        ),
        (
            (0, ((0.9, HOME), (0.1, _STOP))),
            (6, ((0.3, _STOP), (0.4, _ERRAND), (0.3, _VISIT))),
            (16, ((0.1, _STOP), (0.1, _ERRAND), (0.15, _VISIT), (0.65, HOME))),
        ),
    ),
    StreetKind.SHOPS: Demand(
        (
            _hours((0, 0.01), (6, 0.3), (8, 1.0), (10, 2.2), (12, 1.5), (14, 1.8), (16, 2.6), (19, 0.9), (21, 0.15)),
            _hours((0, 0.01), (7, 0.6), (9, 2.6), (12, 2.0), (14, 3.0), (18, 1.6), (20, 0.3), (22, 0.05)),
            _hours((0, 0.01), (8, 0.8), (10, 1.6), (13, 0.3), (18, 0.2), (21, 0.05)),
        ),
        (
            (0, ((0.3, _STOP), (0.5, _ERRAND), (0.2, _VISIT))),
            (18, ((0.25, _STOP), (0.4, _ERRAND), (0.25, _VISIT), (0.1, HOME))),
        ),
    ),
    StreetKind.OFFICES: Demand(
        (
            _hours((0, 0.0), (6, 0.3), (7, 1.2), (8, 2.4), (10, 0.7), (12, 0.6), (14, 0.7), (16, 0.15), (19, 0.02)),
            _hours((0, 0.0), (8, 0.08), (18, 0.02)),
            _hours((0, 0.0), (9, 0.04), (18, 0.01)),
        ),
        (
            (0, ((0.85, _WORK), (0.1, _VISIT), (0.05, _STOP))),
            (10, ((0.4, _VISIT), (0.3, _LUNCH), (0.2, _ERRAND), (0.1, _STOP))),
            (14, ((0.5, _VISIT), (0.35, _ERRAND), (0.15, _STOP))),
        ),
    ),
    StreetKind.STATION: Demand(
        (
            _hours((0, 0.01), (5, 0.5), (6, 1.8), (7, 3.0), (9, 0.8), (11, 0.4), (16, 0.9), (19, 0.4), (22, 0.1)),
            _hours((0, 0.01), (6, 0.15), (9, 0.35), (18, 0.2), (22, 0.05)),
            _hours((0, 0.01), (8, 0.15), (16, 0.4), (21, 0.1)),
        ),
        (
            (0, ((0.85, _COMMUTE), (0.15, _STOP))),
            (9, ((0.35, _COMMUTE), (0.35, _VISIT), (0.3, _STOP))),
            (15, ((0.8, _STOP), (0.2, _VISIT))),
        ),
    ),
}


def demand_of(spec: StimulusSpec) -> Demand:
    """What a scenario says of the bays of a zone."""
    if spec.street is not StreetKind.PLAIN:
        return _DEMANDS[spec.street]
    return demand_by_day(spec.arrivals_per_day, spec.stay_min, spec.open_h, spec.close_h, spec.weekend)


def demand_by_day(
    arrivals_per_day: float, stay_min: float, open_h: float, close_h: float, weekend: float = 0.6
) -> Demand:
    """So many arrivals on a weekday, most between two local hours, of cars that stay *stay_min* on average.

    weekend: share of the arrivals on Saturday and Sunday. A bay cannot be taken for more than its time: what is asked
    beyond 95 % of the open hours is left out.
    """
    hours = [_overlap(hour, open_h, close_h) for hour in range(24)]
    weights = [0.03 + 0.97 * share for share in hours]  # a car at night, too
    whole = 0.0
    for weight in weights:  # one by one, since `sum` of floats is not the same on every CPython
        whole += weight
    day: list[Hours] = []
    for share in (1.0, weekend, weekend):
        asked = [share * arrivals_per_day * weight / whole for weight in weights]
        # While the bay is taken nobody comes: n arrivals an hour that stay s hours need n / (1 - n s) when it is free.
        day.append(tuple(rate / max(1 - rate * stay_min / 60, 1 - _MOST_TAKEN) for rate in asked))
    stays = ((0.3, Stay(stay_min * 0.3, 1)), (0.7, Stay(stay_min * 1.3, 2)))
    return Demand((day[0], day[1], day[2]), ((0, stays),))


def _overlap(hour: int, open_h: float, close_h: float) -> float:
    """The share of an hour that lies within the open ones, which may go over midnight."""
    if close_h < open_h:
        return _overlap(hour, open_h, 24) + _overlap(hour, 0, close_h)
    return max(0.0, min(hour + 1, close_h) - max(hour, open_h))
