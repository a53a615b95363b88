"""The stream of commits: what is on disk is done in order, what failed is undone newest first, nothing is forgotten."""

from gateway.network.commits import MAX_AGAIN, Stream
from gateway.store.writes import KeepGroupCounter


class Step:
    def __init__(self, name, told):
        self.name = name
        self.told = told

    def undo(self, now_ms):
        self.told.append(f"undo {self.name}")

    def done(self, now_ms, out):
        self.told.append(f"done {self.name}")


def write(number):
    return (KeepGroupCounter(number, 0),)


def test_committed_is_cumulative_and_failed_undoes_the_rest_newest_first():
    stream, told, out = Stream(), [], []
    tokens = [stream.commit(write(number), False, Step(number, told), out) for number in range(5)]
    assert [commit.token for commit in out] == tokens == [1, 2, 3, 4, 5]
    stream.committed(tokens[1], 0, out)
    assert stream.done == 2
    stream.failed(0)
    assert told == ["done 0", "done 1", "undo 4", "undo 3", "undo 2"]
    stream.failed(0)
    stream.committed(tokens[4], 0, out)
    assert len(told) == 5
    assert stream.commit(write(9), True, Step(9, told), out) == 6


def test_writes_without_a_step_go_again_first_and_in_order():
    stream, told, out = Stream(), [], []
    stream.commit(write(1), False, None, out)
    stream.commit(write(2), False, Step("two", told), out)
    stream.commit(write(3), False, None, out)
    stream.failed(0)
    assert stream.behind()
    for _ in range(3):
        stream.commit(write(4), False, Step("four", told), out)
        assert out[-1].writes == write(1) + write(3) + write(4)
        assert not stream.behind()
        stream.failed(0)
    token = stream.commit((), True, None, out)
    assert out[-1].writes == write(1) + write(3)
    stream.committed(token, 0, out)
    stream.failed(0)
    assert not stream.behind()


def test_what_is_kept_is_bounded_and_the_oldest_stays():
    stream, out = Stream(), []
    for number in range(MAX_AGAIN + 50):
        stream.commit(write(number), False, None, out)
    stream.failed(0)
    stream.commit((), False, None, out)
    assert out[-1].writes == tuple(KeepGroupCounter(number, 0) for number in range(MAX_AGAIN))
