"""What a lamp does when nobody orders anything: its base, the first of these that is possible.

Full light without a programme; the programme by trusted time and the sun table of the site; without time, where the
photocell sees daylight, off; while the night's beginning and length are known, the programme of a virtual night
(`night.py`); else full light. What is worked out once a day stays in memory as plain numbers; what works it out does
not (`rarely.py`, `ask`).
"""

from protocol.compat import const, on_demand

from .setpoint import NO_PROGRAMME, PHOTOCELL_DAY, PROGRAMME, UNKNOWN_NIGHT, VIRTUAL_NIGHT

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from .ledger import Ledger
    from .loading import Held

RETRY_S = const(900)  # after something could not be worked out for want of memory
_FAST_S = const(30)  # a crystal by itself for a month: 7 s
_FULL_PCT = const(100)
_SLOT_S = const(900)  # of a virtual night
_SLOT_FADE_S = const(60)


def ask(name: str, *arguments: object) -> "Any":
    """What the function *name* of `rarely.py` answers; None, which is "not known", when it cannot be had.

    This is the rule for a lamp that finds no memory or no file for what is loaded on demand: to all who ask here, not
    known means full light and another try later. So such a lamp is bright; it is never dark and never starts anew.
    ValueError is what MicroPython raises for a damaged file, and what a site or a programme raises that is none.
    """
    try:
        from . import rarely

        return getattr(rarely, name)(*arguments)
    except (MemoryError, ImportError, OSError, ValueError):
        return None


class Base:
    """site: what the flashing tool wrote (`protocol/dimming/site.py`). programme: as stored, b"" for none.

    level: level_pct, fade_s and reason of what holds now, until until_s of uptime if nothing happens; None: for ever.
    dusk_s: when the night began, if that is known; daylight: whether the photocell sees it. refused: the version of a
    stored programme that cannot be read, until that is told; else -1.
    """

    @on_demand
    def __init__(self, ledger: "Ledger", site: bytes, programme: bytes) -> None:
        self.level = (_FULL_PCT, 0, UNKNOWN_NIGHT)
        self.until_s: int | None = 0  # in the past: to be found anew
        self.dusk_s: int | None = None
        self.refused = -1
        self.programme = programme
        self.daylight = False
        self._ledger = ledger
        self._site = site
        self._unread = True  # nobody has looked whether site and programme can be read
        self._held: Held = (-1, [])  # parts of the next programme
        self._time: tuple[int, int] | None = None  # (gps_s, now_s) as last told
        self._sure = False
        self._outlook_gps_s = 0  # from when on the next three count, see `outlook.py`
        self._steps: list[tuple[int, int, int]] = []
        self._sun: tuple[int, ...] = ()
        self._look_s = 0
        self._retry_s = 0  # no sooner, when an outlook could not be had
        self._virtual: bytes | None = None  # levels of the virtual night; None: to be found
        self._read()

    def find(self, now_s: int) -> None:
        """What holds now, and until when nothing but an event changes it, if that may have changed."""
        if self.until_s is None or now_s < self.until_s:
            return
        self.level = (_FULL_PCT, 0, UNKNOWN_NIGHT)  # unless one of these knows better
        self.until_s = None
        if self._unread and not self._read():
            self.until_s = now_s + RETRY_S
            return
        outlook_s = self._look_ahead(now_s)
        if outlook_s is not None:
            fresh = 0 <= outlook_s < self._look_s
            self.until_s = now_s + self._look_s - outlook_s if fresh else self._retry_s
        if not self.programme:
            self.level = (_FULL_PCT, 0, NO_PROGRAMME)
        elif outlook_s is None or not self._follow_programme(outlook_s, now_s):
            if self.daylight:
                self.level = (0, _SLOT_FADE_S, PHOTOCELL_DAY)
            else:
                self._follow_virtual_night(now_s)

    def time_told(self, gps_s: int, sure: bool, now_s: int) -> None:
        """It is *gps_s* now; one that is not *sure* may dim a lamp and not darken it.

        A clock that was a little fast is not set back before a step that it took: or it would be taken twice.
        """
        fast_s = (self.gps_s(now_s) or 0) - gps_s
        found = self.until_s is None or now_s < self.until_s
        if found and 0 < fast_s <= _FAST_S and sure == self._sure:
            self.until_s = now_s + fast_s
        else:
            self.until_s = 0
        self._time = gps_s, now_s
        self._sure = sure

    def gps_s(self, now_s: int) -> int | None:
        """The trusted time, as last told and counted on."""
        return None if self._time is None else self._time[0] + now_s - self._time[1]

    @on_demand
    def knows_night(self) -> bool:
        """Whether clock and site tell day and night."""
        return self._sure and bool(self._site)

    @on_demand
    def sunrise_in_s(self, now_s: int) -> int:
        """Seconds to the next sunrise, 0 when that is not known."""
        outlook_s = (self.gps_s(now_s) or 0) - self._outlook_gps_s
        for k in range(1, len(self._sun), 2):
            if self._sun[k] > outlook_s >= 0:
                return self._sun[k] - outlook_s
        return 0

    @on_demand
    def sun_is_down(self, now_s: int) -> bool:
        """Whether it surely is between sunset and sunrise."""
        outlook_s = (self.gps_s(now_s) or 0) - self._outlook_gps_s
        return sum([at_s <= outlook_s for at_s in self._sun]) in (1, 3)

    @on_demand
    def is_lit_night(self, now_s: int) -> bool:
        """Whether a night is under way in which somebody who passes may want more light."""
        level_pct, _, reason = self.level
        return reason == VIRTUAL_NIGHT or (reason == PROGRAMME and (level_pct > 0 or self.sun_is_down(now_s)))

    @on_demand
    def version(self) -> int:
        """The stored programme's, -1 for none that can be read."""
        return int.from_bytes(self.programme[:2], "little") if self.programme else -1

    @on_demand
    def load(self, arguments: tuple[object, ...]) -> "tuple[int, int, bool] | None":
        """Take in a part of a programme (`loading.take_part`): outcome, detail, and whether another one is in force.

        None when there is no memory to look at it.
        """
        if self._unread and not self._read():
            return None
        found = ask("load", self.programme, self._held, *arguments[:4])
        if found is None:
            return None
        outcome, detail, programme, self._held = found
        changed = programme != self.programme
        if changed:
            self.programme = programme
            self._steps = []
            self._sun = ()
            self._look_s = 0
            self._retry_s = 0
            self.night_changed()
        return outcome, detail, changed

    @on_demand
    def night_changed(self) -> None:
        """Another programme, another beginning of the night, or another photocell: find out what holds anew."""
        self._virtual = None
        self.until_s = 0

    @on_demand
    def _read(self) -> bool:
        """Put aside a stored programme or site that cannot be read; returns whether they were looked at."""
        found = ask("readable", self.programme, self._site)
        if found is None:
            return False
        if self.programme and not found[0]:
            self.refused = int.from_bytes(self.programme[:2], "little")
        self.programme, self._site = found
        self._unread = False
        return True

    def _look_ahead(self, now_s: int) -> int | None:
        """How far on it is in the outlook, found anew when a day of it has passed; None without a clock or a site.

        Should it not be found, its second day is still there.
        """
        gps_s = self.gps_s(now_s)
        if gps_s is None or not self._site:
            return None
        outlook_s = gps_s - self._outlook_gps_s
        if (0 <= outlook_s < self._look_s) or now_s < self._retry_s:
            return outlook_s
        found = ask("look_ahead", self.programme, self._site, gps_s)
        if found is None:
            self._retry_s = now_s + RETRY_S
            return outlook_s
        self._steps, self._sun, self._look_s = found
        self._outlook_gps_s = gps_s
        return 0

    @on_demand
    def _follow_programme(self, outlook_s: int, now_s: int) -> bool:
        """Hold the level of the step that was last; before and after what is known, full light.

        Returns False for darkness that the time is not sure enough for.
        """
        held = None
        for step in self._steps:
            if step[0] > outlook_s:
                if held is not None:
                    self.until_s = min(self.until_s or 0, now_s + step[0] - outlook_s)
                    if not held[1] and not self._sure:
                        return False
                    self.level = (held[1], max(0, held[2] - (outlook_s - held[0])), PROGRAMME)
                break
            held = step
        return True

    @on_demand
    def _follow_virtual_night(self, now_s: int) -> None:
        """Hold the level of a virtual night, where that is possible."""
        if self.dusk_s is None or not self._site:
            return
        if self._virtual is None:
            self._virtual = ask("virtual_levels", self.programme, self._site, self._ledger.lengths_min)
            if self._virtual is None:
                self.until_s = now_s + RETRY_S
                return
        slot, since_s = divmod(now_s - self.dusk_s, _SLOT_S)
        if slot < len(self._virtual):
            self.level = (self._virtual[slot], max(0, _SLOT_FADE_S - since_s), VIRTUAL_NIGHT)
            ends_s = now_s - since_s + _SLOT_S
            self.until_s = ends_s if self.until_s is None else min(self.until_s, ends_s)
