from firmware.clock import TrustedClock

BUILD = 1_400_000_000
HOUR_MS = 3_600_000
QUARTER_MS = 900_000


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
    assert not clock.wants_answer(HOUR_MS + QUARTER_MS - 1)
    assert clock.wants_answer(HOUR_MS + QUARTER_MS)
    clock.answered(BUILD + 900, HOUR_MS + QUARTER_MS)
    assert not clock.wants_answer(2 * HOUR_MS + QUARTER_MS - 1)
    assert clock.wants_answer(2 * HOUR_MS + QUARTER_MS)
    clock.asked(2 * HOUR_MS + QUARTER_MS)
    clock.answered(BUILD + 4500, 2 * HOUR_MS + QUARTER_MS)
    assert not clock.wants_answer(26 * HOUR_MS + QUARTER_MS - 1)
    assert clock.wants_answer(26 * HOUR_MS + QUARTER_MS)


def test_the_first_answer_is_sure_once_another_agrees_a_quarter_of_an_hour_later():
    clock = TrustedClock(BUILD)
    assert not clock.is_sure()
    clock.answered(BUILD, 0)
    assert not clock.is_sure()
    clock.answered(BUILD + 899, QUARTER_MS - 1000)
    assert not clock.is_sure()
    clock.answered(BUILD + 900, QUARTER_MS)
    assert clock.is_sure()


def test_a_first_answer_that_others_contradict_is_never_sure():
    clock = TrustedClock(BUILD)
    clock.answered(BUILD + 40_000, 0)
    assert not clock.answered(BUILD + 900, QUARTER_MS)
    assert not clock.answered(BUILD + 4400, QUARTER_MS + HOUR_MS - 100_000)
    assert not clock.is_sure()
    assert clock.answered(BUILD + 4500, QUARTER_MS + HOUR_MS)
    assert clock.is_sure()
    assert clock.gps_s(QUARTER_MS + HOUR_MS) == BUILD + 4500


def test_what_the_error_of_two_answers_explains_is_no_drift():
    """TS001-1.0.4 §5.10 lets each be off by 100 ms: in an hour that looks like 56 ppm, half an hour in a year."""
    year_s = 365 * 86_400
    for off_ms, drifts in ((200, False), (-200, False), (201, True), (-201, True)):
        clock = TrustedClock(BUILD)
        clock.answered(BUILD, 0)
        clock.answered(BUILD + 3601, HOUR_MS + 1000 + off_ms)
        late_s = clock.gps_s(HOUR_MS + 1000 + off_ms + year_s * 1000) - (BUILD + 3601 + year_s)
        assert (abs(late_s) > 60) == drifts


def test_a_crystal_s_drift_learnt_in_a_day_is_good_for_a_year():
    """20 ppm and answers that are off by 100 ms: 50 weeks on, where it would be ten minutes wrong, it is below two."""
    weeks_s = 50 * 7 * 86_400
    for ppm in (20, -20, 5, 0):
        for off_ms in (100, 0, -100):
            clock = TrustedClock(BUILD)
            clock.answered(BUILD, 0)
            clock.answered(BUILD + 900, QUARTER_MS)
            clock.answered(BUILD + 87_300, 87_300_000 + 87_300_000 * ppm // 1_000_000 + off_ms)
            now_ms = (87_300 + weeks_s) * (1_000_000 + ppm) // 1000
            assert abs(clock.gps_s(now_ms) - (BUILD + 87_300 + weeks_s)) < 120


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


def test_a_drift_that_was_learnt_wrong_is_learnt_anew():
    """By an hour of another clock, say: 8 per mille are eleven minutes a day, and look like a jump."""
    clock = TrustedClock(BUILD)
    clock.answered(BUILD, 0)
    clock.answered(BUILD + 3629, HOUR_MS)
    for hours in (25, 26):
        clock.answered(BUILD + 29 + hours * 3600, hours * HOUR_MS)
    assert clock.gps_s(26 * HOUR_MS) == BUILD + 29 + 26 * 3600
    assert clock.gps_s(50 * HOUR_MS) == BUILD + 29 + 50 * 3600


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
