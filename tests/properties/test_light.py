"""A lamp whatever happens to it: the strongest valid rule explains its level, overrides end, nothing makes it dark."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.events import LampFeedback, LuxSensed, MotionSeen, PowerFailing
from firmware.roles.base import RETRY_S
from firmware.roles.meter import COOLEST_LIMIT_PCT
from firmware.roles.setpoint import (
    MANUAL,
    NO_PROGRAMME,
    PHOTOCELL_DAY,
    PRESENCE,
    PROGRAMME,
    SAFETY,
    UNKNOWN_NIGHT,
    VIRTUAL_NIGHT,
)
from protocol.civil import DAY_S, day_of, from_gps, to_gps
from protocol.dimming import DEFAULT_PROGRAMME, MAX_PROGRAMME_BYTES, Programme, setpoint_at
from protocol.errors import MessageError
from protocol.orders import (
    BELOW_FLOOR,
    DONE,
    FAILED,
    HOLD_WITHOUT_CLOCK_S,
    INCOMPLETE,
    LOAD_PROGRAMME,
    MAX_PART_LEN,
    NOT_HERE,
    RESUME_PROGRAMME,
    SET_LEVEL,
)
from tests.firmware.roles.street import RATED_DW, Broken, Lamp, World, antony, stored
from tests.properties.dimming.strategies import programmes

START_S = to_gps(day_of(2027, 10, 29), 43200)  # the clock changes two nights later
SITE = antony()
FLOOR_PCT = 30
BOOST_S = 120


def fits(programme):
    """Whether a programme can be sent: about one in ten that are drawn is too long."""
    try:
        return len(programme.encode()) <= MAX_PROGRAMME_BYTES
    except MessageError:
        return False


def sun_is_down(site, gps_s):
    """Whether it is between sunset and sunrise, by the table: in standard time these are on one day."""
    day, second = from_gps(gps_s)
    days, second = divmod(second + site.utc_offset_min * 60, DAY_S)
    return not site.sun.morning(day + days) * 6 <= second < site.sun.evening(day + days) * 6


levels = st.integers(0, 100)
heads = st.none() | st.integers(0, 2)
short = programmes().filter(fits)
seconds = st.sampled_from([1, 59, 60, 119, 120, 300, 899, 900, 3600]) | st.integers(1, 6 * 3600)


class Street(RuleBasedStateMachine):
    """Keeps, beside the lamp, the little that decides: time, programme, orders, presence."""

    @initialize(
        supply=st.sampled_from(["permanent", "switched"]),
        on_lux=st.sampled_from([0, 35]),
        count=st.integers(1, 2),
        has_site=st.sampled_from([True, True, True, False]),
        programme=st.none() | st.just(DEFAULT_PROGRAMME) | short,
    )
    def begin(self, supply, on_lux, count, has_site, programme):
        self.world = World()
        self.site = SITE if has_site else None
        self.programme = programme
        self.version = 1
        self.parts = {}
        self.expected_parts = None
        self.lamp = Lamp(
            world=self.world,
            at_s=START_S,
            programme=stored(programme) if programme else b"",
            site=SITE.encode() if has_site else b"",
            supply=supply,
            on_lux=on_lux,
            heads=count,
            rated_dw=RATED_DW,
        )
        self.forget()
        self.lamp.power_on()
        self.lamp.run(0)

    def forget(self):
        """What a power cut takes."""
        self.offset_s = None  # of the time that the lamp was told
        self.manual = [(0, 0)] * self.lamp.settings.heads  # level and end
        self.boost_until_s = 0
        self.parts = {}

    @property
    def gps_s(self):
        return None if self.offset_s is None else self.lamp.at_s + self.offset_s

    def base(self):
        """Level and reason of what holds without orders and presence; level None where sensors decide."""
        if self.programme is None:
            return 100, NO_PROGRAMME
        if self.gps_s is not None and self.site is not None:
            return setpoint_at(self.programme, self.site, self.gps_s)[0], PROGRAMME
        level, _, reason = self.lamp.role._base.level
        assert reason in (PHOTOCELL_DAY, VIRTUAL_NIGHT, UNKNOWN_NIGHT)
        if reason == UNKNOWN_NIGHT:
            assert level == 100
        if reason == PHOTOCELL_DAY:
            assert level == 0
            assert self.lamp.settings.on_lux
            assert not self.lamp.settings.supply
        if reason == VIRTUAL_NIGHT:
            assert self.site is not None
            assert level in {step.level_pct for kind in self.programme.day_types for step in kind.steps}
        return level, reason

    # What happens.

    @rule(seconds=seconds)
    def time_passes(self, seconds):
        self.lamp.run(seconds)

    @rule(hours=st.integers(7, 30))
    def a_night_passes(self, hours):
        self.lamp.run(hours * 3600)

    @rule(error_s=st.sampled_from([0, 0, 0, 1, -40, 7200, -86400, 40_000_000]))
    def time_is_told(self, error_s):
        self.offset_s = error_s
        self.lamp.tell_time(self.lamp.at_s + error_s)

    @rule(
        level=levels,
        fade_s=st.none() | st.integers(0, 3600),
        hold_s=st.none() | st.integers(0, 86400),
        head=heads,
        group=st.none() | st.integers(0, 3),
    )
    def a_level_is_ordered(self, level, fade_s, hold_s, head, group):
        outcome, detail = self.lamp.order(SET_LEVEL, level, fade_s, hold_s, head, gps_s=self.gps_s, group=group)
        count = self.lamp.settings.heads
        if head is not None and head >= count:
            assert outcome == NOT_HERE
            return
        if group is not None and level < FLOOR_PCT:
            assert (outcome, detail) == (BELOW_FLOOR, FLOOR_PCT)
            return
        assert outcome == DONE
        hold_s = 7200 if hold_s is None else hold_s
        if self.gps_s is None or (group is not None and self.site is None):
            hold_s = min(hold_s, HOLD_WITHOUT_CLOCK_S)
        elif group is not None:
            hold_s = self.until_sunrise_s(hold_s)
        for k in range(count) if head is None else (head,):
            self.manual[k] = (level, self.lamp.at_s + hold_s)
        assert detail == self.lamp.role.explain(head or 0)[1]

    def until_sunrise_s(self, most_s):
        """Seconds until the sun is up after having been down, found by trying; at most *most_s*."""
        was_down = sun_is_down(self.site, self.gps_s)
        step_s = 1800
        for after_s in range(step_s, most_s + step_s, step_s):
            down = sun_is_down(self.site, self.gps_s + after_s)
            if was_down and not down:
                while not sun_is_down(self.site, self.gps_s + after_s - 1):
                    after_s -= 1
                return min(after_s, most_s)
            was_down = down
        return most_s

    @rule(head=heads)
    def the_programme_is_resumed(self, head):
        outcome, _ = self.lamp.order(RESUME_PROGRAMME, head)
        count = self.lamp.settings.heads
        assert outcome == (DONE if head is None or head < count else NOT_HERE)
        for k in range(count):
            if head in (None, k):
                self.manual[k] = (0, 0)
                if count == 1 or head is None:
                    self.boost_until_s = 0

    @precondition(lambda self: self.lamp.settings.heads == 1)
    @rule()
    def somebody_passes(self):
        level, reason = self.base()
        self.lamp.tell(MotionSeen())
        if reason == VIRTUAL_NIGHT or (reason == PROGRAMME and (level or sun_is_down(self.site, self.gps_s))):
            self.boost_until_s = self.lamp.at_s + BOOST_S

    @rule(off_s=st.sampled_from([1, 30, 3600, 36_000]), gasp=st.booleans())
    def power_is_cut(self, off_s, gasp):
        self.lamp.power_off(gasp)
        self.forget()
        self.lamp.run(off_s)
        self.lamp.power_on()
        self.lamp.run(0)

    @rule()
    def it_restarts_in_good_order(self):
        offset_s, manual = self.offset_s, self.manual
        self.lamp.power_on(self.lamp.role.image())
        self.forget()
        self.manual = manual
        self.lamp.run(0)
        if offset_s is not None:
            self.time_is_told(offset_s)

    @rule(
        seconds=seconds,
        names=st.sets(st.sampled_from(["loading", "night", "obeying", "outlook", "photocell"]), min_size=1),
        error=st.sampled_from([MemoryError(), ImportError(), OSError(5)]),
        happens=st.sampled_from(["nothing", "time", "power", "load"]),
    )
    def nothing_can_be_loaded_for_a_while(self, seconds, names, error, happens):
        """The lamp does what it should have done, or is bright; and a quarter of an hour later all is well again."""
        with Broken(error, *names):
            if happens == "time":
                self.time_is_told(0)
            elif happens == "power":
                self.power_is_cut(30, False)
            elif happens == "load" and "loading" in names and self.parts == {}:
                outcome = self.lamp.order(LOAD_PROGRAMME, self.version % 0xFFFF + 1, 0, 1, b"\x80")
                assert outcome == (FAILED, 12)
            self.lamp.run(seconds)
            level, _, reason = self.lamp.role._base.level
            assert reason == UNKNOWN_NIGHT or (level, reason) == self.base()
            if reason == UNKNOWN_NIGHT:
                assert level == 100
        self.lamp.run(RETRY_S)

    @rule()
    def the_mains_dip(self):
        self.lamp.tell(PowerFailing())

    @rule(programme=short)
    def a_programme_comes(self, programme):
        self.expected_parts = programme
        self.version = self.version % 0xFFFF + 1
        self.parts = {}

    @precondition(lambda self: self.expected_parts is not None)
    @rule(data=st.data())
    def a_part_arrives(self, data):
        encoded = self.expected_parts.encode()
        count = -(-len(encoded) // MAX_PART_LEN)
        part = data.draw(st.integers(0, count - 1))
        chunk = encoded[part * MAX_PART_LEN : (part + 1) * MAX_PART_LEN]
        already = self.lamp.flash["programme"] == self.version.to_bytes(2, "little") + encoded
        outcome, detail = self.lamp.order(LOAD_PROGRAMME, self.version, part, count, chunk)
        self.parts[part] = chunk
        if already or len(self.parts) == count:
            assert (outcome, detail) == (DONE, self.version)
            assert self.lamp.flash["programme"] == self.version.to_bytes(2, "little") + encoded
            self.programme = Programme.decode(encoded)
            self.parts = {}
        else:
            assert (outcome, detail) == (INCOMPLETE, sum(1 << arrived for arrived in self.parts))

    @rule(rubbish=st.binary(max_size=MAX_PART_LEN))
    def rubbish_comes_as_a_programme(self, rubbish):
        """What cannot be decoded changes nothing; what can by chance is a programme like any other."""
        before = self.lamp.flash["programme"]
        self.version = self.version % 0xFFFF + 1
        self.expected_parts = None
        outcome, _ = self.lamp.order(LOAD_PROGRAMME, self.version, 0, 1, rubbish)
        if outcome == DONE:
            self.programme = Programme.decode(rubbish)
        else:
            assert self.lamp.flash["programme"] == before

    @rule(temperature=st.sampled_from([-100, 250, 690, 700, 850, None]))
    def it_gets_hot_or_cold(self, temperature):
        self.world.temperature = temperature

    @rule(broken=st.dictionaries(st.integers(0, 1), st.integers(0, 120)), silent=st.booleans())
    def lamps_and_meter_break(self, broken, silent):
        self.world.broken = {head: share for head, share in broken.items() if head < self.lamp.settings.heads}
        self.world.silent = silent

    @rule(lux=st.none() | st.sampled_from([0, 36, 69, 70, 100_000]) | st.integers(0, 200))
    def the_light_changes(self, lux):
        self.world.lux = lux

    @rule(lux=st.none() | st.integers(0, 1000), head=st.integers(0, 3), status=st.integers(-1, 255))
    def unasked_answers_come(self, lux, head, status):
        self.lamp.tell(LuxSensed(lux))
        self.lamp.tell(LampFeedback(head, status))

    @rule(number=st.sampled_from([11, 25, 26]), value=st.integers(400, 1000))
    def a_setting_changes(self, number, value):
        assert self.lamp.role.configure(number, value) == DONE

    # What is always true.

    @invariant()
    def the_strongest_valid_rule_holds_each_head(self):
        self.lamp.run(0)
        base_pct, base_reason = self.base()
        limit_pct = self.lamp.role._meter.limit_pct
        assert COOLEST_LIMIT_PCT <= limit_pct <= 100
        for head, (manual_pct, until_s) in enumerate(self.manual):
            level, reason = base_pct, base_reason
            if self.lamp.at_s < self.boost_until_s and level < 100:
                level, reason = 100, PRESENCE
            if self.lamp.at_s < until_s:
                level, reason = manual_pct, MANUAL
            if level > limit_pct:
                level, reason = limit_pct, SAFETY
            assert self.lamp.levels[head] == level
            assert self.lamp.role.explain(head)[:2] == (level, reason)

    @invariant()
    def what_holds_ends(self):
        for _, until_s in self.manual:
            assert until_s <= self.lamp.at_s + 86400
        assert self.lamp.role.wake_at() <= self.lamp.now_ms() + 900_000

    @invariant()
    def no_lamp_is_dark_by_accident(self):
        for head, level in self.lamp.levels.items():
            if level == 0:
                _, reason, _ = self.lamp.role.explain(head)
                assert reason in (MANUAL, PROGRAMME, PHOTOCELL_DAY, VIRTUAL_NIGHT)
                if reason == VIRTUAL_NIGHT:
                    zeros = [step for kind in self.programme.day_types for step in kind.steps if not step.level_pct]
                    assert zeros


TestStreet = Street.TestCase
TestStreet.settings = settings(stateful_step_count=20)
