"""What the gateway knows of a node's log: where it has come to, and which numbers are missing.

This *is* the folding of repeats: a record is new if and only if its number has not been heard of, or is missing. It is
exact whatever the order in which records come, and needs no look into the database.

Numbers below `next_seq` are had, missing, or given up; those from it on are new. A gap keeps the moments of the records
around it, between which what comes late without an age is dated. A log may be *doubted*: its epoch may be another by
now, or more than half of the numbers that 16 bits can tell apart went by. Until the next status says how things are,
nothing is taken; the node keeps it, and what was not taken is missing then, and asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import orjson

from protocol.lorawan.counters import nearest_full

from .dating import Moment

# How far below next_seq a number may be missing: the node's log, 64 kB of records of 18 bytes and more, does not hold
# more records, voids included; and 16 bits still tell it from a new one.
REACH = 0x4000
# An outage of the gateway leaves at most one gap per reading between a week's events (firmware/recall.py tells readings
# first), 24 a day; a busy week fits.
MAX_GAPS = 256
_STEP = 256  # so many numbers are given up at a time, and told in one notice
_VERSION = 1
_GAP_ITEMS = 6


class Gap(NamedTuple):
    """Missing numbers first .. end - 1; low and high: moments of the nearest dated records on both sides."""

    first: int
    end: int
    low: Moment | None
    high: Moment | None


@dataclass(frozen=True, slots=True)
class NodeLog:
    """epoch: None while it was never heard. next_seq: the least full number not heard of. gaps: oldest first.

    sure: whether epoch and next_seq can be relied on. boot: None if moments are Unix ms, else the gateway's boot whose
    monotonic clock they are of. last_seq, last: the newest dated record and its moment. told_ms: when the last status
    was built. since: where the log had come to when it was first heard of; what its node does not have any more from
    before was not lost here.
    """

    epoch: int | None = None
    next_seq: int = 0
    gaps: tuple[Gap, ...] = ()
    sure: bool = False
    boot: int | None = None
    last_seq: int = -1
    last: Moment | None = None
    since: int = 0
    told_ms: int | None = None

    @staticmethod
    def from_text(text: str | None) -> "NodeLog":
        """What `to_text` wrote; for None, or what cannot be read, a log of which nothing is known: it will be asked."""
        if not text:
            return UNKNOWN
        try:
            version, epoch, next_seq, sure, boot, last_seq, last_ms, last_s, since, told_ms, gaps = orjson.loads(text)
            if version != _VERSION or not isinstance(next_seq, int):
                return UNKNOWN
            return NodeLog(
                epoch,
                next_seq,
                tuple(_gap(gaps[at : at + _GAP_ITEMS]) for at in range(0, len(gaps), _GAP_ITEMS)),
                bool(sure),
                boot,
                last_seq,
                None if last_ms is None else (last_ms, last_s),
                since,
                told_ms,
            )
        except (ValueError, TypeError):
            return UNKNOWN

    def to_text(self) -> str:
        """Compact JSON: [version, epoch, next_seq, sure, boot, last_seq, last_ms, last_s, since, told_ms, [gaps]]."""
        last_ms, last_s = self.last or (None, None)
        numbers: list[int | None] = []
        for first, end, low, high in self.gaps:
            numbers += [first, end, *(low or (None, None)), *(high or (None, None))]
        log = [self.epoch, self.next_seq, self.sure, self.boot, self.last_seq]
        return orjson.dumps([_VERSION, *log, last_ms, last_s, self.since, self.told_ms, numbers]).decode()

    def full(self, seq16: int) -> int:
        """The full number that *seq16* stands for: the nearest to where this log has come to."""
        return nearest_full(self.next_seq, seq16)

    def is_new(self, seq: int) -> bool:
        """Whether the record with this full number is not had yet."""
        return seq >= self.next_seq or self.gap_of(seq) is not None

    def gap_of(self, seq: int) -> Gap | None:
        """The gap that *seq* lies in."""
        for gap in self.gaps:
            if gap[0] <= seq < gap[1]:
                return gap
        return None

    def missing(self) -> int:
        """How many numbers are missing."""
        return sum(gap.end - gap.first for gap in self.gaps)

    def took(self, seq: int, moment: Moment | None, frame: Moment | None) -> "NodeLog":
        """The log with a new record taken. *frame*: when its frame was built, for what it leaves behind undated."""
        if seq >= self.next_seq:
            gaps = self.gaps
            if seq > self.next_seq:
                gaps = (*gaps, Gap(self.next_seq, seq, self.last, moment or frame))
            last_seq, last = (self.last_seq, self.last) if moment is None else (seq, moment)
            return NodeLog(self.epoch, seq + 1, gaps, self.sure, self.boot, last_seq, last, self.since, self.told_ms)
        newest = moment is not None and seq > self.last_seq
        return replace(
            self,
            gaps=tuple(part for gap in self.gaps for part in _around(gap, seq, moment)),
            last_seq=seq if newest else self.last_seq,
            last=moment if newest else self.last,
        )

    def without(self, first: int, end: int) -> "NodeLog":
        """The log where nothing of first .. end - 1 is missing: it was void, or is lost."""
        gaps = []
        for gap in self.gaps:
            if gap.end <= first or gap.first >= end:
                gaps.append(gap)
                continue
            if gap.first < first:
                gaps.append(gap._replace(end=first))
            if gap.end > end:
                gaps.append(gap._replace(first=end))
        return replace(self, gaps=tuple(gaps))

    def voided(self, first: int, end: int, frame: Moment | None) -> "NodeLog":
        """The log of a node that says it never used the numbers first .. end - 1."""
        log = self if first <= self.next_seq else self._reaching(first, frame)
        log = log.without(first, end)
        return log if end <= log.next_seq else replace(log, next_seq=end)

    def reaching(self, next_seq: int, frame: Moment | None) -> "NodeLog":
        """The log that a status says has come to *next_seq*: what was not heard of below it is missing. It is sure."""
        log = self if next_seq <= self.next_seq else self._reaching(next_seq, frame)
        return replace(log, sure=True, told_ms=self.told_ms if frame is None else frame[0])

    def bounded(self) -> tuple["NodeLog", list[tuple[int, int]]]:
        """The log within REACH and MAX_GAPS, and the ranges [first, end) given up for that, oldest first."""
        given_up: list[tuple[int, int]] = []
        log = self
        floor = (self.next_seq - REACH) // _STEP * _STEP
        if self.gaps and self.gaps[0].first < floor:
            given_up = [(gap.first, min(gap.end, floor)) for gap in self.gaps if gap.first < floor]
            log = log.without(0, floor)
        if len(log.gaps) > MAX_GAPS:
            given_up += [(gap.first, gap.end) for gap in log.gaps[:-MAX_GAPS]]
            log = replace(log, gaps=log.gaps[-MAX_GAPS:])
        return log, given_up

    def lost(self, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """What of *ranges* was taken since the log is known."""
        return [(max(first, self.since), end) for first, end in ranges if end > self.since]

    def left_with(self, seqs: Sequence[int], first: int) -> "NodeLog":
        """The log of which, from *first* on, only the records with these numbers are left, ascending.

        It has come to behind the last of them at least: it may be an older one than they are. What is missing is not
        dated yet; of very much only the newest is.
        """
        next_seq = max(self.next_seq, seqs[-1] + 1 if seqs else 0)
        log = self.without(first, next_seq)
        known = {gap[:2]: gap for gap in self.gaps}
        gaps = []
        for seq in (*seqs, next_seq):
            if seq > first:
                gaps.append(known.get((first, seq), Gap(first, seq, None, None)))
            elif seq < first and log.gap_of(seq) is not None:
                log = log.without(seq, seq + 1)
            first = max(first, seq + 1)
        return replace(log, next_seq=next_seq, gaps=(*log.gaps, *gaps)[-MAX_GAPS:])

    def neighbours(self) -> frozenset[int]:
        """The numbers whose moments bound what is missing, and that of the newest."""
        below = (gap.first - 1 for gap in self.gaps)
        return frozenset((*below, *(gap.end for gap in self.gaps), self.next_seq - 1))

    def dated(self, moments: Mapping[int, Moment]) -> "NodeLog":
        """The log with the moments of records around what is missing, where none are known, and of its newest."""
        gaps = tuple(
            gap._replace(low=gap.low or moments.get(gap.first - 1), high=gap.high or moments.get(gap.end))
            for gap in self.gaps
        )
        newest = self.next_seq - 1
        if newest <= self.last_seq or newest not in moments:
            return replace(self, gaps=gaps)
        return replace(self, gaps=gaps, last_seq=newest, last=moments[newest])

    def doubted(self) -> "NodeLog":
        """The log, not to be relied on until the next status."""
        return replace(self, sure=False)

    def on_clock(self, boot: int | None, this_boot: int, offset_ms: int | None) -> "NodeLog":
        """The log with its moments on the clock of *boot* (None: Unix), as far as they can be told in it.

        Unix moments are kept while the time is not known yet, for when it is. Those of an earlier boot that never knew
        the time are let go.
        """
        if self.boot == boot:
            return self
        if self.last is None and all(gap.low is None and gap.high is None for gap in self.gaps):
            return replace(self, boot=boot)
        if self.boot is None:
            return self
        if self.boot == this_boot and boot is None and offset_ms is not None:
            return self._mapped(lambda moment: moment and (moment[0] + offset_ms, moment[1]))
        return replace(self._mapped(lambda _: None), boot=boot, last_seq=-1)

    def _reaching(self, next_seq: int, frame: Moment | None) -> "NodeLog":
        return replace(self, gaps=(*self.gaps, Gap(self.next_seq, next_seq, self.last, frame)), next_seq=next_seq)

    def _mapped(self, change: "_Change") -> "NodeLog":
        gaps = tuple(gap._replace(low=change(gap.low), high=change(gap.high)) for gap in self.gaps)
        told = change(None if self.told_ms is None else (self.told_ms, 0))
        return replace(self, gaps=gaps, last=change(self.last), boot=None, told_ms=told and told[0])

    def unheard_ms(self, now_ms: int) -> int:
        """How long ago the last that this log tells was, on the clock of its moments; 0 if it tells nothing."""
        times = [moment_ms for moment_ms in (self.last and self.last[0], self.told_ms) if moment_ms is not None]
        return now_ms - max(times) if times else 0


class _Change(Protocol):
    def __call__(self, moment: Moment | None, /) -> Moment | None: ...


UNKNOWN = NodeLog()


def opened(epoch: int, next_seq: int, boot: int | None, frame: Moment | None) -> NodeLog:
    """A log that a status with another epoch opens. What its node took before that is missing, as far as it has it."""
    first = max(0, next_seq - REACH)
    gaps = (Gap(first, next_seq, None, frame),) if first < next_seq else ()
    return NodeLog(epoch, next_seq, gaps, sure=True, boot=boot, since=next_seq, told_ms=frame and frame[0])


def doubted(text: str | None) -> str | None:
    """The text of a log from a backup, a snapshot or a salvaged file, for the gateway that starts with it.

    Its node may have begun another log since then: records are taken again once a status has told.
    """
    return None if text is None else NodeLog.from_text(text).doubted().to_text()


def _around(gap: Gap, seq: int, moment: Moment | None) -> Iterator[Gap]:
    """What of *gap* lies below and above a record; its moment bounds both, also where gaps touch."""
    if gap.first < seq:
        yield Gap(gap.first, min(gap.end, seq), gap.low, _earlier(moment, gap.high))
    if seq + 1 < gap.end:
        yield Gap(max(gap.first, seq + 1), gap.end, _later(moment, gap.low), gap.high)


def _earlier(one: Moment | None, other: Moment | None) -> Moment | None:
    """The one that says more as an upper bound."""
    if one is None or other is None:
        return one or other
    return one if one[0] + one[1] * 1000 <= other[0] + other[1] * 1000 else other


def _later(one: Moment | None, other: Moment | None) -> Moment | None:
    """The one that says more as a lower bound."""
    if one is None or other is None:
        return one or other
    return one if one[0] - one[1] * 1000 >= other[0] - other[1] * 1000 else other


def _gap(numbers: list[int | None]) -> Gap:
    first, end, low_ms, low_s, high_ms, high_s = numbers
    if first is None or end is None:
        raise ValueError("a gap without ends")
    low = None if low_ms is None or low_s is None else (low_ms, low_s)
    high = None if high_ms is None or high_s is None else (high_ms, high_s)
    return Gap(first, end, low, high)
