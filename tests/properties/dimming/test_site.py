"""Every site comes back; no other bytes do harm."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dimming import MAX_SITE_BYTES, Site, SunTable
from protocol.errors import ProtocolError

points = st.lists(st.integers(5000, 5500), min_size=24, max_size=24)
tables = st.builds(SunTable, points, points)
sites = st.one_of(
    st.builds(
        Site, st.integers(-60, 120), st.just(True), tables, tables, st.lists(st.integers(0, 65535), max_size=150)
    ),
    st.builds(Site, st.integers(-720, 840), st.just(False), tables, tables, st.lists(st.integers(0, 65535))),
)


@given(sites)
def test_round_trip_through_an_independent_library(site):
    data = site.encode()
    assert len(data) <= MAX_SITE_BYTES
    offset, summer_rule, sun, twilight, gaps = cbor2.loads(data)
    days = {sum(gaps[: index + 1]) for index in range(len(gaps))}
    again = Site.decode(cbor2.dumps([offset, summer_rule, sun, twilight, gaps], canonical=True))
    assert again.encode() == data
    assert (again.utc_offset_min, again.summer_rule) == (site.utc_offset_min, site.summer_rule)
    assert again.sun.encode() == site.sun.encode() == sun
    assert again.twilight.encode() == site.twilight.encode() == twilight
    assert set(again.holidays) == set(site.holidays) == days


@given(sites, st.data())
def test_flipped_bits_and_cut_sites_are_refused_or_another_site(site, data):
    whole = bytearray(site.encode())
    with pytest.raises(ProtocolError):
        Site.decode(bytes(whole[: data.draw(st.integers(0, len(whole) - 1))]))
    position = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[position // 8] ^= 1 << position % 8
    try:
        other = Site.decode(bytes(whole))
    except ProtocolError:
        return
    assert Site.decode(other.encode()).encode() == other.encode()


@given(st.binary(max_size=1100))
def test_garbage_is_refused(data):
    with pytest.raises(ProtocolError):
        Site.decode(data)
