"""Power that comes and goes: what a lamp keeps of its life, and when the loss of its power is news.

Where a cabinet cuts the power by day (*switched*), that it does so is no news, and each night is one run of the node.
"""

from protocol.compat import const, on_demand
from protocol.events import POWER_BACK, POWER_LOST

from ..actions import TellEvent
from .base import ask

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .base import Base
    from .ledger import Ledger

SAVE_S = const(900)  # 96 writes a day at most, and one at each power-up and at each last gasp
_BACK_WITHOUT_TIME_S = const(1200)  # how long the news of an outage wait for the time that tells its length
_DIP_S = const(10)  # who lives on so long after a last gasp saw a dip
_LOST_EVERY_S = const(3600)
_LAST_HOUR_S = const(3600)  # of a night, in which a cabinet may switch off


class Supply:
    """power_up: whether this run began with power that came back; back_s: when to tell that, or None for never."""

    @on_demand
    def __init__(self, ledger: "Ledger", base: "Base", switched: bool, power_up: bool, back_s: int | None) -> None:
        self._ledger = ledger
        self._base = base
        self._switched = switched
        self._back_s = back_s
        self._night_min: int | None = None  # how long nights are behind a cabinet, if that is known
        self._save_s = 0
        self._failing_s: int | None = None
        self._lost_s: int | None = None  # when POWER_LOST was last told
        if switched:
            self._learn_from_run(power_up)

    @on_demand
    def begin(self, now_s: int) -> None:
        """The uptime with which this run begins."""
        self._save_s = now_s
        if self._back_s is not None:
            self._back_s += now_s

    def due_s(self) -> int:
        """When to call `do_chores`."""
        first_s = self._save_s
        if self._back_s is not None and self._back_s < first_s:
            first_s = self._back_s
        if self._failing_s is not None and self._failing_s + _DIP_S < first_s:
            first_s = self._failing_s + _DIP_S
        return first_s

    def do_chores(self, actions: list[object], now_s: int) -> None:
        """Keep what is to be kept, and tell what became of the power."""
        if now_s >= self._save_s:
            self._save(actions, now_s)
        if self._failing_s is not None and now_s >= self._failing_s + _DIP_S:
            if self._lost_s == self._failing_s:
                actions.append(TellEvent(POWER_BACK, (0,)))
            self._failing_s = None
        if self._back_s is not None and now_s >= self._back_s:
            self._tell_back(actions, now_s)

    def fails(self, actions: list[object], now_s: int) -> None:
        """The last gasp: keep what is known to the second, then cry, unless this is how every night ends."""
        if self._failing_s is not None:
            return
        self._failing_s = now_s
        self._save(actions, now_s)
        recently = self._lost_s is not None and now_s < self._lost_s + _LOST_EVERY_S
        if not recently and not (self._switched and self._night_may_end(now_s)):
            self._lost_s = now_s
            actions.append(TellEvent(POWER_LOST))

    @on_demand
    def _tell_back(self, actions: list[object], now_s: int) -> None:
        """Power was away; how long is known once there is time. Where a cabinet cuts it every day, that is no news."""
        gps_s = self._base.gps_s(now_s)
        if gps_s is None and self._back_s is not None and now_s < _BACK_WITHOUT_TIME_S:
            self._back_s += _BACK_WITHOUT_TIME_S  # the street keeps the distances in which it began
            return
        self._back_s = None
        details = ask("outage", gps_s, now_s, self._ledger.cut_gps_s, self._switched)
        if details is not None:
            actions.append(TellEvent(POWER_BACK, details))

    @on_demand
    def _night_may_end(self, now_s: int) -> bool:
        """Whether the cabinet may switch off now, as far as is known."""
        base = self._base
        sunrise_s = base.sunrise_in_s(now_s)
        if sunrise_s:
            return not base.sun_is_down(now_s) or sunrise_s < _LAST_HOUR_S
        if self._night_min is None or base.dusk_s is None:
            return True
        return now_s - base.dusk_s > self._night_min * 60 - _LAST_HOUR_S

    @on_demand
    def _learn_from_run(self, power_up: bool) -> None:
        """What the run before says of the night, where a cabinet makes it; *power_up*: and this run begins a night."""
        ledger = self._ledger
        found = ask("learned", ledger.lengths_min, ledger.before_min, ledger.run_min if power_up else -1)
        if found is None:
            ledger.before_min = None
            return
        ledger.lengths_min, ledger.before_min, self._night_min = found
        if power_up and ledger.before_min == 0:
            self._base.dusk_s = 0

    def _save(self, actions: list[object], now_s: int) -> None:
        """Keep what a power cut must not take."""
        self._save_s = now_s + SAVE_S
        actions.append(self._ledger.save(now_s, self._base.gps_s(now_s)))
