"""Spans of time: what holds when, and what comes next."""

from simulator.stimuli.spans import NEVER_S, Spans


def test_a_span_holds_from_its_begin_to_before_its_end():
    spans = Spans([(10, 20), (30, 40)])
    assert [spans.holds(time_s) for time_s in (9, 10, 19.9, 20, 29, 30, 40)] == [0, 1, 1, 0, 0, 1, 0]
    assert [spans.next_change_s(time_s) for time_s in (0, 10, 20, 35, 40)] == [10, 20, 30, 40, NEVER_S]


def test_spans_that_overlap_or_touch_are_one_and_empty_ones_none():
    spans = Spans([(30, 40), (10, 20), (15, 30), (50, 50), (12, 13)])
    assert spans.next_change_s(10) == 40
    assert not spans.holds(50)
    assert not Spans()
    assert Spans([(1, 2)])


def test_the_last_begin_is_known():
    spans = Spans([(10, 20), (30, 40)])
    assert [spans.began_s(time_s) for time_s in (5, 15, 25, 35, 99)] == [0, 10, 10, 30, 30]
