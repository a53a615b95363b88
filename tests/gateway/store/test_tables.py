"""Each table by its owner: what goes in comes out, what may not go in is refused with a sentence, bounds hold."""

from dataclasses import replace

import apsw
import pytest

from gateway.network.airtime import NOTHING
from gateway.network.events import Commit
from gateway.places.place import Installed, Place, PlaceKind
from gateway.readings.node_log import NodeLog
from gateway.readings.record import Kind
from gateway.store import airtime, boots, cursors, devices, groups, orders, places, quarantine, records, sessions
from gateway.store.apply import write_commits
from gateway.store.devices import RegistryError
from gateway.store.faults import FaultKind, StoreError
from gateway.store.records import RecordWriter
from gateway.store.rows import fetch
from gateway.store.writes import (
    AddQuarantine,
    KeepAirtime,
    KeepCounters,
    KeepGroupCounter,
    KeepOrder,
    KeepSession,
    StartSession,
)
from tests.gateway.store.samples import (
    ABP,
    LOG,
    NOON_MS,
    dev_eui,
    group,
    new_database,
    record,
    registration,
    session,
)


@pytest.fixture(name="database")
def _database() -> apsw.Connection:
    return new_database(devices=3)


# Devices


def test_a_device_comes_out_as_it_went_in(database):
    otaa = registration(7, class_c=True, plan=1, min_dr=2, name="")
    abp = registration(8, app_key=None, gen_app_key=None, abp=ABP)
    added = devices.add_devices(database, [otaa, abp])
    assert added == [replace(otaa, device=4), replace(abp, device=5)]
    assert [devices.get_device(database, dev_eui(7)), devices.get_device(database, dev_eui(8))] == added
    assert devices.get_device(database, dev_eui(9)) is None


def test_devices_are_listed_in_pages(database):
    first = devices.list_devices(database, limit=2)
    assert [kept.device for kept in first] == [1, 2]
    assert [kept.device for kept in devices.list_devices(database, after=2)] == [3]


@pytest.mark.parametrize(
    ("wrong", "index", "says"),
    [
        (registration(2), 1, "DevEUI 70b3d57ed0000002 is registered already as 'air-2'; remove it first"),
        (registration(9, name="air-3"), 1, "'air-3' of DevEUI 70b3d57ed0000009 is taken by DevEUI 70b3d57ed0000003"),
        (registration(8), 1, "DevEUI 70b3d57ed0000008 is registered already as 'air-8'"),
    ],
)
def test_what_is_taken_is_refused_saying_which(database, wrong, index, says):
    with pytest.raises(RegistryError, match=says) as refusal, database:
        devices.add_devices(database, [registration(8), wrong])
    assert refusal.value.index == index
    assert len(devices.list_devices(database)) == 3


def test_a_thousand_devices_without_names_are_added_at_once(database):
    with database:
        added = devices.add_devices(database, [registration(number, name="") for number in range(10, 1010)])
    assert [kept.device for kept in added] == list(range(4, 1004))


def test_a_changed_device_keeps_its_number(database):
    devices.set_device(database, registration(2, min_dr=1))
    devices.set_device(database, registration(2, name="new", min_dr=3))
    assert devices.get_device(database, dev_eui(2)) == registration(2, name="new", min_dr=3)
    with pytest.raises(RegistryError, match="taken by"):
        devices.set_device(database, registration(2, name="air-1"))
    with pytest.raises(RegistryError, match="70b3d57ed0000009 is not registered"):
        devices.set_device(database, registration(9))


def test_a_removed_device_loses_its_keys_and_finds_its_number_again(database):
    assert devices.remove_device(database, dev_eui(2)) == 2
    assert devices.get_device(database, dev_eui(2)) is None
    assert [kept.device for kept in devices.list_devices(database)] == [1, 3]
    assert fetch(database, "SELECT app_key, gen_app_key FROM device WHERE device = 2") == [(None, None)]
    assert devices.dev_euis(database)[2] == dev_eui(2)  # its records still say whose they are
    with pytest.raises(RegistryError, match="not registered"):
        devices.remove_device(database, dev_eui(2))
    devices.add_devices(database, [registration(5, name="air-2")])  # the name is free
    [again] = devices.add_devices(database, [registration(2, name="")])
    assert again.device == 2


def test_a_flipped_bit_in_a_key_is_seen(database):
    database.execute("UPDATE device SET app_key = x'00000000000000000000000000000003' WHERE device = 2")
    assert devices.damaged_devices(database) == [2]
    assert [kept.device for kept in devices.list_devices(database)] == [1, 3]


# Sessions and counters


def joined(database: apsw.Connection, device: int, number: int) -> None:
    sessions.write_session(database, KeepSession(session(device, number)))
    sessions.write_session(database, StartSession(device, number))


def count(database: apsw.Connection, *writes: KeepCounters) -> None:
    from gateway.store.counters import write_counters

    write_counters(database, writes)


def test_a_new_session_waits_beside_the_current_one_until_it_is_heard(database):
    joined(database, 1, 0)
    count(database, KeepCounters(1, 41, 128, LOG))
    sessions.write_session(database, KeepSession(session(1, 1)))
    kept = sessions.load_devices(database)[1]
    assert kept.current == session(1, 0, f_cnt_up=41, f_cnt_down=128)
    assert kept.waiting == session(1, 1)
    assert (kept.number, kept.dev_nonce, kept.join_nonce, kept.log) == (1, 11, 21, LOG)
    sessions.write_session(database, StartSession(1, 1))
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.waiting, kept.log) == (session(1, 1), None, LOG)


def test_a_second_join_takes_the_place_of_one_never_heard(database):
    joined(database, 1, 0)
    for number in (1, 2):
        sessions.write_session(database, KeepSession(session(1, number)))
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.waiting) == (session(1, 0), session(1, 2))
    assert fetch(database, "SELECT count(*) FROM session") == [(2,)]


def test_new_windows_of_the_current_session_leave_the_waiting_one(database):
    joined(database, 1, 0)
    sessions.write_session(database, KeepSession(session(1, 1)))
    sessions.write_session(database, KeepSession(session(1, 0, rx2_dr=0)))
    sessions.write_session(database, StartSession(1, 0))
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.waiting) == (session(1, 0, rx2_dr=0), session(1, 1))


def test_counters_without_a_log_leave_the_log(database):
    joined(database, 1, 0)
    count(database, KeepCounters(1, 1, 64, LOG))
    count(database, KeepCounters(1, 2, 64, None), KeepCounters(2, 5, 0, None))
    kept = sessions.load_devices(database)
    assert (kept[1].current.f_cnt_up, kept[1].log) == (2, LOG)
    assert (kept[2].current, kept[2].log) == (None, None)


def test_ended_sessions_lose_their_keys_and_keep_their_nonces(database):
    joined(database, 1, 0)
    sessions.write_session(database, KeepSession(session(1, 1)))
    sessions.end_sessions(database, 1)
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.waiting) == (None, None)
    assert (kept.number, kept.dev_nonce, kept.join_nonce) == (1, 11, 21)
    assert fetch(database, "SELECT DISTINCT nwk_s_key, app_s_key FROM session") == [(bytes(16), bytes(16))]


def removed(database: apsw.Connection, device: int) -> None:
    joined(database, device, 0)
    count(database, KeepCounters(device, 41, 128, LOG))
    with database:
        devices.remove_device(database, dev_eui(device))


def test_a_device_that_comes_back_with_its_app_key_does_not_get_its_nonces_back(database):
    """Else whoever recorded its Join-Request then could send it again."""
    removed(database, 1)
    for again in (registration(1), registration(1, name="elsewhere")):
        devices.add_devices(database, [again])
        kept = sessions.load_devices(database)[1]
        assert (kept.current, kept.dev_nonce, kept.join_nonce, kept.number) == (None, 10, 20, 0)
        assert not NodeLog.from_text(kept.log).sure
        devices.remove_device(database, dev_eui(1))


def test_a_device_that_comes_back_with_a_new_app_key_counts_from_zero(database):
    removed(database, 1)
    devices.add_devices(database, [registration(1, app_key=bytes(range(16)))])
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.dev_nonce, kept.join_nonce, kept.number) == (None, -1, 20, 0)


def test_a_device_that_gets_a_new_app_key_in_its_place_does_too(database):
    joined(database, 1, 0)
    devices.set_device(database, registration(1, name="elsewhere"))
    assert sessions.load_devices(database)[1].current == session(1, 0)
    devices.set_device(database, registration(1, app_key=bytes(range(16))))
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.dev_nonce, kept.join_nonce, kept.number) == (None, -1, 20, 0)


def test_nothing_kept_of_a_removed_device_is_its_key(database):
    removed(database, 1)
    assert registration(1).app_key not in fetch(database, "SELECT * FROM device WHERE device = 1")[0]


def test_after_a_restore_nothing_used_since_is_used_again(database):
    joined(database, 1, 0)
    count(database, KeepCounters(1, 41, 128, LOG))
    sessions.write_session(database, KeepSession(session(1, 1)))
    sessions.raise_after_restore(database, 4096, 256)
    kept = sessions.load_devices(database)[1]
    assert kept.current == session(1, 0, f_cnt_up=41, f_cnt_down=128 + 4096)
    assert kept.waiting == session(1, 1, f_cnt_down=4096)
    assert (kept.number, kept.join_nonce, kept.dev_nonce) == (1 + 256, 21 + 256, 11)


@pytest.mark.parametrize("statement", ["UPDATE counter SET f_cnt_down = 3", "UPDATE session SET dev_nonce = 3"])
def test_a_flipped_bit_in_a_counter_is_seen(database, statement):
    joined(database, 1, 0)
    database.execute(statement)
    with pytest.raises(StoreError, match=r"device 1 do(es)? not match") as fault:
        sessions.load_devices(database)
    assert fault.value.kind is FaultKind.CORRUPT


# Groups


def test_a_group_comes_out_as_it_went_in_and_its_number_is_never_given_again(database):
    first = groups.add_group(database, group(0))
    assert first.number == 1
    second = groups.add_group(database, group(5, members=()))
    assert groups.load_groups(database) == [first, second]
    groups.remove_group(database, second.number)
    assert fetch(database, "SELECT count(*) FROM group_member") == [(2,)]
    assert groups.add_group(database, group(6)).number == 3


def test_a_groups_counter_moves_alone(database):
    kept = groups.add_group(database, group(0))
    groups.write_group_counter(database, KeepGroupCounter(1, 512))
    assert groups.load_groups(database) == [replace(kept, f_cnt_down=512)]
    groups.raise_f_cnt_down(database, 4096)
    assert groups.load_groups(database)[0].f_cnt_down == 512 + 4096


def test_groups_with_one_name_or_address_are_refused(database):
    groups.add_group(database, group(1))
    with pytest.raises(RegistryError, match="the name 'street-1' is taken"):
        groups.add_group(database, group(2, name="street-1"))
    with pytest.raises(RegistryError, match="the McAddr 11000001 is taken by the group 'street-1'"):
        groups.add_group(database, group(2, mc_addr=group(1).mc_addr))


def test_a_replaced_member_hears_the_same_groups(database):
    groups.add_group(database, group(1))
    groups.add_group(database, group(2, members=(dev_eui(1), dev_eui(9))))
    assert groups.replace_member(database, dev_eui(1), dev_eui(9)) == 2
    assert [kept.members for kept in groups.load_groups(database)] == [(dev_eui(2), dev_eui(9)), (dev_eui(9),)]


# Places

BAY = Place(place_id="92002-bay-a1", kind=PlaceKind.BAY, zone="mairie", latitude_deg=48.75, longitude_deg=2.3)


def test_places_come_out_as_they_went_in(database):
    other = Place(place_id="92002-lamp-7", kind=PlaceKind.LAMP)
    places.set_places(database, [other, BAY])
    assert places.list_places(database) == [BAY, other]
    assert places.list_places(database, after=BAY.place_id) == [other]
    places.set_places(database, [replace(BAY, zone="gare")])
    assert places.list_places(database, limit=1) == [replace(BAY, zone="gare")]
    places.remove_place(database, other.place_id)
    with pytest.raises(RegistryError, match="no place '92002-lamp-7'"):
        places.remove_place(database, other.place_id)


def test_replacing_a_device_keeps_the_series_of_the_place(database):
    places.set_places(database, [BAY, replace(BAY, place_id="92002-bay-a2")])
    places.install(database, Installed(place_id=BAY.place_id, dev_eui=dev_eui(1), instance=0, from_ms=1000))
    places.install(database, Installed(place_id="92002-bay-a2", dev_eui=dev_eui(1), instance=1, from_ms=1000))
    assert places.replace_device(database, dev_eui(1), dev_eui(2), 5000) == 2
    at_first = places.list_installed(database)[:2]
    assert at_first == [
        Installed(place_id=BAY.place_id, dev_eui=dev_eui(1), instance=0, from_ms=1000, to_ms=5000),
        Installed(place_id=BAY.place_id, dev_eui=dev_eui(2), instance=0, from_ms=5000),
    ]
    assert [(kept.dev_eui, kept.instance) for kept in places.list_installed(database, now_only=True)] == [
        (dev_eui(2), 0),
        (dev_eui(2), 1),
    ]
    with pytest.raises(RegistryError, match="70b3d57ed0000001 is installed nowhere"):
        places.replace_device(database, dev_eui(1), dev_eui(3), 6000)
    places.free(database, dev_eui(2), 4000)  # by a clock that went back: it cannot end before it began
    assert places.list_installed(database, now_only=True) == []
    assert places.list_installed(database)[1].to_ms == 5000


def test_a_device_cannot_be_where_no_place_is_or_before_another(database):
    places.set_places(database, [BAY])
    with pytest.raises(RegistryError, match="no place 'nowhere'"):
        places.install(database, Installed(place_id="nowhere", dev_eui=dev_eui(1), instance=0, from_ms=0))
    places.install(database, Installed(place_id=BAY.place_id, dev_eui=dev_eui(1), instance=0, from_ms=1000))
    with pytest.raises(RegistryError, match="has hung there since 1970-01-01T00:00:01"):
        places.install(database, Installed(place_id=BAY.place_id, dev_eui=dev_eui(2), instance=0, from_ms=900))


# Records


def append(database: apsw.Connection, *kept) -> None:
    records.RecordWriter().append(database, kept)


def test_a_record_comes_out_as_it_went_in(database):
    whole = record(content="Ω".encode(), boot=4, received_ms=-1)
    bare = record(None, None, Kind.NOTICE, epoch=None, observed_ms=None, time_error_s=None)
    append(database, whole, bare)
    page = records.records_after(database, 0, 10)
    assert page == records.Page((records.StoredRecord(1, whole), records.StoredRecord(2, bare)), 2, (), False)


def test_records_are_read_in_pages_up_and_down(database):
    append(database, *(record(1, seq) for seq in range(7)))
    first = records.records_after(database, 0, 3)
    assert ([row.id for row in first.records], first.last_id, first.more) == ([1, 2, 3], 3, True)
    assert [row.id for row in records.records_after(database, 3, 10, upto=5).records] == [4, 5]
    down = records.records_before(database, None, 3)
    assert ([row.id for row in down.records], down.last_id) == ([7, 6, 5], 5)
    assert [row.id for row in records.records_before(database, 3, 9).records] == [2, 1]
    assert records.id_range(database) == (1, 7)
    assert records.id_range(new_database()) == (1, 0)


@pytest.mark.parametrize(
    "column", ["id", "kind", "device", "epoch", "seq", "received_ms", "observed_ms", "time_error_s"]
)
def test_a_row_that_was_changed_is_left_out_and_named(database, column):
    append(database, *(record(1, seq) for seq in range(3)))
    database.execute(f"UPDATE record SET {column} = {column} + 64 WHERE id = 3")
    page = records.records_after(database, 0, 10)
    assert [row.record.seq for row in page.records] == [0, 1]
    assert page.damaged == (67,) if column == "id" else (3,)
    assert page.last_id == page.damaged[0]


def test_an_id_is_not_given_twice_although_rows_go(database):
    append(database, *(record(1, seq) for seq in range(3)))
    records.delete_records(database, [1, 2])
    append(database, record(1, 3))
    assert records.id_range(database) == (3, 4)


def test_what_comes_next_is_ahead_of_every_cursor(database):
    cursors.keep_cursor(database, cursors.Cursor(publisher="json", delivered_id=500, state="[]"))
    append(database, record(1, 3))
    assert records.id_range(database) == (501, 501)


# Quarantine, orders, cursors, boots


def unreadable(device: int, number: int) -> AddQuarantine:
    return AddQuarantine(
        device=device, received_ms=number, boot=1, session=0, f_cnt=number, f_port=1, payload=b"?", reason="no array"
    )


def test_quarantine_keeps_the_newest_ten_of_a_device_and_a_thousand_in_all(database):
    for number in range(15):
        quarantine.write_quarantine(database, unreadable(1, number))
    assert [kept.entry for kept in quarantine.list_quarantine(database)] == [unreadable(1, n) for n in range(14, 4, -1)]
    with database:
        for number in range(1100):
            quarantine.write_quarantine(database, unreadable(100 + number, number))
    kept = quarantine.list_quarantine(database, limit=2000)
    assert len(kept) == 1000
    assert {entry.entry.device for entry in kept} == set(range(200, 1200))
    assert quarantine.list_quarantine(database, before=kept[-1].id) == []


def order(number: int, state: str = "open", **changes) -> KeepOrder:
    values = {
        "id": number,
        "target_device": 1,
        "target_group": None,
        "wire_id": number & 0xFFFF,
        "verb": "set_level",
        "description": "50 %",
        "payload": b"\x83",
        "source": "api",
        "made_ms": NOON_MS,
        "expiry_gps_s": 1_400_000_000,
        "state": state,
        "detail": "",
        "tries": 0,
        "changed_ms": NOON_MS,
    }
    return KeepOrder(**{**values, **changes})


def test_an_order_is_kept_as_it_stands_and_its_id_is_never_given_again(database):
    assert orders.next_order_id(database) == 1
    orders.write_order(database, order(1))
    orders.write_order(database, order(1, "done", tries=2))
    orders.write_order(database, order(2))
    assert orders.list_orders(database) == [order(2), order(1, "done", tries=2)]
    assert orders.list_orders(database, states=("open",)) == [order(2)]
    assert orders.list_orders(database, before=2) == [order(1, "done", tries=2)]
    orders.raise_order_ids(database, 4096)
    assert orders.next_order_id(database) == 3 + 4096


def test_finished_orders_are_forgotten_but_the_newest(database):
    for number in range(1, 10):
        orders.write_order(database, order(number, "done" if number != 3 else "open"))
    orders.write_order(database, order(10, "refused"))
    assert orders.forget_orders(database, ("done", "refused"), kept=2) == 7
    assert [kept.id for kept in orders.list_orders(database)] == [10, 9, 3]
    assert orders.forget_orders(database, ("done", "refused", "open"), kept=0) == 3
    assert orders.next_order_id(database) == 11


def test_a_cursor_comes_back_and_the_slowest_holds(database):
    assert cursors.load_cursor(database, "json") is None
    assert cursors.delivered_by_all(database) is None
    ahead = cursors.Cursor(publisher="json", delivered_id=40, state="[44,[41,42]]")
    cursors.keep_cursor(database, replace(ahead, delivered_id=3))
    cursors.keep_cursor(database, ahead)
    assert cursors.load_cursor(database, "json") == ahead
    cursors.keep_cursor(database, cursors.Cursor(publisher="ngsi", delivered_id=7, state=""))
    assert cursors.delivered_by_all(database) == 7
    cursors.forget_cursor(database, "ngsi")
    assert cursors.delivered_by_all(database) == 40
    database.execute("UPDATE cursor SET delivered_id = 104")
    assert cursors.load_cursor(database, "json") is None


def test_parked_records_are_bounded(database):
    for number in range(1, 1006):
        kept = cursors.Parked(publisher="json", record_id=number, tries=5, reason="0x97", parked_ms=NOON_MS)
        cursors.park(database, kept)
    cursors.unpark(database, "json", 1005)
    listed = database.execute("SELECT record_id, tries, reason, parked_ms FROM parked ORDER BY record_id").fetchall()
    assert listed == [(number, 5, "0x97", NOON_MS) for number in range(6, 1005)]


def test_records_of_a_boot_are_dated_once_its_offset_is_known(database):
    first = boots.begin_boot(database, built_ms=NOON_MS)
    assert first == boots.Boot(1, NOON_MS, None)
    assert boots.Boots(boots.load_boots(database)).unix_ms(1, 5000) is None
    boots.keep_offset(database, 1, NOON_MS + 1000, 0)
    dating = boots.Boots(boots.load_boots(database))
    assert dating.unix_ms(1, 5000) == NOON_MS + 6000
    assert dating.unix_ms(None, 77) == 77
    assert dating.unix_ms(9, 77) is None


def test_a_boot_begins_after_the_last_time_that_was_known(database):
    boots.begin_boot(database)
    boots.keep_offset(database, 1, NOON_MS, 0)
    append(database, record(received_ms=90_000, boot=1), record(received_ms=NOON_MS + 80_000))
    assert boots.begin_boot(database) == boots.Boot(2, NOON_MS + 90_000, None)
    append(database, record(received_ms=5, boot=2))
    assert boots.begin_boot(database).floor_ms == NOON_MS + 90_000


def test_boots_that_never_knew_the_time_end_for_good_when_the_next_that_knows_it_began(database):
    for _ in range(3):
        boots.begin_boot(database)
    boots.keep_offset(database, 3, NOON_MS, 40_000)
    boots.begin_boot(database)
    boots.keep_offset(database, 4, NOON_MS + 9_000_000, 40_000)
    ended = NOON_MS + 40_000
    assert [boot.latest_ms for boot in boots.load_boots(database)] == [ended, ended, None, None]


def test_boots_are_bounded(database):
    with database:
        database.execute(
            "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?)"
            " INSERT INTO boot (boot, floor_ms) SELECT x, 0 FROM n",
            (boots.KEPT + 4,),
        )
        boots.begin_boot(database)
    kept = boots.load_boots(database)
    assert (len(kept), kept[-1].boot) == (boots.KEPT, boots.KEPT + 5)


def test_airtime_comes_back_of_each_radio_and_what_is_damaged_is_said_to_be(database):
    write_commits(
        database,
        RecordWriter(),
        [Commit(token=1, writes=(KeepAirtime("udp:1", "{1}"), KeepAirtime("udp:2", "{2}")), at_once=False)],
    )
    write_commits(database, RecordWriter(), [Commit(token=2, writes=(KeepAirtime("udp:1", "{3}"),), at_once=False)])
    assert airtime.load_airtime(database) == {"udp:1": "{3}", "udp:2": "{2}"}
    database.execute("UPDATE airtime SET sent = '{}' WHERE radio = 'udp:2'")
    assert airtime.load_airtime(database) == {"udp:1": "{3}", "udp:2": None}
    airtime.write_airtime(database, KeepAirtime("udp:1", NOTHING))
    airtime.write_airtime(database, KeepAirtime("udp:7", NOTHING))
    assert airtime.load_airtime(database) == {"udp:2": None}


def place(place_id: str) -> Place:
    return Place(place_id=place_id, kind=PlaceKind.BAY)


def steps_to_import(count: int) -> int:
    """What SQLite does, in thousands of its instructions, to register devices and install each at a place."""
    database = new_database(devices=0)
    steps = []
    database.set_progress_handler(lambda: bool(steps.append(1)), 1_000)
    with database:
        devices.add_devices(database, [registration(number) for number in range(1, count + 1)])
        places.set_places(database, [place(f"92002-bay-{number}") for number in range(count)])
        for number in range(count):
            here = Installed(place_id=f"92002-bay-{number}", dev_eui=dev_eui(number + 1), instance=0, from_ms=5)
            places.install(database, here)
    return len(steps)


def test_a_thousand_devices_at_once_cost_no_more_each_than_a_hundred():
    """A look at all names, or at all that is installed, for each of them would make it ten times as much."""
    assert steps_to_import(1_000) < 15 * steps_to_import(100)
