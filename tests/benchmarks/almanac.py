"""How far a lamp's sun table is from astral, on every day of ten years."""

from collections.abc import Iterator

from protocol.dimming import SunTable
from tests.benchmarks.figures import Figure
from tests.properties.dimming.almanac import DAYS, FIRST, PLACES, exact, rounded


def figures() -> Iterator[Figure]:
    """The worst of sunrise, sunset, dawn and dusk at three latitudes, in minutes."""
    for place in PLACES:
        worst = 0.0
        for morning, evening in (("sunrise", "sunset"), ("dawn", "dusk")):
            table = SunTable.build(FIRST, rounded(place, morning), rounded(place, evening))
            for day in range(FIRST, FIRST + DAYS):
                worst = max(worst, abs(table.morning(day) - exact(place, morning)[day - FIRST]))
                worst = max(worst, abs(table.evening(day) - exact(place, evening)[day - FIRST]))
        yield Figure(name=f"sun_table.worst_at_{place[0]:g}N", value=round(worst / 10, 2), unit="min", target=2)
