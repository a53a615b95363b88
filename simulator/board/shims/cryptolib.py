"""The module `cryptolib` as the ESP32 port has it: ECB (mode 1) for us, and no way to mix directions in one object."""

import _hw
from uctypes import addressof


class aes:
    """As documented."""

    def __init__(self, key, mode, IV=None):
        if mode != 1:
            raise ValueError("mode")
        if len(key) not in (16, 32):
            raise ValueError("key")
        self._key = bytes(key)
        self._way = None

    def _run(self, way, data, out):
        if self._way not in (None, way):
            raise ValueError("can't encrypt & decrypt")
        if len(data) % 16:
            raise ValueError("blksize % 16")
        self._way = way
        into = bytearray(data) if out is None else out
        if out is not None:
            out[: len(data)] = data
        if into:
            _hw.aes_ecb(way, addressof(self._key), len(self._key), addressof(into), len(data))
        return bytes(into) if out is None else out

    def encrypt(self, data, out=None):
        """As documented."""
        return self._run(1, data, out)

    def decrypt(self, data, out=None):
        """As documented."""
        return self._run(0, data, out)
