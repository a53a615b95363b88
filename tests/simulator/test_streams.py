"""Each thing in the city throws its own dice."""

import math

import pytest

from simulator.streams import Stream


def test_the_same_seed_and_name_throw_the_same():
    assert [Stream(1, "air").uniform(0, 1) for _ in range(2)] == [Stream(1, "air").uniform(0, 1)] * 2


def test_another_seed_or_name_throws_something_else():
    throws = [Stream(seed, name).bytes(8) for seed in (1, 2, 12) for name in ("a", "b", "2/a")]
    assert len(set(throws)) == len(throws)


def test_one_stream_does_not_hear_how_often_another_was_asked():
    alone = Stream(1, "node/1").bytes(4)
    other = Stream(1, "node/2")
    other.bytes(100)
    assert Stream(1, "node/1").bytes(4) == alone


def test_throws_keep_to_their_range():
    stream = Stream(3, "ranges")
    assert all(-2 <= stream.uniform(-2, 5) < 5 for _ in range(1000))
    assert {stream.below(4) for _ in range(200)} == {0, 1, 2, 3}
    assert not any(stream.chance(0.0) for _ in range(100))
    assert all(stream.chance(1.0) for _ in range(100))


def test_chances_come_out_as_said():
    """A fixed seed, so this holds always or never; 0.02 is four standard deviations."""
    stream = Stream(4, "chance")
    assert sum(stream.chance(0.2) for _ in range(6400)) / 6400 == pytest.approx(0.2, abs=0.02)


def test_the_bell_is_about_standard_normal():
    stream = Stream(5, "bell")
    throws = [stream.bell() for _ in range(5000)]
    mean = sum(throws) / len(throws)
    assert mean == pytest.approx(0, abs=0.06)
    assert sum((throw - mean) ** 2 for throw in throws) / len(throws) == pytest.approx(1, abs=0.08)
    assert all(-6 <= throw <= 6 for throw in throws)


def test_exponential_numbers_have_the_moments_and_the_tail_of_their_kind():
    """Mean 1, variance 1, and e^-t of them above t; 0.02 to 0.05 are four standard deviations."""
    stream = Stream(6, "exponential")
    throws = [stream.exponential() for _ in range(40_000)]
    mean = sum(throws) / len(throws)
    assert mean == pytest.approx(1, abs=0.02)
    assert sum((throw - mean) ** 2 for throw in throws) / len(throws) == pytest.approx(1, abs=0.06)
    for least in (0.5, 1, 2, 4):
        assert sum(throw > least for throw in throws) / len(throws) == pytest.approx(math.exp(-least), abs=0.01)


def test_one_of_takes_each_choice_as_often_as_its_share():
    stream = Stream(7, "one of")
    shares = ((0.5, "a"), (0.3, "b"), (0.2, "c"))
    throws = [stream.one_of(shares) for _ in range(6400)]
    for share, choice in shares:
        assert throws.count(choice) / 6400 == pytest.approx(share, abs=0.025)
