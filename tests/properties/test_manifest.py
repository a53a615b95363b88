"""Manifests come back as they went; whatever else has a right signature is read or refused."""

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProtocolError
from protocol.lorawan.cmac import Cmac
from protocol.manifest import MAX_VERSION, Manifest, open_manifest

KEY = bytes(range(16))
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=125), min_size=1, max_size=64)
DIGESTS = st.binary(min_size=32, max_size=32)


@given(
    st.integers(0, MAX_VERSION),
    st.data(),
    st.dictionaries(NAMES, DIGESTS, max_size=9),
    st.binary(min_size=16, max_size=16),
)
def test_they_come_back_as_they_went(version, data, files, key):
    floor = data.draw(st.integers(0, version))
    signed = Manifest(version, floor, sorted(files.items())).sign(key)
    found = open_manifest(signed, key)
    assert (found.version, found.floor, dict(found.files)) == (version, floor, files)
    at = data.draw(st.integers(0, len(signed) * 8 - 1))
    flipped = bytearray(signed)
    flipped[at // 8] ^= 1 << at % 8
    with pytest.raises(ProtocolError):
        open_manifest(bytes(flipped), key)
    with pytest.raises(ProtocolError):
        open_manifest(signed[: at // 8], key)


ITEMS = st.none() | st.booleans() | st.integers(-5, 2**24) | st.text(max_size=5) | DIGESTS


@given(st.lists(ITEMS, max_size=8).map(lambda items: cbor2.dumps(items, canonical=True)) | st.binary(max_size=60))
def test_signed_nonsense_is_read_or_refused(body):
    try:
        found = open_manifest(body + Cmac(KEY).mac(body), KEY)
    except ProtocolError:
        return
    assert found.encode() == body


@given(
    st.integers(-3, 2**25),
    st.integers(-3, 2**25),
    st.lists(st.tuples(st.text(max_size=3), st.binary(max_size=40)), max_size=3),
)
def test_what_cannot_be_said_is_refused(version, floor, files):
    try:
        body = Manifest(version, floor, files).encode()
    except ProtocolError:
        return
    assert open_manifest(body + Cmac(KEY).mac(body), KEY).files == files
