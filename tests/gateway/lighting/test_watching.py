"""Arrivals and darkness, and what they make brighter."""

from gateway.lighting.files import read_programme
from gateway.lighting.plan import LightGroup, Rule
from gateway.lighting.watching import Watching
from tests.gateway.lighting.samples import RUE, lamp

BAY = (b"\2" * 8, 1)
CELL = bytes.fromhex("70b3d57ed0050001")
TEXT = (
    RUE
    + '[presence]\nlevel_pct = 80\nhold_s = 300\nplaces = ["92002-bay-a", "92002-lamp-1"]\n'
    + '[lux]\nlevel_pct = 60\non_lux = 20\noff_lux = 70\ndevice = "70b3d57ed0050001"\n'
)
GROUP = LightGroup(number=4, name="rue-a", members=(lamp(1).dev_eui,), programme="rue")


def watching():
    watch = Watching()
    assert watch.plan([(GROUP, read_programme(TEXT))], {"92002-bay-a": BAY}) == ["92002-lamp-1"]
    return watch


def test_an_arrival_brightens_its_groups_for_a_while():
    [boost] = watching().arrived(BAY, 1000)
    assert (boost.group, boost.rule, boost.level_pct, boost.until_s) == (4, Rule.PRESENCE, 80, 1300)
    assert boost.source == "92002-bay-a"


def test_another_bay_of_the_same_device_brightens_nothing():
    assert watching().arrived((BAY[0], 0), 1000) == []


def test_only_what_is_in_the_plan_is_cared_for():
    watch = watching()
    assert [watch.cares_for(dev_eui) for dev_eui in (BAY[0], CELL, lamp(1).dev_eui)] == [True, True, False]
    watch.plan([], {})
    assert not watch.cares_for(CELL)


def test_darkness_begins_below_one_threshold_and_ends_above_another():
    watch = watching()
    assert watch.saw(CELL, 50, 0) == [], "between both it stays as it was: light"
    [boost] = watch.saw(CELL, 19, 100)
    assert (boost.rule, boost.level_pct, boost.until_s) == (Rule.LUX, 60, 100 + 7200)
    [boost] = watch.saw(CELL, 50, 200)
    assert boost.until_s == 200 + 7200, "between both it stays as it was: dark"
    assert watch.saw(CELL, 70, 250)[0].until_s > 250, "at the threshold it is not above it"
    [boost] = watch.saw(CELL, 71, 300)
    assert boost.until_s == 300, "it is over"
    assert watch.saw(CELL, 50, 400) == []
