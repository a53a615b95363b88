"""What a record says to the city: from a row of the store to MQTT messages, as `schemas/message.json` describes them.

A record becomes one message for each place it speaks of: a node with two bays is at two places. The same record makes
the same bytes whenever it is sent, but for `historical`, so that a repetition is recognised by its key.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from gateway.governance import defaults
from gateway.governance.dataset import Dataset, Sharing, may_leave
from gateway.places.directory import Device, Directory
from gateway.places.place import PlaceKind
from gateway.readings.record import Kind, Record
from protocol.event_table import EVENTS
from protocol.quantities import SET_COUNT
from protocol.quantity_table import QUANTITIES, SETS
from protocol.telemetry import INSTANCE_SHIFT

SCHEMA = 1  # number of the message schema; it grows when a field changes its meaning, not when one is added

# (boot, ms on its monotonic clock) -> (Unix ms, error in s), or None while nobody can tell.
Resolve = Callable[[int, int], tuple[int, int] | None]

_DATASET_OF = {
    PlaceKind.BAY: defaults.PARKING,
    PlaceKind.LAMP: defaults.LIGHT,
    PlaceKind.STATION: defaults.AIR,
}
_OF_LIGHTING = frozenset({Kind.FAULT, Kind.OUTAGE, Kind.NIGHT})
_DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()

# position in the content, name, divisor, plausible from, plausible to
_Column = tuple[int, str, int, int | None, int]
_Shape = tuple[tuple[int, tuple[_Column, ...]], ...]  # for each instance its columns


class UnreadableRecordError(ValueError):
    """A row's content is not what its kind promises, or its device is unknown."""


class Message(NamedTuple):
    """What goes out as one MQTT message, or as one item of a batch. A plain tuple: thousands a second are made."""

    topic: str
    payload: bytes
    dataset: str


class Messenger:
    """Makes messages of records, for one door: what its class may not have stays inside and is counted.

    prefix, site: the first two levels of every topic. datasets: by name, with all of `gateway.governance.defaults`.
    door: the class of the readers behind the broker. resolve: dates what was received before the time was known.
    """

    def __init__(
        self,
        *,
        prefix: str,
        site: str,
        directory: Directory,
        datasets: Mapping[str, Dataset],
        door: Sharing,
        resolve: Resolve,
    ) -> None:
        self.withheld: dict[str, int] = {}  # messages kept inside, by dataset
        self._root = f"{prefix}/{site}/"
        self._directory = directory
        self._open = {name: may_leave(dataset, door) for name, dataset in datasets.items()}
        self._resolve = resolve

    def batch_topic(self, dataset: str) -> str:
        """Where arrays of messages of *dataset* go."""
        return f"{self._root}{dataset}/batch"

    def messages_of(self, row_id: int, record: Record, historical: bool = False) -> tuple[Message, ...] | None:
        """The messages of a row; none at all when nothing of it may leave; None while its time cannot be told.

        Raises UnreadableRecordError.
        """
        received_ms, observed_ms, error_s = record.received_ms, record.observed_ms, record.time_error_s
        if record.boot is not None:
            dated = self._resolve(record.boot, received_ms)
            if dated is None:
                return None
            if observed_ms is not None:
                observed_ms += dated[0] - received_ms
            received_ms = dated[0]
            error_s = None if error_s is None else error_s + dated[1]
        try:
            device = None if record.device is None else self._directory.device(record.device)
            if device is None and record.device is not None:
                raise UnreadableRecordError(f"row {row_id} is of device {record.device}, which is not registered")
            head: dict[str, Any] = {
                "schema": SCHEMA,
                "kind": record.kind.name.lower(),
                "key": _key(row_id, record, device),
                "dataset": "",
                "place": None,
                "instance": None,
                "observed": None if observed_ms is None else iso_utc(observed_ms),
                "time_error_s": error_s,
                "received": iso_utc(received_ms),
                "historical": historical,
            }
            content = orjson.loads(record.content)
            if record.kind is Kind.READING or record.kind is Kind.EVENT:
                if device is None:
                    raise UnreadableRecordError(f"row {row_id} is a {record.kind.name} of no device")
                at_ms = received_ms if observed_ms is None else observed_ms
                return self._of_places(record, device, head, content, at_ms)
            if record.kind in _OF_LIGHTING:
                return self._of_lighting(record, device, head, content, received_ms)
            return self._of_device(record.kind, device, head, content)
        except UnreadableRecordError:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise UnreadableRecordError(
                f"row {row_id}: a {record.kind.name} cannot read {record.content[:80]!r} ({error}): was it written by"
                " another version?"
            ) from error

    def _of_places(
        self, record: Record, device: Device, head: dict[str, Any], content: Any, at_ms: int
    ) -> tuple[Message, ...]:
        """A message for each instance of the device that a reading or an event speaks of."""
        assert record.device is not None
        if record.kind is Kind.EVENT:
            instance, said = _event(content)
            parts = [(instance, said)]
            leaf = "event"
        else:
            parts = _reading(content)
            leaf = "reading"
        messages = []
        for instance, said in parts:
            place = self._directory.place_of(record.device, instance, at_ms)
            if place is None:
                dataset, level = defaults.UNPLACED, device.dev_eui
            else:
                dataset, level = _DATASET_OF[place.kind], place.place_id
            if not self._may_leave(dataset):
                continue
            head["dataset"] = dataset
            head["place"] = None if place is None else level
            head["instance"] = instance
            topic = f"{self._root}{dataset}/{level}/{leaf}"
            messages.append(Message(topic, orjson.dumps(head | said), dataset))
        return tuple(messages)

    def _of_device(self, kind: Kind, device: Device | None, head: dict[str, Any], content: Any) -> tuple[Message, ...]:
        """The one message of what belongs to no place; its content is told as it is."""
        eui = None if device is None else device.dev_eui
        if kind is Kind.STATUS:
            dataset, field, where = defaults.DEVICES, "status", f"{eui}/status"
        elif kind is Kind.RAW:
            dataset, field, where = defaults.FOREIGN, "raw", f"{eui}/raw"
        elif kind is Kind.ORDER:
            dataset, field, where = defaults.ORDERS, "order", f"{eui or 'group'}/result"
        else:
            dataset, field, where = defaults.GATEWAY, "notice", "notice"
        if not isinstance(content, dict):
            raise TypeError("expected an object")
        if not self._may_leave(dataset):
            return ()
        head["dataset"] = dataset
        head[field] = content
        return (Message(f"{self._root}{dataset}/{where}", orjson.dumps(head), dataset),)

    def _of_lighting(
        self, record: Record, device: Device | None, head: dict[str, Any], content: Any, at_ms: int
    ) -> tuple[Message, ...]:
        """The one message of what the gateway found out about a lamp, a feeder or a night."""
        if not isinstance(content, dict):
            raise TypeError("expected an object")
        dataset = defaults.ENERGY if record.kind is Kind.NIGHT else defaults.LIGHT
        leaf = record.kind.name.lower()
        if not self._may_leave(dataset):
            return ()
        said = {name: value for name, value in content.items() if name not in ("head", "since_ms", "over_ms", "night")}
        if record.kind is Kind.NIGHT:
            said["night"] = _iso_day(content["night"])
        else:
            said["since"] = iso_utc(content["since_ms"])
            said["over"] = None if content["over_ms"] is None else iso_utc(content["over_ms"])
        where = leaf
        if device is not None:
            assert record.device is not None
            head["instance"] = instance = content.get("head", 0)
            place = self._directory.place_of(record.device, instance, at_ms)
            head["place"] = None if place is None else place.place_id
            where = f"{device.dev_eui if place is None else place.place_id}/{leaf}"
        head["dataset"] = dataset
        head[leaf] = said
        return (Message(f"{self._root}{dataset}/{where}", orjson.dumps(head), dataset),)

    def _may_leave(self, dataset: str) -> bool:
        if self._open[dataset]:
            return True
        self.withheld[dataset] = self.withheld.get(dataset, 0) + 1
        return False


def state_of(online: bool, version: str) -> bytes:
    """The gateway's own state, as `schemas/state.json` describes it; version: of this program."""
    return orjson.dumps({"schema": SCHEMA, "state": "online" if online else "offline", "version": version})


def iso_utc(unix_ms: int) -> str:
    """Unix ms as ISO 8601 in UTC, always with milliseconds. Raises ValueError outside the years 1 to 9999."""
    day, ms = divmod(unix_ms, _DAY_MS)
    seconds, ms = divmod(ms, 1000)
    return f"{_iso_day(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}Z"


@lru_cache(maxsize=16)  # live records are of today, drained ones of a few days
def _iso_day(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def _key(row_id: int, record: Record, device: Device | None) -> dict[str, Any]:
    eui = None if device is None else device.dev_eui
    if record.seq is None:
        return {"dev_eui": eui, "row": row_id}
    return {"dev_eui": eui, "epoch": record.epoch, "seq": record.seq}


def _reading(content: Any) -> list[tuple[int, dict[str, Any]]]:
    """For each instance its values in the units of the table, and which of them nobody should believe."""
    if isinstance(content, dict):
        keys = sorted(int(key) for key in content)
        items: list[Any] = [None, *(content[str(key)] for key in keys)]
        shape = _shape_of([(key & 0xFF, key >> INSTANCE_SHIFT) for key in keys])
    else:
        items = content
        shape = _shape_of_set(items[0], len(items) - 1)
    parts = []
    for instance, columns in shape:
        values: dict[str, Any] = {}
        implausible = []
        unscaled = []
        for position, name, divisor, low, high in columns:
            value = items[position]
            if value is None:
                values[name] = None
            elif low is None:
                values[name] = value
                unscaled.append(name)
            else:
                values[name] = value if divisor == 1 else value / divisor
                if not low <= value <= high:
                    implausible.append(name)
        said: dict[str, Any] = {"values": values, "implausible": implausible}
        if unscaled:
            said["unscaled"] = unscaled
        parts.append((instance, said))
    return parts


@lru_cache(maxsize=256)  # the sets there are, each in one length
def _shape_of_set(number: int, size: int) -> _Shape:
    """The shape of a set's content; a set of a newer version keeps its values without names."""
    if not 0 <= number < SET_COUNT:
        return ((0, tuple((1 + at, f"set_{number}_value_{at}", 1, None, 0) for at in range(size))),)
    if len(SETS[number]) != size:
        raise ValueError(f"{size} values; set {number} has {len(SETS[number])}")
    return _shape_of(list(SETS[number]))


def _shape_of(pairs: list[tuple[int, int]]) -> _Shape:
    """What (quantity, instance) pairs mean, in the order of the values, sorted by instance."""
    columns: dict[int, list[_Column]] = {}
    for at, (quantity, instance) in enumerate(pairs):
        if quantity < len(QUANTITIES):
            name, _, decimals, low, high = QUANTITIES[quantity][:5]
            column: _Column = (1 + at, name, 10**decimals, low, high)
        else:
            column = (1 + at, f"quantity_{quantity}", 1, None, 0)
        columns.setdefault(instance, []).append(column)
    return tuple((instance, tuple(columns[instance])) for instance in sorted(columns))


def _event(content: Any) -> tuple[int, dict[str, Any]]:
    """The instance an event is about, and the event with its details by name."""
    number, *details = content
    name, fields = EVENTS[number] if 0 <= number < len(EVENTS) else (f"event_{number}", ())
    instance = 0
    said: dict[str, Any] = {}
    for position, detail in enumerate(details):
        field = fields[position] if position < len(fields) else f"detail_{position}"
        if field == "instance" and detail >= 0:
            instance = detail
        elif field == "quantity" and 0 <= detail < len(QUANTITIES):
            said[field] = QUANTITIES[detail][0]
        else:
            said[field] = detail
    return instance, {"event": name, "details": said}
