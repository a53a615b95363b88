"""Whatever a batch holds, it leaves what its commits would have left one by one."""

import apsw
from hypothesis import given
from hypothesis import strategies as st

from gateway.network.events import Commit
from gateway.store import sessions
from gateway.store.apply import write_commits
from gateway.store.groups import add_group
from gateway.store.records import RecordWriter
from gateway.store.rows import fetch
from gateway.store.writes import (
    AddQuarantine,
    AddRecord,
    KeepCounters,
    KeepGroupCounter,
    KeepOrder,
    KeepSession,
    StartSession,
)
from tests.gateway.store.samples import group, new_database, record, session

DEVICES = st.integers(1, 2)
WRITES = st.one_of(
    st.builds(lambda device, seq: AddRecord(record(device, seq)), DEVICES, st.integers(0, 9)),
    st.builds(KeepCounters, DEVICES, st.integers(0, 99), st.integers(0, 999), st.sampled_from([None, "a", "b"])),
    st.builds(lambda device, number: KeepSession(session(device, number)), DEVICES, st.integers(0, 2)),
    st.builds(StartSession, DEVICES, st.integers(0, 2)),
    st.builds(KeepGroupCounter, st.just(1), st.integers(64, 999)),
    st.builds(
        lambda number, state: KeepOrder(
            id=number,
            target_device=1,
            target_group=None,
            wire_id=number,
            verb="identify",
            description="",
            payload=b"",
            source="api",
            made_ms=0,
            expiry_gps_s=0,
            state=state,
            detail="",
            tries=0,
            changed_ms=0,
        ),
        st.integers(1, 2),
        st.sampled_from(["open", "done"]),
    ),
    st.builds(
        lambda device: AddQuarantine(
            device=device, received_ms=0, boot=None, session=0, f_cnt=0, f_port=1, payload=b"", reason=""
        ),
        DEVICES,
    ),
)
TABLES = ("session", "counter", "record", "multicast_group", "node_order", "quarantine")


def written(batches: list[list[Commit]]) -> list[list[tuple[object, ...]]]:
    database = new_database(devices=2)
    add_group(database, group(0))
    records = RecordWriter()
    for batch in batches:
        with database:
            write_commits(database, records, batch)
    sessions.load_devices(database)  # every checksum holds
    return [_rows(database, table) for table in TABLES]


def _rows(database: apsw.Connection, table: str) -> list[tuple[object, ...]]:
    return fetch(database, f"SELECT * FROM {table}")


@given(st.lists(st.lists(WRITES, min_size=1, max_size=3), max_size=12))
def test_together_is_as_one_by_one(writes):
    commits = [Commit(token=token, writes=tuple(some), at_once=False) for token, some in enumerate(writes)]
    assert written([commits]) == written([[commit] for commit in commits])
