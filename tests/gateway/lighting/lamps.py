"""Lamps of flesh and blood for tests: drivers that waste at little light, sodium that warms up, mains that wander.

Nothing here knows what the gateway believes of a lamp. Sources: an LED driver's efficiency falls from 0.92 at full load
to 0.80 at 30 % and 0.62 at 10 % (data sheets of 75 W street drivers, read off their curves); a 70 W sodium lamp on a
magnetic ballast takes 83 W, reaches it 4 to 8 minutes after ignition from a third of it, and goes with U^1.6; a meter
of class 1 is within 1 % and has 0.1 W; EN 50160 lets the mains wander by 10 %, within a night by 2 to 3 %.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from gateway.lighting.plan import Rule, Setpoint
from gateway.readings.record import Kind, Record
from protocol.quantities import LIGHT_ONE_HEAD

DAY_MS = 86_400_000
MINUTE_MS = 60_000
FIRST_MS = 20_000 * DAY_MS + DAY_MS // 2  # a noon, UTC
SUNSET_H, SUNRISE_H = 17.2, 7.6  # of every night here, UTC


class FixedNights:
    """A place where the sun sets at 17:12 and rises at 7:36 UTC every day, and noon is at noon."""

    def __init__(self) -> None:
        self.feeders: dict[int, str] = {}
        self.undimmed: set[int] = set()  # lamps with a programme that knows full light and none

    known = True

    def night_of(self, at_ms: int) -> int:
        return (at_ms - DAY_MS // 2) // DAY_MS

    def noon_ms(self, night: int) -> int:
        return night * DAY_MS + DAY_MS // 2

    def dark_ms(self, night: int) -> tuple[int, int]:
        return int((night + SUNSET_H / 24) * DAY_MS), int((night + 1 + SUNRISE_H / 24) * DAY_MS)

    def feeder_of(self, device: int) -> str | None:
        return self.feeders.get(device)

    def groups_of(self, device: int) -> tuple[str, ...]:
        return ("street",)

    def planned(self, device: int, at_s: int) -> Setpoint | None:
        level_pct = programme_at(at_s * 1000)
        if level_pct and device in self.undimmed:
            level_pct = 100
        return Setpoint(level_pct=level_pct, rule=Rule.PROGRAMME, until_s=None)


def programme_at(at_ms: int) -> int:
    """Full light at nightfall, half from 22:00, a quarter from 0:30, 70 % from 5:00 on, off by day."""
    hour = at_ms % DAY_MS / 3_600_000
    if SUNRISE_H <= hour < SUNSET_H:
        return 0
    if hour >= 22 or hour < 0.5:
        return 50
    return 25 if 0.5 <= hour < 5 else 70 if 5 <= hour < SUNRISE_H else 100


@dataclass
class Lamp:
    """One post. kind: led or sodium. trouble: what is wrong with it from trouble_ms on."""

    device: int
    dice: random.Random
    kind: str = "led"
    trouble: str = ""
    trouble_ms: int = 0
    interval_ms: int = 900_000
    rated_w: float = field(init=False)
    phase_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self.rated_w = self.dice.choice((28.0, 42.0, 75.0)) if self.kind == "led" else 83.0
        self.rated_w *= self.dice.uniform(0.94, 1.06)
        self.phase_ms = self.dice.randrange(self.interval_ms)
        self._waste = self.dice.uniform(0.7, 1.3)
        self._gain = self.dice.uniform(0.99, 1.01)
        self._wh = self.dice.uniform(1e4, 1e6)
        self._lit_ms: int | None = None
        self._seq = 0
        self._frozen: list[int] | None = None

    def readings(self, from_ms: int, to_ms: int) -> Iterator[Record]:
        """What it tells, every interval; each a minute after its level may have changed, or in the midst of a fade."""
        at_ms = from_ms + self.phase_ms
        while at_ms < to_ms:
            yield self.reading(at_ms)
            at_ms += self.interval_ms + self.dice.randrange(-5000, 5000)

    def reading(self, at_ms: int) -> Record:
        """One reading, of set 5: level, power, voltage, current, energy, temperature, status."""
        wrong = self.trouble if at_ms >= self.trouble_ms else ""
        level = programme_at(at_ms)
        if self.kind == "sodium":
            level = 100 if level else 0
        elif level and self.dice.random() < 0.01:
            level = 100  # somebody passes: the boost of a motion input
        before = programme_at(at_ms - MINUTE_MS) if self.kind == "led" else level
        shown = before + (level - before) * self.dice.random() if before != level else level  # fading
        if not level:
            self._lit_ms = None
        elif self._lit_ms is None:
            self._lit_ms = at_ms - self.dice.randrange(self.interval_ms)
        volts = 231 + 3 * self.dice.gauss(0, 1)
        watts = self._watts(shown if level else 0, at_ms, volts, wrong)
        self._wh += watts * self.interval_ms / 3_600_000
        power = max(0, round(10 * watts * self._gain * self.dice.gauss(1, 0.004)))
        milliamps = round(1000 * watts / volts / 0.9)
        meter: list[int | None] = [power, round(10 * volts), milliamps, int(self._wh)]
        if wrong == "dead meter":
            meter = [None] * 4
        elif wrong == "frozen meter":
            self._frozen = self._frozen or [int(each or 0) for each in meter]
            meter = list(self._frozen)
        content = [LIGHT_ONE_HEAD, level, *meter, round(10 * (8 + 0.3 * watts + self.dice.gauss(0, 2))), 0]
        self._seq += 1
        return Record(Kind.READING, self.device, 1, self._seq, at_ms + 2000, None, at_ms, 1, orjson.dumps(content))

    def _watts(self, level: float, at_ms: int, volts: float, wrong: str) -> float:
        if wrong == "failed":
            return 0.3 if level else 0.4
        if wrong == "burns" or (wrong == "stuck" and level):
            level = 100
        elif wrong == "stuck low" and level:
            level = 25
        elif wrong == "cycles" and level and (at_ms // MINUTE_MS) % 25 >= 15:
            return 0.3
        if not level:
            return 0.4
        cold = 1 + 0.02 * self.dice.random()
        if self.kind == "sodium":
            warm_min = (at_ms - (self._lit_ms or at_ms)) / MINUTE_MS if wrong != "burns" else 60
            share = min(1.0, 0.33 + 0.67 * warm_min / 6)
            return self.rated_w * share * (volts / 230) ** 1.6
        load = level / 100
        efficiency = 0.92 - self._waste * (0.03 * (1 - load) + 0.017 * (1 / max(load, 0.05) - 1))
        return self.rated_w * load * 0.92 / max(efficiency, 0.3) * cold
