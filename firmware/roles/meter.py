"""Truth from the meter: what a lamp takes against what it should take at its level, and how hot it gets."""

from protocol.compat import const, on_demand
from protocol.events import (
    DAY_BURNER,
    GEAR_FAILED,
    LAMP_CYCLING,
    LAMP_FAILED,
    LAMP_RECOVERED,
    OVER_TEMPERATURE,
)
from protocol.quantities import LAMP_CYCLING as LAMP_CYCLES  # the bit; the event has the same name
from protocol.quantities import (
    LAMP_DAY_BURNER,
    LAMP_FAILURE,
    LAMP_GEAR_FAILURE,
    LAMP_GEAR_SILENT,
    LAMP_TOO_HOT,
)

from ..actions import TellEvent

SILENT = const(-1)  # in place of a DALI status: the control gear did not answer
COOLEST_LIMIT_PCT = const(25)  # however hot, a street is not made dark

_CONFIRM = const(3)  # measurements in a row, 5 minutes apart: reported within the hour, and no flicker is
_STANDBY_PCT = const(5)  # of rated power, that a driver takes beside the light; what is left goes with the level
_WRONG_TENTHS = const(6)  # so much of a head's expected power must be missing, or of its rest too much, to blame it
_LEAST_DW = const(30)  # expected power below which nothing is concluded: 3 W drown in a driver's own
_BURNER_DW = const(50)
_LEARN_PCT = const(50)  # less light says too little of the rated power
_DEAD_DW = const(20)  # of a lit head whose rated power is not known
_LEAST_VOLTAGE_DV = const(1500)  # below, the mains are the fault
_COOLED_BY = const(100)  # tenths of a degree below the limit at which the light comes back
_STEP_PCT = const(25)
_DROPS = const(4)  # times that a lamp went out within two hours: a sodium lamp at the end of its life
_DROPS_WITHIN_S = const(7200)
_GEAR_BIT = const(1)  # of DALI's QUERY STATUS (IEC 62386-102 §11.5.2): control gear failure
_LAMP_BIT = const(2)  # lamp failure


class Latch:
    """Believes the opposite once it was seen *confirm* times in a row."""

    def __init__(self, confirm: int = _CONFIRM) -> None:
        self.on = False
        self._confirm = confirm
        self._against = 0

    def see(self, on: bool) -> bool:
        """Take in an observation; returns whether the belief changed."""
        self._against = self._against + 1 if on != self.on else 0
        if self._against < self._confirm:
            return False
        self.on = on
        self._against = 0
        return True


class _Head:
    """What is believed of one head."""

    @on_demand
    def __init__(self) -> None:
        self.dark = Latch()  # by the meter
        self.broken = Latch()  # by its control gear
        self.burning = Latch()
        self.stuck = Latch()
        self.gear = Latch()
        self.silent = Latch()
        self.cycling = False
        self.was_dark = False
        self.drops = 0
        self.drops_from_s = 0

    def failed(self) -> bool:
        return self.dark.on or self.broken.on


class Meter:
    """Judges *heads* heads behind one meter.

    rated_dw: tenths of a watt that one head takes at full light; while it is 0, not known, it is learned from the first
    steady light, and learned_dw says it. hot_limit: tenths of a degree. limit_pct: no head may be brighter, for its
    temperature.
    """

    @on_demand
    def __init__(self, heads: int, hot_limit: int, rated_dw: int) -> None:
        self.rated_dw = rated_dw
        self.learned_dw = 0
        self.hot_limit = hot_limit
        self.limit_pct = 100
        self._heads = [_Head() for _ in range(heads)]
        self._alike: list[int] = []  # what the rated power would be by the last measurements

    def measured(self, levels: list[int], power_dw: int, voltage_dv: int | None, now_s: int) -> list[object]:
        """Judge what the meter says while all heads hold their levels; returns `TellEvent`s.

        Of two heads at the same level it cannot tell which one is out: head 0 is named.
        """
        if voltage_dv is not None and voltage_dv < _LEAST_VOLTAGE_DV:
            return []
        if not self.rated_dw and min(levels) >= _LEARN_PCT:
            self._learn(levels, power_dw)
        expected = [self._expected_dw(level) for level in levels]
        total = sum(expected)
        if not total:
            return self._all_off(power_dw)
        dark = self._dark(expected, power_dw)
        burning, stuck = self._too_much(expected, power_dw - total)
        found: list[object] = []
        for k, head in enumerate(self._heads):
            if expected[k]:
                found += self._see_lit(k, dark[k], stuck == k, power_dw, expected[k], now_s)
                head.burning.see(False)
            else:
                found += self._see_burning(k, burning == k, power_dw)
        return found

    def heated(self, temperature: int) -> list[object]:
        """Dim by a quarter at each measurement over the limit, and back when it has cooled by 10 °C."""
        if temperature < self.hot_limit:
            if temperature <= self.hot_limit - _COOLED_BY:
                self.limit_pct = min(100, self.limit_pct + _STEP_PCT)
            return []
        first = self.limit_pct == 100
        self.limit_pct = max(COOLEST_LIMIT_PCT, self.limit_pct - _STEP_PCT)
        return [TellEvent(OVER_TEMPERATURE, (0, temperature // 10))] if first else []

    def answered(self, k: int, status: int) -> list[object]:
        """Judge what a head's control gear answered to DALI's QUERY STATUS, or SILENT."""
        head = self._heads[k]
        found: list[object] = []
        if head.silent.see(status == SILENT) and head.silent.on:
            found.append(TellEvent(GEAR_FAILED, (k, SILENT)))
        if status == SILENT:
            return found
        if head.gear.see(bool(status & _GEAR_BIT)) and head.gear.on:
            found.append(TellEvent(GEAR_FAILED, (k, status)))
        before = head.failed()
        head.broken.see(bool(status & _LAMP_BIT))
        return found + self._failure(k, before, 0, 0)

    def status(self, k: int) -> int:
        """The bits of LAMP_STATUS that are this module's."""
        head = self._heads[k]
        bits = LAMP_TOO_HOT if self.limit_pct < 100 else 0
        if head.failed():
            bits |= LAMP_FAILURE
        if head.stuck.on or head.gear.on:
            bits |= LAMP_GEAR_FAILURE
        if head.silent.on:
            bits |= LAMP_GEAR_SILENT
        if head.burning.on:
            bits |= LAMP_DAY_BURNER
        if head.cycling:
            bits |= LAMP_CYCLES
        return bits

    def _expected_dw(self, level_pct: int) -> int:
        """What a head takes at *level_pct*; 1 for a lit one of unknown power, so that it counts as lit."""
        if not level_pct:
            return 0
        return max(1, self.rated_dw * (_STANDBY_PCT * 100 + (100 - _STANDBY_PCT) * level_pct) // 10000)

    @on_demand
    def _learn(self, levels: list[int], power_dw: int) -> None:
        """Believe the rated power once a few measurements in a row agree on it."""
        shares = sum([_STANDBY_PCT * 100 + (100 - _STANDBY_PCT) * level for level in levels])
        self._alike.append(power_dw * 10000 // shares)
        del self._alike[:-_CONFIRM]
        least, most = min(self._alike), max(self._alike)
        if len(self._alike) == _CONFIRM and least >= _LEAST_DW and (most - least) * 20 <= most:
            self.rated_dw = self.learned_dw = most

    def _dark(self, expected: list[int], power_dw: int) -> list[bool | None]:
        """Which heads are out; None where nothing can be concluded."""
        if not self.rated_dw:
            return [power_dw < _DEAD_DW for _ in expected]
        if sum(expected) < _LEAST_DW:
            return [None for _ in expected]
        total = sum(expected)
        missing = total - power_dw
        dark: list[bool | None] = [False for _ in expected]
        for share, k in sorted([(-share, k) for k, share in enumerate(expected)]):
            # And a fifth of the whole: the rated power of a bright head is not exact enough to miss a dim one.
            if share and missing * 10 >= max(-share * _WRONG_TENTHS, total * 2):
                dark[k] = True
                missing += share
        return dark

    def _too_much(self, expected: list[int], excess: int) -> tuple[int, int]:
        """The head that burns though it should be off, and the one that does not dim; -1 for none."""
        rest, k = max([(self.rated_dw - share, -k) for k, share in enumerate(expected)])
        # Two fifths of the whole: the rated power on a label is not that exact.
        least = max(_BURNER_DW, rest * _WRONG_TENTHS // 10, sum(expected) * 4 // 10)
        if not self.rated_dw or excess < least:
            return -1, -1
        return (-1, -k) if expected[-k] else (-k, -1)

    @on_demand
    def _all_off(self, power_dw: int) -> list[object]:
        """With all heads off; what two or more take together is blamed on as many as it needs."""
        found: list[object] = []
        left = power_dw
        for k in range(len(self._heads)):
            found += self._see_burning(k, left > max(_BURNER_DW, self.rated_dw // 5), power_dw)
            left = left - self.rated_dw if self.rated_dw else 0
        return found

    def _see_lit(
        self, k: int, dark: bool | None, stuck: bool, power_dw: int, expected_dw: int, now_s: int
    ) -> list[object]:
        if dark is None:
            return []
        head = self._heads[k]
        before = head.failed()
        head.dark.see(dark)
        found = self._failure(k, before, power_dw, expected_dw)
        if head.stuck.see(stuck) and head.stuck.on:
            found.append(TellEvent(GEAR_FAILED, (k, _GEAR_BIT)))
        return found + self._cycles(k, dark, now_s)

    def _failure(self, k: int, before: bool, power_dw: int, expected_dw: int) -> list[object]:
        after = self._heads[k].failed()
        if after == before:
            return []
        if after:
            return [TellEvent(LAMP_FAILED, (k, power_dw, expected_dw))]
        return [TellEvent(LAMP_RECOVERED, (k, power_dw))]

    @on_demand
    def _see_burning(self, k: int, burning: bool, power_dw: int) -> list[object]:
        latch = self._heads[k].burning
        return [TellEvent(DAY_BURNER, (k, power_dw))] if latch.see(burning) and latch.on else []

    def _cycles(self, k: int, dark: bool, now_s: int) -> list[object]:
        """Count how often the lamp goes out; it cycles from the fourth time on, until two hours pass without."""
        head = self._heads[k]
        if now_s - head.drops_from_s >= _DROPS_WITHIN_S:
            head.cycling = head.cycling and head.drops > 0
            head.drops = 0
            head.drops_from_s = now_s
        went_out = dark and not head.was_dark
        head.was_dark = dark
        if not went_out:
            return []
        head.drops += 1
        if head.drops < _DROPS or head.cycling:
            return []
        head.cycling = True
        return [TellEvent(LAMP_CYCLING, (k, head.drops))]
