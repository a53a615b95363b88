"""The one door through which CBOR comes into the gateway: `cbor2` under rules that leave no room for surprises.

The library does more than nodes ever send: tags that compile regular expressions, indefinite lengths, floats, values
that contain themselves. All of that is refused here, and whatever it raises becomes one sentence. What remains is what
`protocol/cbor.py` accepts on a node; unlike a node, the door lets heads longer than needed, map keys out of order and
an empty array one level deeper pass, because they do no harm to a reader and checking costs as much as decoding.
"""

from io import BytesIO
from typing import NoReturn

from cbor2 import CBORDecoder

from protocol.cbor import MAX_DEPTH, MAX_INT, MIN_INT
from protocol.errors import CborError

MAX_LEN = 222  # the longest FRMPayload of EU868 (RP002-1.0.4 §2.4.6, DR4 and above, repeater compatible)


def decode(payload: bytes | memoryview) -> object:
    """The one item that fills *payload* exactly: None, bool, 33-bit int, bytes, str, lists, dicts with int keys.

    Raises CborError for everything else.
    """
    if len(payload) > MAX_LEN:
        raise CborError(f"CBOR of {len(payload)} bytes; expected at most {MAX_LEN}")
    file = BytesIO(payload)
    try:
        # A decoder of its own for every frame: one that is used again remembers (CVE-2025-68131).
        item: object = CBORDecoder(
            file,
            tag_hook=_refuse_tag,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        ).decode()
    except Exception as error:  # nothing of the library, whatever it is, may stop the gateway; CBORDecodeError is usual
        raise CborError(
            f"CBOR of {len(payload)} bytes: {error}; expected what protocol/lampyre.cddl describes"
        ) from None
    if file.tell() != len(payload):
        raise CborError(f"CBOR at byte {file.tell()}: {len(payload) - file.tell()} bytes follow; expected its end")
    _check(item)
    return item


def _check(item: object) -> None:
    """CborError unless *item* is made of what nodes send. The library has seen to it that it is not too deep."""
    kind = type(item)
    if kind is int:
        if not MIN_INT <= item <= MAX_INT:  # type: ignore[operator]  # it is an int
            raise CborError(f"CBOR: the integer {item} has more than 32 bits; expected {MIN_INT}..{MAX_INT}")
    elif kind is list:
        for part in item:  # type: ignore[attr-defined]  # it is a list
            if type(part) is not int or not MIN_INT <= part <= MAX_INT:  # nearly all are: no call for these
                _check(part)
    elif kind is dict:
        for key, value in item.items():  # type: ignore[attr-defined]  # it is a dict
            if type(key) is not int or not MIN_INT <= key <= MAX_INT:
                raise CborError(f"CBOR: the map key {key!r} is not an integer of 32 bits")
            _check(value)
    elif item is not None and kind not in _PLAIN:
        raise CborError(f"CBOR: {item!r} is a {kind.__name__}; expected integers, bytes, text, arrays, maps or null")


def _refuse_tag(*_: object) -> NoReturn:
    raise CborError("there is a tag")


_PLAIN = (bool, bytes, str)
# Tags that the library would act upon by itself; all others come to its tag_hook.
_NO_TAGS = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)
