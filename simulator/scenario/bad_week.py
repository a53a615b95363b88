"""Trouble drawn from the seed: which kinds a bad week knows, and whom it strikes when.

The seed draws the kinds first, then for each possible victim by itself, so that every seed is another week, some quiet
and some wild, and one node more never changes what happens to the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.scenario.faults import RULES, Aim
from simulator.scenario.model import BadWeek, Fault, FaultKind
from simulator.scenario.targets import Targets
from simulator.streams import Stream

_WEEK_S = 7 * 86_400
_KNOWN = 0.7  # of the kinds, so many does a week know
_BROKER = "broker"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Habit:
    """per_week: strikes on one victim at severity 1. for_s: shortest and longest. values: of its parameter."""

    per_week: float
    for_s: tuple[float, float] = (0.0, 0.0)
    values: tuple[float, float] = (0.0, 0.0)


# Assumed: no town has published how often these happen; severity scales them.
HABITS = {
    FaultKind.LOSS: _Habit(per_week=1, for_s=(600, 21_600), values=(0.1, 0.4)),
    FaultKind.JAMMING: _Habit(per_week=1, for_s=(60, 3600)),
    FaultKind.ANTENNA: _Habit(per_week=0.02, for_s=(86_400, 604_800), values=(3, 15)),
    FaultKind.GATEWAY_REBOOT: _Habit(per_week=1, for_s=(60, 600)),
    FaultKind.GATEWAY_POWER_CUT: _Habit(per_week=0.5, for_s=(60, 14_400)),
    FaultKind.BACKHAUL: _Habit(per_week=1, for_s=(60, 43_200)),
    FaultKind.BROKER_AWAY: _Habit(per_week=1, for_s=(60, 172_800)),
    FaultKind.BROKER_RESTART: _Habit(per_week=3),
    FaultKind.DUPLICATES: _Habit(per_week=1, for_s=(60, 86_400), values=(0.01, 0.2)),
    FaultKind.POWER_CUT: _Habit(per_week=0.1, for_s=(30, 7200)),
    FaultKind.NODE_REBOOT: _Habit(per_week=0.2),
    FaultKind.NODE_DEAD: _Habit(per_week=0.02, for_s=(3600, 172_800)),
    FaultKind.CLOCK_DRIFT: _Habit(per_week=0.1, for_s=(86_400, 604_800), values=(-30_000, 30_000)),
    FaultKind.FLASH_WORN: _Habit(per_week=0.02, for_s=(3600, 604_800), values=(0.01, 0.2)),
    FaultKind.FLASH_TORN: _Habit(per_week=0.05),
    FaultKind.SENSOR_DEAD: _Habit(per_week=0.05, for_s=(3600, 604_800)),
    FaultKind.SENSOR_STUCK: _Habit(per_week=0.05, for_s=(3600, 604_800)),
    FaultKind.LAMP_FAILED: _Habit(per_week=0.02, for_s=(86_400, 604_800)),
}
_MAX_PER_WEEK = 8  # draws for each victim and kind; beyond any rate above, so that none is cut off


def drawn_faults(week: BadWeek, number: int, seed: int, targets: Targets) -> Iterator[Fault]:
    """The faults of the *number*-th bad week under *seed*, in no order of time."""
    for kind, habit in HABITS.items():
        stream = Stream(seed, f"bad-week/{number}/{kind.value}")
        if stream.chance(1 - _KNOWN) or (week.kinds and kind not in week.kinds):
            continue
        aim = RULES[kind].aim
        for victim in targets.of_aim(aim, mains=kind is FaultKind.POWER_CUT) if aim else [_BROKER]:
            dice = Stream(seed, f"bad-week/{number}/{kind.value}/{victim}")
            yield from _strikes(week, kind, habit, dice, () if aim is Aim.NOTHING else (victim,))


def _strikes(week: BadWeek, kind: FaultKind, habit: _Habit, dice: Stream, targets: tuple[str, ...]) -> Iterator[Fault]:
    span_s = week.until_s - week.from_s
    tries = int(_MAX_PER_WEEK * span_s / _WEEK_S) + 1
    probability = habit.per_week * week.severity * span_s / _WEEK_S / tries
    for _ in range(tries):
        strikes, when, length, value = (dice.uniform(0, 1) for _ in range(4))
        if strikes >= probability:
            continue
        for_s = min(habit.for_s[0] + length * (habit.for_s[1] - habit.for_s[0]), span_s)
        amount = habit.values[0] + value * (habit.values[1] - habit.values[0])
        yield _fault(kind, targets, round(week.from_s + when * (span_s - for_s), 3), round(for_s, 3), amount)


def _fault(kind: FaultKind, targets: tuple[str, ...], from_s: float, for_s: float, amount: float) -> Fault:
    needs = RULES[kind].needs
    return Fault(
        kind=kind,
        targets=targets,
        from_s=from_s,
        for_s=for_s,
        share=round(amount, 4) if "share" in needs else None,
        loss_db=round(amount, 1) if "loss_db" in needs else None,
        drift_ppm=round(amount) if "drift_ppm" in needs else None,
        drawn=True,
    )
