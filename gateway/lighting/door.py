"""The one door to a lamp: of all rules that want a level, the strongest holds it, and says so.

    safety > manual, until it expires > presence > too dark by day > event > programme

Presence and darkness only ever brighten: they hold a lamp that would be darker. What a lamp does by itself is worked
out with the very code that it runs (`protocol.dimming`), by the programme that it is known to have, not by the one that
it shall get. A lamp of which nothing is known has full light, as it would.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from protocol.civil import DAY_S, from_gps, to_gps
from protocol.dimming import Site, lighting_day, setpoint_at

from .plan import SITE, Boost, Event, LightGroup, LightProgramme, Override, Rule, Setpoint, Target

_FULL_PCT = 100
_MOST_FOUND = 64  # programmes of which the last answer is kept
_BRIGHTEN_FADE_S = 1  # as firmware/roles/setpoint.py has it
_NOON_S = 43_200
_TENTH_S = 6


class Lamps(Protocol):
    """What the door asks about lamps."""

    def groups_of(self, lamp: bytes) -> Iterable[LightGroup]:
        """The groups that a lamp is a member of."""

    def programme_of(self, lamp: bytes) -> LightProgramme | None:
        """What a lamp is known to store; None: nothing that is known."""

    def limit_pct(self, lamp: bytes) -> int | None:
        """The level that a lamp last told when it was too hot for more; None: it is not."""


class Door:
    """lamps: who is in which group and stores what. programmes: by name, for their events.

    site: the almanac of all lamps; None while nobody has worked it out: then full light is expected.
    """

    def __init__(self, lamps: Lamps, programmes: Mapping[str, LightProgramme], site: Site | None = None) -> None:
        self.site = site
        self._lamps = lamps
        self._programmes = programmes
        self.overrides: dict[Target, Override] = {}  # the newest of each target
        self.boosts: dict[tuple[int, Rule], Boost] = {}
        # What programmes asked for last, and since when: thousands of lamps ask for the same step of the same night.
        self._found: dict[LightProgramme, tuple[Site, int, Setpoint]] = {}

    def expected(self, lamp: bytes, at_s: int) -> Setpoint:
        """What the lamp with this DevEUI should do at Unix time *at_s*, as far as is known now."""
        setpoint = self.ordered(lamp, at_s) or self.alone(lamp, at_s)
        limit_pct = self._lamps.limit_pct(lamp)
        if limit_pct is not None and setpoint.level_pct > limit_pct:
            return Setpoint(level_pct=limit_pct, rule=Rule.SAFETY, until_s=None, detail="too hot")
        return setpoint

    def alone(self, lamp: bytes, at_s: int) -> Setpoint:
        """What the lamp does without orders: its programme, or full light."""
        return self.by_itself(self._lamps.programme_of(lamp), at_s)

    def ordered(self, lamp: bytes, at_s: int) -> Setpoint | None:
        """What orders make the lamp do; None: none of them holds it."""
        groups = tuple(self._lamps.groups_of(lamp))
        targets: list[Target] = [lamp, *(group.number for group in groups), SITE]
        return self._ordered(targets, groups, self._lamps.programme_of(lamp), at_s)

    def ordered_in_group(self, group: LightGroup, at_s: int) -> Setpoint | None:
        """What orders make all lamps of *group* do that nobody holds alone; None: they follow their programme."""
        return self._ordered([group.number, SITE], (group,), self._programmes.get(group.programme), at_s)

    def _ordered(
        self, targets: list[Target], groups: tuple[LightGroup, ...], programme: LightProgramme | None, at_s: int
    ) -> Setpoint | None:
        override = self._override(targets, at_s)
        if override is not None and override.level_pct is not None:
            return Setpoint(
                level_pct=override.level_pct,
                rule=Rule.MANUAL,
                until_s=override.until_s,
                fade_s=override.fade_s,
                detail=f"override {override.id} by {override.source}",
            )
        event = self._event(groups, at_s)
        if not self.boosts:
            return event  # what lamps do by themselves takes a while to work out
        return self._boosted(groups, event or self.by_itself(programme, at_s), at_s) or event

    def by_itself(self, programme: LightProgramme | None, at_s: int) -> Setpoint:
        """What a lamp with this programme does without orders; None: without one that is known."""
        if programme is None or self.site is None:
            detail = "" if programme is None else "the sun of the site is not worked out yet"
            return Setpoint(level_pct=_FULL_PCT, rule=Rule.NO_PROGRAMME, until_s=None, detail=detail)
        known = self._found.get(programme)
        if known is not None and known[0] is self.site and known[1] <= at_s < (known[2].until_s or 0):
            return known[2]
        level_pct, fade_s, since_s, until_s = setpoint_at(programme.nights, self.site, gps_of(at_s))
        setpoint = Setpoint(
            level_pct=level_pct,
            rule=Rule.PROGRAMME,
            until_s=at_s + until_s,
            fade_s=fade_s,
            detail=f"{programme.name}, version {programme.version:04x}",
        )
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        self._found[programme] = self.site, at_s - since_s, setpoint
        return setpoint

    def sun_is_down(self, at_s: int) -> bool:
        """Whether *at_s* is between sunset and sunrise."""
        if self.site is None:
            return False
        standard_s = at_s + self.site.utc_offset_min * 60
        day, tenth = divmod(standard_s // _TENTH_S, DAY_S // _TENTH_S)
        return not self.site.sun.morning(day) <= tenth < self.site.sun.evening(day)

    def next_sunrise_s(self, at_s: int) -> int | None:
        """Unix time of the first sunrise after *at_s*: no order to a group holds longer (firmware/roles/light.py)."""
        if self.site is None:
            return None
        ahead_s = self.site.utc_offset_min * 60
        day = (at_s + ahead_s) // DAY_S
        times = [(day + after) * DAY_S - ahead_s + self.site.sun.morning(day + after) * _TENTH_S for after in (0, 1)]
        return next(time for time in times if time > at_s)

    def _override(self, targets: list[Target], at_s: int) -> Override | None:
        """The newest that holds one of *targets*."""
        held = [self.overrides[target] for target in targets if target in self.overrides]
        newest = max(held, key=lambda override: (override.since_s, override.id), default=None)
        # An older one that would last longer is over: in the lamp the newer one has replaced it.
        return newest if newest is not None and newest.since_s <= at_s < newest.until_s else None

    def _boosted(self, groups: tuple[LightGroup, ...], below: Setpoint, at_s: int) -> Setpoint | None:
        """The brightest boost that is brighter than what holds below it."""
        brightest: Boost | None = None
        for group in groups:
            for rule in (Rule.PRESENCE, Rule.LUX):
                boost = self.boosts.get((group.number, rule))
                if boost is None or at_s >= boost.until_s or boost.level_pct <= below.level_pct:
                    continue
                if rule is Rule.PRESENCE and not (below.level_pct or self.sun_is_down(at_s)):
                    continue  # by day nobody needs a lamp
                if brightest is None or boost.level_pct > brightest.level_pct:
                    brightest = boost
        if brightest is None:
            return None
        return Setpoint(
            level_pct=brightest.level_pct,
            rule=brightest.rule,
            until_s=brightest.until_s,
            fade_s=_BRIGHTEN_FADE_S,
            detail=brightest.source,
        )

    def _event(self, groups: tuple[LightGroup, ...], at_s: int) -> Setpoint | None:
        """What a special event of one of *groups* asks for."""
        for group in groups:
            programme = self._programmes.get(group.programme)
            for event in programme.events if programme else ():
                setpoint = None if self.site is None else event_setpoint(event, self.site, at_s)
                if setpoint is not None:
                    return setpoint
        return None


def event_setpoint(event: Event, site: Site, at_s: int) -> Setpoint | None:
    """What *event* asks for at Unix time *at_s*; None: nothing, and the lamp follows its programme."""
    utc_day, utc_s = from_gps(gps_of(at_s))
    day, second = site.to_local(utc_day, utc_s)
    if second < _NOON_S:
        day -= 1
    if not event.on(day):
        return None
    now_s = (utc_day - day) * DAY_S + utc_s
    steps = lighting_day(event.nights, site, day)
    past = [step for step in steps if step[0] <= now_s]
    if not past or not past[-1][1]:
        return None
    _, level_pct, fade_s = past[-1]
    utc_end = site.from_local(day + 1, _NOON_S)
    end_s = (utc_end[0] - day) * DAY_S + utc_end[1]
    until_s = next((step[0] for step in steps if step[0] > now_s), end_s)
    return Setpoint(
        level_pct=level_pct, rule=Rule.EVENT, until_s=at_s + until_s - now_s, fade_s=fade_s, detail=event.name
    )


def gps_of(unix_s: int) -> int:
    """GPS seconds of a Unix time."""
    return to_gps(*divmod(unix_s, DAY_S))
