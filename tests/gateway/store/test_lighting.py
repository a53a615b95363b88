"""The tables of lighting: what goes in comes out, damaged rows do not, and no table grows for ever."""

import pytest

from gateway.network.events import Commit
from gateway.store import groups, lighting
from gateway.store.apply import write_commits
from gateway.store.lighting import OverrideRow, ProgrammeRow
from gateway.store.records import RecordWriter
from gateway.store.snapshot import fill, take_snapshot
from gateway.store.writes import KeepLamp
from tests.gateway.store.samples import group, new_database

LAMP = bytes(range(8))


@pytest.fixture(name="database")
def _database():
    return new_database(devices=3)


def programme(number, name="rue"):
    return ProgrammeRow(name, number, f"text {number}", 1000 * number)


def test_every_version_of_a_programme_is_kept_the_newest_last(database):
    for number in (7, 8, 7):
        lighting.add_programme(database, programme(number))
    assert [row.version for row in lighting.load_programmes(database)] == [7, 8, 7]
    assert lighting.load_programmes(database)[0] == programme(7)


def test_old_versions_go_but_the_newest_of_a_name_stays(database):
    lighting.add_programme(database, programme(1, "quai"))
    for number in range(lighting.KEPT_VERSIONS + 20):
        lighting.add_programme(database, programme(number))
    kept = lighting.load_programmes(database)
    assert len(kept) == lighting.KEPT_VERSIONS + 1
    assert (kept[0].name, kept[-1].version) == ("quai", lighting.KEPT_VERSIONS + 19)


def test_a_group_runs_one_programme_and_none_when_it_is_gone(database):
    number = groups.add_group(database, group(0)).number
    lighting.assign(database, number, "rue")
    lighting.assign(database, number, "quai")
    assert lighting.load_assigned(database) == {number: "quai"}
    groups.remove_group(database, number)
    assert lighting.load_assigned(database) == {}


def test_of_a_lamp_the_last_word_counts(database):
    writes = tuple(KeepLamp(LAMP, text) for text in ("one", "two"))
    write_commits(database, RecordWriter(), [Commit(token=1, writes=writes, at_once=False)])
    assert lighting.load_lamps(database) == {LAMP: "two"}


def test_overrides_that_last_come_in_their_order_and_ids_are_never_given_twice(database):
    rows = [
        lighting.add_override(database, OverrideRow(0, target, level, 2, 100, until_s, "cli"))
        for target, level, until_s in (("0", 50, 200), ("3", None, 900), (LAMP.hex(), 10, 800))
    ]
    assert [row.id for row in rows] == [1, 2, 3]
    assert lighting.load_overrides(database, 300) == rows[1:]
    for _ in range(lighting.KEPT_OVERRIDES):
        last = lighting.add_override(database, OverrideRow(0, "0", 50, 2, 100, 900, "cli"))
    assert (last.id, len(lighting.load_overrides(database))) == (3 + lighting.KEPT_OVERRIDES, lighting.KEPT_OVERRIDES)


def test_the_almanac_is_of_one_place(database):
    lighting.keep_site(database, "Antony", 2026, b"sun")
    assert lighting.load_site(database, "Antony") == (2026, b"sun")
    lighting.keep_site(database, "Pompey", 2027, b"fog")
    assert lighting.load_site(database, "Antony") is None
    assert lighting.load_site(database, "Pompey") == (2027, b"fog")


@pytest.mark.parametrize(
    ("sql", "load"),
    [
        ("UPDATE light_programme SET text = 'another'", lighting.load_programmes),
        ("UPDATE light_group SET programme = 'another'", lighting.load_assigned),
        ("UPDATE light_lamp SET state = 'another'", lighting.load_lamps),
        ("UPDATE light_override SET level_pct = 0", lighting.load_overrides),
        ("UPDATE light_site SET site = x'00'", lambda database: lighting.load_site(database, "Antony") or ()),
    ],
)
def test_a_flipped_row_is_left_out(database, sql, load):
    lighting.add_programme(database, programme(1))
    lighting.assign(database, groups.add_group(database, group(0)).number, "rue")
    lighting.write_lamp(database, KeepLamp(LAMP, "text"))
    lighting.add_override(database, OverrideRow(0, "0", 50, 2, 100, 900, "cli"))
    lighting.keep_site(database, "Antony", 2026, b"sun")
    assert len(load(database))
    database.execute(sql)
    assert len(load(database)) == 0


def test_programmes_and_what_lamps_have_are_in_the_registry_s_snapshot(database):
    lighting.add_programme(database, programme(1))
    lighting.assign(database, groups.add_group(database, group(0)).number, "rue")
    lighting.write_lamp(database, KeepLamp(LAMP, "text"))
    again = new_database(devices=0)
    with again:
        fill(
            again,
            {name: table for name, table in take_snapshot(database, None).tables.items() if name != "order_floor"},
        )
    for load in (lighting.load_programmes, lighting.load_assigned, lighting.load_lamps):
        assert load(again) == load(database)
