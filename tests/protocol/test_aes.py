"""AES-128 gives what FIPS 197 and SP 800-38A print, in both directions and in any order of calls."""

from protocol.aes import Aes128
from tests.protocol.expect import hexa, refused, vectors


def test_encrypts_and_decrypts_as_published():
    for vector in vectors("aes128")["vectors"]:
        plain, cipher = hexa(vector["plain"]), hexa(vector["cipher"])
        aes = Aes128(hexa(vector["key"]))
        assert aes.encrypt(plain) == cipher, vector["name"]
        assert aes.decrypt(cipher) == plain, vector["name"]
        assert aes.encrypt(memoryview(plain)) == cipher, "a key goes both ways, again and again"


def test_nothing_gives_nothing():
    assert Aes128(bytes(16)).encrypt(b"") == b""


def test_keys_of_another_length_are_refused_without_showing_them():
    for length in (0, 15, 17, 24, 32):
        says = refused("AES-128 key has %d bytes; expected 16" % length, Aes128, b"\xab" * length)
        assert "ab" not in says.replace("expected", "") and "\\x" not in says


def test_part_of_a_block_is_refused_and_leaves_no_trace():
    vector = vectors("aes128")["vectors"][0]
    aes = Aes128(hexa(vector["key"]))
    refused("AES takes blocks of 16 bytes, got 15 bytes", aes.encrypt, bytes(15))
    refused("AES takes blocks of 16 bytes, got 17 bytes", aes.decrypt, bytes(17))
    assert aes.encrypt(hexa(vector["plain"])) == hexa(vector["cipher"])
