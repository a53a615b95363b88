"""Silent nodes are told once, by their own interval, and never all at once after a start."""

from gateway.network.registration import Registration, Role
from gateway.readings.silence import DEFAULT_MS, MOST_AT_ONCE, Silence

HOUR_MS = 3_600_000


def node(number):
    return Registration(device=number, dev_eui=number.to_bytes(8, "big"), role=Role.AIR)


def fallen(silence, until_ms):
    """(device, when it was told) of all that fall silent until then."""
    told = []
    while (at_ms := silence.wake_at()) is not None and at_ms <= until_ms:
        told += [(registration.device, at_ms) for registration, _, _ in silence.wake(at_ms)]
    return told


def test_a_node_is_silent_after_three_of_its_intervals():
    silence = Silence()
    for at_ms in range(0, 20 * HOUR_MS, 900_000):
        silence.heard(node(1), 900, at_ms)
    told = fallen(silence, 40 * HOUR_MS)
    assert [device for device, _ in told] == [1]
    assert 3 * 900_000 < told[0][1] - at_ms <= 3 * 900_000 + 60_000


def test_it_learns_from_the_node_and_not_from_the_air():
    """Three of four frames are lost; those that come tell that readings are 15 minutes apart."""
    silence = Silence()
    for at_ms in range(0, 40 * HOUR_MS, 3_600_000):
        silence.heard(node(1), 900, at_ms)
        assert fallen(silence, at_ms) in ([], [(1, at_ms)])
    assert silence._nodes[node(1).dev_eui].interval_ms == 900_000


def test_before_it_told_an_hour_is_assumed():
    silence = Silence()
    silence.heard(node(1), None, 0)
    [(_, at_ms)] = fallen(silence, 100 * HOUR_MS)
    assert 3 * DEFAULT_MS < at_ms <= 3 * DEFAULT_MS + 60_000


def test_odd_intervals_are_bounded():
    silence = Silence()
    for gap_s in [0] * 100:
        silence.heard(node(1), gap_s, 0)
    assert silence._nodes[node(1).dev_eui].interval_ms == 300_000
    silence.heard(node(1), 10_000_000, 0)
    assert silence._nodes[node(1).dev_eui].interval_ms == 6 * HOUR_MS


def test_it_is_told_once_and_once_when_it_is_back():
    silence = Silence()
    silence.heard(node(1), None, 0)
    assert len(fallen(silence, 100 * HOUR_MS)) == 1
    assert silence.heard(node(1), None, 101 * HOUR_MS) == 101 * HOUR_MS
    assert silence.heard(node(1), None, 102 * HOUR_MS) is None
    assert len(fallen(silence, 200 * HOUR_MS)) == 1


def test_after_a_start_every_node_has_its_intervals_and_one_more():
    silence = Silence([node(1), node(2)], now_ms=5000)
    silence.heard(node(2), None, HOUR_MS)
    assert fallen(silence, 4 * HOUR_MS) == []
    told = fallen(silence, 5 * HOUR_MS)
    assert {device for device, _ in told} == {1, 2}


def test_a_town_that_falls_silent_is_told_in_portions():
    silence = Silence([node(n) for n in range(MOST_AT_ONCE + 20)])
    first = silence.wake(5 * HOUR_MS)
    assert len(first) == MOST_AT_ONCE
    assert silence.wake_at() <= 5 * HOUR_MS
    assert len(silence.wake(5 * HOUR_MS)) == 20
    assert silence.wake_at() > 5 * HOUR_MS
    assert silence.wake(5 * HOUR_MS) == []


def test_who_is_excused_to_no_time_is_looked_at_again_a_minute_later_and_not_for_ever():
    count = 2 * MOST_AT_ONCE
    silence = Silence([node(n) for n in range(count)])
    told = []
    for _ in range(3):
        for registration, _, _ in silence.wake(5 * HOUR_MS):
            silence.excuse(registration.dev_eui, 0)
            told.append(registration.device)
    assert sorted(told) == list(range(count))
    assert silence.wake_at() == 5 * HOUR_MS + 60_000


def test_who_is_removed_while_a_town_is_told_of_is_not_told_of():
    silence = Silence([node(n) for n in range(MOST_AT_ONCE + 20)])
    silence.wake(5 * HOUR_MS)
    silence.forget(node(MOST_AT_ONCE + 3).dev_eui)
    assert len(silence.wake(5 * HOUR_MS)) == 19


def told_at(days, hours_on=10):
    """The hours at which a lamp is called silent that has power for some hours of each day and reads hourly."""
    silence = Silence()
    told = []
    for hour in range(24 * days):
        if hour % 24 < hours_on:
            silence.heard(node(1), 3600, hour * HOUR_MS)
        told += [at_ms // HOUR_MS for _, at_ms in fallen(silence, (hour + 1) * HOUR_MS)]
    return told


def test_a_lamp_without_power_by_day_is_told_on_the_first_day_only():
    assert told_at(days=10) == [12]


def test_a_lamp_that_stays_away_after_its_day_is_told():
    silence = Silence()
    for at_ms in [*range(0, 10 * HOUR_MS, HOUR_MS), *range(24 * HOUR_MS, 34 * HOUR_MS, HOUR_MS)]:
        told = fallen(silence, at_ms)
        silence.heard(node(1), 3600, at_ms)
    [(_, at_ms)] = fallen(silence, 1000 * HOUR_MS)
    assert told == []
    assert 33 * HOUR_MS + 18 * HOUR_MS < at_ms < 33 * HOUR_MS + 19 * HOUR_MS


def test_an_outage_is_no_habit():
    silence = Silence()
    for at_ms in [0, *range(10 * HOUR_MS, 80 * HOUR_MS, HOUR_MS)]:
        silence.heard(node(1), 3600, at_ms)
    assert len(fallen(silence, 83 * HOUR_MS)) == 1
    silence.heard(node(1), 3600, 200 * HOUR_MS)
    assert len(fallen(silence, 204 * HOUR_MS)) == 1, "a week is no day without power"


def test_a_removed_node_is_forgotten():
    silence = Silence([node(1)])
    silence.forget(node(1).dev_eui)
    assert silence.wake_at() is None
