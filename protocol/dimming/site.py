"""What a lamp has to know of its place to tell night and day type: written once, when the node is flashed."""

from .. import cbor
from ..civil import from_local, to_local
from ..compat import const
from ..errors import MessageError
from ..items import array, integer
from .sun import SunTable

MAX_SITE_BYTES = const(1024)  # twice what the longest list of holidays makes of it
MAX_HOLIDAYS = const(150)  # ten years of the 13 of Alsace-Moselle, and two of the town's own

_ITEMS = const(5)
_LAST_DAY = const(0xFFFF)  # in 2149


class Site:
    """Local time, the sun and the public holidays of one place.

    utc_offset_min: standard time ahead of UTC, −720..840; summer_rule: whether European summer time is kept, which is
    law at −60..120 only; sun: sunrise and sunset; twilight: civil dawn and dusk; holidays: days since 1970-01-01 in
    any order, at most 150. Raises MessageError for anything else.
    """

    def __init__(
        self, utc_offset_min: int, summer_rule: bool, sun: SunTable, twilight: SunTable, holidays: list[int]
    ) -> None:
        integer(len(holidays), "site: number of holidays", 0, MAX_HOLIDAYS)
        days = {integer(day, "site: holiday", 0, _LAST_DAY) for day in holidays}
        self.utc_offset_min = integer(utc_offset_min, "site: utc_offset_min", -720, 840)
        if summer_rule:
            # Elsewhere the clock could change at noon, where lighting days meet.
            integer(utc_offset_min, "site: utc_offset_min of a place with European summer time", -60, 120)
        self.summer_rule = bool(summer_rule)
        self.sun = sun
        self.twilight = twilight
        self.holidays = tuple(sorted(days))

    @staticmethod
    def decode(data: bytes) -> "Site":
        """Read what `encode` wrote; items after the known ones are skipped. Raises CborError or MessageError."""
        if len(data) > MAX_SITE_BYTES:
            raise MessageError(f"site has {len(data)} bytes; at most {MAX_SITE_BYTES} are expected")
        items = array(cbor.decode(data), "site", _ITEMS)
        offset, summer_rule, sun, twilight, gaps = items[:_ITEMS]
        if not isinstance(summer_rule, bool):
            raise MessageError(f"site: summer_rule is {summer_rule!r}; expected true or false")
        return Site(
            integer(offset, "site: utc_offset_min", -720, 840),
            summer_rule,
            _table(sun, "sun"),
            _table(twilight, "twilight"),
            _days(array(gaps, "site: holidays")),
        )

    def encode(self) -> bytes:
        """CBOR of `[utc_offset_min, summer_rule, sun, twilight, [holiday, gap, gap, …]]` (`site` in lampyre.cddl).

        Holidays are the first day, then the days from each to the next: one or two bytes apiece.
        """
        gaps = []
        before = 0
        for day in self.holidays:
            gaps.append(day - before)
            before = day
        return cbor.encode([self.utc_offset_min, self.summer_rule, self.sun.encode(), self.twilight.encode(), gaps])

    def is_holiday(self, day: int) -> bool:
        """Whether *day* (since 1970-01-01) is a public holiday here."""
        return day in self.holidays

    def to_local(self, day: int, second: int) -> tuple[int, int]:
        """Local (day, second) at a UTC day and second; see `civil.to_local`."""
        return to_local(day, second, self.utc_offset_min, self.summer_rule)

    def from_local(self, day: int, second: int) -> tuple[int, int]:
        """UTC (day, second) of a local day and second; see `civil.from_local`."""
        return from_local(day, second, self.utc_offset_min, self.summer_rule)


def _table(value: object, which: str) -> SunTable:
    if not isinstance(value, bytes):
        raise MessageError(f"site: {which} is {value!r}; expected the bytes of a table")
    return SunTable.decode(value)


def _days(gaps: list[object]) -> list[int]:
    integer(len(gaps), "site: number of holidays", 0, MAX_HOLIDAYS)
    days: list[int] = []
    for gap in gaps:
        days.append((days[-1] if days else 0) + integer(gap, "site: days to a holiday", 1 if days else 0, _LAST_DAY))
    return days
