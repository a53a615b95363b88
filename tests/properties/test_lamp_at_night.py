"""A lamp with its mind, searched for what leaves it dark at night; and lamps with faults, which are found that way."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from firmware.clock import TrustedClock
from firmware.events import Downlink, LuxSensed, TimeAnswered, TimeTold
from firmware.roles.light import Light
from firmware.roles.setpoint import NO_PROGRAMME, UNKNOWN_NIGHT
from protocol import cbor
from protocol.dimming import DEFAULT_PROGRAMME, Site
from protocol.orders import DONE, LOAD_PROGRAMME, RESUME_PROGRAMME, SET_LEVEL, Order, decode_order, encode_order
from tests.fakes.desk import BUILD_GPS_S
from tests.firmware.roles.street import stored
from tests.properties.lamp_at_night import CHANGES, PART_NIGHT, SHINE_S, Night
from tests.properties.lamp_on_post import SITE, START_S, Post

STEPS = 12
TestNight = Night.TestCase
TestNight.settings = settings(stateful_step_count=STEPS, max_examples=settings().max_examples // 5)


# And the same search finds what it is there for. Each of these lamps has one fault.


class Credulous(Light):
    """Believes any time at once."""

    def handle(self, event, now_ms):
        if isinstance(event, TimeTold):
            event.sure = True
        return super().handle(event, now_ms)


class Slow(Light):
    """Is twenty minutes late."""

    def handle(self, event, now_ms):
        if isinstance(event, TimeTold):
            event.gps_s -= 1200
        return super().handle(event, now_ms)


class Lasting(Light):
    """Holds what it was ordered until morning."""

    def order(self, order, now_ms, gps_s, group=None):
        if order.verb == SET_LEVEL:
            order = Order(order.order_id, order.expiry_gps_s, SET_LEVEL, *order.arguments[:2], 50_000)
        return super().order(order, now_ms, gps_s, group)


class Obedient(Light):
    """Lets a group's key go below the floor."""

    def order(self, order, now_ms, gps_s, group=None):
        return super().order(order, now_ms, gps_s, None)


class Clockless(Light):
    """Holds an order as long as it says, also where nobody can tell whether it is late."""

    def order(self, order, now_ms, gps_s, group=None):
        return super().order(order, now_ms, gps_s or START_S, group)


class Stubborn(Light):
    """Says that it resumes its programme, and does not."""

    def order(self, order, now_ms, gps_s, group=None):
        if order.verb == RESUME_PROGRAMME:
            return DONE, None, []
        return super().order(order, now_ms, gps_s, group)


class Mixing(Light):
    """Does not look which programme a part is of."""

    def order(self, order, now_ms, gps_s, group=None):
        if order.verb == LOAD_PROGRAMME:
            order = Order(order.order_id, order.expiry_gps_s, LOAD_PROGRAMME, 1, *order.arguments[1:])
        return super().order(order, now_ms, gps_s, group)


class Dazzled(Light):
    """Takes headlights for daylight."""

    def handle(self, event, now_ms):
        if isinstance(event, LuxSensed) and event.lux:
            self._base.daylight = True
            self._base.until_s = 0
        return super().handle(event, now_ms)


class Shy(Light):
    """Is dark where it should be lit for want of knowledge."""

    unknown = UNKNOWN_NIGHT

    def _set_lamps(self, actions, now_s):
        self._base.find(now_s)
        if self._base.level[2] == self.unknown:
            self._base.level = 0, 0, self.unknown
        super()._set_lamps(actions, now_s)


class Unprogrammed(Shy):
    """Is dark without a programme."""

    unknown = NO_PROGRAMME


def with_role(role):
    """A post whose lamp is this one."""
    return type(role.__name__, (Post,), {"light": role})


class WinterTime(Post):
    """Was flashed without the rule of summer time."""

    def _role(self, image=b""):
        flashed = SITE.encode()
        site = Site.decode(flashed)
        changed = Site(site.utc_offset_min, False, site.sun, site.twilight, site.holidays)
        assert changed.encode() != flashed
        light = super()._role(image)
        light._base._site = changed.encode()
        return light


class Believing(Post):
    """Takes what orders held before a power cut for its own."""

    def power_up(self, reset_cause=1, safe=False):
        self.kept = b"" if self.role is None else cbor.encode([None, cbor.decode(self.role.image())[1]])
        super().power_up(reset_cause, safe)
        self.kept = b""


class Jumping(Post):
    """Its clock takes whatever it hears, and is sure of it."""

    def tell(self, event):
        if isinstance(event, TimeAnswered):
            clock = self.mind.clock = TrustedClock(BUILD_GPS_S)
            clock.answered(event.gps_s, event.at_ms - 1_000_000)
            event.gps_s += 1000
        super().tell(event)


class Late(Post):
    """Obeys orders that have expired."""

    def tell(self, event):
        if isinstance(event, Downlink):
            try:
                order = decode_order(event.payload)
            except ValueError:
                return
            order.expiry_gps_s += 50_000
            event = Downlink(event.f_port, encode_order(order), event.group)
        super().tell(event)


class Forgetful(Post):
    """Obeys an order each time that it hears it."""

    def tell(self, event):
        self.mind.outcomes = cbor.encode([])
        super().tell(event)


SOON = [*map(with_role, (Credulous, Shy, Unprogrammed)), Jumping]
SELDOM = [*map(with_role, (Slow, Lasting, Obedient, Clockless, Stubborn, Dazzled))]
SELDOM += [WinterTime, Late, Forgetful, Believing, with_role(Mixing)]
SOAK = settings.get_current_profile_name() == "soak"
FAULTY = SOON + SELDOM if SOAK else SOON  # the others take the search seconds each, and are told as stories below
# Examples in which each is found. By five seeds: Stubborn 87..396, Believing 4..730, Forgetful 4..250, Mixing 135..527,
# Late 85..156.
MOST = 5000


@pytest.mark.parametrize("post", FAULTY, ids=lambda post: post.__name__)
def test_the_search_finds_a_lamp_with_a_fault_dark(post):
    search = settings(
        stateful_step_count=STEPS, max_examples=MOST, phases=[Phase.generate], database=None, print_blob=False
    )
    with pytest.raises(AssertionError, match="it is night"):
        run_state_machine_as_test(lambda: Night(post), settings=search)


def ordered_dark(night, told=True, group=None, **changed):
    """At midnight somebody wants darkness for an hour."""
    night.begin(stored(DEFAULT_PROGRAMME), "nothing", 11, told=told)
    order = {"level": 0, "hold_s": 3600, "lasts_s": 600, "again_s": 0, "ended_by": None, "then_s": 1200, **changed}
    night.somebody_orders_a_level(group=group, **order)


def dimmed_for_an_hour(night):
    ordered_dark(night)
    night.pass_time(3600)


def a_lost_lamp_s_key_is_abused(night):
    ordered_dark(night, group=1)


def an_order_comes_too_late(night):
    ordered_dark(night, lasts_s=-600)


def a_late_order_meets_a_lamp_without_a_clock(night):
    ordered_dark(night, told=False, lasts_s=-600)


def an_order_is_ended(night):
    ordered_dark(night, ended_by="somebody")


def the_power_goes_meanwhile(night):
    ordered_dark(night)
    night.the_power_goes(off_s=1, gasp=False, then_s=600)


def it_comes_again(night):
    ordered_dark(night, lasts_s=7200)
    night.the_last_order_comes_again(then_s=3000)


def two_programmes_cross(night):
    night.begin(stored(DEFAULT_PROGRAMME), "nothing", 11, told=True)
    come = {"programmes": CHANGES[0], "lost": (1, 2), "same_version": False, "shows": False}
    night.programmes_come_in_part_or_whole(**come, then_s=1200)


def headlights(night):
    night.begin(stored(DEFAULT_PROGRAMME), "photocell", 11, told=False)
    night.headlights_shine_at_the_photocell(seconds=SHINE_S, then_s=600)


def a_night_in_summer_time(night):
    night.begin(stored(PART_NIGHT), "nothing", 11, told=True)
    night.pass_time(6 * 3600)


@pytest.mark.parametrize(
    ("story", "post"),
    [
        (dimmed_for_an_hour, with_role(Lasting)),
        (a_lost_lamp_s_key_is_abused, with_role(Obedient)),
        (a_late_order_meets_a_lamp_without_a_clock, with_role(Clockless)),
        (an_order_is_ended, with_role(Stubborn)),
        (two_programmes_cross, with_role(Mixing)),
        (headlights, with_role(Dazzled)),
        (a_night_in_summer_time, WinterTime),
        (the_power_goes_meanwhile, Believing),
        (a_night_in_summer_time, with_role(Slow)),
        (an_order_comes_too_late, Late),
        (it_comes_again, Forgetful),
    ],
)
def test_a_lamp_with_a_fault_is_dark_in_this_story(story, post):
    story(Night())
    with pytest.raises(AssertionError, match="it is night"):
        story(Night(post))
