"""The items of a decoded CBOR message, taken with checks that say which one is wrong."""

from . import cbor
from .cbor import MAX_INT
from .errors import MessageError


def array(payload: bytes | memoryview, least: int, what: str) -> list[object]:
    """Decode *payload* as an array of at least *least* items. Raises CborError or MessageError, naming *what*."""
    items = cbor.decode(payload)
    if not isinstance(items, list):
        raise MessageError(f"{what} is {items!r}; expected a CBOR array")
    if len(items) < least:
        raise MessageError(f"{what} has {len(items)} items; expected at least {least}: was it cut short?")
    return items


def is_integer(item: object) -> bool:
    """Whether *item* is a number; a bool, which CPython counts among them, is none."""
    return isinstance(item, int) and item is not True and item is not False


def integer(item: object, what: str, low: int = 0, high: int = MAX_INT) -> int:
    """Return *item* if it is an integer low..high. Raises MessageError, naming *what*."""
    if isinstance(item, int) and is_integer(item) and low <= item <= high:
        return item
    raise MessageError(f"{what} is {item!r}; expected an integer {low}..{high}")


def integer_or_none(item: object, what: str, low: int = 0, high: int = MAX_INT) -> int | None:
    """Like `integer`, but null, which means "not known", passes as None."""
    return None if item is None else integer(item, what, low, high)
