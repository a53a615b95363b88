"""Keys and programmes on their way, until every lamp has them: over a lossy air, past deaf lamps, starts and joins."""

import pytest

from gateway.lighting.distribution import parts_of
from gateway.orders.desk import GROUP_SENDS
from protocol.orders import BAD_ARGUMENT, JOIN_GROUP, LOAD_PROGRAMME
from tests.gateway.lighting.samples import LONG, RUE, programme
from tests.gateway.lighting.town import Town

HOUR_S = 3600
RUNNING = programme(LONG)
SHORT = programme(RUE)


def town(lamps=20, found=RUNNING, **more):
    return Town(lamps, programmes=[found], assigned={1: found.name}, **more)


def all_have(street, found=RUNNING):
    assert set(street.versions()) == {found.version}
    assert set(street.known_versions()) == {found.version}
    return True


def test_the_programme_of_these_tests_takes_four_frames():
    assert parts_of(RUNNING) == 4


def test_without_loss_a_street_costs_the_group_s_frames_and_no_other():
    street = town(keyed=True)
    street.run(2 * HOUR_S)
    assert all_have(street)
    assert street.sent_since(0, alone=False) == 4 * GROUP_SENDS
    assert street.sent_since(0, alone=True, verb=LOAD_PROGRAMME) == 0


def test_every_lamp_is_given_the_key_before_the_group_is_spoken_to():
    street = town(keyed=False)
    street.run(2 * HOUR_S)
    assert all(lamp.groups for lamp in street.lamps.values())
    first_group_ms = min(ms for ms, target, _ in street.sent if isinstance(target, int))
    assert all(ms < first_group_ms for ms, _, verb in street.sent if verb == JOIN_GROUP)
    assert all_have(street)


@pytest.mark.parametrize("seed", range(5))
def test_what_the_air_lost_is_repaired_lamp_by_lamp_with_what_is_missing(seed):
    street = town(50, down=0.3, up=0.1, seed=seed)
    street.run(4 * HOUR_S)
    assert all_have(street)
    alone = street.sent_since(0, alone=True, verb=LOAD_PROGRAMME)
    # At 30 % three sends leave 2.7 % of 200 parts, and receipts are lost; whole programmes would be more than 100.
    assert alone < 60


def test_a_few_lamps_are_loaded_alone():
    street = town(3)
    street.run(HOUR_S)
    assert all_have(street)
    assert street.sent_since(0, alone=False) == 0


def test_a_lamp_that_is_deaf_is_not_spoken_to_until_it_is_heard():
    street = town(20)
    deaf = list(street.lamps)[4]
    street.lamps[deaf].deaf = True
    street.run(24 * HOUR_S)
    missing = [dev_eui for dev_eui, lamp in street.lamps.items() if lamp.version() != RUNNING.version]
    assert missing == [deaf]
    assert sum(target == deaf for _, target, _ in street.sent) == 0
    street.lamps[deaf].deaf = False
    street.status(deaf)
    street.run(HOUR_S)
    assert all_have(street)


def test_a_lamp_that_hears_nothing_is_asked_later_and_later():
    street = town(20)
    odd = list(street.lamps)[4]
    street.lamps[odd].obey = lambda *_: (_ for _ in ()).throw(AssertionError("it hears nothing"))
    send = street.send
    street.send = lambda app, downlink: send(app, downlink) if downlink.target != odd else _lose(street, app, downlink)
    street.down = 0.0
    street.lamps[odd].groups = set()
    street.run(24 * HOUR_S)
    frames = sum(target == odd for _, target, _ in street.sent)
    assert 10 < frames < 400


def _lose(street, app, downlink):
    from gateway.network.events import Fate, FateOf

    street.sent.append((street.now_ms, downlink.target, LOAD_PROGRAMME))
    street.take(app.fate(Fate(ref=downlink.ref, fate=FateOf.SENT), street.now_ms))


def test_a_street_that_gets_power_later_is_loaded_together():
    street = town(30)
    for lamp in street.lamps.values():
        lamp.deaf = True
    street.run(2 * HOUR_S)
    assert street.sent == []
    for index, (dev_eui, lamp) in enumerate(street.lamps.items()):
        lamp.deaf = False
        street.later(index * 20_000, street.status, dev_eui)
    street.run(2 * HOUR_S)
    assert all_have(street)
    assert street.sent_since(0, alone=True, verb=LOAD_PROGRAMME) <= 4


def test_a_refused_programme_is_not_offered_again():
    street = town(20)
    odd = list(street.lamps)[4]
    street.lamps[odd].obey = lambda order, *_: (BAD_ARGUMENT, order.arguments[0])
    street.run(6 * HOUR_S)
    assert street.light.lamps[odd].refused == RUNNING.version
    asked = [verb for _, target, verb in street.sent if target == odd]
    assert LOAD_PROGRAMME not in asked
    assert 1 <= len(asked) <= 8, "it refuses its key as well, and is asked later and later"


def test_a_new_version_replaces_the_old_one():
    street = town(20, SHORT)
    street.run(2 * HOUR_S)
    assert all_have(street, SHORT)
    changed = programme(RUE.replace("90", "70"))
    street.plan = street.plan._replace(programmes=(SHORT, changed))
    street.light.set_plan(street.plan)
    street.run(2 * HOUR_S)
    assert all_have(street, changed)
    assert street.light.programme_of(next(iter(street.lamps))).name == "rue"


def test_a_lamp_that_joins_anew_is_asked_and_not_loaded():
    street = town(20)
    street.run(2 * HOUR_S)
    before_ms = street.now_ms
    lamp = list(street.lamps)[7]
    street.rejoin(lamp)
    assert not street.light.lamps[lamp].sure
    street.run(HOUR_S)
    assert street.light.lamps[lamp].sure
    assert street.sent_since(before_ms) == 1, "one part shows that it has all"


def test_a_street_that_joins_anew_is_asked_together():
    street = town(20)
    street.run(2 * HOUR_S)
    before_ms = street.now_ms
    for lamp in street.lamps:
        street.rejoin(lamp)
    street.run(HOUR_S)
    assert all(lamp.sure for lamp in street.light.lamps.values())
    assert street.sent_since(before_ms) == GROUP_SENDS, "one part, to all of them"


def test_a_lamp_that_tells_its_version_after_a_join_is_not_asked():
    street = town(20)
    street.run(2 * HOUR_S)
    before_ms = street.now_ms
    lamp = list(street.lamps)[7]
    street.rejoin(lamp)
    street.later(60_000, street.tell_version, lamp)
    street.run(HOUR_S)
    assert street.light.lamps[lamp].sure
    assert street.sent_since(before_ms) == 0


def test_a_lamp_that_tells_another_version_is_loaded():
    street = town(20)
    street.run(2 * HOUR_S)
    lamp = list(street.lamps)[7]
    street.lamps[lamp].stored = b""
    street.later(120_000, street.tell_version, lamp)
    street.run(HOUR_S)
    assert all_have(street)


def test_a_lamp_that_lost_its_memory_gets_key_and_programme_again():
    street = town(20)
    street.run(2 * HOUR_S)
    lamp = list(street.lamps)[7]
    street.rejoin(lamp, wiped=True)
    street.run(HOUR_S)
    assert all_have(street)
    assert street.lamps[lamp].groups == {1}


@pytest.mark.parametrize("after_s", [1, 3, 30, 300, 800, 1500])
def test_a_gateway_that_starts_again_goes_on_from_what_it_knew(after_s):
    street = town(20, down=0.2, up=0.1, keyed=False, seed=after_s)
    street.run(after_s)
    street.begin()
    street.run(4 * HOUR_S)
    assert all_have(street)
    street.begin()
    before_ms = street.now_ms
    street.run(3 * HOUR_S)
    assert street.sent_since(before_ms) == 0, "what every lamp has is on disk"


def test_when_every_lamp_has_it_nothing_is_looked_at_any_more():
    street = town(20)
    street.run(3 * HOUR_S)
    assert street.light.wake_at() is None
    assert street.open_orders() == 0


def test_a_lamp_that_misses_one_part_is_sent_that_part():
    street = town(20)
    odd = list(street.lamps)[4]
    obey, heard = street.lamps[odd].obey, []

    def without_part_two(order, group, *now):
        if group is not None and order.arguments[1] == 2:
            return None  # lost on the air
        heard.append((group, order.arguments[1]))
        return obey(order, group, *now)

    street.lamps[odd].obey = without_part_two
    street.run(2 * HOUR_S)
    assert all_have(street)
    assert [part for group, part in heard if group is None][1:] == [2], "after its key"
