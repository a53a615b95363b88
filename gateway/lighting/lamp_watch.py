"""One node with its lamps: what it measures and tells becomes signs for and against faults.

A reading passes: what the node itself has found (the bits of its status) → what its power says at its levels → whether
the meter is alive → whether it does what is planned. Only what is news in time is judged: an older reading that comes
late changes nothing that is known better since.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.lighting.draw import Draw, Sign, Verdict
from gateway.lighting.faults import Beliefs, Fault, FaultKind
from gateway.lighting.plan import Rule, Setpoint
from protocol import events
from protocol.quantities import (
    CURRENT,
    LAMP_CYCLING,
    LAMP_DAY_BURNER,
    LAMP_FAILURE,
    LAMP_GEAR_FAILURE,
    LAMP_GEAR_SILENT,
    LAMP_OVERRIDDEN,
    LAMP_STATUS,
    LAMP_TOO_HOT,
    LEVEL,
    POWER,
    TEMPERATURE,
    VOLTAGE,
)

Facts = dict[str, int | float | str]
Values = Mapping[tuple[int, int], int | None]  # (quantity, instance) -> scaled value, as nodes send them
Planned = Callable[[int], Setpoint | None]  # Unix s -> what a lamp should do then; None: nobody knows

_WARM_UP_MS = 600_000  # a sodium lamp takes so long to reach its power
_GAP_MS = 2 * 3_600_000  # after a longer one nobody knows when the lamp was lit
_LEAST_VOLTAGE_DV = 1500  # below, the mains are the fault
_DARK_SIGNS = 2
_POWER_SIGNS = 3  # too much or too little for the level
_WELL_SIGNS = 2
_METER_SIGNS = 3  # readings without power in a row
_SAME_SIGNS = 4  # readings with the very same volts, amperes and watts, though the level changed
_FLIPS = 4  # between lit and dark within...
_FLIPS_WITHIN_MS = 3 * 3_600_000
_CALM_MS = 8 * 3_600_000  # lit time without a flip after which a lamp does not cycle any more
_PLAN_PCT = 5  # as near as a level must come to the plan
_PLAN_SIGNS = 3  # darker than planned, or lit where darkness is
_BRIGHT_SIGNS = 8  # brighter than planned: a lamp without a clock is, for an hour or two
_STEADY_S = 1200  # a plan that changed so lately, or soon will, is not held against a lamp
_LATE_MS = 60_000  # an event that is so much older than the newest reading says nothing new


class LampWatch:
    """device: row of the node. there: its faults as the store has them."""

    def __init__(self, device: int, there: tuple[Fault, ...] = ()) -> None:
        self.draw = Draw()
        self.beliefs = Beliefs(device, there)
        self.last_ms = 0  # of the newest reading
        self._levels: tuple[int, ...] = ()
        self._level_ms = 0  # since when it has been seen at these levels
        self._lit_ms: int | None = None  # since when it has been seen lit
        self._metered = False  # whether it ever told a power
        self._same: tuple[int | None, ...] = ()  # what the meter said last
        self._same_count = 0
        self._same_levels: set[tuple[int, ...]] = set()
        self._was_dark = False
        self._flips_ms: list[int] = []
        self._seen_wrong: dict[int, tuple[Sign, int]] = {}  # by head: how, and at which level its driver was wrong

    def to_json(self) -> dict[str, Any]:
        """For the store: what a restart of the gateway must not forget."""
        return {
            "draw": self.draw.to_json(),
            "beliefs": self.beliefs.to_json(),
            "last_ms": self.last_ms,
            "levels": list(self._levels),
            "level_ms": self._level_ms,
            "lit_ms": self._lit_ms,
            "metered": self._metered,
            "wrong": [[head, sign.value, level] for head, (sign, level) in self._seen_wrong.items()],
        }

    def take(self, said: Any) -> None:
        """Undo `to_json`. Raises ValueError, TypeError or LookupError for what it did not write."""
        self.draw = Draw.from_json(said["draw"])
        self.beliefs.take(said["beliefs"])
        self.last_ms = int(said["last_ms"])
        self._levels = tuple(int(level) for level in said["levels"])
        self._level_ms = int(said["level_ms"])
        self._lit_ms = None if said["lit_ms"] is None else int(said["lit_ms"])
        self._metered = bool(said["metered"])
        self._seen_wrong = {int(head): (Sign(sign), int(level)) for head, sign, level in said["wrong"]}

    @property
    def levels(self) -> tuple[int, ...]:
        """Of the newest reading, by head; () before the first."""
        return self._levels

    # What is heard.

    def reading(self, values: Values, at_ms: int, planned: Planned | None = None) -> list[Fault]:
        """Judge a reading that was taken at *at_ms* (Unix ms); returns faults that began or ended."""
        levels = levels_of(values)
        if at_ms <= self.last_ms or not levels:
            return []
        self._pass_to(levels, at_ms)
        bits = [values.get((LAMP_STATUS, head)) or 0 for head in range(len(levels))]
        found = self._meter(values, levels, at_ms)
        verdict = self._power(values, levels, at_ms)
        for head in range(len(levels)):
            found += self._told(head, bits[head], levels[head], at_ms)
            found += self._judged(head, bits[head], levels[head], verdict, values.get((POWER, 0)), at_ms)
        if verdict is not None and verdict.sign in (Sign.DARK, Sign.FINE):
            found += self._flip(verdict, at_ms)
        found += self._heat(bits[0], values.get((TEMPERATURE, 0)), at_ms)
        if planned is not None:
            for head in range(len(levels)):
                found += self._against_plan(head, levels[head], bits[head], planned, at_ms)
        self._learn(verdict, bits, values, at_ms)
        return found

    def event(self, number: int, details: Sequence[int], at_ms: int) -> list[Fault]:
        """What the node found by itself at *at_ms*; returns faults that began or ended."""
        if at_ms < self.last_ms - _LATE_MS:
            return []  # readings since have told what became of it
        head = details[0] if details else 0
        if number == events.LAMP_FAILED:
            facts: Facts = {"by": "node"}
            if len(details) > 2:
                facts |= {"power_w": details[1] / 10, "expected_w": details[2] / 10}
            return self.beliefs.seen(head, FaultKind.LAMP_FAILED, at_ms, 1, facts)
        if number == events.LAMP_RECOVERED:
            return self.beliefs.well(head, FaultKind.LAMP_FAILED, at_ms, 1)
        if number == events.DAY_BURNER:
            power = {"power_w": details[1] / 10} if len(details) > 1 else {}
            return self.beliefs.seen(head, FaultKind.DAY_BURNER, at_ms, 1, {"by": "node", **power})
        if number == events.LAMP_CYCLING:
            times = {"times": details[1]} if len(details) > 1 else {}
            return self.beliefs.seen(head, FaultKind.CYCLING, at_ms, 1, {"by": "node", **times})
        if number == events.GEAR_FAILED:
            silent = len(details) > 1 and details[1] < 0
            return self._driver_told(head, silent, self._levels[head] if head < len(self._levels) else 100, at_ms)
        if number == events.OVER_TEMPERATURE:
            heat = {"temperature_cel": details[1]} if len(details) > 1 else {}
            return self.beliefs.seen(0, FaultKind.TOO_HOT, at_ms, 1, {"by": "node", **heat})
        if number == events.SENSOR_FAILED and details[:1] == (POWER,):
            return self.beliefs.seen(0, FaultKind.METER, at_ms, 1, {"by": "node"})
        if number == events.SENSOR_BACK and details[:1] == (POWER,):
            return self.beliefs.well(0, FaultKind.METER, at_ms, 1)
        return []

    # Steps of a reading.

    def _pass_to(self, levels: tuple[int, ...], at_ms: int) -> None:
        gap = at_ms - self.last_ms > _GAP_MS
        if levels != self._levels or gap:
            self._level_ms = at_ms
        if not any(levels):
            self._lit_ms = None
        elif self._lit_ms is None or gap:
            self._lit_ms = at_ms
        self._levels = levels
        self.last_ms = at_ms

    def _power(self, values: Values, levels: tuple[int, ...], at_ms: int) -> Verdict | None:
        """What the power says, where it can be said; None: the lamp is warming up, or there is no meter to ask."""
        power_dw, voltage_dv = values.get((POWER, 0)), values.get((VOLTAGE, 0))
        if power_dw is None or (voltage_dv is not None and voltage_dv < _LEAST_VOLTAGE_DV):
            return None
        if self._same_count >= _SAME_SIGNS and len(self._same_levels) > 1:
            return None
        if self._lit_ms is not None and at_ms - self._lit_ms < _WARM_UP_MS:
            return None
        verdict = self.draw.judge(levels, power_dw)
        if verdict.sign in (Sign.LOW, Sign.HIGH) and at_ms == self._level_ms:
            return None  # on its way to this level, perhaps
        return verdict

    def _told(self, head: int, bits: int, level: int, at_ms: int) -> list[Fault]:
        """What the node has found, as its status says."""
        found: list[Fault] = []
        by: Facts = {"by": "node", "level_pct": level}
        if bits & LAMP_FAILURE:
            found += self.beliefs.seen(head, FaultKind.LAMP_FAILED, at_ms, 1, by)
        if bits & LAMP_DAY_BURNER:
            found += self.beliefs.seen(head, FaultKind.DAY_BURNER, at_ms, 1, by)
        if bits & (LAMP_GEAR_FAILURE | LAMP_GEAR_SILENT):
            found += self._driver_told(head, bool(bits & LAMP_GEAR_SILENT), level, at_ms)
        if bits & LAMP_CYCLING:
            self._flips_ms = [at_ms]
            found += self.beliefs.seen(head, FaultKind.CYCLING, at_ms, 1, by)
        return found

    def _driver_told(self, head: int, silent: bool, level: int, at_ms: int) -> list[Fault]:
        if not silent:
            self._seen_wrong.setdefault(head, (Sign.HIGH, level))
        how = "silent" if silent else "does_not_dim"
        return self.beliefs.seen(head, FaultKind.DRIVER, at_ms, 1, {"by": "node", "how": how, "level_pct": level})

    def _judged(
        self, head: int, bits: int, level: int, verdict: Verdict | None, power_dw: int | None, at_ms: int
    ) -> list[Fault]:
        """What the power says of one head."""
        if verdict is None or power_dw is None:
            return []
        sign = verdict.sign if verdict.head == head or verdict.sign in (Sign.FINE, Sign.FINE_DARK) else Sign.NOTHING
        facts: Facts = {"by": "meter", "level_pct": level, "power_w": power_dw / 10}
        if verdict.expected_dw is not None:
            facts["expected_w"] = round(verdict.expected_dw / 10, 1)
        beliefs = self.beliefs
        if sign is Sign.DARK:
            if beliefs.there(head, FaultKind.CYCLING) is not None:
                return []
            return beliefs.seen(head, FaultKind.LAMP_FAILED, at_ms, _DARK_SIGNS, facts)
        if sign is Sign.BURNS:
            return beliefs.seen(head, FaultKind.DAY_BURNER, at_ms, _DARK_SIGNS, facts)
        if sign in (Sign.LOW, Sign.HIGH):
            self._seen_wrong[head] = sign, level
            how = "too_little" if sign is Sign.LOW else "too_much"
            return beliefs.seen(head, FaultKind.DRIVER, at_ms, _POWER_SIGNS, {**facts, "how": how})
        if sign is Sign.FINE_DARK:
            return [] if bits & LAMP_DAY_BURNER else beliefs.well(head, FaultKind.DAY_BURNER, at_ms, _WELL_SIGNS)
        if sign is Sign.FINE and level:
            return self._lit_well(head, bits, level, at_ms)
        return []

    def _lit_well(self, head: int, bits: int, level: int, at_ms: int) -> list[Fault]:
        """It takes what it should: of what it had failed at, that it can do at this level, it is cured."""
        found: list[Fault] = []
        if not bits & LAMP_FAILURE:
            found += self.beliefs.well(head, FaultKind.LAMP_FAILED, at_ms, _WELL_SIGNS)
        if not bits & (LAMP_GEAR_FAILURE | LAMP_GEAR_SILENT):
            sign, wrong_at = self._seen_wrong.get(head, (Sign.NOTHING, level))
            comparable = level >= wrong_at if sign is Sign.LOW else level <= wrong_at
            if comparable:
                found += self.beliefs.well(head, FaultKind.DRIVER, at_ms, _POWER_SIGNS)
                if self.beliefs.there(head, FaultKind.DRIVER) is None:
                    self._seen_wrong.pop(head, None)
        return found

    def _flip(self, verdict: Verdict, at_ms: int) -> list[Fault]:
        """Count how often a lit lamp goes out and comes back, from reading to reading."""
        dark, head = verdict.sign is Sign.DARK, verdict.head
        self._flips_ms = [flip for flip in self._flips_ms if at_ms - flip < _CALM_MS][-_FLIPS:]
        if dark != self._was_dark:
            self._was_dark = dark
            self._flips_ms.append(at_ms)
            lately = [flip for flip in self._flips_ms if at_ms - flip < _FLIPS_WITHIN_MS]
            if len(lately) >= _FLIPS:
                facts: Facts = {"by": "meter", "times": len(lately)}
                return self.beliefs.seen(head, FaultKind.CYCLING, at_ms, 1, facts, since_ms=lately[0])
            return []
        if self._flips_ms or dark:
            return []
        return self.beliefs.well(head, FaultKind.CYCLING, at_ms, _WELL_SIGNS)

    def _heat(self, bits: int, temperature: int | None, at_ms: int) -> list[Fault]:
        if bits & LAMP_TOO_HOT:
            facts: Facts = {"by": "node"}
            if temperature is not None:
                facts["temperature_cel"] = temperature / 10
            return self.beliefs.seen(0, FaultKind.TOO_HOT, at_ms, 1, facts)
        if temperature is None:
            return []
        return self.beliefs.well(0, FaultKind.TOO_HOT, at_ms, _WELL_SIGNS)

    def _meter(self, values: Values, levels: tuple[int, ...], at_ms: int) -> list[Fault]:
        """Whether the meter answers, and not always the same."""
        power_dw = values.get((POWER, 0))
        if power_dw is None:
            if not self._metered:
                return []  # it never had one
            return self.beliefs.seen(0, FaultKind.METER, at_ms, _METER_SIGNS, {"by": "meter", "how": "silent"})
        self._metered = True
        said = power_dw, values.get((VOLTAGE, 0)), values.get((CURRENT, 0))
        if said != self._same:
            self._same, self._same_count, self._same_levels = said, 1, {levels}
            return self.beliefs.well(0, FaultKind.METER, at_ms, _WELL_SIGNS)
        self._same_count += 1
        self._same_levels.add(levels)
        if self._same_count < _SAME_SIGNS or len(self._same_levels) < 2:
            return []
        facts: Facts = {"by": "meter", "how": "frozen", "power_w": power_dw / 10, "times": self._same_count}
        return self.beliefs.seen(0, FaultKind.METER, at_ms, 1, facts)

    def _against_plan(self, head: int, level: int, bits: int, planned: Planned, at_ms: int) -> list[Fault]:
        """Whether the lamp does what is planned, as far as that is known and nothing else may hold it."""
        setpoint = planned(at_ms // 1000)
        if setpoint is None or setpoint.rule not in (Rule.PROGRAMME, Rule.EVENT):
            return []
        if bits & (LAMP_OVERRIDDEN | LAMP_TOO_HOT):
            return []
        off = level - setpoint.level_pct
        if abs(off) <= _PLAN_PCT:
            return self.beliefs.well(head, FaultKind.OFF_PLAN, at_ms, _WELL_SIGNS)
        for later_s in (-_STEADY_S, _STEADY_S):
            near = planned(at_ms // 1000 + later_s)
            if near is None or near.level_pct != setpoint.level_pct:
                return []
        facts: Facts = {"by": "plan", "level_pct": level, "planned_pct": setpoint.level_pct, "plan": setpoint.detail}
        if not setpoint.level_pct:
            return self.beliefs.seen(head, FaultKind.DAY_BURNER, at_ms, _PLAN_SIGNS, facts)
        return self.beliefs.seen(head, FaultKind.OFF_PLAN, at_ms, _PLAN_SIGNS if off < 0 else _BRIGHT_SIGNS, facts)

    def _learn(self, verdict: Verdict | None, bits: Sequence[int], values: Values, at_ms: int) -> None:
        power_dw = values.get((POWER, 0))
        if verdict is None or power_dw is None or verdict.sign not in (Sign.FINE, Sign.NOTHING):
            return
        if any(each & ~LAMP_OVERRIDDEN for each in bits) or at_ms == self._level_ms or self._was_dark:
            return
        if any(fault.kind in _SPOILS for fault in self.beliefs.all_there()):
            return
        self.draw.learn(self._levels, power_dw)


_SPOILS = frozenset({FaultKind.LAMP_FAILED, FaultKind.DRIVER, FaultKind.CYCLING, FaultKind.METER, FaultKind.DAY_BURNER})


def levels_of(values: Values) -> tuple[int, ...]:
    """The level of each head that a reading tells, () when it is no reading of lamps."""
    levels: list[int] = []
    while (level := values.get((LEVEL, len(levels)))) is not None:
        levels.append(level)
    return tuple(levels)
