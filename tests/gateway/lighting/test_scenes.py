"""Levels held now: how they reach a street, who did not follow and is told again, and how they end."""

import pytest

from gateway.lighting.plan import SITE as ALL
from gateway.lighting.plan import Boost, Rule
from gateway.orders.desk import GROUP_SENDS
from gateway.orders.request import OrderRequest
from protocol.orders import NOT_HERE, RESUME_PROGRAMME, SET_LEVEL
from tests.gateway.lighting.samples import RUE, programme
from tests.gateway.lighting.town import START_S, Town

EVENT = programme(
    RUE
    + '[[events]]\nname = "Fête"\nfrom = 2026-12-22\nto = 2026-12-22\nsteps = [{ at = "21:00", level_pct = 100 }, '
    + '{ at = "23:00", level_pct = 60 }, { at = "23:30", level_pct = 0 }]\n'
)


def town(lamps=20, warm_s=4000, **more):
    street = Town(lamps, **more)
    street.run(warm_s)
    return street


def confirmed(street):
    return [street.light.scenes.confirmed(lamp) for lamp in street.lamps]


def test_a_scene_takes_three_frames_within_ten_seconds():
    street = town()
    before_ms = street.now_ms
    street.hold(1, 70)
    street.run(10)
    assert street.sent_since(before_ms) == GROUP_SENDS
    assert street.levels() == [70] * 20
    assert [notice["notice"] for notice in street.notices] == ["light_override"]
    street.run(900)
    assert confirmed(street) == [True] * 20
    assert street.sent_since(before_ms) == GROUP_SENDS
    [_, notice] = street.notices
    assert (notice["notice"], notice["level_pct"], notice["followed"], notice["missing"]) == (
        "light_followed",
        70,
        20,
        [],
    )


@pytest.mark.parametrize("seed", range(5))
def test_at_ten_percent_loss_a_street_follows_at_once_and_is_confirmed_within_a_quarter_of_an_hour(seed):
    street = town(200, down=0.1, up=0.1, seed=seed)
    before_ms = street.now_ms
    street.hold(1, 70)
    street.run(10)
    assert street.levels().count(70) >= 198
    street.run(890)
    assert street.levels() == [70] * 200
    assert confirmed(street) == [True] * 200
    assert street.sent_since(before_ms, alone=True) < 60, "a fifth at most is asked alone"


def test_at_half_loss_every_straggler_is_found():
    street = town(50, down=0.5, up=0.3)
    street.hold(1, 70, 4 * 3600)
    street.run(3600)
    assert street.levels() == [70] * 50
    assert confirmed(street) == [True] * 50


def test_it_ends_by_itself_and_nobody_is_told():
    street = town()
    street.hold(1, 70, 1800)
    street.run(900)
    before_ms = street.now_ms
    street.run(1000)
    assert street.levels() == [None] * 20
    assert street.sent_since(before_ms) == 0
    assert confirmed(street) == [None] * 20


def test_it_can_be_ended_before():
    street = town()
    street.hold(1, 70, 3600)
    street.run(700)
    before_ms = street.now_ms
    street.hold(1, None, 2900, 2)
    street.run(10)
    assert street.levels() == [None] * 20
    assert street.sent_since(before_ms, verb=RESUME_PROGRAMME) == GROUP_SENDS
    street.run(900)
    assert confirmed(street) == [True] * 20


@pytest.mark.parametrize("seed", range(10))
def test_of_two_scenes_in_a_second_the_later_one_stands(seed):
    street = town(50, down=0.4, seed=seed)
    street.hold(1, 40)
    street.run(1 + seed % 5)
    street.hold(1, 80, 3600, 2)
    street.run(30)
    assert 40 not in [
        lamp.held[0] for lamp in street.lamps.values() if lamp.held and lamp.orders[-1].arguments[0] == 80
    ]
    street.run(1200)
    assert street.levels() == [80] * 50


def test_one_lamp_alone():
    street = town()
    lamp = list(street.lamps)[3]
    before_ms = street.now_ms
    street.hold(lamp, 10)
    street.run(10)
    assert street.levels().count(10) == 1
    assert street.sent_since(before_ms) == 1
    street.hold(lamp, None, 3000, 2)
    street.run(10)
    assert street.levels() == [None] * 20


def test_the_site_with_one_lamp_apart():
    street = town()
    lamp = list(street.lamps)[3]
    street.hold(ALL, 80)
    street.hold(lamp, 10, 3600, 2)
    street.run(60)
    assert sorted(street.levels()) == [10] + [80] * 19
    street.run(1200)
    assert sorted(street.levels()) == [10] + [80] * 19
    assert confirmed(street) == [True] * 20


def test_a_group_that_is_told_later_takes_a_lamp_along():
    street = town()
    lamp = list(street.lamps)[3]
    street.hold(lamp, 10)
    street.run(60)
    street.hold(1, 80, 3600, 2)
    street.run(1200)
    assert street.levels() == [80] * 20


def test_a_lamp_that_reads_otherwise_is_told_again():
    street = town(reading_s=600)
    street.hold(1, 70, 4 * 3600)
    street.run(1000)
    lamp = list(street.lamps)[5]
    street.lamps[lamp].held = None
    street.run(700)
    assert street.levels() == [70] * 20


def test_a_lamp_that_was_off_is_told_when_it_is_back():
    street = town()
    lamp = list(street.lamps)[5]
    street.lamps[lamp].deaf = True
    street.hold(1, 70, 6 * 3600)
    street.run(4 * 3600)
    frames = len(street.sent)
    street.run(3600)
    assert len(street.sent) == frames, "nobody speaks to a lamp that is silent for hours"
    street.lamps[lamp].deaf = False
    street.status(lamp)
    street.run(120)
    assert street.levels() == [70] * 20


def test_a_lamp_that_refuses_is_not_asked_again():
    street = town()
    lamp = list(street.lamps)[5]
    street.lamps[lamp].obey = lambda *_: (NOT_HERE, None)
    street.hold(1, 70)
    street.run(1800)
    assert street.light.scenes.refused(lamp) == NOT_HERE
    [notice] = [each for each in street.notices if each["notice"] == "light_followed"]
    assert (notice["followed"], notice["missing"], notice["refused"]) == (
        19,
        [lamp.hex()],
        {lamp.hex(): "refused:not_here"},
    )
    assert sum(target == lamp for _, target, _ in street.sent) == 0


def test_after_a_start_the_group_is_told_anew_and_an_ended_override_is_ended():
    street = town()
    override = street.hold(1, 70, 2 * 3600)
    street.run(1000)
    street.lamps[next(iter(street.lamps))].held = None
    street.begin([override])
    street.run(10)
    assert street.levels() == [70] * 20
    ended = street.hold(1, None, 6000, 2)
    street.begin([override, ended])
    deaf = street.lamps[list(street.lamps)[3]]
    deaf.deaf = True
    street.run(60)
    assert street.levels() == [None, None, None, 70] + [None] * 16
    street.begin([override, ended])
    deaf.deaf = False
    street.run(1200)
    assert street.levels() == [None] * 20
    assert {street.light.scenes.confirmed(lamp) for lamp in street.lamps} == {True}


def test_what_somebody_ended_for_one_lamp_is_ended_after_a_start():
    street = town(4)
    lamp = list(street.lamps)[2]
    override = street.hold(lamp, 70, 2 * 3600)
    street.run(300)
    assert street.levels() == [None, None, 70, None]
    ended = street.hold(lamp, None, 6000, 2)
    street.begin([override, ended])
    street.run(300)
    assert street.levels() == [None] * 4
    assert street.light.scenes.confirmed(lamp) is True


def test_an_event_goes_from_step_to_step_by_orders():
    street = town(4, programmes=[EVENT], assigned={1: "rue"}, warm_s=3500)
    assert street.levels() == [None] * 4
    street.run(200)  # 21:01
    assert street.levels() == [100] * 4
    street.run(2 * 3600)
    assert street.levels() == [60] * 4
    street.run(1800)
    assert street.levels() == [None] * 4
    assert street.now_s() == START_S + 3700 + 2 * 3600 + 1800


def test_an_override_interrupts_an_event():
    street = town(4, programmes=[EVENT], assigned={1: "rue"})
    street.hold(1, 40, 1800)
    street.run(900)
    assert street.levels() == [40] * 4
    street.run(1000)
    assert street.levels() == [100] * 4


def test_arrivals_hold_a_group_and_are_not_told_each_time():
    street = town(4, programmes=[programme()], assigned={1: "rue"}, warm_s=3 * 3600)  # 23:00, 40 %
    before_ms = street.now_ms
    for _ in range(10):
        boost = Boost(group=1, rule=Rule.PRESENCE, level_pct=80, until_s=street.now_s() + 300, source="bay")
        street.light._boost([boost], street.now_ms)
        street.run(30)
    assert street.levels() == [80] * 4
    assert street.sent_since(before_ms, alone=False, verb=SET_LEVEL) <= 3 * GROUP_SENDS
    street.run(330)
    assert street.levels() == [None] * 4


def test_a_level_that_somebody_orders_past_it_passes_the_same_door():
    street = town(4)
    request = OrderRequest(target=street.group, verb="set_level", arguments={"level_pct": "55"}, source="mqtt")
    street.take(street.app.give(request, street.now_ms).answer)
    street.run(20)
    assert street.levels() == [55] * 4
    lamp = next(iter(street.lamps))
    found = street.light.expected(lamp, street.now_s())
    assert (found.level_pct, found.rule, found.detail) == (55, Rule.MANUAL, "override 1 by mqtt")
    assert found.until_s == street.now_s() - 20 + 7200
    before_ms = street.now_ms
    street.run(1200)
    assert street.sent_since(before_ms) == 0, "what was ordered is not ordered again"


def test_an_order_to_one_lamp_takes_the_place_of_what_was_held():
    street = town(4)
    street.hold(1, 70)
    street.run(700)
    lamp = next(iter(street.lamps))
    request = OrderRequest(target=street.members[0], verb="set_level", arguments={"level_pct": 5, "hold_s": 600})
    street.take(street.app.give(request, street.now_ms).answer)
    street.run(300)
    assert sorted(street.levels()) == [5, 70, 70, 70]
    assert street.light.expected(lamp, street.now_s()).level_pct == 5
    street.run(400)
    assert street.light.expected(lamp, street.now_s()).rule is not Rule.MANUAL
