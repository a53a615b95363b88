"""The one difference between the two Pythons that shared code has to see: `const`."""

try:
    from micropython import const as const
except ImportError:  # CPython

    def const(value: int) -> int:
        """Return *value*; MicroPython's compiler folds it and forgets underscore names bound to it at import."""
        return value
