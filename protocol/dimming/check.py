"""Refuse what is not a whole number within its limits, in one sentence."""

from ..errors import MessageError


def whole(value: object, low: int, high: int, what: str) -> int:
    """Return *value* when it is an int *low*..*high*; MessageError names *what* otherwise (a bool is no number)."""
    if type(value) is not int:
        raise MessageError(f"{what} is {value!r}; expected a whole number {low}..{high}")
    if not low <= value <= high:
        raise MessageError(f"{what} is {value}; expected {low}..{high}")
    return value
