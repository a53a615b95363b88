"""The registry: what the gateway imports, for this user alone, whole, and with what others wrote into it."""

import csv
import io
import json
import stat
import threading

import pytest

from boards.causes import BoardError, Cause
from boards.enrolment.identity import fresh
from boards.enrolment.registry import Registry, row_of, spoken_for
from boards.flashing.plan import Spot, Wish
from gateway.operate.importing import parse_csv, parse_json

WISH = Wish(
    board="heltec-v3",
    role="parking",
    name="bay 12",
    spot=Spot(place="92002-bay-a12", instance=1, zone="centre", latitude_deg=48.75, longitude_deg=2.29),
)


def row_for(wish=WISH, **settings):
    identity = fresh(bytes(8))
    return row_of(wish, wish.settings_of(identity.dev_eui), identity), identity


@pytest.mark.parametrize("name", ["devices.csv", "devices.json"])
@pytest.mark.parametrize("role", ["parking", "air", "light"])
def test_the_gateway_imports_it(tmp_path, name, role):
    kind = {"parking": "bay", "air": "station", "light": "lamp"}[role]
    spot = Spot(place=f"92002-{kind}-a12", latitude_deg=48.75, longitude_deg=2.29)
    row, identity = row_for(Wish(board="heltec-v3", role=role, name="a12", spot=spot, settings={"min_dr": 2}))
    registry = Registry(tmp_path / name)
    registry.add(row)
    parse = parse_csv if name.endswith("csv") else parse_json
    batch = parse(registry.path.read_bytes(), 0)
    assert batch.faults == ()
    [registration] = batch.registrations
    assert registration.dev_eui == identity.dev_eui
    assert registration.app_key == identity.app_key
    assert registration.gen_app_key == identity.gen_app_key
    assert (registration.role.value, registration.min_dr) == (role, 2)
    assert registration.class_c == (role == "light")
    assert [(place.place_id, place.latitude_deg) for place in batch.places] == [(spot.place, 48.75)]
    assert stat.S_IMODE(registry.path.stat().st_mode) == 0o600
    assert registry.identity(identity.dev_eui) == identity


def test_a_device_is_there_once_and_its_place_is_the_newest(tmp_path):
    registry = Registry(tmp_path / "devices.csv")
    row, _ = row_for()
    registry.add(row)
    registry.add(row | {"zone": "station"})
    assert [each["zone"] for each in registry.rows()] == ["station"]


def test_other_keys_for_a_device_are_refused(tmp_path):
    registry = Registry(tmp_path / "devices.csv")
    row, _ = row_for()
    registry.add(row)
    before = registry.path.read_bytes()
    other, _ = row_for()
    with pytest.raises(BoardError) as caught:
        registry.add(row | {"app_key": other["app_key"]})
    assert caught.value.cause is Cause.KEYS_DIFFER
    assert row["app_key"] not in str(caught.value)
    assert registry.path.read_bytes() == before


def test_a_new_identity_takes_the_row_of_the_old_one(tmp_path):
    registry = Registry(tmp_path / "devices.csv")
    old, _ = row_for()
    new, identity = row_for()
    registry.add(old)
    registry.add(new, instead_of=old["dev_eui"])
    assert [row["dev_eui"] for row in registry.rows()] == [identity.dev_eui.hex()]
    again = new | {"app_key": old["app_key"]}  # the chip's DevEUI stays the same when its keys are new
    registry.add(again, instead_of=new["dev_eui"])
    assert [row["app_key"] for row in registry.rows()] == [old["app_key"]]


def test_what_others_wrote_stays(tmp_path):
    path = tmp_path / "devices.csv"
    path.write_text("dev_eui;remark;role;app_key\n0011223344556677;by hand, in 2024;air;" + "5a" * 16 + "\n")
    registry = Registry(path)
    registry.add(row_for()[0])
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["remark"] for row in rows] == ["by hand, in 2024", ""]
    assert rows[0]["app_key"] == "5a" * 16


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("devices.csv", "name,role\nx,air\n"),
        ("devices.csv", "dev_eui,app_key\n0011223344556677\n"),
        ("devices.csv", "dev_eui,app_key\n0011223344556677,1,2\n"),
        ("devices.json", "{"),
        ("devices.json", '{"devices": 5}'),
        ("devices.json", "[" * 100_000),
        ("devices.csv", "\xff\xfe".encode("latin-1")),
    ],
)
def test_a_file_that_is_none_is_left_alone(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = path.read_bytes()
    with pytest.raises(BoardError) as caught:
        Registry(path).add(row_for()[0])
    assert caught.value.cause is Cause.FILE_WRONG
    assert path.read_bytes() == before


def test_a_key_in_a_broken_file_is_not_shown(tmp_path):
    path = tmp_path / "devices.json"
    path.write_text(json.dumps([{"dev_eui": "0011223344556677", "app_key": "5a" * 15, "gen_app_key": "a5" * 16}]))
    with pytest.raises(BoardError) as caught:
        Registry(path).identity(bytes.fromhex("0011223344556677"))
    assert "5a5a" not in str(caught.value)


def test_forty_boards_write_it_at_once_and_none_is_lost(tmp_path):
    registry = Registry(tmp_path / "devices.csv")
    rows = [row_for(Wish(board="heltec-v3", role="air"))[0] for _ in range(40)]
    threads = [threading.Thread(target=registry.add, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(row["dev_eui"] for row in registry.rows()) == sorted(row["dev_eui"] for row in rows)


def test_a_list_tells_name_and_place():
    row = {"dev_eui": "00", "name": "a7", "place": "92002-bay-a7", "instance": "0", "latitude_deg": "48,5"}
    wish = spoken_for(WISH, row)
    assert (wish.name, wish.spot.place, wish.spot.instance) == ("a7", "92002-bay-a7", 0)
    assert (wish.spot.zone, wish.spot.latitude_deg, wish.spot.longitude_deg) == ("centre", 48.5, 2.29)
    with pytest.raises(BoardError, match="instance or position is no number"):
        spoken_for(WISH, row | {"instance": "one"})
