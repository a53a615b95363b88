"""Truth from the meter: each fault found, and no fault where there is none."""

from firmware.roles.meter import SILENT, Latch, Meter
from protocol.events import DAY_BURNER, GEAR_FAILED, LAMP_CYCLING, LAMP_FAILED, LAMP_RECOVERED, OVER_TEMPERATURE
from protocol.quantities import LAMP_CYCLING as LAMP_CYCLES
from protocol.quantities import (
    LAMP_DAY_BURNER,
    LAMP_FAILURE,
    LAMP_GEAR_FAILURE,
    LAMP_GEAR_SILENT,
    LAMP_TOO_HOT,
)
from tests.protocol.expect import Dice

HOT = 700
RATED_DW = 400


class Post:
    """One or two heads of 40 W, measured every five minutes."""

    def __init__(self, heads=1, rated_dw=RATED_DW):
        self.meter = Meter(heads, HOT, rated_dw)
        self.now_s = 0
        self.told = []

    def see(self, levels, power_dw, times=3, voltage_dv=2300):
        for _ in range(times):
            self.now_s += 300
            self.told += self.meter.measured(levels, power_dw, voltage_dv, self.now_s)
        return [(event.event, event.details) for event in self.told]


def events(found):
    return [(event.event, event.details) for event in found]


def test_a_latch_turns_after_three_in_a_row():
    latch = Latch()
    seen = [latch.see(on) for on in (True, True, False, True, True, True, True, False, False, False)]
    assert seen == [False, False, False, False, False, True, False, False, False, True]
    assert latch.on is False


def test_a_dark_lamp_is_told_once_and_so_is_its_recovery():
    post = Post()
    assert post.see([50], 5, times=2) == []
    assert post.see([50], 5, times=10) == [(LAMP_FAILED, (0, 5, 210))]
    assert post.meter.status(0) == LAMP_FAILURE
    assert post.see([50], 205, times=2)[1:] == []
    assert post.see([50], 205)[1:] == [(LAMP_RECOVERED, (0, 205))]
    assert post.meter.status(0) == 0


def test_lamps_take_what_they_should_with_a_third_of_error():
    dice = Dice(7)
    post = Post()
    for _ in range(2000):
        level = dice.below(101)
        expected = RATED_DW * (500 + 95 * level) // 10000 if level else 5
        assert post.see([level], expected * (67 + dice.below(67)) // 100, times=3) == []
    assert post.meter.status(0) == 0


def test_nothing_is_concluded_from_very_little_light():
    post = Post(rated_dw=100)
    assert post.see([10], 0, times=9) == []


def test_low_mains_are_not_the_lamps_fault():
    post = Post()
    assert post.see([100], 5, times=9, voltage_dv=1400) == []
    assert post.see([100], 5, voltage_dv=None) == [(LAMP_FAILED, (0, 5, 400))]


def test_of_two_heads_the_one_is_out_whose_power_is_missing():
    post = Post(heads=2)
    assert post.see([30, 100], 135) == [(LAMP_FAILED, (1, 135, 400))]
    assert post.meter.status(0) == 0
    post = Post(heads=2)
    assert post.see([30, 100], 400) == [(LAMP_FAILED, (0, 400, 134))]
    post = Post(heads=2)
    assert post.see([10, 100], 400) == []  # an eighth of it all: the label may be wrong by that
    assert post.see([100, 100], 400) == [(LAMP_FAILED, (0, 400, 400))]
    assert post.see([100, 100], 3)[1:] == [(LAMP_FAILED, (1, 3, 400))]
    assert post.see([100, 100], 800)[2:] == [(LAMP_RECOVERED, (0, 800)), (LAMP_RECOVERED, (1, 800))]


def test_a_lamp_that_is_off_is_not_judged_for_being_dark():
    post = Post(heads=2)
    post.see([0, 100], 3)
    assert post.meter.status(0) == 0
    assert post.meter.status(1) == LAMP_FAILURE


def test_a_day_burner_is_told_and_forgotten():
    post = Post()
    assert post.see([0], 380) == [(DAY_BURNER, (0, 380))]
    assert post.meter.status(0) == LAMP_DAY_BURNER
    post.see([0], 5)
    assert post.meter.status(0) == 0


def test_a_burner_is_cleared_once_it_is_meant_to_burn():
    post = Post()
    post.see([0], 380)
    post.see([100], 400)
    assert post.meter.status(0) == 0


def test_of_two_heads_as_many_burn_as_it_takes():
    post = Post(heads=2)
    assert post.see([0, 0], 400) == [(DAY_BURNER, (0, 400))]
    post = Post(heads=2)
    assert post.see([0, 0], 790) == [(DAY_BURNER, (0, 790)), (DAY_BURNER, (1, 790))]
    post = Post(heads=2)
    assert post.see([100, 0], 800) == [(DAY_BURNER, (1, 800))]


def test_a_driver_that_does_not_dim_has_failed():
    post = Post()
    assert post.see([50], 400) == [(GEAR_FAILED, (0, 1))]
    assert post.meter.status(0) == LAMP_GEAR_FAILURE
    post.see([50], 210)
    assert post.meter.status(0) == 0


def test_a_lamp_that_goes_out_again_and_again_cycles():
    post = Post()
    for _ in range(3):
        post.see([100], 5, times=1)
        post.see([100], 400, times=3)
    assert post.told == []
    post.see([100], 5, times=1)
    assert events(post.told) == [(LAMP_CYCLING, (0, 4))]
    assert post.meter.status(0) == LAMP_CYCLES
    post.see([100], 400, times=8)
    post.see([100], 5, times=1)
    assert len(post.told) == 1
    post.see([100], 400, times=60)
    assert post.meter.status(0) == 0


def test_without_a_rated_power_it_is_learned_from_steady_light():
    post = Post(rated_dw=0)
    assert post.see([100], 390, times=2) == []
    assert post.meter.learned_dw == 0
    post.see([100], 400, times=1)
    assert (post.meter.rated_dw, post.meter.learned_dw) == (400, 400)
    assert post.see([100], 100) == [(LAMP_FAILED, (0, 100, 400))]


def test_the_rated_power_is_learned_from_half_light_too_but_not_from_less_or_from_change():
    post = Post(heads=2, rated_dw=0)
    post.see([50, 100], 610)
    assert post.meter.rated_dw == 400
    post = Post(rated_dw=0)
    post.see([40], 170, times=9)
    for power_dw in (400, 300, 400, 200, 300, 400):
        post.see([100], power_dw, times=1)
    assert post.meter.rated_dw == 0


def test_with_no_power_known_a_dark_lamp_and_a_burner_are_still_seen():
    post = Post(rated_dw=0)
    assert post.see([100], 10) == [(LAMP_FAILED, (0, 10, 1))]
    post = Post(rated_dw=0)
    assert post.see([40], 170) == []
    assert post.see([0], 170) == [(DAY_BURNER, (0, 170))]
    assert post.meter.rated_dw == 0


def test_heat_dims_by_quarters_never_to_the_dark_and_light_comes_back_when_it_is_cool():
    meter = Meter(1, HOT, RATED_DW)
    assert meter.heated(699) == []
    assert events(meter.heated(712)) == [(OVER_TEMPERATURE, (0, 71))]
    assert (meter.limit_pct, meter.status(0)) == (75, LAMP_TOO_HOT)
    for _ in range(9):
        assert meter.heated(800) == []
    assert meter.limit_pct == 25
    assert meter.heated(650) == []
    assert meter.limit_pct == 25
    for _ in range(9):
        meter.heated(600)
    assert (meter.limit_pct, meter.status(0)) == (100, 0)


def test_what_the_control_gear_says_counts():
    meter = Meter(2, HOT, RATED_DW)
    told = []
    for _ in range(3):
        told += meter.answered(1, SILENT)
    assert events(told) == [(GEAR_FAILED, (1, -1))]
    assert meter.status(1) == LAMP_GEAR_SILENT
    for _ in range(4):
        told += meter.answered(1, 0b00000111)
    assert events(told)[1:] == [(GEAR_FAILED, (1, 7)), (LAMP_FAILED, (1, 0, 0))]
    assert meter.status(1) == LAMP_GEAR_FAILURE | LAMP_FAILURE
    for _ in range(3):
        told += meter.answered(1, 0b00000100)
    assert events(told)[3:] == [(LAMP_RECOVERED, (1, 0))]
    assert (meter.status(0), meter.status(1)) == (0, 0)


def test_a_lamp_that_meter_and_gear_both_call_failed_is_told_once():
    post = Post()
    post.see([100], 5)
    for _ in range(3):
        post.told += post.meter.answered(0, 2)
    post.see([100], 400)
    assert len(post.told) == 1
    for _ in range(3):
        post.told += post.meter.answered(0, 0)
    assert events(post.told)[1:] == [(LAMP_RECOVERED, (0, 0))]
