"""The sun and the holidays of a place, against what calendars and observatories print."""

import pytest

from gateway.lighting.almanac import AlmanacError, almanac_of, public_holidays, region_of, site_of
from protocol.civil import day_of
from protocol.dimming import Site
from tests.gateway.lighting.samples import SITE

# Loi du 3 janvier 2018, code du travail L3133-1; L3134-13 adds two in Alsace and Moselle, where law of 1892 holds.
FRANCE_2027 = [(1, 1), (3, 29), (5, 1), (5, 6), (5, 8), (5, 17), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
ALSACE_MOSELLE_2027 = [(3, 26), (12, 26)]


@pytest.mark.parametrize(
    ("insee", "more"),
    [("92002", []), ("54430", []), ("57463", ALSACE_MOSELLE_2027), ("67482", ALSACE_MOSELLE_2027)],
)
def test_the_holidays_of_a_commune(insee, more):
    expected = sorted(day_of(2027, month, day) for month, day in FRANCE_2027 + more)
    assert public_holidays(insee, 2027, 1) == expected


def test_a_commune_is_where_its_insee_code_says():
    assert [region_of(insee) for insee in ("2A004", "97411", "98818", "68224")] == ["", "974", "NC", "6AE"]


def test_the_sun_of_antony():
    site = site_of(48.7, 2.3, "Europe/Paris", "92002", 2026)
    assert (site.utc_offset_min, site.summer_rule) == (60, True)
    assert len(site.holidays) == 110
    worst = max(
        abs(getattr(table, part)(day) - getattr(known, part)(day))
        for table, known in ((site.sun, SITE.sun), (site.twilight, SITE.twilight))
        for part in ("morning", "evening")
        for day in range(day_of(2026, 1, 1), day_of(2027, 1, 1))
    )
    assert worst <= 10, f"{worst / 10} minutes from the table of one year"
    # IMCCE, Paris, 21 June 2026: 5:47 and 21:58, two minutes from a place 15 km to the south.
    longest = day_of(2026, 6, 21)
    assert abs(site.sun.morning(longest) / 10 - (4 * 60 + 47)) <= 3
    assert abs(site.sun.evening(longest) / 10 - (20 * 60 + 58)) <= 3


def test_it_is_worked_out_in_a_process_of_its_own():
    assert Site.decode(almanac_of(48.7, 2.3, "Europe/Paris", "92002", 2026)).encode() == (
        site_of(48.7, 2.3, "Europe/Paris", "92002", 2026).encode()
    )


def test_where_the_sun_stays_up_no_lamp_can_follow_it():
    with pytest.raises(AlmanacError, match=r"lamps cannot follow the sun at 69\.6, 18\.9 in Europe/Oslo"):
        almanac_of(69.6, 18.9, "Europe/Oslo", "92002", 2026)


def test_a_clock_that_lamps_cannot_keep_is_refused():
    with pytest.raises(AlmanacError, match="lamps keep European summer time or none"):
        site_of(-33.9, 151.2, "Australia/Sydney", "92002", 2026)
