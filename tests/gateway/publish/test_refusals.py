"""A broker that refuses one message, those of one device, or all: what is parked, and what waits."""

import pytest

from tests.fakes.virtual_broker import assert_all_heard, assert_in_order
from tests.gateway.publish.chains import HOUR_MS, MINUTE_MS, chain_of, live_rounds


@pytest.mark.parametrize("code", range(0x80, 0x9A))
def test_a_code_answered_once_per_row_is_overcome_in_order(code):
    refused = set()

    def answer(publish, now_ms):
        if publish.payload in refused:
            return 0
        refused.add(publish.payload)
        return code

    chain = chain_of(20, 3, answer)
    live_rounds(chain, 20, 5, MINUTE_MS, first_ms=10 * MINUTE_MS, first_seq=3)
    chain.run_until(6 * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert chain.outbox.parked == {}


@pytest.mark.parametrize("code", range(0x80, 0x9A))
def test_a_broker_that_refuses_everything_is_waited_for_and_nothing_is_parked(code):
    chain = chain_of(20, 20, lambda publish, now_ms: code if now_ms < 4 * HOUR_MS else 0)
    live_rounds(chain, 20, 4, HOUR_MS, first_seq=20)
    chain.run_until(4 * HOUR_MS - 1)
    assert chain.heard == []
    assert chain.publisher.figures().parked == 0
    assert chain.publishes < 3_000  # some 8 every 60 to 120 s, and not a storm
    chain.run_until(6 * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert [note.name for note in chain.notes] == ["broker_connected", "broker_refuses", "broker_accepts"]


def test_a_broker_that_refused_for_ten_seconds_is_asked_again_soon():
    chain = chain_of(200, answer=lambda publish, now_ms: 0x97 if now_ms < 10_000 else 0, rtt_ms=1_000)
    live_rounds(chain, 200, 1, 1_000, first_ms=1_000)
    chain.run_until(40_000)
    assert_all_heard(chain)


@pytest.mark.parametrize("code", range(0x80, 0x9A))
def test_a_row_refused_for_ever_is_parked_and_holds_back_nobody_else(code):
    def answer(publish, now_ms):
        return code if b'"dev_eui":"0200000000000003","epoch":7,"seq":1}' in publish.payload else 0

    chain = chain_of(10, 3, answer)
    live_rounds(chain, 10, 30, MINUTE_MS, first_ms=5_000, first_seq=3)
    chain.run_until(10 * MINUTE_MS)
    others = [heard for heard in chain.heard if heard.dev_eui[-1] != "3"]
    assert len({heard.key for heard in others}) == 9 * 13
    chain.run_until(3 * HOUR_MS)
    (row_id,) = chain.outbox.parked
    assert row_id == 13
    assert f"reason 0x{code:02x}" in chain.outbox.parked[row_id]
    assert_all_heard(chain, but=frozenset((13,)))
    assert_in_order(chain)
    assert chain.publisher.figures().backlog == 0


def test_a_device_that_may_not_publish_is_parked_row_by_row_without_long_waits():
    def answer(publish, now_ms):
        return 0x87 if "station-3/" in publish.topic or b'"92002-station-3"' in publish.payload else 0

    chain = chain_of(10, 200, answer)
    live_rounds(chain, 10, 120, 5_000, first_ms=5_000, first_seq=200)
    chain.run_until(10 * MINUTE_MS)
    assert len(chain.outbox.parked) > 280
    live_rounds(chain, 10, 60, MINUTE_MS, first_ms=chain.now_ms + 5_000, first_seq=320)
    chain.run_until(3 * HOUR_MS)
    assert len(chain.outbox.parked) >= 375  # the last ones wait for something else to be accepted
    waiting = {row_id for row_id, record in chain.outbox.rows if record.device == 3}
    assert_all_heard(chain, but=frozenset(waiting))
    assert_in_order(chain)


@pytest.mark.parametrize("when", ["alone", "in a batch"])
def test_a_message_that_kills_the_connection_is_found_and_parked(when):
    def answer(publish, now_ms):
        return "drop" if b'"dev_eui":"0200000000000003","epoch":7,"seq":1}' in publish.payload else 0

    chain = chain_of(10, 3 if when == "alone" else 30, answer)
    live_rounds(chain, 10, 30, MINUTE_MS, first_ms=5_000, first_seq=30)
    chain.run_until(6 * HOUR_MS)
    assert set(chain.outbox.parked) == {13}
    assert "drops the connection" in chain.outbox.parked[13]
    assert_all_heard(chain, but=frozenset((13,)))
    assert_in_order(chain)
