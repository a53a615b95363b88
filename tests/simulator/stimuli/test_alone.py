"""A single corner, bay or lamp needs no town, and is the same for the same stream."""

import pytest

from protocol import quantities as q
from simulator.stimuli.alone import air_alone, bay_alone, lamp_alone
from simulator.stimuli.cycles import DAY_S
from simulator.streams import Stream

START_S = 20_514 * DAY_S
KINDS = [
    (air_alone, q.AIR_FULL),
    (lambda stream: bay_alone(stream, START_S), q.PARKING_ONE_BAY),
    (lambda stream: lamp_alone(stream, START_S), q.LIGHT_ONE_HEAD),
]


@pytest.mark.parametrize(("alone", "set_number"), KINDS)
def test_the_same_stream_sees_the_same_and_another_does_not(alone, set_number):
    def week(seed: int) -> list[tuple[int | None, ...]]:
        here = alone(Stream(seed, "alone"))
        return [here.values(set_number, START_S + step * 7200) for step in range(84)]

    assert week(1) == week(1) != week(2)
    assert all(None not in values for values in week(1))


def test_a_bay_has_visitors_by_day_and_a_lamp_burns_when_it_is_set():
    bay = bay_alone(Stream(1, "bay"), START_S)
    assert 5 * 5 < len(list(bay.lives[0].changes(START_S, START_S + 5 * DAY_S))) < 5 * 30
    lamp = lamp_alone(Stream(1, "lamp"), START_S, watts=80)
    lamp.lamp_set(0, 100, 0, START_S)
    assert lamp.values(q.LIGHT_ONE_HEAD, START_S + 60)[1] == pytest.approx(800, rel=0.05)
