"""A lamp with its mind, searched for what leaves it dark at night; and lamps with faults, which are found that way."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from firmware.clock import TrustedClock
from firmware.events import Downlink, LuxSensed, TimeAnswered, TimeTold
from firmware.roles.light import Light
from firmware.roles.setpoint import NO_PROGRAMME, UNKNOWN_NIGHT
from protocol import cbor
from protocol.dimming import Site
from protocol.orders import DONE, LOAD_PROGRAMME, RESUME_PROGRAMME, SET_LEVEL, Order, decode_order, encode_order
from tests.fakes.desk import BUILD_GPS_S
from tests.properties.lamp_at_night import SITE, START_S, Night, Post

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


class Evening(Light):
    """Takes any power-up behind a cabinet for the beginning of the night."""

    def __init__(self, *given):
        super().__init__(*given)
        if self._switched:
            self._base.dusk_s = 0


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
    """Takes the memory of before a power cut for its own."""

    def power_up(self, reset_cause=1, safe=False):
        self.kept = b"" if self.role is None else self.role.image()
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


FAULTY = [with_role(role) for role in (Credulous, Slow, Lasting, Obedient, Clockless, Stubborn, Mixing, Dazzled)]
FAULTY += [with_role(role) for role in (Shy, Unprogrammed, Evening)]
FAULTY += [WinterTime, Believing, Jumping, Late, Forgetful]
MOST = 300  # examples in which each is found


def examples_until_dark(post):
    """In how many examples the search sees this lamp dark; None: not in MOST."""
    count = 0

    def night():
        nonlocal count
        count += 1
        return Night(post)

    try:
        run_state_machine_as_test(
            night,
            settings=settings(
                stateful_step_count=STEPS, max_examples=MOST, phases=[Phase.generate], database=None, print_blob=False
            ),
        )
    except AssertionError as error:
        assert "it is night" in str(error)
        return count
    return None


@pytest.mark.parametrize("post", FAULTY, ids=lambda post: post.__name__)
def test_the_search_finds_a_lamp_with_a_fault_dark(post):
    assert examples_until_dark(post) is not None
