"""Joins that others publish are read and written; what is for another device is refused."""

from protocol.lorawan.join import (
    JoinAccept,
    derive_session_keys,
    join_request_matches,
    open_join_accept,
    parse_join_request,
    seal_join_accept,
    seal_join_request,
)
from tests.protocol.expect import hexa, refused, vectors

KEY = b"an application k"
CF_LIST = (867100000, 867300000, 867500000, 867700000, 0)


def test_published_requests():
    for vector in vectors("lorawan")["join_requests"]:
        phy, app_key = hexa(vector["phy"]), hexa(vector["app_key"])
        request = parse_join_request(phy)
        assert request.join_eui == hexa(vector["join_eui"])
        assert request.dev_eui == hexa(vector["dev_eui"])
        assert request.dev_nonce == vector["dev_nonce"]
        assert join_request_matches(app_key, request)
        assert not join_request_matches(KEY, request)
        assert seal_join_request(app_key, request.join_eui, request.dev_eui, request.dev_nonce) == phy


def test_published_accepts():
    for vector in vectors("lorawan")["join_accepts"]:
        phy, app_key = hexa(vector["phy"]), hexa(vector["app_key"])
        accept = open_join_accept(app_key, phy)
        assert (accept.join_nonce, accept.net_id) == (vector["join_nonce"], vector["net_id"])
        assert accept.dev_addr == int(vector["dev_addr"], 16)
        assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay, accept.cf_list) == (0, 0, 0, None)
        assert seal_join_accept(app_key, accept) == phy


def test_published_session_keys():
    for vector in vectors("lorawan")["session_keys"]:
        nwk_s_key, app_s_key = derive_session_keys(
            hexa(vector["app_key"]), vector["join_nonce"], vector["net_id"], vector["dev_nonce"]
        )
        assert nwk_s_key == hexa(vector["nwk_s_key"]) and app_s_key == hexa(vector["app_s_key"])


def test_every_field_of_an_accept_comes_back():
    phy = seal_join_accept(KEY, JoinAccept(0x123456, 0x000013, 0x26ABCDEF, 5, 3, 15, CF_LIST))
    assert len(phy) == 33 and phy[0] == 0x20
    accept = open_join_accept(KEY, memoryview(phy))
    assert (accept.join_nonce, accept.net_id, accept.dev_addr) == (0x123456, 0x13, 0x26ABCDEF)
    assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay) == (5, 3, 15)
    assert accept.cf_list == CF_LIST


def test_the_delay_to_rx1_is_at_least_a_second():
    assert [JoinAccept(0, 0, 0, rx_delay=delay).rx_delay_s for delay in (0, 1, 5, 15)] == [1, 1, 5, 15]


def test_reserved_bits_of_an_accept_are_ignored():
    """DLSettings bit 7 and the upper half of RXDelay, set by a later revision of the network."""
    from protocol.lorawan.cmac import Cmac

    cmac, plain = Cmac(KEY), hexa("010000 130000 78563412 f3 f5")
    accept = open_join_accept(KEY, b"\x20" + cmac.aes.decrypt(plain + cmac.mic(b"\x20" + plain)))
    assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay_s) == (7, 3, 5)


def test_a_list_of_another_type_is_refused():
    from protocol.lorawan.cmac import Cmac

    cmac, plain = Cmac(KEY), hexa("010000 130000 78563412 00 00") + bytes(15) + b"\x01"
    phy = b"\x20" + cmac.aes.decrypt(plain + cmac.mic(b"\x20" + plain))
    refused("CFListType is 1; expected 0, a list of frequencies", open_join_accept, KEY, phy)


def test_an_accept_for_another_device_is_refused():
    phy = seal_join_accept(KEY, JoinAccept(1, 0, 2))
    refused("MIC does not match", open_join_accept, b"another devices'", phy)
    for bit in range(8, len(phy) * 8):
        flipped = bytearray(phy)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        refused("MIC does not match", open_join_accept, KEY, flipped)


def test_reserved_bits_of_its_header_are_sealed_too():
    phy = seal_join_accept(KEY, JoinAccept(1, 0, 2))
    refused("MIC does not match", open_join_accept, KEY, bytes([phy[0] | 0x04]) + phy[1:])


def test_a_request_with_a_flipped_bit_does_not_match():
    phy = seal_join_request(KEY, bytes(8), b"device 1", 65535)
    for bit in range(8, len(phy) * 8):
        flipped = bytearray(phy)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        assert not join_request_matches(KEY, parse_join_request(flipped))


def test_other_frames_are_refused_with_a_reason():
    request = seal_join_request(KEY, bytes(8), b"device 1", 0)
    refused("Join-Request has 22 bytes; expected 23", parse_join_request, request[:-1])
    refused("Join-Request has 24 bytes; expected 23", parse_join_request, request + b"\x00")
    refused("MType 1 (Join-Accept) is not a Join-Request", parse_join_request, b"\x20" + request[1:])
    refused("MType 0 (Join-Request) is not a Join-Accept", open_join_accept, KEY, request)
    refused("Join-Accept has 18 bytes; expected 17 or 33", open_join_accept, KEY, b"\x20" + bytes(17))
    refused("Major 3", open_join_accept, KEY, b"\x23" + bytes(16))
    refused("PHYPayload has 0 bytes", parse_join_request, b"")


def test_what_a_join_cannot_carry_is_refused():
    refused("DevNonce is 65536; expected 0..65535", seal_join_request, KEY, bytes(8), bytes(8), 65536)
    refused("EUI has 7 bytes", seal_join_request, KEY, bytes(7), bytes(8), 0)
    refused("JoinNonce is 16777216", seal_join_accept, KEY, JoinAccept(1 << 24, 0, 0))
    refused("NetID is -1", seal_join_accept, KEY, JoinAccept(0, -1, 0))
    refused("DevAddr is 4294967296", seal_join_accept, KEY, JoinAccept(0, 0, 1 << 32))
    refused("RX1DROffset is 8", seal_join_accept, KEY, JoinAccept(0, 0, 0, 8))
    refused("RX2DataRate is 16", seal_join_accept, KEY, JoinAccept(0, 0, 0, 0, 16))
    refused("RXDelay is 16", seal_join_accept, KEY, JoinAccept(0, 0, 0, 0, 0, 16))
    refused("CFList has 4 frequencies; expected 5", seal_join_accept, KEY, JoinAccept(0, 0, 0, cf_list=CF_LIST[:4]))
    refused("frequency is 1 Hz", seal_join_accept, KEY, JoinAccept(0, 0, 0, cf_list=(1, 0, 0, 0, 0)))
    refused("DevNonce is -1", derive_session_keys, KEY, 0, 0, -1)
    refused("AES-128 key has 3 bytes", derive_session_keys, b"key", 0, 0, 0)
