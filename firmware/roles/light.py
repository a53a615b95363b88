"""The light role: lamps that follow their programme alone for years, orders for a while, and are not dark by accident.

What holds when no order does, the base, is the first of these that is possible: full light without a programme; the
programme by trusted time and the sun table of the site; without time, where the photocell sees daylight, off; while the
night's beginning and length are known, the programme of a virtual night (`night.py`); else full light. All of it passes
one door per head (`setpoint.py`). The meter judges what the lamps really do (`meter.py`). What is worked out once a day
stays in memory as plain numbers; what works it out does not (`rarely.py`, `ask`).
"""

from protocol import cbor
from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.events import POWER_BACK, POWER_LOST, PROGRAMME_REFUSED, SENSOR_BACK, SENSOR_FAILED
from protocol.items import array, integer, integer_or_none
from protocol.orders import BAD_ARGUMENT, DONE, FAILED, HOLD_WITHOUT_CLOCK_S, LOAD_PROGRAMME, NOT_HERE
from protocol.quantities import (
    ENERGY,
    ILLUMINANCE,
    LAMP_OVERRIDDEN,
    LAMP_STATUS,
    LEVEL,
    LIGHT_ONE_HEAD,
    LIGHT_TWO_HEADS,
    OPERATING_HOURS,
    POWER,
    SWITCH_COUNT,
    TEMPERATURE,
    VOLTAGE,
    quantities_of,
    size_of,
)

from ..actions import Persist, Sense, SenseLux, TakeReading, TellEvent
from ..events import LampFeedback, LuxSensed, MotionSeen, PowerFailing, Sensed, TimeTold, Woke
from .ledger import Ledger
from .meter import Latch, Meter
from .setpoint import NO_PROGRAMME, PHOTOCELL_DAY, PROGRAMME, UNKNOWN_NIGHT, VIRTUAL_NIGHT, Door

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from protocol.orders import Order
    from protocol.settings import Settings

    from .loading import Held
    from .photocell import Photocell

FIRST_UPLINK_S = const(600)  # a feeder wakes two hundred lamps in one second: their first words are spread over this
SAVE_S = const(900)  # 96 writes a day at most, and one at each power-up and at each last gasp
RETRY_S = const(900)  # after something could not be worked out for want of memory

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

_FULL_PCT = const(100)
_SLOT_S = const(900)  # of a virtual night
_SLOT_FADE_S = const(60)
_SENSE_S = const(300)
_ANSWER_S = const(30)  # sensors that take longer are silent
_LUX_S = const(60)
_LUX_CONFIRM = const(5)
_WARM_UP_S = const(300)  # a sodium lamp takes so long to reach its power: nothing is judged before
_BACK_WITHOUT_TIME_S = const(1200)  # how long the news of an outage wait for the time that tells its length
_DIP_S = const(10)  # who lives on so long after a last gasp saw a dip
_LOST_EVERY_S = const(3600)
_DAILY_CUT_S = (14400, 129600)  # a switched feeder is without power for so long every day: that is no outage
_LAST_HOUR_S = const(3600)  # of a night, in which a cabinet may switch off
_SEEN_POWER = const(1)
_SEEN_TEMPERATURE = const(2)
_IMAGE_ITEMS = const(2)
_HELD_ITEMS = const(3)
_ENOMEM = const(12)  # what a receipt says when there is no memory to look at the order


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


class Light:
    """The role of a streetlight with one or two heads.

    settings: supply switched says that a cabinet cuts the power by day. seed: what makes its first uplink differ from
    its neighbours'. site: what the flashing tool wrote (`protocol/dimming/site.py`). programme and kept: as persisted
    under "programme" and "light", b"" on a new node. image: as `image` returned it before a restart in good order; b""
    says that power was cut.
    """

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
        self._ranges: tuple[tuple[int, int], ...] = ()  # plausible values, once they are needed
        # The numbers only: an instance would keep the table of settings in memory.
        self._set = {
            _READING_INTERVAL_S: settings.reading_interval_s,
            _DIMMING_CURVE: settings.dimming_curve,
            _FLOOR_PCT: settings.floor_pct,
            _RATED_DW: settings.rated_dw,
            _HOT_LIMIT_DCEL: settings.hot_limit_dcel,
            _BOOST_PCT: settings.boost_pct,
            _BOOST_S: settings.boost_s,
            _ON_LUX: settings.on_lux,
            _OFF_LUX: settings.off_lux,
        }
        self._switched = settings.supply > 0
        self._doors = [Door(head, settings.dimming_curve) for head in range(settings.heads)]
        self._photocell: Photocell | None = None
        self._photocell_gone = Latch(_LUX_CONFIRM)
        self._gone = {POWER: Latch(), TEMPERATURE: Latch()}
        self._site = site
        self._programme = programme
        self._unread = True  # nobody has looked whether site and programme can be read
        self._refused = -1  # the version of a stored programme that cannot, until that is told
        self._held: Held = (-1, [])  # parts of the next programme
        self._time: tuple[int, int] | None = None  # (gps_s, now_s) as last told
        self._outlook_gps_s = 0  # from when on the next three count, see `outlook.py`
        self._steps: list[tuple[int, int, int]] = []
        self._sun: tuple[int, ...] = ()
        self._look_s = 0
        self._retry_s = 0  # no sooner, when an outlook could not be had
        self._base = (_FULL_PCT, 0, UNKNOWN_NIGHT)
        self._base_until_s: int | None = 0  # in the past: to be found anew
        self._virtual: bytes | None = None  # levels of the virtual night; None: to be found
        self._ledger = Ledger(settings.heads, kept)
        self._meter = Meter(settings.heads, settings.hot_limit_dcel, settings.rated_dw or self._ledger.rated_dw)
        spread_s = seed % (FIRST_UPLINK_S + 1)
        self._dusk_s: int | None = None  # when the night began, if that is known
        self._night_min: int | None = None  # how long nights are behind a cabinet, if that is known
        self._back_s: int | None = None  # when to tell that power is back
        if image:
            spread_s = 0
            self._restore(image)
        elif kept:
            self._back_s = spread_s
        if self._switched:
            self._learn_from_run(bool(kept) and not image)
        self._find_photocell()
        self._read()
        self._began = False
        self._counted_s = 0
        self._sense_s = spread_s
        self._reading_s = spread_s
        self._asked_s: int | None = None
        self._lux_s = 0
        self._save_s = 0
        self._failing_s: int | None = None
        self._lost_s: int | None = None  # when POWER_LOST was last told

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Hear `Woke`, `Sensed`, `LuxSensed`, `LampFeedback`, `MotionSeen`, `PowerFailing` and `TimeTold`."""
        now_s = self._pass_time(now_ms)
        actions: list[object] = []
        if isinstance(event, Woke):
            self._do_chores(actions, now_s)
        elif isinstance(event, Sensed):
            if event.set_number == self.set_number and len(event.values) == size_of(self.set_number):
                self._measured(actions, event.values, now_s)
        elif isinstance(event, LuxSensed):
            self._saw_light(actions, event.lux, now_s)
        elif isinstance(event, LampFeedback):
            if 0 <= event.head < len(self._doors):
                actions += self._meter.answered(event.head, event.status)
        elif isinstance(event, MotionSeen):
            self._boost(now_s)
        elif isinstance(event, PowerFailing):
            self._power_fails(actions, now_s)
        elif isinstance(event, TimeTold):
            self._time = event.gps_s, now_s
            self._base_until_s = 0
        self._set_lamps(actions, now_s)
        return actions

    def wake_at(self) -> int | None:
        """The next change of a level, measurement, reading or write; the boot before that."""
        if not self._began:
            return 0
        first_s = min(self._sense_s, self._save_s)
        times = [door.until_s() for door in self._doors]
        times += [self._base_until_s, self._back_s]
        if self._asked_s is not None:
            times.append(self._asked_s + _ANSWER_S)
        if self._failing_s is not None:
            times.append(self._failing_s + _DIP_S)
        if self._needs_photocell():
            times.append(self._lux_s)
        for time_s in times:
            if time_s is not None and time_s < first_s:
                first_s = time_s
        return first_s * 1000

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
        outcome, detail = self._obey(order, now_s, gps_s, group)
        self._set_lamps(actions, now_s)
        return outcome, self._doors[detail or 0].reason if outcome == DONE else detail, actions

    def configure(self, setting: int, value: int) -> int:
        """Take over a setting, by its number in `protocol/settings.py`, that the mind has checked."""
        if setting not in self._set:
            return NOT_HERE
        self._set[setting] = value
        self._meter.rated_dw = self._set[_RATED_DW] or self._ledger.rated_dw
        self._meter.hot_limit = self._set[_HOT_LIMIT_DCEL]
        for door in self._doors:
            door.follow(self._set[_DIMMING_CURVE])
        if setting in (_ON_LUX, _OFF_LUX):
            self._find_photocell()
            if not self._switched:
                self._dusk_s = None
                self._base_until_s = 0
        return DONE

    def image(self) -> bytes:
        """What must survive a restart in good order: the night's beginning and what orders hold; 41 bytes at most."""
        return cbor.encode([self._dusk_s, [door.image() for door in self._doors]])

    def explain(self, head: int) -> tuple[int | None, int, int | None]:
        """Level, reason (`setpoint.py`), and the s of uptime until which it holds if nothing happens; None: unknown."""
        door = self._doors[head]
        until_s = door.until_s()
        return door.level_pct, door.reason, self._base_until_s if until_s is None else until_s

    def rare(self) -> list[tuple[int, int, int]]:
        """What no set carries, as (quantity, instance, value): operating hours and how often each head was lit."""
        found = []
        for head in range(len(self._doors)):
            found.append((OPERATING_HOURS, head, self._ledger.lit_s[head] // 3600))
            found.append((SWITCH_COUNT, head, self._ledger.switches[head]))
        return found

    # Levels.

    def _set_lamps(self, actions: list[object], now_s: int) -> None:
        """Find the base anew when it may have changed, and let each door decide."""
        if self._base_until_s is not None and now_s >= self._base_until_s:
            self._find_base(now_s)
        for head, door in enumerate(self._doors):
            was_dark = not door.level_pct
            lamp = door.decide(now_s, self._base, self._meter.limit_pct)
            if lamp is not None:
                actions.append(lamp)
                if was_dark and lamp.level_pct:
                    self._ledger.switches[head] += 1

    def _find_base(self, now_s: int) -> None:
        """What holds now without orders and presence, and until when nothing but an event changes it."""
        self._base = (_FULL_PCT, 0, UNKNOWN_NIGHT)  # unless one of these knows better
        self._base_until_s = None
        if self._unread and not self._read():
            self._base_until_s = now_s + RETRY_S
            return
        outlook_s = self._look_ahead(now_s)
        if outlook_s is not None:
            fresh = 0 <= outlook_s < self._look_s
            self._base_until_s = now_s + self._look_s - outlook_s if fresh else self._retry_s
        if not self._programme:
            self._base = (_FULL_PCT, 0, NO_PROGRAMME)
        elif outlook_s is not None:
            self._programme_base(outlook_s, now_s)
        elif self._photocell is not None and self._photocell.night is False:
            self._base = (0, _SLOT_FADE_S, PHOTOCELL_DAY)
        else:
            self._virtual_base(now_s)

    def _read(self) -> bool:
        """Put aside a stored programme or site that cannot be read; returns whether they were looked at."""
        found = ask("readable", self._programme, self._site)
        if found is None:
            return False
        if self._programme and not found[0]:
            self._refused = int.from_bytes(self._programme[:2], "little")
        self._programme, self._site = found
        self._unread = False
        return True

    def _look_ahead(self, now_s: int) -> int | None:
        """How far on it is in the outlook, found anew when a day of it has passed; None without a clock or a site.

        Should it not be found, its second day is still there.
        """
        gps_s = self._gps_s(now_s)
        if gps_s is None or not self._site:
            return None
        outlook_s = gps_s - self._outlook_gps_s
        if (0 <= outlook_s < self._look_s) or now_s < self._retry_s:
            return outlook_s
        found = ask("look_ahead", self._programme, self._site, gps_s)
        if found is None:
            self._retry_s = now_s + RETRY_S
            return outlook_s
        self._steps, self._sun, self._look_s = found
        self._outlook_gps_s = gps_s
        return 0

    def _programme_base(self, outlook_s: int, now_s: int) -> None:
        """Hold the level of the step that was last; before and after what is known, full light."""
        held = None
        for step in self._steps:
            if step[0] > outlook_s:
                if held is not None:
                    self._base = (held[1], max(0, held[2] - (outlook_s - held[0])), PROGRAMME)
                    self._base_until_s = min(self._base_until_s or 0, now_s + step[0] - outlook_s)
                break
            held = step

    def _virtual_base(self, now_s: int) -> None:
        """Hold the level of a virtual night, where that is possible."""
        if self._dusk_s is None or not self._site:
            return
        if self._virtual is None:
            self._virtual = ask("virtual_levels", self._programme, self._site, self._ledger.lengths_min)
            if self._virtual is None:
                self._base_until_s = now_s + RETRY_S
                return
        slot, since_s = divmod(now_s - self._dusk_s, _SLOT_S)
        if slot < len(self._virtual):
            self._base = (self._virtual[slot], max(0, _SLOT_FADE_S - since_s), VIRTUAL_NIGHT)
            self._base_until_s = now_s - since_s + _SLOT_S

    def _forget_night(self) -> None:
        """Another programme came."""
        self._steps = []
        self._sun = ()
        self._look_s = 0
        self._retry_s = 0
        self._virtual = None
        self._base_until_s = 0

    def _gps_s(self, now_s: int) -> int | None:
        return None if self._time is None else self._time[0] + now_s - self._time[1]

    def _sunrise_in_s(self, now_s: int) -> int:
        """Seconds to the next sunrise, 0 when that is not known."""
        outlook_s = (self._gps_s(now_s) or 0) - self._outlook_gps_s
        for k in range(1, len(self._sun), 2):
            if self._sun[k] > outlook_s >= 0:
                return self._sun[k] - outlook_s
        return 0

    def _sun_is_down(self, now_s: int) -> bool:
        """Whether it surely is between sunset and sunrise."""
        outlook_s = (self._gps_s(now_s) or 0) - self._outlook_gps_s
        return sum([at_s <= outlook_s for at_s in self._sun]) in (1, 3)

    def _boost(self, now_s: int) -> None:
        """Somebody is there: brighter, if it is night."""
        level_pct, _, reason = self._base
        night = reason == VIRTUAL_NIGHT or (reason == PROGRAMME and (level_pct or self._sun_is_down(now_s)))
        if night and self._set[_BOOST_PCT]:
            for door in self._doors:
                door.boost(self._set[_BOOST_PCT], now_s + self._set[_BOOST_S])

    # Orders.

    def _obey(self, order: "Order", now_s: int, gps_s: int | None, group: int | None) -> tuple[int, int | None]:
        """Hold a level, or resume the programme; done, the detail is the head named, or None for all."""
        floor_pct = 0 if group is None else self._set[_FLOOR_PCT]
        found = ask("obey", order.verb, order.arguments, len(self._doors), floor_pct)
        if found is None:
            return FAILED, _ENOMEM
        outcome, detail, heads, held = found
        longest_s = self._longest_hold_s(now_s, gps_s, group)
        for head in heads:
            if held is None:
                self._doors[head].resume()
            else:
                self._doors[head].hold(held[0], held[1], now_s + min(held[2], longest_s))
        return outcome, detail

    def _longest_hold_s(self, now_s: int, gps_s: int | None, group: int | None) -> int:
        """Without a clock a quarter of an hour; for a group the next sunrise; else as the order says."""
        if gps_s is None:
            return HOLD_WITHOUT_CLOCK_S
        if group is None:
            return 86400
        return self._sunrise_in_s(now_s) or HOLD_WITHOUT_CLOCK_S

    def _load(self, actions: list[object], order: "Order") -> tuple[int, int | None]:
        """Take in a part of a programme."""
        found = None
        if not self._unread or self._read():
            found = ask("load", self._programme, self._held, *order.arguments[:4])
        if found is None:
            return FAILED, _ENOMEM
        outcome, detail, programme, self._held = found
        if outcome == BAD_ARGUMENT:
            actions.append(TellEvent(PROGRAMME_REFUSED, (detail,)))
        if programme != self._programme:
            self._programme = programme
            actions.append(Persist("programme", programme))  # before the lamp follows it
            self._forget_night()
        return outcome, detail

    # What is measured.

    def _measured(self, actions: list[object], values: tuple[int | None, ...], now_s: int) -> None:
        """Judge a measurement, and report it when a reading is due."""
        self._asked_s = None
        if not self._ranges:
            self._ranges = ask("ranges", self.set_number) or ()
        known = {}
        for place, (quantity, _) in enumerate(quantities_of(self.set_number)):
            value = values[place]
            if value is not None and self._plausible(place, value):
                known[quantity] = value
        if known.get(VOLTAGE) == 0:  # yet we have power: the meter is dead
            known = {TEMPERATURE: known[TEMPERATURE]} if TEMPERATURE in known else {}
        self._watch_sensor(actions, POWER, _SEEN_POWER, known)
        self._watch_sensor(actions, TEMPERATURE, _SEEN_TEMPERATURE, known)
        if TEMPERATURE in known:
            actions += self._meter.heated(known[TEMPERATURE])
        if POWER in known and max([door.settled_s for door in self._doors]) + _WARM_UP_S <= now_s:
            levels = [door.level_pct or 0 for door in self._doors]
            actions += self._meter.measured(levels, known[POWER], known.get(VOLTAGE), now_s)
            self._ledger.rated_dw = self._meter.learned_dw or self._ledger.rated_dw
        if ENERGY in known:
            known[ENERGY] = self._ledger.metered(known[ENERGY])
        if now_s >= self._reading_s:
            self._reading_s = now_s + self._set[_READING_INTERVAL_S]
            actions.append(TakeReading(self._values(known)))

    def _plausible(self, place: int, value: int) -> bool:
        """Whether a sensor can have seen this; one whose range cannot be had is believed."""
        return not self._ranges or self._ranges[place][0] <= value <= self._ranges[place][1]

    def _values(self, known: dict[int, int]) -> tuple[int | None, ...]:
        values = []
        for quantity, instance in quantities_of(self.set_number):
            if quantity == LEVEL:
                values.append(self._doors[instance].level_pct)
            elif quantity == LAMP_STATUS:
                overridden = LAMP_OVERRIDDEN if self._doors[instance].overridden() else 0
                values.append(self._meter.status(instance) | overridden)
            else:
                values.append(known.get(quantity))
        return tuple(values)

    def _watch_sensor(self, actions: list[object], quantity: int, bit: int, known: dict[int, int]) -> None:
        """Tell when a sensor that once answered is silent, and when it is back."""
        there = quantity in known
        if there:
            self._ledger.seen |= bit
        latch = self._gone[quantity]
        if self._ledger.seen & bit and latch.see(not there):
            actions.append(TellEvent(SENSOR_FAILED if latch.on else SENSOR_BACK, (quantity,)))

    def _saw_light(self, actions: list[object], lux: int | None, now_s: int) -> None:
        cell = self._photocell
        if cell is None or not self._needs_photocell():
            return
        before = cell.night, cell.dusk_s
        night_s = cell.see(lux, now_s)
        if night_s:
            self._ledger.lengths_min = ask("learn", self._ledger.lengths_min, night_s // 60) or self._ledger.lengths_min
        if self._photocell_gone.see(lux is None):
            failed = self._photocell_gone.on
            actions.append(TellEvent(SENSOR_FAILED if failed else SENSOR_BACK, (ILLUMINANCE,)))
        if self._dusk_s != cell.dusk_s:
            self._dusk_s = cell.dusk_s
            self._virtual = None
        if before != (cell.night, cell.dusk_s):
            self._base_until_s = 0

    def _find_photocell(self) -> None:
        """Look anew with the thresholds that hold now. Without memory for that, there is no photocell."""
        self._photocell = None
        if self._set[_ON_LUX] and not self._switched:
            self._photocell = ask("photocell", self._set[_ON_LUX], self._set[_OFF_LUX])

    def _needs_photocell(self) -> bool:
        """Only where the night cannot be known by the clock or by having power."""
        return self._photocell is not None and (self._time is None or not self._site)

    # Time and power.

    def _pass_time(self, now_ms: int) -> int:
        """Count what burned until now; returns the uptime in s."""
        now_s = now_ms // 1000
        if not self._began:
            self._began = True
            self._counted_s = now_s
            self._sense_s += now_s
            self._reading_s += now_s
            self._save_s = now_s
            self._lux_s = now_s
            if self._back_s is not None:
                self._back_s += now_s
        for head, door in enumerate(self._doors):
            if door.level_pct:
                self._ledger.lit_s[head] += now_s - self._counted_s
        self._counted_s = now_s
        return now_s

    def _do_chores(self, actions: list[object], now_s: int) -> None:
        """Everything that is due by the clock, but for levels."""
        if now_s >= self._save_s:
            self._save(actions, now_s)
        if self._failing_s is not None and now_s >= self._failing_s + _DIP_S:
            if self._lost_s == self._failing_s:
                actions.append(TellEvent(POWER_BACK, (0,)))
            self._failing_s = None
        if self._back_s is not None and now_s >= self._back_s:
            self._tell_back(actions, now_s)
        if self._needs_photocell() and now_s >= self._lux_s:
            self._lux_s = now_s + _LUX_S
            actions.append(SenseLux())
        if self._asked_s is not None and now_s >= self._asked_s + _ANSWER_S:
            self._measured(actions, (None,) * size_of(self.set_number), now_s)
        if now_s >= self._sense_s:
            self._sense_s = now_s + min(_SENSE_S, self._set[_READING_INTERVAL_S])
            self._asked_s = now_s
            actions.append(Sense(self.set_number))
            if self._refused >= 0:
                actions.append(TellEvent(PROGRAMME_REFUSED, (self._refused,)))
                self._refused = -1

    def _tell_back(self, actions: list[object], now_s: int) -> None:
        """Power was away; how long is known once there is time. Where a cabinet cuts it every day, that is no news."""
        gps_s = self._gps_s(now_s)
        if gps_s is None and self._back_s is not None and now_s < _BACK_WITHOUT_TIME_S:
            self._back_s += _BACK_WITHOUT_TIME_S  # the street keeps the distances in which it began
            return
        self._back_s = None
        if gps_s is None or self._ledger.cut_gps_s is None:
            if not self._switched:
                actions.append(TellEvent(POWER_BACK))
            return
        outage_s = max(0, gps_s - now_s - self._ledger.cut_gps_s)
        if not self._switched or not _DAILY_CUT_S[0] <= outage_s <= _DAILY_CUT_S[1]:
            actions.append(TellEvent(POWER_BACK, (min(outage_s, 0x3FFFFFFF),)))

    def _power_fails(self, actions: list[object], now_s: int) -> None:
        """The last gasp: keep what is known to the second, then cry, unless this is how every night ends."""
        if self._failing_s is not None:
            return
        self._failing_s = now_s
        self._save(actions, now_s)
        recently = self._lost_s is not None and now_s < self._lost_s + _LOST_EVERY_S
        if not recently and not (self._switched and self._night_may_end(now_s)):
            self._lost_s = now_s
            actions.append(TellEvent(POWER_LOST))

    def _night_may_end(self, now_s: int) -> bool:
        """Whether the cabinet may switch off now, as far as is known."""
        sunrise_s = self._sunrise_in_s(now_s)
        if sunrise_s:
            return not self._sun_is_down(now_s) or sunrise_s < _LAST_HOUR_S
        if self._night_min is None or self._dusk_s is None:
            return True
        return now_s - self._dusk_s > self._night_min * 60 - _LAST_HOUR_S

    def _learn_from_run(self, power_up: bool) -> None:
        """What the run before says of the night, where a cabinet makes it; *power_up*: and this run begins a night."""
        ledger = self._ledger
        found = ask("learned", ledger.lengths_min, ledger.before_min, ledger.run_min if power_up else -1)
        if found is None:
            ledger.before_min = None
            return
        ledger.lengths_min, ledger.before_min, self._night_min = found
        if power_up and ledger.before_min == 0:
            self._dusk_s = 0

    def _save(self, actions: list[object], now_s: int) -> None:
        """Keep what a power cut must not take."""
        self._save_s = now_s + SAVE_S
        actions.append(self._ledger.save(now_s, self._gps_s(now_s)))

    def _restore(self, image: bytes) -> None:
        """Undo `image`; what cannot be read, after a change of its layout, is let go."""
        try:
            items = array(cbor.decode(image), "image", _IMAGE_ITEMS)
            self._dusk_s = integer_or_none(items[0], "dusk")
            for head, item in enumerate(array(items[1], "held", len(self._doors))[: len(self._doors)]):
                held = [integer(number, "held") for number in array(item, "held")]
                if len(held) == _HELD_ITEMS:
                    self._doors[head].hold(held[0], held[1], held[2])
        except ProtocolError:
            self._dusk_s = None
