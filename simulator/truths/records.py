"""What becomes of records: kept by a node, on the gateway's card, at the subscriber. Each once, as it was, when it was.

A record is its node, log epoch and number. What arrived is forgotten but for when and a checksum, so that a run of
half a million records stays small.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from firmware.store.log import EVENT
from protocol.event_table import EVENTS
from simulator.truths.breaches import NOTHING_INVENTED, PUBLISHED_ONCE, Breaches
from simulator.truths.expected import Values, expected, instances_of

_VOID = next(number for number, (name, _) in enumerate(EVENTS) if name == "void")
_BAY_EVENTS = frozenset(number for number, (name, _) in enumerate(EVENTS) if name in ("bay_taken", "bay_left"))
_DIRECT_S = 5  # a record whose error is said to be no more was dated by the age that its frame told
_NOT_YET = -1
_HOUR_US = 3_600_000_000


class Arrival(NamedTuple):
    """A message of a record, the first with its key. whole: the record's last instance; error_us: None: undated.

    error_us: how far off it was dated, of a record that was dated directly; 0 of others. said: values or details.
    """

    node: str
    kind: int
    bay: bool  # it tells of a bay that was taken or left
    taken_us: int
    instance: int
    said: Mapping[str, Any]
    error_us: int
    whole: bool


class _Log:
    """What one node's log of one epoch held: records on their way, and of each number when it arrived.

    waiting: by number: (virtual µs, kind, number of set or event, values, instances that have not arrived).
    """

    __slots__ = ("arrived_us", "crc", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[int, int, int, Values, tuple[int, ...]]] = {}
        self.arrived_us: dict[int, array[int]] = {}  # by instance
        self.crc: dict[int, array[int]] = {}


class Records:
    """start_s: Unix time of virtual time 0.

    taken, arrived: how many records, by kind. undated: how many came without a date. repeats: messages that came again.
    due: records taken before due_us; of them due_arrived came, due_soon within an hour after the radio let anything of
    their node through.
    """

    def __init__(self, start_s: int, breaches: Breaches, due_us: int = 1 << 62) -> None:
        self.due = 0
        self.due_arrived = 0
        self.due_soon = 0
        self._due_us = due_us
        self._heard_us: dict[str, array[int]] = {}  # by node, when its frames came through
        self.taken = [0, 0]
        self.arrived = [0, 0]
        self.undated = 0
        self.repeats = 0
        self._start_s = start_s
        self._breaches = breaches
        self._names: dict[str, str] = {}  # by DevEUI in hex
        self._logs: dict[tuple[str, int], _Log] = {}
        self._excused_us = _NOT_YET  # when messages were last in doubt
        self._late: dict[str, tuple[int, int]] = {}  # by node: how late its frame was that came at a time
        self._off: list[tuple[int, int, int]] = []  # when the gateway's clock was wrong: from, to, µs

    def meet(self, name: str, dev_eui: bytes) -> None:
        """A node will take part."""
        self._names[dev_eui.hex()] = name

    def keep(self, name: str, epoch: int, seq: int, kind: int, number: int, values: Values, time_us: int) -> bool:
        """A node puts a record into its log; False for one that says that numbers were never used."""
        if kind == EVENT and number == _VOID:
            return False
        log = self._logs.get((name, epoch))
        if log is None:
            log = self._logs[name, epoch] = _Log()
        log.waiting[seq] = time_us, kind, number, values, instances_of(kind, number, values)
        self.taken[kind] += 1
        self.due += time_us < self._due_us
        return True

    def heard(self, name: str, time_us: int) -> None:
        """A frame of the node came through."""
        heard_us = self._heard_us.get(name)
        if heard_us is None:
            heard_us = self._heard_us[name] = array("q")
        heard_us.append(time_us)

    def tells_of_bay(self, kind: int, number: int) -> bool:
        """Whether a record tells that a bay was taken or left."""
        return kind == EVENT and number in _BAY_EVENTS

    def doubt(self, time_us: int) -> None:
        """An acknowledgement may be lost, or a cursor: what arrived until now may come again."""
        self._excused_us = time_us

    def clock_off(self, from_us: int, to_us: int, off_us: int) -> None:
        """The gateway's clock is wrong meanwhile by so much, and says it is right."""
        self._off.append((from_us, to_us, abs(off_us)))

    def delayed(self, name: str, late_us: int, time_us: int) -> None:
        """A frame of that node was held back for so long and is heard at *time_us*: what it tells is dated late."""
        self._late[name] = late_us, time_us

    def waiting(self) -> int:
        """How many records have not arrived."""
        return sum(len(log.waiting) for log in self._logs.values())

    def missing(self) -> list[tuple[str, int, int, int]]:
        """Records that have not arrived: (node, epoch, seq, virtual µs of their taking)."""
        return [
            (name, epoch, seq, entry[0])
            for (name, epoch), log in self._logs.items()
            for seq, entry in log.waiting.items()
        ]

    def arrive(self, message: Mapping[str, Any], time_us: int) -> Arrival | None:
        """A reading or an event comes to the subscriber; None for one that came before, or that never was."""
        key = message["key"]
        name = self._names.get(key["dev_eui"], key["dev_eui"])
        seq, instance = key["seq"], message["instance"]
        log = self._logs.get((name, key["epoch"]))
        entry = None if log is None else log.waiting.get(seq)
        said = message["values"] if message["kind"] == "reading" else {"event": message["event"]} | message["details"]
        if log is None or entry is None or instance not in entry[4]:
            self._again(name, log, seq, instance, said, message, time_us)
            return None
        taken_us, kind, number, values, instances = entry
        if said != expected(kind, number, values, instance) or (kind == EVENT) != (message["kind"] == "event"):
            what = f"record {seq} says what was not sensed: {expected(kind, number, values, instance)}"
            self._breaches(NOTHING_INVENTED, time_us, name, what, _text(message))
        error_us = self._date(name, seq, taken_us, message, time_us)
        _put(log.arrived_us, "q", _NOT_YET, instance, seq, time_us)
        _put(log.crc, "I", 0, instance, seq, _crc(said))
        if len(instances) == 1:
            del log.waiting[seq]
            self.arrived[kind] += 1
            if taken_us < self._due_us:
                self.due_arrived += 1
                self.due_soon += time_us - self._allowed_us(name, taken_us) <= _HOUR_US
        else:
            left = tuple(other for other in instances if other != instance)
            log.waiting[seq] = taken_us, kind, number, values, left
        bay = kind == EVENT and number in _BAY_EVENTS
        return Arrival(name, kind, bay, taken_us, instance, said, error_us, len(instances) == 1)

    def _again(
        self,
        name: str,
        log: _Log | None,
        seq: int,
        instance: int,
        said: Mapping[str, Any],
        message: Mapping[str, Any],
        time_us: int,
    ) -> None:
        """A message of nothing that is on its way: it came before, or it was invented."""
        times = None if log is None else log.arrived_us.get(instance)
        if log is None or times is None or seq >= len(times) or times[seq] == _NOT_YET:
            self._breaches(NOTHING_INVENTED, time_us, name, f"record {seq} was never taken", _text(message))
            return
        self.repeats += 1
        if log.crc[instance][seq] != _crc(said):
            what = f"record {seq} came again and says something else"
            self._breaches(PUBLISHED_ONCE, time_us, name, what, _text(message))
        elif times[seq] > self._excused_us:
            what = f"record {seq} came again, and no acknowledgement was in doubt since it came first"
            self._breaches(PUBLISHED_ONCE, time_us, name, what, _text(message))

    def _allowed_us(self, name: str, taken_us: int) -> int:
        """When the radio first let something of the node through that could have told of what was taken then."""
        heard_us = self._heard_us.get(name)
        at = 0 if heard_us is None else bisect_left(heard_us, taken_us)
        return taken_us if heard_us is None or at == len(heard_us) else heard_us[at]

    def _date(self, name: str, seq: int, taken_us: int, message: Mapping[str, Any], time_us: int) -> int:
        """Whether it is dated right, within the error it admits; how far off one is that was dated directly."""
        observed, error_s = message["observed"], message["time_error_s"]
        if observed is None or error_s is None:
            self.undated += 1
            return 0
        observed_us = round(datetime.fromisoformat(observed).timestamp() * 1000) * 1000 - self._start_s * 1_000_000
        off_us = abs(observed_us - taken_us)
        if off_us > error_s * 1_000_000:
            if self._excused(name, off_us - error_s * 1_000_000, taken_us, time_us):
                return 0
            what = f"record {seq} is dated {off_us / 1e6:.1f} s off and says at most {error_s} s"
            self._breaches(NOTHING_INVENTED, time_us, name, what, _text(message))
        return off_us if error_s <= _DIRECT_S else 0

    def _excused(self, name: str, off_us: int, taken_us: int, time_us: int) -> bool:
        """Whether the gateway's clock was wrong by as much since its taking, or its frame was held back for as long."""
        late_us, at_us = self._late.get(name, (0, 0))
        if off_us <= late_us and taken_us <= at_us <= time_us:
            return True
        return any(
            from_us <= time_us and taken_us <= to_us and off_us <= wrong_us for from_us, to_us, wrong_us in self._off
        )


def _put(arrays: dict[int, "array[int]"], code: str, nothing: int, instance: int, seq: int, value: int) -> None:
    numbers = arrays.get(instance)
    if numbers is None:
        numbers = arrays[instance] = array(code)
    while len(numbers) <= seq:
        numbers.append(nothing)
    numbers[seq] = value


def _crc(said: Mapping[str, Any]) -> int:
    return crc32(orjson.dumps(said))


def _text(message: Mapping[str, Any]) -> str:
    return orjson.dumps(message).decode()
