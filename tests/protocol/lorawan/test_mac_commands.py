"""MAC commands have the bytes that others publish; an unknown one ends the sequence, and those before it count."""

from protocol.lorawan.frames import DOWNLINK, UPLINK
from protocol.lorawan.mac_commands import (
    DEV_STATUS,
    DEVICE_TIME,
    LINK_ADR,
    LINK_CHECK,
    command_len,
    command_name,
    describe,
    encode_command,
    field_names,
    parse_commands,
    read_commands,
)
from tests.protocol.expect import hexa, refused, vectors


def test_published_commands():
    for vector in vectors("mac_commands")["vectors"]:
        direction, cid, fields, wire = vector["direction"], vector["cid"], vector["fields"], vector["wire"]
        assert command_name(direction, cid) == vector["name"]
        assert sorted(field_names(direction, cid)) == sorted(fields)
        values = tuple([fields[name] for name in field_names(direction, cid)])
        assert encode_command(direction, cid, *values) == hexa(wire), vector
        assert parse_commands(hexa(wire), direction) == [(cid, values)], vector


def test_every_command_of_the_specification_has_its_length():
    for direction, lengths in vectors("mac_commands")["lengths"].items():
        for cid in range(256):
            if "%02x" % cid in lengths:
                assert command_len(int(direction), cid) == 1 + lengths["%02x" % cid], cid
            else:
                refused("MAC command 0x%02x" % cid, command_len, int(direction), cid)


def test_the_time_of_the_specification():
    """TS001-1.0.4 §5.9: 12 February 2016, 14:24:31 UTC is 1139322288 s after the GPS epoch."""
    (answer,) = parse_commands(encode_command(DOWNLINK, DEVICE_TIME, 1139322288, 128), DOWNLINK)
    assert answer == (DEVICE_TIME, (1139322288, 128))
    assert encode_command(DOWNLINK, DEVICE_TIME, 0xFFFFFFFF, 255) == hexa("0d ffffffff ff")


def test_a_sequence_is_read_in_order():
    wire = hexa("02 03 05 06 ff 3f 0d")
    assert parse_commands(memoryview(wire), UPLINK) == [
        (LINK_CHECK, ()),
        (LINK_ADR, (1, 0, 1)),
        (DEV_STATUS, (255, -1)),
        (DEVICE_TIME, ()),
    ]
    assert parse_commands(b"", UPLINK) == []


def test_reserved_bits_are_ignored_and_not_sent():
    assert parse_commands(hexa("03 ff"), UPLINK) == [(LINK_ADR, (1, 1, 1))]
    assert parse_commands(hexa("06 00 e0"), UPLINK) == [(DEV_STATUS, (0, -32))]
    assert encode_command(UPLINK, LINK_ADR, 1, 1, 1) == hexa("03 07")


def test_an_unknown_command_ends_the_sequence_but_not_what_came_before():
    commands, stopped = read_commands(hexa("02 80 02"), UPLINK)
    assert commands == [(LINK_CHECK, ())]
    assert stopped == "unknown uplink MAC command 0x80 at byte 1"
    refused("unknown uplink MAC command 0x80 at byte 1", parse_commands, hexa("02 80 02"), UPLINK)
    assert read_commands(hexa("06 12"), DOWNLINK) == ([(DEV_STATUS, ())], "unknown downlink MAC command 0x12 at byte 1")


def test_a_command_cut_short_ends_the_sequence_too():
    commands, stopped = read_commands(hexa("06 03 50 ff 00"), DOWNLINK)
    assert commands == [(DEV_STATUS, ())]
    assert stopped == "LinkADRReq at byte 1 has 4 bytes, 3 remain: cut short"
    refused("LinkADRReq at byte 1", parse_commands, hexa("06 03 50 ff 00"), DOWNLINK)
    assert read_commands(hexa("02 03 05"), UPLINK)[1] is None


def test_commands_are_readable():
    assert describe(UPLINK, DEV_STATUS, (255, -3)) == "DevStatusAns battery=255 snr_db=-3"
    assert describe(DOWNLINK, DEV_STATUS, ()) == "DevStatusReq"
    assert field_names(DOWNLINK, LINK_ADR) == ("data_rate", "tx_power", "ch_mask", "ch_mask_cntl", "nb_trans")


def test_what_a_command_cannot_carry_is_refused():
    refused("data_rate is 16; expected 0..15", encode_command, DOWNLINK, LINK_ADR, 16, 0, 0, 0, 0)
    refused("ch_mask is 65536", encode_command, DOWNLINK, LINK_ADR, 0, 0, 65536, 0, 0)
    refused("ch_mask_cntl is -1; expected 0..7", encode_command, DOWNLINK, LINK_ADR, 0, 0, 0, -1, 0)
    refused("snr_db is 32; expected -32..31", encode_command, UPLINK, DEV_STATUS, 0, 32)
    refused("snr_db is -33", encode_command, UPLINK, DEV_STATUS, 0, -33)
    refused("frequency is 868100099 Hz; expected a multiple of 100 Hz", encode_command, DOWNLINK, 0x0A, 0, 868100099)
    refused("frequency is 1677721600 Hz", encode_command, DOWNLINK, 0x13, 1677721600)
    refused("gps_s is 4294967296", encode_command, DOWNLINK, DEVICE_TIME, 1 << 32, 0)
    refused("LinkADRReq takes 5 values", encode_command, DOWNLINK, LINK_ADR, 1, 2)
    refused("unknown uplink MAC command 0x01", encode_command, UPLINK, 1)
