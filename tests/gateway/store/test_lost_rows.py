"""What is lost of a file without a trace is asked for again: exactly that, and never much that was let go long ago."""

import apsw
import pytest

from gateway.readings.node_log import MAX_GAPS, REACH, Gap, NodeLog
from gateway.readings.record import Kind
from gateway.store.counters import load_counters, write_counters
from gateway.store.lost_rows import UNSEEN, miss_lost_rows
from gateway.store.records import RecordWriter
from gateway.store.writes import KeepCounters
from tests.gateway.store.samples import NOON_MS, new_database, record

EPOCH = 0xBEEF
BEYOND = REACH + 10_000


def reading(seq, device=1, **changes):
    return record(device, seq, **{"observed_ms": NOON_MS + 1000 * seq, **changes})


def left(database, seqs, log, delivered_id=None, more=()):
    """The log of device 1 after a salvage that left these readings, and *more* records."""
    with database:
        write_counters(database, [KeepCounters(1, 41, 128, log.to_text())])
        RecordWriter().append(database, [*map(reading, seqs), *more])
        missing = miss_lost_rows(database, delivered_id)
    kept = load_counters(database)[1]
    assert (kept.f_cnt_up, kept.f_cnt_down) == (41, 128)
    after = NodeLog.from_text(kept.log)
    assert missing == after.missing() - log.missing() or missing == 0
    return after


def ranges(log):
    return [(gap.first, gap.end) for gap in log.gaps]


@pytest.fixture(name="database")
def _database() -> apsw.Connection:
    return new_database()


def known(next_seq, **changes):
    return NodeLog(epoch=EPOCH, next_seq=next_seq, sure=True, **changes)


def test_where_nothing_is_lost_the_log_stays_as_it_is(database):
    log = known(8, gaps=(Gap(3, 5, (1, 2), (3, 4)),), last_seq=7, last=(5, 6))
    assert left(database, [0, 1, 2, 5, 6, 7], log) == log


def test_what_has_no_row_any_more_is_missing_between_the_moments_of_its_neighbours(database):
    log = left(database, [10, 11, 14, 15, 19], known(22, last_seq=21, last=(NOON_MS + 21_000, 1)))
    assert log.gaps == (
        Gap(12, 14, (NOON_MS + 11_000, 1), (NOON_MS + 14_000, 1)),
        Gap(16, 19, (NOON_MS + 15_000, 1), (NOON_MS + 19_000, 1)),
        Gap(20, 22, (NOON_MS + 19_000, 1), None),
    )
    assert (log.next_seq, log.last_seq) == (22, 21)


def test_events_count_as_rows_and_other_logs_and_devices_do_not(database):
    more = [
        reading(2, kind=Kind.EVENT),
        reading(3, epoch=7),
        reading(4, device=2),
        record(1, None, kind=Kind.STATUS, epoch=EPOCH),
    ]
    assert ranges(left(database, [1, 5], known(6), more=more)) == [(3, 5)]


def test_rows_that_came_after_the_snapshot_of_the_log_are_had(database):
    log = left(database, [1, 2, 4, 5], known(2, gaps=(Gap(1, 2, None, None),)))
    assert (ranges(log), log.next_seq) == ([(3, 4)], 6)
    assert (log.last_seq, log.last) == (5, (NOON_MS + 5_000, 1))


def test_a_late_row_from_below_the_oldest_is_had(database):
    log = left(database, [20, 21, 5], known(22, gaps=(Gap(5, 7, None, None),)))
    assert ranges(log) == [(6, 7)]


def test_what_retention_has_deleted_is_not_asked_for(database):
    log = left(database, [5_000, 5_001, 5_003], known(5_004), delivered_id=0)
    assert ranges(log) == [(5_002, 5_003)]


def test_but_what_had_not_left_is_when_the_oldest_rows_are_lost(database):
    with database:
        RecordWriter().append(database, [reading(seq, device=2) for seq in range(10)])
        database.execute("DELETE FROM record WHERE id < 5")
    log = left(database, [5_000, 5_001], known(5_002), delivered_id=3)
    assert ranges(log) == [(5_002 - UNSEEN, 5_000)]


def test_of_a_device_of_which_no_row_is_left_the_newest_numbers_are_asked_for(database):
    assert ranges(left(database, [], known(50))) == [(0, 50)]
    assert ranges(left(database, [], known(5_000), more=[reading(4_999, kind=Kind.EVENT)])) == [(5_000 - UNSEEN, 4_999)]


def test_nothing_is_asked_for_that_no_node_has_any_more(database):
    log = left(database, [0, BEYOND - 1], known(BEYOND))
    assert ranges(log) == [(BEYOND - REACH, BEYOND - 1)]
    assert log.bounded() == (log, [])


def test_of_very_many_holes_the_newest_are_asked_for(database):
    log = left(database, range(0, 1_000, 2), known(1_000))
    assert len(log.gaps) == MAX_GAPS
    assert ranges(log)[-1] == (999, 1_000)


def test_moments_of_another_clock_are_not_taken_for_these(database):
    [gap] = left(database, [1], known(5), more=[reading(4, boot=3)]).gaps
    assert (gap.low, gap.high) == ((NOON_MS + 1_000, 1), None)


def test_a_device_that_never_told_its_log_is_left_alone(database):
    assert left(database, [], NodeLog()) == NodeLog()
