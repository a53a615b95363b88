"""AES-CMAC gives what RFC 4493 and Project Wycheproof expect."""

from protocol.lorawan.cmac import Cmac, same
from tests.protocol.expect import hexa, refused, vectors


class Cryptolib:
    """What a board's AES can do, on both Pythons."""

    def __init__(self, aes):
        self.encrypt = aes.encrypt


def on_board(key):
    """As a board makes codes: no library does."""
    cmac = Cmac(key)
    cmac.aes._encryptor = Cryptolib(cmac.aes._encryptor)
    return cmac


def test_codes_as_published():
    for vector in vectors("cmac")["valid"]:
        message, mac = hexa(vector["message"]), hexa(vector["mac"])
        for cmac in (Cmac(hexa(vector["key"])), on_board(hexa(vector["key"]))):
            assert cmac.mac(message) == mac, vector
            assert cmac.mac(memoryview(message)) == mac, vector
            assert cmac.mic(message) == mac[:4], vector


def test_forged_codes_do_not_match():
    for vector in vectors("cmac")["invalid"]:
        for cmac in (Cmac(hexa(vector["key"])), on_board(hexa(vector["key"]))):
            assert not same(cmac.mac(hexa(vector["message"])), hexa(vector["mac"])), vector


def test_both_subkeys_take_part():
    """K1 for whole blocks, K2 for others: seen through the AES of the one block that they are XORed into."""
    subkeys = vectors("cmac")["subkeys"]
    cmac = on_board(hexa(subkeys["key"]))
    k1, k2 = hexa(subkeys["k1"]), hexa(subkeys["k2"])
    assert cmac.mac(bytes(16)) == cmac.aes.encrypt(k1)
    assert cmac.mac(b"") == cmac.aes.encrypt(bytes([k2[0] ^ 0x80]) + k2[1:])


def test_a_key_of_another_length_is_refused():
    refused("AES-128 key has 3 bytes", Cmac, b"key")


def test_same_compares_every_byte_and_the_length():
    code = b"\x01\x02\x03\x04"
    assert same(code, memoryview(code)) and same(b"", b"")
    for other in (b"", code[:3], code + b"\x00", b"\x01\x02\x03\x05", b"\x81\x02\x03\x04"):
        assert not same(code, other) and not same(other, code)
