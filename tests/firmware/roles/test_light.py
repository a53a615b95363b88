"""The light role: orders, programmes, presence, faults and power, each by itself."""

from itertools import chain, repeat

from firmware.actions import Persist, SetLamp, TellEvent
from firmware.events import (
    Downlink,
    FrameHeard,
    LampFeedback,
    LuxSensed,
    MotionSeen,
    PowerFailing,
    Sensed,
    TimeTold,
    Woke,
)
from firmware.roles.base import RETRY_S, ask
from firmware.roles.ledger import Ledger
from firmware.roles.light import FIRST_UPLINK_S, Light
from firmware.roles.obeying import DEFAULT_HOLD_S
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
from firmware.roles.supply import SAVE_S
from protocol import cbor
from protocol.civil import day_of, to_gps
from protocol.dimming import CLOCK, DEFAULT_PROGRAMME, EVERY_DAY, SUNRISE, SUNSET, DayType, Programme, Step
from protocol.events import (
    DAY_BURNER,
    GEAR_FAILED,
    LAMP_FAILED,
    LAMP_RECOVERED,
    MOTION_SEEN,
    OVER_TEMPERATURE,
    POWER_BACK,
    POWER_LOST,
    PROGRAMME_REFUSED,
    SENSOR_BACK,
    SENSOR_FAILED,
)
from protocol.orders import (
    BAD_ARGUMENT,
    BELOW_FLOOR,
    DONE,
    FAILED,
    IDENTIFY,
    INCOMPLETE,
    LOAD_PROGRAMME,
    NOT_HERE,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Order,
)
from protocol.quantities import (
    ILLUMINANCE,
    LAMP_DAY_BURNER,
    LAMP_FAILURE,
    LAMP_GEAR_SILENT,
    LAMP_OVERRIDDEN,
    LAMP_TOO_HOT,
    OPERATING_HOURS,
    POWER,
    PROGRAMME_VERSION,
    SWITCH_COUNT,
)
from tests.firmware.roles.street import DAY_S, Broken, Lamp, World, antony, settings, stored

# 1 December 2027: the sun sets at 15:56 UTC and rises at 07:22, clocks show an hour more.
NOON_S = to_gps(day_of(2027, 12, 1), 11 * 3600)
EVENING_S = NOON_S + 8 * 3600  # 20:00 by the clock: the default programme says 100 %
MIDNIGHT_S = NOON_S + 12 * 3600  # 00:00: it says 50 %
SITE = antony().encode()
DEFAULT = stored(DEFAULT_PROGRAMME)
DARK = Programme(
    DayType(
        EVERY_DAY, Step(SUNSET, 0, 80, 60), Step(CLOCK, 0, 0, 60), Step(CLOCK, 300, 80, 60), Step(SUNRISE, 0, 0, 60)
    )
)
LONG_NIGHT_H = 14


def lamp_at(at_s, told=True, **options):
    options = dict({"programme": DEFAULT, "site": SITE}, **options)
    lamp = Lamp(at_s=at_s, **options).power_on()
    lamp.run(0)
    if told:
        lamp.tell_time(at_s)
    return lamp


def told(lamp):
    return [(event, details) for _, event, details in lamp.told]


def kept(lamp):
    """What is in the flash: minutes of this run, whether it began a night (0: surely), and so on."""
    return cbor.decode(lamp.flash["light"])


def explained(lamp, head=0):
    return lamp.role.explain(head)[:2]


# What holds when nobody orders anything.


def test_at_first_there_is_full_light():
    lamp = lamp_at(NOON_S, told=False)
    assert lamp.changes == [(NOON_S, 0, 100, 0)]
    assert explained(lamp) == (100, UNKNOWN_NIGHT)


def test_without_a_programme_there_is_full_light_by_day_too():
    lamp = lamp_at(NOON_S, programme=b"", told=False)
    assert lamp.role.explain(0) == (100, NO_PROGRAMME, None)
    lamp.tell_time(NOON_S)
    lamp.run(5 * DAY_S)
    assert explained(lamp) == (100, NO_PROGRAMME)
    assert len(lamp.changes) == 1


def test_a_site_that_cannot_be_read_is_no_way_to_know_the_night():
    assert explained(lamp_at(NOON_S, site=b"\x80")) == (100, UNKNOWN_NIGHT)


def test_with_time_it_runs_the_programme_with_its_fades():
    lamp = lamp_at(NOON_S)
    assert explained(lamp) == (0, PROGRAMME)
    lamp.run(DAY_S)
    assert [(level, fade_s) for _, _, level, fade_s in lamp.changes[2:]] == [(100, 60), (50, 60), (100, 60), (0, 60)]
    assert lamp.changes[3][0] == NOON_S + 11 * 3600
    assert lamp.role.explain(0)[2] is not None


def test_time_that_is_not_sure_dims_a_lamp_and_does_not_darken_it():
    """By one answer of a clock that may be wrong nobody stands in the dark; by the second all is as planned."""
    for at_s, level_pct in ((MIDNIGHT_S, 50), (NOON_S, 100)):
        lamp = lamp_at(at_s, told=False)
        lamp.tell(TimeTold(at_s, False))
        assert explained(lamp) == (level_pct, PROGRAMME if level_pct < 100 else UNKNOWN_NIGHT)
    lamp.run_until(EVENING_S)
    assert explained(lamp) == (100, PROGRAMME)
    lamp.run_until(NOON_S + DAY_S)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)
    lamp.tell_time(NOON_S + DAY_S)
    assert explained(lamp) == (0, PROGRAMME)


def test_a_photocell_darkens_a_lamp_whose_time_is_not_sure():
    lamp = lamp_at(NOON_S, told=False, on_lux=35)
    lamp.world.lux = 20_000
    lamp.tell(TimeTold(NOON_S, False))
    lamp.run(3600)
    assert explained(lamp) == (0, PHOTOCELL_DAY)
    lamp.world.lux = 0
    lamp.run(3600)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)


def test_what_the_gear_is_told_follows_its_curve():
    """IEC 62386-102, the standard's own table: 10 % of the light is level 170, 50 % 229, 3 % 126, 1 % 85."""
    drives = {"linear": (254, 127, 25, 8, 3, 0), "logarithmic": (254, 229, 170, 126, 85, 0)}
    for curve in drives:
        role = Light(settings(dimming_curve=curve))
        found = []
        for level_pct in (100, 50, 10, 3, 1, 0):
            _, _, actions = role.order(Order(1, 0, SET_LEVEL, level_pct), 0, None)
            found.append(actions[-1].drive)
        assert tuple(found) == drives[curve]
    role.order(Order(2, 0, SET_LEVEL, 50), 0, None)
    assert role.configure(23, 0) == DONE
    assert [lamp.drive for lamp in role.handle(object(), 1000)] == [127]
    assert role.configure(23, 0) == DONE
    assert role.handle(object(), 2000) == []


def test_a_fade_under_way_when_the_time_comes_is_shortened():
    assert lamp_at(NOON_S + 11 * 3600 + 20).changes[-1][2:] == (50, 40)


def test_two_heads_do_the_same():
    lamp = lamp_at(MIDNIGHT_S, heads=2)
    assert lamp.levels == {0: 50, 1: 50}
    assert explained(lamp, 1) == (50, PROGRAMME)


def test_the_photocell_switches_while_there_is_no_clock():
    world = World()
    world.lux = lambda at_s: 900 + at_s // 60 % 2
    lamp = lamp_at(NOON_S, told=False, world=world, on_lux=35)
    lamp.run(900)
    assert explained(lamp) == (0, PHOTOCELL_DAY)
    world.lux = 10
    lamp.run(300)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)  # how long nights are is not known yet
    lamp.tell_time(lamp.at_s)
    assert explained(lamp) == (0, PROGRAMME)


def test_a_photocell_night_is_a_virtual_night_once_two_were_seen():
    world = World()
    world.lux = lambda at_s: 5 if (at_s - NOON_S) // 3600 % 24 in range(5, 19) else 900 + at_s // 60 % 2
    lamp = lamp_at(NOON_S, told=False, world=world, on_lux=35)
    lamp.run(2 * DAY_S + 6 * 3600)
    assert explained(lamp) == (100, VIRTUAL_NIGHT)
    lamp.run(6 * 3600 + 600)
    assert explained(lamp) == (50, VIRTUAL_NIGHT)
    lamp.run(7 * 3600 + 600)
    assert explained(lamp) == (0, PHOTOCELL_DAY)


def test_a_night_longer_than_any_learned_ends_in_full_light():
    world = World()
    world.lux = lambda at_s: 5 if (at_s - NOON_S) // 3600 % 24 in range(5, 19) else 900 + at_s // 60 % 2
    lamp = lamp_at(NOON_S, told=False, world=world, on_lux=35)
    lamp.run(2 * DAY_S + 6 * 3600)
    world.lux = 5
    lamp.run(DAY_S)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)


def test_a_silent_photocell_is_told_and_means_full_light():
    world = World()
    world.lux = lambda at_s: 900 + at_s // 60 % 2
    lamp = lamp_at(NOON_S, told=False, world=world, on_lux=35)
    lamp.run(1800)
    world.lux = None
    lamp.run(360)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)
    world.lux = 900
    lamp.run(900)
    assert explained(lamp) == (0, PHOTOCELL_DAY)
    assert told(lamp) == [(SENSOR_FAILED, (ILLUMINANCE,)), (SENSOR_BACK, (ILLUMINANCE,))]


def switched_for_a_week(**options):
    """A lamp behind a cabinet that has seen seven nights of 14 hours, just after power came for the eighth."""
    lamp = Lamp(at_s=NOON_S, **dict({"programme": DEFAULT, "site": SITE, "supply": "switched"}, **options))
    for _ in range(7):
        lamp.power_on()
        lamp.run(LONG_NIGHT_H * 3600)
        lamp.power_off()
        lamp.run(DAY_S - LONG_NIGHT_H * 3600)
    lamp.power_on()
    lamp.run(0)
    return lamp


def test_behind_a_cabinet_power_means_night_and_its_middle_is_learned():
    lamp = switched_for_a_week()
    assert explained(lamp) == (100, VIRTUAL_NIGHT)
    lamp.run(7 * 3600)
    assert explained(lamp) == (50, VIRTUAL_NIGHT)
    lamp.run(7 * 3600 + 1200)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)


def test_the_clock_is_stronger_than_the_virtual_night():
    lamp = switched_for_a_week()
    lamp.tell_time(MIDNIGHT_S)
    assert explained(lamp) == (50, PROGRAMME)


def test_behind_a_cabinet_no_photocell_is_asked():
    lamp = switched_for_a_week(on_lux=35)
    for _ in range(20):
        lamp.run(60)
        lamp.tell(LuxSensed(900))
    assert explained(lamp) == (100, VIRTUAL_NIGHT)


def test_after_an_outage_in_the_night_there_is_full_light():
    lamp = switched_for_a_week()
    lamp.run(7 * 3600)
    lamp.power_off()
    lamp.run(30)
    lamp.power_on()
    lamp.run(3 * 3600)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)


def test_a_programme_loaded_in_a_virtual_night_is_followed_at_once():
    lamp = switched_for_a_week()
    lamp.run(7 * 3600)
    assert lamp.load(DARK) == (DONE, 2)
    assert explained(lamp) == (0, VIRTUAL_NIGHT)


# Orders.


def test_an_order_holds_and_ends():
    lamp = lamp_at(MIDNIGHT_S)
    assert lamp.order(SET_LEVEL, 80, 7, 3600, gps_s=MIDNIGHT_S) == (DONE, MANUAL)
    assert lamp.changes[-1] == (MIDNIGHT_S, 0, 80, 7)
    assert lamp.role.explain(0) == (80, MANUAL, 3600)
    lamp.run(3599)
    assert lamp.levels[0] == 80
    lamp.run(1)
    assert lamp.levels[0] == 50
    assert lamp.changes[-1][3] == 5


def test_an_order_that_says_no_more_holds_two_hours():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.order(SET_LEVEL, 80, gps_s=MIDNIGHT_S)
    assert lamp.role.explain(0) == (80, MANUAL, DEFAULT_HOLD_S)
    assert lamp.changes[-1][3] == 2


def test_an_order_may_hold_no_time_at_all():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.order(SET_LEVEL, 80, 0, 3600, gps_s=MIDNIGHT_S)
    assert lamp.order(SET_LEVEL, 10, 0, 0, gps_s=MIDNIGHT_S) == (DONE, PROGRAMME)
    assert lamp.levels[0] == 50


def test_without_a_clock_no_order_holds_longer_than_a_quarter_of_an_hour():
    lamp = lamp_at(MIDNIGHT_S, told=False)
    assert lamp.order(SET_LEVEL, 0, 0, 86400) == (DONE, MANUAL)
    lamp.run(899)
    assert lamp.levels[0] == 0
    lamp.run(1)
    assert lamp.levels[0] == 100


def test_an_order_to_a_group_never_goes_below_the_floor():
    lamp = lamp_at(MIDNIGHT_S)
    assert lamp.order(SET_LEVEL, 29, 0, 60, gps_s=MIDNIGHT_S, group=2) == (BELOW_FLOOR, 30)
    assert lamp.levels[0] == 50
    assert lamp.order(SET_LEVEL, 30, 0, 60, gps_s=MIDNIGHT_S, group=2) == (DONE, MANUAL)
    assert lamp.order(SET_LEVEL, 0, 0, 60, gps_s=MIDNIGHT_S) == (DONE, MANUAL)  # this lamp alone


def test_an_order_to_a_group_ends_with_the_night():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.order(SET_LEVEL, 40, 0, 57600, gps_s=MIDNIGHT_S, group=0)
    sunrise_s = MIDNIGHT_S - 8 * 3600 + 7 * 3600 + 22 * 60 + 9 * 3600  # within a few minutes
    until_s = lamp.role.explain(0)[2]
    assert abs(MIDNIGHT_S + until_s - sunrise_s) < 600
    placeless = lamp_at(MIDNIGHT_S, site=b"")
    placeless.order(SET_LEVEL, 40, 0, 57600, gps_s=MIDNIGHT_S, group=0)
    assert placeless.role.explain(0)[2] == 900


def test_orders_may_name_a_head():
    lamp = lamp_at(MIDNIGHT_S, heads=2)
    assert lamp.order(SET_LEVEL, 80, None, None, 1, gps_s=MIDNIGHT_S) == (DONE, MANUAL)
    assert lamp.levels == {0: 50, 1: 80}
    lamp.order(SET_LEVEL, 10, gps_s=MIDNIGHT_S)
    assert lamp.levels == {0: 10, 1: 10}
    assert lamp.order(RESUME_PROGRAMME, 0) == (DONE, PROGRAMME)
    assert lamp.levels == {0: 50, 1: 10}
    assert lamp.order(RESUME_PROGRAMME) == (DONE, PROGRAMME)
    assert lamp.levels == {0: 50, 1: 50}


def test_a_head_that_is_not_here_is_said():
    lamp = lamp_at(MIDNIGHT_S)
    assert lamp.order(SET_LEVEL, 80, None, None, 1, gps_s=MIDNIGHT_S) == (NOT_HERE, None)
    assert lamp.order(RESUME_PROGRAMME, 7) == (NOT_HERE, None)
    assert lamp.order(SET_LEVEL) == (BAD_ARGUMENT, None)
    assert lamp.order(IDENTIFY, 30) == (NOT_HERE, None)


def parts_of(programme):
    data = programme.encode()
    count = (len(data) + 33) // 34
    return count, [data[34 * part : 34 * part + 34] for part in range(count)]


LONG = Programme(
    DayType(0x1F, *[Step(CLOCK, 1100 + 7 * k, 40 + k, 60 + k) for k in range(10)]),
    DayType(0x60, *[Step(CLOCK, 1100 + 9 * k, 50 + k, 60 + k) for k in range(9)]),
)


def test_parts_of_a_programme_may_come_in_any_order_and_twice():
    count, parts = parts_of(LONG)
    assert count == 4
    lamp = lamp_at(MIDNIGHT_S)
    assert lamp.order(LOAD_PROGRAMME, 9, 2, count, parts[2]) == (INCOMPLETE, 0b0100)
    assert lamp.order(LOAD_PROGRAMME, 9, 0, count, parts[0]) == (INCOMPLETE, 0b0101)
    assert lamp.order(LOAD_PROGRAMME, 9, 0, count, parts[0]) == (INCOMPLETE, 0b0101)
    assert lamp.order(LOAD_PROGRAMME, 9, 3, count, parts[3]) == (INCOMPLETE, 0b1101)
    assert lamp.flash["programme"] == DEFAULT
    assert lamp.order(LOAD_PROGRAMME, 9, 1, count, parts[1]) == (DONE, 9)
    assert lamp.flash["programme"] == stored(LONG, 9)
    for part in range(count):
        assert lamp.order(LOAD_PROGRAMME, 9, part, count, parts[part]) == (DONE, 9)
    assert lamp.writes.count((lamp.at_s, "programme")) == 1


def test_a_programme_is_persisted_before_it_is_followed():
    role = Light(settings(), site=SITE, programme=DEFAULT)
    role.handle(TimeTold(MIDNIGHT_S), 0)
    data = DARK.encode()
    _, _, actions = role.order(Order(1, 0, LOAD_PROGRAMME, 3, 0, 1, data), 5, MIDNIGHT_S)
    assert [type(action) for action in actions] == [Persist, SetLamp]


def test_parts_of_another_programme_begin_anew():
    count, parts = parts_of(LONG)
    lamp = lamp_at(MIDNIGHT_S)
    lamp.order(LOAD_PROGRAMME, 9, 0, count, parts[0])
    assert lamp.order(LOAD_PROGRAMME, 10, 1, count, parts[1]) == (INCOMPLETE, 0b0010)
    assert lamp.order(LOAD_PROGRAMME, 10, 0, 2, parts[0]) == (INCOMPLETE, 0b0001)


def test_a_part_of_the_running_programme_leaves_another_that_comes_alone():
    count, parts = parts_of(LONG)
    lamp = lamp_at(MIDNIGHT_S)
    for part in range(3):
        lamp.order(LOAD_PROGRAMME, 9, part, count, parts[part])
    assert lamp.order(LOAD_PROGRAMME, 1, 0, 1, DEFAULT[2:]) == (DONE, 1)
    assert lamp.order(LOAD_PROGRAMME, 9, 3, count, parts[3]) == (DONE, 9)


def test_the_same_version_with_other_steps_is_another_programme():
    lamp = lamp_at(MIDNIGHT_S)
    assert lamp.order(LOAD_PROGRAMME, 1, 0, 1, DARK.encode()) == (DONE, 1)
    assert lamp.levels[0] == 0


def test_what_is_no_programme_is_refused_and_the_old_one_stays():
    lamp = lamp_at(MIDNIGHT_S)
    assert lamp.order(LOAD_PROGRAMME, 7, 0, 1, b"\x80") == (BAD_ARGUMENT, 7)
    assert told(lamp) == [(PROGRAMME_REFUSED, (7,))]
    assert explained(lamp) == (50, PROGRAMME)
    assert lamp.flash["programme"] == DEFAULT
    assert lamp.load(DARK, version=8) == (DONE, 8)


def test_a_stored_programme_that_cannot_be_read_is_told():
    lamp = lamp_at(MIDNIGHT_S, programme=b"\x09\x01\xff")
    lamp.run(0)
    assert explained(lamp) == (100, NO_PROGRAMME)
    assert told(lamp) == [(PROGRAMME_REFUSED, (265,))]
    lamp.run(DAY_S)
    assert len(lamp.told) == 1


# Without the memory, or the file, of what is loaded on demand.

SHORTAGES = (MemoryError(), ImportError("no module"), OSError(5), ValueError("incompatible .mpy file"))


def test_a_lamp_that_can_load_nothing_is_bright_and_tries_again():
    for error in SHORTAGES:
        for options in ({}, {"supply": "switched"}, {"on_lux": 35}):
            with Broken(error, "loading", "night", "obeying", "outlook", "photocell"):
                lamp = lamp_at(MIDNIGHT_S, **options)
                lamp.run(3 * 3600)
                lamp.power_off()
                lamp.power_on()
                lamp.run(3600)
                lamp.tell_time(lamp.at_s)
                assert lamp.order(SET_LEVEL, 0, 0, 3600, gps_s=lamp.at_s) == (FAILED, 12)
                assert lamp.order(RESUME_PROGRAMME) == (FAILED, 12)
                lamp.tell(MotionSeen())
                lamp.tell(PowerFailing())
                lamp.run(901)
                assert [level for _, _, level, _ in lamp.changes] == [100, 0, 100]  # the 0 is the power cut
                assert explained(lamp) == (100, UNKNOWN_NIGHT)
            lamp.run(RETRY_S)
            assert explained(lamp) == (50, PROGRAMME)


def test_a_lamp_that_knows_its_night_goes_on_with_it_for_another_day():
    lamp = lamp_at(EVENING_S)
    with Broken(MemoryError(), "outlook"):
        lamp.run(40 * 3600 - 1)  # to the noon after the next night
        assert [level for _, _, level, _ in lamp.changes[1:]] == [50, 100, 0, 100, 50, 100, 0]
        lamp.run(37 * 3600)
        assert explained(lamp) == (100, UNKNOWN_NIGHT)
        assert lamp.changes[-1][0] == EVENING_S + 40 * 3600
    lamp.run(RETRY_S)
    assert lamp.changes[-1][2:] == (50, 5)


def test_an_order_to_a_group_ends_soon_when_the_night_is_not_known():
    with Broken(MemoryError(), "outlook"):
        lamp = lamp_at(MIDNIGHT_S)
        assert lamp.order(SET_LEVEL, 40, 0, 3600, gps_s=MIDNIGHT_S, group=1) == (DONE, MANUAL)
        assert lamp.role.explain(0) == (40, MANUAL, 900)


def test_a_mistake_of_ours_is_not_hidden():
    assert ask("learn", [], 840) == [840]
    assert ask("look_ahead", DEFAULT, b"\x80", MIDNIGHT_S) is None
    for name, arguments in (("nothing", ()), ("learn", ([],))):
        try:
            ask(name, *arguments)
        except (AttributeError, TypeError):
            continue
        raise AssertionError(name + " was hidden")


def test_another_time_is_followed_as_far_as_the_night_is_known():
    """MIDNIGHT_S + 5 h is 05:00; the outlook ends at the noon after the next night."""
    lamp = lamp_at(MIDNIGHT_S)
    with Broken(MemoryError(), "outlook"):
        for hours, says in ((5, (100, PROGRAMME)), (4, (50, PROGRAMME)), (18, (100, PROGRAMME)), (33, (0, PROGRAMME))):
            lamp.tell_time(MIDNIGHT_S + hours * 3600 + 60)
            assert explained(lamp) == says
    for days in (-30, 30):
        with Broken(MemoryError(), "outlook"):
            lamp.tell_time(MIDNIGHT_S + days * DAY_S)
            assert explained(lamp) == (100, UNKNOWN_NIGHT)
        lamp.run(RETRY_S)
        assert explained(lamp) == (50, PROGRAMME)


def test_a_clock_that_was_a_little_fast_takes_no_step_twice():
    """At 23:00 by its clock the lamp dims; then it hears that it is a moment before."""
    for fast_s, levels in ((7, [50]), (30, [50]), (31, [50, 100, 50])):
        lamp = lamp_at(EVENING_S)
        lamp.run(3 * 3600 + 5)
        assert [level for _, _, level, _ in lamp.changes[-2:]] == [100, 50]
        before = len(lamp.changes) - 1
        lamp.tell_time(lamp.at_s - fast_s)
        lamp.run(3600)
        assert [level for _, _, level, _ in lamp.changes[before:]] == levels
        lamp.run_until(EVENING_S + 9 * 3600 + fast_s)
        assert lamp.changes[-1][:3] == (EVENING_S + 9 * 3600 + fast_s, 0, 100), "the next step is at its time"


def test_what_waits_for_a_fast_clock_is_no_longer_than_it_was_fast():
    """A lamp that is told of the time again and again, or of another programme at the same moment, does not wait."""
    lamp = lamp_at(EVENING_S)
    lamp.run(3 * 3600 - 5)
    lamp.tell_time(lamp.at_s - 20)
    lamp.run(19)
    assert explained(lamp) == (100, PROGRAMME)
    lamp.run(6)
    assert lamp.changes[-1][:3] == (EVENING_S + 3 * 3600 + 20, 0, 50)
    lamp.tell_time(lamp.at_s - 30)
    lamp.load(DARK)
    assert explained(lamp) == (80, PROGRAMME)


def test_the_night_is_worked_out_once_a_day_however_often_the_time_is_told():
    lamp = lamp_at(NOON_S + 60)
    with Broken(TypeError("asked again"), "outlook"):
        for _ in range(23):
            lamp.run(3600)
            lamp.tell_time(lamp.at_s)
    assert [level for _, _, level, _ in lamp.changes[2:]] == [100, 50, 100, 0]


def test_nights_that_cannot_be_looked_at_are_not_lost():
    lamp = switched_for_a_week()
    with Broken(MemoryError(), "night"):
        lamp.power_on()
        lamp.run(0)
        assert kept(lamp)[1] is None  # whether this run began a night will not be known later either
        lamp.run(7 * 3600)
        assert explained(lamp) == (100, UNKNOWN_NIGHT)
        lamp.run(7 * 3600)
        lamp.power_off()
    lamp.run(10 * 3600)
    lamp.power_on()  # a whole night lies behind it
    lamp.run(7 * 3600)
    assert explained(lamp) == (50, VIRTUAL_NIGHT)
    lamp.role.configure(29, 0)  # the levels are known: nothing is loaded any more
    with Broken(MemoryError(), "night"):
        lamp.run(1800)
        assert explained(lamp) == (50, VIRTUAL_NIGHT)


def test_a_virtual_night_that_cannot_be_worked_out_is_bright_until_it_can():
    lamp = switched_for_a_week()
    lamp.run(7 * 3600)
    with Broken(MemoryError(), "night"):
        lamp.load(DEFAULT_PROGRAMME, version=3)
        assert explained(lamp) == (100, UNKNOWN_NIGHT)
    lamp.run(RETRY_S)
    assert explained(lamp) == (50, VIRTUAL_NIGHT)


def test_a_night_that_no_memory_can_learn_is_not_learned():
    world = World()
    world.lux = lambda at_s: 5 if (at_s - NOON_S) // 3600 % 24 in range(5, 19) else 900 + at_s // 60 % 2
    lamp = lamp_at(NOON_S, told=False, world=world, on_lux=35)
    with Broken(MemoryError(), "night"):
        lamp.run(2 * DAY_S + 12 * 3600)
        assert explained(lamp) == (100, UNKNOWN_NIGHT)
    lamp.run(2 * DAY_S)
    assert explained(lamp) == (50, VIRTUAL_NIGHT)


def test_an_order_for_which_there_is_no_memory_has_failed_and_may_come_again():
    lamp = lamp_at(MIDNIGHT_S)
    with Broken(MemoryError(), "loading"):
        assert lamp.order(LOAD_PROGRAMME, 3, 0, 1, DARK.encode()) == (FAILED, 12)
        assert explained(lamp) == (50, PROGRAMME)
        unread = lamp_at(MIDNIGHT_S)
        assert unread.order(LOAD_PROGRAMME, 1, 0, 1, DEFAULT[2:]) == (FAILED, 12)
    assert lamp.order(LOAD_PROGRAMME, 3, 0, 1, DARK.encode()) == (DONE, 3)
    assert explained(lamp) == (0, PROGRAMME)
    assert unread.order(LOAD_PROGRAMME, 1, 0, 1, DEFAULT[2:]) == (DONE, 1)


def test_what_was_stored_is_looked_at_again_when_it_could_not_be():
    with Broken(MemoryError(), "loading"):
        lamp = lamp_at(MIDNIGHT_S, programme=b"\x09\x01\xff")
        assert explained(lamp) == (100, UNKNOWN_NIGHT)
    lamp.run(RETRY_S)
    assert explained(lamp) == (100, NO_PROGRAMME)
    lamp.run(300)
    assert told(lamp) == [(PROGRAMME_REFUSED, (265,))]


# Presence.


def test_presence_makes_a_dimmed_street_bright_for_a_while():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.tell(MotionSeen())
    assert lamp.changes[-1] == (MIDNIGHT_S, 0, 100, 1)
    assert lamp.role.explain(0) == (100, PRESENCE, 120)
    lamp.run(100)
    lamp.tell(MotionSeen())
    lamp.run(119)
    assert lamp.levels[0] == 100
    lamp.run(1)
    assert lamp.levels[0] == 50


def test_presence_lights_a_street_that_its_programme_leaves_dark_but_not_the_day():
    lamp = lamp_at(MIDNIGHT_S, programme=stored(DARK))
    assert lamp.levels[0] == 0
    lamp.tell(MotionSeen())
    assert lamp.levels[0] == 100
    lamp = lamp_at(NOON_S)
    lamp.tell(MotionSeen())
    assert lamp.levels[0] == 0


def test_presence_counts_in_a_virtual_night_too():
    lamp = switched_for_a_week()
    lamp.run(7 * 3600)
    lamp.tell(MotionSeen())
    assert lamp.levels[0] == 100


def test_presence_can_be_switched_off():
    lamp = lamp_at(MIDNIGHT_S, boost_pct=0)
    lamp.tell(MotionSeen())
    assert lamp.levels[0] == 50


def test_nobody_is_told_of_motion_unless_somebody_wants_to_know():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.tell(MotionSeen())
    assert told(lamp) == []


def test_the_gateway_is_told_of_motion_at_once_and_then_no_sooner_than_the_interval():
    lamp = lamp_at(MIDNIGHT_S, boost_pct=0)
    assert lamp.role.configure(31, 240) == DONE
    for _ in range(10):
        lamp.tell(MotionSeen())
        lamp.run(60)
    assert [(at_s - MIDNIGHT_S, event, details) for at_s, event, details in lamp.told] == [
        (0, MOTION_SEEN, (1,)),
        (240, MOTION_SEEN, (4,)),
        (480, MOTION_SEEN, (4,)),
    ]
    lamp.run(3600)
    lamp.tell(MotionSeen())
    assert told(lamp)[3:] == [(MOTION_SEEN, (2,))], "one of the four before was told of no more"


def test_by_day_nobody_is_told_of_motion():
    lamp = lamp_at(NOON_S, motion_interval_s=240)
    lamp.tell(MotionSeen())
    assert told(lamp) == []


# The meter.


def test_a_reading_says_levels_power_and_state():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.run(1)
    assert [values for _, values in lamp.readings] == [(50, 210, 2300, 91, 0, 250, 0)]
    lamp.order(SET_LEVEL, 100, 0, 86400, gps_s=MIDNIGHT_S)
    lamp.run(7200)
    assert [values for _, values in lamp.readings][1:] == [(100, 400, 2300, 173, 0, 250, LAMP_OVERRIDDEN)] * 2


def test_two_heads_share_a_meter():
    lamp = lamp_at(MIDNIGHT_S, heads=2)
    lamp.order(SET_LEVEL, 0, 0, 3600, 1, gps_s=MIDNIGHT_S)
    lamp.run(1)
    assert lamp.readings[0][1] == (50, 0, 0, LAMP_OVERRIDDEN, 213, 2300, 92, 0, 250)


def test_energy_goes_on_over_power_cuts_and_when_the_meter_begins_anew():
    world = World()
    lamp = lamp_at(MIDNIGHT_S, world=world)
    energies = chain([10, 30, 5, 7], repeat(7))
    world.measure = lambda set_number, levels: (None, None, None, None, next(energies), None, None)
    lamp.role.configure(11, 300)
    lamp.run(1000)
    assert [values[4] for _, values in lamp.readings][:4] == [10, 30, 35, 37]
    lamp.power_off(gasp=True)
    world.measure = lambda set_number, levels: (None, None, None, None, 4, None, None)
    lamp.power_on()
    lamp.run(700)
    assert lamp.readings[-1][1][4] == 41


def test_a_meter_that_jumps_up_and_down_never_counts_beyond_what_a_lamp_can_take():
    ledger = Ledger(1, b"")
    for _ in range(10):
        for energy in (900_000_000, 0):
            assert ledger.metered(energy) <= 1_000_000_000
    assert Ledger(1, ledger.save(60, None).value).energy == 1_000_000_000


def test_what_no_sensor_can_see_is_not_known():
    world = World()
    world.measure = lambda set_number, levels: (None, 20001, 2300, -1, None, 851, None)
    lamp = lamp_at(MIDNIGHT_S, world=world)
    lamp.run(1)
    assert lamp.readings[0][1] == (50, None, 2300, None, None, None, 0)


def test_a_meter_without_volts_is_dead():
    world = World()
    lamp = lamp_at(MIDNIGHT_S, world=world)
    lamp.run(1)
    world.measure = lambda set_number, levels: (None, 0, 0, 0, 17, 240, None)
    lamp.run(3600)
    assert told(lamp) == [(SENSOR_FAILED, (POWER,))]
    assert lamp.readings[-1][1] == (50, None, None, None, None, 240, 0)
    del world.measure
    lamp.run(1200)
    assert told(lamp)[1:] == [(SENSOR_BACK, (POWER,))]


def test_a_meter_that_answered_once_is_missed_even_after_a_power_cut():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.run(SAVE_S + 1)
    lamp.power_off()
    lamp.world.silent = True
    lamp.run(60)
    lamp.power_on()
    lamp.run(1800)
    assert (SENSOR_FAILED, (POWER,)) in told(lamp)


def test_sensors_that_do_not_answer_at_all_are_silent_sensors():
    role = Light(settings(), site=SITE, programme=DEFAULT)
    role.handle(Woke(), 0)
    assert role.wake_at() == 30_000
    actions = role.handle(Woke(), 30_000)
    assert [action.values for action in actions] == [(100, None, None, None, None, None, 0)]
    assert 300_000 - 32_000 < role.wake_at() <= 300_000  # a little earlier, by chance


def test_a_lamp_that_fails_at_night_is_told_with_its_numbers():
    lamp = lamp_at(EVENING_S, rated_dw=400)
    lamp.run(1800)
    lamp.world.broken = {0: 1}
    lamp.run(1800)
    assert told(lamp) == [(LAMP_FAILED, (0, 4, 400))]
    lamp.run(3600)
    assert lamp.readings[-1][1][6] == LAMP_FAILURE
    lamp.world.broken = {}
    lamp.run(1800)
    assert told(lamp)[1:] == [(LAMP_RECOVERED, (0, 400))]


def test_a_driver_that_does_not_dim_is_told():
    lamp = lamp_at(MIDNIGHT_S, rated_dw=400)
    lamp.world.broken = {0: 100}
    lamp.run(1800)
    assert told(lamp) == [(GEAR_FAILED, (0, 1))]


def test_a_day_burner_is_told():
    lamp = lamp_at(NOON_S)
    lamp.world.broken = {0: 90}
    lamp.run(1800)
    assert told(lamp) == [(DAY_BURNER, (0, 360))]
    lamp.run(3600)
    assert lamp.readings[-1][1][6] == LAMP_DAY_BURNER


def test_the_rated_power_that_was_learned_survives_a_power_cut():
    lamp = lamp_at(EVENING_S)
    lamp.run(SAVE_S + 1800)
    lamp.power_off()
    lamp.world.broken = {0: 30}
    lamp.power_on()
    lamp.run(3600)
    assert (LAMP_FAILED, (0, 120, 400)) in told(lamp)


def test_a_sodium_lamp_may_take_its_time():
    lamp = lamp_at(NOON_S, rated_dw=400, reading_interval_s=60)
    for _ in range(5):
        lamp.run(600)
        lamp.order(SET_LEVEL, 100, 0, 600, gps_s=lamp.at_s)
        lamp.world.broken = {0: 20}
        lamp.run(240)
        lamp.world.broken = {}
    assert lamp.told == []


def test_heat_dims_a_lamp_whatever_was_ordered():
    lamp = lamp_at(EVENING_S)
    lamp.world.temperature = 720
    lamp.order(SET_LEVEL, 100, 0, 3600, gps_s=EVENING_S)
    lamp.run(1)
    assert explained(lamp) == (75, SAFETY)
    assert told(lamp) == [(OVER_TEMPERATURE, (0, 72))]
    assert lamp.readings[0][1][6] == LAMP_TOO_HOT | LAMP_OVERRIDDEN
    assert lamp.order(SET_LEVEL, 90, 0, 3600, gps_s=EVENING_S) == (DONE, SAFETY)
    lamp.world.temperature = 400
    lamp.run(600)
    assert explained(lamp) == (90, MANUAL)


def test_a_silent_control_gear_is_told():
    lamp = lamp_at(EVENING_S)
    for _ in range(3):
        lamp.tell(LampFeedback(0, -1))
    lamp.tell(LampFeedback(1, -1))  # a head that is not here
    assert told(lamp) == [(GEAR_FAILED, (0, -1))]
    lamp.run(1)
    assert lamp.readings[0][1][6] == LAMP_GEAR_SILENT


def test_hours_and_switchings_are_counted_through_power_cuts():
    lamp = lamp_at(NOON_S)
    lamp.run(3 * DAY_S)
    lamp.power_off()
    lamp.power_on()
    lamp.tell_time(lamp.at_s)
    rare = lamp.role.rare()
    assert [(quantity, head) for quantity, head, _ in rare[:2]] == [(OPERATING_HOURS, 0), (SWITCH_COUNT, 0)]
    assert rare[0][2] == 46  # three nights of 15 hours and 26 minutes
    assert rare[1][2] == 4  # and the moment of full light at the first power-up


def test_the_stored_programme_s_version_is_told():
    """And none for what cannot be read: the gateway sends it again."""
    lamp = lamp_at(NOON_S, programme=stored(DEFAULT_PROGRAMME, 40_000))
    assert lamp.role.rare()[2] == (PROGRAMME_VERSION, 0, 40_000)
    lamp.load(DARK, version=7)
    assert lamp.role.rare()[2] == (PROGRAMME_VERSION, 0, 7)
    for programme in (b"", b"\x07\x00\x80"):
        assert lamp_at(NOON_S, programme=programme).role.rare()[2] == (PROGRAMME_VERSION, 0, -1)


# Power.


def test_the_first_uplink_of_a_feeder_is_spread_over_ten_minutes():
    firsts = set()
    for seed in range(0, 3000, 7):
        lamp = Lamp(at_s=0, supply="switched", seed=seed).power_on()
        lamp.run(FIRST_UPLINK_S + 1)
        assert lamp.readings
        firsts.add(lamp.readings[0][0] // 60)
    assert firsts >= set(range(10))


def test_a_town_that_boots_in_one_second_shares_out_the_hour_and_no_two_lamps_meet_in_each():
    """Else their frames would be lost to each other for ever, as those of 5,000 lamps were in a simulated town."""
    nodes, hours = 200, 5
    by_hour = [[0] * 12 for _ in range(hours + 1)]  # readings in each five minutes
    drifts = []
    for number in range(nodes):
        lamp = Lamp(at_s=0, seed=0x2A0000 + number).power_on()
        lamp.run(hours * 3600)
        times = [at_s for at_s, _ in lamp.readings[1:]]
        for at_s in times:
            by_hour[at_s // 3600][at_s % 3600 // 300] += 1
        gaps = [times[at] - times[at - 1] for at in range(1, len(times))]
        assert all(3600 - 32 < gap <= 3600 for gap in gaps), number
        drifts.append(times[3] - times[0])
    for counts in by_hour[1:hours]:
        assert max(counts) < 2.5 * nodes / 12
    assert max([drifts.count(drift) for drift in drifts]) < nodes / 10


def cut(lamp, seconds, gasp=False):
    lamp.power_off(gasp)
    lamp.run(seconds)
    lamp.power_on()
    lamp.run(0)


def test_an_outage_is_told_with_its_length_once_that_is_known():
    lamp = lamp_at(EVENING_S)
    cut(lamp, 5000, gasp=True)
    assert told(lamp) == [(POWER_LOST, ())]
    lamp.run(700)
    assert len(lamp.told) == 1
    lamp.tell_time(lamp.at_s)
    lamp.run(600)
    assert told(lamp)[1:] == [(POWER_BACK, (5000,))]


def test_without_time_an_outage_has_no_length():
    lamp = lamp_at(EVENING_S)
    cut(lamp, 5000)
    lamp.run(3600)
    assert told(lamp) == [(POWER_BACK, ())]


def test_a_street_without_time_does_not_tell_its_outage_in_one_second():
    seconds = []
    for seed in range(0, 600, 60):
        lamp = lamp_at(EVENING_S, told=False, seed=seed)
        cut(lamp, 5000)
        lamp.run(3600)
        seconds += [at_s - EVENING_S - 5000 for at_s, event, _ in lamp.told if event == POWER_BACK]
    assert len(seconds) == 10 and max(seconds) - min(seconds) >= 500


def test_a_new_lamp_has_no_outage_behind_it():
    lamp = lamp_at(EVENING_S)
    lamp.run(3600)
    assert lamp.told == []


def test_a_cabinet_that_switches_every_day_is_no_news():
    lamp = switched_for_a_week()
    lamp.run(13 * 3600 + 1800)
    lamp.power_off(gasp=True)
    assert lamp.told == []
    lamp = lamp_at(EVENING_S, supply="switched")
    lamp.run(11 * 3600 + 1800)  # within the hour before sunrise
    lamp.power_off(gasp=True)
    lamp.run(9 * 3600)
    lamp.power_on()
    lamp.run(60)
    lamp.tell_time(lamp.at_s)
    lamp.run(7200)
    assert lamp.told == []


def test_a_cut_in_the_middle_of_the_night_is_news_behind_a_cabinet_too():
    lamp = switched_for_a_week()
    lamp.run(3 * 3600)
    cut(lamp, 600, gasp=True)
    lamp.run(3600)
    assert told(lamp) == [(POWER_LOST, ())]  # how long it was is not known: it may have been the day
    lamp = lamp_at(EVENING_S, supply="switched")
    cut(lamp, 600, gasp=True)
    lamp.tell_time(lamp.at_s)
    lamp.run(3600)
    assert told(lamp) == [(POWER_LOST, ()), (POWER_BACK, (600,))]


def test_behind_a_cabinet_a_lamp_that_knows_nothing_of_the_night_does_not_cry():
    lamp = Lamp(at_s=NOON_S, supply="switched", programme=DEFAULT, site=SITE).power_on()
    lamp.run(60)
    lamp.power_off(gasp=True)
    assert lamp.told == []
    lamp = lamp_at(NOON_S, supply="switched")
    lamp.power_off(gasp=True)
    assert lamp.told == []


def test_a_dip_that_the_lamp_survives_is_told_too_once_an_hour():
    lamp = lamp_at(EVENING_S)
    lamp.tell(PowerFailing())
    lamp.tell(PowerFailing())
    lamp.run(10)
    assert told(lamp) == [(POWER_LOST, ()), (POWER_BACK, (0,))]
    for _ in range(9):
        lamp.run(60)
        lamp.tell(PowerFailing())
    lamp.run(3600)
    assert len(lamp.told) == 2
    lamp.tell(PowerFailing())
    assert len(lamp.told) == 3


def test_the_last_gasp_keeps_before_it_tells():
    role = Light(settings(), site=SITE, programme=DEFAULT)
    role.handle(Woke(), 0)
    actions = role.handle(PowerFailing(), 7000)
    assert [type(action) for action in actions] == [Persist, TellEvent]


def test_a_restart_in_good_order_keeps_what_holds():
    lamp = lamp_at(MIDNIGHT_S, heads=2)
    lamp.order(SET_LEVEL, 80, 0, 3600, 1, gps_s=MIDNIGHT_S)
    lamp.run(60)
    image = lamp.role.image()
    assert len(image) <= 41
    lamp.power_on(image)
    lamp.tell_time(lamp.at_s)
    assert lamp.levels == {0: 50, 1: 80}
    lamp.run(3540)
    assert lamp.levels == {0: 50, 1: 50}
    assert lamp.told == []


def test_a_restart_in_good_order_goes_on_with_its_virtual_night():
    lamp = switched_for_a_week()
    lamp.run(7 * 3600)
    assert kept(lamp)[1] == 0  # it began with the night
    lamp.power_on(lamp.role.image())
    lamp.run(0)
    assert explained(lamp) == (50, VIRTUAL_NIGHT)
    assert kept(lamp)[1] == 0


def test_an_image_or_a_ledger_of_another_layout_is_let_go():
    for image in (b"\xff", b"\x80", b"\x82\x00\x81\x81\x00", b"\x82\x20\x81\x80", b"\x82\xf6\x81\x05"):
        lamp = lamp_at(MIDNIGHT_S)
        lamp.power_on(image)
        lamp.run(60)
        assert lamp.levels[0] == 100
    for ledger in (b"\xff", b"\x80", b"\x89" + b"\x20" * 9, b"\x89\x00\xf6\xf6\x00\x00\x00\x80\x81\x00\x80"):
        lamp = Lamp(at_s=0)
        lamp.flash["light"] = ledger
        lamp.power_on()
        lamp.run(60)
        assert lamp.role.rare()[:2] == [(OPERATING_HOURS, 0, 0), (SWITCH_COUNT, 0, 1)]


# Settings, and being a good part of a node.


def test_settings_change_while_it_runs():
    lamp = lamp_at(MIDNIGHT_S)
    for number, value in ((23, 1), (24, 10), (25, 800), (26, 600), (27, 70), (28, 30), (29, 20), (30, 90)):
        assert lamp.role.configure(number, value) == DONE
    assert lamp.order(SET_LEVEL, 10, 0, 60, gps_s=MIDNIGHT_S, group=1) == (DONE, MANUAL)
    assert lamp.order(RESUME_PROGRAMME) == (DONE, PROGRAMME)
    lamp.tell(MotionSeen())
    assert lamp.role.explain(0) == (70, PRESENCE, 30)
    assert lamp.role.configure(21, 2) == NOT_HERE
    assert lamp.role.configure(99, 0) == NOT_HERE


def test_another_threshold_makes_the_photocell_look_again():
    world = World()
    world.lux = lambda at_s: 900 + at_s // 60 % 2
    lamp = lamp_at(NOON_S, told=False, world=world, on_lux=35)
    lamp.run(900)
    assert explained(lamp) == (0, PHOTOCELL_DAY)
    lamp.role.configure(30, 80)
    lamp.run(60)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)
    lamp.run(900)
    lamp.role.configure(29, 0)
    lamp.run(60)
    assert explained(lamp) == (100, UNKNOWN_NIGHT)
    switched = switched_for_a_week()
    switched.role.configure(29, 20)
    switched.run(0)
    assert explained(switched) == (100, VIRTUAL_NIGHT)


def test_being_woken_too_early_changes_nothing():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.run(1)
    wake_ms = lamp.role.wake_at()
    for now_ms in range(2000, wake_ms, 50_000):
        assert lamp.role.handle(Woke(), now_ms) == []
        assert lamp.role.wake_at() == wake_ms
    lamp.role.handle(Woke(), wake_ms)
    assert lamp.role.wake_at() > wake_ms


def test_what_it_does_not_know_does_no_harm():
    lamp = lamp_at(MIDNIGHT_S)
    lamp.run(1)
    before = lamp.role.wake_at()
    for event in (Downlink(1, b""), FrameHeard(b"", 0, 0), object(), Sensed(0, (1, 2)), Sensed(5, (1, 2))):
        assert lamp.role.handle(event, lamp.now_ms()) == []
    assert lamp.role.wake_at() == before


def test_a_fortnight_across_the_end_of_small_ints():
    """2^30 ms are twelve and a half days."""
    lamp = lamp_at(NOON_S)
    lamp.run(14 * DAY_S)
    assert [level for _, _, level, _ in lamp.changes[2:]] == [100, 50, 100, 0] * 14
    assert lamp.wakes < 600 * 14
    assert len(lamp.writes) <= 14 * DAY_S // SAVE_S + 1
