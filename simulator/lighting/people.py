"""Who passes: people on foot, on bicycles and in cars, the same ones for every programme.

They come more often in the evening and on nights before days off, enter the street somewhere and leave it further on.
The hours are of our own making: shapes to compare with, no count of any street's people.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.lighting.street import Street
from simulator.stimuli.calendar import Calendar, Week
from simulator.stimuli.passages import Passages
from simulator.streams import Stream

WALK_MS, CYCLE_MS, DRIVE_MS = 1.3, 4.5, 9.0  # metres a second

# Hundredths of the busiest hour, by the hour of the clock.
_WORKDAY = (4, 2, 1, 1, 2, 8, 30, 70, 85, 50, 45, 50, 60, 55, 55, 65, 85, 100, 95, 70, 45, 28, 16, 8)
_SATURDAY = (12, 8, 5, 3, 2, 4, 10, 22, 40, 60, 75, 80, 75, 70, 75, 80, 80, 75, 65, 50, 40, 34, 28, 20)
_SUNDAY = (16, 12, 8, 5, 3, 3, 6, 12, 25, 45, 60, 65, 60, 55, 60, 65, 65, 60, 50, 38, 26, 16, 9, 5)


@dataclass(frozen=True, slots=True)
class Passage:
    """Somebody comes past lamps *first* to *last* (either may be the greater), from at_s (Unix) on, at metres_s."""

    at_s: float
    first: int
    last: int
    metres_s: float

    def times(self, spacing_m: float) -> Iterator[tuple[int, float]]:
        """Each lamp with the time at which somebody is below it."""
        step = 1 if self.last >= self.first else -1
        for number, lamp in enumerate(range(self.first, self.last + step, step)):
            yield lamp, self.at_s + number * spacing_m / self.metres_s


def passages(street: Street, start_s: int, end_s: int) -> list[Passage]:
    """All who come between two Unix times, in their order."""
    if not street.people_per_hour:
        return []
    dice = Stream(street.seed, "people")
    coming = Passages(Stream(street.seed, "arrivals"), _week(street), Calendar(street.time_zone), start_s)
    found: list[Passage] = []
    at_s = coming.next_s(start_s)
    while at_s is not None and at_s < end_s:
        found.append(_passage(street, at_s, dice))
        at_s = coming.next_s(at_s)
    return found


def _passage(street: Street, at_s: float, dice: Stream) -> Passage:
    kind = dice.uniform(0, 1)
    if kind < street.cars:
        speed, first, last = DRIVE_MS, 0, street.lamps - 1
    elif kind < street.cars + street.cyclists:
        speed, first, last = CYCLE_MS, 0, street.lamps - 1
    else:  # from a door or a corner to another
        speed, first, last = WALK_MS, dice.below(street.lamps), dice.below(street.lamps)
    if dice.below(2):
        first, last = last, first
    return Passage(at_s, first, last, speed * dice.uniform(0.8, 1.2))


def _week(street: Street) -> Week:
    workday, saturday, sunday = (
        tuple(street.people_per_hour * share / 100 for share in hours) for hours in (_WORKDAY, _SATURDAY, _SUNDAY)
    )
    return workday, saturday, sunday
