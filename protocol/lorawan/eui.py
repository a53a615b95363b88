"""Identities and keys as people print them, as the program holds them and as the air carries them.

An EUI is held as 8 bytes in the printed order, most significant first; the air carries it the other way round
(TS001-1.0.4 §1.1: little endian), and this file alone turns it. DevAddr and NetID are held as numbers.
"""

from ..compat import const
from ..errors import FrameError
from .ranges import fits

EUI_LEN = const(8)

_HEX_DIGITS = "0123456789abcdefABCDEF"
_SEPARATORS = "-: "
_SHOWN_MAX_LEN = const(40)  # a whole file pasted into the wrong box should not become the error message


def eui_from_text(text: str, name: str = "DevEUI") -> bytes:
    """Read an EUI of 16 hex digits in either case, with or without separators (`-`, `:`, space) between them.

    Returns the 8 bytes as printed. FrameError calls the EUI *name* and says what was found.
    """
    return _bytes_from_hex(text, EUI_LEN, f"{name} '{text[:_SHOWN_MAX_LEN]}'", ", as printed on the label")


def eui_to_text(eui: bytes) -> str:
    """Write an EUI (8 bytes as printed) as 16 lower-case hex digits."""
    return _eui(eui).hex()


def eui_from_wire(wire: bytes | memoryview) -> bytes:
    """Turn the 8 bytes of an EUI on the air (TS001-1.0.4 §6.2.5) into the printed order; FrameError if not 8."""
    return bytes(reversed(_eui(wire)))


def eui_to_wire(eui: bytes) -> bytes:
    """Turn an EUI (8 bytes as printed) into the order of the air; FrameError if not 8."""
    return bytes(reversed(_eui(eui)))


def dev_addr_from_text(text: str, name: str = "DevAddr") -> int:
    """Read a DevAddr or multicast McAddr of 8 hex digits; FrameError says what was found."""
    wire = _bytes_from_hex(text, 4, f"{name} '{text[:_SHOWN_MAX_LEN]}'", "")
    return int.from_bytes(wire, "big")


def dev_addr_to_text(dev_addr: int) -> str:
    """Write a DevAddr as 8 lower-case hex digits; FrameError if it has more than 32 bits."""
    return "%08x" % fits("DevAddr", dev_addr, 32)


def key_from_text(text: str, name: str = "AppKey") -> bytes:
    """Read a 128-bit key of 32 hex digits. FrameError for anything else and for all zeros; it never shows the key."""
    key = _bytes_from_hex(text, 16, name, "")
    if not any(key):
        raise FrameError(f"{name} is all zeros; make a random one")
    return key


def _eui(eui: bytes | memoryview) -> bytes:
    if len(eui) != EUI_LEN:
        raise FrameError(f"EUI has {len(eui)} bytes; expected {EUI_LEN}")
    return bytes(eui)


def _bytes_from_hex(text: str, length: int, shown: str, hint: str) -> bytes:
    digits = []
    for at, char in enumerate(text):
        if char in _HEX_DIGITS:
            digits.append(char)
        elif char not in _SEPARATORS:
            raise FrameError(f"{shown}: character {at + 1} is not a hex digit; expected {2 * length} hex digits{hint}")
        if len(digits) > 2 * length:
            raise FrameError(f"{shown} has more than {2 * length} hex digits; expected {2 * length}{hint}")
    if len(digits) < 2 * length:
        raise FrameError(f"{shown} has {len(digits)} hex digits; expected {2 * length}{hint}")
    return bytes.fromhex("".join(digits))
