"""CBOR beside cbor2, and under fire: truncation, flipped bits, garbage, claims of hostile length."""

import tracemalloc

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import cbor
from protocol.errors import CborError

INTEGERS = st.integers(cbor.MIN_INT, cbor.MAX_INT)
LEAVES = st.none() | st.booleans() | INTEGERS | st.binary(max_size=40) | st.text(max_size=40)
# cbor2's `canonical` is RFC 7049's order of keys, shorter ones first; RFC 8949's is the same where no key is negative.
KEYS = st.integers(0, cbor.MAX_INT)


def _nest(inner: st.SearchStrategy, keys: st.SearchStrategy, depth: int = cbor.MAX_DEPTH) -> st.SearchStrategy:
    """Values nested at most *depth* deep."""
    values = inner
    for _ in range(depth):
        values = inner | st.lists(values, max_size=8) | st.dictionaries(keys, values, max_size=4)
    return values


VALUES = _nest(LEAVES, KEYS)


@given(VALUES)
def test_cbor2_encodes_the_same_bytes_and_each_decodes_the_other(value):
    ours = cbor.encode(value)
    assert ours == cbor2.dumps(value, canonical=True)
    assert _same(cbor2.loads(ours, allow_indefinite=False, allow_duplicate_keys=False), value)
    assert _same(cbor.decode(ours), value)


@given(st.dictionaries(INTEGERS, LEAVES, max_size=20))
def test_negative_keys_come_in_the_order_of_rfc_8949(value):
    ours = cbor.encode(value)
    keys = list(cbor2.loads(ours))  # cbor2 keeps the order it found
    assert keys == sorted(value, key=lambda key: cbor2.dumps(key))
    assert _same(cbor.decode(ours), value)


@given(VALUES)
def test_cut_anywhere_a_message_is_refused(value):
    whole = cbor.encode(value)
    for end in range(len(whole)):
        with pytest.raises(CborError):
            cbor.decode(whole[:end])
    with pytest.raises(CborError, match="1 bytes follow the item"):
        cbor.decode(whole + b"\0")


@given(st.binary(max_size=300))
@example(bytes.fromhex("62eda080"))  # a surrogate: no UTF-8
@example(bytes.fromhex("62c080"))  # overlong
def test_garbage_is_refused_or_has_this_one_encoding(data):
    _refused_or_exact(data)


@given(VALUES, st.data())
def test_with_any_bit_flipped_a_message_is_refused_or_has_this_one_encoding(value, data):
    message = bytearray(cbor.encode(value))
    bit = data.draw(st.integers(0, 8 * len(message) - 1))
    message[bit // 8] ^= 1 << (bit % 8)
    _refused_or_exact(bytes(message))


@given(
    st.sampled_from([0x5A, 0x7A, 0x9A, 0xBA]), st.integers(2**16, 2**32 - 1), st.binary(max_size=200), st.integers(0, 3)
)
def test_a_claimed_length_takes_no_memory(head, claimed, rest, depth):
    data = b"\x81" * depth + bytes([head]) + claimed.to_bytes(4, "big") + rest
    tracemalloc.start()
    try:
        with pytest.raises(CborError, match="remain; was the message cut short"):
            cbor.decode(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000 + 40 * len(data)


@given(st.integers(1, 4_000), st.sampled_from([b"\x00", b"\xf6", b"\x80", b"\x60"]))
def test_memory_follows_the_length_of_the_message(count, item):
    data = cbor.array_head(count) + count * item
    tracemalloc.start()
    try:
        cbor.decode(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000 + 100 * len(data)  # an empty list, 1 byte on the air, takes 56 + 8 of CPython's


@pytest.mark.parametrize("text", ["\ud800", "ok \udfff"])
def test_text_that_utf8_cannot_say_is_refused(text):
    """In a file of its own Python: MicroPython cannot write such text down in source."""
    with pytest.raises(CborError, match="as UTF-8; expected text without lone surrogates"):
        cbor.encode([text])


def _refused_or_exact(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except CborError:
        return
    assert cbor.encode(value) == data
    assert _same(cbor2.loads(data), value)


def _same(one: object, other: object) -> bool:
    """Equality that tells True from 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one == other
