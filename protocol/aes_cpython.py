"""What CPython has in place of `cryptolib.aes`, made of `cryptography`; MicroPython never loads it."""

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from .compat import const

ECB = const(1)


class aes:  # noqa: N801 - stands in for cryptolib's
    """`cryptolib.aes` as far as it is needed here, and AES-CMAC: a context costs 20 blocks, so each is kept."""

    def __init__(self, key: bytes, mode: int) -> None:
        assert mode == ECB
        self._key = algorithms.AES(key)
        self._encryptor: CipherContext | None = None
        self._cmac: CMAC | None = None

    def encrypt(self, blocks: bytes | bytearray | memoryview) -> bytes:
        """Encrypt whole blocks."""
        if self._encryptor is None:
            self._encryptor = Cipher(self._key, modes.ECB()).encryptor()
        return self._encryptor.update(blocks)

    def decrypt(self, blocks: bytes | bytearray | memoryview) -> bytes:
        """Decrypt whole blocks."""
        return Cipher(self._key, modes.ECB()).decryptor().update(blocks)

    def cmac(self, message: bytes | memoryview) -> bytes:
        """See `Aes128.cmac`."""
        if self._cmac is None:
            self._cmac = CMAC(self._key)
        code = self._cmac.copy()
        code.update(bytes(message))
        return code.finalize()
