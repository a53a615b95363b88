from firmware.boot import (
    DEEP_SLEEP,
    HARD,
    ORDERLY,
    POWER_ON,
    SLOT_B,
    STRAIN,
    TRIAL,
    UNDONE,
    WATCHDOG,
    decide,
    is_safe,
    slot_of,
)

BY_HAND = 5  # machine.SOFT_RESET
UNKNOWN = 0


def after(state, *causes):
    for cause in causes:
        state = decide(state, cause)
    return state


def test_a_new_node_runs_slot_a():
    assert (slot_of(0), is_safe(0)) == ("/a", False)
    assert after(0, POWER_ON, DEEP_SLEEP, BY_HAND, UNKNOWN, POWER_ON) == 0


def test_which_slot_runs():
    assert [slot_of(state) for state in (0, SLOT_B, TRIAL, SLOT_B | TRIAL)] == ["/a", "/b", "/b", "/a"]


def test_three_crashes_or_hangs_in_a_row_end_in_safe_mode():
    for slot in (0, SLOT_B):
        assert not is_safe(after(slot, POWER_ON, HARD, WATCHDOG))
        state = after(slot, POWER_ON, HARD, WATCHDOG, HARD)
        assert is_safe(state)
        assert is_safe(after(state, DEEP_SLEEP, HARD, WATCHDOG, HARD, BY_HAND))
        assert slot_of(state) == slot_of(slot)


def test_power_on_gives_one_more_try():
    safe = after(0, HARD, HARD, HARD)
    assert not is_safe(after(safe, POWER_ON))
    assert is_safe(after(safe, POWER_ON, WATCHDOG))


def test_a_restart_on_purpose_is_no_crash():
    state = 0
    for _ in range(9):
        state = decide(state | ORDERLY, HARD)
    assert state == 0
    assert after(ORDERLY, HARD, HARD) == 256 * STRAIN


def test_a_street_on_a_switched_feeder_never_strains():
    assert after(0, *[POWER_ON] * 1000) == 0


def test_a_trial_has_three_starts():
    for slot, tried, old in ((0, "/b", "/a"), (SLOT_B, "/a", "/b")):
        for cause in (POWER_ON, HARD, WATCHDOG):
            state = slot | TRIAL
            for _ in range(3):
                state = decide(state, cause)
                assert (slot_of(state), is_safe(state)) == (tried, False)
            state = decide(state, cause)
            assert (state, slot_of(state), is_safe(state)) == (slot | UNDONE, old, False)


def test_a_trial_that_only_sleeps_ends_too():
    state = after(TRIAL, HARD, *[DEEP_SLEEP] * 767)
    assert slot_of(state) == "/b"
    assert decide(state, DEEP_SLEEP) == UNDONE
    assert slot_of(after(TRIAL, *[BY_HAND] * 99)) == "/b"


def test_that_an_update_was_undone_is_kept_until_it_is_told():
    assert after(UNDONE, POWER_ON, HARD, DEEP_SLEEP) == UNDONE + 256 * STRAIN


def test_the_number_fits_the_memory_it_is_in():
    """NVS has 32 bits with a sign."""
    state = SLOT_B | TRIAL | UNDONE | ORDERLY
    for cause in [HARD] * 3 + [DEEP_SLEEP] * 255:
        state = decide(state, cause)
        assert state < 2**15
