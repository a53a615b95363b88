"""The items of a decoded CBOR message, taken with checks that say which one is wrong."""

from .cbor import MAX_INT
from .errors import MessageError


def array(item: object, what: str, least: int = 0) -> list[object]:
    """Return *item* if it is an array of at least *least* items. Raises MessageError, naming *what*."""
    if not isinstance(item, list):
        raise MessageError(f"{what} is {item!r}; expected an array")
    if len(item) < least:
        raise MessageError(f"{what} has {len(item)} items; expected at least {least}: was it cut short?")
    return item


def is_integer(item: object, low: int = -MAX_INT - 1, high: int = MAX_INT) -> bool:
    """Whether *item* is an integer low..high; a bool, which CPython counts among them, is none."""
    return isinstance(item, int) and item is not True and item is not False and low <= item <= high


def integer(item: object, what: str, low: int = 0, high: int = MAX_INT) -> int:
    """Return *item* if it is an integer low..high. Raises MessageError, naming *what*."""
    if not isinstance(item, int) or item is True or item is False:
        raise MessageError(f"{what} is {item!r}; expected an integer {low}..{high}")
    if not low <= item <= high:
        raise MessageError(f"{what} is {item}; expected {low}..{high}")
    return item


def integer_or_none(item: object, what: str, low: int = 0, high: int = MAX_INT) -> int | None:
    """Like `integer`, but null, which means "not known", passes as None."""
    return None if item is None else integer(item, what, low, high)
