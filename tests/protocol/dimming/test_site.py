"""A site: its bytes and what it refuses."""

from protocol import cbor
from protocol.civil import day_of
from protocol.dimming import MAX_HOLIDAYS, MAX_SITE_BYTES, Site, SunTable
from tests.protocol.expect import hexa, refused

SUN = SunTable((3600,) * 24, (10800,) * 24)
TWILIGHT = SunTable((3300,) * 24, (11100,) * 24)
FEASTS = [day_of(2026, 1, 1), day_of(2026, 4, 6), day_of(2026, 5, 1), day_of(2028, 1, 1)]


def site(utc_offset_min=60, summer_rule=True, holidays=()):
    return Site(utc_offset_min, summer_rule, SUN, TWILIGHT, holidays)


def items(**changes):
    """CBOR of a good site with some items changed by their place (i0 … i4)."""
    values = [60, True, SUN.encode(), TWILIGHT.encode(), [20454, 95]]
    for name, value in changes.items():
        values[int(name[1:])] = value
    return cbor.encode(values)


def test_bytes_of_a_site_by_hand():
    data = site(holidays=FEASTS).encode()
    sun = "5860" + "100e" * 24 + "302a" * 24
    twilight = "5860" + "e40c" * 24 + "5c2b" * 24
    assert data == hexa("85 183c f5" + sun + twilight + "84 194fe6 185f 1819 190262")
    again = Site.decode(data)
    assert again.utc_offset_min == 60 and again.summer_rule is True
    assert again.sun.encode() == SUN.encode() and again.twilight.encode() == TWILIGHT.encode()
    assert again.holidays == tuple(FEASTS)
    assert again.encode() == data


def test_holidays_in_any_order_and_twice_are_the_same():
    mixed = site(holidays=[FEASTS[2], FEASTS[0], FEASTS[3], FEASTS[1], FEASTS[0]])
    assert mixed.encode() == site(holidays=FEASTS).encode()
    assert [mixed.is_holiday(day) for day in (FEASTS[1], FEASTS[1] + 1)] == [True, False]
    assert not Site.decode(site().encode()).is_holiday(FEASTS[0])


def test_a_site_with_all_its_holidays_stays_small():
    full = site(holidays=list(range(20454, 20454 + 24 * MAX_HOLIDAYS, 24)))
    assert len(full.encode()) <= MAX_SITE_BYTES // 2 + 16
    assert Site.decode(full.encode()).holidays == full.holidays


def test_local_time_is_that_of_the_place():
    noon = day_of(2026, 7, 1), 43200
    assert site().to_local(*noon) == (noon[0], 50400)
    assert site(660, False).to_local(*noon) == (noon[0], 82800)
    assert site(660, False).from_local(noon[0], 82800) == noon


def test_later_items_are_skipped():
    values = cbor.decode(site().encode())
    assert Site.decode(cbor.encode(values + ["later", 7])).encode() == site().encode()


def test_values_out_of_range_are_refused():
    refused("site: utc_offset_min is 841; expected -720..840", site, 841, False)
    refused("site: utc_offset_min is -721", site, -721, False)
    refused("site: utc_offset_min of a place with European summer time is 660; expected -60..120", site, 660)
    refused("site: holiday is -1; expected 0..65535", site, holidays=[-1])
    refused("site: holiday is 65536; expected 0..65535", site, holidays=[65536])
    refused("site: holiday is 'Easter'; expected an integer", site, holidays=["Easter"])
    refused("site: number of holidays is 151; expected 0..150", site, holidays=list(range(151)))


def test_cbor_that_is_no_site_is_refused():
    for data, says in (
        (cbor.encode(5), "site is 5; expected an array"),
        (cbor.encode([60, True, SUN.encode(), TWILIGHT.encode()]), "site has 4 items; expected at least 5"),
        (items(i0=None), "utc_offset_min is None; expected an integer"),
        (items(i0=900), "utc_offset_min is 900; expected -720..840"),
        (items(i1=1), "summer_rule is 1; expected true or false"),
        (items(i2="sun"), "site: sun is 'sun'; expected the bytes of a table"),
        (items(i3=[]), "site: twilight is []; expected the bytes of a table"),
        (items(i3=bytes(95)), "sun table has 95 bytes; expected 96"),
        (items(i4=7), "site: holidays is 7; expected an array"),
        (items(i4=[20454, 0]), "site: days to a holiday is 0; expected 1..65535"),
        (items(i4=[20454, -3]), "days to a holiday is -3; expected 1..65535"),
        (items(i4=[20454, 65535]), "site: holiday is 85989; expected 0..65535"),
        (items(i4=[True]), "days to a holiday is True; expected an integer 0..65535"),
        (items(i4=[1] * 151), "number of holidays is 151; expected 0..150"),
        (bytes(1025), "site has 1025 bytes; at most 1024 are expected"),
    ):
        refused(says, Site.decode, data)
    assert Site.decode(items()).holidays == (20454, 20549)


def test_a_site_cut_short_is_refused_at_every_byte():
    data = site(holidays=FEASTS).encode()
    for length in range(len(data)):
        refused("CBOR", Site.decode, data[:length])
