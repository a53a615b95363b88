import struct

from firmware.roles.field import FieldDetector
from firmware.roles.verdict import CAME, NOTHING, WENT, Verdict
from tests.firmware.roles.bays import CAR, NEIGHBOUR, Ground


def detector(kept=b"", image=b""):
    return FieldDetector(Verdict(150, 50, 180), kept, image)


class Watch:
    """Samples a detector over ground: every 2 s, or every second while something moves."""

    def __init__(self, watched, ground=None):
        self.watched = watched
        self.ground = ground or Ground()
        self.now_s = 0
        self.meanings = []
        self.samples = 0

    def run(self, seconds, each_s=None, before=None):
        """*before*: called with the time before each sample."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            if before:
                before(self.now_s)
            self.samples += 1
            meaning = self.watched.sample(self.ground.field(0), self.ground.dcel, self.now_s)
            if meaning != NOTHING:
                self.meanings.append(meaning)
            self.now_s += each_s or (1 if self.watched.moving() else 2)

    def pass_over(self, adds, seconds=8, swing=(0, 0, 400)):
        """Something moves over the sensor for some seconds and leaves *adds*."""
        before = self.ground.adds[0]
        begun_s = self.now_s

        def move(now_s):
            part = min(now_s - begun_s, seconds)
            bump = 2 * min(part, seconds - part)
            self.ground.adds[0] = tuple(
                [old + (new - old) * part // seconds + s * bump // seconds for old, new, s in zip(before, adds, swing)]
            )

        self.run(seconds + 2, before=move)
        self.ground.adds[0] = adds
        self.run(40)


def test_the_bay_is_free_once_the_field_has_settled():
    watch = Watch(detector())
    assert watch.watched.occupied() is None and watch.watched.moving()
    watch.run(30)
    assert watch.watched.occupied() is False and not watch.watched.moving()
    assert watch.watched.measure() < 15


def test_a_car_comes_stands_and_goes():
    watch = Watch(detector())
    watch.run(60)
    come_s = watch.now_s
    watch.pass_over(CAR)
    assert watch.meanings == [CAME] and watch.watched.occupied()
    assert come_s <= watch.watched.changed_s <= come_s + 4
    assert 320 <= watch.watched.measure() <= 340  # the root of 250^2 + 120^2 + 180^2 is 330
    watch.run(7200)
    watch.pass_over((0, 0, 0))
    assert watch.meanings == [CAME, WENT] and watch.watched.occupied() is False


def test_trucks_that_pass_and_neighbours_that_park_are_nothing():
    watch = Watch(detector())
    watch.run(60)
    for _ in range(20):
        watch.pass_over((0, 0, 0), 6, (60, -30, 70))
        watch.pass_over(NEIGHBOUR, 8, (20, 20, -20))
        watch.run(300)
        watch.pass_over((0, 0, 0), 8, (20, 20, -20))
    assert watch.meanings == [] and watch.watched.occupied() is False


def test_drift_larger_than_a_car_is_followed_below_a_car_too():
    watch = Watch(detector())
    watch.run(60)

    def drift(now_s):
        watch.ground.drift_dut = (now_s - begun_s) // 100  # 0.1 µT each 100 s, 40 µT in eleven hours

    begun_s = watch.now_s
    watch.run(40_000, before=drift)
    assert watch.meanings == [] and watch.watched.measure() < 15
    watch.pass_over(CAR)
    begun_s = watch.now_s - 100 * watch.ground.drift_dut
    watch.run(40_000, before=drift)
    assert watch.meanings == [CAME]
    watch.pass_over((0, 0, 0))
    assert watch.meanings == [CAME, WENT] and watch.watched.measure() < 40


def test_a_street_that_never_settles_is_judged_all_the_same():
    watch = Watch(detector())
    watch.run(60)
    watch.ground.adds[0] = CAR
    watch.ground.noise_dut = 60  # roadworks
    watch.run(110)
    assert watch.meanings == []
    watch.run(30)
    assert watch.meanings == [CAME]
    watch.ground.noise_dut = 4
    watch.run(3600)
    watch.pass_over((0, 0, 0))
    assert watch.meanings == [CAME, WENT]


def warm_up_and_cool_down(watch, days=4):
    """From 15 to 30 degrees and back, a day at a time."""
    for _ in range(days):
        for hour in range(24):
            watch.ground.dcel = 150 + 150 * (hour if hour <= 12 else 24 - hour) // 12
            watch.run(3600, each_s=60)


def test_after_a_power_cut_the_field_of_the_empty_bay_is_known_at_another_temperature():
    watch = Watch(detector())
    watch.ground.slope = (1000, -700, 500)  # a µT per kelvin: 15 K are a car's worth
    watch.run(60)
    warm_up_and_cool_down(watch)
    assert watch.meanings == []
    kept = watch.watched.kept()
    watch.ground.dcel = 330  # the power comes back on a hot day
    watch.watched = detector(kept)
    watch.run(30, each_s=1)
    assert watch.watched.occupied() is False
    watch.ground.adds[0] = CAR
    watch.watched = detector(kept)
    watch.run(30, each_s=1)
    assert watch.watched.occupied() is True
    watch.pass_over((0, 0, 0))
    assert watch.meanings == [WENT]


def test_without_the_stored_field_the_first_one_is_the_empty_bays():
    watch = Watch(detector(b"damaged"))
    watch.ground.adds[0] = CAR
    watch.run(30)
    assert watch.watched.occupied() is False


def test_nothing_is_kept_of_a_bay_not_yet_known():
    assert detector().kept() == b""


def test_deep_sleeps_change_no_verdict():
    told = []
    for sleeps in (False, True):
        watch = Watch(detector())
        watch.run(60)
        for adds, swing in ((CAR, 400), ((0, 0, 0), 400), (NEIGHBOUR, 20), ((0, 0, 0), 20), (CAR, 400)):
            for _ in range(20):
                watch.run(6)
                if sleeps:
                    watch.watched = detector(image=watch.watched.image())
            watch.pass_over(adds, swing=(0, 0, swing))
        told.append((watch.meanings, watch.watched.changed_s, watch.watched.kept()))
    assert told[0] == told[1]
    assert told[0][0] == [CAME, WENT, CAME]


def test_an_episode_goes_on_after_a_deep_sleep():
    watch = Watch(detector())
    watch.run(60)
    watch.ground.adds[0] = (0, 0, 900)
    watch.run(2)
    assert watch.watched.moving()
    watch.watched = detector(image=watch.watched.image())
    watch.ground.adds[0] = (20, 10, 10)
    watch.run(30)
    assert watch.meanings == [CAME]  # for the swing before the sleep


def test_an_image_says_all_that_it_was_made_of():
    watch = Watch(detector())
    watch.ground.slope = (1000, -700, 500)
    watch.run(60)
    warm_up_and_cool_down(watch, 1)
    watch.pass_over(CAR, swing=(0, 0, 900))
    watch.run(60)
    watch.pass_over((CAR[0] + 70, CAR[1], CAR[2]), swing=(5, 5, 5))
    image = watch.watched.image()
    assert detector(image=image).image() == image
    assert len(set(image)) > 30  # most of it is something


def test_cars_that_come_when_it_is_warm_teach_no_slope():
    watch = Watch(detector())
    watch.run(60)
    for _ in range(4):
        for dcel, adds in ((300, CAR), (150, (0, 0, 0))):
            watch.ground.dcel = dcel
            watch.run(600)
            watch.pass_over(adds)
            watch.run(600)
    assert watch.meanings == [CAME, WENT] * 4
    assert all(-20 <= slope <= 20 for slope in struct.unpack("<6h", watch.watched.kept())[3:])  # 1/256 µT/K


def test_thresholds_are_changed_while_it_runs():
    watch = Watch(detector())
    watch.run(60)
    assert watch.watched.configure(15, 100) and watch.watched.configure(16, 30) and watch.watched.configure(17, 900)
    assert not watch.watched.configure(18, 100)
    watch.pass_over((60, 0, 0), swing=(0, 0, 500))  # a car at the swing of before
    assert watch.meanings == []
    watch.watched.configure(17, 180)
    watch.pass_over((0, 0, 0), swing=(0, 0, 500))
    assert watch.meanings == [CAME]
