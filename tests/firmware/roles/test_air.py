from firmware.actions import PARTICLE_FAN, Power, Sense, TakeReading, TellEvent
from firmware.events import Sensed, TimeTold, Woke
from firmware.mind import ROLE_IMAGE_LEN
from firmware.roles.air import SAMPLES, SILENT_READINGS, STUCK_SAMPLES, Air, dried
from protocol.events import SENSOR_BACK, SENSOR_FAILED
from protocol.orders import DONE, NOT_HERE, SET_LEVEL, Order
from protocol.quantities import (
    AIR_FULL,
    AIR_WITHOUT_PM4,
    CO2,
    PM2_5,
    RELATIVE_HUMIDITY,
    TEMPERATURE,
    quantities_of,
)
from protocol.quantity_table import Quantity
from protocol.settings import number_of
from tests.protocol.expect import Dice

INTERVAL_S = 900
INTERVAL_MS = 900_000
VALUES = (80, 120, 130, 160, 431, -20, 0, 10_130)  # dry air: no correction


class Bench:
    """Runs the role alone; sense: now_ms -> values, None for no answer at all."""

    def __init__(self, role, sense):
        self.role = role
        self.sense = sense
        self.now_ms = 0
        self.done = []

    def run(self, until_ms):
        coming = None
        while True:
            wake_ms = max(self.role.wake_at(), self.now_ms)
            if coming is None and wake_ms > until_ms:
                return
            event = Woke()
            if coming:
                event = coming
                coming = None
            else:
                self.now_ms = wake_ms
            for action in self.role.handle(event, self.now_ms):
                self.done.append((self.now_ms, action))
                if isinstance(action, Sense):
                    values = self.sense(self.now_ms)
                    if values is not None:
                        coming = Sensed(action.set_number, values)

    def readings(self):
        return [action.values for _, action in self.done if isinstance(action, TakeReading)]

    def events(self):
        return [(action.event, action.details) for _, action in self.done if isinstance(action, TellEvent)]

    def fan(self):
        return [(at_ms, action.on) for at_ms, action in self.done if isinstance(action, Power)]


SEED = 436  # 75 x 436 + 74 is half of 65,537: its first interval is a whole one
VARIES_MS = 16_000  # of any other


def air(interval_s=INTERVAL_S, first_ms=5_000, growth_per_mille=182, set_number=AIR_FULL, image=b"", seed=SEED):
    return Air(set_number, interval_s, 30, growth_per_mille, first_ms, image, seed)


def varied(n=0):
    """Values that no sensor sticks to."""
    return tuple([value + (n + place) % 7 if place != 6 else 0 for place, value in enumerate(VALUES)])


def test_the_fan_warms_up_and_stops_and_five_samples_make_a_reading():
    bench = Bench(air(), lambda now_ms: VALUES)
    bench.run(INTERVAL_MS)
    assert [(at_ms, type(action)) for at_ms, action in bench.done] == [
        (5_000, Power),
        (35_000, Sense),
        (36_000, Sense),
        (37_000, Sense),
        (38_000, Sense),
        (39_000, Sense),
        (39_000, Power),
        (39_000, TakeReading),
    ]
    assert bench.fan() == [(5_000, True), (39_000, False)]
    assert bench.done[0][1].part == PARTICLE_FAN
    assert bench.readings() == [VALUES]


def test_readings_come_at_about_their_interval():
    bench = Bench(air(), lambda now_ms: VALUES)
    bench.run(9 * INTERVAL_MS + INTERVAL_MS // 2)
    starts = [at_ms for at_ms, on in bench.fan() if on]
    gaps = [starts[n + 1] - starts[n] for n in range(len(starts) - 1)]
    assert len(starts) == 10 and gaps[0] == INTERVAL_MS
    assert all(abs(gap_ms - INTERVAL_MS) <= VARIES_MS for gap_ms in gaps) and len(set(gaps)) >= 6


def test_a_short_interval_leaves_the_fan_on():
    bench = Bench(air(interval_s=60), lambda now_ms: VALUES)
    bench.run(600_000)
    assert bench.fan() == [(5_000, True)]
    assert 9 <= len(bench.readings()) <= 11


def test_missed_slots_are_skipped():
    bench = Bench(air(), lambda now_ms: VALUES)
    bench.run(INTERVAL_MS)
    bench.now_ms = 40 * INTERVAL_MS
    bench.run(40 * INTERVAL_MS + INTERVAL_MS // 2)
    assert len(bench.readings()) == 2
    assert abs(bench.role.wake_at() - 41 * INTERVAL_MS - 5_000) <= VARIES_MS


def test_two_outliers_in_five_do_not_show():
    samples = [VALUES, (9_000, 9_000, 9_000, 9_000, 39_000, 800, 0, 3_100), VALUES, (0,) * 8, VALUES]
    bench = Bench(air(), lambda now_ms: samples[(now_ms - 35_000) // 1000 % 5])
    bench.run(INTERVAL_MS)
    assert bench.readings() == [VALUES]


def test_what_no_sensor_can_have_seen_is_as_if_it_were_silent():
    wild = (-1, 10_001, 20_000, 65_535, 200, 900, 101, 0)
    bench = Bench(air(), lambda now_ms: wild)
    bench.run(INTERVAL_MS)
    assert bench.readings() == [(None,) * 8]
    samples = [VALUES, wild, VALUES, wild, VALUES]
    bench = Bench(air(), lambda now_ms: samples[(now_ms - 35_000) // 1000 % 5])
    bench.run(INTERVAL_MS)
    assert bench.readings() == [VALUES]


def test_fewer_than_half_of_the_samples_are_no_reading():
    none = (None,) * 8
    samples = [VALUES, none, none, VALUES, none]
    bench = Bench(air(), lambda now_ms: samples[(now_ms - 35_000) // 1000 % 5])
    bench.run(INTERVAL_MS)
    assert bench.readings() == [none]
    assert bench.events() == []


def test_a_driver_that_never_answers_does_not_hold_the_node():
    bench = Bench(air(), lambda now_ms: None)
    bench.run(10 * INTERVAL_MS)
    assert bench.readings() == [(None,) * 8] * 10
    assert bench.role.handle(Sensed(AIR_FULL, VALUES), bench.now_ms) == []  # an answer to nothing


def test_each_sensor_that_fails_is_told_once_and_once_when_it_is_back():
    silent_from, silent_to = 3, 8

    def sense(now_ms):
        n = now_ms // INTERVAL_MS
        values = varied(now_ms // 1000)
        return (None, None, None, None) + values[4:] if silent_from <= n < silent_to else values

    bench = Bench(air(), sense)
    bench.run(12 * INTERVAL_MS)
    assert bench.events() == [(SENSOR_FAILED, (PM2_5 - 1,)), (SENSOR_BACK, (PM2_5 - 1,))]
    told = [at_ms // INTERVAL_MS for at_ms, action in bench.done if isinstance(action, TellEvent)]
    assert told == [silent_from + SILENT_READINGS - 1, silent_to]
    assert [values[1] is None for values in bench.readings()] == [silent_from <= n < silent_to for n in range(12)]


def test_two_sensors_fail_apart():
    def sense(now_ms):
        values = varied(now_ms // 1000)
        return values[:4] + (None, None, 0, values[7])

    bench = Bench(air(), sense)
    bench.run(5 * INTERVAL_MS)
    assert bench.events() == [(SENSOR_FAILED, (CO2,)), (SENSOR_FAILED, (TEMPERATURE,))]


def test_a_sensor_that_says_the_same_for_hours_is_stuck():
    def sense(now_ms):
        stuck = now_ms // INTERVAL_MS < 20
        return varied(now_ms // 1000)[:4] + (431 if stuck else 431 + now_ms // 1000 % 7, -20, 0, 10_130)

    bench = Bench(air(), sense)
    bench.run(24 * INTERVAL_MS)
    first = STUCK_SAMPLES // SAMPLES - 1
    assert bench.events() == [(SENSOR_FAILED, (CO2,)), (SENSOR_BACK, (CO2,))]
    assert [values[4] is None for values in bench.readings()] == [first <= n < 20 for n in range(24)]


def test_air_that_is_clean_or_calm_is_not_stuck():
    """Particle counters show 0 for hours in clean air; temperature, humidity and pressure may stay for a night."""
    bench = Bench(air(), lambda now_ms: (0, 3, 49, 10, 431 + now_ms // 1000 % 7, -20, 0, 10_130))
    bench.run(96 * INTERVAL_MS)
    assert bench.events() == []
    assert bench.readings()[-1][:4] == (0, 3, 49, 10)


def test_particles_are_dried_by_the_formula():
    # mass / (1 + growth x rh / (100 - rh)), by hand with growth 0.182
    for mass, humidity, expected in (
        (1000, 0, 1000),
        (1000, 50, 846),  # 1 / 1.182
        (1000, 80, 579),  # 1 / 1.728
        (1000, 90, 379),  # 1 / 2.638
        (1000, 95, 224),  # 1 / 4.458
        (1000, 100, 224),  # not beyond what a hygrometer can tell
        (10_000, 0, 10_000),
        (0, 90, 0),
        (1, 50, 1),
        (1, 95, 0),
    ):
        assert dried(mass, humidity, 182) == expected
    assert dried(777, 95, 0) == 777


def test_what_is_dried_is_less_the_wetter_it_is_and_a_small_int_on_the_way():
    for mass in (0, 1, 55, 10_000):
        shown = [dried(mass, humidity, 1000) for humidity in range(101)]
        assert shown == sorted(shown, reverse=True)
        assert shown[0] == mass
    assert 10_000 * 100 * 1000 + (100_000 + 95_000) // 2 < 1 << 30


def test_humidity_corrects_particles_and_nothing_else():
    wet = VALUES[:6] + (90,) + VALUES[7:]
    bench = Bench(air(), lambda now_ms: wet)
    bench.run(INTERVAL_MS)
    assert bench.readings() == [tuple([dried(value, 90, 182) for value in wet[:4]]) + wet[4:]]
    bench = Bench(air(growth_per_mille=0), lambda now_ms: wet)
    bench.run(INTERVAL_MS)
    assert bench.readings() == [wet]


def test_without_humidity_particles_are_not_known():
    bench = Bench(air(), lambda now_ms: VALUES[:6] + (None,) + VALUES[7:])
    bench.run(INTERVAL_MS)
    assert bench.readings() == [(None,) * 4 + VALUES[4:6] + (None, VALUES[7])]


def test_a_set_without_pm4():
    values = (80, 120, 160, 431, -20, 0, 10_130)
    bench = Bench(air(set_number=AIR_WITHOUT_PM4), lambda now_ms: values)
    bench.run(INTERVAL_MS)
    assert bench.readings() == [values]


def test_settings_take_effect():
    role = air()
    assert role.configure(number_of("reading_interval_s"), 300) == DONE
    assert role.configure(number_of("fan_warm_up_s"), 10) == DONE
    assert role.configure(number_of("growth_per_mille"), 0) == DONE
    assert role.configure(number_of("plan"), 1) == NOT_HERE
    wet = VALUES[:6] + (90,) + VALUES[7:]
    bench = Bench(role, lambda now_ms: wet)
    bench.run(300_000)
    assert [at_ms for at_ms, on in bench.fan()] == [5_000, 19_000]
    assert role.wake_at() == 305_000
    assert bench.readings() == [wet]


def test_it_has_nothing_to_order_and_no_need_of_the_time():
    role = air()
    assert role.order(Order(1, 0, SET_LEVEL, 40), 0, None) == (NOT_HERE, None, [])
    assert role.handle(TimeTold(1_400_000_000), 10_000) == []


def test_deep_sleep_keeps_what_it_knows_of_its_sensors():
    def sense(now_ms):
        return varied(now_ms // 1000)[:4] + (431, -20, 0, 10_130)

    bench = Bench(air(), sense)
    while bench.now_ms < 20 * INTERVAL_MS:
        bench.run(bench.now_ms + 1)
        if not bench.role._sampling:
            image = bench.role.image()
            assert len(image) <= ROLE_IMAGE_LEN
            bench.role = air(image=image)
        bench.now_ms = bench.role.wake_at()
    assert bench.events() == [(SENSOR_FAILED, (CO2,))]
    awake = Bench(air(), sense)
    awake.run(20 * INTERVAL_MS)
    starts = [at_ms for at_ms, on in bench.fan() if on]
    assert all(0 <= at_ms - as_awake_ms < 1_000 for at_ms, (as_awake_ms, _) in zip(starts, awake.fan()[::2]))
    assert len(starts) == 20


def test_a_reading_under_way_begins_again_after_the_sleep():
    bench = Bench(air(), lambda now_ms: VALUES)
    bench.run(36_000)
    bench.role = air(image=bench.role.image())
    bench.now_ms = 60_000
    bench.run(100_000)
    assert bench.fan() == [(5_000, True), (60_000, True), (94_000, False)]
    assert bench.readings() == [VALUES]
    assert bench.role.wake_at() == INTERVAL_MS + 5_000


def test_nothing_that_sensors_say_is_told_as_valid_that_is_not():
    """Any driver results, 2,000 of them: no exception, and nothing outside the plausible range."""
    dice = Dice(5)
    quantities = [Quantity(number) for number, _ in quantities_of(AIR_FULL)]

    def sense(now_ms):
        if dice.below(10) == 0:
            return None
        return tuple([None if dice.below(4) == 0 else (dice.below(60_000) - 3_000) >> dice.below(9) for _ in range(8)])

    bench = Bench(air(), sense)
    bench.run(400 * INTERVAL_MS)
    assert len(bench.readings()) == 400
    known = 0
    for values in bench.readings():
        assert len(values) == 8
        for quantity, value in zip(quantities, values):
            assert value is None or quantity.plausible(value)
            known += value is not None
    assert known > 200
    assert quantities[6].number == RELATIVE_HUMIDITY
