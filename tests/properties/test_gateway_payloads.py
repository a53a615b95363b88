"""Whatever an authentic payload says, the application survives it; and both decoders agree on what nodes send."""

import random

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from gateway.application import TownApplication
from gateway.readings.cbor_door import MAX_LEN, decode
from gateway.readings.intake import Intake
from gateway.readings.node_log import MAX_GAPS, REACH, UNKNOWN, Gap, NodeLog
from gateway.store.writes import AddQuarantine
from protocol import cbor
from protocol.errors import CborError
from protocol.telemetry import encode_readings
from tests.gateway.uplinks import BOOT, readings_payload, status_payload, uplink
from tests.properties.test_telemetry import ITEMS, PAYLOADS, logs

LOGS = (
    UNKNOWN,
    NodeLog(7, 1000, (), sure=True, last_seq=999, last=(1_790_000_000_000, 3)),
    NodeLog(7, 70_000, (Gap(69_000, 69_900, None, None), Gap(69_950, 69_960, (1, 1), (2, 2))), sure=True, boot=BOOT),
)


def both(payload):
    """What each decoder makes of it: a list with the item, or nothing."""
    made = []
    for decoder in (decode, cbor.decode):
        try:
            made.append([decoder(payload)])
        except CborError:
            made.append([])
    return made


def depth(item: object) -> int:
    return 1 + max(map(depth, item), default=0) if isinstance(item, list) else 0


NESTED = st.recursive(ITEMS, lambda inner: st.lists(inner, max_size=4), max_leaves=9)


@given(PAYLOADS | NESTED.filter(lambda item: depth(item) <= 4).map(cbor.encode))  # neither end goes deeper
def test_what_a_node_encodes_both_decode_alike(payload):
    at_the_door, on_a_node = both(payload)
    if len(payload) <= MAX_LEN:
        assert at_the_door == on_a_node != []


@given(PAYLOADS | st.binary(max_size=230), st.integers(0, 2**32), st.integers(0, 3))
def test_what_the_door_lets_pass_is_what_a_node_accepts_once_it_is_put_in_order(payload, seed, flips):
    mutated = mutate(payload, random.Random(seed), flips)
    at_the_door, on_a_node = both(mutated)
    if on_a_node and len(mutated) <= MAX_LEN:
        assert at_the_door == on_a_node
    for item in at_the_door:
        ordered = cbor2.dumps(item, canonical=True)
        assert both(ordered) in ([[item], [item]], [[item], []])
        if not both(ordered)[1]:
            assert b"\x80" in ordered or b"\xa0" in ordered  # empty, one level deeper than a node goes


def mutate(payload, rng, flips):
    mutated = bytearray(payload)
    for _ in range(flips if mutated else 0):
        mutated[rng.randrange(len(mutated))] ^= 1 << rng.randrange(8)
    if rng.random() < 0.2:
        del mutated[rng.randrange(len(mutated) + 1) :]
    if rng.random() < 0.2:
        at = rng.randrange(len(mutated) + 1)
        mutated[at:at] = rng.randbytes(rng.randrange(4))
    return bytes(mutated)


SEEDS = [readings_payload(1000), readings_payload(1003, 1), status_payload(7, 1010), status_payload(8, 70_000)]
SEEDS += [bytes.fromhex("84 1903e8 05 01 82 00 184d"), bytes.fromhex("84 1903e8 f6 00 81 1820")]
SEEDS += [bytes.fromhex("83 a1 18 0d 1901af 1903e8 05"), bytes.fromhex("83 1901 00 00"), bytes.fromhex("82 07 00")]


@given(st.integers(0, 2**32))
def test_mutated_payloads_are_read_or_put_aside(seed):
    """R-2: each example is 100 of them, one after another on the same log; 2 · 10^6 in `make soak`."""
    rng = random.Random(seed)
    app = TownApplication(BOOT, [])
    log = rng.choice(LOGS)
    for n in range(100):
        payload = mutate(rng.choice(SEEDS), rng, rng.randrange(4))
        offset_ms = rng.choice([None, 1_790_000_000_000])
        heard = uplink(rng.choice([1, 1, 1, 2, 3, 4, 9]), payload, 10_000_000 + n * 60_000, offset_ms)
        answer = app.hear(heard, log)
        log = answer.log or log
        assert app.first_log(log.to_text()) == log
        assert len(log.gaps) <= MAX_GAPS
        assert all(gap.first < gap.end <= log.next_seq for gap in log.gaps)
        assert all(before.end <= after.first for before, after in zip(log.gaps, log.gaps[1:], strict=False))
        assert not log.gaps or log.gaps[0].first >= log.next_seq - REACH - 256
        assert sum(isinstance(write, AddQuarantine) for write in answer.writes) <= 1
        assert len(answer.writes) <= 35


@given(logs())
def test_the_short_way_says_what_the_long_way_says(log):
    """A gap far below sends a frame the long way; both ways must take the newest reading alike."""
    payload, _ = encode_readings(*log, MAX_LEN)
    seq = log[1][0].seq
    taken = []
    for gaps in ((), (Gap(seq - 9000, seq - 8999, None, None),)):
        answer = Intake(BOOT).hear(uplink(1, payload), NodeLog(7, seq, gaps, sure=True)).answer
        taken.append([write.record for write in answer.writes if write.record.seq == seq])
        assert answer.log.next_seq == seq + 1
    assert taken[0] == taken[1]
    assert len(taken[0]) == 1
