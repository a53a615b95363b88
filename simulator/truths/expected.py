"""What a record must look like when it is published, made of what the sensors showed: by the table of quantities only.

Shares no code with the gateway's messages.
"""

from functools import lru_cache

from firmware.store.log import EVENT
from firmware.telling import RARE
from protocol.event_table import EVENTS
from protocol.quantities import quantities_of
from protocol.quantity_table import Quantity

_INSTANCE_SHIFT = 8  # of a key of the map form: quantity | instance << 8 (`protocol/lampyre.cddl`)

Values = tuple[int | None, ...]
Said = dict[str, float | int | str | None]
_Column = tuple[int, str, int]  # position among the values, name, divisor


def instances_of(kind: int, number: int, values: Values) -> tuple[int, ...]:
    """The instances that a record speaks of, each in a message of its own; see `expected`."""
    if kind == EVENT:
        return (_event(number, values)[0],)
    return tuple(instance for instance, _ in _shape(number, _keys(number, values)))


def expected(kind: int, number: int, values: Values, instance: int) -> Said:
    """What the message of *instance* says: a reading's values by name, or an event's details with its name as "event".

    kind: READING or EVENT; number: of the set or of the event, as the log keeps them.
    """
    if kind == EVENT:
        return _event(number, values)[1]
    keys = _keys(number, values)
    told = values[len(keys) :]
    said: Said = {}
    for found, columns in _shape(number, keys):
        if found == instance:
            for position, name, divisor in columns:
                value = told[position]
                said[name] = value if value is None or divisor == 1 else value / divisor
    return said


def _keys(number: int, values: Values) -> tuple[int, ...]:
    return tuple(key for key in values[: len(values) // 2] if key is not None) if number == RARE else ()


@lru_cache(maxsize=512)  # the sets there are, and what roles tell rarely
def _shape(number: int, keys: tuple[int, ...]) -> tuple[tuple[int, tuple[_Column, ...]], ...]:
    """For each instance its columns."""
    pairs = (
        [(key & ((1 << _INSTANCE_SHIFT) - 1), key >> _INSTANCE_SHIFT) for key in keys]
        if number == RARE
        else list(quantities_of(number))
    )
    columns: dict[int, list[_Column]] = {}
    for position, (quantity, instance) in enumerate(pairs):
        row = Quantity(quantity)
        columns.setdefault(instance, []).append((position, row.name, int(10**row.decimals)))
    return tuple((instance, tuple(columns[instance])) for instance in sorted(columns))


def _event(number: int, details: Values) -> tuple[int, Said]:
    name, fields = EVENTS[number]
    said: Said = {"event": name}
    instance = 0
    for field, detail in zip(fields, details, strict=False):
        if field == "instance":
            instance = detail or 0
        elif field == "quantity" and detail is not None:
            said[field] = Quantity(detail).name
        else:
            said[field] = detail
    return instance, said
