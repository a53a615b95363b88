"""A programme's file: what it means, and the sentence for everything that is wrong with it."""

import re
from pathlib import Path

import pytest

import gateway.lighting
from gateway.lighting.files import ProgrammeError, read_programme
from gateway.lighting.plan import Installation
from protocol.civil import day_of
from protocol.dimming import CLOCK, DAWN, HOLIDAYS, SUNRISE, SUNSET
from tests.gateway.lighting.samples import LONG, RUE

EXAMPLE = Path(gateway.lighting.__file__).with_name("example.toml")
ONE = '[[nights]]\ndays = ["every-day"]\nsteps = [{ at = "sunset", level_pct = 90 }]\n'


def test_the_example_is_a_programme_also_with_everything_that_it_leaves_out():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert len(text.splitlines()[0]) <= 120
    assert read_programme(text).presence is None
    whole = read_programme(re.sub(r"^# (?=\[|[a-z_]+ = )", "", text, flags=re.M))
    assert (len(whole.events), whole.presence.hold_s, whole.lux.off_lux, whole.closes_min) == (1, 300, 70, 1200)
    assert dict(whole.lamps) == {"boost_pct": 80, "boost_s": 120, "on_lux": 20, "off_lux": 70}


def steps(text):
    [day_type] = read_programme(f'name = "a"\n[[nights]]\ndays = ["every-day"]\nsteps = [{text}]').nights.day_types
    return [(step.anchor, step.offset_min, step.level_pct, step.fade_s) for step in day_type.steps]


def test_a_programme_and_its_day_types():
    found = read_programme(RUE)
    assert (found.name, found.installation, found.events) == ("rue", Installation.ROAD, ())
    weekdays, weekend = found.nights.day_types
    assert (weekdays.days, weekend.days) == (0b0011111, 0b1100000 | HOLIDAYS)
    assert [step.level_pct for step in weekdays.steps] == [90, 40, 80, 0]


def test_steps_are_tied_to_the_clock_and_to_the_sun():
    assert steps('{ at = "23:05", level_pct = 50, fade_s = 0 }') == [(CLOCK, 1385, 50, 0)]
    assert steps('{ at = "sunset+10", level_pct = 50, fade_s = 5 }') == [(SUNSET, 10, 50, 5)]
    assert steps('{ at = "sunrise - 15", level_pct = 0 }') == [(SUNRISE, -15, 0, 60)]
    assert steps('{ at = "dawn", level_pct = 0 }') == [(DAWN, 0, 0, 60)]


def test_a_version_is_of_what_lamps_store_and_of_nothing_else():
    assert read_programme(RUE).version == read_programme(RUE.replace('"rue"', '"quai"') + "# a word\n").version
    assert read_programme(RUE).version != read_programme(RUE.replace("90", "91")).version
    assert 0 <= read_programme(LONG).version <= 0xFFFF


def test_an_event_has_dates_and_steps():
    text = f'name = "a"\n{ONE}[[events]]\nname = "Fête"\nfrom = 2027-06-21\nto = 2027-06-22\n'
    [event] = read_programme(text + 'steps = [{ at = "sunset", level_pct = 100 }]').events
    assert (event.name, event.first, event.last) == ("Fête", day_of(2027, 6, 21), day_of(2027, 6, 22))
    assert event.on(event.last)
    assert not event.on(event.last + 1)


def test_presence_and_darkness():
    found = read_programme(
        f'name = "a"\n{ONE}[presence]\nlevel_pct = 80\nhold_s = 300\nplaces = ["92002-bay-a12"]\n'
        '[lux]\nlevel_pct = 60\non_lux = 20\noff_lux = 70\ndevice = "70b3d57ed0050001"\n'
    )
    assert (found.presence.level_pct, found.presence.hold_s, found.presence.places) == (80, 300, ("92002-bay-a12",))
    assert (found.lux.on_lux, found.lux.off_lux, found.lux.dev_eui.hex()) == (20, 70, "70b3d57ed0050001")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = rue", "this is not TOML: "),
        ("", "name is None; write 1..40 letters"),
        ('name = "a"', "there are no [[nights]]; write one at least, with days and steps"),
        (f'name = "a"\nnigths = 1\n{ONE}', "the file has no key 'nigths'; did you mean nights?"),
        (f'name = "a"\ninstallation = "parc"\n{ONE}', "installation is 'parc'; did you mean park?"),
        (f'name = "a"\ncloses = "25:00"\n{ONE}', "closes is '25:00'; write a time in quotes"),
        (f'name = "a"\n{ONE.replace("every-day", "mondays")}', "there are no days 'mondays'; did you mean monday?"),
        (
            f'name = "a"\n{ONE.replace("every-day", "weekdays")}',
            "programme: no day type for Saturday, Sunday; every weekday needs one",
        ),
        (f'name = "a"\n{ONE}{ONE}', "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday in two day types"),
        (
            f'name = "a"\n{ONE.replace("sunset", "sunste")}',
            "[[nights]] number 1, step 1: at is 'sunste'; write a time as \"23:00\"",
        ),
        (f'name = "a"\n{ONE.replace("90", "101")}', "step 1: level_pct is 101; write a whole number 0..100"),
        (f'name = "a"\n{ONE.replace("90", "true")}', "step 1: level_pct is True; write a whole number 0..100"),
        (f'name = "a"\n{ONE.replace("sunset", "sunset+200")}', "minutes from the sun is 200; expected -180..180"),
        (
            f'name = "a"\n{ONE}[lux]\nlevel_pct = 60\non_lux = 70\noff_lux = 70\ndevice = "70b3d57ed0050001"',
            "off must be above on, or lamps would flicker",
        ),
        (f'name = "a"\n{ONE}[lamps]\nboost_s = 5', "[lamps]: boost_s is 5; write a whole number 10..3600"),
        (f'name = "a"\n{ONE}[lamps]\nboost = 5', "[lamps] has no key 'boost'; did you mean boost_s?"),
        (f'name = "a"\n{ONE}[lamps]\non_lux = 20', "[lamps] needs on_lux and off_lux together"),
        (f'name = "a"\n{ONE}[lamps]\non_lux = 80\noff_lux = 70', "off_lux the greater"),
        (f'name = "a"\n{ONE}[presence]\nlevel_pct = 60\nhold_s = 10\nplaces = ["b"]', "hold_s is 10; write a whole"),
        (
            f'name = "a"\n{ONE}[[events]]\nname = "F"\nfrom = 2027-06-21\nto = 2027-09-21\nsteps = []',
            "it lasts from 2027-06-21 to 2027-09-21; an event ends within 60 days",
        ),
        (
            f'name = "a"\n{ONE}[[events]]\nname = "F"\nfrom = "2027-06-21"\nto = 2027-06-21\nsteps = []',
            "from is '2027-06-21'; write a date without quotes",
        ),
    ],
)
def test_what_is_wrong_is_said(text, says):
    with pytest.raises(ProgrammeError) as error:
        read_programme(text)
    assert says in str(error.value)


def test_two_events_in_one_night_are_refused():
    event = (
        '[[events]]\nname = "{}"\nfrom = 2027-06-21\nto = 2027-06-21\nsteps = [{{ at = "sunset", level_pct = 9 }}]\n'
    )
    with pytest.raises(ProgrammeError, match="B and A fall on the same nights"):
        read_programme(f'name = "a"\n{ONE}{event.format("A")}{event.format("B")}')


def test_a_programme_beyond_four_frames_is_refused():
    with pytest.raises(ProgrammeError, match="use fewer steps, or let more days share a day type"):
        read_programme(
            'name = "a"\n'
            + "".join(
                f'[[nights]]\ndays = ["{day}"]\nsteps = ['
                + ", ".join(f'{{ at = "{hour}:07", level_pct = {hour}, fade_s = 600 }}' for hour in range(15, 24))
                + "]\n"
                for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "weekend")
            )
        )
