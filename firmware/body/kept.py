"""What a power cut leaves: NVS, as numbers and byte strings under the names that cores, tool and technician use.

The flashing tool writes settings, app_key, gen_app_key, update_key, and for some nodes site and abp (DevAddr as four
bytes little-endian, NwkSKey, AppSKey); the rest is the node's. A value is one NVS entry, which is there whole or not
at all; the longest, a site with its holidays, has 500 bytes, so that none needs to be cut into parts.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

NAMESPACE = "lampyre"  # boot.py knows it too
MAX_LEN = const(1984)  # of a byte string: half a page of NVS

_SHORT = const(256)
_OF_MAC = ("session", "airtime", "mc0", "mc1", "mc2", "mc3")  # byte strings, then numbers
_NUMBERS_OF_MAC = ("f_cnt_up", "dev_nonce", "join_nonce", "plan")


class Kept:
    """esp32: the module. No method raises: a flash that does not answer has nothing, and takes nothing."""

    def __init__(self, esp32: "Any") -> None:
        self._nvs = esp32.NVS(NAMESPACE)

    def number(self, key: str, missing: int = 0) -> int:
        """The number under *key*."""
        try:
            found: int = self._nvs.get_i32(key)
        except OSError:
            return missing
        return found

    def blob(self, key: str) -> bytes:
        """The bytes under *key*, b"" if there are none."""
        for size in (_SHORT, MAX_LEN):
            room = bytearray(size)
            try:
                return bytes(room[: self._nvs.get_blob(key, room)])
            except OSError:
                pass  # it is not there, or longer than the room
        return b""

    def put(self, key: str, value: int | bytes) -> bool:
        """Write *value* for good; False if it is not there now, so that nothing may be done that depends on it."""
        try:
            if isinstance(value, int):
                self._nvs.set_i32(key, value)
            elif len(value) > MAX_LEN:
                return False
            else:
                self._nvs.set_blob(key, value)
            self._nvs.commit()
        except (OSError, OverflowError):
            return False
        return True

    def erase(self, key: str) -> None:
        """Remove *key*, if it is there."""
        try:
            self._nvs.erase_key(key)
            self._nvs.commit()
        except OSError:
            pass

    def of_mac(self) -> dict[str, int | bytes]:
        """What a MAC persisted, under its names; without what it never did."""
        saved: dict[str, int | bytes] = {}
        for key in _OF_MAC:
            value = self.blob(key)
            if value:
                saved[key] = value
        for key in _NUMBERS_OF_MAC:
            number = self.number(key, -1)
            if number >= 0:
                saved[key] = number
        return saved
