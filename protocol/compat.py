"""The one difference between the two Pythons that shared code has to see: `const`."""


def const(value: int) -> int:
    """Return *value*; MicroPython's compiler folds it and forgets the underscore names bound to it at import."""
    return value


try:
    from micropython import const as const
except ImportError:
    pass  # CPython: the function above
