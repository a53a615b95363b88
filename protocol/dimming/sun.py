"""When the night begins and ends at one place on any day, from 24 points a year and a cubic through them.

A point every fortnight is plenty: the sun's times are almost sines of a year. The year is taken as 1461 quarter days,
so that leap years do not shift it, and point k lies k · 60.875 quarter days after the start of 1970. Times are tenths
of minutes of the place's *standard* time, in which they never jump (summer time) or wrap (midnight).
"""

import struct

from ..compat import const
from ..errors import MessageError
from ..items import integer

POINTS = const(24)
SUN_TABLE_BYTES = const(96)

_YEAR = const(1461)  # quarter days
_DAY_TENTHS = const(14400)
# Neighbouring points differ by 60 minutes at most: four minutes a day are more than the sun needs up to 60° N. This
# bounds the interpolation below 2^30, and a table that wraps at midnight is refused instead of sweeping a whole day.
_MAX_STEP_TENTHS = const(600)
_FORMAT = "<48H"


class SunTable:
    """Two times of every day: sunrise and sunset, or dawn and dusk of civil twilight.

    morning_points, evening_points: 24 times in tenths of minutes (0..14399) since midnight, standard time.
    Raises MessageError for any other number of points, and for neighbours more than an hour apart.
    """

    def __init__(self, morning_points: tuple[int, ...], evening_points: tuple[int, ...]) -> None:
        self.morning_points = _checked(morning_points, "morning")
        self.evening_points = _checked(evening_points, "evening")

    @staticmethod
    def build(first_day: int, mornings: list[int], evenings: list[int]) -> "SunTable":
        """Table of a place from the times an almanac gives for *first_day* and each day after it.

        first_day: days since 1970-01-01; mornings, evenings: tenths of minutes of standard time, one per day, for a
        year and two days at least; ten years make the best table for those ten years.
        """
        return SunTable(_sampled(first_day, mornings), _sampled(first_day, evenings))

    @staticmethod
    def decode(data: bytes) -> "SunTable":
        """Read what `encode` wrote; MessageError when it is no table."""
        if len(data) != SUN_TABLE_BYTES:
            raise MessageError(f"sun table has {len(data)} bytes; expected {SUN_TABLE_BYTES}")
        points = struct.unpack(_FORMAT, data)
        return SunTable(points[:POINTS], points[POINTS:])

    def encode(self) -> bytes:
        """24 morning points, then 24 evening points, 16 bits each, little-endian: 96 bytes."""
        return struct.pack(_FORMAT, *(self.morning_points + self.evening_points))

    def morning(self, day: int) -> int:
        """Sunrise or dawn of *day* (days since 1970-01-01): tenths of minutes since its midnight, standard time."""
        return _interpolated(self.morning_points, day)

    def evening(self, day: int) -> int:
        """Sunset or dusk of *day* (days since 1970-01-01): tenths of minutes since its midnight, standard time."""
        return _interpolated(self.evening_points, day)


def _interpolated(points: tuple[int, ...], day: int) -> int:
    """The cubic through the four points around *day* (Newton's form), rounded to a tenth of a minute."""
    k, t = divmod(day * 4 % _YEAR * POINTS, _YEAR)  # t / 1461 of the way from point k to the next
    before, here, after, beyond = points[k - 1], points[k], points[(k + 1) % POINTS], points[(k + 2) % POINTS]
    slope = after - here
    bend = after - 2 * here + before
    twist = beyond - 3 * (after - here) - before
    # Sixteenths keep rounding below a tenth. With steps up to 600 the largest product is 16·2400·2921 < 2^27.
    curve = 8 * bend + (t + _YEAR) * (16 * twist) // (6 * _YEAR)
    rate = 16 * slope + (t - _YEAR) * curve // _YEAR
    return here + (t * rate + 8 * _YEAR) // (16 * _YEAR)


def _sampled(first_day: int, samples: list[int]) -> tuple[int, ...]:
    """Each point as the mean of what the samples say at its moment of each year they cover."""
    sums = [0] * POINTS
    years = [0] * POINTS
    number = -(-first_day * 32 // 487)  # points lie 487/32 days apart; this is the first one not before first_day
    while True:
        day, part = divmod(number * 487, 32)
        index = day - first_day
        if index + 1 >= len(samples):
            break
        sums[number % POINTS] += samples[index] * (32 - part) + samples[index + 1] * part
        years[number % POINTS] += 1
        number += 1
    if 0 in years:
        raise MessageError(f"sun table from {len(samples)} days of samples; expected a year and two days (368) or more")
    return tuple([(sums[k] + 16 * years[k]) // (32 * years[k]) for k in range(POINTS)])


def _checked(points: tuple[int, ...], which: str) -> tuple[int, ...]:
    if len(points) != POINTS:
        raise MessageError(f"sun table has {len(points)} {which} points; expected {POINTS}")
    for k, point in enumerate(points):
        integer(point, f"sun table, {which} point {k}, tenths of minutes,", 0, _DAY_TENTHS - 1)
    for k, point in enumerate(points):
        step = point - points[k - 1]
        if not -_MAX_STEP_TENTHS <= step <= _MAX_STEP_TENTHS:
            raise MessageError(
                f"sun table, {which} point {k} is {step} tenths of minutes from the one before; expected "
                f"{_MAX_STEP_TENTHS} at most: is it standard time, and a place where the sun sets every day?"
            )
    return tuple(points)
