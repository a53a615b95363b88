"""Dark lamps: at night, with power, and without an order they are not dark for more than a minute."""

import pytest

from simulator.timeline import Timeline
from simulator.truths.breaches import NO_DARK_STREET, Breaches
from simulator.truths.lamps import Darkness

MINUTE_US = 60_000_000
DUSK_S, DAWN_S = 3600, 10 * 3600


class Street:
    """One lamp; it is night from the second hour to the tenth."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.breaches = Breaches()
        self.darkness = Darkness(self.timeline, 0, lambda time_s: DUSK_S <= time_s < DAWN_S, self.breaches)
        self.darkness.meet("lamp", 1)
        self.darkness.begin()

    def at(self, minute: float, what: str, value: int = 0) -> "Street":
        acts = {
            "set": lambda: self.darkness.set("lamp", 0, value),
            "power": lambda: self.darkness.power("lamp", bool(value)),
            "ordered": lambda: self.darkness.ordered("lamp", int(value * MINUTE_US)),
        }
        self.timeline.at(int(minute * MINUTE_US), acts[what])
        return self

    def held(self) -> bool:
        self.timeline.run(11 * 60 * MINUTE_US)
        return NO_DARK_STREET not in self.breaches.first


@pytest.mark.parametrize(
    ("story", "held"),
    [
        ([], False),
        ([(50, "set", 100), (610, "set", 0)], True),
        ([(60.9, "set", 100), (610, "set", 0)], True),
        ([(61.1, "set", 100), (610, "set", 0)], False),
        ([(50, "set", 1), (120, "set", 0), (120.9, "set", 50), (610, "set", 0)], True),
        ([(50, "set", 1), (120, "set", 0), (121.1, "set", 50), (610, "set", 0)], False),
        ([(50, "set", 1), (120, "set", 0), (120.5, "set", 5), (120.8, "set", 0), (121.5, "set", 50)], True),
        ([(50, "power", 0)], True),
        ([(50, "power", 0), (300, "power", 1), (300.5, "set", 100), (610, "set", 0)], True),
        ([(50, "power", 0), (300, "power", 1), (302, "set", 100)], False),
        ([(50, "set", 1), (120, "ordered", 180), (120, "set", 0), (180.5, "set", 100), (610, "set", 0)], True),
        ([(50, "set", 1), (120, "ordered", 180), (120, "set", 0), (182, "set", 100)], False),
        ([(50, "set", 1), (610, "set", 0)], True),
    ],
)
def test_stories_of_a_lamp(story, held):
    street = Street()
    for act in story:
        street.at(*act)
    assert street.held() == held


def test_minutes_of_darkness_are_those_of_the_night_without_an_order():
    street = Street().at(30, "set", 100).at(120, "set", 0).at(150, "set", 100)
    street.at(200, "ordered", 230).at(200, "set", 0).at(240, "set", 100).at(610, "set", 0)
    street.held()
    assert street.darkness.dark_min() == 30 + 10
