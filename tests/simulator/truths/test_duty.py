"""Duty cycle: 1 % of any hour at 868.1 MHz is 36 s, and 869.525 MHz has a tenth (EN 300 220-2, annex B)."""

import pytest

from simulator.truths.breaches import DUTY_CYCLE, Breaches
from simulator.truths.duty import DutyCycle

HOUR_US = 3_600_000_000
JOIN_HZ, RX2_HZ = 868_100_000, 869_525_000


def watch(frames: list[tuple[str, int, float, float]]) -> dict[str, str]:
    """(sender, Hz, from, for) in s."""
    breaches = Breaches()
    duty = DutyCycle(breaches)
    for sender, freq_hz, from_s, for_s in frames:
        duty.sent(sender, freq_hz, int(from_s * 1e6), int((from_s + for_s) * 1e6), b"\xaa")
    return breaches.first


@pytest.mark.parametrize(
    ("frames", "held"),
    [
        ([("a", JOIN_HZ, 0, 36)], True),
        ([("a", JOIN_HZ, 0, 36.1)], False),
        ([("a", JOIN_HZ, 0, 20), ("a", JOIN_HZ, 1800, 16)], True),
        ([("a", JOIN_HZ, 0, 20), ("a", JOIN_HZ, 1800, 17)], False),
        ([("a", JOIN_HZ, 0, 20), ("a", JOIN_HZ + 200_000, 1800, 17)], False),  # one sub-band
        ([("a", JOIN_HZ, 0, 20), ("a", RX2_HZ, 1800, 17)], True),
        ([("a", JOIN_HZ, 0, 20), ("b", JOIN_HZ, 1800, 17)], True),
        ([("a", RX2_HZ, 0, 360)], True),
        ([("a", RX2_HZ, 0, 361)], False),
        ([("a", JOIN_HZ, 0, 30), ("a", JOIN_HZ, 3600, 30)], True),  # of the first nothing is in any hour with all
        ([("a", JOIN_HZ, 0, 30), ("a", JOIN_HZ, 3590, 30)], False),  # 10 s of the first and 30
        ([("a", JOIN_HZ, 0, 30), ("a", JOIN_HZ, 3594, 30)], True),  # 6 s of the first and 30
    ],
)
def test_what_an_hour_holds(frames, held):
    assert (DUTY_CYCLE not in watch(frames)) == held


def test_a_sender_at_the_limit_for_a_day_keeps_it():
    assert watch([("a", JOIN_HZ, 100.0 * n, 1.0) for n in range(864)]) == {}
    assert watch([("a", JOIN_HZ, 99.0 * n, 1.0) for n in range(864)]) != {}
