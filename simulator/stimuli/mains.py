"""The supply of lamps: when there is power, known ahead, and what voltage it has."""

from collections.abc import Iterable

from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S, NOISES, YEAR_S, Noise, cycle
from simulator.stimuli.daylight import Daylight
from simulator.stimuli.spans import NEVER_S, Spans
from simulator.streams import Stream

_CUT_MIN = 40.0  # a cut lasts so long on average, exponentially
_LEAST_CUT_S = 5


class Feeder:
    """A supply that a cabinet switches: on from sunset to sunrise, both shifted by so many minutes."""

    __slots__ = ("_daylight", "_off_s", "_on_s")

    def __init__(self, daylight: Daylight, on_after_sunset_min: int = 0, off_after_sunrise_min: int = 0) -> None:
        self._daylight = daylight
        self._on_s = on_after_sunset_min * 60
        self._off_s = off_after_sunrise_min * 60

    def on(self, time_s: float) -> bool:
        """Whether the cabinet lets power through."""
        return self._edges(time_s)[2]

    def next_change_s(self, time_s: float) -> float:
        """When the cabinet next switches."""
        return self._edges(time_s)[1]

    def began_s(self, time_s: float) -> float:
        """When it last switched."""
        return self._edges(time_s)[0]

    def _edges(self, time_s: float) -> tuple[int, int, bool]:
        """When it switched last, when it will next, and whether it is on."""
        day = int(time_s // DAY_S)
        before = 0
        for near in (day - 1, day, day + 1, day + 2):
            off_s = self._daylight.sunrise_s(near) + self._off_s
            if time_s < off_s:
                return before, off_s, True
            before = self._daylight.sunset_s(near) + self._on_s
            if time_s < before:
                return off_s, before, False
        raise AssertionError("the sun rises every day")


class Mains:
    """Power to a group of lamps that fail together.

    cuts: begin and end in Unix s; further ones are drawn from *stream*, so many a year, over *for_s*.
    """

    def __init__(
        self,
        stream: Stream,
        noise: Noise,
        calendar: Calendar,
        start_s: int,
        for_s: float,
        *,
        volts: float = 231.0,
        cuts_per_year: float = 1.0,
        cuts: Iterable[tuple[float, float]] = (),
        feeder: Feeder | None = None,
    ) -> None:
        self._noise = noise
        self._calendar = calendar
        self._volts = volts
        self._feeder = feeder
        self._phase = stream.below(NOISES)
        self._cuts = Spans([*cuts, *_drawn(stream, start_s, for_s, cuts_per_year)])

    def on(self, time_s: float) -> bool:
        """Whether there is power."""
        return not self._cuts.holds(time_s) and (self._feeder is None or self._feeder.on(time_s))

    def next_change_s(self, time_s: float) -> float:
        """When power next comes or goes after *time_s*; `spans.NEVER_S`: it stays as it is."""
        was_on = self.on(time_s)
        while True:
            next_s = self._cuts.next_change_s(time_s)
            if self._feeder is not None:
                next_s = min(next_s, self._feeder.next_change_s(time_s))
            if next_s >= NEVER_S or self.on(next_s) != was_on:
                return next_s
            time_s = next_s

    def volts(self, time_s: float) -> float:
        """The voltage while there is power: lower when the town cooks, with some wandering."""
        local_s = time_s + self._calendar.offset_s(time_s)
        evening = cycle(local_s, DAY_S, 19 * 3600)
        slow = self._noise.smooth(self._phase + time_s / 1200)
        return self._volts - 2.5 * evening + 1.2 * slow + 0.4 * self._noise.at(self._phase + 5 * int(time_s))


def _drawn(stream: Stream, start_s: int, for_s: float, per_year: float) -> list[tuple[float, float]]:
    cuts: list[tuple[float, float]] = []
    if per_year <= 0:
        return cuts
    time_s = start_s + stream.exponential() * YEAR_S / per_year
    while time_s < start_s + for_s:
        end_s = time_s + _LEAST_CUT_S + stream.exponential() * _CUT_MIN * 60
        cuts.append((float(int(time_s)), float(int(end_s))))
        time_s = end_s + stream.exponential() * YEAR_S / per_year
    return cuts
