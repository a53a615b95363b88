"""What the sensors see stays inside what they can see, and looks like a city."""

from itertools import pairwise

import pytest

from protocol import quantities as q
from protocol.quantities import quantities_of
from protocol.quantity_table import Quantity
from simulator.stimuli.air import AirStimulus
from simulator.stimuli.cycles import DAY_S, cycle
from simulator.stimuli.lighting import LightStimulus
from simulator.stimuli.parking import ParkingStimulus
from simulator.streams import Stream

START_S = 1_767_225_600  # a Thursday
KINDS = [
    (AirStimulus, q.AIR_FULL),
    (AirStimulus, q.AIR_WITHOUT_PM4),
    (ParkingStimulus, q.PARKING_ONE_BAY),
    (LightStimulus, q.LIGHT_ONE_HEAD),
]


def year(stimulus, set_number: int, step_s: int = 7_200) -> list[tuple[int | None, ...]]:
    return [stimulus.values(set_number, time_s) for time_s in range(START_S, START_S + 366 * DAY_S, step_s)]


@pytest.mark.parametrize(("kind", "set_number"), KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_every_value_of_a_year_is_plausible(kind, set_number, seed):
    quantities = [Quantity(number) for number, _ in quantities_of(set_number)]
    for values in year(kind(Stream(seed, "corner")), set_number):
        for quantity, value in zip(quantities, values, strict=True):
            assert isinstance(value, int)
            assert quantity.plausible(value), (quantity.name, value)


@pytest.mark.parametrize(("kind", "set_number"), KINDS)
def test_the_same_stream_sees_the_same_city_and_another_does_not(kind, set_number):
    first, again, other = (year(kind(Stream(seed, "corner")), set_number, 86_400 // 5) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_cycle_peaks_when_told_and_is_lowest_half_a_period_later():
    assert cycle(8 * 3600, DAY_S, 8 * 3600) == 1
    assert cycle(20 * 3600, DAY_S, 8 * 3600) == -1
    assert cycle(2 * 3600, DAY_S, 8 * 3600) == 0
    waves = [cycle(time_s, DAY_S, 8 * 3600) for time_s in range(0, 2 * DAY_S, 60)]
    assert all(-1 <= wave <= 1 for wave in waves)
    assert max(abs(b - a) for a, b in pairwise(waves)) < 0.01  # no steps


def by_hour(stimulus, set_number: int, place: int, days: range) -> list[float]:
    """The mean of one value at each hour of these days."""
    means = []
    for hour in range(24):
        values = [stimulus(day).values(set_number, START_S + day * DAY_S + hour * 3600)[place] for day in days]
        means.append(sum(values) / len(values))
    return means


def test_there_is_more_dust_in_the_rush_hours_of_working_days():
    """Each day is another corner, so that slow weather does not decide."""
    means = by_hour(lambda day: AirStimulus(Stream(day, "corner")), q.AIR_FULL, 1, range(0, 364, 7))
    assert min(means[8], means[20]) > max(means[2], means[14]) + 20  # 2 µg/m³


def test_a_lamp_burns_at_night_only_and_its_energy_never_falls():
    stimulus = LightStimulus(Stream(1, "lamp"))
    rows = [stimulus.values(q.LIGHT_ONE_HEAD, START_S + quarter * 900) for quarter in range(4 * 48)]
    levels = [row[0] for row in rows]
    assert levels[4 * 12] == 0
    assert levels[4 * 20] == 100
    assert levels[4 * 2] == 40
    energies = [row[4] for row in rows]
    assert energies == sorted(energies)


def test_a_bay_changes_hands_and_says_for_how_long():
    stimulus = ParkingStimulus(Stream(1, "bay"))
    before = None
    changes = 0
    for minute in range(0, 2 * 1440, 5):
        occupied, duration_min, field, _, _ = stimulus.values(q.PARKING_ONE_BAY, START_S + minute * 60)
        if before is not None and occupied != before[0]:
            changes += 1
            assert duration_min <= 5
        elif before is not None and duration_min < before[1]:
            assert duration_min <= 5  # left and another came, within one look
        assert (field > 60) == bool(occupied)
        before = occupied, duration_min
    assert changes >= 4
