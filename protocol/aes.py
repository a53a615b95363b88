"""AES-128, any number of independent blocks at a time (ECB): the one thing that differs between the two Pythons."""

from .compat import const
from .errors import ProtocolError

BLOCK_LEN = const(16)
KEY_LEN = const(16)

_ECB = const(1)  # the ESP32 port has no MODE_ECB: cryptolib's modes are bare numbers there

try:
    from cryptolib import aes
except ImportError:  # CPython
    from .aes_cpython import aes  # type: ignore[assignment]


class Aes128:
    """One key, set up once; about 1 kB on CPython. Never shows the key. Not to be shared between threads."""

    def __init__(self, key: bytes) -> None:
        """Set up the 16-byte *key*; ProtocolError for any other length."""
        if len(key) != KEY_LEN:
            raise ProtocolError(f"AES-128 key has {len(key)} bytes; expected {KEY_LEN}")
        self._key = bytes(key)
        self._encryptor = aes(self._key, _ECB)

    def encrypt(self, blocks: bytes | bytearray | memoryview) -> bytes:
        """Encrypt *blocks*, a multiple of 16 bytes, each by itself (FIPS 197, SP 800-38A §6.1).

        Raises ProtocolError for any other length.
        """
        _whole_blocks(blocks)
        return self._encryptor.encrypt(blocks)

    def cmac(self, message: bytes | memoryview) -> bytes | None:
        """AES-CMAC of *message* where a library makes it; None on MicroPython: see `lorawan/cmac.py`."""
        if not hasattr(self._encryptor, "cmac"):
            return None
        code: bytes = self._encryptor.cmac(message)
        return code

    def decrypt(self, blocks: bytes | bytearray | memoryview) -> bytes:
        """Undo `encrypt`; as a LoRaWAN network does to make a Join-Accept. Raises the same."""
        _whole_blocks(blocks)
        # A cryptolib object goes one way only, and this way is rare: no second context for each key.
        return aes(self._key, _ECB).decrypt(blocks)


def _whole_blocks(blocks: bytes | bytearray | memoryview) -> None:
    # `cryptography` would silently keep a part of a block back and prepend it to the next message.
    if len(blocks) % BLOCK_LEN:
        raise ProtocolError(f"AES takes blocks of {BLOCK_LEN} bytes, got {len(blocks)} bytes")
