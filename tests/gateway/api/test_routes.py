"""What each route does, asked as a client asks; and what it says when it cannot."""

import asyncio
import json
from typing import Any

import pytest

from gateway.api.routes import Answer, Request, answer
from gateway.network.events import DeviceGone, DeviceSet, GroupSet
from tests.gateway.api.stations import RunningStation, config_in

KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
GEN_KEY = "8f8e7d6c5b4a39281706f5e4d3c2b1a0"
BAY = {"dev_eui": "70b3d57ed0050001", "role": "parking", "app_key": KEY, "gen_app_key": GEN_KEY, "name": "bay a12"}
NOW_MS = 1_790_000_000_000


class Desk:
    """A station on a store of its own, asked without a socket."""

    def __init__(self, tmp_path, more: str = "") -> None:
        self.station = RunningStation(config_in(tmp_path, more))
        self.changes: list[Any] = []
        self.station._changed = self.changes.extend

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        raw = b"" if body is None else json.dumps(body).encode()
        asked = Request(method=method, path=path, query=query, body=raw, now_ms=NOW_MS)
        return asyncio.run(answer(self.station, asked))

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        told = self.ask(method, path, body, **query)
        assert told.status == 200, told.body
        return told.body

    def no(self, status: int, method: str, path: str, body: Any = None, **query: str) -> str:
        told = self.ask(method, path, body, **query)
        assert told.status == status, told.body
        return told.body["error"]


@pytest.fixture(name="desk")
def _desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.station.close()


def light(number: int, **more: object) -> dict[str, object]:
    key = f"{KEY[:30]}{number:02x}"
    return {"dev_eui": f"70b3d57ed006{number:04x}", "role": "light", "app_key": key, **more}


def test_a_device_is_registered_shown_and_removed(desk):
    assert desk.ok("POST", "/v1/devices", {"devices": [BAY | {"place": "92002-bay-a12"}]}) == {"added": 1, "places": 1}
    told = desk.ok("GET", "/v1/devices/70B3-D57E-D005-0001")
    assert told["name"] == "bay a12"
    assert told["session"] is None
    assert told["installed"] == [{"place": "92002-bay-a12", "instance": 0, "from_ms": NOW_MS, "to_ms": None}]
    assert desk.ok("DELETE", "/v1/devices/70b3d57ed0050001")["removed"] == "70b3d57ed0050001"
    assert desk.ok("GET", "/v1/devices")["devices"] == []
    assert desk.ok("GET", "/v1/installed")["installed"] == []
    added, gone = desk.changes
    assert isinstance(added, DeviceSet)
    assert added.registration.app_key.hex() == KEY
    assert added.registration.device > 0
    assert gone == DeviceGone(dev_eui=bytes.fromhex("70b3d57ed0050001"))


def test_keys_are_shown_to_whoever_may_see_them_and_only_when_asked_for(desk):
    desk.ok("POST", "/v1/devices", {"devices": [BAY]})
    path = "/v1/devices/70b3d57ed0050001"
    assert KEY not in json.dumps([desk.ok("GET", path), desk.ok("GET", "/v1/devices")])
    assert "use sudo" in desk.no(400, "GET", path, keys="show")
    allowed = Request(method="GET", path=path, query={"keys": "show"}, sees_keys=True)
    told = asyncio.run(answer(desk.station, allowed)).body
    assert (told["app_key"], told["gen_app_key"]) == (KEY, GEN_KEY)


def test_a_batch_with_one_fault_leaves_nothing_and_tells_all(desk):
    batch = {"devices": [BAY, light(1), light(1), {"dev_eui": "00"}]}
    told = desk.ask("POST", "/v1/devices", batch)
    assert told.status == 409
    assert [fault.partition(":")[0] for fault in told.body["faults"]] == ["row 3", "row 3", "row 4"]
    assert desk.ok("GET", "/v1/devices")["devices"] == []
    desk.ok("POST", "/v1/devices", {"devices": [BAY]})
    assert "is registered already" in desk.no(409, "POST", "/v1/devices", {"devices": [light(1), BAY]})
    assert [row["dev_eui"] for row in desk.ok("GET", "/v1/devices")["devices"]] == [BAY["dev_eui"]]
    assert len(desk.changes) == 1


def test_a_thousand_devices_are_one_transaction_and_come_back_in_pages(desk):
    rows = [light(at, app_key=f"{KEY[:24]}{at:08x}", place=f"92002-lamp-l{at}") for at in range(1000)]
    desk.ok("POST", "/v1/devices", {"devices": rows})
    seen, after = [], "0"
    while after is not None:
        page = desk.ok("GET", "/v1/devices", limit="300", after=after)
        seen += [row["dev_eui"] for row in page["devices"]]
        after = None if page["next"] is None else str(page["next"])
    assert seen == [row["dev_eui"] for row in rows]
    assert len(desk.ok("GET", "/v1/places", limit="1000")["places"]) == 1000


def test_a_place_keeps_its_series_when_its_device_is_exchanged(desk):
    desk.ok("POST", "/v1/devices", {"devices": [light(1, place="92002-lamp-l1", zone="nord"), light(2)]})
    desk.ok("POST", "/v1/groups", {"name": "rue", "members": ["70b3d57ed0060001"]})
    swap = {"old": "70b3d57ed0060001", "new": "70b3d57ed0060002", "from_ms": NOW_MS + 1000}
    desk.ok("POST", "/v1/replace", swap)
    first, second = desk.ok("GET", "/v1/installed", place="92002-lamp-l1")["installed"]
    assert (first["dev_eui"], first["to_ms"]) == ("70b3d57ed0060001", NOW_MS + 1000)
    assert (second["dev_eui"], second["to_ms"]) == ("70b3d57ed0060002", None)
    assert desk.ok("GET", "/v1/groups")["groups"][0]["members"] == ["70b3d57ed0060002"]
    assert isinstance(desk.changes[-1], GroupSet)
    assert desk.ok("GET", "/v1/places")["places"][0]["zone"] == "nord"


def test_a_device_is_only_exchanged_for_one_of_its_kind_that_is_registered(desk):
    desk.ok("POST", "/v1/devices", {"devices": [BAY | {"place": "92002-bay-a12"}, light(1)]})
    assert "is a parking node" in desk.no(
        409, "POST", "/v1/replace", {"old": BAY["dev_eui"], "new": "70b3d57ed0060001"}
    )
    assert "is not registered" in desk.no(
        404, "POST", "/v1/replace", {"old": BAY["dev_eui"], "new": "70b3d57ed0069999"}
    )
    assert "is a light node" in desk.no(409, "POST", "/v1/replace", {"old": "70b3d57ed0060001", "new": BAY["dev_eui"]})
    other = light(2)
    desk.ok("POST", "/v1/devices", {"devices": [other]})
    spare = {"old": "70b3d57ed0060001", "new": other["dev_eui"]}
    assert "is installed nowhere" in desk.no(409, "POST", "/v1/replace", spare)
    assert "same device" in desk.no(400, "POST", "/v1/replace", {"old": BAY["dev_eui"], "new": BAY["dev_eui"]})


def test_places_are_set_and_devices_hung_and_taken_away(desk):
    desk.ok("POST", "/v1/devices", {"devices": [BAY]})
    place = {"place": "92002-bay-a13", "zone": "nord", "latitude_deg": 48.7, "longitude_deg": 2}
    assert desk.ok("POST", "/v1/places", place)["kind"] == "bay"
    desk.ok("POST", "/v1/installed", {"place": "92002-bay-a13", "dev_eui": BAY["dev_eui"], "instance": 1})
    assert desk.ok("GET", "/v1/installed")["installed"][0]["instance"] == 1
    away = {"place": "92002-bay-a13", "dev_eui": BAY["dev_eui"], "to_ms": NOW_MS + 5}
    desk.ok("POST", "/v1/installed", away)
    assert desk.ok("GET", "/v1/installed")["installed"] == []
    assert "make it with `places set`" in desk.no(
        409, "POST", "/v1/installed", {"place": "92002-bay-x", "dev_eui": BAY["dev_eui"]}
    )


def test_a_row_that_names_a_place_by_its_id_alone_leaves_it_as_it_is(desk):
    place = {"place": "92002-lamp-l1", "zone": "nord", "latitude_deg": 48.7, "longitude_deg": 2}
    desk.ok("POST", "/v1/places", place)
    desk.ok("POST", "/v1/devices", {"devices": [light(1, place="92002-lamp-l1")]})
    [kept] = desk.ok("GET", "/v1/places")["places"]
    assert (kept["zone"], kept["latitude_deg"]) == ("nord", 48.7)


def test_a_group_is_spoken_to_at_the_data_rate_at_which_nodes_listen(tmp_path):
    for rx2_dr in (3, 0):
        desk = Desk(tmp_path, f"[network]\nrx2_dr = {rx2_dr}\n")
        for name in ("rue", f"rue-{rx2_dr}"):  # one that is there the second time, and a new one
            desk.ok("POST", "/v1/groups", {"name": name, "members": []})
        assert [change.group.dr for change in desk.changes] == [rx2_dr, rx2_dr]
        desk.station.close()


def test_a_group_has_a_key_that_nobody_is_shown_and_an_address_no_node_has(desk):
    desk.ok("POST", "/v1/devices", {"devices": [BAY, light(1), light(2)]})
    group = desk.ok("POST", "/v1/groups", {"name": "rue", "members": ["70b3d57ed0060001"]})
    assert group["mc_addr"].startswith("ff")
    changed = desk.ok("POST", "/v1/groups", {"name": "rue", "members": ["70b3d57ed0060001", "70b3d57ed0060002"]})
    assert changed["group"] == group["group"]
    assert changed["mc_addr"] == group["mc_addr"]
    kept = [change.group for change in desk.changes if isinstance(change, GroupSet)]
    assert kept[0].mc_key == kept[1].mc_key
    assert any(kept[0].mc_key)
    assert kept[0].mc_key.hex() not in json.dumps(desk.ok("GET", "/v1/groups"))
    assert "does not listen all the time" in desk.no(
        409, "POST", "/v1/groups", {"name": "x", "members": [BAY["dev_eui"]]}
    )


def test_an_order_goes_on_as_it_was_written(desk):
    form = {"group": 3, "verb": "set_level", "arguments": {"level_pct": "40"}, "expires_in_s": 60, "source": "cli"}
    assert desk.ok("POST", "/v1/orders", form) == {"ids": [1]}
    [given] = desk.station.given
    assert (given.target, given.verb, given.arguments, given.expires_in_s) == (3, "set_level", {"level_pct": "40"}, 60)
    assert "there is no order 'dance'" in desk.no(400, "POST", "/v1/orders", {"group": 3, "verb": "dance"})
    assert desk.no(400, "POST", "/v1/orders", {"verb": "set_level"}) == "write dev_eui or group, one of them"
    assert desk.ok("GET", "/v1/orders") == {"orders": [], "next": None}
    assert desk.ok("DELETE", "/v1/orders/1") == {"cancelled": 1}
    assert desk.station.given == []
    assert "is not under way" in desk.no(400, "DELETE", "/v1/orders/1")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/v1/nothing", None, 404, "there is no /v1/nothing; routes: /v1/backup, /v1/counters"),
        ("GET", "/", None, 404, "there is no /"),
        ("PUT", "/v1/devices", None, 405, "knows GET, POST, not PUT"),
        ("GET", "/v1/devices/zz", None, 400, "DevEUI 'zz': character 1 is not a hex digit"),
        ("GET", "/v1/devices/70b3d57ed0050001", None, 404, "`devices list` shows who is"),
        ("DELETE", "/v1/devices/70b3d57ed0050001", None, 404, "is not registered"),
        ("POST", "/v1/devices", [], 400, "the body is no JSON object"),
        ("POST", "/v1/places", {"place": "x"}, 400, "is not <INSEE code>"),
        ("POST", "/v1/places", {"place": "92002-bay-a", "latitude_deg": "48"}, 400, "latitude_deg is 48; write"),
        ("POST", "/v1/places", {"place": "92002-bay-a", "latitude_deg": 48}, 400, "give both"),
        ("POST", "/v1/installed", {"place": "92002-bay-a", "dev_eui": "70b3d57ed0050001", "instance": True}, 400,
         "instance is True; write an integer 0..7"),
        ("POST", "/v1/groups", {"name": "x", "members": 5}, 400, "members is no list"),
        ("POST", "/v1/orders", {"group": 1, "verb": "set_level", "arguments": []}, 400, "arguments is no object"),
        ("DELETE", "/v1/orders/-1", None, 400, "'-1' is no order's id"),
        ("POST", "/v1/replay", {"since_ms": -1}, 400, "since_ms is -1"),
        ("POST", "/v1/replay", {"parked": False}, 400, "write since_ms, or parked as true"),
        ("POST", "/v1/replay", {"parked": True, "since_ms": 0}, 400, "one of them"),
        ("POST", "/v1/replay", {"since_ms": 0, "publisher": "ngsi"}, 404, "there is no publisher ngsi"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_says_why(desk, method, path, body, status, says):
    assert says in desk.no(status, method, path, body)


@pytest.mark.parametrize("limit", ["1001", "-1", "x", "1e9", "9" * 40, "²"])
def test_a_page_is_bounded(desk, limit):
    assert "write a number 0..1000" in desk.no(400, "GET", "/v1/devices", limit=limit)


def test_a_snapshot_and_a_backup_are_written_and_old_backups_go(desk, tmp_path):
    written = desk.ok("POST", "/v1/snapshot")["written"]
    assert written == str(tmp_path / "store" / "registry.snapshot")
    backups = tmp_path / "store" / "backups"
    backups.mkdir()
    for at in range(10):
        (backups / f"lampyre-2025010{at}T000000.sqlite").touch()
    written = desk.ok("POST", "/v1/backup")["written"]
    kept = sorted(path.name for path in backups.iterdir())
    assert len(kept) == 7
    assert str(backups / kept[-1]) == written
