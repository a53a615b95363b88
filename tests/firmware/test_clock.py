from firmware.clock import TrustedClock

BUILD = 1_400_000_000
HOUR_MS = 3_600_000


def test_it_knows_no_time_before_an_answer():
    clock = TrustedClock(BUILD)
    assert clock.gps_s(0) is None
    assert clock.wants_answer(0)


def test_a_time_before_the_build_is_refused():
    clock = TrustedClock(BUILD)
    assert not clock.answered(BUILD - 1, 1000)
    assert clock.gps_s(2000) is None
    assert clock.answered(BUILD, 1000)
    assert clock.gps_s(2000) == BUILD + 1


def test_the_first_answer_is_believed_and_counted_on():
    clock = TrustedClock(BUILD)
    assert clock.answered(BUILD + 7, 500)
    assert clock.gps_s(500) == BUILD + 7
    assert clock.gps_s(1499) == BUILD + 7
    assert clock.gps_s(1500) == BUILD + 8
    assert clock.gps_s(0) == BUILD + 6  # a record from before the answer


def test_up_to_five_minutes_are_corrected_at_once_both_ways():
    for step_s in (300, -300, 1):
        clock = TrustedClock(BUILD)
        clock.answered(BUILD + 5000, 0)
        assert clock.answered(BUILD + 5060 + step_s, 60_000)
        assert clock.gps_s(60_000) == BUILD + 5060 + step_s


def test_a_jump_waits_for_a_second_answer_an_hour_later():
    for jump_s in (301, -301, 86_400 * 365):
        clock = TrustedClock(BUILD)
        clock.answered(BUILD + 5000, 0)
        jumped = BUILD + 5000 + jump_s
        assert not clock.answered(jumped, 0)
        assert not clock.answered(jumped + 3599, HOUR_MS - 1000)
        assert clock.gps_s(HOUR_MS) == BUILD + 8600
        assert clock.answered(jumped + 3600, HOUR_MS)
        assert clock.gps_s(HOUR_MS) == jumped + 3600


def test_two_jumps_that_disagree_are_both_refused():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD + 5000, 0)
    assert not clock.answered(BUILD + 100_000, 0)
    assert not clock.answered(BUILD + 200_000, HOUR_MS)
    assert not clock.answered(BUILD + 103_600, HOUR_MS + 60_000)
    assert clock.gps_s(HOUR_MS) == BUILD + 8600


def test_an_answer_that_agrees_with_the_clock_clears_the_suspicion():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD + 5000, 0)
    assert not clock.answered(BUILD + 100_000, 0)
    assert clock.answered(BUILD + 5060, 60_000)
    assert not clock.answered(BUILD + 103_600, HOUR_MS)


def test_it_asks_at_boot_then_hourly_until_it_knows_its_drift_then_daily():
    clock = TrustedClock(BUILD)
    clock.asked(0)
    assert not clock.wants_answer(HOUR_MS - 1)
    assert clock.wants_answer(HOUR_MS)
    clock.answered(BUILD, HOUR_MS)
    assert not clock.wants_answer(2 * HOUR_MS - 1)
    assert clock.wants_answer(2 * HOUR_MS)
    clock.asked(2 * HOUR_MS)
    clock.answered(BUILD + 3600, 2 * HOUR_MS)
    assert not clock.wants_answer(26 * HOUR_MS - 1)
    assert clock.wants_answer(26 * HOUR_MS)


def test_after_a_jump_it_asks_again_in_an_hour():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD + 5000, 0)
    clock.asked(24 * HOUR_MS)
    clock.answered(BUILD + 5_000_000, 24 * HOUR_MS)
    assert clock.wants_answer(25 * HOUR_MS)


def test_a_sleep_clock_that_loses_three_percent_is_learnt():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD, 0)
    assert clock.answered(BUILD + 3708, HOUR_MS)  # 108 s more went by than this clock saw
    assert abs(clock.gps_s(25 * HOUR_MS) - (BUILD + 25 * 3708)) <= 1
    assert clock.answered(BUILD + 25 * 3708, 25 * HOUR_MS)
    assert abs(clock.gps_s(49 * HOUR_MS) - (BUILD + 49 * 3708)) <= 1


def test_a_correction_within_the_hour_teaches_no_drift():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD, 0)
    clock.answered(BUILD + 61, 60_000)
    assert clock.gps_s(24 * HOUR_MS) == BUILD + 61 + 86_340


def test_what_no_clock_can_drift_is_not_learnt():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD, 0)
    assert clock.answered(BUILD + 3600 + 299, HOUR_MS)  # 83 per mille
    assert clock.gps_s(2 * HOUR_MS) == BUILD + 7200 + 299


def test_it_survives_deep_sleep_at_any_uptime():
    for start_ms in (0, (1 << 30) - 5000, (1 << 31) - 5000, (1 << 32) - 5000, 1 << 35):
        start_ms -= start_ms % 1000
        clock = TrustedClock(BUILD)
        clock.answered(BUILD, start_ms)
        clock.answered(BUILD + 3618, start_ms + HOUR_MS)
        clock.answered(BUILD + 99_999, start_ms + HOUR_MS)
        slept = TrustedClock(BUILD, clock.image())
        for hours in (1, 2, 26, 1000):
            at_ms = start_ms + hours * HOUR_MS
            assert slept.gps_s(at_ms) == clock.gps_s(at_ms)
            assert slept.wants_answer(at_ms) == clock.wants_answer(at_ms)
        assert slept.answered(BUILD + 99_999 + 3618, start_ms + 2 * HOUR_MS)
    assert TrustedClock(BUILD, TrustedClock(BUILD).image()).gps_s(0) is None
