"""The one difference that shared code has to see between the two Pythons, `const`; and a mark for what runs rarely."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import TypeVar

    _Function = TypeVar("_Function")

try:
    from micropython import const as const
except ImportError:  # CPython

    def const(value: int) -> int:
        """Return *value*; MicroPython's compiler folds it and forgets underscore names bound to it at import."""
        return value


def on_demand(function: "_Function") -> "_Function":
    """Mark what a node loads for each call and then lets go again (`boards/firmware/split.py`): it runs rarely.

    Not what an interrupt calls, nor what has to be quick.
    """
    return function
