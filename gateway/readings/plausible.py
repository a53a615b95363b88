"""Which values of a reading no sensor can have seen: they are kept and published, with a mark."""

from collections.abc import Iterable

from protocol.quantity_table import QUANTITIES

_RANGES = tuple((row[3], row[4]) for row in QUANTITIES)


def implausible(values: Iterable[tuple[tuple[int, int], int | None]]) -> tuple[tuple[int, int], ...]:
    """The (quantity, instance) pairs whose scaled value lies outside the range in `protocol/quantity_table.py`.

    values: as `gateway.readings.content.values_of` gives them. What is not known, and quantities of a newer version,
    are not implausible.
    """
    return tuple(pair for pair, value in values if value is not None and not _plausible(pair[0], value))


def _plausible(quantity: int, value: int) -> bool:
    if quantity >= len(_RANGES):
        return True
    low, high = _RANGES[quantity]
    return low <= value <= high
