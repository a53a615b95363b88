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


class Cryptolib:
    """What a board's aes can do, on both Pythons."""

    def __init__(self, aes):
        self.encrypt = aes.encrypt


def test_a_chain_ends_as_published_however_often_it_is_asked():
    # SP 800-38A F.2.1 has a vector of its own: with it in the first block, a chain from zeros gives the same.
    key = hexa("2b7e1516 28aed2a6 abf71588 09cf4f3c")
    vector = int.from_bytes(hexa("00010203 04050607 08090a0b 0c0d0e0f"), "big")
    plain = [
        "6bc1bee2 2e409f96 e93d7e11 7393172a",
        "ae2d8a57 1e03ac9c 9eb76fac 45af8e51",
        "30c81c46 a35ce411 e5fbc119 1a0a52ef",
        "f69f2445 df4f9b17 ad2b417b e66c3710",
    ]
    cipher = [
        "7649abac 8119b246 cee98e9b 12e9197d",
        "5086cb9b 507219ee 95db113a 917678b2",
        "73bed6b8 e3c1743b 7116e69e 22229516",
        "3ff1caa1 681fac09 120eca30 7586e1a7",
    ]
    first = (int.from_bytes(hexa(plain[0]), "big") ^ vector).to_bytes(16, "big")
    board = Aes128(key)
    board._encryptor = Cryptolib(board._encryptor)
    for aes in (Aes128(key), board):
        for count in (1, 4, 2, 3, 3, 1):
            blocks = first + b"".join([hexa(block) for block in plain[1:count]])
            assert aes.cbc_mac(blocks) == hexa(cipher[count - 1])
            assert aes.encrypt(first) == hexa(cipher[0]), "and single blocks in between"


def test_part_of_a_block_does_not_disturb_a_chain():
    aes = Aes128(bytes(16))
    code = aes.cbc_mac(bytes(32))
    refused("AES takes blocks of 16 bytes, got 17 bytes", aes.cbc_mac, bytes(17))
    assert aes.cbc_mac(bytes(32)) == code
