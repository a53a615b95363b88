"""Is it night? By the light, where no clock tells it, and only as far as the photocell can be believed."""

from protocol.compat import const
from protocol.events import SENSOR_BACK, SENSOR_FAILED
from protocol.quantities import ILLUMINANCE

from ..actions import SenseLux, TellEvent
from .base import ask
from .meter import Latch

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .base import Base
    from .ledger import Ledger

_DUSK_CONFIRM_S = const(180)  # a shadow is no dusk
_DAWN_CONFIRM_S = const(600)  # headlights are no dawn
_LEAST_NIGHT_S = const(14400)  # "dawn" sooner after dusk is the lamp's own light, or a workshop's
_MAX_DAY_S = const(64800)  # no day here is longer: the photocell is broken
_STUCK_S = const(21600)  # nor does daylight stay the same so long
_SILENT = const(5)  # answers missed before the photocell counts as gone
_LUX_S = const(60)


class Eye:
    """Asks the photocell as long as nothing better tells the night, and learns from it how long nights are."""

    def __init__(self, on_lux: int, off_lux: int, base: "Base", ledger: "Ledger") -> None:
        self._cell = Photocell(on_lux, off_lux)
        self._gone = Latch(_SILENT)
        self._base = base
        self._ledger = ledger
        self._lux_s = 0

    def due_s(self) -> int | None:
        """When to call `do_chores`; None where the night is known by the clock."""
        return None if self._base.knows_night() else self._lux_s

    def do_chores(self, actions: list[object], now_s: int) -> None:
        """Ask the photocell when it is time."""
        if not self._base.knows_night() and now_s >= self._lux_s:
            self._lux_s = now_s + _LUX_S
            actions.append(SenseLux())

    def saw(self, actions: list[object], lux: int | None, now_s: int) -> None:
        """Take in what the photocell sees, None for silence."""
        base, cell, ledger = self._base, self._cell, self._ledger
        if base.knows_night():
            return
        before = cell.night
        night_s = cell.see(lux, now_s)
        if night_s:
            ledger.lengths_min = ask("learn", ledger.lengths_min, night_s // 60) or ledger.lengths_min
        if self._gone.see(lux is None):
            actions.append(TellEvent(SENSOR_FAILED if self._gone.on else SENSOR_BACK, (ILLUMINANCE,)))
        if base.dusk_s != cell.dusk_s:
            base.dusk_s = cell.dusk_s
            base.night_changed()
        if cell.night != before:
            base.daylight = cell.night is False
            base.until_s = 0


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
