"""What one node tells of its lamps: its own findings, its meter, and the plan, each begun and ended once."""

from gateway.lighting.faults import Fault, FaultKind
from gateway.lighting.lamp_watch import LampWatch
from gateway.lighting.plan import Rule, Setpoint
from protocol import events
from protocol import quantities as q

QUARTER_MS = 900_000


class Post:
    """A node that reads every quarter of an hour."""

    def __init__(self, heads: int = 1, planned: int | None = None, rule: Rule = Rule.PROGRAMME) -> None:
        self.watch = LampWatch(3)
        self.now_ms = 1_700_000_000_000
        self.told: list[Fault] = []
        self._heads = heads
        self.planned = planned
        self._rule = rule

    def read(self, level: int | tuple[int, ...], power_w: float | None, times: int = 1, bits: int = 0) -> None:
        levels = (level,) * self._heads if isinstance(level, int) else level
        for _ in range(times):
            self.now_ms += QUARTER_MS
            values: dict[tuple[int, int], int | None] = {(q.LEVEL, k): each for k, each in enumerate(levels)}
            values |= {(q.LAMP_STATUS, k): bits for k in range(self._heads)}
            power = None if power_w is None else round(10 * power_w)
            volts = None if power_w is None else 2300 + self.now_ms // QUARTER_MS % 7
            values |= {(q.POWER, 0): power, (q.VOLTAGE, 0): volts, (q.CURRENT, 0): 1, (q.TEMPERATURE, 0): 200}
            planned = None if self.planned is None else lambda at_s: self.setpoint()
            self.told += self.watch.reading(values, self.now_ms, planned)

    def setpoint(self) -> Setpoint:
        assert self.planned is not None
        return Setpoint(level_pct=self.planned, rule=self._rule, until_s=None)

    def event(self, number: int, *details: int) -> None:
        self.told += self.watch.event(number, details, self.now_ms)

    def kinds(self) -> list[tuple[FaultKind, bool]]:
        """What was told: the kind, and whether it began."""
        return [(fault.kind, fault.over_ms is None) for fault in self.told]

    def settle(self) -> None:
        """A night in which it is well: what it takes at full and at half light is learned."""
        self.read(0, 0.4, 8)
        self.read(100, 42, 12)
        self.read(50, 22, 12)
        self.read(0, 0.4, 8)


def test_a_lamp_that_fails_and_is_repaired():
    post = Post()
    post.settle()
    post.read(100, 42, 3)
    post.read(100, 0.3, 2)
    assert post.kinds() == [(FaultKind.LAMP_FAILED, True)]
    assert post.told[0].since_ms == post.now_ms - QUARTER_MS
    assert post.told[0].evidence["power_w"] == 0.3
    assert abs(float(post.told[0].evidence["expected_w"]) - 42) < 1
    post.read(0, 0.4, 40)  # by day nobody can tell
    post.read(100, 42, 3)
    assert post.kinds() == [(FaultKind.LAMP_FAILED, True), (FaultKind.LAMP_FAILED, False)]
    assert post.told[1].since_ms == post.told[0].since_ms


def test_the_node_is_believed_at_once_and_its_news_is_told_once():
    post = Post()
    post.settle()
    post.read(100, 42, 3)
    post.event(events.LAMP_FAILED, 0, 3, 420)
    assert post.kinds() == [(FaultKind.LAMP_FAILED, True)]
    assert post.told[0].evidence == {"by": "node", "power_w": 0.3, "expected_w": 42.0}
    post.read(100, 0.3, 8, bits=q.LAMP_FAILURE)
    assert len(post.told) == 1
    post.event(events.LAMP_RECOVERED, 0, 420)
    assert post.kinds()[1:] == [(FaultKind.LAMP_FAILED, False)]


def test_an_event_of_yesterday_is_no_news():
    post = Post()
    post.settle()
    post.told += post.watch.event(events.LAMP_FAILED, (0, 3, 420), post.now_ms - 86_400_000)
    assert not post.told


def test_a_day_burner():
    post = Post()
    post.settle()
    post.read(0, 41, 2)
    post.read(0, 0.4, 2)
    assert post.kinds() == [(FaultKind.DAY_BURNER, True), (FaultKind.DAY_BURNER, False)]


def test_a_lamp_lit_by_its_own_will_while_the_plan_is_dark_burns_by_day():
    post = Post(planned=0)
    post.read(0, 0.4, 4)
    post.read(100, 42, 3)
    assert post.kinds() == [(FaultKind.DAY_BURNER, True)]
    assert post.told[0].evidence["by"] == "plan"
    post.read(0, 0.4, 3)
    assert post.kinds()[1:] == [(FaultKind.DAY_BURNER, False)]


def test_a_driver_that_does_not_dim_is_found_at_half_light_and_not_forgiven_at_full():
    post = Post()
    post.settle()
    post.read(100, 42, 4)
    post.read(50, 41.5, 4)
    assert post.kinds() == [(FaultKind.DRIVER, True)]
    assert post.told[0].evidence["how"] == "too_much"
    post.read(100, 42, 8)
    assert len(post.told) == 1
    post.read(50, 22, 4)
    assert post.kinds()[1:] == [(FaultKind.DRIVER, False)]


def test_half_of_a_lamps_light_that_is_gone_is_a_drivers_fault():
    post = Post()
    post.settle()
    post.read(100, 26, 4)
    assert post.kinds() == [(FaultKind.DRIVER, True)]
    assert post.told[0].evidence["how"] == "too_little"
    assert post.watch.draw.rated_dw > 400  # and it is not learned


def test_a_silent_gear_is_the_drivers_fault():
    post = Post()
    post.settle()
    post.read(100, 42, 2, bits=q.LAMP_GEAR_SILENT)
    assert post.kinds() == [(FaultKind.DRIVER, True)]
    assert post.told[0].evidence["how"] == "silent"


def test_of_two_heads_the_one_that_is_out_is_named_by_what_is_missing():
    post = Post(heads=2)
    post.read(0, 0.8, 4)
    post.read(100, 84, 8)
    post.read((100, 50), 64, 4)
    post.read((100, 50), 42, 3)
    assert [(fault.kind, fault.head) for fault in post.told] == [(FaultKind.LAMP_FAILED, 1)]


def test_a_meter_that_falls_silent_and_one_that_repeats_itself():
    post = Post()
    post.settle()
    post.read(100, None, 3)
    assert post.kinds() == [(FaultKind.METER, True)]
    post.read(100, 42, 2)
    assert post.kinds()[1:] == [(FaultKind.METER, False)]


def test_a_node_that_never_had_a_meter_has_no_dead_one():
    post = Post()
    post.read(100, None, 20)
    assert not post.told


def test_an_overheated_lamp_until_it_has_cooled():
    post = Post()
    post.settle()
    post.event(events.OVER_TEMPERATURE, 0, 71)
    post.read(75, 32, 2, bits=q.LAMP_TOO_HOT)
    post.read(100, 42, 3)
    assert post.kinds() == [(FaultKind.TOO_HOT, True), (FaultKind.TOO_HOT, False)]
    assert post.told[0].evidence["temperature_cel"] == 71


def test_a_lamp_that_goes_out_and_comes_back():
    post = Post()
    post.settle()
    post.read(100, 42, 3)
    for _ in range(3):
        post.read(100, 0.3)
        post.read(100, 42)
    assert (FaultKind.CYCLING, True) in post.kinds()
    post.read(100, 42, 40)
    assert (FaultKind.CYCLING, False) in post.kinds()


def test_a_lamp_darker_than_planned_is_told_and_one_that_somebody_holds_is_not():
    post = Post(planned=100)
    post.read(30, 14, 3)
    assert post.kinds() == [(FaultKind.OFF_PLAN, True)]
    post.read(100, 42, 2)
    assert post.kinds()[1:] == [(FaultKind.OFF_PLAN, False)]
    post.read(30, 14, 10, bits=q.LAMP_OVERRIDDEN)
    assert len(post.told) == 2


def test_a_plan_that_nobody_knows_is_held_against_nobody():
    post = Post(planned=100, rule=Rule.NO_PROGRAMME)
    post.read(30, 14, 10)
    assert not post.told


def test_a_sodium_lamp_that_warms_up_has_not_failed():
    post = Post()
    post.settle()
    for _ in range(10):
        post.read(0, 0.4, 3)
        post.read(100, 15)
        post.read(100, 42, 3)
    assert not post.told


def test_mains_that_sag_are_no_lamps_fault():
    post = Post()
    post.settle()
    values = {(q.LEVEL, 0): 100, (q.LAMP_STATUS, 0): 0, (q.POWER, 0): 30, (q.VOLTAGE, 0): 1100}
    for _ in range(10):
        post.now_ms += QUARTER_MS
        post.told += post.watch.reading(values, post.now_ms)
    assert not post.told


def test_what_a_restart_of_the_gateway_must_not_forget():
    post = Post()
    post.settle()
    post.read(100, 42, 3)
    post.read(100, 0.3)
    again = LampWatch(3)
    again.take(post.watch.to_json())
    post.watch = again
    post.read(100, 0.3)
    assert post.kinds() == [(FaultKind.LAMP_FAILED, True)]
