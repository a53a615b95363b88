"""A port that is back is found within two seconds; nobody hammers, nobody knocks in step."""

import random

from gateway.links.retry import Retry


def test_no_wait_is_longer_than_two_seconds_nor_in_step():
    waits = []
    for seed in range(100):
        retry = Retry(random.Random(seed))
        waits.append([retry.delay_s() for _ in range(50)])
    assert max(map(max, waits)) <= 2.0
    assert min(map(min, waits)) >= 0.05
    assert len({wait[-1] for wait in waits}) == 100
    assert all(sum(wait) > 40 for wait in waits)  # fifty tries of a dead port take most of a minute


def test_it_begins_soon_grows_and_begins_anew_after_success():
    retry = Retry(random.Random(1))
    first = [retry.delay_s() for _ in range(6)]
    assert first[0] < 0.2 < first[5]
    retry.reset()
    assert retry.delay_s() < 0.2
