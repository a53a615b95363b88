"""When the clock may be believed: what the kernel says, what cannot be, and what the operator vouches for."""

import time

import pytest

from gateway.operate.clock import BUILD_MS, MAX_ERROR_MS, KernelClock, ask_kernel, floor_of, judge, look

GOOD = KernelClock(False, 12)
NOW_MS = BUILD_MS + 86_400_000


@pytest.mark.parametrize(
    ("kernel", "now_ms", "always", "trusted", "says"),
    [
        (GOOD, NOW_MS, False, True, "synchronised, error below 12 ms"),
        (KernelClock(True, 12), NOW_MS, False, False, "not synchronised"),
        (KernelClock(False, MAX_ERROR_MS + 1), NOW_MS, False, False, "bounds its error by 2001 ms; expected 2000"),
        (None, NOW_MS, False, False, 'write [clock] trust = "always"'),
        (KernelClock(True, 16_000), NOW_MS, True, True, 'trust = "always"'),
        (GOOD, BUILD_MS - 5_000, False, False, "5 s before a time that has been"),
        (GOOD, 0, True, False, "before a time that has been"),
    ],
)
def test_it_is_believed_when_the_kernel_or_the_operator_vouches_and_it_can_be(kernel, now_ms, always, trusted, says):
    verdict = judge(kernel, now_ms, floor_of(None), always=always)
    assert verdict.trusted is trusted
    assert says in verdict.sentence


def test_no_time_before_the_last_that_was_stored_is_believed():
    assert floor_of(NOW_MS) == NOW_MS
    assert floor_of(5) == BUILD_MS
    assert not judge(GOOD, NOW_MS - 1, floor_of(NOW_MS), always=False).trusted


def test_this_machines_kernel_answers_without_rights():
    kernel = ask_kernel()
    assert kernel is not None
    assert 0 <= kernel.max_error_ms <= 16_000 or kernel.unsynchronised  # 16 s is the kernel's own bound


def test_the_offset_makes_unix_time_of_the_monotonic_clock():
    offset_ms, verdict = look(None, always=True)
    assert verdict.trusted
    assert offset_ms is not None
    now_ms = time.monotonic_ns() // 1_000_000 + offset_ms
    assert abs(now_ms - time.time() * 1000) < 60_000
    assert look(2**45, always=True)[0] is None
