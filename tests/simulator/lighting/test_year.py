"""A year of levels: the same as the gateway's door and the lamp itself would have, and what is counted of it."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from firmware.events import MotionSeen, TimeTold, Woke
from firmware.roles.light import Light
from gateway.lighting.door import Door, gps_of
from gateway.lighting.files import read_programme
from gateway.lighting.plan import LightGroup, LightProgramme
from protocol.settings import LIGHT, Settings
from simulator.chain.cabinet import PlannedNights, almanac, planned_nights
from simulator.commands.light import examples
from simulator.lighting.people import Passage, passages
from simulator.lighting.street import Street
from simulator.lighting.year import Year, below_h, merged
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.weather import Weather
from simulator.streams import Stream

STREET = Street(lamps=4, people_per_hour=5.0)
SITE = almanac(STREET.latitude_deg, STREET.longitude_deg, STREET.time_zone, STREET.insee, STREET.year)
STEPS = """
name = "steps"
[[nights]]
days = ["weekdays"]
steps = [{ at = "sunset", level_pct = 100 }, { at = "23:00", level_pct = 40 }, { at = "sunrise", level_pct = 0 }]
[[nights]]
days = ["weekend", "holidays"]
steps = [{ at = "dusk", level_pct = 90 }, { at = "02:30", level_pct = 30 }, { at = "dawn-20", level_pct = 0 }]
"""
EVENT = """
[[events]]
name = "fête de la musique"
from = 2027-06-21
to = 2027-06-21
steps = [{ at = "sunset", level_pct = 100 }, { at = "03:00", level_pct = 0 }]
"""


def year(street: Street = STREET, people: tuple[Passage, ...] = ()) -> Year:
    return Year(street, SITE, Weather(Stream(street.seed, "weather"), Calendar(street.time_zone)), people)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class OneGroup:
    """Lamps that all store one programme."""

    def __init__(self, programme: LightProgramme) -> None:
        self.programme = programme

    def groups_of(self, lamp: bytes) -> list[LightGroup]:
        return [LightGroup(number=1, name="a", members=(lamp,), programme=self.programme.name)]

    def programme_of(self, lamp: bytes) -> LightProgramme:
        return self.programme

    def limit_pct(self, lamp: bytes) -> None:
        return None


@pytest.mark.parametrize("text", [STEPS, STEPS + EVENT, *(path.read_text("utf-8") for path in examples().values())])
def test_levels_are_those_that_the_gateway_expects_of_a_lamp(text):
    """At random moments of the year, and around both changes of the clock; presence and darkness by day left out."""
    programme = read_programme(text)
    door = Door(OneGroup(programme), {programme.name: programme}, SITE)
    pieces = year().pieces(planned_nights(text)._replace(presence=None, lux=None))
    dice = random.Random(28)
    times = [dice.uniform(pieces[0].from_s, pieces[-1].to_s) for _ in range(1500)]
    times += [unix("2027-03-28T00:00") + 60 * minute for minute in range(0, 300, 7)]
    times += [unix("2027-10-31T00:00") + 60 * minute for minute in range(0, 300, 7)]
    times += [unix("2027-06-21T18:00") + 60 * minute for minute in range(0, 900, 7)]
    for at_s in times:
        [level] = [piece.level_pct for piece in pieces if piece.from_s <= int(at_s) < piece.to_s]
        assert level == door.expected(bytes(8), int(at_s)).level_pct, datetime.fromtimestamp(at_s, UTC)


def test_a_lamp_of_its_own_mind_does_the_same_and_boosts_alike():
    """Three nights of the real role with motions, against pieces and own boosts, to the second."""
    street = replace(STREET, lamps=1, motion=1, own_boost_pct=80, own_boost_s=120)
    programme = read_programme(STEPS)
    settings = Settings({0: LIGHT, 1: bytes(8), 27: 80, 28: 120})
    stored = programme.version.to_bytes(2, "little") + programme.nights.encode()
    lamp = Light(settings, site=SITE.encode(), programme=stored)
    begin_s = int(unix("2027-03-26T11:30"))  # over the change to summer time
    motions = sorted(random.Random(5).sample(range(1800, 3 * 86_400, 60), 150))
    lamp.handle(Woke(), 0)
    lamp.handle(TimeTold(gps_of(begin_s)), 0)
    people = tuple(Passage(float(begin_s + at_s), 0, 0, 1.0) for at_s in motions)
    there = year(street, people)
    pieces = there.pieces(planned_nights(STEPS))
    boosts = there._own_boosts(pieces)[0]
    for at_s in range(0, 3 * 86_400, 30):
        if at_s in motions:
            lamp.handle(MotionSeen(), at_s * 1000)
        else:
            lamp.handle(Woke(), at_s * 1000)
        now_s = begin_s + at_s
        [piece] = [piece for piece in pieces if piece.from_s <= now_s < piece.to_s]
        level = piece.level_pct
        if any(from_s <= now_s < to_s for from_s, to_s in boosts):
            level = max(level, 80)
        assert lamp.explain(0)[0] == level, (at_s, datetime.fromtimestamp(now_s, UTC))


def test_full_light_takes_what_the_night_is_long():
    plan = planned_nights('name="x"\n[[nights]]\ndays=["every-day"]\nsteps=[{at="00:00",level_pct=100}]')
    outcome = year().outcome(plan)
    assert sum(outcome.taken_kwh) == pytest.approx(4 * 42 * 365 * 24 / 1000, rel=1e-6)
    assert outcome.lit_s == pytest.approx(4 * 365 * 86_400, rel=1e-6)
    # Antony, 48.75° N: a year has 4,291 hours between sunset and sunrise (half a year, less refraction and the sun's
    # half-width: about 7 minutes a day less than 12 hours).
    dark_h = sum(outcome.in_the_dark.values()) / 3600 / 4
    assert dark_h == pytest.approx(365 * (12 - 14.5 / 60), abs=15)
    assert sum(outcome.in_the_curfew.values()) / 3600 / 4 == pytest.approx(365 * 4, abs=1.1)  # and the clock changes


def test_a_dark_lamp_takes_its_drivers_share_and_nothing_else():
    plan = planned_nights('name="x"\n[[nights]]\ndays=["every-day"]\nsteps=[{at="12:00",level_pct=0}]')
    outcome = year().outcome(plan)
    assert sum(outcome.taken_kwh) == pytest.approx(4 * 0.4 * 365 * 24 / 1000, rel=1e-6)
    assert outcome.lit_s == 0
    assert not any(outcome.met)


def test_hours_below_a_class_are_those_at_lower_levels():
    plan = planned_nights('name="x"\n[[nights]]\ndays=["every-day"]\nsteps=[{at="12:00",level_pct=50}]')
    street = replace(STREET, classes="M", full=1.0)
    there = year(street)
    below = below_h(there.outcome(plan), street)
    dark_h = sum(to_s - from_s for from_s, to_s in there.dark[1:-1]) / 3600
    assert below["M5"] == 0  # 0.5 cd/m² is what it asks for
    assert below["M4"] == pytest.approx(dark_h, abs=30)


def test_people_in_the_dark_are_the_same_for_every_programme_and_met_by_their_lamps():
    there = year(STREET, tuple(passages(STREET, int(unix("2027-01-01T11:00")), int(unix("2027-04-01T11:00")))))
    bright = there.outcome(planned_nights(STEPS))
    dark = there.outcome(planned_nights(examples()["off-at-night"].read_text("utf-8")))
    assert bright.passed == dark.passed
    assert sum(bright.passed) > 1000
    assert not any(dark.met[2:4])
    assert all(met == passed for met, passed in zip(bright.met[21:23], bright.passed[21:23], strict=True))


def test_presence_lights_the_whole_street_from_the_first_that_sees_somebody_on():
    street = replace(STREET, motion=1, delay_s=10.0)
    plan = planned_nights(STEPS)._replace(presence=(80, 120))
    at_s = unix("2027-01-05T02:00")
    pieces = year(street, (Passage(at_s, 0, 0, 1.0),)).pieces(plan)

    def level(time_s: float) -> int:
        [found] = [piece.level_pct for piece in pieces if piece.from_s <= time_s < piece.to_s]
        return found

    assert [level(at_s + after) for after in (0, 9, 10, 119, 120)] == [40, 40, 80, 80, 40]


def test_a_dark_day_lights_the_street_where_the_programme_says_so():
    plan = planned_nights(STEPS)
    lit = year().outcome(plan._replace(lux=(60, 1500, 2500)))
    assert lit.lit_s > year().outcome(plan).lit_s
    assert lit.in_the_dark == year().outcome(plan).in_the_dark


def test_spans_that_touch_are_one():
    assert merged([(0, 5), (5, 6), (8, 9), (8.5, 12)]) == [(0, 6), (8, 12)]


def test_a_plan_is_read_as_the_gateway_reads_it():
    plan = planned_nights(examples()["with-presence"].read_text("utf-8"))
    assert isinstance(plan, PlannedNights)
    assert (plan.presence, plan.lux) == ((80, 180), (60, 300, 500))
    with pytest.raises(ValueError, match=r"there are no \[\[nights\]\]"):
        planned_nights('name = "x"')


@pytest.mark.parametrize(("hour", "boosted"), [("03:00", True), ("12:30", False)])
def test_people_bring_light_where_it_is_dark_and_none_by_day(hour, boosted):
    """A programme that is off from one to five: the gateway's presence and a lamp's own alike, at night only."""
    street = replace(STREET, lamps=1, motion=1, delay_s=0.0, own_boost_s=3600)
    plan = planned_nights(examples()["off-at-night"].read_text("utf-8"))
    somebody = Passage(unix(f"2027-01-05T{hour}"), 0, 0, 1.0)
    quiet = year(street).outcome(plan).lit_s
    for there, asked in (
        (year(replace(street, own_boost_pct=80), (somebody,)), plan),
        (year(street, (somebody,)), plan._replace(presence=(80, 3600))),
    ):
        there._people = [somebody]  # who passes by day is left out, but a motion input sees him
        assert there.outcome(asked).lit_s - quiet == pytest.approx(3600 * boosted, abs=1)
