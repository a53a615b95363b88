"""What a plan says of lamps' own settings reaches each of them by orders, and is known to have."""

import pytest

from gateway.lighting.lamps import Lamp
from gateway.lighting.plan import LightGroup
from gateway.lighting.tuning import settings_of
from protocol.orders import CONFIGURE
from protocol.settings import number_of
from tests.gateway.lighting.samples import RUE, lamp, programme
from tests.gateway.lighting.town import Town

HOUR_S = 3600
BOOST_PCT, BOOST_S, ON_LUX, OFF_LUX, MOTION_INTERVAL_S = (
    number_of(name) for name in ("boost_pct", "boost_s", "on_lux", "off_lux", "motion_interval_s")
)
TUNED = programme(RUE + "[lamps]\nboost_pct = 80\non_lux = 80\noff_lux = 120\n")
SEES = programme(RUE + "[presence]\nlevel_pct = 80\nhold_s = 600\nplaces = ['lamp-2', 'bay', 'nowhere']\n")
EUIS = tuple(lamp(number).dev_eui for number in (1, 2, 3))
LAMPS = {dev_eui: Lamp(registration=lamp(number)) for number, dev_eui in enumerate(EUIS, 1)}
PLACES = {"lamp-2": (EUIS[1], 0), "bay": (b"\2" * 8, 1)}


def group(found, number=1, members=EUIS):
    return LightGroup(number=number, name="rue-a", members=members, programme=found.name), found


def test_who_is_named_for_presence_tells_of_motion_a_little_sooner_than_the_light_ends():
    assert settings_of([group(SEES)], PLACES, LAMPS) == {EUIS[1]: {MOTION_INTERVAL_S: 570}}


@pytest.mark.parametrize(("hold_s", "interval_s"), [(60, 180), (210, 180), (211, 181), (3600, 3570)])
def test_no_lamp_is_to_tell_more_than_the_slowest_data_rate_allows(hold_s, interval_s):
    short = programme(SEES.text.replace("600", str(hold_s)))
    assert settings_of([group(short)], PLACES, LAMPS)[EUIS[1]] == {MOTION_INTERVAL_S: interval_s}


def test_of_two_groups_that_want_to_know_the_more_impatient_is_served():
    other = programme(SEES.text.replace("600", "300"))
    for groups in ((SEES, other), (other, SEES)):
        wanted = settings_of([group(found, number) for number, found in enumerate(groups, 1)], PLACES, LAMPS)
        assert wanted[EUIS[1]] == {MOTION_INTERVAL_S: 270}


def test_a_lamp_that_nobody_asks_about_any_more_need_not_tell():
    lamps = dict(LAMPS)
    lamps[EUIS[2]] = Lamp(registration=lamp(3), settings={MOTION_INTERVAL_S: 570, BOOST_PCT: 80})
    assert settings_of([group(programme())], PLACES, lamps) == {EUIS[2]: {MOTION_INTERVAL_S: 0}}


def test_every_lamp_of_the_group_gets_what_the_file_says():
    wanted = settings_of([group(TUNED)], PLACES, LAMPS)
    assert wanted == {dev_eui: {BOOST_PCT: 80, ON_LUX: 80, OFF_LUX: 120} for dev_eui in EUIS}


def settings(street):
    return [
        (seen.settings[ON_LUX], seen.settings[OFF_LUX], seen.settings.get(BOOST_PCT)) for seen in street.lamps.values()
    ]


@pytest.mark.parametrize("seed", range(3))
def test_settings_reach_a_street_in_an_order_that_each_lamp_takes(seed):
    """A lamp takes no on_lux above its off_lux: the first it is told may be refused, then comes the other."""
    street = Town(12, down=0.2, up=0.1, seed=seed, programmes=[TUNED], assigned={1: TUNED.name})
    street.run(6 * HOUR_S)
    assert settings(street) == [(80, 120, 80)] * 12
    assert not any(street.light.distribution.lacks_settings(known) for known in street.light.lamps.values())
    assert set(street.versions()) == {TUNED.version}
    before = street.sent_since(0, verb=CONFIGURE)
    assert before < 12 * 3 * 4
    street.begin()
    street.run(2 * HOUR_S)
    assert street.sent_since(0, verb=CONFIGURE) == before, "who has what is on disk"


def test_a_lamp_that_lost_its_memory_is_told_again():
    street = Town(3, programmes=[TUNED], assigned={1: TUNED.name})
    street.run(3 * HOUR_S)
    odd = list(street.lamps)[1]
    street.rejoin(odd, wiped=True)
    street.lamps[odd].settings = {ON_LUX: 0, OFF_LUX: 70}
    street.run(3 * HOUR_S)
    assert settings(street) == [(80, 120, 80)] * 3
