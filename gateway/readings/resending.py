"""When to ask a node for records that are missing: only for what will not come by itself, and never in a hurry.

A reading is repeated with the next three, an event twice within five minutes. So a missing number will not come any
more once a frame with two repeats or more, or three frames with fewer, came, and six minutes have passed since it was
noticed: the next frame has at most three repeats, and those are what this one had. What lies below such a frame's
readings is six minutes old by itself if the reading above it is: so an outage's backlog is asked for at once. The
oldest such numbers are asked for, one order at a time; the node answers at its own pace, oldest first, and whatever it
does not have it says is void or too old. While records keep coming there is nothing to ask.

A log that is in doubt is asked for a number that no node has any more: the node answers with a status.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from .node_log import NodeLog

REPEATED = 3  # readings that ride along with the newest (firmware/telling.py)
EVENTS_OVER_MS = 6 * 60_000  # the last repeat of an event is sent 5 minutes after the first
_LATE_MS = 2 * 3_600_000  # with no readings at all, as from a node that tells only events
_MOST_MARKS = 8  # moments remembered for one device: the newest ripe one and those that ripen, two hours of an air node
# Numbers in one order: a day of the busiest node. It is answered for hours; what is lost again is asked for sooner.
MAX_COUNT = 1024
# Gaps with so few numbers between them are asked for together: a downlink costs the street more than some repeats.
_TOGETHER = 8
_PAUSE_MS = 15 * 60_000  # between two answers at the slowest data rate lie six minutes of duty cycle
_MAX_PAUSE_MS = 6 * 3_600_000
EXPIRES_IN_S = 6 * 3600  # a node is heard several times within that
# What a node with a number near *newest* has long forgotten: 61,440 numbers ago. Its log holds some thousand.
_LONG_GONE = 0x1000


class Ask(NamedTuple):
    """Ask for so many numbers from *first16* on; end: the full number behind them, 0 for a status."""

    first16: int
    numbers: int
    end: int

    @property
    def range(self) -> tuple[int, int]:
        """The full numbers that are asked for, [first, end)."""
        return self.end - self.numbers, self.end


class _Mark(NamedTuple):
    """At *ms* the log had come to *next_seq*; frames: of readings heard since, one that repeats two counts for all."""

    ms: int
    next_seq: int
    frames: int


@dataclass(slots=True)
class _Watch:
    """A device that something is missing of. again_ms: not before that; order: the id of the ask under way."""

    marks: list[_Mark] = field(default_factory=list)
    again_ms: int = 0
    pause_ms: int = _PAUSE_MS
    order: int | None = None
    missing: int = 0
    asked: tuple[int, int] = (0, 0)  # the full numbers last asked for, first and end; a round goes on behind them


class Resending:
    """Soft state of the devices whose log has gaps, or is in doubt."""

    def __init__(self) -> None:
        self._watches: dict[bytes, _Watch] = {}

    def heard(
        self,
        dev_eui: bytes,
        log: NodeLog,
        rows: int,
        newest: int | None,
        now_ms: int,
        oldest: int | None = None,
        clock_ms: int | None = None,
    ) -> Ask | None:
        """What to ask, after an uplink of *rows* readings whose newest number was *newest* (16 bits), None: no number.

        oldest: the full number of the oldest of them. clock_ms: now, on the clock of the log's moments; None: they are
        of another.
        Every Ask is to be answered with `asked` or is forgotten.
        """
        if log.sure and not log.gaps:
            self._watches.pop(dev_eui, None)
            return None
        watch = self._watches.get(dev_eui)
        if watch is None:
            watch = self._watches[dev_eui] = _Watch()
        if not log.sure:
            return self._doubt(watch, log, newest, now_ms)
        self._note(watch, log, rows, now_ms)
        if watch.order is not None or now_ms < watch.again_ms:
            return None
        below = _ripe_below(watch.marks, now_ms)
        if rows >= REPEATED and oldest is not None and clock_ms is not None:
            below = max(below, _past_below(log, oldest, clock_ms))
        return self._next(watch, log, below)

    def asked(self, dev_eui: bytes, ask: Ask, order_id: int, now_ms: int) -> None:
        """The ask became the order with this id."""
        watch = self._watches[dev_eui]
        watch.order = order_id
        watch.asked = ask.range
        watch.again_ms = now_ms + watch.pause_ms
        watch.pause_ms = min(2 * watch.pause_ms, _MAX_PAUSE_MS)

    def ended(self, dev_eui: bytes, order_id: int, now_ms: int) -> None:
        """The order is over, whatever became of it: what it asked for has time to come now."""
        watch = self._watches.get(dev_eui)
        if watch is not None and watch.order == order_id:
            watch.order = None
            watch.again_ms = max(watch.again_ms, now_ms + _PAUSE_MS)

    def forget(self, dev_eui: bytes) -> None:
        """The device was removed."""
        self._watches.pop(dev_eui, None)

    def _doubt(self, watch: _Watch, log: NodeLog, newest: int | None, now_ms: int) -> Ask | None:
        if watch.order is not None or now_ms < watch.again_ms:
            return None
        near = log.next_seq if newest is None else newest
        return Ask((near + _LONG_GONE) & 0xFFFF, 1, 0)

    def _note(self, watch: _Watch, log: NodeLog, rows: int, now_ms: int) -> None:
        """Remember how far the log had come when, and whether what was asked for is coming."""
        missing = log.missing()
        if missing < watch.missing:
            watch.pause_ms = _PAUSE_MS
            first, end = watch.asked
            is_answered = all(gap.end <= first or gap.first >= end for gap in log.gaps)
            watch.again_ms = now_ms if is_answered else max(watch.again_ms, now_ms + _PAUSE_MS)
        watch.missing = missing
        if rows:
            heard = REPEATED if rows >= REPEATED else 1
            watch.marks = [mark._replace(frames=mark.frames + heard) for mark in watch.marks]
        while len(watch.marks) > 1 and _is_ripe(watch.marks[1], now_ms):
            watch.marks.pop(0)
        if not watch.marks or watch.marks[-1].next_seq < log.next_seq:
            del watch.marks[_MOST_MARKS - 1 :]  # the older ones must ripen, however much a node talks
            watch.marks.append(_Mark(now_ms, log.next_seq, REPEATED if rows >= REPEATED else 0))

    def _next(self, watch: _Watch, log: NodeLog, below: int) -> Ask | None:
        ripe = [gap for gap in log.gaps if gap.first < below]
        if not ripe:
            return None
        behind = watch.asked[1]
        ripe = [gap for gap in ripe if gap.end > behind] or ripe
        first = max(ripe[0].first, behind) if ripe[0].end > behind else ripe[0].first
        end = min(ripe[0].end, below)
        for gap in ripe[1:]:
            if gap.first - end > _TOGETHER:
                break
            end = min(gap.end, below)
        count = min(end - first, MAX_COUNT)
        return Ask(first & 0xFFFF, count, first + count)


def _ripe_below(marks: list[_Mark], now_ms: int) -> int:
    """The number below which nothing that is missing will come by itself."""
    return max([mark.next_seq for mark in marks if _is_ripe(mark, now_ms)], default=0)


def _past_below(log: NodeLog, oldest: int, clock_ms: int) -> int:
    """The same, of what lies below the *oldest* reading of a frame with repeats."""
    ends = [
        gap.end
        for gap in log.gaps
        if gap.end <= oldest and gap.high and clock_ms - gap.high[0] - gap.high[1] * 1000 >= EVENTS_OVER_MS
    ]
    return max(ends, default=0)


def _is_ripe(mark: _Mark, now_ms: int) -> bool:
    age_ms = now_ms - mark.ms
    return age_ms >= _LATE_MS or (age_ms >= EVENTS_OVER_MS and mark.frames >= REPEATED)
