"""Orders and receipts come back as they went; whatever arrives, it is read and judged, or refused."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProtocolError
from protocol.orders import (
    BAD_ARGUMENT,
    EXPIRED,
    LOAD_PROGRAMME,
    MAX_PART_LEN,
    MAX_PARTS,
    OUTCOMES,
    UNKNOWN_VERB,
    VERBS,
    Order,
    Receipt,
    decode_order,
    decode_receipt,
    encode_order,
    encode_receipt,
    programme_orders,
    refusal,
)

U16 = st.integers(0, 2**16 - 1)
U32 = st.integers(0, 2**32 - 1)


@st.composite
def orders(draw):
    """Any order that can be said, each argument in the whole of its range."""
    verb = draw(st.sampled_from(sorted(VERBS)))
    arguments = []
    for field, low, high, nullable in VERBS[verb][1]:
        if field == "bytes":
            values = st.binary(max_size=high)
        elif field == "mc_key_encrypted":
            values = st.binary(min_size=16, max_size=16)
        else:
            values = st.integers(low, high)
        arguments.append(draw(st.none() | values if nullable else values))
    if verb == LOAD_PROGRAMME:
        arguments[1] = draw(st.integers(0, arguments[2] - 1))
    return Order(draw(U16), draw(U32), verb, *arguments)


def _without_defaults(arguments):
    arguments = list(arguments)
    while arguments and arguments[-1] is None:
        arguments.pop()
    return arguments


@given(orders())
def test_orders_come_back_as_they_went_and_may_be_obeyed(order):
    found = decode_order(encode_order(order))
    assert (found.order_id, found.expiry_gps_s, found.verb) == (order.order_id, order.expiry_gps_s, order.verb)
    assert list(found.arguments) == _without_defaults(order.arguments)
    assert refusal(found, None) is None
    assert refusal(found, order.expiry_gps_s) == EXPIRED
    assert encode_order(found) == encode_order(order)
    assert "\n" not in found.describe()


@given(U16, st.integers(0, len(OUTCOMES) - 1), st.none() | st.integers(-(2**32), 2**32 - 1))
def test_receipts_come_back_as_they_went(order_id, outcome, detail):
    found = decode_receipt(encode_receipt(Receipt(order_id, outcome, detail)))
    assert (found.order_id, found.outcome, found.detail) == (order_id, outcome, detail)


@given(U16, U32, U16, st.binary(min_size=1, max_size=MAX_PARTS * MAX_PART_LEN))
def test_a_programme_in_parts_is_whole_again(order_id, expiry, version, programme):
    parts = [decode_order(encode_order(order)) for order in programme_orders(order_id, expiry, version, programme)]
    assert b"".join(part.arguments[3] for part in parts) == programme
    assert [part.arguments[:3] for part in parts] == [(version, at, len(parts)) for at in range(len(parts))]


@given(orders())
def test_cut_anywhere_an_order_is_refused(order):
    payload = encode_order(order)
    for end in range(len(payload)):
        with pytest.raises(ProtocolError):
            decode_order(payload[:end])
        with pytest.raises(ProtocolError):
            decode_receipt(payload[:end])


@given(orders(), st.data())
def test_with_any_bit_flipped_an_order_is_read_and_judged_or_refused(order, data):
    payload = bytearray(encode_order(order))
    bit = data.draw(st.integers(0, 8 * len(payload) - 1))
    payload[bit // 8] ^= 1 << (bit % 8)
    _read_or_refused(bytes(payload))


@given(st.binary(max_size=242))
def test_garbage_is_read_and_judged_or_refused(payload):
    _read_or_refused(payload)


ITEMS = st.none() | st.booleans() | st.integers(-2, 10) | U32 | st.text(max_size=3) | st.binary(max_size=40)


@given(U16, U32, st.lists(ITEMS | st.lists(ITEMS, max_size=3) | st.dictionaries(U16, ITEMS, max_size=2), max_size=8))
def test_any_arguments_at_all_are_judged(order_id, expiry, items):
    """Well-formed CBOR reaches deeper than garbage does."""
    _read_or_refused(cbor2.dumps([order_id, expiry, *items], canonical=True))


def _read_or_refused(payload):
    """No other exception; what may be obeyed can also be said, and every order can be put in words."""
    for decode in (decode_order, decode_receipt):
        try:
            found = decode(payload)
        except ProtocolError:
            continue
        if decode is decode_order:
            found.describe()
            assert refusal(found, None) in (None, UNKNOWN_VERB, BAD_ARGUMENT)
            if refusal(found, None) is None:
                assert encode_order(found)
