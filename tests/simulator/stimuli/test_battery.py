"""A lithium cell: flat for most of its life, then below what a node complains about, and lower in the cold."""

import itertools

from simulator.stimuli.battery import Cell
from simulator.stimuli.cycles import Noise
from simulator.streams import Stream

NOISE = Noise(Stream(1, "noise"))
LOW_CV = 310  # below, `firmware/roles/parking.py` tells BATTERY_LOW


def volts(spent: float, celsius: float = 20) -> float:
    cell = Cell(Stream(1, "cell"), spent)
    return sum(cell.centivolts(time_s, celsius, NOISE) for time_s in range(50)) / 50


def test_the_voltage_falls_with_what_is_spent_slowly_then_at_once():
    falling = [volts(step / 20) for step in range(21)]
    assert all(after <= before + 0.6 for before, after in itertools.pairwise(falling))
    assert volts(0.05) - volts(0.7) < 5 < 40 < volts(0.7) - volts(0.98)
    assert volts(0.9) > LOW_CV > volts(0.99)


def test_cold_costs_voltage_and_warmth_gives_none():
    assert volts(0.3, -10) < volts(0.3, 20) - 5
    assert volts(0.3, 40) == volts(0.3, 20)


def test_who_counts_the_charge_may_say_so():
    cell = Cell(Stream(2, "cell"))
    assert 0 < cell.spent < 0.7
    cell.spent = 1.5  # more than there was
    assert cell.centivolts(0, 20, NOISE) < LOW_CV
