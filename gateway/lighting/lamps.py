"""What is known of each lamp: which group keys and which programme it has, and what it told last."""

import json
from dataclasses import dataclass, field

from gateway.network.registration import Group, Registration

PLACES = 4  # for groups in a lamp (`protocol/lorawan/multicast.py`, TS005-1.0.0)
ALIVE_MS = 3 * 3_600_000 + 600_000  # three readings of a lamp: what has been silent for longer is not called


@dataclass(frozen=True, slots=True)
class Key:
    """A lamp has the key of the group with this address, at this place of four."""

    place: int
    mc_addr: int


@dataclass(slots=True, kw_only=True)
class Lamp:
    """One lamp. session: number of the last one it spoke in, -1 before. version: of the programme it said it has.

    sure: False after a join, in which it may be another node under the same name: its version is asked for. refused:
    the version that it would not take. have: bits of the parts that it holds of the programme it is to get. settings:
    by number, that it confirmed. asked: numbers of those that it was sent and did not confirm: who knows what it has.
    """

    registration: Registration
    session: int = -1
    version: int | None = None
    sure: bool = True
    refused: int | None = None
    keys: dict[int, Key] = field(default_factory=dict)  # by number of the group
    settings: dict[int, int] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    have: int = 0
    have_version: int | None = None
    heard_ms: int | None = None  # monotonic; None since the start
    version_s: int = 0  # Unix time of the last word on the programme
    unkept: bool = False  # whether something of this must be written that is not
    told_s: int = 0  # Unix time of what the next two are of
    level_pct: int | None = None
    status: int | None = None  # bits of LAMP_STATUS

    def has_key(self, group: Group) -> bool:
        """Whether it hears what goes to *group*."""
        key = self.keys.get(group.number)
        return key is not None and key.mc_addr == group.mc_addr

    def free_place(self, group: int) -> int | None:
        """Where the key of *group* can go; None: it has four others."""
        if group in self.keys:
            return self.keys[group].place
        taken = {key.place for key in self.keys.values()}
        return next((place for place in range(PLACES) if place not in taken), None)

    def alive(self, now_ms: int) -> bool:
        """Whether it was heard lately."""
        return self.heard_ms is not None and now_ms - self.heard_ms <= ALIVE_MS

    def lacks_setting(self, number: int, value: int) -> bool:
        """Whether it did not confirm that a setting has this value."""
        return number in self.asked or self.settings.get(number) != value

    def sets(self, number: int, value: int | None) -> None:
        """It says which value a setting has; None: it is sent one."""
        if value is None:
            self.asked.add(number)
        else:
            self.asked.discard(number)
            self.settings[number] = value
        self.unkept = True

    def forgets(self) -> None:
        """It is another node, or has lost its memory."""
        self.keys, self.settings, self.asked = {}, {}, set()

    def stores(self, version: int | None, at_s: int) -> None:
        """It says which programme it has; None: none."""
        self.unkept = self.unkept or (version, True) != (self.version, self.sure)
        self.version, self.sure, self.version_s = version, True, at_s
        if version is not None:
            self.refused = None if self.refused == version else self.refused
            self.have, self.have_version = 0, None

    def to_text(self) -> str:
        """What must survive a start of the gateway."""
        kept = {
            "session": self.session,
            "version": self.version,
            "sure": self.sure,
            "refused": self.refused,
            "keys": {str(group): [key.place, key.mc_addr] for group, key in self.keys.items()},
            "settings": {str(number): value for number, value in self.settings.items()},
            "asked": sorted(self.asked),
        }
        return json.dumps(kept, separators=(",", ":"))


def lamp_from_text(registration: Registration, text: str | None) -> Lamp:
    """A lamp as it was kept; None, or what no version of this wrote: nothing is known of it, and it is asked."""
    if text is None:
        return Lamp(registration=registration)
    try:
        kept = json.loads(text)
        return Lamp(
            registration=registration,
            session=kept["session"],
            version=kept["version"],
            sure=kept["sure"],
            refused=kept["refused"],
            keys={int(group): Key(place, mc_addr) for group, (place, mc_addr) in kept["keys"].items()},
            settings={int(number): value for number, value in kept.get("settings", {}).items()},
            asked=set(kept.get("asked", [])),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Lamp(registration=registration)
