"""Data frames are read without copying, and refused with a reason."""

from protocol.lorawan.frames import (
    CONFIRMED_DATA_UP,
    DOWNLINK,
    UNCONFIRMED_DATA_DOWN,
    UNCONFIRMED_DATA_UP,
    UPLINK,
    data_frame,
    frame_mtype,
    parse_frame,
)
from tests.protocol.expect import hexa, refused, vectors


def test_published_frames_are_read_and_written():
    for vector in vectors("lorawan")["data"]:
        phy = hexa(vector["phy"])
        frame = parse_frame(phy)
        assert frame.mtype == vector["mtype"]
        assert frame.dev_addr == int(vector["dev_addr"], 16)
        assert frame.f_ctrl & 0xF0 == vector["f_ctrl"] & 0xF0
        assert frame.f_cnt16 == vector["f_cnt"]
        assert frame.f_opts == hexa(vector["f_opts"])
        assert frame.f_port == vector["f_port"]
        assert len(frame.frm_payload) * 2 == len(vector["payload"])
        assert bytes(frame.msg) + bytes(frame.mic) == phy
        again = data_frame(
            frame.mtype,
            frame.dev_addr,
            frame.f_cnt16,
            frame.f_port,
            bytes(frame.frm_payload),
            bytes(frame.f_opts),
            adr=frame.adr,
            ack=frame.ack,
        )
        assert again == phy[:-4]


def test_nothing_is_copied():
    phy = bytearray(hexa("40 04030201 03 0100 0203 05 0a 1122 aabbccdd"))
    frame = parse_frame(phy)
    phy[8], phy[12], phy[-1] = 0x77, 0x88, 0x99
    assert (frame.f_opts[0], frame.frm_payload[0], frame.mic[3]) == (0x77, 0x88, 0x99)
    assert frame.msg == phy[:-4]


def test_the_shortest_frame_has_neither_port_nor_payload():
    frame = parse_frame(hexa("60 04030201 00 0000 aabbccdd"))
    assert frame.f_port is None and len(frame.frm_payload) == 0 and len(frame.f_opts) == 0
    assert data_frame(UNCONFIRMED_DATA_DOWN, 0x01020304, 0) == hexa("60 04030201 00 0000")


def test_flags_mean_what_the_direction_makes_of_them():
    up, down = parse_frame(hexa("80 04030201 f0 0000 00000000")), parse_frame(hexa("a0 04030201 f0 0000 00000000"))
    assert (up.direction, down.direction) == (UPLINK, DOWNLINK)
    assert up.confirmed and down.confirmed
    assert (up.adr, up.adr_ack_req, up.ack, up.f_pending, up.class_b) == (True, True, True, False, True)
    assert (down.adr, down.adr_ack_req, down.ack, down.f_pending, down.class_b) == (True, False, True, True, False)
    none = parse_frame(hexa("40 04030201 00 0000 00000000"))
    assert not (none.confirmed or none.adr or none.adr_ack_req or none.ack or none.f_pending or none.class_b)
    assert not parse_frame(hexa("60 04030201 00 0000 00000000")).f_pending


def test_each_flag_has_its_bit():
    up, down = (UNCONFIRMED_DATA_UP, 1, 0), (UNCONFIRMED_DATA_DOWN, 1, 0)
    assert data_frame(*up, adr=True)[5] == 0x80
    assert data_frame(*up, adr_ack_req=True)[5] == 0x40
    assert data_frame(*up, ack=True)[5] == 0x20
    assert data_frame(*up, class_b=True)[5] == 0x10
    assert data_frame(*down, f_pending=True)[5] == 0x10
    assert data_frame(*down, f_opts=hexa("02 0a 0f"))[5] == 0x03


def test_only_the_low_16_bits_of_the_counter_travel():
    assert data_frame(UNCONFIRMED_DATA_UP, 0, 0x89ABCDEF)[6:8] == hexa("ef cd")


def test_flags_of_the_other_direction_are_not_sent():
    refused("FPending exists in downlinks only", data_frame, UNCONFIRMED_DATA_UP, 1, 0, f_pending=True)
    refused("exist in uplinks only", data_frame, UNCONFIRMED_DATA_DOWN, 1, 0, class_b=True)
    refused("exist in uplinks only", data_frame, UNCONFIRMED_DATA_DOWN, 1, 0, adr_ack_req=True)


def test_reserved_bits_of_the_mhdr_are_ignored():
    assert frame_mtype(hexa("5c")) == UNCONFIRMED_DATA_UP
    assert [frame_mtype(bytes([mtype << 5])) for mtype in range(8)] == list(range(8))


def test_what_is_not_a_data_frame_is_refused_with_a_reason():
    rest = " 04030201 00 0000 aabbccdd"
    refused("PHYPayload has 0 bytes; LoRa carries 1..255", parse_frame, b"")
    refused("PHYPayload has 256 bytes", parse_frame, b"\x40" + bytes(255))
    refused("MHDR 0x41 has Major 1; only LoRaWAN R1 (Major 0)", parse_frame, hexa("41" + rest))
    refused("MHDR 0x42 has Major 2", parse_frame, hexa("42" + rest))
    refused("MType 0 (Join-Request) is not a data frame", parse_frame, hexa("00" + rest))
    refused("MType 1 (Join-Accept) is not a data frame", parse_frame, hexa("20" + rest))
    refused("MType 6 (RFU) is not a data frame", parse_frame, hexa("c0" + rest))
    refused("MType 7 (Proprietary) is not a data frame", parse_frame, hexa("e0" + rest))
    refused("data frame has 11 bytes; the shortest has 12", parse_frame, hexa("40" + rest)[:-1])
    refused("FOptsLen promises 3 bytes, 2 remain", parse_frame, hexa("40 04030201 03 0000 0203 aabbccdd"))
    refused("FOpts and on FPort 0 at once", parse_frame, hexa("40 04030201 01 0000 02 00 aabbccdd"))


def test_a_frame_as_long_as_lora_carries():
    frame = data_frame(CONFIRMED_DATA_UP, 1, 0, 1, bytes(242))
    assert len(parse_frame(frame + bytes(4)).frm_payload) == 242
    refused("frame has 256 bytes; LoRa carries at most 255", data_frame, CONFIRMED_DATA_UP, 1, 0, 1, bytes(243))


def test_a_reserved_port_is_understood_but_not_sent():
    assert parse_frame(hexa("40 04030201 00 0000 ff aabbccdd")).f_port == 255
    assert data_frame(UNCONFIRMED_DATA_UP, 1, 0, 224)[-1] == 224
    refused("FPort is 225; expected 0..224", data_frame, UNCONFIRMED_DATA_UP, 1, 0, 225)
    refused("FPort is -1", data_frame, UNCONFIRMED_DATA_UP, 1, 0, -1)


def test_what_a_frame_cannot_carry_is_refused():
    for mtype in (0, 1, 6, 7, 8, -1):
        refused("MType %d is not a data frame; expected 2..5" % mtype, data_frame, mtype, 1, 0)
    refused("DevAddr is 4294967296", data_frame, UNCONFIRMED_DATA_UP, 1 << 32, 0)
    refused("FCnt is 4294967296", data_frame, UNCONFIRMED_DATA_UP, 1, 1 << 32)
    refused("FCnt is -1", data_frame, UNCONFIRMED_DATA_UP, 1, -1)
    refused("FOpts has 16 bytes; it holds at most 15", data_frame, UNCONFIRMED_DATA_UP, 1, 0, f_opts=bytes(16))
    refused("in FOpts or on FPort 0, not both", data_frame, UNCONFIRMED_DATA_UP, 1, 0, 0, b"", b"\x02")
    refused("FRMPayload of 2 bytes needs an FPort", data_frame, UNCONFIRMED_DATA_UP, 1, 0, None, b"ab")
