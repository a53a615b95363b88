"""What clock and calendar show in the town, and how busy it is then: tables by hour for three kinds of days."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from protocol.civil import weekday
from simulator.stimuli.cycles import DAY_S

Hours = tuple[float, ...]  # 24 values
Week = tuple[Hours, Hours, Hours]  # of Monday to Friday, of Saturday, of Sunday

_BLOCK_S = 900  # clocks of the world are ahead of UTC by multiples of it, and change at multiples of it
_MOST_BLOCKS = 40_000  # of which the offset is remembered: more than a year of them


class Calendar:
    """Local time of an IANA *zone*. Raises zoneinfo.ZoneInfoNotFoundError for one that the machine does not know."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._offsets: dict[int, int] = {}

    def offset_s(self, time_s: float) -> int:
        """By how many seconds the town's clocks are ahead of UTC at *time_s* (Unix)."""
        block = int(time_s // _BLOCK_S)
        offset = self._offsets.get(block)
        if offset is None:
            if len(self._offsets) >= _MOST_BLOCKS:
                self._offsets.clear()
            there = datetime.fromtimestamp(block * _BLOCK_S, UTC).astimezone(self._zone)
            delta = there.utcoffset()
            assert delta is not None
            offset = self._offsets[block] = delta.days * DAY_S + delta.seconds
        return offset

    def local(self, time_s: float) -> tuple[int, float]:
        """Day (since 1970-01-01) and second of it, as calendar and clock show them at *time_s*."""
        local_s = time_s + self.offset_s(time_s)
        day = int(local_s // DAY_S)
        return day, local_s - day * DAY_S

    def busy(self, week: Week, time_s: float) -> float:
        """What *week* says at *time_s*: its values hold in the middle of their hours and lead from one to the next."""
        day, second = self.local(time_s - 1800)  # half an hour back: the point at or before
        place = second / 3600
        hour = int(place)
        here = hours_of(week, day)[hour]
        after = hours_of(week, day)[hour + 1] if hour < 23 else hours_of(week, day + 1)[0]
        return here + (place - hour) * (after - here)


def hours_of(week: Week, day: int) -> Hours:
    """The table of a *day* since 1970-01-01."""
    kind = weekday(day) - 4
    return week[kind if kind > 0 else 0]
