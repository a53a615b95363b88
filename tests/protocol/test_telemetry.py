"""Readings, events and status: the bytes of lampyre.cddl written by hand, and what is refused with which words."""

from protocol import quantities
from protocol.quantities import AIR_FULL, PARKING_DISTANCE, PARKING_ONE_BAY
from protocol.quantity_table import SETS
from protocol.telemetry import (
    MAX_ERROR_TEXT,
    Reading,
    Status,
    encode_event,
    encode_rare,
    encode_readings,
    encode_status,
)
from protocol.telemetry_reader import decode_event, decode_readings, decode_status
from tests.protocol.expect import hexa, refused

ROOM = 222
NOW_S = 100_000  # seconds into boot 7, at which the frames are built

#                        occupied, minutes, 0.1 µT, 0.1 °C, 0.01 V
NEWEST = Reading(1000, 7, NOW_S - 3, (1, 12, 345, -52, 361))
NEWEST_HEX = "00  19 03e8  03  01 0c 190159 3833 190169"
BEFORE = Reading(999, 7, NOW_S - 903, (0, 240, 12, -50, 361))
BEFORE_HEX = "190384  20 18e4 39014c 02 00"
EARLIER = Reading(996, 7, NOW_S - 963, (0, 239, 12, -50, 361))  # 997 and 998 are events
EARLIER_HEX = "21 183c  00 20 00 00 00"


def rows(readings):
    return [(row.seq, row.age_s, row.gap_s, row.values) for row in readings.rows]


def both_ways(set_number, readings, expected, expected_rows, boot=7, room=ROOM):
    """The readings become *expected* (hex), all of them, and that becomes *expected_rows*."""
    payload, carried = encode_readings(set_number, readings, boot, NOW_S, room)
    assert payload == hexa(expected), f"{payload!r}, expected {hexa(expected)!r}"
    assert carried == len(readings)
    decoded = decode_readings(payload)
    assert decoded.quantities == SETS[set_number]
    assert rows(decoded) == expected_rows, rows(decoded)


def test_one_reading():
    both_ways(PARKING_ONE_BAY, [NEWEST], "88" + NEWEST_HEX, [(1000, 3, None, (1, 12, 345, -52, 361))])


def test_older_readings_follow_as_differences():
    both_ways(
        PARKING_ONE_BAY,
        [NEWEST, BEFORE],
        "8e" + NEWEST_HEX + BEFORE_HEX,
        [(1000, 3, None, (1, 12, 345, -52, 361)), (999, 903, 900, (0, 240, 12, -50, 361))],
    )


def test_numbers_that_events_took_are_skipped():
    both_ways(
        PARKING_ONE_BAY,
        [NEWEST, BEFORE, EARLIER],
        "95" + NEWEST_HEX + BEFORE_HEX + EARLIER_HEX,
        [
            (1000, 3, None, (1, 12, 345, -52, 361)),
            (999, 903, 900, (0, 240, 12, -50, 361)),
            (996, 963, 60, (0, 239, 12, -50, 361)),
        ],
    )


def test_an_unknown_value_is_null_and_older_ones_count_from_the_nearest_known():
    def at(seq, temperature):
        return Reading(seq, 7, NOW_S - 10 * (9 - seq), (0, 0, 0, temperature, 300))

    both_ways(
        PARKING_ONE_BAY,
        [at(9, None), at(8, 200), at(7, None), at(6, 203), at(5, None)],
        "98 20  00 09 00  00 00 00 f6 19012c"
        "  0a  00 00 00 18c8 00"  # 200 less 0: no newer one is known
        "  0a  00 00 00 f6 00"
        "  0a  00 00 00 03 00"  # 203 less 200, two rows newer
        "  0a  00 00 00 f6 00",
        [
            (9, 0, None, (0, 0, 0, None, 300)),
            (8, 10, 10, (0, 0, 0, 200, 300)),
            (7, 20, 10, (0, 0, 0, None, 300)),
            (6, 30, 10, (0, 0, 0, 203, 300)),
            (5, 40, 10, (0, 0, 0, None, 300)),
        ],
    )


def test_nothing_known_at_all_is_a_byte_each():
    both_ways(
        AIR_FULL, [Reading(5, 7, NOW_S, (None,) * 8)], "8b 03 05 00 f6f6f6f6f6f6f6f6", [(5, 0, None, (None,) * 8)]
    )


def test_across_a_restart_times_are_null():
    before_restart = Reading(999, 6, 500_000, (1, 12, 345, -52, 361))
    still_before = Reading(998, 6, 499_100, (1, 12, 345, -52, 361))
    both_ways(
        PARKING_ONE_BAY,
        [NEWEST, before_restart, still_before],
        "94" + NEWEST_HEX + "f6 00 00 00 00 00" + "190384 00 00 00 00 00",
        [
            (1000, 3, None, (1, 12, 345, -52, 361)),
            (999, None, None, (1, 12, 345, -52, 361)),
            (998, None, 900, (1, 12, 345, -52, 361)),  # how long before the other one is known
        ],
    )
    both_ways(
        PARKING_ONE_BAY,
        [before_restart, still_before],
        "8e 00 1903e7 f6 01 0c 190159 3833 190169" + "190384 00 00 00 00 00",
        [(999, None, None, (1, 12, 345, -52, 361)), (998, None, 900, (1, 12, 345, -52, 361))],
    )


def test_numbers_wrap_on_the_air():
    values = (0, 0, 0, 0, 0)
    newest = Reading(0x1_0001, 7, NOW_S, values)
    older = Reading(0xFFFE, 7, NOW_S - 1, values)  # 0xFFFF and 0x10000 are events
    both_ways(
        PARKING_ONE_BAY,
        [newest, older],
        "8f 00 01 00 00 00 00 00 00  21 01 00 00 00 00 00",
        [(1, 0, None, values), (0xFFFE, 1, 1, values)],
    )


def test_the_largest_gap_in_numbers():
    values = (0, 0, 0, 0, 0)
    newest = Reading(0x8005, 7, NOW_S, values)
    both_ways(
        PARKING_ONE_BAY,
        [newest, Reading(5, 7, NOW_S, values)],
        "8f 00 198005 00 00 00 00 00 00  397ffe 00 00 00 00 00 00",
        [(0x8005, 0, None, values), (5, 0, 0, values)],
    )
    _, carried = encode_readings(0, [newest, Reading(4, 7, NOW_S, values)], 7, NOW_S, ROOM)
    assert carried == 1  # one number further no row can say


def test_a_difference_beyond_32_bits_ends_the_repetition():
    high, low = (0, 0, 0xFFFFFFFF, 0, 0), (0, 0, -2, 0, 0)
    log = [Reading(3, 7, NOW_S, high), Reading(2, 7, NOW_S, low), Reading(1, 7, NOW_S, high)]
    assert encode_readings(0, log, 7, NOW_S, ROOM)[1] == 1


def test_values_of_32_bits():
    both_ways(
        PARKING_ONE_BAY,
        [Reading(1, 7, NOW_S, (0xFFFFFFFF, -0x100000000, 0, 0x3FFFFFFF, 0x40000000))],
        "88 00 01 00 1affffffff 3affffffff 00 1a3fffffff 1a40000000",
        [(1, 0, None, (0xFFFFFFFF, -0x100000000, 0, 0x3FFFFFFF, 0x40000000))],
    )


def test_the_room_decides_how_many_are_carried():
    readings = [NEWEST, BEFORE, EARLIER]
    two = hexa("8e" + NEWEST_HEX + BEFORE_HEX)
    assert encode_readings(0, readings, 7, NOW_S, len(two)) == (two, 2)
    one = hexa("88" + NEWEST_HEX)
    assert encode_readings(0, readings, 7, NOW_S, len(two) - 1) == (one, 1)
    assert encode_readings(0, readings, 7, NOW_S, len(one)) == (one, 1)
    assert refused("15 are left", encode_readings, 0, readings, 7, NOW_S, len(one) - 1) == (
        "a reading of set 0 takes 16 bytes, 15 are left in the frame"
    )


def test_the_head_grows_with_the_24th_item_and_counts():
    same = [Reading(9 - at, 7, NOW_S - at, (0, 0, 0, 0, 0)) for at in range(4)]
    three = hexa("94 00 09 00 0000000000 01 0000000000 01 0000000000")  # 20 items
    four = hexa("98 1a 00 09 00 0000000000 01 0000000000 01 0000000000 01 0000000000")  # 26 items
    assert encode_readings(0, same, 7, NOW_S, len(four)) == (four, 4)
    assert encode_readings(0, same, 7, NOW_S, len(four) - 1) == (three, 3)  # its row alone would fit
    assert len(rows(decode_readings(four))) == 4


def test_every_set_is_carried_with_its_own_number_of_values():
    for number, pairs in enumerate(SETS):
        count = len(pairs)
        items = 3 + count + 1 + count
        readings = [Reading(2, 7, NOW_S, tuple(range(count))), Reading(1, 7, NOW_S - 1, tuple(range(count)))]
        expected = bytes([0x80 + items] if items < 24 else [0x98, items])
        expected += bytes([number, 2, 0]) + bytes(range(count)) + b"\x01" + bytes(count)
        assert encode_readings(number, readings, 7, NOW_S, ROOM) == (expected, 2)
        assert [values for _, _, _, values in rows(decode_readings(expected))] == [tuple(range(count))] * 2


def test_readings_that_cannot_be_said_are_refused():
    def refuse(says, readings, set_number=0, uptime_s=NOW_S):
        return refused(says, encode_readings, set_number, readings, 7, uptime_s, ROOM)

    good = (0, 0, 0, 0, 0)
    assert refuse("expected at least one", []) == "no reading of set 0 to encode; expected at least one"
    refuse("set 7 is not known here", [NEWEST], 7)
    assert refuse("4 values", [Reading(3, 7, 1, (0, 0, 0, 0))]) == "reading 3 has 4 values; expected 5"
    refuse("reading 999 has 6 values; expected 5", [NEWEST, Reading(999, 7, 1, good + (0,))])
    refuse("readings: value is True; expected an integer", [Reading(3, 7, 1, (True, 0, 0, 0, 0))])
    refuse("readings: value is True; expected", [NEWEST, Reading(999, 7, 1, (True, 0, 0, 0, 0))])
    refuse("readings: value is 0.5; expected", [Reading(3, 7, 1, (0, 0, 0, 0, 0.5))])
    refuse("readings: value is 4294967296; expected", [Reading(3, 7, 1, (0, 0, 0, 0, 0x100000000))])
    refuse("reading 1000 follows 1000; expected a smaller number", [NEWEST, Reading(1000, 7, 1, good)])
    refuse("reading 1001 follows 1000; expected a smaller number", [NEWEST, Reading(1001, 7, 1, good)])
    assert refuse("age of", [NEWEST], 0, NOW_S - 4) == "age of reading 1000 is -1; expected 0..4294967295"
    refuse("age of reading 999 is -1", [NEWEST, Reading(999, 7, NOW_S - 2, good)])


def test_what_a_newer_version_appends_is_skipped():
    plain = hexa("88" + NEWEST_HEX)
    refused("1 items left", decode_readings, hexa("89" + NEWEST_HEX + "05"))  # an integer begins a row
    refused("1 items left", decode_readings, hexa("89" + NEWEST_HEX + "f6"))
    for item in ("80", "60", "40", "f5", "a0", "83 01 02 03"):
        found = decode_readings(hexa("89" + NEWEST_HEX + item))
        assert rows(found) == rows(decode_readings(plain)), item
    found = decode_readings(hexa("98 18" + NEWEST_HEX + BEFORE_HEX + "a0 00 01 02 03 04 05 06 07 08"))
    assert rows(found) == rows(decode_readings(hexa("8e" + NEWEST_HEX + BEFORE_HEX)))


def test_readings_that_break_the_rules_are_refused():
    for says, payload in (
        ("readings is 5; expected an array", "05"),
        ("readings is {}; expected an array", "a0"),
        ("readings has 2 items; expected at least 3: was it cut short?", "82 00 01"),
        ("readings: set is None; expected an integer 0..4294967295", "83 f6 00 00"),
        ("readings: set is True; expected an integer", "83 f5 00 00"),
        ("set 7 is not known here; the newest known is 6: update the gateway", "83 07 00 00"),
        ("readings: 4 values of 5 in set 0: was the frame cut short?", "87 00 01 00 00 00 00 00"),
        ("seq is 65536; expected 0..65535", "88 00 1a00010000 00 00 00 00 00 00"),
        ("seq is None; expected an integer 0..65535", "88 00 f6 00 00 00 00 00 00"),
        ("readings: age is -1; expected 0..4294967295", "88 00 01 20 00 00 00 00 00"),
        ("readings: age is 'x'; expected an integer", "88 00 01 61 78 00 00 00 00 00"),
        ("readings: value is False; expected an integer -4294967296..4294967295", "88 00 01 00 f4 00 00 00 00"),
        ("readings: row 1 skips 0 numbers and has 5 items left", "8d 00 01 00 0000000000 01 00000000"),
        ("readings: row 1 skips 1 numbers and has 0 items left", "89 00 01 00 0000000000 20"),
        ("readings: row 1 skips 3 numbers and has 5 items left", "8e 00 01 00 0000000000 22 01 00000000"),
        ("readings: row 1 skips 32768 numbers", "8f 00 01 00 0000000000 397fff 01 0000000000"),
        ("readings: gap of row 1 is -2; expected", "8f 00 01 00 0000000000 20 21 0000000000"),
        ("readings: value is True; expected", "8e 00 01 00 0000000000 01 00 00 00 00 f5"),
        ("readings: value is 4294967296; expected", "8e 00 01 00 1affffffff 00000000 01 01 00000000"),
        ("readings: value is -4294967297; expected", "8e 00 01 00 3affffffff 00000000 01 20 00000000"),
        ("readings: age of row 1 is 4294967296; expected", "8e 00 01 01 0000000000 1affffffff 0000000000"),
    ):
        refused(says, decode_readings, hexa(payload))
    refused("CBOR at byte 0", decode_readings, b"")


def test_quantities_that_no_set_lists_travel_in_a_map():
    reading = Reading(0x1_0007, 7, NOW_S - 90, (431, None, 1, -7))
    pairs = ((quantities.NO2, 0), (quantities.O3, 0), (quantities.OCCUPIED, 2), (200, 255))
    payload = encode_rare(reading, pairs, 7, NOW_S)
    assert payload == hexa("83 a4 0d 1901af 0e f6 190200 01 19ffc8 26  07 185a")
    found = decode_readings(payload)
    assert found.quantities == pairs
    assert rows(found) == [(7, 90, None, (431, None, 1, -7))]
    assert rows(decode_readings(encode_rare(reading, pairs, 8, NOW_S))) == [(7, None, None, (431, None, 1, -7))]


def test_the_map_comes_back_in_the_order_of_its_keys():
    payload = encode_rare(Reading(1, 7, NOW_S, (2, 1)), ((14, 0), (13, 0)), 7, NOW_S)
    assert payload == hexa("83 a2 0d 01 0e 02 01 00")
    assert decode_readings(payload).quantities == ((13, 0), (14, 0))


def test_a_map_that_cannot_be_said_is_refused():
    def refuse(says, values, pairs):
        return refused(says, encode_rare, Reading(4, 7, 1, values), pairs, 7, NOW_S)

    refuse("reading 4 has 1 values; expected 2", (1,), ((1, 0), (2, 0)))
    assert refuse("0 values", (), ()) == "reading 4 has 0 values; expected 1..32"
    refuse("reading 4 has 33 values; expected 1..32", (0,) * 33, tuple([(at, 0) for at in range(33)]))
    refuse("reading 4 names a quantity twice", (1, 2), ((5, 1), (5, 1)))
    refuse("readings: quantity is 256; expected 0..255", (1,), ((256, 0),))
    refuse("readings: instance is -1; expected 0..255", (1,), ((5, -1),))
    refuse("readings: value is 'x'", ("x",), ((5, 0),))
    refused("age of reading 4 is -1", encode_rare, Reading(4, 7, 1, (1,)), ((5, 0),), 7, 0)


def test_a_map_that_breaks_the_rules_is_refused():
    for says, payload in (
        ("readings: a map of 0 values; expected 1..32", "83 a0 01 00"),
        ("readings: quantity is -1; expected 0..65535", "83 a1 20 00 01 00"),
        ("readings: quantity is 65536; expected 0..65535", "83 a1 1a00010000 00 01 00"),
        ("readings: value is 'x'; expected", "83 a1 05 6178 01 00"),
        ("seq is None", "83 a1 05 00 f6 00"),
        ("readings: age is -1", "83 a1 05 00 00 20"),
    ):
        refused(says, decode_readings, hexa(payload))
    many = b"".join([bytes([0x18, at, 0]) for at in range(24, 24 + 33)])
    refused("a map of 33 values; expected 1..32", decode_readings, hexa("83 b8 21") + many + hexa("01 00"))
    assert rows(decode_readings(hexa("84 a1 05 07 01 00 f5"))) == [(1, 0, None, (7,))]  # with an item of the future


def test_readings_fit_the_smallest_frame():
    """51 bytes at DR0, less 7 of FOpts: eight typical values of air and one repetition."""
    newest = Reading(40_000, 7, NOW_S - 2, (87, 124, 131, 139, 612, 183, 64, 10132))
    older = Reading(39_999, 7, NOW_S - 902, (91, 130, 138, 146, 598, 181, 65, 10131))
    payload, carried = encode_readings(AIR_FULL, [newest, older], 7, NOW_S, 51 - 7)
    assert carried == 2
    assert len(payload) == 35


def test_an_event():
    def both(seq, age_s, event, details, expected):
        payload = encode_event(seq, age_s, event, details)
        assert payload == hexa(expected), payload
        found = decode_event(payload)
        assert (found.seq, found.age_s, found.event, found.details) == (seq & 0xFFFF, age_s, event, details)

    both(1001, 0, 2, (0, 840), "84 1903e9 00 02 82 00 190348")
    both(0x2_0000, None, 9, (), "83 00 f6 09")
    both(
        65535,
        0xFFFFFFFF,
        99,
        (1, -2, 0xFFFFFFFF, -0x100000000),
        "84 19ffff 1affffffff 1863 84 01 21 1affffffff 3affffffff",
    )


def test_an_event_of_a_newer_version_keeps_what_is_known():
    found = decode_event(hexa("85 01 02 03 82 00 01 63 6e6577"))
    assert (found.seq, found.age_s, found.event, found.details) == (1, 2, 3, (0, 1))
    assert decode_event(hexa("84 01 02 03 86 00 01 02 03 04 05")).details == (0, 1, 2, 3, 4, 5)
    assert decode_event(hexa("84 01 02 03 80")).details == ()


def test_events_that_cannot_be_said_are_refused():
    assert refused("5", encode_event, 1, 0, 1, (1, 2, 3, 4, 5)) == "event 1: 5 details; expected at most 4"
    refused("event: age is -1; expected 0..4294967295", encode_event, 1, -1, 1)
    refused("event: number is -1", encode_event, 1, 0, -1)
    refused("event: number is None", encode_event, 1, 0, None)
    refused("event: detail is True; expected an integer -4294967296..4294967295", encode_event, 1, 0, 1, (True,))
    refused("event: detail is 4294967296", encode_event, 1, 0, 1, (0x100000000,))


def test_events_that_break_the_rules_are_refused():
    for says, payload in (
        ("event is 'x'; expected an array", "6178"),
        ("event has 2 items; expected at least 3: was it cut short?", "82 01 02"),
        ("seq is 65536", "83 1a00010000 00 01"),
        ("event: age is -1", "83 01 20 01"),
        ("event: number is None", "83 01 00 f6"),
        ("event: details is 5; expected an array", "84 01 00 01 05"),
        ("event: detail is None; expected an integer", "84 01 00 01 81 f6"),
        ("event: detail is True; expected an integer", "84 01 00 01 81 f5"),
    ):
        refused(says, decode_event, hexa(payload))


def status_items(status):
    return (
        status.version,
        status.epoch,
        status.reset_cause,
        status.uptime_s,
        status.battery_mv,
        status.heap_free,
        status.last_error,
        status.link_margin_db,
        status.next_seq,
    )


FULL_STATUS = ((1, 2, 3), 0xBEEF, 5, 86400, 3612, 84112, "OSError 19", 20, 70000)
FULL_STATUS_HEX = "89 1a00010203 19beef 05 1a00015180 190e1c 1a00014890 6a 4f 53 45 72 72 6f 72 20 31 39 14 1a00011170"


def test_a_status():
    assert encode_status(Status(*FULL_STATUS), 51) == hexa(FULL_STATUS_HEX)
    assert status_items(decode_status(hexa(FULL_STATUS_HEX))) == FULL_STATUS


def test_a_status_in_which_nothing_is_known():
    items = ((0, 1, 0), 0, 0, 0, None, None, None, None, 0)
    assert encode_status(Status(*items), 25) == hexa("89 190100 00 00 00 f6 f6 f6 f6 00")
    assert status_items(decode_status(hexa("89 190100 00 00 00 f6 f6 f6 f6 00"))) == items
    assert status_items(decode_status(hexa("8b 190100 00 00 00 f6 f6 f6 f6 00 01 f5"))) == items  # of a newer version


def test_the_longest_status_fits_the_smallest_frame():
    longest = Status((255, 255, 255), 65535, 5, 0xFFFFFFFF, 65535, 0xFFFFFFFF, "x" * MAX_ERROR_TEXT, 254, 0xFFFFFFFF)
    assert len(encode_status(longest, 51)) == 51
    assert len(encode_status(longest, 222)) == 51


def test_the_last_error_gives_way():
    def error_in(room, text):
        items = list(FULL_STATUS)
        items[6] = text
        return decode_status(encode_status(Status(*items), room)).last_error

    assert error_in(222, "0123456789 0123456789") == "0123456789 012345678"  # 20 bytes
    assert error_in(222, "é" * 11) == "é" * 10
    assert error_in(40, "OSError 19 at boot") == "OSError 19"
    assert error_in(39, "éééééééé") == "éééé"  # no half letter
    assert error_in(30, "OSError 19") == ""
    assert refused("a status", error_in, 29, "OSError 19") == "a status takes 30 bytes, 29 are left in the frame"


def test_statuses_that_cannot_be_said_are_refused():
    def refuse(says, position, value):
        items = list(FULL_STATUS)
        items[position] = value
        return refused(says, encode_status, Status(*items), 51)

    refuse("status: version part is 256; expected 0..255", 0, (1, 256, 0))
    refuse("status: version part is -1; expected", 0, (1, 0, -1))
    refuse("status: epoch is 65536; expected 0..65535", 1, 65536)
    refuse("status: reset cause is -1; expected", 2, -1)
    refuse("status: uptime is None; expected", 3, None)
    refuse("status: battery is 65536; expected 0..65535", 4, 65536)
    refuse("status: heap is -1; expected", 5, -1)
    refuse("status: link margin is 255; expected 0..254", 7, 255)
    refuse("status: next seq is None", 8, None)
    refuse("status: next seq is 4294967296; expected 0..4294967295", 8, 0x100000000)


def test_statuses_that_break_the_rules_are_refused():
    for says, payload in (
        ("status has 8 items; expected at least 9: was it cut short?", "88 00 00 00 00 f6 f6 f6 f6"),
        ("status: version is 16777216; expected 0..16777215", "89 1a01000000 00 00 00 f6 f6 f6 f6 00"),
        ("status: epoch is 65536", "89 00 1a00010000 00 00 f6 f6 f6 f6 00"),
        ("status: last error b'x'; expected text or null", "89 00 00 00 00 f6 f6 4178 f6 00"),
        ("status: link margin is 255", "89 00 00 00 00 f6 f6 f6 18ff 00"),
        ("status: next seq is -1", "89 00 00 00 00 f6 f6 f6 f6 20"),
    ):
        refused(says, decode_status, hexa(payload))


def test_payloads_are_read_from_any_view():
    assert rows(decode_readings(memoryview(b"\xff" + hexa("88" + NEWEST_HEX))[1:])) == [
        (1000, 3, None, (1, 12, 345, -52, 361))
    ]
    assert decode_event(memoryview(hexa("83 01 02 03"))).event == 3
    assert decode_status(memoryview(hexa(FULL_STATUS_HEX))).epoch == 0xBEEF


def test_the_same_values_in_another_set_have_another_meaning():
    payload, _ = encode_readings(PARKING_DISTANCE, [Reading(1, 7, NOW_S, (1, 2, 3, 4, 5))], 7, NOW_S, ROOM)
    assert payload == hexa("88 02 01 00 01 02 03 04 05")
    assert decode_readings(payload).quantities[2] == (quantities.DISTANCE, 0)
    assert decode_readings(hexa("88 00 01 00 01 02 03 04 05")).quantities[2] == (quantities.FIELD_DEVIATION, 0)
