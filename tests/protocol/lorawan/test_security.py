"""Sealed frames are those that others publish; keys, direction and counter are all part of the seal."""

from protocol.lorawan.frames import DOWNLINK, UNCONFIRMED_DATA_UP, UPLINK, data_frame, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from tests.protocol.expect import Dice, hexa, refused, vectors

KEYS = SessionKeys(b"network session!", b"application key!")


def key(text):
    return hexa(text or "00" * 16)


def test_published_frames_open():
    for vector in vectors("lorawan")["data"]:
        keys = SessionKeys(key(vector["nwk_s_key"]), key(vector["app_s_key"]))
        frame = parse_frame(hexa(vector["phy"]))
        if vector["nwk_s_key"]:
            assert mic_matches(keys, frame, frame.direction, vector["f_cnt"]), vector["phy"]
        assert open_payload(keys, frame, frame.direction, vector["f_cnt"]) == hexa(vector["payload"]), vector["phy"]


def test_published_frames_are_sealed_byte_by_byte():
    for vector in vectors("lorawan")["data"]:
        if not vector["nwk_s_key"]:
            continue
        sealed = seal_data(
            SessionKeys(key(vector["nwk_s_key"]), key(vector["app_s_key"])),
            vector["mtype"] & 1,
            int(vector["dev_addr"], 16),
            vector["f_cnt"],
            vector["f_port"],
            hexa(vector["payload"]),
            confirmed=vector["mtype"] > 3,
            f_opts=hexa(vector["f_opts"]),
            adr=vector["f_ctrl"] & 0x80 != 0,
            ack=vector["f_ctrl"] & 0x20 != 0,
        )
        assert sealed == hexa(vector["phy"])


def test_payloads_of_every_length_come_back():
    dice = Dice(1)
    for length in range(243):
        payload, f_cnt = dice.bytes(length), dice.below(65536) * 65536 + dice.below(65536)
        direction = length & 1
        frame = parse_frame(seal_data(KEYS, direction, 0x01ABCDEF, f_cnt, 1 + dice.below(223), payload))
        assert mic_matches(KEYS, frame, direction, f_cnt)
        assert open_payload(KEYS, frame, direction, f_cnt) == payload


def test_each_port_has_its_key():
    other_app, other_nwk = SessionKeys(b"network session!", bytes(16)), SessionKeys(bytes(16), b"application key!")
    commands = parse_frame(seal_data(KEYS, UPLINK, 1, 5, 0, b"\x02"))
    data = parse_frame(seal_data(KEYS, UPLINK, 1, 5, 1, b"data"))
    assert open_payload(other_app, commands, UPLINK, 5) == b"\x02"
    assert open_payload(other_app, data, UPLINK, 5) != b"data" and mic_matches(other_app, data, UPLINK, 5)
    assert open_payload(other_nwk, data, UPLINK, 5) == b"data" and not mic_matches(other_nwk, data, UPLINK, 5)


def test_a_frame_without_a_payload_opens_to_nothing():
    for f_port in (None, 0, 7):
        frame = parse_frame(seal_data(KEYS, DOWNLINK, 1, 9, f_port, ack=True))
        assert mic_matches(KEYS, frame, DOWNLINK, 9)
        assert open_payload(KEYS, frame, DOWNLINK, 9) == b""


def test_the_upper_half_of_the_counter_is_sealed_too():
    frame = parse_frame(seal_data(KEYS, UPLINK, 1, 0x10007, 1, b"data"))
    assert frame.f_cnt16 == 7
    assert mic_matches(KEYS, frame, UPLINK, 0x10007)
    assert not mic_matches(KEYS, frame, UPLINK, 7) and not mic_matches(KEYS, frame, UPLINK, 0x20007)
    assert open_payload(KEYS, frame, UPLINK, 7) != b"data"


def test_a_frame_does_not_match_another_counter_or_the_other_direction():
    frame = parse_frame(seal_data(KEYS, UPLINK, 1, 7, 1, b"data"))
    assert not mic_matches(KEYS, frame, UPLINK, 8)
    assert not mic_matches(KEYS, frame, DOWNLINK, 7)
    mirrored = bytearray(seal_data(KEYS, UPLINK, 1, 7, 1, b"data"))
    mirrored[0] ^= 0x20  # the very bytes sent back as a downlink
    assert not mic_matches(KEYS, parse_frame(mirrored), DOWNLINK, 7)


def test_the_header_and_the_seal_have_to_agree():
    """What only somebody with the key could make: a header that says something else than was signed."""
    msg = data_frame(UNCONFIRMED_DATA_UP, 1, 7)
    for direction, f_cnt, right in ((UPLINK, 7, True), (UPLINK, 8, False), (DOWNLINK, 7, False)):
        block_b0 = hexa("49 00000000 %02x 01000000 %02x000000 00 08" % (direction, f_cnt))
        frame = parse_frame(msg + KEYS.nwk.mic(block_b0 + msg))
        assert mic_matches(KEYS, frame, direction, f_cnt) == right


def test_every_flipped_bit_is_noticed():
    sealed = seal_data(KEYS, DOWNLINK, 1, 7, 1, b"lamp 40 %")
    noticed = 0
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        try:
            noticed += not mic_matches(KEYS, parse_frame(flipped), DOWNLINK, 7)
        except ValueError:
            noticed += 1
    assert noticed == len(sealed) * 8


def test_what_cannot_be_sealed_is_refused():
    refused("direction is 2", seal_data, KEYS, 2, 1, 0)
    refused("FCnt is 4294967296", seal_data, KEYS, UPLINK, 1, 1 << 32)
    refused("frame has 256 bytes", seal_data, KEYS, UPLINK, 1, 0, 1, bytes(243))
    refused("frame has 100013 bytes", seal_data, KEYS, UPLINK, 1, 0, 1, bytes(100000))
    refused("AES-128 key has 4 bytes", SessionKeys, b"0123", bytes(16))
    refused("AES-128 key has 5 bytes", SessionKeys, bytes(16), b"01234")


def test_a_counter_beyond_32_bits_cannot_verify():
    frame = parse_frame(seal_data(KEYS, UPLINK, 1, 0, 1, b"x"))
    refused("FCnt is 4294967296", mic_matches, KEYS, frame, UPLINK, 1 << 32)
    refused("FCnt is 4294967296", open_payload, KEYS, frame, UPLINK, 1 << 32)
