"""The order of strength: safety, then orders with an end, then presence, then the base."""

from firmware.roles.setpoint import LOGARITHMIC, MANUAL, PRESENCE, PROGRAMME, RETURN_FADE_S, SAFETY, UNKNOWN_NIGHT, Door

NIGHT = (50, 60, PROGRAMME)
FREE = 100


def lamp(action):
    return None if action is None else (action.head, action.level_pct, action.fade_s)


def begun(base=NIGHT):
    door = Door(1)
    door.decide(0, base, FREE)
    return door


def test_a_lamp_that_has_just_got_power_does_not_fade():
    assert lamp(Door(1).decide(0, NIGHT, FREE)) == (1, 50, 0)


def test_a_logarithmic_gear_is_told_the_level_nearest_to_the_light():
    """X(n) = 10^((n - 1) · 3/253 - 1) % (IEC 62386-102 §9.3), in integers: (10 · X)^506 = 10^(6 · (n - 1))."""
    door = Door(0, LOGARITHMIC)
    for level_pct in range(1, 101):
        door.hold(level_pct, 0, 10)
        drive = door.decide(0, NIGHT, FREE).drive
        assert 10 ** (6 * drive - 9) <= (10 * level_pct) ** 506 < 10 ** (6 * drive - 3), level_pct
    assert drive == 254


def test_what_the_lamp_does_already_is_not_said_again():
    door = begun()
    assert door.decide(1, NIGHT, FREE) is None
    assert door.reason == PROGRAMME


def test_a_step_of_the_programme_brings_its_own_fade():
    door = begun()
    assert lamp(door.decide(1, (100, 60, PROGRAMME), FREE)) == (1, 100, 60)
    assert door.settled_s == 61


def test_an_order_holds_until_its_end_and_not_a_second_longer():
    door = begun()
    door.hold(20, 7, 100)
    assert lamp(door.decide(10, NIGHT, FREE)) == (1, 20, 7)
    assert (door.reason, door.until_s(), door.overridden()) == (MANUAL, 100, True)
    assert door.decide(99, NIGHT, FREE) is None
    assert lamp(door.decide(100, (50, 0, PROGRAMME), FREE)) == (1, 50, RETURN_FADE_S)
    assert (door.reason, door.until_s(), door.overridden()) == (PROGRAMME, None, False)


def test_a_later_order_replaces_the_one_before_and_begins_its_own_fade():
    door = begun()
    door.hold(20, 600, 100)
    door.decide(10, NIGHT, FREE)
    door.hold(20, 0, 50)
    assert lamp(door.decide(11, NIGHT, FREE)) == (1, 20, 0)
    assert door.until_s() == 50


def test_presence_makes_brighter_never_darker():
    door = begun()
    door.boost(80, 100)
    assert lamp(door.decide(1, NIGHT, FREE)) == (1, 80, 1)
    assert (door.reason, door.until_s()) == (PRESENCE, 100)
    assert lamp(door.decide(2, (90, 60, PROGRAMME), FREE)) == (1, 90, 60)
    assert door.reason == PROGRAMME
    assert lamp(door.decide(3, NIGHT, FREE))[1] == 80
    assert lamp(door.decide(100, NIGHT, FREE))[1] == 50


def test_an_order_is_stronger_than_presence_and_presence_goes_on_behind_it():
    door = begun()
    door.boost(80, 100)
    door.hold(10, 2, 50)
    assert lamp(door.decide(1, NIGHT, FREE)) == (1, 10, 2)
    assert lamp(door.decide(50, NIGHT, FREE))[1] == 80
    assert door.until_s() == 100


def test_safety_is_stronger_than_an_order():
    door = begun()
    door.hold(100, 2, 50)
    assert lamp(door.decide(1, NIGHT, 75))[1] == 75
    assert (door.reason, door.overridden()) == (SAFETY, True)
    assert lamp(door.decide(2, NIGHT, FREE))[1] == 100
    assert door.reason == MANUAL


def test_safety_leaves_alone_what_is_below_its_limit():
    door = begun()
    assert door.decide(1, NIGHT, 50) is None
    assert door.reason == PROGRAMME


def test_resuming_ends_order_and_presence():
    door = begun()
    door.hold(10, 2, 50)
    door.boost(80, 100)
    door.decide(1, NIGHT, FREE)
    door.resume()
    assert lamp(door.decide(2, NIGHT, FREE)) == (1, 50, 60)
    assert door.until_s() is None


def test_another_base_without_a_fade_of_its_own_is_not_startling():
    door = begun((100, 0, UNKNOWN_NIGHT))
    assert lamp(door.decide(1, (0, 0, PROGRAMME), FREE)) == (1, 0, RETURN_FADE_S)


def test_what_is_held_survives_a_restart_in_good_order():
    assert Door(0).image() == []
    door = begun()
    door.hold(10, 2, 50)
    assert door.image() == [10, 2, 50]
