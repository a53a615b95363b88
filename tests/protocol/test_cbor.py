"""The CBOR subset against RFC 8949: appendix A's examples, appendix F's malformed items, §4.2.1's one encoding."""

import json

from protocol import cbor
from tests.protocol.expect import hexa, refused, vectors

# What appendix A shows and nodes do not speak, by the reason that the refusal gives.
OUTSIDE = (
    ("a 64-bit or reserved head", "1b000000e8d4a51000 1bffffffffffffffff 3bffffffffffffffff"),
    ("a tag (0xc2)", "c249010000000000000000"),
    ("a tag (0xc3)", "c349010000000000000000"),
    ("a tag (0xc0)", "c074323031332d30332d32315432303a30343a30305a"),
    ("a tag (0xc1)", "c11a514b67b0 c1fb41d452d9ec200000"),
    ("a tag (0xd7)", "d74401020304"),
    ("a tag (0xd8)", "d818456449455446 d82076687474703a2f2f7777772e6578616d706c652e636f6d"),
    (
        "a float or simple value (0xf9)",
        "f90000 f98000 f93c00 f93e00 f97bff f90001 f90400 f9c400 f97c00 f97e00 f9fc00",
    ),
    ("a float or simple value (0xfa)", "fa47c35000 fa7f7fffff fa7f800000 fa7fc00000 faff800000"),
    (
        "a float or simple value (0xfb)",
        (
            "fb3ff199999999999a fb7e37e43c8800759c fbc010666666666666 fb7ff0000000000000 fb7ff8000000000000 "
            "fbfff0000000000000"
        ),
    ),
    ("a float or simple value (0xf7)", "f7"),
    ("a float or simple value (0xf0)", "f0"),
    ("a float or simple value (0xf8)", "f818 f8ff"),
    ("the map key 'a' is not an integer", "a26161016162820203 a56161614161626142616361436164614461656145"),
    ("the map key 'b' is not an integer", "826161a161626163"),
    (
        "CBOR at byte 0: an indefinite length",
        (
            "5f42010243030405ff 7f657374726561646d696e67ff 9fff 9f018202039f0405ffff 9f01820203820405ff "
            "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff bf61610161629f0203ffff "
            "bf6346756ef563416d7421ff"
        ),
    ),
    ("CBOR at byte 5: an indefinite length", "83018202039f0405ff"),
    ("CBOR at byte 2: an indefinite length", "83019f0203ff820405"),
    ("CBOR at byte 3: an indefinite length", "826161bf61626163ff"),
)
# Diagnostic notation that is no JSON.
BY_HAND = {"h''": b"", "h'01020304'": b"\x01\x02\x03\x04", "{1: 2, 3: 4}": {1: 2, 3: 4}}


def test_appendix_a_each_example_is_spoken_exactly_or_refused_with_its_reason():
    reasons = {}
    for says, items in OUTSIDE:
        for item in items.split():
            reasons[item] = says
    spoken = 0
    for item, diagnostic in vectors("rfc8949_appendix_a")["vectors"]:
        data = hexa(item)
        if item in reasons:
            refused(reasons.pop(item), cbor.decode, data)
            continue
        value = BY_HAND[diagnostic] if diagnostic in BY_HAND else json.loads(diagnostic)
        found = cbor.decode(data)
        assert found == value and type(found) is type(value), f"{item}: {found!r}, expected {value!r}"
        assert cbor.encode(value) == data, f"{value!r} became {cbor.encode(value)!r}, expected {item}"
        spoken += 1
    assert not reasons, f"not in appendix A: {reasons}"
    assert spoken == 31, spoken


def test_appendix_f_nothing_malformed_is_accepted():
    count = 0
    for items in vectors("rfc8949_appendix_f")["not_well_formed"].values():
        for item in items:
            refused("CBOR at byte ", cbor.decode, hexa(item))
            count += 1
    assert count == 94, count


def test_heads_have_their_shortest_form():
    """RFC 8949 §4.2.1: the value that a longer head carries is refused, for every major type with an argument."""
    for item in ("18 00", "18 17", "38 17", "58 01 00", "78 01 61", "98 00", "b8 01 00 00"):
        refused("takes 2 bytes; expected its shortest form", cbor.decode, hexa(item))
    for item in ("19 00 00", "19 00 17", "19 00 ff", "39 00 ff", "59 00 01 00", "99 00 00", "b9 00 00"):
        refused("takes 3 bytes; expected its shortest form", cbor.decode, hexa(item))
    for item in ("1a 00 00 00 00", "1a 00 00 ff ff", "3a 00 00 ff ff", "5a 00 00 00 00", "9a 00 00 00 00"):
        refused("takes 5 bytes; expected its shortest form", cbor.decode, hexa(item))
    assert (
        refused("255", cbor.decode, hexa("82 00 19 00 ff"))
        == "CBOR at byte 2: 255 takes 3 bytes; expected its shortest form"
    )


def test_integers_at_the_edges_of_each_head():
    for value, item in (
        (23, "17"),
        (24, "18 18"),
        (255, "18 ff"),
        (256, "19 01 00"),
        (65535, "19 ff ff"),
        (65536, "1a 00 01 00 00"),
        (0x3FFFFFFF, "1a 3f ff ff ff"),  # the largest small int of MicroPython
        (0x40000000, "1a 40 00 00 00"),
        (0xFFFFFFFF, "1a ff ff ff ff"),
        (-24, "37"),
        (-25, "38 18"),
        (-256, "38 ff"),
        (-257, "39 01 00"),
        (-65536, "39 ff ff"),
        (-65537, "3a 00 01 00 00"),
        (-0x40000000, "3a 3f ff ff ff"),
        (-0x100000000, "3a ff ff ff ff"),
    ):
        assert cbor.encode(value) == hexa(item), value
        assert cbor.decode(hexa(item)) == value, item


def test_an_integer_beyond_32_bits_cannot_be_said():
    assert refused("4294967296", cbor.encode, 0x100000000) == (
        "cannot encode an integer or length of 4294967296; expected at most 4294967295 (32 bits)"
    )
    refused("4294967296; expected at most 4294967295", cbor.encode, -0x100000001)


def test_what_cbor_or_this_subset_cannot_say_is_refused():
    assert refused("expected None", cbor.encode, 0.5) == (
        "cannot encode 0.5; expected None, bool, int, bytes, str, list, tuple or dict"
    )
    refused("expected None", cbor.encode, [1, object])
    refused("expected None", cbor.encode, {1: {2, 3}})
    refused("cannot encode the map key 'a'; expected an integer", cbor.encode, {"a": 1})
    refused("cannot encode the map key True", cbor.encode, {True: 1})
    refused("cannot encode the map key False", cbor.encode, {False: 1})
    refused("cannot encode the map key None", cbor.encode, {None: 1})
    refused("integer or length of 4294967296", cbor.encode, {0x100000000: 1})


def test_truth_values_are_no_integers():
    assert cbor.encode([True, 1, False, 0]) == hexa("84 f5 01 f4 00")
    found = cbor.decode(hexa("84 f5 01 f4 00"))
    assert found[0] is True and found[2] is False
    assert found[1] is not True and found[3] is not False


def test_any_kind_of_bytes_and_of_sequence_is_encoded():
    assert cbor.encode(bytearray(b"\x01\x02")) == hexa("42 01 02")
    assert cbor.encode(memoryview(b"\x01\x02\x03")[1:]) == hexa("42 02 03")
    assert cbor.encode((1, (2, 3))) == hexa("82 01 82 02 03")
    assert cbor.decode(memoryview(hexa("ff 82 01 02"))[1:]) == [1, 2]


def test_long_strings_and_arrays():
    assert cbor.encode(bytes(24)) == hexa("58 18") + bytes(24)
    assert cbor.encode("x" * 256) == hexa("79 01 00") + b"x" * 256
    assert cbor.encode([0] * 300) == hexa("99 01 2c") + bytes(300)
    assert cbor.decode(hexa("99 01 2c") + bytes(300)) == [0] * 300
    assert cbor.decode(hexa("58 18") + bytes(24)) == bytes(24)


def test_map_keys_are_in_the_order_of_their_encodings():
    """RFC 8949 §4.2.1's own example, as far as its keys are integers: 10, 100, -1."""
    assert cbor.encode({-1: 0, 100: 1, 10: 2}) == hexa("a3 0a 02 18 64 01 20 00")
    assert cbor.decode(hexa("a3 0a 02 18 64 01 20 00")) == {10: 2, 100: 1, -1: 0}
    assert cbor.encode({256: [], -257: {}, 23: None, 24: b""}) == hexa("a4 17 f6 18 18 40 19 01 00 80 39 01 00 a0")


def test_map_keys_out_of_order_repeated_or_of_another_kind_are_refused():
    assert refused("order", cbor.decode, hexa("a2 02 00 01 00")) == (
        "CBOR at byte 3: map key 1 is repeated or out of order"
    )
    refused("byte 3: map key 1 is repeated", cbor.decode, hexa("a2 01 00 01 01"))
    refused("byte 3: map key 100 is repeated or out of order", cbor.decode, hexa("a2 20 00 18 64 00"))
    refused("the map key True", cbor.decode, hexa("a1 f5 00"))
    refused("the map key False", cbor.decode, hexa("a1 f4 00"))
    refused("the map key None", cbor.decode, hexa("a1 f6 00"))
    refused("the map key b'a'", cbor.decode, hexa("a1 41 61 00"))
    refused("nested deeper", cbor.decode, hexa("a1 80 00"))
    refused("nested deeper", cbor.decode, hexa("a1 a0 00"))


def test_text_is_utf8():
    assert refused("UTF-8", cbor.decode, hexa("81 62 c3 28")) == "CBOR at byte 1: text of 2 bytes is not UTF-8"
    refused("not UTF-8", cbor.decode, hexa("61 ff"))
    for wrong in ("61 80", "62 c080", "62 c1bf", "63 e08080", "63 eda080", "63 edbfbf", "64 f0808080", "64 f4908080"):
        refused("not UTF-8", cbor.decode, hexa(wrong))
    for wrong in ("61 c3", "62 e282", "63 f09f90", "64 f5808080", "63 e228a1"):
        refused("not UTF-8", cbor.decode, hexa(wrong))
    for text in ("\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "aé€"):
        assert cbor.decode(cbor.encode(text)) == text


def test_the_item_fills_the_message():
    assert refused("follow", cbor.decode, hexa("01 02")) == (
        "CBOR at byte 1: 1 bytes follow the item; expected its end"
    )
    refused("byte 0: the message ends where an item was expected", cbor.decode, b"")
    refused("byte 3: the message ends where an item was expected; was it cut short?", cbor.decode, hexa("82 41 00"))
    refused("byte 1: a string needs 2 bytes, 1 remain; was the message cut short?", cbor.decode, hexa("81 42 00"))
    refused("byte 0: a head needs 4 bytes, 2 remain", cbor.decode, hexa("1a 01 02"))


def test_a_huge_claim_is_refused_before_anything_is_made_for_it():
    refused("a string needs 4294967295 bytes, 1 remain", cbor.decode, hexa("5a ff ff ff ff 00"))
    refused("a string needs 4294967295 bytes, 1 remain", cbor.decode, hexa("7a ff ff ff ff 00"))
    refused("an array needs 4294967295 bytes, 1 remain", cbor.decode, hexa("9a ff ff ff ff 00"))
    refused("a map needs 8589934590 bytes, 1 remain", cbor.decode, hexa("ba ff ff ff ff 00"))
    refused("a map needs 4 bytes, 3 remain", cbor.decode, hexa("a2 01 00 02"))
    refused("an array needs 65535 bytes, 4 remain", cbor.decode, hexa("99 ff ff 9a ff ff ff"))


def test_nesting_is_bounded_both_ways():
    assert cbor.decode(hexa("81 81 81 81 01")) == [[[[1]]]]
    assert cbor.encode([[[[1]]]]) == hexa("81 81 81 81 01")
    assert cbor.encode({0: {0: {0: {0: 1}}}}) == hexa("a1 00 a1 00 a1 00 a1 00 01")
    assert cbor.decode(hexa("a1 00 a1 00 a1 00 a1 00 01")) == {0: {0: {0: {0: 1}}}}
    assert refused("nested", cbor.decode, hexa("81 81 81 81 81 01")) == (
        "CBOR at byte 4: nested deeper than 4 arrays and maps"
    )
    refused("nested deeper than 4", cbor.decode, hexa("a1 00 a1 00 a1 00 a1 00 a0"))
    refused("nested deeper than 4", cbor.decode, b"\x81" * 300 + b"\x00")
    refused("cannot encode more than 4 nested arrays and maps", cbor.encode, [[[[[1]]]]])
    refused("cannot encode more than 4 nested", cbor.encode, {0: {0: {0: {0: {}}}}})
    endless = []
    endless.append(endless)
    refused("cannot encode more than 4 nested", cbor.encode, endless)


def test_the_head_of_an_array_stands_alone():
    assert cbor.array_head(0) == hexa("80")
    assert cbor.array_head(23) == hexa("97")
    assert cbor.array_head(24) == hexa("98 18")
    assert cbor.array_head(256) == hexa("99 01 00")
