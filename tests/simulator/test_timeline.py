"""Virtual time: by time, and at equal times in the order of making."""

from simulator.streams import Stream
from simulator.timeline import Timeline


def test_events_run_in_the_order_of_time():
    timeline, ran = Timeline(), []
    for at_us in (30, 10, 20):
        timeline.at(at_us, lambda at_us=at_us: ran.append((at_us, timeline.now_us)))
    timeline.run(100)
    assert ran == [(10, 10), (20, 20), (30, 30)]
    assert timeline.now_us == 100


def test_at_the_same_time_the_order_is_that_of_their_making():
    timeline, ran = Timeline(), []
    for name in "cab":
        timeline.at(5, lambda name=name: ran.append(name))
    timeline.run(5)
    assert ran == ["c", "a", "b"]


def test_what_is_due_in_the_past_comes_now_after_what_is_already_due():
    timeline, ran = Timeline(), []
    timeline.at(10, lambda: timeline.at(3, lambda: ran.append(("late", timeline.now_us))))
    timeline.at(10, lambda: ran.append(("due", timeline.now_us)))
    timeline.run(10)
    assert ran == [("due", 10), ("late", 10)]


def test_a_run_includes_its_end_and_leaves_the_rest_for_the_next():
    timeline, ran = Timeline(), []
    for at_us in (10, 11):
        timeline.at(at_us, lambda at_us=at_us: ran.append(at_us))
    timeline.run(10)
    assert ran == [10]
    timeline.run(10)
    assert ran == [10]
    timeline.run(11)
    assert ran == [10, 11]


def test_in_pieces_or_at_once_is_the_same():
    runs = []
    for step in (1000, 7):
        timeline, ran = Timeline(), []

        def tick(timeline=timeline, ran=ran) -> None:
            ran.append(timeline.now_us)
            timeline.at(timeline.now_us + 3, tick)

        timeline.at(0, tick)
        for until_us in range(step, 1001, step):
            timeline.run(until_us)
        timeline.run(1000)
        runs.append(ran)
    assert runs[0] == runs[1]


def test_hours_apart_or_at_once_the_order_is_the_same():
    """Each event plans two more, some within the same moment, some hours later: seeded, as `sorted` has them."""
    timeline, ran, planned = Timeline(), [], []
    dice = Stream(1, "timeline")

    def plan(time_us: int) -> None:
        number = len(planned)
        planned.append((time_us, number))
        timeline.at(time_us, lambda: happen(time_us, number))

    def happen(time_us: int, number: int) -> None:
        ran.append((time_us, number))
        assert timeline.now_us == time_us
        if len(planned) < 2000:
            for most_us in (3, 1_000, 60_000_000, 10_000_000_000)[number % 3 :][:2]:
                plan(time_us + dice.below(most_us))

    timeline.now_us = -8_000_000_000
    plan(-7_000_000_000)
    timeline.run(0)
    timeline.run(1 << 60)
    assert len(ran) >= 2000
    assert ran == sorted(planned)
    assert timeline.next_us() is None


def test_it_tells_what_comes_next_however_late():
    timeline = Timeline()
    timeline.at(9_000_000_000, lambda: None)
    assert timeline.next_us() == 9_000_000_000
    timeline.at(5, lambda: None)
    assert timeline.next_us() == 5
    timeline.run(4)
    assert timeline.quiet_us() == 5
    timeline.until_us = 6
    assert timeline.quiet_us() == 5
    timeline.run(10)
    assert timeline.quiet_us() == 11
