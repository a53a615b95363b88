"""What a lamp is told of its place, against an almanac and the law."""

from datetime import UTC, date, datetime

import pytest

from boards.causes import BoardError
from boards.flashing.plan import Spot, Wish
from boards.flashing.sun import YEARS, holidays_of, site_of
from protocol.dimming import Site

ANTONY = Wish(board="heltec-v3", role="light", spot=Spot(latitude_deg=48.7536, longitude_deg=2.2975))
TODAY = date(2026, 11, 22)
EPOCH = date(1970, 1, 1)


def day(year, month, number):
    return (date(year, month, number) - EPOCH).days


def test_the_sun_sets_when_the_almanac_says():
    """Paris, as calendars have it: 21 June 2027 sunset at 21:58 summer time, 21 December 2030 sunrise at 8:43."""
    site = Site.decode(site_of(ANTONY, TODAY))
    assert abs(site.sun.evening(day(2027, 6, 21)) - (20 * 60 + 58) * 10) <= 20
    assert abs(site.sun.morning(day(2030, 12, 21)) - (8 * 60 + 43) * 10) <= 20
    assert site.twilight.morning(day(2030, 12, 21)) < site.sun.morning(day(2030, 12, 21))
    assert (site.utc_offset_min, site.summer_rule) == (60, True)


def test_the_holidays_are_those_of_the_law():
    """Code du travail, L3133-1: eleven; Alsace-Moselle has two more (L3134-13). Easter of 2027 is on 28 March."""
    found = holidays_of("FR", 2026)
    assert len(found) == 11 * YEARS
    for month, number in (
        (1, 1),
        (3, 29),
        (5, 1),
        (5, 6),
        (5, 8),
        (5, 17),
        (7, 14),
        (8, 15),
        (11, 1),
        (11, 11),
        (12, 25),
    ):
        assert day(2027, month, number) in found
    moselle = set(holidays_of("FR-57", 2026)) - set(found)
    assert {day(2027, 3, 26), day(2027, 12, 26)} <= moselle
    assert Site.decode(site_of(ANTONY, TODAY)).holidays == tuple(found)
    assert holidays_of("", 2026) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"holidays": "France"}, "write a country, such as FR"),
        ({"holidays": "FR-99"}, "are not known"),
        ({"time_zone": "Paris"}, "time zone 'Paris' is not known"),
        ({"spot": Spot(latitude_deg=78.2, longitude_deg=15.6)}, "the lamp's place: "),
    ],
)
def test_a_place_that_cannot_be_is_refused(changes, says):
    wish = Wish(**{"board": "heltec-v3", "role": "light", "spot": ANTONY.spot} | changes)
    with pytest.raises(BoardError, match=says):
        site_of(wish, datetime(2026, 11, 22, tzinfo=UTC).date())
