"""What waits for one target: by priority, until it expires, a few at a time."""

from gateway.network.downlinks import MAX_WAITING, Queue, Waiting
from gateway.network.events import Downlink


def item(ref, priority=5, expires_ms=1_000):
    return Waiting(Downlink(ref=ref, target=b"", f_port=1, payload=b"", expires_ms=expires_ms, priority=priority))


def refs(items):
    return [waiting.downlink.ref for waiting in items]


def test_the_lowest_number_is_the_most_urgent_and_equals_keep_their_order():
    queue = Queue()
    for ref, priority in ((1, 5), (2, 7), (3, 1), (4, 5), (5, 1)):
        queue.add(item(ref, priority))
    assert refs(queue.ready(0)) == [3, 5, 1, 4, 2]
    back = item(9)
    queue.put_back(back)
    assert refs(queue.items) == [3, 5, 9, 1, 4, 2]


def test_what_rests_is_not_ready_and_what_expired_is_over():
    queue = Queue()
    resting, short = item(1), item(2, expires_ms=50)
    resting.not_before_ms = 100
    queue.add(resting)
    queue.add(short)
    assert refs(queue.ready(0)) == [2]
    assert queue.due_at(0) == 50
    assert refs(queue.expire(50)) == [2]
    assert queue.due_at(60) == 100
    assert refs(queue.ready(100)) == [1]
    assert queue.due_at(100) == 1_000


def test_one_that_waits_to_be_acknowledged_counts_and_expires_too():
    queue = Queue()
    for ref in range(MAX_WAITING - 1):
        queue.add(item(ref))
    assert not queue.full()
    queue.unacknowledged = item(99, expires_ms=20)
    queue.unacknowledged.not_before_ms = 10
    assert queue.full()
    assert queue.due_at(0) == 10
    queue.not_acknowledged()
    assert refs(queue.ready(0))[0] == 99
    queue.drop(queue.items[0])
    queue.unacknowledged = item(98, expires_ms=20)
    assert refs(queue.expire(20)) == [98]
    queue.unacknowledged = last = item(97)
    queue.drop(last)
    queue.drop(last)
    queue.not_acknowledged()
    assert len(queue.items) == MAX_WAITING - 1
