from firmware.actions import Persist, SenseField, TakeReading
from firmware.events import FieldMoved, FieldSensed, TimeTold, Woke
from firmware.mind import ROLE_IMAGE_LEN
from firmware.roles.parking import (
    BY_DISTANCE,
    SILENT_SAMPLES,
    STILL_MS,
    STUCK_SAMPLES,
    WATCHED,
    WATCHED_MS,
    Parking,
)
from protocol.events import BATTERY_LOW, BAY_LEFT, BAY_TAKEN, SENSOR_BACK, SENSOR_FAILED
from protocol.orders import DONE, NOT_HERE, SET_LEVEL, Order
from protocol.quantities import (
    DISTANCE,
    FIELD_DEVIATION,
    PARKING_DISTANCE,
    PARKING_ONE_BAY,
    PARKING_TWO_BAYS,
    quantities_of,
)
from protocol.quantity_table import Quantity
from protocol.settings import PARKING, Settings, number_of
from tests.firmware.roles.bays import CAR, EMPTY, NEIGHBOUR, Bench, Ground

GONE = (0, 0, 0)
SEED = 436  # 75 x 436 + 74 is half of 65,537: its first interval is a whole one
VARIES_MS = 16_000  # of any other


def settings(**given):
    values = {number_of(name): value for name, value in given.items()}
    values[0] = PARKING
    values[1] = bytes(8)
    return Settings(values)


def bench(ground=None, kept=b"", image=b"", **given):
    return Bench(Parking(settings(**given), kept, image, SEED), ground or Ground())


def test_the_city_hears_the_state_of_a_bay_as_soon_as_it_is_known():
    street = bench()
    street.run(30)
    assert street.role.set_number == PARKING_ONE_BAY
    assert len(street.readings()) == 1 and street.times(TakeReading)[0] < 15_000
    occupied, minutes, deviation, dcel, battery_cv = street.readings()[0]
    assert (occupied, minutes, dcel, battery_cv) == (0, 0, 150, 360)
    assert deviation < 15


def test_a_car_that_comes_and_goes_is_told_at_once_with_how_long():
    street = bench()
    street.run(600)
    street.change(0, CAR)
    street.run(7200)
    assert [event for event, _ in street.events()] == [BAY_TAKEN]
    street.change(0, GONE)
    street.run(30)
    taken, left = street.events()
    assert taken[0] == BAY_TAKEN and left[0] == BAY_LEFT
    assert taken[1][0] == left[1][0] == 0
    assert abs(taken[1][1] - 600) <= 10 and abs(left[1][1] - 7208) <= 10


def test_passing_trucks_and_neighbours_are_not_told():
    street = bench()
    street.run(60)
    for adds in (NEIGHBOUR, GONE) * 5:
        street.change(0, adds, 9, (20, -20, 20))
        street.run(60)
        street.change(0, adds, 5, (60, 50, -60))
        street.run(60)
    assert street.events() == []


def test_the_heartbeat_carries_state_duration_and_deviation():
    street = bench(heartbeat_s=600)
    street.run(60)
    street.change(0, CAR)
    street.run(3600)
    gaps = street.gaps(TakeReading)
    assert len(gaps) >= 5 and min(gaps) >= 599_000 - VARIES_MS and max(gaps) <= 601_000 + VARIES_MS
    occupied, minutes, deviation, _, _ = street.readings()[-1]
    assert occupied == 1 and 50 <= minutes <= 60 and 300 <= deviation <= 360


def test_it_samples_fast_only_while_something_moves():
    street = bench()
    street.run(60)
    before = len(street.times(SenseField))
    street.run(100)
    assert len(street.times(SenseField)) - before == 100_000 // STILL_MS
    before = len(street.times(SenseField))
    street.change(0, CAR, 10)
    assert len(street.times(SenseField)) - before > 15


def test_two_bays_are_told_apart():
    street = bench(bays=2)
    street.run(60)
    assert street.role.set_number == PARKING_TWO_BAYS
    street.change(1, CAR)
    street.run(60)
    street.change(0, CAR)
    street.run(60)
    street.change(1, GONE)
    street.run(60)
    assert [(event, details[0]) for event, details in street.events()] == [
        (BAY_TAKEN, 1),
        (BAY_TAKEN, 0),
        (BAY_LEFT, 1),
    ]
    street.run(3600)
    values = street.readings()[-1]
    assert (values[0], values[3]) == (1, 0) and values[2] > 300 and values[5] < 40
    assert values[6:] == (150, 360)


def test_the_first_reading_of_two_bays_waits_for_both_but_not_for_ever():
    ground = Ground()
    ground.dead.append(1)
    street = bench(ground, bays=2)
    street.run(200)
    values = street.readings()[-1]
    assert values[0] == 0 and values[3:6] == (None, None, None)


def test_a_silent_sensor_is_told_once_and_its_bay_is_not_known():
    street = bench()
    street.run(60)
    street.change(0, CAR)
    street.run(60)
    street.ground.dead.append(0)
    street.run(4000)
    assert street.events()[1:] == [(SENSOR_FAILED, (FIELD_DEVIATION,))]
    assert street.readings()[-1][:3] == (None, None, None)
    silent = [at_ms for at_ms in street.times(SenseField) if at_ms > 200_000]
    assert len(silent) < 80  # a dead sensor is not worth the battery
    street.ground.dead.clear()
    street.run(4000)
    assert street.events()[2:] == [(SENSOR_BACK, (FIELD_DEVIATION,))]
    assert street.readings()[-1][0] == 1


def test_a_few_missing_samples_are_nothing():
    street = bench()
    street.run(60)
    for _ in range(3):
        street.ground.dead.append(0)
        street.run((SILENT_SAMPLES - 2) * STILL_MS // 1000)
        street.ground.dead.clear()
        street.run(10)
    assert street.events() == []


def test_a_sensor_that_repeats_itself_for_half_an_hour_has_failed():
    street = bench()
    street.run(60)
    street.ground.stuck.append(0)
    street.run(STUCK_SAMPLES * STILL_MS // 1000 - 60)
    assert street.events() == []
    street.run(120)
    assert street.events() == [(SENSOR_FAILED, (FIELD_DEVIATION,))]
    street.ground.stuck.clear()
    street.run(120)
    assert street.events()[1:] == [(SENSOR_BACK, (FIELD_DEVIATION,))]


def test_a_car_that_came_while_the_sensor_was_silent_is_found():
    street = bench()
    street.run(60)
    street.ground.dead.append(0)
    street.run(600)
    street.ground.adds[0] = CAR
    street.ground.dead.clear()
    street.run(120)
    assert [event for event, _ in street.events()] == [SENSOR_FAILED, SENSOR_BACK, BAY_TAKEN]


def test_a_low_battery_is_told_once_until_it_was_full_again():
    street = bench(heartbeat_s=300)
    for battery_cv in (312, 309, 312, 308, 329, 305, 330, 309, None, 360):
        street.ground.battery_cv = battery_cv
        street.run(300)
    assert street.events() == [(BATTERY_LOW, (3090,)), (BATTERY_LOW, (3090,))]


def test_a_sensor_that_watches_by_itself_lets_the_node_sleep():
    street = bench(detector=WATCHED)
    street.run(60)
    assert street.watches() and street.watches()[-1] == (0, 50)
    before = len(street.times(SenseField))
    street.run(3600)
    assert len(street.times(SenseField)) - before == 3_600_000 // WATCHED_MS
    street.ground.adds[0] = (0, 0, 900)
    street.tell(FieldMoved())
    street.run(3)
    street.ground.adds[0] = CAR
    street.run(20)
    assert [event for event, _ in street.events()] == [BAY_TAKEN]
    assert len(street.watches()) > 12


def test_what_the_sensor_saw_is_looked_at_closely_though_the_next_sample_says_nothing():
    street = bench(detector=WATCHED)
    street.run(600)
    before = len(street.times(SenseField))
    street.tell(FieldMoved())
    street.run(10)
    assert 8 <= len(street.times(SenseField)) - before <= 12


def test_one_car_after_another_is_a_departure_and_an_arrival_at_once():
    street = bench()
    street.run(60)
    street.change(0, (40, -30, 20), swing=(0, 0, 900))
    street.run(60)
    street.change(0, GONE, 4, (10, -10, 10))  # a neighbour, as it looks
    street.run(600)
    street.change(0, (500, 300, -400), swing=(0, 0, 900))
    street.run(60)
    taken, left, again = street.events()
    assert [taken[0], left[0], again] == [BAY_TAKEN, BAY_LEFT, (BAY_TAKEN, (0, 0))]
    assert left[1][1] > 600


def test_without_a_sensor_that_watches_nothing_is_asked_to():
    street = bench()
    street.run(300)
    assert street.watches() == []


def test_a_distance_tells_the_bay_too():
    street = bench(detector=BY_DISTANCE)
    street.run(60)
    assert street.role.set_number == PARKING_DISTANCE
    assert street.readings()[0] == (0, 0, 250, 150, 360)
    street.ground.distance_cm = 90
    street.run(30)
    assert [event for event, _ in street.events()] == [BAY_TAKEN]
    street.ground.distance_cm = None
    street.run(200)
    assert street.events()[1:] == [(SENSOR_FAILED, (DISTANCE,))]
    street.ground.distance_cm = 90
    street.run(5000)  # the same echo for hours is what a parked car gives
    assert street.events()[2:] == [(SENSOR_BACK, (DISTANCE,))]
    assert street.readings()[-1][0] == 1 and street.times(SenseField) == []


def test_a_body_that_never_answers_leaves_readings_without_values():
    ground = Ground()
    ground.dead.append(0)
    street = bench(ground, detector=BY_DISTANCE)
    street.ground.values = lambda set_number: (None,) * 5
    street.run(4000)
    assert street.readings()[-1] == (None,) * 5
    role = Parking(settings())
    now_ms = 0
    actions = []
    while now_ms < 200_000:
        now_ms = max(now_ms, role.wake_at())
        actions += role.handle(Woke(), now_ms)
    assert [action.values for action in actions if isinstance(action, TakeReading)] == [(None,) * 5]


def test_the_empty_bays_field_survives_a_power_cut():
    street = bench()
    street.run(2 * 86_400)
    assert 1 <= len(street.times(Persist)) <= 2  # flash is not for every drift
    street.ground.adds[0] = CAR
    again = bench(street.ground, street.kept())
    again.run(60)
    assert again.readings()[0][0] == 1 and again.events() == []
    again.change(0, GONE)
    again.run(30)
    assert [event for event, _ in again.events()] == [BAY_LEFT]


def test_it_goes_on_after_a_deep_sleep():
    for bays in (1, 2):
        street = bench(bays=bays, heartbeat_s=600)
        street.run(60)
        for adds in (CAR, GONE):
            street.change(bays - 1, adds)
            street.run(100)
            image = street.role.image()
            assert len(image) <= ROLE_IMAGE_LEN
            street.role = Parking(settings(bays=bays, heartbeat_s=600), image=image)
            street.run(900)
        assert [(event, details[0]) for event, details in street.events()] == [
            (BAY_TAKEN, bays - 1),
            (BAY_LEFT, bays - 1),
        ]
        assert abs(street.events()[1][1][1] - 1008) <= 12
        gaps = street.gaps(TakeReading)
        assert min(gaps) >= 599_000 - VARIES_MS and max(gaps) <= 602_000 + VARIES_MS


def test_settings_are_changed_by_order():
    street = bench()
    for name in ("heartbeat_s", "taken_field_dut", "left_field_dut", "swing_field_dut"):
        assert street.role.configure(number_of(name), 300) == DONE
    for name in ("taken_distance_cm", "bays", "floor_pct"):
        assert street.role.configure(number_of(name), 1) == NOT_HERE
    assert bench(detector=BY_DISTANCE).role.configure(number_of("taken_distance_cm"), 100) == DONE
    street.run(1350)
    assert len(street.readings()) == 5  # the new heartbeat holds from the first reading on


def test_there_is_nothing_to_order_and_nothing_else_to_hear():
    role = Parking(settings())
    assert role.order(Order(1, 10, SET_LEVEL, 50), 0, None) == (NOT_HERE, None, [])
    assert role.handle(TimeTold(5), 0) == []
    assert role.handle(FieldSensed(1, EMPTY, None), 0) == []  # there is one bay


def test_values_are_plausible_whatever_the_sensors_say():
    street = bench(bays=2, heartbeat_s=300)
    street.run(60)
    street.ground.adds = [(32_000, -32_000, 32_000), (-400_000, 0, 0)]
    street.run(4000)
    street.role = Parking(settings(bays=2), street.kept(), street.role.image())
    street.run(4000)
    for values in street.readings():
        for (quantity, _), value in zip(quantities_of(PARKING_TWO_BAYS), values):
            assert value is None or Quantity(quantity).plausible(value)
