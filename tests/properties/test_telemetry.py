"""Readings, events and status come back as they went, from any log; and whatever arrives, it is read or refused."""

import tracemalloc

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import cbor
from protocol.errors import ProtocolError
from protocol.quantity_table import QUANTITIES, SETS
from protocol.telemetry import (
    MAX_ERROR_TEXT,
    Reading,
    Status,
    encode_event,
    encode_rare,
    encode_readings,
    encode_status,
)
from protocol.telemetry_reader import decode_event, decode_readings, decode_status

U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)
ANY = st.integers(-(2**31), 2**31 - 1)  # so that differences have 32 bits too
DECODERS = (decode_readings, decode_event, decode_status)


@st.composite
def logs(draw):
    """A set and readings of it, newest first, with events and restarts in between; boot and uptime at sending."""
    number = draw(st.integers(0, len(SETS) - 1))
    seq = draw(st.integers(2**18, 2**32 - 1))
    boot, uptime_s = draw(st.integers(100, 200)), draw(st.integers(10**6, 2**32 - 1))
    now = (boot + draw(st.integers(0, 1)), uptime_s + draw(st.integers(0, 4000)))
    readings = []
    for _ in range(draw(st.integers(1, 5))):
        values = [draw(st.none() | _plausible(quantity) | ANY) for quantity, _ in SETS[number]]
        readings.append(Reading(seq, boot, uptime_s, tuple(values)))
        seq -= 1 + draw(st.sampled_from([0, 0, 0, 1, 2, 23, 300, 0x7FFF]))
        if draw(st.integers(0, 9)) == 0:
            boot, uptime_s = boot - 1, draw(st.integers(10**6, 2**32 - 1))
        else:
            uptime_s -= draw(st.integers(0, 4000))
    return number, readings, *now


def _plausible(quantity):
    return st.integers(*QUANTITIES[quantity][3:5])


@given(logs(), st.integers(60, 150))
def test_readings_come_back_as_they_went_and_as_many_as_fit(log, room):
    number, readings, boot, uptime_s = log
    payload, carried = encode_readings(number, readings, boot, uptime_s, room)
    assert len(payload) <= room
    assert 1 <= carried <= len(readings)
    decoded = decode_readings(payload)
    assert decoded.quantities == SETS[number]
    assert len(decoded.rows) == carried
    dated = boot == readings[0].boot
    newer = None
    for row, reading in zip(decoded.rows, readings, strict=False):
        assert row.values == reading.values
        assert row.seq == reading.seq % 2**16
        dated = dated and reading.boot == boot
        assert row.age_s == (uptime_s - reading.uptime_s if dated else None)
        same_boot = newer is not None and newer.boot == reading.boot
        assert row.gap_s == (newer.uptime_s - reading.uptime_s if same_boot else None)
        newer = reading
    if carried < len(readings):
        more, _ = encode_readings(number, readings[: carried + 1], boot, uptime_s, 1000)
        assert len(more) > room


@given(
    U32,
    st.dictionaries(st.tuples(st.integers(0, 255), st.integers(0, 255)), st.none() | ANY, min_size=1, max_size=32),
    st.none() | U32,
)
def test_rare_quantities_come_back_as_they_went(seq, values, age_s):
    reading = Reading(seq, 5, 0, tuple(values.values()))
    payload = encode_rare(reading, tuple(values), 6 if age_s is None else 5, age_s or 0)
    decoded = decode_readings(payload)
    (row,) = decoded.rows
    assert dict(zip(decoded.quantities, row.values, strict=True)) == values
    assert list(decoded.quantities) == sorted(values, key=lambda pair: (pair[1], pair[0]))
    assert (row.seq, row.age_s, row.gap_s) == (seq % 2**16, age_s, None)


@given(U32, st.none() | U32, U32, st.lists(st.integers(cbor.MIN_INT, cbor.MAX_INT), max_size=4).map(tuple))
def test_events_come_back_as_they_went(seq, age_s, event, details):
    found = decode_event(encode_event(seq, age_s, event, details))
    assert (found.seq, found.age_s, found.event, found.details) == (seq % 2**16, age_s, event, details)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=MAX_ERROR_TEXT).filter(lambda text: len(text.encode()) <= 20)
STATUSES = st.tuples(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
    U16,
    st.integers(0, 23),
    U32,
    st.none() | U16,
    st.none() | U32,
    st.none() | TEXTS,
    st.none() | st.integers(0, 254),
    U32,
)


@given(STATUSES)
@example(((255, 255, 255), 2**16 - 1, 23, 2**32 - 1, 2**16 - 1, 2**32 - 1, "x" * 20, 254, 2**32 - 1))
def test_statuses_come_back_as_they_went(items):
    found = decode_status(encode_status(Status(*items), 51))
    assert tuple(vars(found).values()) == items


PAYLOADS = st.one_of(
    logs().map(lambda log: encode_readings(*log, 222)[0]),
    st.tuples(U16, U32, st.lists(ANY, max_size=4)).map(lambda event: encode_event(*event[:2], 3, tuple(event[2]))),
    STATUSES.map(lambda items: encode_status(Status(*items), 51)),
)


@given(PAYLOADS)
def test_cut_anywhere_a_payload_is_refused(payload):
    for end in range(len(payload)):
        for decode in DECODERS:
            with pytest.raises(ProtocolError):
                decode(payload[:end])


@given(PAYLOADS, st.data())
def test_with_any_bit_flipped_a_payload_is_read_or_refused(payload, data):
    flipped = bytearray(payload)
    bit = data.draw(st.integers(0, 8 * len(payload) - 1))
    flipped[bit // 8] ^= 1 << (bit % 8)
    for decode in DECODERS:
        _read_or_refused(decode, bytes(flipped))


@given(st.binary(max_size=242))
def test_garbage_is_read_or_refused(payload):
    for decode in DECODERS:
        _read_or_refused(decode, payload)


ITEMS = st.none() | st.booleans() | st.integers(-3, 9) | ANY | st.text(max_size=3) | st.lists(ANY, max_size=3)


@given(st.lists(ITEMS | st.dictionaries(st.integers(0, 2**17), ITEMS, max_size=3), max_size=40))
def test_any_items_at_all_are_read_or_refused(items):
    """Well-formed CBOR reaches deeper than garbage does."""
    for decode in DECODERS:
        _read_or_refused(decode, cbor2.dumps(items, canonical=True))


@given(st.integers(2**16, 2**32 - 1), st.binary(max_size=200), st.sampled_from(DECODERS))
def test_a_claimed_length_takes_no_memory(claimed, rest, decode):
    payload = b"\x9a" + claimed.to_bytes(4, "big") + rest
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            decode(payload)
        assert tracemalloc.get_traced_memory()[1] < 20_000
    finally:
        tracemalloc.stop()


def _read_or_refused(decode, payload):
    """No other exception; and what is read lies in the ranges that readers rely on."""
    try:
        found = decode(payload)
    except ProtocolError:
        return
    if decode is decode_readings:
        for row in found.rows:
            assert len(row.values) == len(found.quantities)
            assert 0 <= row.seq < 2**16
            assert row.age_s is None or 0 <= row.age_s < 2**32
            assert all(value is None or cbor.MIN_INT <= value <= cbor.MAX_INT for value in row.values)
