"""Group keys are those that others derive; only application data may come to a group."""

from protocol.lorawan.frames import DOWNLINK, UPLINK, parse_frame
from protocol.lorawan.multicast import (
    check_multicast,
    decrypt_mc_key,
    encrypt_mc_key,
    mc_ke_key,
    mc_root_key,
    mc_session_keys,
)
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from tests.protocol.expect import hexa, refused, vectors

ADDRESS = 0x01FFFFF0
GROUP = SessionKeys(*mc_session_keys(b"the group's key.", ADDRESS))


def test_published_keys():
    published = vectors("multicast_keys")
    assert mc_root_key(hexa(published["gen_app_key"])) == hexa(published["root_key_of_gen_app_key"])
    assert mc_ke_key(hexa(published["root_key"])) == hexa(published["ke_key_of_root_key"])
    keys = mc_session_keys(hexa(published["mc_key"]), int(published["mc_addr"], 16))
    assert keys == (hexa(published["nwk_s_key"]), hexa(published["app_s_key"]))


def test_a_group_key_travels_under_the_devices_own_key():
    ke_key = mc_ke_key(mc_root_key(b"GenAppKey of one"))
    travelling = encrypt_mc_key(ke_key, b"the group's key.")
    assert travelling != b"the group's key."
    assert decrypt_mc_key(ke_key, travelling) == b"the group's key."
    assert decrypt_mc_key(mc_ke_key(mc_root_key(b"GenAppKey of two")), travelling) != b"the group's key."


def test_one_frame_dims_a_street():
    frame = parse_frame(seal_data(GROUP, DOWNLINK, ADDRESS, 70000, 4, b"40 %"))
    check_multicast(frame)
    assert mic_matches(GROUP, frame, DOWNLINK, 70000)
    assert open_payload(GROUP, frame, DOWNLINK, 70000) == b"40 %"


def test_only_application_data_may_come_to_a_group():
    def check(*args, **kwargs):
        check_multicast(parse_frame(seal_data(GROUP, *args, **kwargs)))

    refused("MType 5; expected 3", check, DOWNLINK, ADDRESS, 1, 4, b"x", confirmed=True)
    refused("MType 2; expected 3", check, UPLINK, ADDRESS, 1, 4, b"x")
    refused("ACK or MAC commands", check, DOWNLINK, ADDRESS, 1, 4, b"x", ack=True)
    refused("ACK or MAC commands", check, DOWNLINK, ADDRESS, 1, 4, b"x", f_opts=b"\x06")
    refused("ACK or MAC commands", check, DOWNLINK, ADDRESS, 1, 0, b"\x06")
    refused("no FPort", check, DOWNLINK, ADDRESS, 1)


def test_keys_and_addresses_that_do_not_fit_are_refused():
    refused("McKey has 15 bytes; expected 16", encrypt_mc_key, bytes(16), bytes(15))
    refused("McKey has 32 bytes; expected 16", decrypt_mc_key, bytes(16), bytes(32))
    refused("McAddr is 4294967296", mc_session_keys, bytes(16), 1 << 32)
    refused("AES-128 key has 1 bytes", mc_root_key, b"k")
