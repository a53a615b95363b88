"""Powers in hundredths of a decibel are the same on every machine."""

import hashlib
import statistics

import pytest

from simulator.air.decibels import DRAWS, MILLIWATTS, cdb, ratio, spread


def test_decibels_and_milliwatts():
    assert cdb(-124.53) == -12_453
    assert (ratio(0), ratio(10), ratio(-30)) == (1.0, 10.0, 0.001)
    assert ratio(3) == 1.995262315  # ten digits of 10^0.3
    assert (MILLIWATTS[0], MILLIWATTS[-3000], MILLIWATTS[1600]) == (1.0, 0.001, 39.81071706)


def test_a_spread_is_normal():
    values = spread(7.0)
    assert len(values) == DRAWS
    assert statistics.fmean(values) == 0
    assert statistics.pstdev(values) == pytest.approx(700, abs=2)
    assert list(values) == sorted(values)
    within = sum(abs(value) <= 700 for value in values) / DRAWS
    assert within == pytest.approx(0.6827, abs=0.001)


def test_its_tails_end_at_3_67_deviations():
    assert spread(1.0)[0] == -spread(1.0)[-1] == -367


def test_no_deviation_is_none():
    assert set(spread(0.0)) == {0}


def test_the_tables_are_the_same_on_every_machine():
    """Pinned: a C library whose logarithms differ in their last bit still has to give these."""
    powers = ",".join(repr(ratio(level / 100)) for level in range(-15_000, 3_000))
    bell = ",".join(str(value) for value in spread(100.0))
    assert hashlib.sha256(powers.encode()).hexdigest()[:16] == "d9653411ab5783ad"
    assert hashlib.sha256(bell.encode()).hexdigest()[:16] == "54863ce286a56b8d"
