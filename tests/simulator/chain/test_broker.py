"""The virtual broker: it connects, acknowledges, and fails as it is told."""

from simulator.chain.broker import QUOTA_EXCEEDED, RTT_US, Broker
from simulator.streams import Stream
from simulator.timeline import Timeline


class Client:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def connected(self, number: int) -> None:
        self.heard.append(("up", number))

    def disconnected(self, number: int, detail: str) -> None:
        self.heard.append(("down", number))

    def acked(self, acks) -> None:
        self.heard += [("ack", *ack) for ack in acks]


class Bench:
    def __init__(self) -> None:
        self.timeline = Timeline()
        self.arrived: list[bytes] = []
        self.broken = 0
        self.broker = Broker(
            self.timeline, Stream(1, "broker"), lambda topic, payload: self.arrived.append(payload), self._break
        )
        self.client = Client()

    def _break(self) -> None:
        self.broken += 1

    def pass_s(self, span_s: float) -> list[object]:
        """What the client heard meanwhile."""
        self.timeline.run(self.timeline.now_us + int(span_s * 1e6))
        heard, self.client.heard = self.client.heard, []
        return heard


def test_it_connects_and_acknowledges_after_a_round_trip():
    bench = Bench()
    bench.broker.connect(bench.client, 1)
    assert bench.pass_s(RTT_US / 1e6 - 0.001) == []
    assert bench.pass_s(0.002) == [("up", 1)]
    bench.broker.publish(7, "a/b", b"one")
    bench.broker.publish(8, "a/b", b"two")
    assert bench.arrived == [b"one", b"two"]
    assert bench.pass_s(1) == [("ack", 7, 0), ("ack", 8, 0)]


def test_away_it_is_not_reached_and_what_was_under_way_is_not_acknowledged():
    bench = Bench()
    bench.broker.connect(bench.client, 1)
    bench.pass_s(1)
    bench.broker.publish(7, "a/b", b"one")
    bench.broker.leave()
    assert (bench.pass_s(1), bench.broken) == ([("down", 1)], 1)
    bench.broker.leave()  # a second reason
    bench.broker.connect(bench.client, 2)
    assert bench.pass_s(1) == [("down", 2)]
    bench.broker.come_back()
    assert not bench.broker.up
    bench.broker.come_back()
    bench.broker.connect(bench.client, 3)
    assert bench.pass_s(1) == [("up", 3)]


def test_nothing_is_taken_without_a_connection():
    bench = Bench()
    bench.broker.publish(7, "a/b", b"one")
    assert (bench.pass_s(1), bench.arrived) == ([], [])


def test_a_client_that_starts_afresh_does_not_get_the_answers_to_the_one_before():
    bench = Bench()
    bench.broker.connect(bench.client, 1)
    bench.broker.lose_client()
    after = Client()
    bench.timeline.run(RTT_US // 2)
    bench.broker.connect(after, 1)
    assert bench.pass_s(RTT_US / 2e6) == []
    assert after.heard == []
    bench.pass_s(1)
    assert (after.heard, bench.client.heard) == ([("up", 1)], [])


def test_refusing_it_says_why_and_nobody_hears_the_message():
    bench = Bench()
    bench.broker.connect(bench.client, 1)
    bench.pass_s(1)
    bench.broker.refuse()
    bench.broker.publish(7, "a/b", b"one")
    assert (bench.pass_s(1), bench.arrived) == ([("ack", 7, QUOTA_EXCEEDED)], [])
    bench.broker.accept()
    bench.broker.publish(8, "a/b", b"two")
    assert (bench.pass_s(1), bench.arrived) == ([("ack", 8, 0)], [b"two"])


def test_slow_it_takes_longer_and_doubling_it_tells_the_subscriber_twice():
    bench = Bench()
    bench.broker.slow_us = 5_000_000
    bench.broker.connect(bench.client, 1)
    assert bench.pass_s(5) == []
    assert bench.pass_s(1) == [("up", 1)]
    bench.broker.duplicates = 1.0
    bench.broker.publish(7, "a/b", b"one")
    assert (bench.arrived, bench.broken) == ([b"one", b"one"], 0)
