"""COBS against the `cobs` package; any message, any pieces, any noise, any damage."""

import random

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from protocol import envelope
from protocol.envelope import Decoder, Message, cobs_decode, cobs_encode, open_envelope, seal
from protocol.errors import EnvelopeError

u8, u16, u32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
link = (
    st.integers(137_000_000, 1_020_000_000),
    st.just(0) | st.integers(7, 12),
    st.sampled_from([0, 125_000, 250_000, 500_000]),
)
phy_payload = st.binary(max_size=255)
power = st.integers(-9, 36)
known = {
    envelope.HELLO: (u8, st.text(max_size=8), st.binary(min_size=8, max_size=8), u8, st.none() | u8),
    envelope.RECEIVED: (
        u32,
        *link,
        st.integers(-255, 127),
        st.integers(-128, 127),
        st.booleans(),
        phy_payload,
    ),
    envelope.TRANSMIT: (
        u16,
        st.none() | u32,
        *link,
        power,
        st.booleans(),
        st.integers(1, 1000),
        phy_payload,
    ),
    envelope.TRANSMIT_RESULT: (u16, u8, st.none() | u32, st.none() | power),
    envelope.STATISTICS: (u32,) * 5,
    envelope.LOG: (u8, st.text(max_size=50)),
    envelope.FRAME: (phy_payload,),
}
messages = st.one_of(
    *(
        st.builds(Message, st.just(kind), st.tuples(*fields).map(lambda items, fields=fields: _possible(fields, items)))
        for kind, fields in known.items()
    ),
    st.builds(
        Message,
        st.integers(8, 2**32 - 1),
        st.lists(st.none() | st.booleans() | u32 | st.binary(max_size=99), max_size=4),
    ),
)


def _possible(fields, items):
    """The same with a bandwidth for LoRa and none for FSK."""
    items = list(items)
    if link[1] in fields:
        at = fields.index(link[1])
        items[at + 1] = 0 if items[at] == 0 else items[at + 1] or 125_000
    return items


# Tables that turn no byte, one in 256, and half of them into zero.
ZEROS = (bytes([1, *range(1, 256)]), bytes(range(256)), bytes([*[0] * 128, *range(128, 256)]))


@given(seed=st.integers(0, 2**32))
def test_cobs_agrees_with_the_cobs_package(seed):
    dice = random.Random(seed)
    for _ in range(100):
        size = dice.choice([dice.randrange(20), dice.randrange(250, 260), dice.randrange(1100)])
        data = dice.randbytes(size).translate(dice.choice(ZEROS))
        stuffed = cobs_encode(data)
        assert stuffed == cobs.encode(data)
        assert cobs_decode(stuffed) == data


@given(st.binary(max_size=600))
def test_garbage_unstuffs_as_with_the_cobs_package(data):
    try:
        expected = cobs.decode(data)
    except cobs.DecodeError:
        with pytest.raises(EnvelopeError):
            cobs_decode(data)
    else:
        assert cobs_decode(data) == expected


@given(messages)
def test_round_trip(sent):
    sealed = seal(sent)
    received = open_envelope(sealed)
    assert received == sent
    assert repr(received) == repr(sent)
    assert seal(received) == sealed
    assert cobs.decode(sealed[1:-1])[0] == envelope.VERSION


@given(sent=messages, data=st.data())
def test_a_flipped_bit_is_refused(sent, data):
    sealed = bytearray(seal(sent))
    sealed[data.draw(st.integers(1, len(sealed) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EnvelopeError):
        open_envelope(sealed)
    assert Decoder().feed(sealed) == []


@given(sent=messages, data=st.data())
def test_a_truncation_is_refused(sent, data):
    sealed = seal(sent)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 2))]
    with pytest.raises(EnvelopeError):
        open_envelope(cut)
    decoder = Decoder()
    assert decoder.feed(cut) == []
    assert decoder.feed(sealed) == [sent]


@given(st.binary(max_size=1200))
def test_garbage_is_refused_and_never_raises_in_the_decoder(data):
    with pytest.raises(EnvelopeError):
        open_envelope(data)
    assert Decoder().feed(data) == []


@given(body=st.binary(max_size=60))
def test_garbage_with_a_good_crc_is_a_message_or_refused(body):
    checked = b"\x01" + body
    stuffed = cobs.encode(checked + envelope.binascii.crc32(checked).to_bytes(4, "little"))
    try:
        received = open_envelope(stuffed)
    except EnvelopeError:
        assert Decoder().feed(stuffed + b"\0") == []
    else:
        assert Decoder().feed(stuffed + b"\0") == [received]
        assert open_envelope(seal(received)) == received


@given(
    parts=st.lists(st.tuples(st.binary(max_size=700), messages), max_size=6),
    seed=st.integers(0, 2**32),
)
def test_noise_and_pieces_cost_no_good_envelope(parts, seed):
    dice = random.Random(seed)
    stream = b"".join(noise + seal(sent) for noise, sent in parts)
    decoder = Decoder()
    received = []
    while stream:
        size = dice.randrange(1, 200)
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    assert received == [sent for _, sent in parts]
    assert decoder.messages == len(parts)
    assert len(decoder._buffer) == envelope.MAX_ENVELOPE


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(EnvelopeError, match=r"LOG.text is '\\ud800'; expected a text of at most 200 bytes"):
        Message(envelope.LOG, [1, "\ud800"])
