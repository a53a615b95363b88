"""What is deleted when space runs out or a retention has passed: in which order, how much, and how it is told."""

import json
from pathlib import Path

import apsw
from hypothesis import given
from hypothesis import strategies as st

from gateway.readings.record import Kind
from gateway.store import boots, cursors
from gateway.store.database import PAGE_SIZE, checkpoint
from gateway.store.records import RecordWriter, id_range, records_after
from gateway.store.retention import Reserve, Retention, Space, Step, give_back, hours_that_fit, measure
from tests.gateway.store.samples import NOON_MS, new_database, record

DAY_MS = 86_400_000
FULL = Space(max_bytes=100, used_bytes=96, free_bytes=1000, keep_bytes=10)
ROOMY = Space(max_bytes=100, used_bytes=50, free_bytes=1000, keep_bytes=10)


def filled(database: apsw.Connection, kinds: list[Kind], delivered: int) -> apsw.Connection:
    with database:
        RecordWriter().append(database, [record(1, seq, kind) for seq, kind in enumerate(kinds)])
        cursors.keep_cursor(database, cursors.Cursor(publisher="json", delivered_id=delivered, state=""))
    return database


def left(database: apsw.Connection) -> list[tuple[int, Kind]]:
    return [(row.id, row.record.kind) for row in records_after(database, 0, 100_000).records]


def drained(retention: Retention, database: apsw.Connection, space: Space, unix_ms: int | None = None) -> list[Step]:
    """All slices until nothing is left to do; the steps in their order."""
    steps: list[Step] = []
    for _ in range(1000):
        sliced = retention.slice(database, space, unix_ms)
        if sliced.step is not None and sliced.deleted and steps[-1:] != [sliced.step]:
            steps.append(sliced.step)
        if not sliced.more:
            return steps
    raise AssertionError("it never ends")


def test_what_is_least_missed_goes_first_and_the_newest_stays():
    kinds = [Kind.READING, Kind.EVENT, Kind.RAW, Kind.STATUS] * 1000
    database = filled(new_database(), kinds, delivered=2000)
    retention = Retention()
    steps = drained(retention, database, FULL)
    assert steps == [Step.DELIVERED_READINGS, Step.UNDELIVERED_READINGS, Step.DELIVERED_REST, Step.EVENTS]
    assert left(database) == [(4000, Kind.STATUS)]
    assert retention.deleted == {
        Step.DELIVERED_READINGS: 1000,
        Step.UNDELIVERED_READINGS: 1000,
        Step.DELIVERED_REST: 1000,
        Step.EVENTS: 999,
        Step.EXPIRED: 0,
    }


def test_no_more_is_deleted_than_space_asks_for():
    database = filled(new_database(), [Kind.READING] * 2000, delivered=2000)
    retention = Retention()
    assert retention.slice(database, ROOMY, None).deleted == 0
    assert retention.slice(database, FULL, None).deleted == 500
    half = Space(max_bytes=100, used_bytes=92, free_bytes=1000, keep_bytes=10)
    assert retention.slice(database, half, None).deleted == 500  # begun is carried on
    assert retention.slice(database, ROOMY, None).deleted == 0
    assert retention.slice(database, half, None).deleted == 0  # and not begun again for so little
    assert id_range(database) == (1001, 2000)


def test_a_disk_that_fills_with_other_things_counts_as_full():
    database = filled(new_database(), [Kind.READING] * 10, delivered=10)
    tight = Space(max_bytes=100, used_bytes=1, free_bytes=9, keep_bytes=10)
    assert Retention().slice(database, tight, None).deleted == 9


def test_each_step_is_told_with_its_exact_count():
    database = filled(new_database(), [Kind.READING, Kind.EVENT] * 300, delivered=200)
    retention = Retention()
    retention.slice(database, FULL, None)
    [notice] = retention.notices(NOON_MS, None)
    assert (notice.kind, notice.device, notice.received_ms) == (Kind.NOTICE, None, NOON_MS)
    assert json.loads(notice.content) == {
        "notice": "deleted",
        "what": "delivered readings",
        "count": 100,
        "since_start": 100,
    }
    assert retention.notices(NOON_MS, None) == []
    drained(retention, database, FULL)
    told = [json.loads(notice.content) for notice in retention.notices(5, 7)]
    assert {told["what"]: told["count"] for told in told} == {
        "undelivered readings": 200,
        "delivered events, states and notices": 100,
        "undelivered events, states and notices": 199,
    }


@given(
    kinds=st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=40),
    delivered=st.integers(0, 40),
    slices=st.integers(0, 6),
)
def test_counts_are_exact_and_events_outlive_readings(kinds, delivered, slices):
    database = filled(new_database(), kinds, min(delivered, len(kinds)))
    retention = Retention()
    before = left(database)
    for _ in range(slices):
        retention.slice(database, FULL, None)
    after = left(database)
    assert sum(retention.deleted.values()) == len(before) - len(after)
    assert after[-1] == before[-1]
    gone = set(before) - set(after)
    readings = {Kind.READING, Kind.RAW}
    if any(kind not in readings for _, kind in gone):
        assert not any(kind in readings for _, kind in after[:-1])


def test_what_is_past_its_retention_goes_once_the_time_is_known():
    database = new_database()
    with database:
        boots.begin_boot(database)
        boots.keep_offset(database, 1, NOON_MS, 0)
        boots.begin_boot(database)
        kept = [
            record(1, 0, received_ms=NOON_MS - 40 * DAY_MS),
            record(2, 1, received_ms=NOON_MS - 40 * DAY_MS),
            record(1, 2, Kind.EVENT, received_ms=NOON_MS - 40 * DAY_MS),
            record(1, 3, received_ms=DAY_MS, boot=1),
            record(1, 4, received_ms=DAY_MS, boot=2),  # of a boot that never knew the time
            record(1, 5, received_ms=NOON_MS + 29 * DAY_MS),
            record(1, 6, received_ms=NOON_MS + 40 * DAY_MS),
        ]
        RecordWriter().append(database, kept)

    def days(kind: Kind, device: int | None) -> int | None:
        return 30 if kind is Kind.READING and device == 1 else None

    retention = Retention(days)
    assert drained(retention, database, ROOMY) == []  # nobody knows the time
    assert drained(retention, database, ROOMY, NOON_MS + 32 * DAY_MS) == [Step.EXPIRED]
    assert [row_id for row_id, _ in left(database)] == [2, 3, 5, 6, 7]
    assert retention.deleted[Step.EXPIRED] == 2
    assert drained(retention, database, ROOMY, NOON_MS + 60 * DAY_MS) == [Step.EXPIRED]
    assert [row_id for row_id, _ in left(database)] == [2, 3, 5, 7]


def test_the_sweep_goes_through_a_long_table_and_then_rests():
    database = new_database()
    with database:
        RecordWriter().append(database, [record(1 + seq % 2, seq, received_ms=NOON_MS) for seq in range(2001)])
    retention = Retention(lambda _kind, device: 30 if device == 1 else 365)
    assert drained(retention, database, ROOMY, NOON_MS + 31 * DAY_MS) == [Step.EXPIRED]
    assert retention.deleted[Step.EXPIRED] == 1000
    assert not retention.slice(database, ROOMY, NOON_MS + 31 * DAY_MS + 60_000).more
    drained(retention, database, ROOMY, NOON_MS + 366 * DAY_MS)
    assert id_range(database) == (2001, 2001)


def test_freed_pages_go_back_to_the_disk(tmp_path):
    path = tmp_path / "gateway.sqlite"
    database = filled(new_database(path), [Kind.READING] * 20_000, delivered=20_000)
    checkpoint(database, whole=True)
    size = path.stat().st_size
    tight = Space(max_bytes=1 << 40, used_bytes=1, free_bytes=9, keep_bytes=10)
    retention = Retention()
    drained(retention, database, tight)
    for _ in range(20):
        give_back(database)
    checkpoint(database, whole=True)
    assert path.stat().st_size < size // 5


def test_space_is_measured_in_what_rows_use(tmp_path):
    database = filled(new_database(tmp_path / "gateway.sqlite"), [Kind.READING] * 2000, delivered=2000)
    full = measure(database, max_bytes=1 << 30, keep_bytes=5)
    assert full.used_bytes == database.pragma("page_count") * PAGE_SIZE
    assert full.free_bytes > 0
    drained(Retention(), database, FULL)
    assert measure(database, 1 << 30, 5).used_bytes < full.used_bytes // 2


def test_hours_that_fit_are_told():
    space = Space(max_bytes=1_000_000, used_bytes=450_000, free_bytes=900_000, keep_bytes=100_000)
    assert hours_that_fit(space, 10_000) == 50
    tight = Space(max_bytes=1_000_000, used_bytes=450_000, free_bytes=120_000, keep_bytes=100_000)
    assert hours_that_fit(tight, 10_000) == 2
    assert hours_that_fit(FULL, 10_000) == 0
    assert hours_that_fit(space, 0) is None


def test_space_is_kept_back_given_up_and_taken_again(tmp_path: Path):
    reserve = Reserve(tmp_path / "reserve", size=1 << 16)
    assert not reserve.held
    assert reserve.hold()
    assert reserve.held
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 16  # not a hole
    reserve.release()
    assert not reserve.held
    assert not Reserve(tmp_path / "reserve", size=1 << 60).hold()  # no such disk
    assert not (tmp_path / "reserve").exists()
