"""A dimming programme: for each type of day a few steps, tied to the clock or the sun, that say level and fade."""

from .. import cbor
from ..compat import const
from ..errors import MessageError
from ..items import array, integer

# What a step's minutes are counted from.
CLOCK = const(0)  # midnight, by the clock people see
SUNSET = const(1)
SUNRISE = const(2)
DUSK = const(3)  # end of civil twilight
DAWN = const(4)  # begin of civil twilight

# Which days a day type is for: bit 0 is Monday, bit 6 Sunday, and
HOLIDAYS = const(0x80)
EVERY_DAY = const(0x7F)

MAX_PROGRAMME_BYTES = const(136)  # 4 frames of 51 bytes less what an order around each part takes
MAX_DAY_TYPES = const(8)  # seven weekdays and holidays: more cannot be told apart
MAX_STEPS = const(10)  # as many switching steps as street lighting systems offer; a lamp needs four to six
MAX_SUN_OFFSET_MIN = const(180)  # further away a step is not about the sun any more, but about the clock
MAX_FADE_S = const(600)  # slower than anyone sees; with it the packed integer stays below 2^16: 3 bytes of CBOR

_CLOCK_MIN_MAX = const(1439)
_LEVELS = const(101)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "holidays")


class Step:
    """From a moment of the night on, hold a level.

    anchor: CLOCK, SUNSET, SUNRISE, DUSK or DAWN; offset_min: minutes after it, for CLOCK the time of day 0..1439,
    else −180..180; level_pct: 0..100; fade_s: how long the lamp takes to get there, 0..600.
    Raises MessageError for anything else.
    """

    def __init__(self, anchor: int, offset_min: int, level_pct: int, fade_s: int) -> None:
        self.anchor = integer(anchor, "step: anchor", CLOCK, DAWN)
        if anchor == CLOCK:
            self.offset_min = integer(offset_min, "step: minute of the day", 0, _CLOCK_MIN_MAX)
        else:
            self.offset_min = integer(offset_min, "step: minutes from the sun", -MAX_SUN_OFFSET_MIN, MAX_SUN_OFFSET_MIN)
        self.level_pct = integer(level_pct, "step: level_pct", 0, 100)
        self.fade_s = integer(fade_s, "step: fade_s", 0, MAX_FADE_S)


class DayType:
    """The steps of the nights that begin on certain days.

    days: bit 0 Monday .. bit 6 Sunday, HOLIDAYS for public holidays; steps: 1..10, in any order; of two steps at the
    same moment the one listed later holds. Raises MessageError otherwise.
    """

    def __init__(self, days: int, *steps: Step) -> None:
        self.days = integer(days, "day type: days", 1, EVERY_DAY | HOLIDAYS)
        integer(len(steps), "day type: number of steps", 1, MAX_STEPS)
        self.steps = steps


class Programme:
    """What a lamp does every night: 1..8 day types that cover each weekday once, and holidays once or not at all.

    Raises MessageError for days that are missing or covered twice. One programme has one encoding.
    """

    def __init__(self, *day_types: DayType) -> None:
        integer(len(day_types), "programme: number of day types", 1, MAX_DAY_TYPES)
        covered = 0
        for day_type in day_types:
            if covered & day_type.days:
                raise MessageError(f"programme: {_names(covered & day_type.days)} in two day types; expected once")
            covered |= day_type.days
        if covered & EVERY_DAY != EVERY_DAY:
            raise MessageError(f"programme: no day type for {_names(EVERY_DAY & ~covered)}; every weekday needs one")
        self.day_types = day_types
        self._knows_holidays = bool(covered & HOLIDAYS)

    @staticmethod
    def decode(data: bytes) -> "Programme":
        """Read what `encode` wrote.

        Raises CborError or MessageError. Nothing unknown is skipped: a programme understood by half must not run.
        """
        if len(data) > MAX_PROGRAMME_BYTES:
            raise MessageError(f"programme has {len(data)} bytes; at most {MAX_PROGRAMME_BYTES} fit its frames")
        items = array(cbor.decode(data), "programme")
        return Programme(*[_day_type(array(item, "day type")) for item in items])

    def encode(self) -> bytes:
        """CBOR of `[[days, when, what, when, what, …], …]` (`programme` in lampyre.cddl); MessageError over 136 bytes.

        when = offset_min · 8 + anchor; what = fade_s · 101 + level_pct: at most six bytes a step, so that 20 steps in
        up to four day types always fit.
        """
        items: list[object] = []
        for day_type in self.day_types:
            item = [day_type.days]
            for step in day_type.steps:
                item.append(step.offset_min * 8 + step.anchor)
                item.append(step.fade_s * _LEVELS + step.level_pct)
            items.append(item)
        data = cbor.encode(items)
        if len(data) > MAX_PROGRAMME_BYTES:
            raise MessageError(
                f"programme takes {len(data)} bytes; at most {MAX_PROGRAMME_BYTES} fit its frames: "
                "use fewer steps, or let more days share a day type"
            )
        return data

    def day_type(self, weekday: int, holiday: bool) -> DayType:
        """Day type of a night that begins on *weekday* (0 Monday .. 6 Sunday); a day type for holidays goes first."""
        wanted = HOLIDAYS if holiday and self._knows_holidays else 1 << weekday
        return next(day_type for day_type in self.day_types if day_type.days & wanted)


def _day_type(item: list[object]) -> DayType:
    if len(item) % 2 == 0:
        raise MessageError(f"day type has {len(item)} items; expected days and pairs of when and what")
    steps = []
    for index in range(1, len(item), 2):
        when = integer(item[index], "step: when", -8 * MAX_SUN_OFFSET_MIN, 8 * _CLOCK_MIN_MAX)
        what = integer(item[index + 1], "step: what", 0, MAX_FADE_S * _LEVELS + 100)
        steps.append(Step(when & 7, when >> 3, what % _LEVELS, what // _LEVELS))
    return DayType(integer(item[0], "day type: days", 1, EVERY_DAY | HOLIDAYS), *steps)


def _names(days: int) -> str:
    return ", ".join([name for bit, name in enumerate(_DAYS) if days >> bit & 1])


DEFAULT_PROGRAMME = Programme(
    DayType(
        EVERY_DAY,
        Step(SUNSET, 0, 100, 60),
        Step(CLOCK, 23 * 60, 50, 60),
        Step(CLOCK, 5 * 60, 100, 60),
        Step(SUNRISE, 0, 0, 60),
    )
)
"""What a town gets that asks for nothing: dimmed to half while it sleeps, never dark between sunset and sunrise."""
