"""When a batch is due and what is in it."""

from concurrent.futures import Future

from hypothesis import given
from hypothesis import strategies as st

from gateway.network.events import Commit
from gateway.store.batch import Batcher, Call


def commit(token: int, *, at_once: bool = False) -> Commit:
    return Commit(token=token, writes=(), at_once=at_once)


def call(*, alone: bool = False) -> Call:
    return Call(lambda _database: None, Future(), alone)


def test_what_nobody_waits_for_waits_for_company():
    batcher = Batcher(group_ms=2000, most=100)
    assert batcher.due_ms() is None
    batcher.add(commit(1), 500, urgent=False)
    batcher.add(commit(2), 2400, urgent=False)
    assert batcher.due_ms() == 2500  # of the first, not the last


def test_who_waits_for_an_answer_takes_all_along_at_once():
    batcher = Batcher()
    batcher.add(commit(1), 500, urgent=False)
    batcher.add(commit(2, at_once=True), 600, urgent=True)
    assert batcher.due_ms() == 500
    assert [item.token for item in batcher.take()] == [1, 2]
    batcher.add(commit(3), 700, urgent=False)
    assert batcher.due_ms() == 2700


def test_a_full_batch_is_due():
    batcher = Batcher(most=3)
    for token in range(4):
        batcher.add(commit(token), 0, urgent=False)
    assert batcher.due_ms() == 0
    assert len(batcher.take()) == 3
    assert batcher.due_ms() == 2000


def test_a_call_that_is_alone_comes_alone_and_in_its_turn():
    batcher = Batcher()
    alone = call(alone=True)
    batcher.add(commit(1), 0, urgent=False)
    batcher.add(alone, 0, urgent=True)
    batcher.add(commit(2), 0, urgent=False)
    assert [batcher.take(), batcher.take(), batcher.take()] == [[commit(1)], [alone], [commit(2)]]


def test_after_a_failure_commits_are_discarded_until_resumed_and_calls_are_not():
    batcher = Batcher()
    kept = call()
    batcher.add(commit(1), 0, urgent=False)
    batcher.add(kept, 0, urgent=True)
    batcher.fail()
    assert not batcher.add(commit(2, at_once=True), 0, urgent=True)
    assert batcher.take() == [kept]
    assert batcher.due_ms() is None
    batcher.resume()
    assert batcher.add(commit(3), 0, urgent=False)
    assert batcher.discarded == 2
    assert batcher.take() == [commit(3)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["commit", "urgent", "call", "alone", "take", "fail", "resume"]), st.integers(0, 3000)
        ),
        max_size=60,
    )
)
def test_order_is_kept_nothing_is_lost_and_nobody_waits_too_long(steps):
    batcher = Batcher(group_ms=2000, most=5)
    model: list[tuple[object, int]] = []  # what must come out, with when it came
    failed = False
    now_ms = token = 0
    for what, passed_ms in steps:
        now_ms += passed_ms
        if what == "take":
            batch = batcher.take()
            assert batch == [item for item, _ in model[: len(batch)]]
            assert bool(batch) == bool(model)
            del model[: len(batch)]
        elif what == "fail":
            batcher.fail()
            failed = True
            model = [(item, at) for item, at in model if isinstance(item, Call)]
        elif what == "resume":
            batcher.resume()
            failed = False
        else:
            token += 1
            item = (
                commit(token, at_once=what == "urgent") if what in ("commit", "urgent") else call(alone=what == "alone")
            )
            batcher.add(item, now_ms, urgent=what != "commit")
            if not (failed and isinstance(item, Commit)):
                model.append((item, now_ms))
        assert len(batcher) == len(model)
        due_ms = batcher.due_ms()
        assert (due_ms is None) == (not model)
        if model and due_ms is not None:
            urgent = any(isinstance(item, Call) or item.at_once for item, _ in model)
            assert due_ms <= (now_ms if urgent or len(model) >= 5 else model[0][1] + 2000)
