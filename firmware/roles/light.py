"""The light role: lamps that follow their programme alone for years, orders for a while, and are not dark by accident.

What holds when no order does is the base (`base.py`). All that wants a level passes one door per head (`setpoint.py`).
The gauges say what the lamps really do (`gauges.py`, `meter.py`), the supply when power came and went (`supply.py`).
"""

from protocol import cbor
from protocol.compat import const, on_demand
from protocol.events import MOTION_SEEN, PROGRAMME_REFUSED
from protocol.orders import BAD_ARGUMENT, DONE, FAILED, HOLD_WITHOUT_CLOCK_S, LOAD_PROGRAMME, NOT_HERE
from protocol.quantities import (
    LIGHT_ONE_HEAD,
    LIGHT_TWO_HEADS,
    OPERATING_HOURS,
    PROGRAMME_VERSION,
    SWITCH_COUNT,
    size_of,
)

from ..actions import Persist, TellEvent
from ..events import LampFeedback, LuxSensed, MotionSeen, PowerFailing, Sensed, TimeTold, Woke
from .base import Base, ask
from .gauges import Gauges
from .ledger import Ledger
from .meter import Meter
from .setpoint import Door
from .supply import Supply

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from protocol.orders import Order
    from protocol.settings import Settings

    from .photocell import Eye

FIRST_UPLINK_S = const(600)  # a feeder wakes two hundred lamps in one second: their first words are spread over this

# Numbers in protocol/settings.py of what an order may change while the lamp runs.
_READING_INTERVAL_S = const(11)
_DIMMING_CURVE = const(23)
_FLOOR_PCT = const(24)
_RATED_DW = const(25)
_HOT_LIMIT_DCEL = const(26)
_BOOST_PCT = const(27)
_BOOST_S = const(28)
_ON_LUX = const(29)
_OFF_LUX = const(30)
_MOTION_INTERVAL_S = const(31)

_ENOMEM = const(12)  # what a receipt says when there is no memory to look at the order


class Light:
    """The role of a streetlight with one or two heads.

    settings: supply switched says that a cabinet cuts the power by day. seed: what makes its uplinks differ from
    its neighbours'. site: what the flashing tool wrote (`protocol/dimming/site.py`). programme and kept: as persisted
    under "programme" and "light", b"" on a new node. image: as `image` returned it before a restart in good order; b""
    says that power was cut.
    """

    @on_demand
    def __init__(
        self,
        settings: "Settings",
        seed: int = 0,
        site: bytes = b"",
        programme: bytes = b"",
        kept: bytes = b"",
        image: bytes = b"",
    ) -> None:
        self.set_number = LIGHT_TWO_HEADS if settings.heads > 1 else LIGHT_ONE_HEAD
        # The numbers only: an instance would keep the table of settings in memory.
        self._set = {
            _DIMMING_CURVE: settings.dimming_curve,
            _FLOOR_PCT: settings.floor_pct,
            _RATED_DW: settings.rated_dw,
            _HOT_LIMIT_DCEL: settings.hot_limit_dcel,
            _BOOST_PCT: settings.boost_pct,
            _BOOST_S: settings.boost_s,
            _ON_LUX: settings.on_lux,
            _OFF_LUX: settings.off_lux,
            _MOTION_INTERVAL_S: settings.motion_interval_s,
        }
        self._switched = settings.supply > 0
        self._doors = [Door(head, settings.dimming_curve) for head in range(settings.heads)]
        self._eye: Eye | None = None
        self._ledger = ledger = Ledger(settings.heads, kept)
        self._base = Base(ledger, site, programme)
        self._meter = Meter(settings.heads, settings.hot_limit_dcel, settings.rated_dw or ledger.rated_dw)
        spread_s = 0 if image else seed % (FIRST_UPLINK_S + 1)
        interval_s = settings.reading_interval_s
        self._gauges = Gauges(self.set_number, self._doors, ledger, self._meter, interval_s, spread_s, seed)
        if image:
            self._restore(image)
        power_up = bool(kept) and not image
        self._supply = Supply(ledger, self._base, self._switched, power_up, spread_s if power_up else None)
        self._find_eye()
        self._began = False
        self._counted_s = 0
        self._motions = 0  # since the last was told
        self._motion_s = 0  # when the next may be

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Hear `Woke`, `Sensed`, `LuxSensed`, `LampFeedback`, `MotionSeen`, `PowerFailing` and `TimeTold`."""
        now_s = self._pass_time(now_ms)
        actions: list[object] = []
        if isinstance(event, Woke):
            self._do_chores(actions, now_s)
        elif isinstance(event, Sensed):
            if event.set_number == self.set_number and len(event.values) == size_of(self.set_number):
                self._gauges.measured(actions, event.values, now_s)
        elif isinstance(event, LuxSensed):
            if self._eye is not None:
                self._eye.saw(actions, event.lux, now_s)
        elif isinstance(event, LampFeedback):
            if 0 <= event.head < len(self._doors):
                actions += self._meter.answered(event.head, event.status)
        elif isinstance(event, MotionSeen):
            self._moved(actions, now_s)
        elif isinstance(event, PowerFailing):
            self._supply.fails(actions, now_s)
        elif isinstance(event, TimeTold):
            self._base.time_told(event.gps_s, event.sure, now_s)
        self._set_lamps(actions, now_s)
        return actions

    def wake_at(self) -> int | None:
        """The next change of a level, measurement, reading or write; the boot before that."""
        if not self._began:
            return 0
        first_s = min(self._gauges.due_s(), self._supply.due_s())
        times = [door.until_s() for door in self._doors]
        times.append(self._base.until_s)
        if self._eye is not None:
            times.append(self._eye.due_s())
        for time_s in times:
            if time_s is not None and time_s < first_s:
                first_s = time_s
        return first_s * 1000

    @on_demand
    def order(
        self, order: "Order", now_ms: int, gps_s: int | None, group: int | None = None
    ) -> tuple[int, int | None, list[object]]:
        """Obey SET_LEVEL, RESUME_PROGRAMME or LOAD_PROGRAMME; group: to which it came, or None for this lamp alone.

        Done, the detail is the reason that holds the first head named (`setpoint.py`), or the programme's version.
        """
        now_s = self._pass_time(now_ms)
        actions: list[object] = []
        if order.verb == LOAD_PROGRAMME:
            outcome, detail = self._load(actions, order)
            self._set_lamps(actions, now_s)
            return outcome, detail, actions
        floor_pct = 0 if group is None else self._set[_FLOOR_PCT]
        longest_s = self._longest_hold_s(now_s, gps_s, group)
        found = ask("obey", order.verb, order.arguments, self._doors, floor_pct, now_s, longest_s)
        outcome, detail = (FAILED, _ENOMEM) if found is None else found
        self._set_lamps(actions, now_s)
        return outcome, self._doors[detail or 0].reason if outcome == DONE else detail, actions

    @on_demand
    def configure(self, setting: int, value: int) -> int:
        """Take over a setting, by its number in `protocol/settings.py`, that the mind has checked."""
        if setting == _READING_INTERVAL_S:
            self._gauges.interval_s = value
            return DONE
        if setting not in self._set:
            return NOT_HERE
        self._set[setting] = value
        self._meter.rated_dw = self._set[_RATED_DW] or self._ledger.rated_dw
        self._meter.hot_limit = self._set[_HOT_LIMIT_DCEL]
        for door in self._doors:
            door.follow(self._set[_DIMMING_CURVE])
        if setting in (_ON_LUX, _OFF_LUX):
            self._find_eye()
            if not self._switched:
                self._base.dusk_s = None
                self._base.until_s = 0
        return DONE

    @on_demand
    def image(self) -> bytes:
        """What must survive a restart in good order: the night's beginning and what orders hold; 41 bytes at most."""
        return cbor.encode([self._base.dusk_s, [door.image() for door in self._doors]])

    def explain(self, head: int) -> tuple[int | None, int, int | None]:
        """Level, reason (`setpoint.py`), and the s of uptime until which it holds if nothing happens; None: unknown."""
        door = self._doors[head]
        until_s = door.until_s()
        return door.level_pct, door.reason, self._base.until_s if until_s is None else until_s

    @on_demand
    def rare(self) -> list[tuple[int, int, int]]:
        """What no set carries, as (quantity, instance, value): programme, operating hours, how often each was lit."""
        found = []
        for head in range(len(self._doors)):
            found.append((OPERATING_HOURS, head, self._ledger.lit_s[head] // 3600))
            found.append((SWITCH_COUNT, head, self._ledger.switches[head]))
        found.insert(2, (PROGRAMME_VERSION, 0, self._base.version()))  # the frame's order is that of the numbers
        return found

    # Levels.

    def _set_lamps(self, actions: list[object], now_s: int) -> None:
        """Find the base anew when it may have changed, and let each door decide."""
        self._base.find(now_s)
        for head, door in enumerate(self._doors):
            was_dark = not door.level_pct
            lamp = door.decide(now_s, self._base.level, self._meter.limit_pct)
            if lamp is not None:
                actions.append(lamp)
                if was_dark and lamp.level_pct:
                    self._ledger.switches[head] += 1

    @on_demand
    def _moved(self, actions: list[object], now_s: int) -> None:
        """Somebody is there: brighter, if it is night, and news for the lamps nearby."""
        if not self._base.is_lit_night(now_s):
            return
        if self._set[_BOOST_PCT]:
            for door in self._doors:
                door.boost(self._set[_BOOST_PCT], now_s + self._set[_BOOST_S])
        self._motions += 1
        if self._set[_MOTION_INTERVAL_S] and now_s >= self._motion_s:
            self._motion_s = now_s + self._set[_MOTION_INTERVAL_S]
            actions.append(TellEvent(MOTION_SEEN, (self._motions,)))
            self._motions = 0

    # Orders.

    @on_demand
    def _longest_hold_s(self, now_s: int, gps_s: int | None, group: int | None) -> int:
        """Without a clock a quarter of an hour; for a group the next sunrise; else as the order says."""
        if gps_s is None:
            return HOLD_WITHOUT_CLOCK_S
        if group is None:
            return 86400
        return self._base.sunrise_in_s(now_s) or HOLD_WITHOUT_CLOCK_S

    @on_demand
    def _load(self, actions: list[object], order: "Order") -> tuple[int, int | None]:
        """Take in a part of a programme."""
        found = self._base.load(order.arguments)
        if found is None:
            return FAILED, _ENOMEM
        outcome, detail, changed = found
        if outcome == BAD_ARGUMENT:
            actions.append(TellEvent(PROGRAMME_REFUSED, (detail,)))
        if changed:
            actions.append(Persist("programme", self._base.programme))  # before the lamp follows it
        return outcome, detail

    @on_demand
    def _find_eye(self) -> None:
        """Look anew with the thresholds that hold now. Without memory for that, there is no photocell."""
        self._eye = None
        self._base.daylight = False
        if self._set[_ON_LUX] and not self._switched:
            self._eye = ask("eye", self._set[_ON_LUX], self._set[_OFF_LUX], self._base, self._ledger)

    # Time.

    def _pass_time(self, now_ms: int) -> int:
        """Count what burned until now; returns the uptime in s."""
        now_s = now_ms // 1000
        if not self._began:
            self._began = True
            self._counted_s = now_s
            self._gauges.begin(now_s)
            self._supply.begin(now_s)
        for head, door in enumerate(self._doors):
            if door.level_pct:
                self._ledger.lit_s[head] += now_s - self._counted_s
        self._counted_s = now_s
        return now_s

    def _do_chores(self, actions: list[object], now_s: int) -> None:
        """Everything that is due by the clock, but for levels."""
        self._supply.do_chores(actions, now_s)
        if self._eye is not None:
            self._eye.do_chores(actions, now_s)
        if self._gauges.do_chores(actions, now_s) and self._base.refused >= 0:
            actions.append(TellEvent(PROGRAMME_REFUSED, (self._base.refused,)))
            self._base.refused = -1

    @on_demand
    def _restore(self, image: bytes) -> None:
        """Undo `image`."""
        found = ask("restored", image, len(self._doors))
        if found is not None:
            self._base.dusk_s = found[0]
            for head, level_pct, fade_s, until_s in found[1]:
                self._doors[head].hold(level_pct, fade_s, until_s)
