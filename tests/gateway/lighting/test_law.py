"""Programmes against the order of 27 December 2018: what each kind of installation may not do, in numbers of nights."""

import pytest

from gateway.lighting.law import ARTICLES, findings
from gateway.lighting.plan import Installation
from tests.gateway.lighting.samples import SITE, at, programme

NOW_S = at("2026-11-22 12:00")


def told(installation, steps, more=""):
    text = f'name = "a"\ninstallation = "{installation}"\n{more}\n[[nights]]\ndays = ["every-day"]\nsteps = [{steps}]\n'
    return [(finding.article.paragraph, finding.found()) for finding in findings(programme(text), SITE, NOW_S)]


def steps(*pairs):
    return ", ".join(f'{{ at = "{when}", level_pct = {level} }}' for when, level in pairs)


ALL_NIGHT = steps(("sunset", 80), ("sunrise", 0))
TO_ONE = steps(("sunset", 80), ("01:00", 0))
TO_ELEVEN = steps(("sunset", 80), ("23:00", 0))


def test_a_street_may_be_lit_all_night():
    assert told("road", ALL_NIGHT) == []


@pytest.mark.parametrize("installation", ["heritage", "park", "facade"])
def test_what_is_shown_is_off_at_one(installation):
    assert told(installation, TO_ONE) == []
    [(article, found)] = told(installation, ALL_NIGHT)
    assert article == ARTICLES[Installation(installation)].paragraph
    assert found == "It is lit when it is to be off in 366 of 366 nights, first on 2026-11-23 at 1:00."


def test_what_is_shown_is_not_lit_before_sunset():
    [(_, found)] = told("heritage", steps(("sunset-20", 80), ("23:00", 0)))
    # Sunset at Antony on 22 November 2026 is at 17:02, so it is lit from 16:42 or 16:43.
    assert found.startswith("It is lit before sunset in 366 of 366 nights, first on 2026-11-22 at 16:4")
    assert told("heritage", steps(("sunset", 80), ("23:00", 0))) == []


def test_a_park_counts_from_its_closing():
    assert told("park", TO_ELEVEN, 'closes = "22:00"') == []
    [(_, found)] = told("park", TO_ONE, 'closes = "22:00"')
    assert found.endswith("first on 2026-11-22 at 23:00.")


def test_a_shop_window_may_stay_lit_an_hour_after_a_late_closing():
    assert told("shop_window", TO_ONE) == []
    assert told("shop_window", steps(("sunset", 80), ("02:00", 0)), 'closes = "01:00"') == []
    assert told("shop_window", steps(("sunset", 80), ("02:00", 0)), 'closes = "19:00"')


def test_a_shop_window_is_lit_again_at_seven_or_an_hour_before_it_opens():
    early = steps(("sunset", 80), ("22:00", 0), ("06:00", 80), ("sunrise", 0))
    [(_, found)] = told("shop_window", early)
    assert "first on 2026-11-23 at 6:00" in found
    assert told("shop_window", early, 'opens = "07:00"') == []


def test_car_parks_count_two_hours_from_the_end_of_activity():
    assert told("car_park", TO_ELEVEN, 'closes = "21:00"') == []
    [(_, found)] = told("car_park", TO_ELEVEN, 'closes = "20:00"')
    assert found.endswith("first on 2026-11-22 at 22:00.")


def test_who_does_not_say_when_activity_ends_is_told_so():
    assert [found for _, found in told("site", TO_ELEVEN)] == [
        'The file does not say when activity ends; write closes, as "20:00".'
    ]


def test_a_closed_yard_is_a_street_with_hours():
    [(article, _)] = told("road", ALL_NIGHT, 'closes = "19:00"')
    assert article == "article 2, I"


def test_who_reads_the_law_in_french_reads_the_finding_in_french():
    text = f'name = "a"\ninstallation = "car_park"\n[[nights]]\ndays = ["every-day"]\nsteps = [{TO_ELEVEN}]\n'
    [finding] = findings(programme(text.replace("[[", 'closes = "20:00"\n[[', 1)), SITE, NOW_S)
    assert finding.sentence(french=True) == (
        "arrêté du 27 décembre 2018, article 2, parcs de stationnement : les parcs de stationnement d’une zone "
        "d’activité sont éclairés au plus tôt du coucher du soleil, éteints deux heures après la fin de l’activité et "
        "rallumés à 7 h, ou une heure avant son début. Allumé quand il doit être éteint 366 nuits sur 366, la première "
        "le 2026-11-22 à 22:00."
    )


@pytest.mark.parametrize("installation", ["sport", "event"])
def test_for_some_there_are_no_hours(installation):
    assert told(installation, ALL_NIGHT) == []


def test_both_clock_changes_are_within_the_year_and_change_nothing():
    for day in ("2027-03-27 12:00", "2026-10-24 12:00"):
        text = f'name = "a"\ninstallation = "heritage"\n[[nights]]\ndays = ["every-day"]\nsteps = [{TO_ONE}]\n'
        assert findings(programme(text), SITE, at(day)) == []
