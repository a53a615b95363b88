"""Lighting over the local API: programmes, groups, who has what, why, and what is held; beside a stopped gateway."""

import pytest

from gateway.api.light import LightDesk
from gateway.lighting.lamps import Key
from gateway.store import lighting as tables
from protocol.lorawan.eui import eui_to_text
from tests.gateway.api.stations import config_in
from tests.gateway.api.test_routes import Desk, light
from tests.gateway.lighting.samples import RUE, SITE, at, programme

NOW_S = at("2026-12-22 23:00")
LAMPS = ["70b3d57ed0060001", "70b3d57ed0060002", "70b3d57ed0060003"]
GEN_KEY = "8f8e7d6c5b4a39281706f5e4d3c2b1a0"


class Street(Desk):
    """A station with three lamps, two of them in a group; its time is a winter night. running: whether lamps hear."""

    def __init__(self, tmp_path, running=True) -> None:
        super().__init__(tmp_path)
        station = self.station
        config = config_in(tmp_path)
        database = station._database
        with database:
            tables.keep_site(database, config.site.almanac_key, 2026, SITE.encode())
        rows = [light(number, gen_app_key=f"{GEN_KEY[:30]}{number:02x}") for number in (1, 2, 3)]
        self.ok("POST", "/v1/devices", {"devices": rows})
        self.ok("POST", "/v1/groups", {"name": "rue-a", "members": LAMPS[:2]})
        station.light = LightDesk(
            config.site,
            config.lighting,
            database,
            station._run,
            station._core,
            (lambda change: change(station._core())) if running else None,
            lambda: self.now_s * 1000,
            lambda: 5_000,
        )
        self.now_s = NOW_S

    def core(self):
        return self.station._core()

    def lamp(self, number):
        return self.core().lamps[bytes.fromhex(LAMPS[number])]

    def explain(self, number=0, **query):
        row = self.ok("GET", f"/v1/light/lamps/{LAMPS[number]}", **query)
        return row["level_pct"], row["rule"], row["until"]


@pytest.fixture(name="street")
def _street(tmp_path):
    desk = Street(tmp_path)
    yield desk
    desk.station.close()


def test_a_programme_is_loaded_shown_and_said_to_cost(street):
    said = street.ok("POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-a"]})
    version = f"{programme().version:04x}"
    assert (said["name"], said["version"], said["parts"], said["changed"], said["law"]) == ("rue", version, 2, True, [])
    [cost] = said["groups"]
    assert (cost["name"], cost["lamps"]) == ("rue-a", 2)
    # Two orders, three times each, 30 to 60 bytes at SF9 and 125 kHz: 0.2 to 0.35 s apiece (Semtech's calculator).
    assert 1200 < cost["airtime_ms"] < 2200
    assert street.ok("GET", "/v1/light/programmes")["programmes"] == [
        {"name": "rue", "version": version, "loaded": "2026-12-22T22:00:00Z", "groups": ["rue-a"]}
    ]
    assert street.ok("GET", "/v1/light/programmes/rue")["text"] == RUE
    assert street.ok("POST", "/v1/light/programmes", {"text": RUE})["changed"] is False


def test_settings_of_lamps_are_said_to_cost_and_who_lacks_them(street):
    text = RUE + "[lamps]\nboost_pct = 80\nboost_s = 60\n"
    street.lamp(0).settings = {27: 80}
    [cost] = street.ok("POST", "/v1/light/programmes", {"text": text, "groups": ["rue-a"]})["groups"]
    # A frame of some 25 bytes at SF9 and 125 kHz takes 0.2 s.
    assert (cost["settings"], 500 < cost["settings_airtime_ms"] < 700) == (3, True)
    assert cost["cost"].endswith("; 3 settings, lamp by lamp: 0.6 s more")
    lacks = {row["dev_eui"]: row["lacks_settings"] for row in street.ok("GET", "/v1/light/lamps")["lamps"]}
    assert lacks == {LAMPS[0]: ["boost_s"], LAMPS[1]: ["boost_pct", "boost_s"], LAMPS[2]: []}


def test_beside_a_stopped_gateway_it_is_known_who_is_to_tell_of_motion(tmp_path):
    street = Street(tmp_path, running=False)
    street.ok("POST", "/v1/devices", {"devices": [light(4, place="92002-lamp-l4")]})
    street.ok("POST", "/v1/groups", {"name": "rue-b", "members": ["70b3d57ed0060004"]})
    street.station._lighting = None  # the next command is another process
    text = RUE + '[presence]\nlevel_pct = 80\nhold_s = 300\nplaces = ["92002-lamp-l4"]\n'
    [cost] = street.ok("POST", "/v1/light/programmes", {"text": text, "groups": ["rue-b"]})["groups"]
    assert cost["settings"] == 1
    lacks = {row["dev_eui"]: row["lacks_settings"] for row in street.ok("GET", "/v1/light/lamps")["lamps"]}
    assert lacks["70b3d57ed0060004"] == ["motion_interval_s"]
    street.station.close()


def test_a_dry_run_changes_nothing(street):
    said = street.ok("POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-a"], "dry_run": True})
    assert (said["loaded"], len(said["groups"])) == (False, 1)
    assert street.ok("GET", "/v1/light/programmes")["programmes"] == []


def test_the_law_is_read(street):
    text = RUE.replace('name = "rue"', 'name = "rue"\ninstallation = "heritage"')
    [warning] = street.ok("POST", "/v1/light/programmes", {"text": text, "dry_run": True})["law"]
    assert warning.startswith("order of 27 December 2018, article 2, II: heritage is lit from sunset")


def test_what_cannot_be_loaded_is_said(street):
    wrong = RUE.replace("sunset", "sunste")
    assert "at is 'sunste'" in street.no(400, "POST", "/v1/light/programmes", {"text": wrong})
    assert street.no(400, "POST", "/v1/light/programmes", {}) == "text is missing; it is the programme's file"
    assert "there is no group 'rue-b'" in street.no(
        404, "POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-b"]}
    )
    assert "there is no programme 'quai'" in street.no(404, "GET", "/v1/light/programmes/quai")


def test_a_lamp_runs_one_programme(street):
    street.ok("POST", "/v1/groups", {"name": "quai", "members": LAMPS[1:]})
    street.ok("POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-a"]})
    street.station._lighting = None
    other = RUE.replace('"rue"', '"quai"')
    shown = eui_to_text(bytes.fromhex(LAMPS[1]))
    assert street.no(409, "POST", "/v1/light/programmes", {"text": other, "groups": ["quai"]}) == (
        f"lamp {shown} is in quai and in rue-a, which runs rue; a lamp runs one programme"
    )


def test_groups_and_lamps_say_who_has_what(street):
    street.ok("POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-a"]})
    street.lamp(0).stores(programme().version, NOW_S)
    street.lamp(0).keys[1] = Key(0, 1)
    [group] = street.ok("GET", "/v1/light/groups")["groups"]
    assert (group["programme"], group["lamps"], group["have_it"], group["have_key"]) == ("rue", 2, 1, 1)
    rows = street.ok("GET", "/v1/light/lamps")["lamps"]
    assert [row["has_it"] for row in rows] == [True, False, False]
    assert rows[0]["has"] == rows[0]["wanted"] == f"rue {programme().version:04x}"
    assert rows[2]["wanted"] is None
    page = street.ok("GET", "/v1/light/lamps", limit="2")
    assert [row["dev_eui"] for row in page["lamps"]] == [row["dev_eui"] for row in rows[:2]]
    assert street.ok("GET", "/v1/light/lamps", after=page["next"])["lamps"] == rows[2:]


def test_why_a_lamp_has_its_level(street):
    street.ok("POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-a"]})
    assert street.explain() == (100, "no_programme", None)
    row = street.ok("GET", f"/v1/light/lamps/{LAMPS[0]}")
    assert (row["alone_pct"], row["planned_pct"]) == (100, 40)
    street.lamp(0).stores(programme().version, NOW_S)
    assert street.explain() == (40, "programme", "2026-12-23T05:00:00+01:00")
    assert street.explain(at_s=str(at("2026-12-25 23:00"))) == (100, "programme", "2026-12-26T00:30:00+01:00")
    assert "is no lamp" in street.no(404, "GET", "/v1/light/lamps/70b3d57ed0069999")


def test_a_level_is_held_and_ended(street):
    [told] = street.ok("POST", "/v1/light/holds", {"levels": {"rue-a": 50}, "hold_s": 7200})["held"]
    assert (told["override"], told["lamps"], told["until"]) == (1, 2, "2026-12-23T01:00:00+01:00")
    assert street.explain(1) == (50, "manual", "2026-12-23T01:00:00+01:00")
    assert street.explain(2)[1] == "no_programme"
    [group] = street.ok("GET", "/v1/light/groups")["groups"]
    assert group["held_pct"] == 50
    street.now_s += 60
    street.ok("POST", "/v1/light/holds", {"levels": {"rue-a": None}})
    assert street.explain(1)[1] == "no_programme"
    street.now_s += 7200
    assert street.no(409, "POST", "/v1/light/holds", {"levels": {"rue-a": None}}) == "nothing is held for rue-a"


def test_a_scene_lets_what_is_said_of_fewer_lamps_hold(street):
    levels = {LAMPS[0]: 10, "rue-a": 60, "site": 80}
    held = street.ok("POST", "/v1/light/holds", {"levels": levels})["held"]
    assert [row["target"] for row in held] == ["site", "rue-a", LAMPS[0]]
    assert [street.explain(number)[0] for number in range(3)] == [10, 60, 80]


def test_a_group_s_hold_ends_at_sunrise_and_a_lamp_s_does_not(street):
    held = street.ok("POST", "/v1/light/holds", {"levels": {"rue-a": 50, LAMPS[2]: 50}, "hold_s": 14 * 3600})["held"]
    # Sunrise at Antony on 23 December: 8:43.
    assert held[0]["until"].startswith("2026-12-23T08:4")
    assert held[1]["until"] == "2026-12-23T13:00:00+01:00"


@pytest.mark.parametrize(
    ("levels", "hold_s", "says"),
    [
        ({"rue-a": 20}, 3600, "rue-a: 20 % is below the floor of 30 % that [lighting] sets for groups and the site"),
        ({"site": 0}, 3600, "site: 0 % is below the floor"),
        ({"rue-a": 50}, 17 * 3600, "rue-a: to hold for 61200 s; a group or the site a night at most: 60..57600 s"),
        ({LAMPS[0]: 50}, 10, "to hold for 10 s; a lamp a day at most: 60..86400 s"),
        ({"rue-a": 101}, 3600, "rue-a: 101 % with a fade of 2 s; expected 0..100 and 0..3600"),
        ({}, 3600, "0 targets; a scene has 1..64"),
    ],
)
def test_what_may_not_be_held(street, levels, hold_s, says):
    assert says in street.no(400, "POST", "/v1/light/holds", {"levels": levels, "hold_s": hold_s})
    assert tables.load_overrides(street.station._database) == []


def test_a_single_lamp_may_be_dark_for_who_works_on_it(street):
    street.ok("POST", "/v1/light/holds", {"levels": {LAMPS[0]: 0}})
    assert street.explain(0)[:2] == (0, "manual")


def test_levels_are_numbers_by_target(street):
    for levels in ({"rue-a": "50"}, {"rue-a": True}, [50], None):
        assert "levels is no object" in street.no(400, "POST", "/v1/light/holds", {"levels": levels})


def test_beside_a_stopped_gateway_programmes_are_planned_and_nothing_is_held(tmp_path):
    desk = Street(tmp_path, running=False)
    try:
        desk.ok("POST", "/v1/light/programmes", {"text": RUE, "groups": ["rue-a"]})
        assert "the gateway is stopped" in desk.no(503, "POST", "/v1/light/holds", {"levels": {"rue-a": 50}})
        desk.station._lighting = None
        [group] = desk.ok("GET", "/v1/light/groups")["groups"]
        assert group["programme"] == "rue", "it is on disk"
    finally:
        desk.station.close()


def test_while_nobody_knows_the_time_nothing_is_promised(street):
    street.station.light._unix_ms = lambda: None
    assert "does not know the time" in street.no(503, "POST", "/v1/light/holds", {"levels": {"rue-a": 50}})
