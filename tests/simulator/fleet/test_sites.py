"""The site that a lamp is flashed with, held against published times of the sun."""

import json
from pathlib import Path

from protocol.civil import day_of
from protocol.dimming import Site as LampSite
from simulator.fleet.sites import lamp_site
from simulator.scenario.model import Site

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "sun_table.json").read_text(encoding="utf-8"))
ANTONY = Site(insee="92002", name="Antony", latitude_deg=48.7, longitude_deg=2.3)


def test_the_sun_is_where_the_almanac_has_it():
    site = LampSite.decode(lamp_site(ANTONY, day_of(2026, 3, 2) * 86_400))
    assert (site.utc_offset_min, site.summer_rule, site.holidays) == (60, True, ())
    for offset in range(70, 360, 29):
        day = VECTORS["first_day"] + offset
        assert abs(site.sun.morning(day) - VECTORS["sunrise"][offset]) <= 10, "a minute"
        assert abs(site.sun.evening(day) - VECTORS["sunset"][offset]) <= 10
        assert abs(site.twilight.morning(day) - VECTORS["dawn"][offset]) <= 10
        assert abs(site.twilight.evening(day) - VECTORS["dusk"][offset]) <= 10


def test_a_town_without_summer_time_has_none():
    reunion = Site(
        insee="97411", name="Saint-Denis", latitude_deg=-20.9, longitude_deg=55.5, time_zone="Indian/Reunion"
    )
    site = LampSite.decode(lamp_site(reunion, day_of(2026, 3, 2) * 86_400))
    assert (site.utc_offset_min, site.summer_rule) == (240, False)
