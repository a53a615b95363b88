"""Intervals behave like the set they stand for, and a cursor is what a restart needs of them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.publish.cursor import MAX_INTERVALS, Cursor, Intervals, cursor_of

ROW = st.integers(1, 80)
STEP = st.tuples(st.booleans(), ROW, st.integers(-1, 12))


@given(st.lists(STEP, max_size=40))
def test_intervals_are_a_set(steps):
    intervals, model = Intervals(), set()
    for put, first, size in steps:
        if put:
            intervals.add(first, first + size)
            model |= set(range(first, first + size + 1))
        elif size >= 0:
            intervals.remove(first, first + size)
            model -= set(range(first, first + size + 1))
        spans = list(intervals)
        assert [row for first, last in spans for row in range(first, last + 1)] == sorted(model)
        assert all(one[1] + 1 < other[0] for one, other in pairwise(spans))
        assert [row for row in range(100) if row in intervals] == sorted(model)
        assert intervals.count() == len(model)


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_many_intervals_become_fewer_and_lose_nothing(dice):
    rows = [dice.randrange(1, 10_000) for _ in range(3 * MAX_INTERVALS)]
    intervals = Intervals((row, row) for row in rows)
    assert len(intervals) <= MAX_INTERVALS
    assert all(row in intervals for row in rows)


@given(st.integers(0, 100), st.lists(st.tuples(ROW, st.integers(0, 9)), max_size=10))
def test_a_cursor_says_what_is_done_also_after_a_restart(head, spans):
    pending = Intervals((first, min(first + size, head)) for first, size in spans)
    cursor = cursor_of(head, pending)
    again = Cursor.from_text(cursor.to_text())
    assert again == cursor
    done = [row for row in range(1, 120) if again.done(row)]
    assert done == [row for row in range(1, head + 1) if row not in pending]
    assert all(again.done(row) for row in range(1, again.done_up_to() + 1))
    assert not again.done(again.done_up_to() + 1)


def test_taking_all_leaves_nothing_behind():
    one, other = Intervals([(1, 3)]), Intervals([(4, 5), (9, 9)])
    one.take_all(other)
    assert list(one) == [(1, 5), (9, 9)]
    assert list(other) == []


@pytest.mark.parametrize("text", ["", "7", "[]", "[1,[2]]", '["1"]', "[1,[2,3,4]]", "[1,[2,null]]", "[true]", "{}"])
def test_a_cursor_that_is_none_is_refused_with_what_to_do(text):
    with pytest.raises(ValueError, match=r"^cursor '.*' cannot be read .*: delete the cursor to publish everything"):
        Cursor.from_text(text)
