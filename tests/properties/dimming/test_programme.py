"""Every programme that fits comes back; no other bytes do harm; an independent CBOR library reads the same."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import cbor
from protocol.dimming import DEFAULT_PROGRAMME, MAX_PROGRAMME_BYTES, Programme
from protocol.errors import MessageError, ProtocolError
from tests.properties.dimming.strategies import programmes

junk = st.sampled_from([None, True, False, b"", "sunset", [], [1], {}]) | st.integers(-2000, 70000)


def fields(programme):
    return [
        (day_type.days, [(step.anchor, step.offset_min, step.level_pct, step.fade_s) for step in day_type.steps])
        for day_type in programme.day_types
    ]


@given(programmes())
def test_round_trip_or_too_long(programme):
    packed = [
        [days]
        + [number for anchor, minutes, level, fade in steps for number in (minutes * 8 + anchor, fade * 101 + level)]
        for days, steps in fields(programme)
    ]
    data = cbor2.dumps(packed, canonical=True)
    if len(data) > MAX_PROGRAMME_BYTES:
        with pytest.raises(MessageError, match=f"programme takes {len(data)} bytes"):
            programme.encode()
    else:
        assert programme.encode() == data
        assert fields(Programme.decode(data)) == fields(programme)


@given(programmes())
def test_up_to_twenty_steps_in_four_day_types_always_fit(programme):
    if sum(len(day_type.steps) for day_type in programme.day_types) <= 20:
        assert len(programme.encode()) <= MAX_PROGRAMME_BYTES


@given(st.binary(max_size=200))
def test_garbage_is_refused(data):
    with pytest.raises(ProtocolError):
        Programme.decode(data)


@given(st.lists(st.lists(junk, max_size=24), max_size=3))
def test_garbage_in_good_cbor_is_refused_or_a_programme(items):
    try:
        data = cbor.encode(items)
        programme = Programme.decode(data)
    except ProtocolError:
        return
    assert programme.encode() == data


@given(st.integers(0, 8 * len(DEFAULT_PROGRAMME.encode()) - 1))
def test_any_flipped_bit_is_refused_or_another_programme(position):
    data = bytearray(DEFAULT_PROGRAMME.encode())
    data[position // 8] ^= 1 << position % 8
    try:
        programme = Programme.decode(bytes(data))
    except ProtocolError:
        return
    assert programme.encode() == data
