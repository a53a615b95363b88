"""When the next attempt to connect comes, and which news of a connection count."""

import pytest

from gateway.publish.events import Connect, Connected, Disconnect, Disconnected
from tests.gateway.publish.chains import MINUTE_MS, chain_of


@pytest.mark.parametrize("proof", ["an accepted message", "half a minute"])
def test_after_a_good_connection_the_next_attempt_comes_at_once(proof):
    chain = chain_of(1, 1 if proof == "an accepted message" else 0)
    chain.up = False
    chain.run_until(10 * MINUTE_MS)
    chain.up = True
    while not chain.publisher.figures().connected:
        chain.run_until(chain.now_ms + 100)
    chain.run_until(chain.now_ms + (100 if proof == "an accepted message" else 30_000))
    connects = chain.connects
    chain.drop()
    chain.run_until(chain.now_ms + 1_100)
    assert chain.connects == connects + 1


def test_news_of_a_connection_that_is_over_mean_nothing():
    publisher = chain_of(1).publisher
    publisher.wake(0)
    publisher.handle(Disconnected(number=1, detail="refused"), 10)
    assert publisher.handle(Connected(number=1), 20) == [Disconnect(1)]
    assert publisher.wake(5_000) == [Connect(2)]
    assert publisher.handle(Disconnected(number=1, detail="late"), 5_010) == []
    assert not publisher.figures().connected
    publisher.handle(Connected(number=2), 5_020)
    assert publisher.figures().connected
