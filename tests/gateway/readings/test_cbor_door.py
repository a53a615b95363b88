"""Nothing but what nodes send comes through the door, whatever cbor2 would make of it."""

import cbor2
import pytest

from gateway.readings.cbor_door import MAX_LEN, decode
from protocol.errors import CborError


def test_what_nodes_send_passes():
    items = [3, 1000, None, -1, -(2**32), 2**32 - 1, b"\x00\xff", "é", True, [[{1: [2]}]]]
    assert decode(cbor2.dumps(items[:9])) == items[:9]
    assert decode(cbor2.dumps([[{1: [2]}]])) == [[{1: [2]}]]
    assert decode(memoryview(cbor2.dumps([1, 2]))) == [1, 2]


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ("", "CBOR of 0 bytes"),
        ("82 01", "CBOR of 2 bytes"),
        ("81 01 00", "1 bytes follow"),
        ("f9 7e00", "nan is a float"),
        ("81 fb 3ff0000000000000", "1.0 is a float"),
        ("1b 0000000100000000", "4294967296 has more than 32 bits"),
        ("3b 0000000100000000", "-4294967297 has more than 32 bits"),
        ("81 1b 0000000100000000", "more than 32 bits"),
        ("c2 41 05", "semantic tag"),
        ("d8 23 61 61", "semantic tag"),
        ("d9 0100 80", "semantic tag"),
        ("d9 d9f7 01", "semantic tag"),
        ("a1 61 61 01", "the map key 'a' is not an integer"),
        ("a1 f5 01", "the map key True is not an integer"),
        ("a2 01 01 01 02", "uplicate"),
        ("9f 01 ff", "ndefinite"),
        ("5f 41 00 ff", "ndefinite"),
        ("f7", "expected integers, bytes"),
        ("e5", "expected integers, bytes"),
        ("81 81 81 81 81 01", "depth"),
        ("9b ffffffffffffffff", "CBOR of 9 bytes"),
        ("61 ff", "CBOR of 2 bytes"),
    ],
)
def test_everything_else_is_refused_with_a_sentence(payload, says):
    with pytest.raises(CborError) as caught:
        decode(bytes.fromhex(payload))
    assert says in str(caught.value)


def test_a_long_payload_is_refused_before_it_is_looked_at():
    assert decode(b"\x58\xdc" + bytes(220)) == bytes(220)
    with pytest.raises(CborError, match=f"of {MAX_LEN + 1} bytes; expected at most {MAX_LEN}"):
        decode(bytes(MAX_LEN + 1))


def test_no_tag_at_all_is_acted_upon():
    """Among them those that compile regular expressions, parse mail, and build values that contain themselves."""
    for tag in [*range(66_000), 2**32 - 1, 2**64 - 1]:
        size = next(size for size in (0, 1, 2, 4, 8) if tag < (24 if size == 0 else 256**size))
        head = bytes([0xC0 | 23 + size.bit_length()]) + tag.to_bytes(size, "big") if size else bytes([0xC0 | tag])
        with pytest.raises(CborError, match="tag"):
            decode(b"\x81" + head + b"\x01")
