"""`lampyre gateway light faults | energy`: a work list and a contract's figures, as an operator reads them."""

import csv
import json

import pytest

from gateway.lighting.consumption import LampNight
from gateway.lighting.faults import Fault, FaultKind
from gateway.lighting.outage import Cause, Outage
from gateway.network.events import Commit
from gateway.store.apply import write_commits
from gateway.store.opening import Store
from gateway.store.records import RecordWriter
from gateway.store.writes import AddLampNight, KeepFault, KeepOutage
from tests.gateway.api.stations import config_in
from tests.gateway.test_cli import no, ok

LAMPS = ("70b3d57ed0060001", "70b3d57ed0060002")
CSV = f"""dev_eui;role;name;app_key;place;zone
{LAMPS[0]};light;;9f8e7d6c5b4a39281706f5e4d3c2b1a0;92002-lamp-l1;centre
{LAMPS[1]};light;;8f8e7d6c5b4a39281706f5e4d3c2b1a0;92002-lamp-l2;
"""
NIGHT = 20_778  # 2026-11-21
SINCE_MS = 1_795_312_800_000  # 2026-11-22T02:00Z
BASELINE = '\n[[baseline]]\nwatts = 100.0\ngroup = "zone/centre"\n'


def night(device: int, number: int = NIGHT, energy_wh: float = 300.0) -> AddLampNight:
    found = LampNight(
        device=device,
        night=number,
        heads=1,
        energy_wh=energy_wh,
        reckoned_wh=0.0,
        lit_s=50_000,
        covered_s=86_400,
        dark_s=54_000,
        full_wh=600.0,
        switches=2,
    )
    return AddLampNight(found, 4000, 300)


@pytest.fixture(name="config")
def _config(tmp_path):
    config = config_in(tmp_path)
    config.path.write_text(config.path.read_text("utf-8") + BASELINE, encoding="utf-8")
    file = tmp_path / "lamps.csv"
    file.write_text(CSV, encoding="utf-8")
    ok("devices", "import", file, config=config.path)
    failed = Fault(
        device=1,
        head=0,
        kind=FaultKind.LAMP_FAILED,
        since_ms=SINCE_MS,
        seen_ms=SINCE_MS,
        evidence={"by": "meter", "level_pct": 100, "power_w": 0.3, "expected_w": 42.1},
    )
    over = Fault(device=2, head=0, kind=FaultKind.METER, since_ms=1, seen_ms=1, over_ms=2, evidence={"by": "node"})
    outage = Outage(
        feeder="centre",
        cause=Cause.NOT_SWITCHED_ON,
        since_ms=SINCE_MS,
        over_ms=None,
        lamps=40,
        known=40,
        gasps=0,
        others_heard=True,
    )
    writes = (KeepFault(failed), KeepFault(over), KeepOutage(outage))
    writes += (night(1), night(2), night(1, NIGHT - 1, 280.0))
    store = Store(config.store.database)
    database = store.connect()
    with database:
        write_commits(database, RecordWriter(), [Commit(token=1, writes=writes, at_once=True)])
    database.close()
    store.close()
    return config.path


def test_the_work_list_says_which_lamp_since_when_and_what_shows_it(config):
    shown = ok("light", "faults", config=config).stdout
    assert "92002-lamp-l1" in shown
    assert "lamp failed" in shown
    assert "at 100 %, takes 0.3 W, expected 42.1 W" in shown
    assert "feeder not switched on" in shown
    assert "40 of 40 lamps" in shown
    assert "92002-lamp-l2" not in shown  # it is over


def test_the_work_list_in_french(config):
    shown = ok("light", "faults", "--lang", "fr", config=config).stdout
    assert "lampe en panne" in shown
    assert "à 100 %, consomme 0,3 W, attendu 42,1 W" in shown
    assert "départ non enclenché" in shown


def test_the_work_list_for_programs(config):
    rows = [json.loads(line) for line in ok("light", "faults", "--json", config=config).stdout.splitlines()]
    assert [row["fault"] for row in rows] == ["not_switched_on", "lamp_failed"]
    assert rows[1]["dev_eui"] == LAMPS[0]
    assert rows[1]["since"] == "2026-11-22T02:00:00.000Z"


def test_a_lamp_that_is_removed_is_on_no_list(config):
    ok("devices", "remove", LAMPS[0], "--yes", config=config)
    assert "lamp failed" not in ok("light", "faults", config=config).stdout


def test_energy_by_group_against_full_light_and_the_baseline(config):
    rows = [
        json.loads(line)
        for line in ok("light", "energy", "--from", "2026-11-20", "--to", "2026-11-21", "--json", config=config)
        .stdout.splitlines()
    ]  # fmt: skip
    site, centre = rows
    assert (centre["group"], centre["lamps"], centre["nights"]) == ("zone/centre", 1, 2)
    assert centre["energy_kwh"] == 0.58
    assert centre["full_kwh"] == 1.2
    assert centre["saved_of_full_pct"] == pytest.approx(51.7)
    # 100 W from sunset to sunrise, 15 hours, two nights.
    assert centre["baseline_kwh"] == 3.0
    assert centre["saved_of_baseline_pct"] == pytest.approx(80.7)
    assert (site["group"], site["lamps"], site["energy_kwh"]) == ("site", 2, 0.88)
    assert site["baseline_kwh"] is None  # of one lamp nobody declared any


def test_energy_as_csv_for_a_contract(tmp_path, config):
    ok("light", "energy", "--from", "2026-11-01", "--to", "2026-11-30", "--by", "lamp-night",
       "--csv", tmp_path / "x.csv", config=config)  # fmt: skip
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["lamp"], row["night"]) for row in rows] == [
        ("92002-lamp-l1", "2026-11-20"),
        ("92002-lamp-l1", "2026-11-21"),
        ("92002-lamp-l2", "2026-11-21"),
    ]
    assert [row["energy_kwh"] for row in rows] == ["0.28", "0.3", "0.3"]


def test_dates_that_are_none_are_sentences(config):
    assert "'x' is no date; write it as 2026-11-22" in no(2, "light", "energy", "--from", "x", config=config)
    swapped = no(2, "light", "energy", "--from", "2026-11-02", "--to", "2026-11-01", config=config)
    assert "--from 2026-11-02 is after --to 2026-11-01" in swapped
    ok("light", "energy", "--from", "2020-11-02", "--to", "2020-11-03", config=config)
