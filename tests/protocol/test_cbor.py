"""The CBOR subset against RFC 8949 appendix A and appendix F."""

from protocol import cbor
from tests.protocol.expect import hexa, refused


def test_smoke():
    assert cbor.decode(hexa("83 01 20 f6")) == [1, -1, None]
    refused("cut short", cbor.decode, hexa("83 01"))
