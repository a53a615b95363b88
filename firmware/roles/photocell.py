"""Is it night? By the light, where no clock tells it, and only as far as the photocell can be believed."""

from protocol.compat import const

_DUSK_CONFIRM_S = const(180)  # a shadow is no dusk
_DAWN_CONFIRM_S = const(600)  # headlights are no dawn
_LEAST_NIGHT_S = const(14400)  # "dawn" sooner after dusk is the lamp's own light, or a workshop's
_MAX_DAY_S = const(64800)  # no day here is longer: the photocell is broken
_STUCK_S = const(21600)  # nor does daylight stay the same so long
_SILENT = const(5)  # answers missed before the photocell counts as gone


class Photocell:
    """Day or night by the light: night is True, False, or None when not known. dusk_s: when it was seen to begin.

    Below *on_lux* for 3 minutes it is night, above *off_lux* for 10 it is day. A photocell that says day for 18 hours,
    or the very same value for 6, is believed no more until it has seen the dark.
    """

    def __init__(self, on_lux: int, off_lux: int) -> None:
        self.on_lux = on_lux
        self.off_lux = off_lux
        self.night: bool | None = None
        self.dusk_s: int | None = None
        self.silent = 0  # answers missed in a row
        self._dark_s: int | None = None  # since when it has been darker than on_lux
        self._bright_s: int | None = None
        self._lux = -1
        self._moved_s = 0
        self._day_s = 0  # since when it is day
        self._doubted = False

    def see(self, lux: int | None, now_s: int) -> int:
        """Take in a measurement, None for silence. Returns how long the night was that ended with it, in s, or 0."""
        if lux is None:
            self.silent += 1
            if self.silent >= _SILENT:
                self.forget()
            return 0
        self.silent = 0
        if lux != self._lux:
            self._lux = lux
            self._moved_s = now_s
        self._dark_s = _since(self._dark_s, lux <= self.on_lux, now_s)
        self._bright_s = _since(self._bright_s, lux >= self.off_lux, now_s)
        if self._dark_s is not None and now_s - self._dark_s >= _DUSK_CONFIRM_S:
            self._darkness()
        elif self.night is False:
            if now_s - self._day_s >= _MAX_DAY_S or now_s - self._moved_s >= _STUCK_S:
                self.forget()
                self._doubted = True
        elif self._bright_s is not None and now_s - self._bright_s >= _DAWN_CONFIRM_S and not self._doubted:
            return self._daylight(now_s)
        return 0

    def _darkness(self) -> None:
        if self.night is False:
            self.dusk_s = self._dark_s
        self.night = True
        self._doubted = False

    def _daylight(self, now_s: int) -> int:
        length_s = 0
        if self.dusk_s is not None:
            length_s = now_s - self.dusk_s
            if length_s < _LEAST_NIGHT_S:
                return 0
        self.night = False
        self.dusk_s = None
        self._day_s = now_s
        return length_s

    def forget(self) -> None:
        """Begin anew, knowing neither day nor night."""
        self.night = None
        self.dusk_s = None
        self._dark_s = None
        self._bright_s = None


def _since(since_s: int | None, holds: bool, now_s: int) -> int | None:
    """Since when something has held without a break."""
    if not holds:
        return None
    return now_s if since_s is None else since_s
