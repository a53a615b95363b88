"""The content of records: JSON as `gateway/readings/record.py` says for each kind, and back."""

import orjson

from protocol.quantities import quantities_of
from protocol.telemetry import INSTANCE_SHIFT, Status

Quantities = tuple[tuple[int, int], ...]  # (quantity, instance) of each value


def reading_in_a_set(set_number: int, values: list[int | None] | tuple[int | None, ...]) -> bytes:
    """Content of a READING of a set: `[set, value, …]`."""
    return orjson.dumps([set_number, *values])


def rare_reading(quantities: Quantities, values: tuple[int | None, ...]) -> bytes:
    """Content of a READING of quantities that no set lists: `{"<quantity | instance << 8>": value, …}`."""
    keys = [str(quantity | instance << INSTANCE_SHIFT) for quantity, instance in quantities]
    return orjson.dumps(dict(zip(keys, values, strict=True)))


def event(number: int, details: tuple[int, ...]) -> bytes:
    """Content of an EVENT: `[event, detail, …]`."""
    return orjson.dumps([number, *details])


def event_of(content: bytes) -> list[int]:
    """The number and the details of the content of an EVENT."""
    said: list[int] = orjson.loads(content)
    return said


def status(told: Status) -> bytes:
    """Content of a STATUS."""
    return orjson.dumps(
        {
            "version": ".".join(map(str, told.version)),
            "reset_cause": told.reset_cause,
            "uptime_s": told.uptime_s,
            "battery_mv": told.battery_mv,
            "heap_free": told.heap_free,
            "last_error": told.last_error,
            "link_margin_db": told.link_margin_db,
            "next_seq": told.next_seq,
        }
    )


def raw(f_port: int, payload: bytes) -> bytes:
    """Content of a RAW."""
    return orjson.dumps({"f_port": f_port, "payload": payload.hex()})


def notice(name: str, **facts: object) -> bytes:
    """Content of a NOTICE: its name and what belongs to it."""
    return orjson.dumps({"notice": name, **facts})


def order(facts: dict[str, object]) -> bytes:
    """Content of an ORDER."""
    return orjson.dumps(facts)


def values_of(content: bytes) -> list[tuple[tuple[int, int], int | None]]:
    """The (quantity, instance) and scaled value of everything that the content of a READING says, in its order.

    Raises MessageError for a set that this version does not know, which no record of its own has.
    """
    said = orjson.loads(content)
    if isinstance(said, dict):
        return [((int(key) & 0xFF, int(key) >> INSTANCE_SHIFT), value) for key, value in said.items()]
    return list(zip(quantities_of(said[0]), said[1:], strict=True))
