"""A lamp head: fades, takes power with its light, and fails in each way that the node's own meter must find."""

import itertools

import pytest

from firmware.actions import TellEvent
from firmware.roles.meter import Meter
from protocol.events import DAY_BURNER, GEAR_FAILED, LAMP_CYCLING, LAMP_FAILED, LAMP_RECOVERED
from simulator.stimuli.cycles import YEAR_S
from simulator.stimuli.lamp import Failure, Head, Trouble, drawn_failures
from simulator.streams import Stream

START_S = 1_772_434_800
WATTS = 42


def head(*failures: Failure) -> Head:
    return Head(Stream(1, "head"), WATTS, failures)


def broken(trouble: Trouble, after_s: float = 1800, for_s: float = 4 * 3600) -> Head:
    return head(Failure(trouble, START_S + after_s, START_S + after_s + for_s))


def told(lamp: Head, level_pct: int, hours: float = 8, expected_dw: int = WATTS * 10) -> list[int]:
    """The events that the firmware's meter makes of this lamp's power, measured every five minutes."""
    lamp.set(level_pct, 0, START_S)
    meter = Meter(1, 700, expected_dw)
    found = []
    for now_s in range(300, int(hours * 3600), 300):
        power_dw = int(10 * lamp.watts(START_S + now_s))
        events = meter.measured([level_pct], power_dw, 2300, now_s)
        found += [event.event for event in events if isinstance(event, TellEvent)]
    return found


def test_light_fades_evenly_and_a_new_level_begins_where_the_old_one_was():
    lamp = head()
    lamp.set(100, 10, START_S)
    assert [lamp.told_pct(START_S + second) for second in (0, 5, 10, 99)] == [0, 50, 100, 100]
    lamp.set(20, 4, START_S + 100)
    lamp.set(60, 10, START_S + 102)
    assert lamp.told_pct(START_S + 102) == 60
    lamp.set(0, 0, START_S + 103)
    assert lamp.told_pct(START_S + 103) == 0


def test_power_goes_with_the_light_and_a_label_is_not_exact():
    lamp = head()
    lamp.set(100, 0, START_S)
    full = lamp.watts(START_S)
    assert full == pytest.approx(WATTS, rel=0.031)
    lamp.set(40, 0, START_S)
    assert lamp.watts(START_S) == pytest.approx(full * 0.43)
    lamp.set(0, 0, START_S)
    assert 0 < lamp.watts(START_S) < 1
    assert len({Head(Stream(seed, "head"), WATTS).watts(START_S) for seed in range(5)}) == 1
    others = [Head(Stream(seed, "head"), WATTS) for seed in range(5)]
    for other in others:
        other.set(100, 0, START_S)
    assert len({other.watts(START_S) for other in others}) == 5


def test_a_sound_lamp_is_not_blamed():
    for level in (0, 20, 60, 100):
        assert told(head(), level) == []


def test_the_nodes_meter_finds_each_trouble_and_its_end():
    assert told(broken(Trouble.FAILED), 60) == [LAMP_FAILED, LAMP_RECOVERED]
    assert told(broken(Trouble.GEAR_FAILED), 60) == [LAMP_FAILED, LAMP_RECOVERED]
    assert told(broken(Trouble.BURNS), 0) == [DAY_BURNER]
    assert told(broken(Trouble.STUCK), 30) == [GEAR_FAILED]
    assert told(broken(Trouble.STUCK), 0) == []
    assert LAMP_CYCLING in told(broken(Trouble.CYCLES), 80)


def test_a_hot_lamp_is_hotter_and_no_darker():
    lamp = broken(Trouble.HOT)
    lamp.set(80, 0, START_S)
    assert lamp.excess_k(START_S) == 0 < lamp.excess_k(START_S + 1800)
    assert lamp.light_pct(START_S + 1800) == 80


def test_light_is_what_the_trouble_leaves():
    for trouble, light in ((Trouble.FAILED, 0), (Trouble.GEAR_FAILED, 0), (Trouble.STUCK, 100), (Trouble.BURNS, 100)):
        lamp = broken(trouble)
        lamp.set(50, 0, START_S)
        assert lamp.light_pct(START_S) == 50
        assert lamp.light_pct(START_S + 1800) == light
        assert lamp.has(trouble, START_S + 1800)
        assert not lamp.has(trouble, START_S)


def test_failures_by_chance_are_as_many_as_told_and_of_every_kind():
    found = [drawn_failures(Stream(seed, "lamp"), START_S, YEAR_S, 0.5) for seed in range(1500)]
    count = sum(map(len, found))
    assert count / 1500 == pytest.approx(0.5 / (1 + 0.5 * 21 / 365), rel=0.1)  # each is three weeks until repaired
    kinds = [failure.trouble for failures in found for failure in failures]
    assert set(kinds) == set(Trouble)
    assert kinds.count(Trouble.FAILED) / count == pytest.approx(0.5, abs=0.08)
    for failures in found:
        assert all(a.end_s < b.begin_s for a, b in itertools.pairwise(failures))
    assert drawn_failures(Stream(1, "lamp"), START_S, YEAR_S, 0) == []


def test_a_lamp_asked_before_it_was_set_has_not_begun_to_fade():
    lamp = head()
    lamp.set(80, 0, START_S)
    assert lamp.told_pct(START_S - 1) == 80
    lamp.set(20, 10, START_S)
    assert lamp.told_pct(START_S - 1) == 80
