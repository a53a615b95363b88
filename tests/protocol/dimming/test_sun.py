"""The sun table against astral's times of one place, and what it refuses."""

from protocol.civil import day_of
from protocol.dimming import SUN_TABLE_BYTES, SunTable
from tests.protocol.expect import hexa, refused, vectors

ASTRAL = vectors("sun_table")
FLAT = (3600,) * 24


def built(morning, evening):
    return SunTable.build(ASTRAL["first_day"], ASTRAL[morning], ASTRAL[evening])


def worst(table, morning, evening):
    """The largest error in tenths of minutes on the days the table was built from and on days years later."""
    errors = [0]
    for name, at in ((morning, table.morning), (evening, table.evening)):
        for index, tenths in enumerate(ASTRAL[name]):
            errors.append(abs(at(ASTRAL["first_day"] + index) - tenths))
        for day, tenths in ASTRAL["later_" + name]:
            errors.append(abs(at(day) - tenths))
    return max(errors)


def test_a_table_of_one_year_is_within_half_a_minute_of_astral_for_ten():
    assert worst(built("sunrise", "sunset"), "sunrise", "sunset") <= 5
    assert worst(built("dawn", "dusk"), "dawn", "dusk") <= 5


def test_the_shortest_and_the_longest_night_of_antony():
    table = built("sunrise", "sunset")
    june, december = day_of(2026, 6, 21), day_of(2026, 12, 21)
    assert abs(table.morning(june) - ASTRAL["sunrise"][june - 20454]) <= 3
    assert table.evening(june) - table.morning(june) > 16 * 600
    assert table.evening(december) - table.morning(december) < 9 * 600


def test_a_table_goes_round_after_four_years():
    table = built("sunrise", "sunset")
    for day in range(20454, 20454 + 1461, 7):
        assert table.morning(day) == table.morning(day + 1461) == table.morning(day - 14610)


def test_points_are_hit_and_cubics_reproduced():
    """Points 8 to 16 lie on a cubic, whose values come out between them, too; the others lead back to its start."""
    cubic = [10 * (k - 12) ** 3 for k in range(8, 17)]
    back = [640 - 80 * step for step in range(1, 16)]
    points = tuple([3600 + height for height in back[7:] + cubic + back[:7]])
    table = SunTable(points, FLAT)
    assert table.morning(0) == points[0]  # 1 January 1970 is point 0
    assert table.morning(487) == points[8]  # day 487 is 32 points further on: a year and 8
    for day in range(137, 229):  # points 9 to 15; they are 487/32 days apart
        x = 32 * day - 12 * 487
        assert abs((table.morning(day) - 3600) * 487**3 - 10 * x**3) <= 487**3 * 6 // 10
    assert table.evening(77) == 3600


def test_bytes_are_little_endian_mornings_first():
    table = SunTable((0x0102,) * 24, (0x0304,) * 24)
    assert table.encode() == hexa("0201" * 24 + "0403" * 24)
    again = SunTable.decode(table.encode())
    assert again.morning_points == (0x0102,) * 24 and again.evening_points == (0x0304,) * 24
    assert len(table.encode()) == SUN_TABLE_BYTES


def test_too_few_samples_are_refused():
    refused("sun table from 300 days of samples; expected a year", SunTable.build, 20454, [3600] * 300, [3600] * 300)
    refused("from 0 days", SunTable.build, 20454, [], [])
    for first_day in range(20454, 20454 + 20):
        assert SunTable.build(first_day, [3600] * 368, [9600] * 368).evening(first_day) == 9600


def test_what_is_no_table_is_refused():
    refused("sun table has 95 bytes; expected 96", SunTable.decode, bytes(95))
    refused("sun table has 0 bytes", SunTable.decode, b"")
    refused("morning point 0, tenths of minutes, is 65535; expected 0..14399", SunTable.decode, b"\xff" * 96)
    refused("sun table has 23 morning points; expected 24", SunTable, FLAT[1:], FLAT)
    refused("sun table has 25 evening points", SunTable, FLAT, FLAT + (3600,))
    refused("evening point 3, tenths of minutes, is '6'; expected an integer", SunTable, FLAT, FLAT[:3] + ("6",) * 21)


def test_a_jump_between_points_is_refused():
    """A sun that does not set, summer time left in the samples, or a wrap at midnight: all show as a jump."""
    refused(
        "morning point 7 is 601 tenths of minutes from the one before", SunTable, FLAT[:7] + (4201,) + FLAT[8:], FLAT
    )
    refused("evening point 0 is 14399 tenths", SunTable, FLAT, (14399,) + (0,) * 23)
    assert SunTable(FLAT[:7] + (4200,) + FLAT[8:], FLAT).morning(0) == 3600


def test_the_roughest_table_allowed_stays_within_small_ints():
    """Points that jump by the limit each time: the result stays near them, whatever the day."""
    rough = tuple([3000 + 600 * (k % 2) for k in range(24)])
    table = SunTable(rough, rough)
    for day in range(1461):
        assert 2500 <= table.morning(day) <= 4100
