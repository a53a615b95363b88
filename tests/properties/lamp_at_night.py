"""A lamp with its mind, whatever is said and whatever happens: at night it is dark only by an order that holds.

What is true here is kept apart from what the lamp is told: the world's time, of which the gateway's may jump for a
while; the levels that somebody ordered, until their end; the programmes that came whole. Each invariant compares the
light with these alone; of what the lamp believes only its clock is asked, by which it judges whether an order is late.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.events import Downlink, PowerFailing, TimeAnswered
from protocol import cbor
from protocol.civil import DAY_S
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
    refusal,
)
from tests.firmware.roles.street import stored
from tests.properties.lamp_on_post import SITE, START_S, Post, is_night

LIE_S = 800  # the gateway's clock is wrong for less than a quarter of an hour: nobody who asks twice believes it
LATE_S = 180  # by how much a lamp may take a step early or late, and come up after it gets power
DUSK_S = 241  # a photocell looks every minute and believes in dusk after three: here, where night falls in a second
FLOOR_PCT = 30
ASTRAY_S = 7200  # by how much a night without a clock may be shifted: by as much as learned nights and summer time are
SHINE_S = 480  # headlights are no dawn before ten minutes
PART_NIGHT = Programme(
    DayType(
        EVERY_DAY, Step(SUNSET, 0, 80, 10), Step(CLOCK, 0, 0, 10), Step(CLOCK, 300, 80, 10), Step(SUNRISE, 0, 0, 10)
    )
)


def _steps(midnight_pct):
    return (
        Step(SUNSET, 0, 80, 10),
        Step(CLOCK, 1380, 60, 10),
        Step(CLOCK, 0, midnight_pct, 10),
        Step(CLOCK, 300, 80, 10),
        Step(SUNRISE, 0, 0, 10),
    )


# Of two frames each; the first of one and the second of the other are a programme, too, that nobody has sent.
DARK_WEEKDAYS = Programme(DayType(0x1F, *_steps(0)), DayType(0x60, *_steps(40)))
DARK_WEEKENDS = Programme(DayType(0x1F, *_steps(40)), DayType(0x60, *_steps(0)))
WAITS_S = st.sampled_from([600, 2400, 5400, 0])
PROGRAMMES = (DEFAULT_PROGRAMME, PART_NIGHT, DARK_WEEKDAYS, DARK_WEEKENDS)
STORED = [stored(programme) for programme in PROGRAMMES]
CHANGES = ((DARK_WEEKDAYS, DARK_WEEKENDS), (DARK_WEEKENDS, DARK_WEEKDAYS), *[(each,) for each in PROGRAMMES])


def happens(**given):
    """A rule after which time passes: what is wrong with a lamp seldom shows at once."""

    def rule_of(what):
        def then(self, then_s, **drawn):
            what(self, **drawn)
            self.pass_time(then_s)

        then.__name__ = what.__name__
        return rule(then_s=WAITS_S, **given)(then)

    return rule_of


class Night(RuleBasedStateMachine):
    """post: what makes the lamp.

    dark_until_s: of orders that ask for no light, by the world's time. programme: the last that came whole, as stored.
    """

    def __init__(self, post=Post):
        super().__init__()
        self.make_post = post
        self.post = None

    @initialize(
        programme=st.sampled_from([*(2 * STORED), b"", b"\1\0rubbish", STORED[0][:20]]),
        night_by=st.sampled_from(["nothing", "photocell", "photocell", "cabinet"]),
        hour=st.sampled_from([6, 8, 11, 0]),
        told=st.booleans(),
    )
    def begin(self, programme, night_by, hour, told):
        """On a day or in its evening; the lamp has lived behind its cabinet for a while, or knows the time."""
        supply = "switched" if night_by == "cabinet" else "permanent"
        on_lux = 35 if night_by == "photocell" else 0
        self.post = self.make_post(programme, supply=supply, on_lux=on_lux, floor_pct=FLOOR_PCT)
        self.programme = programme
        self.parts = None, {}  # of which programme, and those that came
        self.last = None  # order and group, and whether it was obeyed
        self.dark_until_s = 0
        self.order_id = 0
        self.version = 2
        self.lie = (0, 0)  # by how much the gateway's clock is wrong, and since when
        self.lies = 0
        self.up_s = START_S
        if supply == "switched":
            self._live_behind_a_cabinet(3)
        self.pass_time(hour * 3600)
        if told:
            self._ask_twice()

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

    @rule(hours=st.integers(0, 13))
    def night_falls(self, hours):
        """And goes on for so long."""
        self._fall(hours)

    def _fall(self, hours):
        while not is_night(self.post.now_s):
            self.pass_time(1800)
        self.pass_time(hours * 3600)

    @happens()
    def the_gateway_is_asked_twice_in_peace(self):
        """As any day: two answers, and the time is sure."""
        self._ask_twice()

    def _ask_twice(self):
        for _ in range(2):
            self._answer_time()
            self.pass_time(1000)

    @happens()
    def the_time_is_answered(self):
        self._answer_time()

    def _answer_time(self):
        self.post.tell(TimeAnswered(self.gateway_s, self.post.now_ms))

    @happens(hours=st.integers(1, 30), back=st.booleans())
    def the_gateway_s_clock_jumps(self, hours, back):
        self._lie(hours, back)

    def _lie(self, hours, back):
        """For a while, by as much as it never did before: two lies do not agree."""
        self.lies += 1
        error_s = hours * 3600 + 977 * self.lies
        self.lie = (-error_s if back else error_s, self.post.now_s)
        self._answer_time()

    @happens(
        level=st.sampled_from([0, 0, 0, 20, 60, 100]),
        hold_s=st.sampled_from([None, 300, 1800, 1800, 20_000]) | st.integers(0, 20_000),
        lasts_s=st.sampled_from([7200, 7200, -600]) | st.integers(-7200, 7200),
        group=st.sampled_from([None, 1]),
        again_s=st.sampled_from([None, None, 0, 2400]),
        ended_by=st.sampled_from([None, "somebody", "somebody", "the power"]),
    )
    def somebody_orders_a_level(self, level, hold_s, lasts_s, group, again_s, ended_by):
        """Also one that comes late, below a group's floor, or again because no receipt was heard; or it ends soon."""
        self.order_id += 1
        order = Order(self.order_id, self.gateway_s + lasts_s, SET_LEVEL, level, 0, hold_s)
        self._order(order, group)
        if again_s is not None:
            self.pass_time(again_s)
            self._order(order, group)
        if ended_by is None:
            return
        self.pass_time(60)
        if ended_by == "somebody":
            self._end(group)
        else:
            self._cut_power(1)

    @happens(group=st.sampled_from([None, 1]))
    def somebody_ends_it(self, group):
        self._end(group)

    def _end(self, group):
        self.order_id += 1
        self._order(Order(self.order_id, self.gateway_s + 7200, RESUME_PROGRAMME), group)

    @precondition(lambda self: self.last is not None)
    @happens()
    def the_last_order_comes_again(self):
        """Its frame was on the air for long, or somebody has kept it."""
        order, group, _ = self.last
        self._order(order, group)

    def _order(self, order, group):
        """Give it, and know what it may do: a second time nothing, if the first was obeyed."""
        clock_s = self.post.mind.clock.gps_s(self.post.now_ms)
        again = self.last is not None and self.last[0] is order and self.last[2]
        good = refusal(order, clock_s) is None
        self.last = order, group, again or good
        self.post.order(order, group)
        if again or not good:
            return
        if order.verb == RESUME_PROGRAMME:
            self.dark_until_s = 0
            return
        level, _, hold_s = order.arguments
        if group is not None and level < FLOOR_PCT:
            return
        longest_s = 7200 if hold_s is None else hold_s
        if clock_s is None:
            longest_s = min(longest_s, HOLD_WITHOUT_CLOCK_S)
        self.dark_until_s = 0 if level else self.post.now_s + longest_s

    @happens(
        programmes=st.sampled_from(CHANGES),
        lost=st.sampled_from([(1, 2), (), (), (0,), (1,)]),
        same_version=st.booleans(),
        shows=st.booleans(),
    )
    def programmes_come_in_part_or_whole(self, programmes, lost, same_version, shows):
        """Frames get lost; the next may follow at once; a wrong version number may stand on them.

        shows: nothing else happens until the hours in which they differ.
        """
        parts = []
        for programme in programmes:
            self.version += not same_version
            parts += programme_orders(0, self.gateway_s + 7200, self.version, programme.encode())
        for number, order in enumerate(parts):
            if number not in lost:
                self._load(order)
        if shows:
            self._fall(hours=8)

    @happens(rubbish=st.binary(max_size=MAX_PART_LEN), part=st.integers(0, 3), parts=st.integers(1, 4))
    def a_wrong_programme_comes(self, rubbish, part, parts):
        if part < parts:
            self._load(Order(0, self.gateway_s + 7200, LOAD_PROGRAMME, self.version, part, parts, rubbish))

    def _load(self, order):
        """Give a part of a programme, and know whether one is whole now."""
        self.order_id += 1
        order.order_id = self.order_id
        self.last = None
        good = refusal(order, self.post.mind.clock.gps_s(self.post.now_ms)) is None
        self.post.order(order)
        version, part, parts, data = order.arguments
        stored = version.to_bytes(2, "little")
        runs = self.programme[:2] == stored and self.programme[2:][part * MAX_PART_LEN :][:MAX_PART_LEN] == data
        if not good or (runs and parts == (len(self.programme) - 3) // MAX_PART_LEN + 1):
            return
        key, pieces = self.parts
        pieces = {**(pieces if key == (version, parts) else {}), part: data}
        self.parts = (version, parts), pieces
        if len(pieces) == parts:
            self.parts = None, {}
            stored += b"".join(pieces[each] for each in range(parts))
            if _decoded(stored) is not None:
                self.programme = stored

    @happens(payload=st.binary(max_size=51), group=st.none() | st.integers(0, 3))
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

    @precondition(lambda self: self.post.changed["on_lux"] and self.post.now_s > self.post.shone_s + 1800)
    @happens(seconds=st.integers(60, SHINE_S))
    def headlights_shine_at_the_photocell(self, seconds):
        self.post.shone_s = self.post.now_s + seconds
        self.pass_time(seconds + 120)

    @happens(off_s=st.sampled_from([1, 60, 3600, 36_000]), gasp=st.booleans())
    def the_power_goes(self, off_s, gasp):
        self._cut_power(off_s, gasp)

    def _cut_power(self, off_s, gasp=False):
        post = self.post
        if gasp:
            post.tell(PowerFailing())
        post.world_s += off_s
        post.power_up()
        post.run(post.now_ms)
        self.up_s = post.now_s
        self.dark_until_s = 0
        self.parts = None, {}
        if self.last is not None and self.last[0].verb == RESUME_PROGRAMME:
            self.last = None

    @happens()
    def the_node_restarts(self):
        """In good order, as after an update: what was ordered holds."""
        self.post.restart()
        self.post.run(self.post.now_ms)
        self.parts = None, {}

    @happens(hours=st.integers(0, 6), lies=st.booleans(), off_s=st.sampled_from([1, 600]))
    def the_power_goes_at_night(self, hours, lies, off_s):
        """And when it is back, the gateway's clock may be by half a day wrong."""
        while not is_night(self.post.now_s):
            self.pass_time(1800)
        self.pass_time(hours * 1800)
        self._cut_power(off_s)
        if lies:
            self._lie(12, back=False)

    @precondition(lambda self: self.post.changed["supply"] == "switched")
    @happens(nights=st.integers(1, 3))
    def nights_pass_behind_a_cabinet(self, nights):
        self._live_behind_a_cabinet(nights)

    def _live_behind_a_cabinet(self, nights):
        """The power comes at dusk and goes at dawn; at the end it is the next dusk."""
        for _ in range(nights):
            day_s = self.post.now_s
            while not is_night(day_s):
                day_s += 300
            self._cut_power(day_s - self.post.now_s + 1)
            while is_night(self.post.now_s):
                self.pass_time(1800)

    # What is always true.

    @invariant()
    def it_shines(self):
        if self.post is None or self.post.level_pct != 0:
            return
        now_s = self.post.now_s
        fallen_s = DUSK_S if self.post.changed["on_lux"] else 0
        if not (is_night(now_s) and is_night(now_s - fallen_s)) or now_s < self.post.shone_s + fallen_s:
            return
        if now_s < self.up_s + LATE_S or now_s <= self.dark_until_s:
            return
        assert self._is_planned(now_s), "it is night, it has power, and nothing that holds says that it be dark"

    def _is_planned(self, now_s):
        """Whether the programme in force is dark about then; behind a cabinet or a photocell, less exactly."""
        programme = _decoded(self.programme)
        if programme is None:
            return False
        around_s = LATE_S if self.post.mind.clock.is_sure() else ASTRAY_S
        moments = range(now_s - around_s, now_s + around_s + 1, LATE_S)
        return any(setpoint_at(programme, SITE, moment_s)[0] == 0 for moment_s in moments)


def _decoded(stored):
    """The programme as it is stored, None for none."""
    try:
        return Programme.decode(stored[2:])
    except ProtocolError:
        return None
