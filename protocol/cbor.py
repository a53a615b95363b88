"""Deterministic CBOR as nodes speak it (RFC 8949 §4.2.1): 32-bit integers, bytes, text, arrays, maps, null, booleans.

Left out because nothing here needs them, and refused when they arrive: floats, tags, indefinite lengths, 64-bit
heads, simple values other than false, true and null, and maps with keys other than integers. What is accepted has
exactly one encoding, so two nodes with the same reading send the same bytes.
"""

from .compat import const, on_demand
from .errors import CborError

MAX_DEPTH = const(4)  # the deepest message is an array in an array in a map; more is an attack on the node's stack
MAX_INT = const(0xFFFFFFFF)  # GPS seconds and counters; a node has no use for 64 bits
MIN_INT = const(-0x100000000)  # what a 32-bit head reaches downwards

_UNSIGNED = const(0)
_NEGATIVE = const(1)
_BYTES = const(2)
_TEXT = const(3)
_ARRAY = const(4)
_MAP = const(5)
_SIMPLE = const(7)

_FALSE = const(0xF4)
_TRUE = const(0xF5)
_NULL = const(0xF6)


def encode(value: object) -> bytes:
    """Encode *value*: None, bool, int, bytes, str, or lists, tuples and dicts of them (keys: int).

    Raises CborError for anything else, for integers outside -2^32..2^32-1 and for nesting beyond MAX_DEPTH.
    """
    out = bytearray()
    _append(out, value, 0)
    return bytes(out)


def encode_sequence(values: list[object]) -> bytes:
    """The encodings of *values* one after another (RFC 8742), for callers that put an `array_head` before them.

    Raises CborError as `encode` does.
    """
    out = bytearray()
    for value in values:
        _append(out, value, 0)
    return bytes(out)


@on_demand
def decode(data: bytes | memoryview) -> object:
    """Decode the one item that fills *data* exactly; arrays become lists, maps dicts with integer keys.

    Raises CborError, naming the byte, for everything that is not well formed, not deterministic (RFC 8949 §4.2.1)
    or outside the subset. Memory stays in proportion to len(data), whatever a length in it claims.
    """
    reader = _Reader(memoryview(data))
    value = reader.item(0)
    if reader.at != len(data):
        raise CborError(f"CBOR at byte {reader.at}: {len(data) - reader.at} bytes follow the item; expected its end")
    return value


def array_head(count: int) -> bytes:
    """The head of an array of *count* items, for callers that place encoded items behind it themselves."""
    out = bytearray()
    _append_head(out, _ARRAY, count)
    return bytes(out)


def _append_head(out: bytearray, major: int, argument: int) -> None:
    """Write a head in its shortest form (RFC 8949 §3.1)."""
    major <<= 5
    if argument < 24:
        out.append(major | argument)
    elif argument <= 0xFF:
        out.append(major | 24)
        out.append(argument)
    elif argument <= 0xFFFF:
        out.append(major | 25)
        out.extend(argument.to_bytes(2, "big"))
    elif argument <= MAX_INT:
        out.append(major | 26)
        out.extend(argument.to_bytes(4, "big"))
    else:
        raise CborError(f"cannot encode an integer or length of {argument}; expected at most {MAX_INT} (32 bits)")


def _append(out: bytearray, value: object, depth: int) -> None:
    if value is None:
        out.append(_NULL)
    elif value is True:  # before int: on CPython a bool is one
        out.append(_TRUE)
    elif value is False:
        out.append(_FALSE)
    elif isinstance(value, int):
        if -24 <= value < 24:  # most of what nodes say: small differences, in one byte
            out.append(value if value >= 0 else 31 - value)
        elif value < 0:
            _append_head(out, _NEGATIVE, -1 - value)
        else:
            _append_head(out, _UNSIGNED, value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _append_head(out, _BYTES, len(value))
        out.extend(value)
    elif isinstance(value, str):
        _append_text(out, value)
    elif depth == MAX_DEPTH:
        raise CborError(f"cannot encode more than {MAX_DEPTH} nested arrays and maps")
    elif isinstance(value, (list, tuple)):
        _append_head(out, _ARRAY, len(value))
        for item in value:
            _append(out, item, depth + 1)
    elif isinstance(value, dict):
        _append_map(out, value, depth)
    else:
        raise CborError(f"cannot encode {value!r}; expected None, bool, int, bytes, str, list, tuple or dict")


def _append_text(out: bytearray, value: str) -> None:
    text = value.encode("utf-8", "surrogatepass")  # as MicroPython does unasked
    if not _is_utf8(text):
        raise CborError(f"cannot encode {value!r} as UTF-8; expected text without lone surrogates")
    _append_head(out, _TEXT, len(text))
    out.extend(text)


def _append_map(out: bytearray, pairs: dict[object, object], depth: int) -> None:
    """Write a map with its keys in the bytewise order of their encodings (RFC 8949 §4.2.1)."""
    encoded = []
    for key, value in pairs.items():
        if key is True or key is False or not isinstance(key, int):
            raise CborError(f"cannot encode the map key {key!r}; expected an integer")
        item = bytearray()
        _append(item, value, depth + 1)
        encoded.append((encode(key), item))
    encoded.sort(key=lambda pair: pair[0])
    _append_head(out, _MAP, len(encoded))
    for head, item in encoded:
        out.extend(head)
        out.extend(item)


@on_demand
class _Reader:
    """Walks once over a message; `at` is the byte it has come to."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.at = 0

    def item(self, depth: int) -> object:
        start = self.at
        if start == len(self.view):
            raise CborError(f"CBOR at byte {start}: the message ends where an item was expected; was it cut short?")
        first = self.view[start]
        self.at = start + 1
        if first < 24:  # most of what nodes say: a small integer is its own head
            return first
        if first == _NULL:
            return None
        if first == _TRUE:
            return True
        if first == _FALSE:
            return False
        major = first >> 5
        if major in (_SIMPLE, 6):
            kind = "a tag" if major == 6 else "a float or simple value"
            raise CborError(f"CBOR at byte {start}: {kind} (0x{first:02x}); expected an integer, string, array or map")
        argument = self.argument(first & 31, start)
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        if major in (_BYTES, _TEXT):
            return self.string(major, argument, start)
        if depth == MAX_DEPTH:
            raise CborError(f"CBOR at byte {start}: nested deeper than {MAX_DEPTH} arrays and maps")
        if major == _ARRAY:
            self.room_for(argument, "an array", start)
            return [self.item(depth + 1) for _ in range(argument)]
        self.room_for(2 * argument, "a map", start)
        return self.map(argument, depth)

    def argument(self, short: int, start: int) -> int:
        """Read the argument of a head (RFC 8949 §3), which must have its shortest form."""
        if short < 24:
            return short
        if short > 26:
            what = "an indefinite length" if short == 31 else "a 64-bit or reserved head"
            raise CborError(f"CBOR at byte {start}: {what}; expected lengths and integers of at most 32 bits")
        size = 1 << (short - 24)
        self.room_for(size, "a head", start)
        value = int.from_bytes(self.view[self.at : self.at + size], "big")
        self.at += size
        if value < 24 or (size > 1 and value >> (4 * size) == 0):
            raise CborError(f"CBOR at byte {start}: {value} takes {size + 1} bytes; expected its shortest form")
        return value

    def room_for(self, count: int, what: str, start: int) -> None:
        """Refuse a claim that the rest of the message cannot hold, before anything is made for it."""
        left = len(self.view) - self.at
        if count > left:
            raise CborError(
                f"CBOR at byte {start}: {what} needs {count} bytes, {left} remain; was the message cut short?"
            )

    def string(self, major: int, size: int, start: int) -> bytes | str:
        self.room_for(size, "a string", start)
        data = bytes(self.view[self.at : self.at + size])
        self.at += size
        if major == _BYTES:
            return data
        if not _is_utf8(data):
            raise CborError(f"CBOR at byte {start}: text of {size} bytes is not UTF-8")
        return data.decode()

    def map(self, count: int, depth: int) -> dict[int, object]:
        result: dict[int, object] = {}
        last = b""
        for _ in range(count):
            start = self.at
            key = self.item(MAX_DEPTH)  # an integer needs no depth; arrays and maps as keys are refused at once
            if key is True or key is False or not isinstance(key, int):
                raise CborError(f"CBOR at byte {start}: the map key {key!r} is not an integer")
            encoded = bytes(self.view[start : self.at])
            if encoded <= last:
                raise CborError(f"CBOR at byte {start}: map key {key} is repeated or out of order")
            last = encoded
            result[key] = self.item(depth + 1)
        return result


@on_demand
def _is_utf8(data: bytes) -> bool:
    """Whether *data* is UTF-8 (RFC 3629 §4); MicroPython's decoder lets overlong forms and surrogates pass."""
    at = 0
    while at < len(data):
        lead = data[at]
        if lead < 0x80:
            at += 1
            continue
        if not 0xC2 <= lead <= 0xF4:
            return False
        follow = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        code = lead & (0x3F >> follow)
        tail = data[at + 1 : at + 1 + follow]
        for byte in tail:
            if byte >> 6 != 2:
                return False
            code = code << 6 | byte & 0x3F
        if len(tail) < follow or code < (0x80, 0x800, 0x10000)[follow - 1] or code > 0x10FFFF or code >> 11 == 27:
            return False  # cut short, overlong, beyond Unicode, or half of a surrogate pair (U+D800..DFFF)
        at += 1 + follow
    return True
