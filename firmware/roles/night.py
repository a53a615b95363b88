"""A night without a clock: how far on it is, by nights learned before.

A lamp without a clock knows when the night begins by its photocell, or by having power at all where the cabinet cuts it
by day. Once it has learned how long nights are, it knows the hour: half a night later is virtual midnight. Everything
here errs towards light: what is not sure is not night learned, not midnight. Loaded on demand (`rarely.py`).
"""

from protocol.compat import const
from protocol.dimming import CLOCK, DUSK, SUNSET, DayType, Programme, Site, Step

KEPT_NIGHTS = const(7)  # nights change by at most 4 minutes a day here: a week's longest is half an hour wrong
_MIN_NIGHT_MIN = const(360)  # the shortest from lamps on to lamps off, at 51° N; a shorter run was cut by an outage
_MAX_NIGHT_MIN = const(1080)  # the longest, and a little; a longer run is a cabinet left on
_AGREE_MIN = const(40)
_TOLERANCE_MIN = const(45)  # a week's change, a checkpoint's quarter of an hour

_SLOT_MIN = const(15)  # resolution of a virtual night
_MARGIN_SLOTS = const(2)  # the sun's midnight wanders by 16 minutes in a year; learned nights are off by as much
_MIDNIGHT_MIN = const(1440)


class Nights:
    """How long nights are, from the last ones: lengths_min, oldest first.

    Where the cabinet cuts the power, each night is one run of the node, and an outage splits it. A power-up begins a
    night when the run before was a whole night, or ended one that had begun so: then the hour is known. After anything
    else, such as an outage of unknown length in the middle of a night, it is not, until after the next whole night.
    before_min: 0 when the run now began a night, minutes of the run before it when that did, None when neither is sure.
    """

    def __init__(self, lengths_min: list[int], before_min: int | None = None) -> None:
        self.lengths_min = lengths_min[-KEPT_NIGHTS:]
        self.before_min = before_min

    def add(self, length_min: int) -> None:
        """Learn from a night, unless an outage or an oversight made it too short or too long to be one."""
        if _MIN_NIGHT_MIN <= length_min <= _MAX_NIGHT_MIN:
            self.lengths_min.append(length_min)
            del self.lengths_min[:-KEPT_NIGHTS]

    def length_min(self) -> int | None:
        """Minutes of the longest of the last nights that another confirms, or None.

        One that is longer than any other may be an oversight; two such say that outages make it all unclear.
        """
        lengths = sorted(self.lengths_min)
        for k in range(len(lengths) - 1, max(0, len(lengths) - 3), -1):
            if lengths[k] - lengths[k - 1] <= _AGREE_MIN:
                return lengths[k]
        return None

    def power_up(self, run_min: int) -> bool:
        """Power came on after a run of *run_min*. Returns whether a night surely begins now."""
        self.add(run_min)
        length = self.length_min()
        before_min = self.before_min
        self.before_min = None
        if length is None:
            return False
        least, most = length - _TOLERANCE_MIN, length + _TOLERANCE_MIN
        if least <= run_min <= most or (before_min and least <= before_min + run_min <= most):
            self.before_min = 0
        elif before_min == 0:
            self.before_min = max(1, run_min)
        return self.before_min == 0


def virtual_levels(programme: bytes, site: bytes, lengths_min: list[int]) -> bytes:
    """`virtual_night` of a programme and a site as they are stored; b"" while the length of nights is not known.

    Raises ProtocolError for a programme or a site that is none.
    """
    length_min = Nights(lengths_min).length_min()
    if length_min is None:
        return b""
    return bytes(virtual_night(Programme.decode(programme[2:]), Site.decode(site), length_min))


def virtual_night(programme: Programme, site: Site, night_min: int) -> bytearray:
    """The levels of a night of *night_min*, one per slot of 15 minutes from its beginning, without knowing the date.

    Each is the brightest that the programme could mean: of all its day types, of summer and winter time, within half an
    hour; at both ends of the night its brightest of all. So there may be more light than planned, never less.
    """
    slots = (night_min + _SLOT_MIN - 1) // _SLOT_MIN
    brightest = max([step.level_pct for day_type in programme.day_types for step in day_type.steps])
    levels = bytearray(slots)
    for summer_min in (0, 60) if site.summer_rule else (0,):
        midnight_min = night_min // 2 - _solar_midnight_min(site) - summer_min
        for day_type in programme.day_types:
            _brighten(levels, _moments(day_type, night_min, midnight_min), brightest, night_min)
    wide = bytearray(slots)
    for k in range(slots):
        at_ends = k < _MARGIN_SLOTS or k >= slots - _MARGIN_SLOTS
        wide[k] = brightest if at_ends else max(levels[k - _MARGIN_SLOTS : k + _MARGIN_SLOTS + 1])
    return wide


def _solar_midnight_min(site: Site) -> int:
    """Minutes from midnight, standard time, to the middle of a mean night."""
    points = site.sun.morning_points
    return (sum(points) + sum(site.sun.evening_points) - 14400 * len(points)) // (20 * len(points))


def _moments(day_type: DayType, night_min: int, midnight_min: int) -> list[tuple[int, int, int]]:
    """(minute of the night, place in the list, level_pct) of the steps that happen, as they happen."""
    opens_min, closes_min = -_MIDNIGHT_MIN, 2 * _MIDNIGHT_MIN
    evening = [step.offset_min for step in day_type.steps if step.anchor in (SUNSET, DUSK)]
    morning = [night_min + step.offset_min for step in day_type.steps if _of_morning(step)]
    if evening:
        opens_min = min(evening)
    if morning:
        closes_min = max(morning)
    moments = []
    for place, step in enumerate(day_type.steps):
        at_min = step.offset_min
        if step.anchor == CLOCK:
            at_min += midnight_min if at_min < 720 else midnight_min - _MIDNIGHT_MIN
            if not opens_min < at_min < closes_min:
                continue
        elif _of_morning(step):
            at_min += night_min
        moments.append((at_min, place, step.level_pct))
    return sorted(moments)


def _of_morning(step: Step) -> bool:
    return step.anchor not in (CLOCK, SUNSET, DUSK)


def _brighten(levels: bytearray, moments: list[tuple[int, int, int]], level_pct: int, night_min: int) -> None:
    """Raise each slot to what the steps ask for in it; *level_pct* holds before the first."""
    from_min = 0
    for at_min, _, next_pct in moments + [(night_min, 0, 0)]:
        to_min = min(max(at_min, from_min), night_min)
        for k in range(from_min // _SLOT_MIN, (to_min + _SLOT_MIN - 1) // _SLOT_MIN):
            levels[k] = max(levels[k], level_pct)
        from_min = to_min
        level_pct = next_pct
