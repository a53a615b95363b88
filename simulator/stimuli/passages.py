"""When things happen by chance, but more often at some hours: a Poisson process whose rate changes by the hour."""

from simulator.stimuli.calendar import Calendar, Week, hours_of
from simulator.streams import Stream

_HOUR_S = 3600
_MOST_HOURS = 24 * 7 * 60  # so many are looked through for one event: a week without any hour in it never ends


def next_passage_s(dice: Stream, week: Week, calendar: Calendar, after_s: float) -> float | None:
    """The first event after *after_s* (Unix s); None when none comes within sixty weeks.

    week: events per hour. The time is exact for rates that are constant within each hour of the clock: an exponential
    number is used up at the rate of each hour in turn.
    """
    left = dice.exponential()
    time_s = after_s
    for _ in range(_MOST_HOURS):
        day, second = calendar.local(time_s)
        rate = hours_of(week, day)[int(second) // _HOUR_S] / _HOUR_S
        stays_s = _HOUR_S - second % _HOUR_S
        if left < rate * stays_s:
            return time_s + left / rate
        left -= rate * stays_s
        time_s += stays_s
    return None


class Passages:
    """Events known ahead one by one; times asked for only grow."""

    def __init__(self, dice: Stream, week: Week, calendar: Calendar, start_s: float) -> None:
        self._dice = dice
        self._week = week
        self._calendar = calendar
        self._next_s: float | None = next_passage_s(dice, week, calendar, start_s)

    def next_s(self, time_s: float) -> float | None:
        """When the first event after *time_s* comes (Unix s); None: there is none."""
        while self._next_s is not None and self._next_s <= time_s:
            self._next_s = next_passage_s(self._dice, self._week, self._calendar, self._next_s)
        return self._next_s
