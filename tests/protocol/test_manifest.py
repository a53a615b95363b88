from protocol import cbor
from protocol.lorawan.cmac import Cmac
from protocol.manifest import MAX_MANIFEST_LEN, Manifest, open_manifest, update_key_of, version_text
from tests.protocol.expect import hexa, refused

KEY = hexa("2b7e1516 28aed2a6 abf71588 09cf4f3c")  # of RFC 4493 §4
# SHA-256 of "abc" and of nothing: FIPS 180-4's examples.
ABC = hexa("ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad")
EMPTY = hexa("e3b0c442 98fc1c14 9afbf4c8 996fb924 27ae41e4 649b934c a495991b 7852b855")
MANIFEST = Manifest(0x010203, 0x010000, [("firmware/mac.mpy", EMPTY), ("main.py", ABC)])


def signed(items):
    body = cbor.encode(items)
    return body + Cmac(KEY).mac(body)


def test_byte_by_byte():
    body = hexa("86 1a00010203 1a00010000") + b"\x70firmware/mac.mpy\x58\x20" + EMPTY + b"\x67main.py\x58\x20" + ABC
    assert MANIFEST.encode() == body
    assert MANIFEST.sign(KEY)[:-16] == body


def test_it_comes_back():
    found = open_manifest(MANIFEST.sign(KEY), KEY)
    assert (found.version, found.floor, found.files) == (0x010203, 0x010000, MANIFEST.files)
    assert open_manifest(Manifest(0, 0, []).sign(KEY), KEY).files == []


def test_every_changed_bit_and_every_truncation_is_refused():
    data = MANIFEST.sign(KEY)
    for at in range(len(data)):
        refused("its signature is wrong", open_manifest, data[:at], KEY)
        refused("its signature is wrong", open_manifest, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], KEY)
    refused("its signature is wrong", open_manifest, data + b"\0", KEY)
    refused("made for another node", open_manifest, data, bytes(15) + b"\1")
    refused("AES-128 key has 15 bytes", open_manifest, data, bytes(15))
    refused("manifest has 20481 bytes; expected at most 20480", open_manifest, bytes(MAX_MANIFEST_LEN + 1), KEY)


def test_what_cannot_be_is_refused_both_ways():
    for items, says in (
        ([1], "manifest has 1 items"),
        ([1 << 24, 0], "manifest: version is 16777216; expected 0..16777215"),
        ([5, 6], "manifest: floor is 6; expected 0..5"),
        ([5, 5, "main.py"], "3 items; expected a digest for each name"),
        ([5, 5, "", ABC], "file name ''; expected 1..64 plain characters"),
        ([5, 5, "m" * 65, ABC], "expected 1..64 plain characters"),
        ([5, 5, "m\xe9", ABC], "expected 1..64 plain characters"),
        ([5, 5, 7, ABC], "file name 7"),
        ([5, 5, "b", ABC, "a", ABC], "'a' follows 'b'; expected names in order, each once"),
        ([5, 5, "b", ABC, "b", ABC], "'b' follows 'b'"),
        ([5, 5, "b", ABC[1:]], "b has no SHA-256 of 32 bytes"),
        ([5, 5, "b", "text"], "b has no SHA-256 of 32 bytes"),
    ):
        refused(says, open_manifest, signed(items), KEY)
        if len(items) % 2 == 0:
            files = [(items[at], items[at + 1]) for at in range(2, len(items), 2)]
            refused(says, Manifest(items[0], items[1], files).encode)
    many = [("%064d" % at, ABC) for at in range(201)]
    refused("manifest: number of files is 201; expected 0..200", Manifest(1, 1, many).sign, KEY)
    refused("number of files is 201", open_manifest, signed([1, 1] + [part for pair in many for part in pair]), KEY)
    longest = Manifest(1, 1, many[:200]).sign(KEY)
    assert len(longest) < MAX_MANIFEST_LEN
    assert len(open_manifest(longest, KEY).files) == 200


def test_versions_in_words():
    assert version_text(0x010203) == "1.2.3"
    assert version_text(0xFFFFFF) == "255.255.255"


def test_the_update_key_follows_from_the_app_key():
    """AES-CMAC of the label under the AppKey, as `openssl mac` makes it."""
    assert update_key_of(KEY) == hexa("674999fa 1f7f5319 c025946a 625aebab")
