"""What a plan says of lamps' own settings reaches each of them by orders, and is known to have."""

import pytest

from gateway.lighting.lamps import Lamp, lamp_from_text
from gateway.lighting.lighting import Lighting, Plan, State
from gateway.lighting.plan import LightGroup
from gateway.lighting.tuning import settings_of
from protocol.orders import CONFIGURE
from protocol.settings import number_of
from tests.gateway.lighting.samples import RUE, lamp, programme
from tests.gateway.lighting.samples import street as street_of
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
    lamps[EUIS[2]] = Lamp(registration=lamp(3), settings={MOTION_INTERVAL_S: 570})
    assert settings_of([group(programme())], PLACES, lamps) == {EUIS[2]: {MOTION_INTERVAL_S: 0}}


def told(*settings, asked=()):
    """The street's lamps, of which the third was told settings: what it confirmed, and what it did not answer."""
    return LAMPS | {EUIS[2]: Lamp(registration=lamp(3), settings=dict(settings), asked=set(asked))}


def test_what_a_file_names_no_longer_goes_back_to_its_default_whether_or_not_the_lamp_confirmed_it():
    """Defaults as `programme example` tells them."""
    lamps = told((BOOST_PCT, 80), (ON_LUX, 80), asked=[BOOST_S, OFF_LUX])
    backs = {EUIS[2]: {BOOST_PCT: 100, BOOST_S: 120, ON_LUX: 0, OFF_LUX: 70}}
    assert settings_of([group(programme())], PLACES, lamps) == backs
    assert settings_of([], PLACES, lamps) == backs, "it is in no group any more"
    wanted = settings_of([group(TUNED)], PLACES, lamps)
    assert wanted[EUIS[2]] == {BOOST_PCT: 80, BOOST_S: 120, ON_LUX: 80, OFF_LUX: 120}
    assert wanted[EUIS[0]] == {BOOST_PCT: 80, ON_LUX: 80, OFF_LUX: 120}


def test_of_a_programme_that_cannot_be_read_nothing_is_given_back():
    unread, _ = group(TUNED)
    assert settings_of([], PLACES, told((BOOST_PCT, 80)), [unread]) == {}
    members, town = street_of(3)
    state = State(Plan((), {1: "of a newer version"}), {EUIS[2]: told((BOOST_PCT, 80))[EUIS[2]].to_text()})
    lighting = Lighting(members, [town], state)
    assert lighting.wanted(EUIS[2]) is None
    assert not lighting.distribution.lacks_settings(lighting.lamps[EUIS[2]])


def test_what_was_sent_and_not_answered_is_known_after_a_start():
    before = told((BOOST_PCT, 80), asked=[BOOST_S])[EUIS[2]]
    after = lamp_from_text(before.registration, before.to_text())
    assert (after.settings, after.asked) == ({BOOST_PCT: 80}, {BOOST_S})
    assert [after.lacks_setting(BOOST_PCT, value) for value in (80, 60)] == [False, True]
    assert after.lacks_setting(BOOST_S, 120)


def test_every_lamp_of_the_group_gets_what_the_file_says():
    wanted = settings_of([group(TUNED)], PLACES, LAMPS)
    assert wanted == {dev_eui: {BOOST_PCT: 80, ON_LUX: 80, OFF_LUX: 120} for dev_eui in EUIS}


def settings(town):
    return [
        (seen.settings[ON_LUX], seen.settings[OFF_LUX], seen.settings.get(BOOST_PCT)) for seen in town.lamps.values()
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


@pytest.mark.parametrize("seed", range(3))
def test_settings_that_are_taken_away_go_back_in_every_lamp_also_of_a_group_that_has_no_programme_any_more(seed):
    """Also where the gateway starts anew meanwhile, and in lamps whose confirmation it never heard."""
    street = Town(12, down=0.2, up=0.3, seed=seed, programmes=[TUNED], assigned={1: TUNED.name})
    street.run(HOUR_S / 2)
    some = [seen[:2] == (80, 120) for seen in settings(street)]
    street.plan = Plan() if seed else Plan((TUNED, programme()), {1: TUNED.name})
    street.light.set_plan(street.plan)
    street.run(HOUR_S / 3)
    street.begin()
    street.run(9 * HOUR_S)
    assert any(some)
    assert {seen[:2] for seen in settings(street)} == {(0, 70)}
    assert {seen[2] for seen in settings(street)} <= {100, None}, "None: it never was told of it"
    before = street.sent_since(0, verb=CONFIGURE)
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
