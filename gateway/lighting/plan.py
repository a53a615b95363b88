"""What the town plans: groups of lamps, the programme and the special events of each, and what somebody overrides.

Modelled on TALQ: a group is its group, a programme its control programme with a calendar of day types, an event a rule
of that calendar for certain dates, an override its override command with an expiration. Times are Unix seconds.
"""

from dataclasses import dataclass
from enum import Enum

from protocol.dimming import Programme


class Rule(Enum):
    """Why a lamp has its level, strongest first; a lamp's own reasons have the same names (firmware/roles/setpoint.py).

    SAFETY: too hot. MANUAL: an override, until it expires. PRESENCE: somebody is there. LUX: it is dark by day. EVENT:
    a special event of the calendar, by orders night for night. PROGRAMME: what is stored in the lamp. NO_PROGRAMME:
    full light, as nothing is stored that is known of.
    """

    SAFETY = "safety"
    MANUAL = "manual"
    PRESENCE = "presence"
    LUX = "lux"
    EVENT = "event"
    PROGRAMME = "programme"
    NO_PROGRAMME = "no_programme"


class Installation(Enum):
    """What a group lights, by the categories of the French order of 27 December 2018, article 1."""

    ROAD = "road"  # a) exterior lighting for safe movement: streets, squares, paths
    HERITAGE = "heritage"  # b) monuments and green spaces put in light
    PARK = "park"  # b) parks and gardens open to the public
    SPORT = "sport"  # c)
    FACADE = "facade"  # d) buildings that are not lived in, from outside
    SHOP_WINDOW = "shop_window"  # d) inside light of business premises, shop windows
    CAR_PARK = "car_park"  # e) uncovered car parks of a business or activity zone
    EVENT = "event"  # f)
    SITE = "site"  # g) construction sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A special event: on the nights that begin from day *first* to day *last* (since 1970-01-01) these steps hold.

    nights: the steps as a programme of one day type. A step of level 0 gives the lamps back to their programme. Events
    are orders, night for night, and never stored in lamps: a gateway that dies cannot take them back.
    """

    name: str
    first: int
    last: int
    nights: Programme

    def on(self, day: int) -> bool:
        """Whether it holds in the night that begins on *day*."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Somebody is there: at least level_pct for hold_s after each arrival at one of *places*.

    places: of bays and lamps by their ids; a lamp's motion input counts as an arrival.
    """

    level_pct: int
    hold_s: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LuxThreshold:
    """Too dark by day, as in a thunderstorm: at least level_pct from below on_lux until above off_lux.

    dev_eui: the device whose illuminance counts.
    """

    level_pct: int
    on_lux: int
    off_lux: int
    dev_eui: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LightProgramme:
    """A programme as the town wrote it. nights: what is compiled for the lamps. text: the file as it was loaded.

    opens_min, closes_min: minutes of the day at which activity there begins and ends; None: it has no such hours.

    lamps: settings that its lamps shall have, by name.

    version: 16 bits of a checksum of what lamps store, so that equal versions are equal programmes, everywhere.
    """

    name: str
    nights: Programme
    text: str = ""
    installation: Installation = Installation.ROAD
    opens_min: int | None = None
    closes_min: int | None = None
    events: tuple[Event, ...] = ()
    presence: Presence | None = None
    lux: LuxThreshold | None = None
    lamps: tuple[tuple[str, int], ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LightGroup:
    """A multicast group as lighting sees it. programme: the name of what its members run, "" for none."""

    number: int
    name: str
    members: tuple[bytes, ...]
    programme: str = ""


SITE = 0  # a target: all lamps
Target = bytes | int  # a lamp's DevEUI, the number of a group, or SITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A level that somebody holds for *target*, from since_s until until_s; a later one replaces an earlier one.

    level_pct None: it ended early, and the lamps are called back to their programme until then.
    """

    id: int
    target: Target
    level_pct: int | None
    fade_s: int
    since_s: int
    until_s: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """At least level_pct in a group until until_s. rule: PRESENCE or LUX. source: the place or device that saw it."""

    group: int
    rule: Rule
    level_pct: int
    until_s: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """The level a lamp should have. rule: what holds it; detail: which of its kind, in words, "" for none.

    until_s: when that changes if nothing happens; None: nobody knows, as for safety and without a programme.
    """

    level_pct: int
    rule: Rule
    until_s: int | None
    fade_s: int = 0
    detail: str = ""
