"""What the desk makes of stored records: readings as they are published, replays found by time, damage survived."""

import json

import pytest

from gateway.api.desk import first_id_since
from gateway.api.reading import read_rows
from gateway.network.events import Commit
from gateway.publish.cursor import Cursor as Reached
from gateway.readings.record import Kind, Record
from gateway.store import cursors
from gateway.store.apply import write_commits
from gateway.store.boots import begin_boot, keep_offset
from gateway.store.faults import StoreError
from gateway.store.records import RecordWriter
from gateway.store.writes import AddQuarantine, AddRecord, KeepOrder
from tests.gateway.api.stations import RunningStation, config_in
from tests.gateway.api.test_routes import BAY, NOW_MS, Desk


@pytest.fixture(name="desk")
def _desk(tmp_path):
    desk = Desk(tmp_path)
    desk.ok("POST", "/v1/devices", {"devices": [BAY | {"place": "92002-bay-a12"}]})
    yield desk
    desk.station.close()


def write(station: RunningStation, *writes: object) -> None:
    database = station._database
    with database:
        write_commits(database, RecordWriter(), [Commit(token=1, writes=writes, at_once=True)])


def raw(seq: int, received_ms: int = NOW_MS, boot: int | None = None, device: int = 1) -> AddRecord:
    return AddRecord(
        Record(
            kind=Kind.RAW,
            device=device,
            epoch=5,
            seq=seq,
            received_ms=received_ms,
            boot=boot,
            observed_ms=None,
            time_error_s=None,
            content=b'{"f_port": 1, "payload": "00"}',
        )
    )


def test_readings_are_what_is_published_with_their_ids_in_pages(desk):
    write(desk.station, *(raw(seq, NOW_MS + 5_000) for seq in range(5)))
    first = desk.ok("GET", "/v1/readings", limit="3")
    assert [row["key"]["seq"] for row in first["readings"]] == [0, 1, 2]
    assert first["readings"][0]["received"] == "2026-09-21T14:13:25.000Z"
    assert first["readings"][0]["key"]["dev_eui"] == BAY["dev_eui"]
    second = desk.ok("GET", "/v1/readings", limit="3", after=str(first["next"]))
    assert [row["id"] for row in second["readings"]] == [4, 5]
    assert second["next"] is None


def test_what_a_removed_device_told_stays_readable(desk):
    write(desk.station, raw(0))
    desk.ok("DELETE", "/v1/devices/" + BAY["dev_eui"])
    assert desk.ok("GET", "/v1/readings")["readings"][0]["key"]["dev_eui"] == BAY["dev_eui"]


def test_what_nobody_can_date_or_read_is_told_as_such_and_stops_nothing(desk):
    database = desk.station._database
    with database:
        boot = begin_boot(database).boot
    write(desk.station, raw(0, 1_000, boot), raw(1, device=99), raw(2))
    undated, unknown, good = desk.ok("GET", "/v1/readings")["readings"]
    assert undated == {"id": 1, "kind": "raw", "received": None}
    assert "not registered" in unknown["error"]
    assert good["key"]["seq"] == 2
    with database:
        keep_offset(database, boot, NOW_MS, 0)
    assert desk.ok("GET", "/v1/readings")["readings"][0]["received"] == "2026-09-21T14:13:21.000Z"


def test_the_first_record_since_a_time_is_found_and_an_undated_one_counts_as_late(desk):
    database = desk.station._database
    assert first_id_since(database, 0) == 1
    write(desk.station, *(raw(seq, NOW_MS + seq * 1000) for seq in range(50)))
    for seq in range(50):
        assert first_id_since(database, NOW_MS + seq * 1000) == seq + 1
        assert first_id_since(database, NOW_MS + seq * 1000 - 1) == seq + 1
    assert first_id_since(database, NOW_MS + 50_000) == 51
    with database:
        database.execute("DELETE FROM record WHERE id < 11")
    assert first_id_since(database, 0) == 11
    with database:
        boot = begin_boot(database).boot
    write(desk.station, raw(60, 5, boot))
    assert first_id_since(database, NOW_MS + 10**9) == 51


def test_a_replay_moves_the_cursor_back_and_says_how_many(desk):
    database = desk.station._database
    write(desk.station, *(raw(seq, NOW_MS + seq * 1000) for seq in range(10)))
    with database:
        cursors.keep_cursor(database, cursors.Cursor(publisher="mqtt", delivered_id=8, state="[8]"))
    ask = {"since_ms": NOW_MS + 4_000, "publisher": "mqtt"}
    assert desk.ok("POST", "/v1/replay", ask) == {"records": 4}
    kept = cursors.load_cursor(database, "mqtt")
    assert kept.delivered_id == 4
    assert json.loads(kept.state) == [4]
    assert desk.ok("POST", "/v1/replay", ask | {"since_ms": NOW_MS + 9_000}) == {"records": 0}


def test_what_the_broker_refused_goes_out_again_and_is_parked_no_more(desk):
    database = desk.station._database
    write(desk.station, *(raw(seq, NOW_MS + seq * 1000) for seq in range(10)))
    with database:
        cursors.keep_cursor(database, cursors.Cursor(publisher="mqtt", delivered_id=10, state="[10]"))
        for record_id in (3, 7):
            parked = cursors.Parked(publisher="mqtt", record_id=record_id, tries=4, reason="0x87", parked_ms=NOW_MS)
            cursors.park(database, parked)
    assert desk.ok("POST", "/v1/replay", {"parked": True}) == {"records": 2}
    assert cursors.list_parked(database, "mqtt") == []
    reached = Reached.from_text(cursors.load_cursor(database, "mqtt").state)
    assert (reached.head, list(reached.pending)) == (10, [(3, 3), (7, 7)])
    assert desk.ok("POST", "/v1/replay", {"parked": True}) == {"records": 0}


def test_the_quarantine_and_orders_come_newest_first_and_orders_show_no_payload(desk):
    for number in range(3):
        write(
            desk.station,
            AddQuarantine(
                device=1,
                received_ms=NOW_MS,
                boot=None,
                session=0,
                f_cnt=number,
                f_port=1,
                payload=b"\xff",
                reason="no CBOR",
            ),
            KeepOrder(
                id=number + 1,
                target_device=1,
                target_group=None,
                wire_id=7,
                verb="join_group",
                description="join_group",
                payload=bytes.fromhex("deadbeef"),
                source="cli",
                made_ms=NOW_MS,
                expiry_gps_s=0,
                state="done",
                detail="",
                tries=1,
                changed_ms=NOW_MS,
            ),
        )
    rows = desk.ok("GET", "/v1/quarantine", limit="2")
    assert [row["f_cnt"] for row in rows["quarantine"]] == [2, 1]
    assert rows["quarantine"][0]["payload"] == "ff"
    assert [row["f_cnt"] for row in desk.ok("GET", "/v1/quarantine", before=str(rows["next"]))["quarantine"]] == [0]
    orders = desk.ok("GET", "/v1/orders")["orders"]
    assert [order["id"] for order in orders] == [3, 2, 1]
    assert orders[0]["dev_eui"] == BAY["dev_eui"]
    assert "deadbeef" not in json.dumps(orders)


def test_a_damaged_file_is_a_sentence_and_no_traceback(desk):
    desk.station._database.execute("DROP TABLE record")
    assert "SQLite refused a statement" in desk.no(503, "GET", "/v1/readings")


def test_a_file_is_read_without_a_lock_and_without_a_configuration(desk):
    write(desk.station, *(raw(seq) for seq in range(3)))
    path = desk.station._store.layout.database
    assert [row["key"]["seq"] for row in read_rows(path, 1)] == [1, 2]


def test_two_cannot_have_the_store(tmp_path, desk):
    with pytest.raises(StoreError, match="in use by process"):
        RunningStation(config_in(tmp_path))
    assert desk.ok("GET", "/v1/devices")["devices"]
