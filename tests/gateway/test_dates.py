"""Times of this boot and of earlier ones as Unix times, with the error they admit."""

from gateway.dates import Dates
from gateway.store.boots import Boot

NOON_MS = 1_767_268_800_000
BEGAN_MS = 40_000
BOOTS = [
    Boot(boot=3, floor_ms=NOON_MS - 8_000_000, offset_ms=NOON_MS - 7_000_000),
    Boot(boot=4, floor_ms=NOON_MS - 4_000_000, offset_ms=None),
    Boot(boot=5, floor_ms=NOON_MS - 4_000_000, offset_ms=None),
]


def test_nobody_knows_the_time_until_the_clock_is_trusted():
    dates = Dates(BOOTS, BEGAN_MS)
    assert dates.unix_ms(50_000) is None
    assert dates.resolve(5, 50_000) is None
    assert dates.resolve(4, 50_000) is None
    assert dates.floor_ms == NOON_MS - 4_000_000
    dates.offset_ms = NOON_MS - BEGAN_MS
    assert dates.unix_ms(50_000) == NOON_MS + 10_000
    assert dates.resolve(5, 50_000) == (NOON_MS + 10_000, 1)


def test_a_boot_that_knew_the_time_dates_its_records_at_once():
    assert Dates(BOOTS, BEGAN_MS).resolve(3, 60_000) == (NOON_MS - 6_940_000, 1)


def test_a_boot_without_time_lies_between_what_was_known_before_it_and_this_start():
    dates = Dates(BOOTS, BEGAN_MS)
    dates.offset_ms = NOON_MS - BEGAN_MS  # this boot began at noon
    unix_ms, error_s = dates.resolve(4, 123) or (0, 0)
    assert unix_ms - error_s * 1000 <= NOON_MS - 4_000_000
    assert unix_ms + error_s * 1000 >= NOON_MS
    assert error_s == 2001


def test_what_was_dated_once_is_dated_so_in_later_boots():
    dates = Dates([*BOOTS[:1], Boot(4, NOON_MS - 4_000_000, None, NOON_MS), *BOOTS[2:]], BEGAN_MS)
    assert dates.resolve(4, 123) == (NOON_MS - 2_000_000, 2001)  # also before this boot knows the time
    dates.offset_ms = NOON_MS + 90_000_000
    assert dates.resolve(4, 123) == (NOON_MS - 2_000_000, 2001)


def test_a_boot_that_nobody_knows_any_more_has_an_error_of_decades():
    dates = Dates(BOOTS, BEGAN_MS)
    dates.offset_ms = NOON_MS - BEGAN_MS
    unix_ms, error_s = dates.resolve(1, 123) or (0, 0)
    assert unix_ms - error_s * 1000 <= 0
    assert unix_ms + error_s * 1000 >= NOON_MS


def test_a_clock_behind_what_was_known_gives_no_negative_error():
    dates = Dates(BOOTS, BEGAN_MS)
    dates.offset_ms = NOON_MS - 9_000_000 - BEGAN_MS
    assert dates.resolve(4, 123) == (NOON_MS - 9_000_000, 1)
