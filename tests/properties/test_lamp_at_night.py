"""A lamp with its mind, whatever is said and whatever happens: at night it is dark only by an order that holds.

What is true here is kept apart from what the lamp is told: the world's time, of which the gateway's may jump for a
while; the levels that somebody ordered, until their end; the programmes that came whole. Each invariant compares the
light with these alone, never with what the lamp believes.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.actions import SenseLux, SetLamp
from firmware.events import Downlink, LuxSensed, PowerFailing, TimeAnswered, TimeTold
from firmware.roles.light import Light
from protocol import cbor
from protocol.civil import DAY_S, day_of, from_gps, to_gps
from protocol.dimming import CLOCK, DEFAULT_PROGRAMME, EVERY_DAY, SUNRISE, SUNSET, DayType, Programme, Step, setpoint_at
from protocol.errors import ProtocolError
from protocol.orders import (
    HOLD_WITHOUT_CLOCK_S,
    LOAD_PROGRAMME,
    MAX_PART_LEN,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Order,
    programme_orders,
)
from protocol.quantities import LIGHT_ONE_HEAD
from tests.fakes.desk import Desk
from tests.firmware.roles.street import antony, stored
from tests.firmware.roles.street import settings as settings_of

SITE = antony()
START_S = to_gps(day_of(2027, 10, 29), 43200)  # the clock changes two nights later
LIE_S = 800  # the gateway's clock is wrong for less than a quarter of an hour: nobody who asks twice believes it
LATE_S = 180  # by how much a lamp may take a step early or late, and come up after it gets power
DUSK_S = 241  # a photocell looks every minute and believes in dusk after three: here, where night falls in a second
FLOOR_PCT = 30
PART_NIGHT = Programme(
    DayType(
        EVERY_DAY, Step(SUNSET, 0, 80, 10), Step(CLOCK, 0, 0, 10), Step(CLOCK, 300, 80, 10), Step(SUNRISE, 0, 0, 10)
    )
)
PROGRAMMES = (DEFAULT_PROGRAMME, PART_NIGHT)


def is_night(gps_s):
    """Whether civil twilight is over, by the table that is tested against the almanac."""
    day, second = from_gps(gps_s)
    days, second = divmod(second + SITE.utc_offset_min * 60, DAY_S)
    return not SITE.twilight.morning(day + days) * 6 <= second < SITE.twilight.evening(day + days) * 6


class Post(Desk):
    """A lamp whose sensors answer; level_pct: what it does, None without power; lux: what the sky gives."""

    def __init__(self, programme, light=Light, **changed):
        self.level_pct = None
        self.light = light
        self.changed = changed
        self.programme = programme
        self.world_s = START_S  # when its clock said 0
        super().__init__(make_role=self._role, spread_s=0)
        self.answers[LIGHT_ONE_HEAD] = (None, 300, 2300, 130, 0, 250, None)

    def _role(self, image=b""):
        persisted = self.persisted
        programme = persisted.get("programme", self.programme)
        kept = persisted.get("light", b"")
        return self.light(settings_of(**self.changed), 7, SITE.encode(), programme, kept, image)

    @property
    def now_s(self):
        """The world's time."""
        return self.world_s + self.now_ms // 1000

    def on_done(self, action):
        if isinstance(action, SetLamp):
            self.level_pct = action.level_pct
        elif isinstance(action, SenseLux):
            self._coming.append((self.now_ms + 1000, LuxSensed(0 if is_night(self.now_s) else 20_000)))


class Night(RuleBasedStateMachine):
    """dark_until_s: of orders that ask for no light, by the world's time."""

    @initialize(
        programme=st.sampled_from([b"", *[stored(programme) for programme in PROGRAMMES]]) | st.binary(max_size=40),
        supply=st.sampled_from(["permanent", "permanent", "switched"]),
        on_lux=st.sampled_from([0, 35]),
    )
    def begin(self, programme, supply, on_lux, light=Light):
        self.post = Post(programme, light, supply=supply, on_lux=on_lux, floor_pct=FLOOR_PCT)
        self.dark_until_s = 0
        self.order_id = 0
        self.version = 2
        self.lie = (0, 0)  # by how much the gateway's clock is wrong, and since when
        self.lies = 0
        self.up_s = START_S

    @property
    def gateway_s(self):
        """What the gateway takes for the time."""
        error_s, since_s = self.lie
        now_s = self.post.now_s
        return now_s + error_s if now_s < since_s + LIE_S else now_s

    def pass_time(self, seconds):
        """In steps, so that no short darkness slips through."""
        end_s = self.post.now_s + seconds
        while self.post.now_s < end_s:
            self.post.rest(min(600, end_s - self.post.now_s))
            self.it_shines()

    # What happens.

    @rule(seconds=st.sampled_from([1, 60, 900, 3600]) | st.integers(1, 3 * 3600))
    def time_passes(self, seconds):
        self.pass_time(seconds)

    @rule()
    def the_gateway_is_asked_twice_in_peace(self):
        """As any day: two answers, and the time is sure."""
        for _ in range(2):
            self.the_time_is_answered()
            self.pass_time(1000)

    @rule()
    def the_time_is_answered(self):
        self.post.tell(TimeAnswered(self.gateway_s, self.post.now_ms))

    @rule(hours=st.integers(1, 30), back=st.booleans())
    def the_gateway_s_clock_jumps(self, hours, back):
        """For a while, by as much as it never did before: two lies do not agree."""
        self.lies += 1
        error_s = hours * 3600 + 977 * self.lies
        self.lie = (-error_s if back else error_s, self.post.now_s)
        self.the_time_is_answered()

    @rule(
        level=st.sampled_from([0, 0, 20, 60, 100]),
        hold_s=st.none() | st.integers(0, 20_000),
        lasts_s=st.integers(-7200, 7200),
        group=st.none() | st.integers(0, 3),
        lost=st.booleans(),
        again=st.integers(0, 2),
    )
    def somebody_orders_a_level(self, level, hold_s, lasts_s, group, lost, again):
        """Also one that comes late, below a group's floor, or twice."""
        self.order_id += 1
        expiry_s = self.gateway_s + lasts_s
        order = Order(self.order_id, expiry_s, SET_LEVEL, level, 0, hold_s)
        if lost:
            return
        now_s = self.post.now_s
        clock_s = self.post.mind.clock.gps_s(self.post.now_ms)
        expired = clock_s is not None and clock_s >= expiry_s
        for _ in range(1 + again):
            self.post.order(order, group)
        if expired or (group is not None and level < FLOOR_PCT):
            return
        longest_s = 7200 if hold_s is None else hold_s
        if clock_s is None:
            longest_s = min(longest_s, HOLD_WITHOUT_CLOCK_S)
        self.dark_until_s = 0 if level else now_s + longest_s

    @rule(group=st.none() | st.integers(0, 3))
    def somebody_ends_it(self, group):
        self.order_id += 1
        order = Order(self.order_id, self.gateway_s + 7200, RESUME_PROGRAMME)
        clock_s = self.post.mind.clock.gps_s(self.post.now_ms)
        self.post.order(order, group)
        if clock_s is None or clock_s < order.expiry_gps_s:
            self.dark_until_s = 0

    @rule(programme=st.sampled_from(PROGRAMMES), kept=st.sets(st.integers(0, 3)), same_version=st.booleans())
    def a_programme_comes_in_part_or_whole(self, programme, kept, same_version):
        """Frames get lost; a wrong version number may stand on them."""
        self.version += not same_version
        for part, order in enumerate(programme_orders(0, self.gateway_s + 7200, self.version, programme.encode())):
            if part not in kept:
                continue
            self.order_id += 1
            order.order_id = self.order_id
            self.post.order(order)

    @rule(rubbish=st.binary(max_size=MAX_PART_LEN), part=st.integers(0, 3), parts=st.integers(1, 4))
    def a_wrong_programme_comes(self, rubbish, part, parts):
        self.order_id += 1
        if part < parts:
            expiry_s = self.gateway_s + 7200
            order = Order(self.order_id, expiry_s, LOAD_PROGRAMME, self.version, part, parts, rubbish)
            self.post.order(order)

    @rule(payload=st.binary(max_size=51), group=st.none() | st.integers(0, 3))
    def rubbish_comes_as_an_order(self, payload, group):
        self.post.tell(Downlink(4, payload, group))
        self.dark_until_s = max(self.dark_until_s, self._rubbish_until_s(payload, group))

    def _rubbish_until_s(self, payload, group):
        """Bytes that by chance are an order for darkness are one."""
        try:
            items = cbor.decode(payload)
        except ProtocolError:
            return 0
        is_level = isinstance(items, list) and len(items) > 3 and items[2] == SET_LEVEL and items[3] == 0
        return self.post.now_s + DAY_S if is_level and group is None else 0

    @rule(off_s=st.sampled_from([1, 60, 3600, 36_000]), gasp=st.booleans())
    def the_power_goes(self, off_s, gasp):
        post = self.post
        if gasp:
            post.tell(PowerFailing())
        post.world_s = post.now_s + off_s
        post.level_pct = None
        post.power_up()
        post.run(0)
        self.up_s = post.now_s
        self.dark_until_s = 0

    @rule(hours=st.integers(0, 6), lies=st.booleans(), off_s=st.sampled_from([1, 600]))
    def the_power_goes_at_night(self, hours, lies, off_s):
        """And when it is back, the gateway's clock may be by half a day wrong."""
        while not is_night(self.post.now_s):
            self.pass_time(1800)
        self.pass_time(hours * 1800)
        self.the_power_goes(off_s, gasp=False)
        if lies:
            self.the_gateway_s_clock_jumps(12, back=False)
            self.pass_time(600)

    @precondition(lambda self: self.post.changed["supply"] == "switched")
    @rule(nights=st.integers(1, 3))
    def nights_pass_behind_a_cabinet(self, nights):
        """The power comes at dusk and goes at dawn."""
        for _ in range(nights):
            day_s = self.post.now_s
            while not is_night(day_s):
                day_s += 300
            self.the_power_goes(day_s - self.post.now_s + 1, gasp=False)
            while is_night(self.post.now_s):
                self.pass_time(1800)

    # What is always true.

    @invariant()
    def it_shines(self):
        if not hasattr(self, "post") or self.post.level_pct != 0:
            return
        now_s = self.post.now_s
        fallen_s = DUSK_S if self.post.changed["on_lux"] else 0
        if not (is_night(now_s) and is_night(now_s - fallen_s)):
            return
        if now_s < self.up_s + LATE_S or now_s <= self.dark_until_s:
            return
        assert self._is_planned(now_s), "it is night, it has power, and nothing that holds says that it be dark"

    def _is_planned(self, now_s):
        """Whether the programme in force is dark about then; behind a cabinet or a photocell, whether it ever is."""
        persisted = self.post.persisted.get("programme", self.post.programme)
        try:
            programme = Programme.decode(persisted[2:])
        except ProtocolError:
            return False
        for around_s in (-LATE_S, 0, LATE_S):
            if setpoint_at(programme, SITE, now_s + around_s)[0] == 0:
                return True
        if self.post.mind.clock.is_sure():
            return False
        dark = [step for kind in programme.day_types for step in kind.steps if not step.level_pct]
        return any(step.anchor == CLOCK for step in dark)


TestNight = Night.TestCase
TestNight.settings = settings(stateful_step_count=12, max_examples=settings().max_examples // 5)


# And it finds what it is there for: each of these lamps has one fault, and a story in which it shows.


class Credulous(Light):
    """Believes any time at once."""

    def handle(self, event, now_ms):
        if isinstance(event, TimeTold):
            event.sure = True
        return super().handle(event, now_ms)


class Lasting(Light):
    """Holds what it was ordered until morning."""

    def order(self, order, now_ms, gps_s, group=None):
        if order.verb == SET_LEVEL:
            order.arguments = (*order.arguments[:2], 50_000)
        return super().order(order, now_ms, gps_s, group)


class Obedient(Light):
    """Lets a group's key go below the floor."""

    def order(self, order, now_ms, gps_s, group=None):
        return super().order(order, now_ms, gps_s, None)


class Clockless(Light):
    """Holds an order as long as it says, also where nobody can tell whether it is late."""

    def order(self, order, now_ms, gps_s, group=None):
        return super().order(order, now_ms, gps_s or START_S, group)


def lied_to(night):
    night.the_power_goes_at_night(hours=2, lies=True, off_s=1)


def dimmed_for_an_hour(night):
    night.the_gateway_is_asked_twice_in_peace()
    night.pass_time(8 * 3600)
    night.somebody_orders_a_level(level=0, hold_s=3600, lasts_s=600, group=None, lost=False, again=0)
    night.pass_time(2 * 3600)


def a_lost_lamp_s_key_is_abused(night):
    night.the_gateway_is_asked_twice_in_peace()
    night.pass_time(8 * 3600)
    night.somebody_orders_a_level(level=0, hold_s=3600, lasts_s=600, group=1, lost=False, again=1)
    night.pass_time(600)


def a_late_order_meets_a_lamp_without_a_clock(night):
    night.the_power_goes_at_night(hours=2, lies=False, off_s=1)
    night.pass_time(600)
    night.somebody_orders_a_level(level=0, hold_s=7200, lasts_s=-600, group=None, lost=False, again=0)
    night.pass_time(3600)


@pytest.mark.parametrize(
    ("story", "faulty"),
    [
        (lied_to, Credulous),
        (dimmed_for_an_hour, Lasting),
        (a_lost_lamp_s_key_is_abused, Obedient),
        (a_late_order_meets_a_lamp_without_a_clock, Clockless),
    ],
)
def test_a_lamp_with_a_fault_is_found_dark(story, faulty):
    night = Night()
    night.begin(stored(DEFAULT_PROGRAMME), "permanent", 0)
    story(night)
    night = Night()
    night.begin(stored(DEFAULT_PROGRAMME), "permanent", 0, faulty)
    with pytest.raises(AssertionError, match="it is night"):
        story(night)
