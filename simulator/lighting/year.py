"""A year of one programme on one street: which level holds when, and what comes of it.

The steps of each night are found by the very code that lamps run (`protocol.dimming.lighting_day`). What is put above
them by orders is put above them here as the gateway's door does: events of the calendar, too dark by day, presence.
Levels are cut into pieces of time in which nothing changes: the level of the street, night or day, curfew or not. Fades
are left out: they take a minute, and half of one is above, half below.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from protocol.civil import DAY_S, date_of, day_of
from protocol.dimming import Programme, Site, lighting_day
from simulator.chain.cabinet import PlannedNights
from simulator.lighting.people import Passage
from simulator.lighting.street import CLASSES, Street, minutes_of
from simulator.stimuli.daylight import Daylight
from simulator.stimuli.weather import Weather

_NOON_S = 43_200
_LOOK_S = 600  # how often a photocell is asked by day
_BIN_S = 600  # of the nights that are shown

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Piece:
    """From from_s to to_s (Unix) the street's lamps have one level. month: 0..11, of its night."""

    from_s: float
    to_s: float
    level_pct: int
    dark: bool
    curfew: bool
    month: int

    def goes_on(self, before: "Piece") -> bool:
        """Whether nothing changed between the two."""
        return (self.level_pct, self.dark, self.curfew, self.month) == (
            before.level_pct,
            before.dark,
            before.curfew,
            before.month,
        )


@dataclass(slots=True)
class Outcome:
    """What a programme does in a year. Lamp-seconds by level: of all time by month, of the dark, of the curfew.

    met, passed: people below a lamp in the dark by local hour, those who had light, and all.
    shown: levels of nights, every ten minutes from noon to noon, by their name.
    """

    name: str
    taken_kwh: list[float] = field(default_factory=lambda: [0.0] * 12)
    in_the_dark: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    in_the_curfew: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    lit_s: float = 0.0
    met: list[int] = field(default_factory=lambda: [0] * 24)
    passed: list[int] = field(default_factory=lambda: [0] * 24)
    shown: dict[str, list[float | None]] = field(default_factory=dict)


class Year:
    """All that programmes share: the street, its sun and weather, and who passes."""

    def __init__(self, street: Street, site: Site, weather: Weather, people: Sequence[Passage]) -> None:
        self.street = street
        self.site = site
        self.first_day = day_of(street.year, 1, 1)
        self.days = day_of(street.year + 1, 1, 1) - self.first_day
        self._weather = weather
        self._daylight = Daylight(street.latitude_deg, street.longitude_deg, site.utc_offset_min, self.first_day)
        self.noons = [_noon_s(site, self.first_day + each) for each in range(self.days + 1)]
        self.dark = [self._dark(self.first_day + each) for each in range(-1, self.days + 1)]
        self.curfew = self._curfew()
        self._sunsets = [span[0] for span in self.dark]
        self._people = [passage for passage in people if self._is_dark(passage.at_s)]

    def outcome(self, plan: PlannedNights) -> Outcome:
        """Live through the year."""
        found = Outcome(plan.name)
        pieces = self.pieces(plan)
        for piece in pieces:
            self._take(found, piece, piece.level_pct, (piece.to_s - piece.from_s) * self.street.lamps)
        boosts = self._own_boosts(pieces)
        for spans in boosts.values():
            self._boosted(found, pieces, spans)
        self._meet(found, pieces, boosts)
        for name, night in self.nights_shown().items():
            found.shown[name] = self._levels(pieces, night)
        return found

    def nights_shown(self) -> dict[str, int]:
        """A working day's night in winter, and a Saturday's in summer, as days since 1970-01-01."""
        winter = day_of(self.street.year, 1, 12)
        summer = day_of(self.street.year, 6, 18)
        winter += (1 - (winter + 3)) % 7  # to a Tuesday
        summer += (5 - (summer + 3)) % 7
        return {"winter": winter, "summer": summer}

    def pieces(self, plan: PlannedNights) -> list[Piece]:
        """The year in pieces, in their order."""
        base = self._base(plan.nights)
        for first, last, nights in plan.events:
            base = self._with_event(base, first, last, nights)
        rises = [] if plan.lux is None else self._dark_days(plan.lux)
        seen = [] if plan.presence is None else self._presence(base, plan.presence[1])
        cuts = sorted(
            {at_s for at_s, _ in base}
            | {at_s for spans in (rises, seen, self.dark, self.curfew) for span in spans for at_s in span}
            | set(self.noons)
        )
        begin_s, end_s = self.noons[0], self.noons[-1]
        walks = [_Walk(spans) for spans in (rises, seen, self.dark, self.curfew)]
        starts, levels = [at_s for at_s, _ in base], [level for _, level in base]
        found: list[Piece] = []
        for from_s, to_s in pairwise(cuts):
            if not begin_s <= from_s < end_s:
                continue
            level = levels[bisect_right(starts, from_s) - 1]
            by_lux, by_presence, dark, curfew = (walk.holds(from_s) for walk in walks)
            below = level
            if by_presence and plan.presence is not None and (below or dark):
                level = max(level, plan.presence[0])
            if by_lux and plan.lux is not None:
                level = max(level, plan.lux[0])
            night = self.first_day + bisect_right(self.noons, from_s) - 1
            month = date_of(night)[1] - 1
            last = found[-1] if found else None
            if last is not None and (last.level_pct, last.dark, last.curfew, last.month) == (
                level,
                dark,
                curfew,
                month,
            ):
                found[-1] = Piece(last.from_s, to_s, level, dark, curfew, month)
            else:
                found.append(Piece(from_s, to_s, level, dark, curfew, month))
        return found

    # The layers.

    def _base(self, nights: Programme) -> list[tuple[float, int]]:
        """What lamps do by themselves: (from when, level)."""
        found: list[tuple[float, int]] = []
        for day in range(self.first_day - 1, self.first_day + self.days + 1):
            found += [(day * DAY_S + at_s, level) for at_s, level, _ in lighting_day(nights, self.site, day)]
        return found

    def _with_event(
        self, base: list[tuple[float, int]], first: int, last: int, nights: Programme
    ) -> list[tuple[float, int]]:
        """A special event: where its steps say more than 0 they hold, else the programme does."""
        starts = [at_s for at_s, _ in base]
        for day in range(max(first, self.first_day), min(last, self.first_day + self.days - 1) + 1):
            steps = [(day * DAY_S + at_s, level) for at_s, level, _ in lighting_day(nights, self.site, day)]
            end_s = _noon_s(self.site, day + 1)
            for (from_s, level), (to_s, _) in zip(steps, [*steps[1:], (end_s, 0)], strict=True):
                if level:
                    after = base[bisect_right(starts, to_s) - 1][1]
                    outside = [step for step in base if not from_s <= step[0] <= to_s]
                    base = sorted([*outside, (from_s, level), (to_s, after)])
                    starts = [at_s for at_s, _ in base]
        return base

    def _dark_days(self, lux: tuple[int, int, int]) -> list[Span]:
        """When it is too dark by day, as a photocell with hysteresis sees it."""
        found: list[Span] = []
        for (_, sunrise_s), (sunset_s, _) in zip(self.dark, self.dark[1:], strict=False):
            since_s: float | None = None
            at_s = float(sunrise_s)
            while at_s < sunset_s:
                seen = self._daylight.lux(at_s, self._weather.at(at_s).cloud)
                if since_s is None and seen < lux[1]:
                    since_s = at_s
                elif since_s is not None and seen > lux[2]:
                    found.append((since_s, at_s))
                    since_s = None
                at_s += _LOOK_S
            if since_s is not None:
                found.append((since_s, float(sunset_s)))
        return found

    def _presence(self, base: list[tuple[float, int]], hold_s: int) -> list[Span]:
        """When the gateway has the whole street boosted, because a motion input saw somebody."""
        every = self.street.motion
        if not every:
            return []
        delay_s = self.street.delay_s
        seen = sorted(
            at_s + delay_s
            for passage in self._people
            for lamp, at_s in passage.times(self.street.spacing_m)
            if not lamp % every
        )
        return merged((at_s, at_s - delay_s + hold_s) for at_s in seen)

    def _own_boosts(self, pieces: Sequence[Piece]) -> dict[int, list[Span]]:
        """When each lamp with a motion input boosts itself."""
        street = self.street
        if not street.motion or not street.own_boost_pct:
            return {}
        seen: dict[int, list[float]] = defaultdict(list)
        for passage in self._people:
            for lamp, at_s in passage.times(street.spacing_m):
                if not lamp % street.motion:
                    seen[lamp].append(at_s)
        return {
            lamp: merged((at_s, at_s + street.own_boost_s) for at_s in sorted(times)) for lamp, times in seen.items()
        }

    # What comes of it.

    def _take(self, found: Outcome, piece: Piece, level_pct: int, lamp_s: float) -> None:
        """So many lamp-seconds at a level; negative takes them back."""
        found.taken_kwh[piece.month] += self.street.taken_w(level_pct) * lamp_s / 3.6e6
        if level_pct:
            found.lit_s += lamp_s
        if piece.dark:
            found.in_the_dark[level_pct] += lamp_s
        if piece.curfew:
            found.in_the_curfew[level_pct] += lamp_s

    def _boosted(self, found: Outcome, pieces: Sequence[Piece], spans: Sequence[Span]) -> None:
        """One lamp was brighter than its street at these times."""
        boost = self.street.own_boost_pct
        starts = [piece.from_s for piece in pieces]
        for from_s, to_s in spans:
            at = max(0, bisect_right(starts, from_s) - 1)
            while at < len(pieces) and pieces[at].from_s < to_s:
                piece = pieces[at]
                seconds = min(to_s, piece.to_s) - max(from_s, piece.from_s)
                if seconds > 0 and piece.level_pct < boost and (piece.level_pct or piece.dark):
                    self._take(found, piece, piece.level_pct, -seconds)
                    self._take(found, piece, boost, seconds)
                at += 1

    def _meet(self, found: Outcome, pieces: Sequence[Piece], boosts: dict[int, list[Span]]) -> None:
        """Who had light below a lamp, and who had not."""
        street = self.street
        starts = [piece.from_s for piece in pieces]
        own = street.own_boost_pct >= street.enough_pct
        for passage in self._people:
            place = bisect_right(starts, passage.at_s) - 1
            if not 0 <= place < len(pieces):
                continue
            hour = self._hour(passage.at_s)
            for lamp, at_s in passage.times(street.spacing_m):
                while place + 1 < len(pieces) and pieces[place].to_s <= at_s:
                    place += 1
                if not pieces[place].dark:
                    continue
                found.passed[hour] += 1
                lit = pieces[place].level_pct >= street.enough_pct
                if not lit and own and lamp in boosts:
                    lit = True  # its own motion input has just seen them
                found.met[hour] += lit

    def _hour(self, at_s: float) -> int:
        utc_day, second = divmod(int(at_s), DAY_S)
        return self.site.to_local(utc_day, second)[1] // 3600

    def _levels(self, pieces: Sequence[Piece], night: int) -> list[float | None]:
        """Of the street in one night, every ten minutes from noon to noon, without what single lamps boost."""
        starts = [piece.from_s for piece in pieces]
        begin_s = _noon_s(self.site, night)
        return [float(pieces[bisect_right(starts, begin_s + at_s) - 1].level_pct) for at_s in range(0, DAY_S, _BIN_S)]

    def _dark(self, day: int) -> Span:
        """Sunset and sunrise of a night."""
        ahead_s = self.site.utc_offset_min * 60
        sunset_s = day * DAY_S - ahead_s + self.site.sun.evening(day) * 6
        return float(sunset_s), float((day + 1) * DAY_S - ahead_s + self.site.sun.morning(day + 1) * 6)

    def _is_dark(self, at_s: float) -> bool:
        place = bisect_right(self._sunsets, at_s) - 1
        return place >= 0 and at_s < self.dark[place][1]

    def _curfew(self) -> list[Span]:
        begin, end = (minutes_of(text, "curfew") for text in (self.street.curfew_from, self.street.curfew_to))
        found = []
        for day in range(self.first_day - 1, self.first_day + self.days + 1):
            times = []
            for minute in (begin, end):
                utc = self.site.from_local(day if minute >= 720 else day + 1, minute * 60)
                times.append(float(utc[0] * DAY_S + utc[1]))
            if times[0] < times[1]:
                found.append((times[0], times[1]))
        return found


class _Walk:
    """Whether spans, in their order, hold at times that only grow."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._at = 0

    def holds(self, at_s: float) -> bool:
        while self._at < len(self._spans) and self._spans[self._at][1] <= at_s:
            self._at += 1
        return self._at < len(self._spans) and self._spans[self._at][0] <= at_s


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in the order of their beginnings, those that touch made one."""
    found: list[Span] = []
    for from_s, to_s in spans:
        if found and from_s <= found[-1][1]:
            found[-1] = (found[-1][0], max(to_s, found[-1][1]))
        else:
            found.append((from_s, to_s))
    return found


def below_h(outcome: Outcome, street: Street) -> dict[str, float]:
    """Hours of the dark, of one lamp, in which the street has less than each class asks for (EN 13201-2:2015)."""
    return {
        name: sum(s for level, s in outcome.in_the_dark.items() if level * street.full / 100 < least - 1e-9)
        / 3600
        / street.lamps
        for name, least in CLASSES[street.classes]
    }


def _noon_s(site: Site, day: int) -> float:
    utc_day, second = site.from_local(day, _NOON_S)
    return float(utc_day * DAY_S + second)
