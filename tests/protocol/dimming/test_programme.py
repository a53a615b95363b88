"""Programmes: what is accepted, the bytes they take, and what is refused."""

from protocol import cbor
from protocol.dimming import (
    CLOCK,
    DAWN,
    DEFAULT_PROGRAMME,
    DUSK,
    EVERY_DAY,
    HOLIDAYS,
    MAX_PROGRAMME_BYTES,
    SUNRISE,
    SUNSET,
    DayType,
    Programme,
    Step,
)
from tests.protocol.expect import hexa, refused

ON = Step(SUNSET, 0, 100, 0)
# A real one: 5 or 6 steps on working days, on Friday and Saturday, on Sundays and holidays.
TOWN = Programme(
    DayType(
        0x0F,
        Step(SUNSET, -10, 100, 300),
        Step(CLOCK, 22 * 60, 70, 300),
        Step(CLOCK, 23 * 60 + 30, 30, 300),
        Step(CLOCK, 5 * 60, 70, 300),
        Step(CLOCK, 6 * 60, 100, 300),
        Step(SUNRISE, 10, 0, 300),
    ),
    DayType(
        0x30,
        Step(SUNSET, -10, 100, 300),
        Step(CLOCK, 23 * 60, 70, 300),
        Step(CLOCK, 2 * 60, 30, 300),
        Step(CLOCK, 5 * 60, 70, 300),
        Step(CLOCK, 7 * 60, 100, 300),
        Step(SUNRISE, 10, 0, 300),
    ),
    DayType(
        0x40 | HOLIDAYS,
        Step(DUSK, 0, 100, 300),
        Step(CLOCK, 22 * 60, 50, 300),
        Step(CLOCK, 23 * 60, 30, 300),
        Step(CLOCK, 6 * 60, 100, 300),
        Step(DAWN, 0, 0, 300),
    ),
)


def fields(programme):
    return [
        (day_type.days, [(step.anchor, step.offset_min, step.level_pct, step.fade_s) for step in day_type.steps])
        for day_type in programme.day_types
    ]


def test_bytes_of_a_programme_by_hand():
    """RFC 8949 by hand: [[0x7f, −10·8 + 1, 60·101 + 100, 300·8 + 0, 30], [0x80, 4, 0]]."""
    programme = Programme(
        DayType(EVERY_DAY, Step(SUNSET, -10, 100, 60), Step(CLOCK, 300, 30, 0)), DayType(HOLIDAYS, Step(DAWN, 0, 0, 0))
    )
    data = hexa("82 85 187f 384e 191810 190960 181e 83 1880 04 00")
    assert programme.encode() == data
    assert fields(Programme.decode(data)) == fields(programme)


def test_a_real_programme_fits_four_frames():
    data = TOWN.encode()
    assert len(data) <= 120
    assert fields(Programme.decode(data)) == fields(TOWN)
    assert Programme.decode(data).encode() == data


def test_the_longest_steps_that_always_fit():
    """20 steps in four day types, each of the costliest kind: the promise of `encode`."""
    steps = [Step(CLOCK, 1439, 100, 600)] * 5
    assert len(Programme(*[DayType(days, *steps) for days in (0x0F, 0x30, 0x40, HOLIDAYS)]).encode()) <= 136


def test_a_programme_that_does_not_fit_says_what_to_do():
    steps = [Step(CLOCK, 1439, 100, 600)] * 9
    big = Programme(*[DayType(days, *steps) for days in (0x0F, 0x30, 0x40)])
    message = refused("programme takes", big.encode)
    assert "at most 136 fit its frames: use fewer steps, or let more days share a day type" in message
    refused("programme has 137 bytes; at most 136 fit", Programme.decode, bytes(MAX_PROGRAMME_BYTES + 1))


def test_the_default_programme():
    assert fields(DEFAULT_PROGRAMME) == [
        (0x7F, [(SUNSET, 0, 100, 60), (CLOCK, 1380, 50, 60), (CLOCK, 300, 100, 60), (SUNRISE, 0, 0, 60)])
    ]
    assert fields(Programme.decode(DEFAULT_PROGRAMME.encode())) == fields(DEFAULT_PROGRAMME)


def test_the_day_type_of_an_evening():
    weekdays, friday_saturday, rest = TOWN.day_types
    wanted = [weekdays] * 4 + [friday_saturday] * 2 + [rest]
    for weekday in range(7):
        assert TOWN.day_type(weekday, False) is wanted[weekday]
        assert TOWN.day_type(weekday, True) is rest


def test_without_a_day_type_for_holidays_they_are_weekdays():
    week, sunday = DayType(0x3F, ON), DayType(0x40, ON)
    programme = Programme(week, sunday)
    assert programme.day_type(0, True) is week
    assert programme.day_type(6, True) is sunday


def test_a_day_type_for_holidays_only_goes_before_and_after_others():
    feast, week = DayType(HOLIDAYS, ON), DayType(EVERY_DAY, ON)
    for programme in (Programme(feast, week), Programme(week, feast)):
        assert programme.day_type(2, True) is feast
        assert programme.day_type(2, False) is week


def test_steps_beyond_their_limits_are_refused():
    refused("step: anchor is 5; expected 0..4", Step, 5, 0, 0, 0)
    refused("step: anchor is -1; expected 0..4", Step, -1, 0, 0, 0)
    refused("step: minute of the day is 1440; expected 0..1439", Step, CLOCK, 1440, 0, 0)
    refused("step: minute of the day is -1; expected 0..1439", Step, CLOCK, -1, 0, 0)
    refused("step: minutes from the sun is 181; expected -180..180", Step, SUNSET, 181, 0, 0)
    refused("step: minutes from the sun is -181", Step, DAWN, -181, 0, 0)
    refused("step: level_pct is 101; expected 0..100", Step, SUNSET, 0, 101, 0)
    refused("step: fade_s is 601; expected 0..600", Step, SUNSET, 0, 0, 601)
    refused("step: level_pct is '5'; expected an integer 0..100", Step, SUNSET, 0, "5", 0)
    refused("step: level_pct is True; expected an integer", Step, SUNSET, 0, True, 0)
    refused("step: fade_s is None; expected an integer", Step, SUNSET, 0, 0, None)


def test_day_types_beyond_their_limits_are_refused():
    refused("day type: days is 0; expected 1..255", DayType, 0, ON)
    refused("day type: days is 256; expected 1..255", DayType, 256, ON)
    refused("day type: number of steps is 0; expected 1..10", DayType, EVERY_DAY)
    refused("day type: number of steps is 11; expected 1..10", DayType, EVERY_DAY, *[ON] * 11)


def test_every_day_is_covered_exactly_once():
    refused("programme: number of day types is 0; expected 1..8", Programme)
    refused("number of day types is 9; expected 1..8", Programme, *[DayType(1, ON)] * 9)
    refused(
        "programme: no day type for Wednesday, Sunday; every weekday needs one", Programme, DayType(0xBB - 0x80, ON)
    )
    refused("no day type for Monday, Tuesday", Programme, DayType(HOLIDAYS, ON))
    refused(
        "programme: Saturday, holidays in two day types; expected once",
        Programme,
        DayType(EVERY_DAY | HOLIDAYS, ON),
        DayType(0xA0, ON),
    )


def test_cbor_that_is_no_programme_is_refused():
    for value, says in (
        (7, "programme is 7; expected an array"),
        ({1: 2}, "expected an array"),
        ([], "number of day types is 0"),
        ([7], "day type is 7; expected an array"),
        ([[]], "day type has 0 items; expected days and pairs of when and what"),
        ([[127, 1]], "day type has 2 items"),
        ([[127]], "number of steps is 0"),
        ([[127, 1, None]], "step: what is None; expected an integer 0..60700"),
        ([[127, 1, 60701]], "step: what is 60701; expected 0..60700"),
        ([[127, "sunset", 0]], "step: when is 'sunset'; expected an integer -1440..11512"),
        ([[127, 11520, 0]], "step: when is 11520; expected -1440..11512"),
        ([[127, 11511, 0]], "step: anchor is 7; expected 0..4"),
        ([[127, 181 * 8 + 1, 0]], "minutes from the sun is 181"),
        ([[127, -8, 0]], "minute of the day is -1"),
        ([[True, 1, 0]], "days is True; expected an integer 1..255"),
        ([[127] + [1, 0] * 11], "number of steps is 11; expected 1..10"),
        ([[127, 1, 0], [127, 1, 0]], "Monday"),
        ([[127, 1, 0], "later"], "day type is 'later'; expected an array"),
    ):
        refused(says, Programme.decode, cbor.encode(value))


def test_a_programme_cut_short_is_refused_at_every_byte():
    data = TOWN.encode()
    for length in range(len(data)):
        refused("CBOR", Programme.decode, data[:length])
