"""A publisher, what it publishes, and how a town fills that."""

from tests.fakes.town import START_MS, MemoryOutbox, air_town, fill, messenger_of, record_of
from tests.fakes.virtual_broker import Chain

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def chain_of(devices, rounds=0, answer=lambda publish, now_ms: 0, **options):
    """A publisher of *devices* with so many rows each, and a broker that answers 0: accepted."""
    outbox = MemoryOutbox()
    fill(outbox, devices, rounds)
    return Chain(outbox, messenger_of(air_town(devices)), answer, **options)


def live_rounds(chain, devices, rounds, every_ms, first_ms=0, first_seq=0):
    """Let every device tell something every *every_ms*, spread over that time."""
    for number in range(rounds):
        for device in range(1, devices + 1):
            at_ms = first_ms + number * every_ms + device * every_ms // (devices + 1)
            chain.at(
                at_ms,
                lambda device=device, seq=first_seq + number, at_ms=at_ms: chain.store(
                    record_of(device, seq, START_MS + at_ms)
                ),
            )
