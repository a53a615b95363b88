"""Each thing in the city throws its own dice."""

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
