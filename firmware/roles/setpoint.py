"""The one door to a lamp head: of all rules that want a level, the strongest valid one holds it, and says so."""

from protocol.compat import const

from ..actions import SetLamp

# Why a head has its level, strongest first: what receipts and `explain` say. The last five are the base, one at a time.
SAFETY = const(0)  # too hot: no brighter than the limit
MANUAL = const(1)  # an order, until its hold ends
PRESENCE = const(2)  # somebody is there: brighter for a while
PROGRAMME = const(3)  # the stored programme, by trusted time
VIRTUAL_NIGHT = const(4)  # the same without a clock, counted from the middle of learned nights
PHOTOCELL_DAY = const(5)  # without a clock, the photocell sees daylight
UNKNOWN_NIGHT = const(6)  # no way to know the hour: full light
NO_PROGRAMME = const(7)  # full light

PRESENCE_FADE_S = const(1)  # somebody is there now
RETURN_FADE_S = const(5)  # from one rule back to another: seen, and not startling

LINEAR = const(0)  # of the setting dimming_curve
LOGARITHMIC = const(1)
# What a gear of DALI's logarithmic curve must be told for 0 to 100 % of its light: the nearest n to
# X(n) = 10^((n - 1) · 3/253 - 1) % (IEC 62386-102 §9.3).
_DRIVES = (
    b"\x00"
    b"\x55\x6f\x7e\x88\x90\x97\x9d\xa1\xa6\xaa\xad\xb0\xb3\xb6\xb9\xbb\xbd\xbf\xc1\xc3"
    b"\xc5\xc7\xc8\xca\xcb\xcd\xce\xcf\xd1\xd2\xd3\xd4\xd5\xd6\xd8\xd9\xda\xdb\xdc\xdc"
    b"\xdd\xde\xdf\xe0\xe1\xe2\xe2\xe3\xe4\xe5\xe5\xe6\xe7\xe7\xe8\xe9\xe9\xea\xeb\xeb"
    b"\xec\xec\xed\xee\xee\xef\xef\xf0\xf0\xf1\xf1\xf2\xf2\xf3\xf3\xf4\xf4\xf5\xf5\xf6"
    b"\xf6\xf7\xf7\xf8\xf8\xf8\xf9\xf9\xfa\xfa\xfb\xfb\xfb\xfc\xfc\xfd\xfd\xfd\xfe\xfe"
)


class Door:
    """All setpoints of one head pass here.

    curve: how its gear dims, LINEAR or LOGARITHMIC. level_pct: what the lamp was told last, None before; reason: the
    rule that holds it; settled_s: when its fade ends.
    """

    def __init__(self, head: int, curve: int = LINEAR) -> None:
        self._curve = curve
        self.level_pct: int | None = None
        self.reason = NO_PROGRAMME
        self.settled_s = 0
        self._head = head
        self._manual: tuple[int, int, int] | None = None  # level_pct, fade_s, until_s
        self._boost: tuple[int, int] | None = None  # level_pct, until_s
        self._fresh = False  # an order begins its own fade, also towards the level that is there; so does a curve

    def follow(self, curve: int) -> None:
        """The gear dims so; what it was told by another curve is said anew."""
        self._fresh = self._fresh or curve != self._curve
        self._curve = curve

    def hold(self, level_pct: int, fade_s: int, until_s: int) -> None:
        """A person wants this level; it replaces what was held before."""
        self._manual = level_pct, fade_s, until_s
        self._fresh = True

    def resume(self) -> None:
        """End what `hold` and `boost` began."""
        self._manual = None
        self._boost = None

    def boost(self, level_pct: int, until_s: int) -> None:
        """Somebody is there: at least this level."""
        self._boost = level_pct, until_s

    def decide(self, now_s: int, base: tuple[int, int, int], limit_pct: int) -> SetLamp | None:
        """Let the strongest rule have the head: what the lamp must be told now, or None.

        base: level_pct, fade_s and reason of what holds without orders and presence; limit_pct: safety's.
        """
        level_pct, fade_s, reason = base
        if self._boost is not None:
            if now_s >= self._boost[1]:
                self._boost = None
            elif level_pct < self._boost[0]:
                level_pct, fade_s, reason = self._boost[0], PRESENCE_FADE_S, PRESENCE
        if self._manual is not None:
            if now_s >= self._manual[2]:
                self._manual = None
            else:
                level_pct, fade_s, reason = self._manual[0], self._manual[1], MANUAL
        if level_pct > limit_pct:
            level_pct, fade_s, reason = limit_pct, RETURN_FADE_S, SAFETY
        if reason != self.reason and fade_s == 0 and reason != MANUAL:
            fade_s = RETURN_FADE_S
        self.reason = reason
        if level_pct == self.level_pct and not self._fresh:
            return None
        if self.level_pct is None:
            fade_s = 0  # the lamp has only just got power: no street waits for a fade
        self._fresh = False
        self.level_pct = level_pct
        self.settled_s = now_s + fade_s
        return SetLamp(self._head, level_pct, fade_s, _DRIVES[level_pct] if self._curve == LOGARITHMIC else None)

    def until_s(self) -> int | None:
        """When the strongest of hold and boost ends, or None when neither is there."""
        if self._manual is not None:
            return self._manual[2]
        return None if self._boost is None else self._boost[1]

    def overridden(self) -> bool:
        """Whether an order holds, or would hold but for safety."""
        return self._manual is not None

    def image(self) -> list[int]:
        """What `hold` said last, for a restart in good order: level, fade, until; [] when nothing is held."""
        return [] if self._manual is None else list(self._manual)
