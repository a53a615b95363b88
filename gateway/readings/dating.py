"""When a record was taken: from the age that its frame tells, or between its neighbours where a node lost count.

A *moment* is (ms, error_s): it was then, give or take. Whether ms is Unix time or one boot's monotonic clock is the
caller's to know; moments of different clocks never meet here.

A node stamps an age when it builds a frame, in whole seconds of a sleep clock that may be 3 % off. What was taken
before a power cut has no age, because nobody knows how long the node was off: such a run of rows, whose distances
among themselves are known, lies somewhere between the records before and after it, and is put into the middle.
"""

from collections.abc import Sequence
from typing import NamedTuple

from protocol.telemetry_reader import Row

CUT_S = 1  # node clocks count whole seconds
CLOCK_ERROR_PCT = 3  # how far a node's sleep clock may be off

Moment = tuple[int, int]


class Bounds(NamedTuple):
    """What is known of a row that its frame does not date: nearest moments around it, or *exact* if it was known."""

    low: Moment | None
    high: Moment | None
    exact: Moment | None = None


def moment_of(frame_ms: int, age_s: int) -> Moment:
    """The moment *age_s* before a frame that was built at *frame_ms*."""
    return frame_ms - age_s * 1000, CUT_S + clock_error_s(age_s)


def clock_error_s(span_s: int) -> int:
    """How far off *span_s* may be, as a node's clock counted it, in whole seconds, rounded up.

    A slow clock has counted 97 of 100 seconds: of what it counted that is more than 3 %.
    """
    return -(-span_s * CLOCK_ERROR_PCT // (100 - CLOCK_ERROR_PCT))


def date_rows(rows: Sequence[Row], bounds: Sequence[Bounds], frame_ms: int) -> list[Moment | None]:
    """The moment of each row of a frame, newest first; None where nothing tells.

    bounds: for each row. A run of rows without age is dated as a whole, by the gaps between its rows.
    """
    moments: list[Moment | None] = []
    newer: Moment = (frame_ms, 0)  # everything in a frame was taken before it was built
    at = 0
    while at < len(rows):
        age_s = rows[at].age_s
        if age_s is not None:
            newer = moment_of(frame_ms, age_s)
            moments.append(newer)
            at += 1
            continue
        end = at + 1
        while end < len(rows) and rows[end].age_s is None and rows[end].gap_s is not None:
            end += 1
        run = _date_run([row.gap_s or 0 for row in rows[at + 1 : end]], bounds[at:end], newer)
        moments.extend(run)
        newer = next((moment for moment in reversed(run) if moment is not None), newer)
        at = end
    return moments


def _date_run(gaps_s: list[int], bounds: Sequence[Bounds], newer: Moment) -> list[Moment | None]:
    """The moments of a run, newest first; gaps_s: seconds from each row but the first to the one before."""
    offsets_s = [0]
    for gap_s in gaps_s:
        offsets_s.append(offsets_s[-1] + gap_s)
    for bound, offset_s in zip(bounds, offsets_s, strict=True):
        if bound.exact is not None:
            ms, error_s = bound.exact
            return [
                _shifted(ms + (offset_s - other_s) * 1000, error_s, abs(offset_s - other_s)) for other_s in offsets_s
            ]
    low, high = _window(offsets_s, bounds, newer)
    if low is None:
        return [None] * len(offsets_s)
    half_ms = abs(high - low) // 2
    return [_shifted((low + high) // 2 - offset_s * 1000, -(-half_ms // 1000), offset_s) for offset_s in offsets_s]


def _window(offsets_s: list[int], bounds: Sequence[Bounds], newer: Moment) -> tuple[int | None, int]:
    """The earliest and latest ms at which the newest row of a run may have been taken; None: no earliest is known."""
    low: int | None = None
    high = newer[0] + newer[1] * 1000
    for bound, offset_s in zip(bounds, offsets_s, strict=True):
        if bound.low is not None:
            earliest = bound.low[0] + (offset_s - bound.low[1] - clock_error_s(offset_s)) * 1000
            low = earliest if low is None else max(low, earliest)
        if bound.high is not None:
            high = min(high, bound.high[0] + (offset_s + bound.high[1] + clock_error_s(offset_s)) * 1000)
    return low, high


def _shifted(ms: int, error_s: int, span_s: int) -> Moment:
    """A moment that was counted over *span_s* of a node's clock."""
    return ms, error_s + CUT_S + clock_error_s(span_s)
