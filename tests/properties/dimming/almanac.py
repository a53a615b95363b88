"""The sun as astral knows it, in tenths of minutes of French standard time; also writes tests/data/sun_table.json."""

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from astral import Observer
from astral.sun import dawn, dusk, sunrise, sunset

from protocol.civil import day_of

FIRST = day_of(2026, 1, 1)
DAYS = day_of(2036, 1, 1) - FIRST
PLACES = ((43.0, 1.4), (48.7, 2.3), (51.0, 3.1))  # latitude and longitude: Toulouse, Antony, the coast at Dunkerque
OFFSET_MIN = 60
EVENTS = {"sunrise": sunrise, "sunset": sunset, "dawn": dawn, "dusk": dusk}  # twilight: 6° by default


@cache
def exact(place: tuple[float, float], event: str) -> list[float]:
    """Tenths of minutes since local midnight, for every day of 2026–2035 and two days more."""
    observer = Observer(*place)
    times = []
    for day in range(FIRST, FIRST + DAYS + 2):
        midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=-OFFSET_MIN)
        when = EVENTS[event](observer, date=date(1970, 1, 1) + timedelta(days=day))
        times.append((when - midnight).total_seconds() / 6)
    return times


def rounded(place: tuple[float, float], event: str) -> list[int]:
    """The same as whole tenths, as the flashing tool hands them to `SunTable.build`."""
    return [round(tenths) for tenths in exact(place, event)]


def vectors() -> dict[str, object]:
    """What tests/data/sun_table.json holds: one year to build from, and later days to check."""
    place = PLACES[1]
    found: dict[str, object] = {
        "source": "astral 3.2, Observer(48.7, 2.3), civil twilight at 6 degrees, tenths of minutes since midnight "
        "at UTC+1; rewritten by: python -m tests.properties.dimming.almanac",
        "first_day": FIRST,
    }
    for event in EVENTS:
        times = rounded(place, event)
        found[event] = times[:368]
        found["later_" + event] = [[FIRST + index, times[index]] for index in range(400, DAYS, 83)]
    return found


if __name__ == "__main__":
    path = Path(__file__).parents[2] / "data" / "sun_table.json"
    path.write_text(json.dumps(vectors()).replace(', "', ',\n"') + "\n", encoding="utf-8")
