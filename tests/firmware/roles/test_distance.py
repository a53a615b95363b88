from firmware.roles.distance import DistanceDetector
from firmware.roles.verdict import CAME, NOTHING, WENT


def hear(detector, *distances_cm, from_s=0):
    return [detector.sample(cm, None, from_s + 5 * place) for place, cm in enumerate(distances_cm)]


def test_three_samples_in_a_row_are_a_verdict():
    detector = DistanceDetector(150)
    assert detector.occupied() is None
    assert hear(detector, 250, 251, 250) == [NOTHING] * 3
    assert detector.occupied() is False and detector.measure() == 250
    assert hear(detector, 90, 91, 90, from_s=100) == [NOTHING, NOTHING, CAME]
    assert detector.occupied() is True and detector.changed_s == 100
    assert hear(detector, 250, 90, 250, 250, 251, from_s=200) == [NOTHING] * 4 + [WENT]
    assert detector.changed_s == 210


def test_people_who_pass_through_the_beam_are_nothing():
    detector = DistanceDetector(150)
    assert hear(detector, 250, 250, 250, *(60, 60, 250) * 20) == [NOTHING] * 63
    assert not detector.moving()  # it never asks for faster samples


def test_a_roof_near_the_limit_does_not_flicker():
    detector = DistanceDetector(150)
    hear(detector, 149, 149, 149)
    assert detector.occupied()
    assert hear(detector, *(164,) * 10) == [NOTHING] * 10
    assert hear(detector, *(165,) * 3) == [NOTHING, NOTHING, WENT]
    assert hear(detector, *(150,) * 10) == [NOTHING] * 10


def test_the_limit_is_changed_while_it_runs():
    detector = DistanceDetector(150)
    hear(detector, 140, 140, 140)
    assert detector.configure(18, 100) and not detector.configure(15, 100)
    assert hear(detector, 140, 140, 140)[-1] == WENT


def test_it_goes_on_after_a_deep_sleep():
    for told in range(8):
        detector = DistanceDetector(150)
        for place, cm in enumerate((250, 250, 250, 90, 90, 90, 90, 90)):
            if place == told:
                detector = DistanceDetector(150, detector.image())
            detector.sample(cm, None, 5 * place)
        assert detector.occupied() and detector.changed_s == 15 and detector.measure() == 90
    assert DistanceDetector(150, DistanceDetector(150).image()).occupied() is None
    assert DistanceDetector(150).kept() == b""
