"""AES-CMAC (RFC 4493), from which every message integrity code of LoRaWAN is cut."""

from ..aes import Aes128

_MASK = (1 << 128) - 1
_R_128 = 0x87  # RFC 4493 §2.3, const_Rb


class Cmac:
    """AES-CMAC under one 16-byte key; ProtocolError for a key of another length."""

    def __init__(self, key: bytes) -> None:
        self.aes = Aes128(key)  # public: FPort 0 and Join-Accept encrypt with the very key they are signed with
        self._subkeys: tuple[int, int] | None = None  # made once, where no library has them

    def mac(self, message: bytes | memoryview) -> bytes:
        """Return the 16-byte code of *message* (RFC 4493 §2.4)."""
        code = self.aes.cmac(message)
        return self._chained(message) if code is None else code

    def _chained(self, message: bytes | memoryview) -> bytes:
        """The same from nothing but AES, which is all that MicroPython has."""
        encrypt = self.aes.encrypt
        if self._subkeys is None:
            k1 = _doubled(int.from_bytes(encrypt(bytes(16)), "big"))
            self._subkeys = k1, _doubled(k1)
        last = max(0, len(message) - 1) & ~15  # where the last, perhaps incomplete, block starts
        rest = message[last:]
        end = int.from_bytes(rest, "big") << 8 * (16 - len(rest))
        if len(rest) == 16:
            end ^= self._subkeys[0]
        else:
            end ^= self._subkeys[1] ^ (0x80 << 8 * (15 - len(rest)))  # padded with one bit and zeros
        chain = 0
        for at in range(0, last, 16):
            mixed = chain ^ int.from_bytes(message[at : at + 16], "big")
            chain = int.from_bytes(encrypt(mixed.to_bytes(16, "big")), "big")
        return encrypt((chain ^ end).to_bytes(16, "big"))

    def mic(self, message: bytes | memoryview) -> bytes:
        """Return the message integrity code: the first 4 bytes of `mac` (TS001-1.0.4 §4.4)."""
        return self.mac(message)[:4]


def same(left: bytes | memoryview, right: bytes | memoryview) -> bool:
    """Whether two codes are equal, in a time that does not tell how many of their bytes are."""
    difference = len(left) ^ len(right)
    for i in range(min(len(left), len(right))):
        difference |= left[i] ^ right[i]
    return difference == 0


def _doubled(block: int) -> int:
    # Multiplication by x in GF(2^128): RFC 4493 §2.3, generation of K1 and K2.
    return (block << 1) & _MASK ^ (_R_128 if block >> 127 else 0)
