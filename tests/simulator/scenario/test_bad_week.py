"""Bad weeks: drawn from the seed, each victim by itself, within their time."""

from collections import Counter

import pytest

from simulator.scenario.bad_week import HABITS
from simulator.scenario.faults import RULES
from simulator.scenario.model import Fault, FaultKind
from tests.simulator.scenario.towns import WHOLE, read

LONG = 'hours = 168\nfinal_quiet_s = "1d"\n'
MANY = '[[nodes]]\nrole = "light"\nname = "lamp"\nzone = "centre"\narea = [[0, 0], [900, 900]]\ncount = {}\n'


def week(seed: int = 1, severity: float = 1, more: str = "", lamps: int = 200) -> tuple[Fault, ...]:
    table = f'[[bad_weeks]]\nfrom_s = "1d"\nuntil_s = "7d"\nseverity = {severity}\n{more}'
    return read(WHOLE + MANY.format(lamps) + table, LONG, seed=seed).faults


def test_the_same_seed_is_the_same_week_and_another_is_another():
    assert week(1) == week(1)
    assert week(1) != week(2)


def test_all_trouble_is_within_its_time_and_leaves_the_quiet_end():
    for seed in range(5):
        assert all(86_400 <= fault.from_s <= fault.until_s <= 6 * 86_400 for fault in week(seed))


def test_what_is_drawn_obeys_the_rules_of_its_kind():
    drawn = [fault for seed in range(10) for fault in week(seed)]
    assert {fault.kind for fault in drawn} == set(HABITS)
    for fault in drawn:
        rule = RULES[fault.kind]
        assert fault.drawn
        assert bool(fault.targets) is bool(rule.aim)
        assert bool(fault.for_s) is rule.lasts
        assert all(getattr(fault, parameter) is not None for parameter in rule.needs)
        assert fault.share is None or 0 < fault.share <= 0.4
        assert fault.drift_ppm is None or -30_000 <= fault.drift_ppm <= 30_000


def test_no_seed_knows_all_kinds():
    """Seven in ten of eighteen: all of them come once in 600 seeds."""
    kinds = [len({fault.kind for fault in week(seed)}) for seed in range(10)]
    assert max(kinds) < len(HABITS)
    assert len(set(kinds)) > 1


def test_one_node_more_changes_what_happens_to_no_other():
    before, after = week(lamps=50), week(lamps=51)
    assert [fault for fault in after if fault.targets != ("lamp-051",)] == list(before)


def test_only_the_kinds_named_are_drawn():
    kinds = {fault.kind for seed in range(5) for fault in week(seed, more='kinds = ["node_reboot", "loss"]\n')}
    assert kinds == {FaultKind.NODE_REBOOT, FaultKind.LOSS}


def test_severity_is_how_often():
    """Reboots: 0.2 a week of 208 nodes, five days of seven, in seven seeds of ten."""
    reboots = Counter(
        (severity, fault.kind)
        for severity in (1, 0.25)
        for seed in range(25)
        for fault in week(seed, severity, 'kinds = ["node_reboot"]\n')
    )
    often, rarely = reboots[1, FaultKind.NODE_REBOOT], reboots[0.25, FaultKind.NODE_REBOOT]
    assert often == pytest.approx(0.2 * 5 / 7 * 208 * 0.7 * 25, rel=0.3)
    assert rarely == pytest.approx(often / 4, rel=0.2)
    assert week(severity=0) == ()
