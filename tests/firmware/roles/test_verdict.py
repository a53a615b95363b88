from firmware.roles.verdict import CAME, NOTHING, SWAPPED, WENT, Verdict, length
from tests.protocol.expect import Dice

TAKEN, LEFT, SWING = 150, 50, 180
CAR = [300, -200, 150]
BIG = 900  # a swing that only a car above the sensor makes


def verdict():
    bay = Verdict(TAKEN, LEFT, SWING)
    bay.start([0, 0, 0], 0)
    return bay


def reverse(field):
    return [-value for value in field]


def test_a_car_comes_and_goes():
    bay = verdict()
    assert not bay.occupied()
    assert bay.judge(CAR, BIG, 100, 112) == CAME
    assert bay.occupied() and bay.changed_s == 100 and bay.car == CAR
    assert bay.judge([-290, 210, -140], BIG, 4000, 4010) == WENT
    assert not bay.occupied() and bay.changed_s == 4000


def test_a_car_that_cancels_out_is_known_by_its_swing():
    bay = verdict()
    assert bay.judge([20, -15, 10], BIG, 100, 112) == CAME
    assert bay.judge([-20, 15, -10], BIG, 900, 910) == WENT


def test_neighbours_vans_and_trams_are_nothing():
    bay = verdict()
    for now_s in range(100, 5000, 400):
        assert bay.judge([80, -60, 40], 125, now_s, now_s + 9) == NOTHING
        assert bay.judge([-80, 60, -40], 125, now_s + 200, now_s + 209) == NOTHING
    bay.judge(CAR, BIG, 6000, 6012)
    for now_s in range(6100, 9000, 400):
        assert bay.judge([80, -60, 40], 125, now_s, now_s + 9) == NOTHING
        assert bay.judge([-80, 60, -40], 125, now_s + 200, now_s + 209) == NOTHING
    assert bay.occupied()


def test_a_truck_that_only_swings_the_field_is_nothing():
    bay = verdict()
    assert bay.judge([4, -3, 2], 100, 50, 60) == NOTHING
    bay.judge(CAR, BIG, 100, 112)
    assert bay.judge([4, -3, 2], 100, 500, 510) == NOTHING


def test_a_neighbour_does_not_change_what_the_car_is_thought_to_add():
    bay = verdict()
    bay.judge(CAR, BIG, 100, 112)
    bay.judge([80, -60, 40], 125, 300, 309)
    assert bay.car == CAR


def test_a_bay_that_comes_home_is_more_surely_free_than_one_that_ends_as_near_elsewhere():
    home = verdict()
    home.judge(CAR, BIG, 100, 112)
    home.judge([90, 0, 0], 95, 300, 309)  # a neighbour comes, and goes together with the car
    assert home.judge([-390, 200, -150], BIG, 900, 910) == WENT
    elsewhere = verdict()
    elsewhere.judge(CAR, BIG, 100, 112)
    assert elsewhere.judge([-390, 200, -150], BIG, 900, 910) == WENT
    assert home.belief < elsewhere.belief


def test_a_car_that_came_with_a_great_swing_does_not_go_without_one():
    for came_dut, meaning in ((200, WENT), (BIG, NOTHING)):
        bay = verdict()
        bay.judge([60, -40, 30], came_dut, 100, 112)
        assert bay.occupied()
        assert bay.judge([-60, 40, -30], 100, 900, 910) == meaning


def test_what_a_car_leaves_magnetised_behind_does_not_keep_its_bay_taken():
    bay = verdict()
    bay.judge(CAR, BIG, 100, 112)
    assert bay.judge([-300 + 15, 200 - 15, -150 + 15], BIG, 900, 910) == WENT


def test_a_driver_who_puts_the_car_straight_does_not_leave():
    bay = verdict()
    bay.judge(CAR, BIG, 100, 112)
    assert bay.judge([-120, 60, 90], 260, 300, 310) == NOTHING
    assert bay.judge([-180, 140, -240], BIG, 900, 910) == WENT


def test_one_car_after_another_within_an_episode_is_a_swap():
    bay = verdict()
    bay.judge([40, -30, 20], BIG, 100, 112)
    bay.judge([-40, 30, -20], 60, 300, 310)  # a neighbour, who makes it doubtful whether the bay is still taken
    assert bay.occupied()
    assert bay.judge([500, 300, -400], BIG, 900, 915) == SWAPPED
    assert bay.occupied() and bay.changed_s == 900


def test_a_wrong_verdict_is_not_for_ever():
    bay = verdict()
    bay.judge([100, 60, -20], 190, 100, 112)  # two neighbours at once, taken for a car
    assert bay.occupied()
    meanings = [bay.judge(CAR, BIG, 900, 912), bay.judge(reverse(CAR), BIG, 1900, 1910)]
    assert meanings[-1] == WENT or not bay.occupied()
    assert bay.judge(CAR, BIG, 2900, 2912) == CAME
    assert bay.judge(reverse(CAR), BIG, 3900, 3910) == WENT


def test_the_first_look_knows_a_strong_car_only():
    bay = Verdict(TAKEN, LEFT, SWING)
    bay.start([140, 40, 30], 5)  # 149
    assert not bay.occupied() and bay.car == [0, 0, 0]
    bay.start([140, 50, 30], 5)  # 152
    assert bay.occupied() and bay.car == [140, 50, 30] and bay.changed_s == 5


def test_the_home_follows_a_free_bay_and_waits_below_a_car():
    bay = verdict()
    bay.judge([80, 0, 0], 90, 10, 20)
    bay.judge([0, 0, 10], 15, 3600, 3620)
    assert bay.away == [70, 0, 10]  # an eighth of the way in an hour, since the home takes eight
    bay.judge(CAR, BIG, 3700, 3712)
    away = list(bay.away)
    bay.judge([0, 0, 10], 15, 9000, 9010)
    assert bay.away == [away[0], away[1], away[2] + 10]


def test_length_is_the_integer_root_of_the_squares():
    assert length([3, 4, 12]) == 13
    assert length((0, 0, 0)) == 0
    assert length((1, 0, 0)) == 1
    assert length((-10_000, 99_999, 0)) == 14142  # beyond 1 mT counts as it
    dice = Dice(3)
    for _ in range(300):
        field = [dice.below(4000) - 2000 for _ in range(3)]
        square = sum([value * value for value in field])
        assert length(field) ** 2 <= square < (length(field) + 1) ** 2
