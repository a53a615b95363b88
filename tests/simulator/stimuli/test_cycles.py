"""Waves and noise that can be looked up at any time."""

import statistics
from itertools import pairwise

from simulator.stimuli.cycles import DAY_S, NOISES, Noise, cycle
from simulator.streams import Stream


def test_a_cycle_peaks_when_told_and_is_lowest_half_a_period_later():
    assert cycle(8 * 3600, DAY_S, 8 * 3600) == 1
    assert cycle(20 * 3600, DAY_S, 8 * 3600) == -1
    assert cycle(2 * 3600, DAY_S, 8 * 3600) == 0
    waves = [cycle(time_s, DAY_S, 8 * 3600) for time_s in range(0, 2 * DAY_S, 60)]
    assert all(-1 <= wave <= 1 for wave in waves)
    assert max(abs(b - a) for a, b in pairwise(waves)) < 0.01  # no steps


def test_noise_is_about_standard_normal_and_goes_round():
    noise = Noise(Stream(1, "noise"))
    assert abs(statistics.mean(noise.bells)) < 0.06
    assert 0.95 < statistics.stdev(noise.bells) < 1.05
    assert noise.at(5) == noise.at(5 + NOISES) == noise.at(5 - NOISES) == noise.bells[5]


def test_smooth_noise_goes_through_its_points_and_on_straight_lines_between():
    noise = Noise(Stream(2, "noise"))
    for place in (0, 17, NOISES - 1):
        here, after = noise.at(place), noise.at(place + 1)
        assert noise.smooth(place) == here
        assert abs(noise.smooth(place + 0.25) - (0.75 * here + 0.25 * after)) < 1e-12
