"""The light role: lamps that follow their programme alone for years, orders for a while, and are not dark by accident.

What holds when no order does, the base, is the first of these that is possible: full light without a programme; the
programme by trusted time and the sun table of the site; without time, where the photocell sees daylight, off; while the
night's beginning and length are known, the programme of a virtual night (`night.py`); else full light. All of it passes
one door per head (`setpoint.py`). The meter judges what the lamps really do (`meter.py`).
"""

from protocol import cbor
from protocol.compat import const
from protocol.dimming import Site, setpoint_at
from protocol.errors import ProtocolError
from protocol.events import POWER_BACK, POWER_LOST, PROGRAMME_REFUSED, SENSOR_BACK, SENSOR_FAILED
from protocol.items import array, integer, integer_or_none
from protocol.orders import (
    BAD_ARGUMENT,
    BELOW_FLOOR,
    DONE,
    HOLD_WITHOUT_CLOCK_S,
    INCOMPLETE,
    LOAD_PROGRAMME,
    NOT_HERE,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Order,
)
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
from protocol.settings import Settings

from ..actions import Persist, Sense, SenseLux, TakeReading, TellEvent
from ..events import LampFeedback, LuxSensed, MotionSeen, PowerFailing, Sensed, TimeTold, Woke
from .ledger import Ledger
from .loading import CHANGED, MISSING, REFUSED, Loader
from .meter import Latch, Meter
from .night import SLOT_S, Photocell, sun_is_down, until_sunrise_s, virtual_night
from .setpoint import NO_PROGRAMME, PHOTOCELL_DAY, PROGRAMME, UNKNOWN_NIGHT, VIRTUAL_NIGHT, Door

FIRST_UPLINK_S = const(600)  # a feeder wakes two hundred lamps in one second: their first words are spread over this
DEFAULT_HOLD_S = const(7200)  # of an order that does not say (uCIFI 3416/53)
SAVE_S = const(900)  # 96 writes a day at most, and one at each power-up and at each last gasp

# Numbers in protocol/settings.py of what an order may change while the lamp runs: reading_interval_s, floor_pct, and
# rated_dw, hot_limit_dcel, boost_pct, boost_s, on_lux, off_lux.
_CHANGEABLE = (11, 24, 26, 27, 28, 29, 30, 31)
_SWITCHED = const(1)  # of the setting supply

_FULL_PCT = const(100)
_ORDER_FADE_S = const(2)
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


class Light:
    """The role of a streetlight with one or two heads.

    settings: supply switched says that a cabinet cuts the power by day. seed: what makes its first uplink differ from
    its neighbours'. site: what the flashing tool wrote (`protocol/dimming/site.py`). programme and kept: as persisted
    under "programme" and "light", b"" on a new node. image: as `image` returned it before a restart in good order; b""
    says that power was cut.
    """

    def __init__(
        self,
        settings: Settings,
        seed: int = 0,
        site: bytes = b"",
        programme: bytes = b"",
        kept: bytes = b"",
        image: bytes = b"",
    ) -> None:
        self.set_number = LIGHT_TWO_HEADS if settings.heads > 1 else LIGHT_ONE_HEAD
        self._ranges: tuple[tuple[int, int], ...] = ()  # plausible values, once they are needed
        self._settings = settings
        self._switched = settings.supply == _SWITCHED
        self._doors = [Door(head) for head in range(settings.heads)]
        self._photocell = Photocell(settings.on_lux, settings.off_lux)
        self._photocell_gone = Latch(_LUX_CONFIRM)
        self._gone = {POWER: Latch(), TEMPERATURE: Latch()}
        self._site = _site(site)
        self._loader = Loader(programme)
        self._time: tuple[int, int] | None = None  # (gps_s, now_s) as last told
        self._base = (_FULL_PCT, 0, NO_PROGRAMME)
        self._base_until_s: int | None = 0  # in the past: to be found anew
        self._virtual = b""  # levels of the virtual night, once needed
        self._ledger = Ledger(settings.heads, kept)
        self._meter = Meter(settings.heads, settings.hot_limit_dcel, settings.rated_dw or self._ledger.rated_dw)
        spread_s = seed % (FIRST_UPLINK_S + 1)
        self._dusk_s: int | None = None  # when the night began, if that is known
        self._back_s: int | None = None  # when to tell that power is back
        if image:
            spread_s = 0
            self._restore(image)
        elif kept:
            self._back_s = spread_s
            if self._switched and self._ledger.nights.power_up(self._ledger.run_min):
                self._dusk_s = 0
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
        self, order: Order, now_ms: int, gps_s: int | None, group: int | None = None
    ) -> tuple[int, int | None, list[object]]:
        """Obey SET_LEVEL, RESUME_PROGRAMME or LOAD_PROGRAMME; group: to which it came, or None for this lamp alone.

        Done, the detail is the reason that holds the first head named (`setpoint.py`), or the programme's version.
        """
        now_s = self._pass_time(now_ms)
        actions: list[object] = []
        if order.verb == SET_LEVEL:
            outcome, detail = self._hold(order, now_s, gps_s, group)
        elif order.verb == RESUME_PROGRAMME:
            outcome, detail = self._resume(order)
        elif order.verb == LOAD_PROGRAMME:
            outcome, detail = self._load(actions, order)
        else:
            return NOT_HERE, None, actions
        self._set_lamps(actions, now_s)
        if outcome == DONE and order.verb != LOAD_PROGRAMME:
            detail = self._doors[detail or 0].reason
        return outcome, detail, actions

    def configure(self, setting: int, value: int) -> int:
        """Take over a setting, by its number in `protocol/settings.py`, that the mind has checked."""
        if setting not in _CHANGEABLE:
            return NOT_HERE
        before = self._settings
        self._settings = settings = before.changed(setting, value)
        self._meter.rated_dw = settings.rated_dw or self._ledger.rated_dw
        self._meter.hot_limit = settings.hot_limit_dcel
        if (before.on_lux, before.off_lux) != (settings.on_lux, settings.off_lux):
            self._photocell = Photocell(settings.on_lux, settings.off_lux)
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
        self._base_until_s = None
        gps_s = self._gps_s(now_s)
        if self._loader.programme is None:
            self._base = (_FULL_PCT, 0, NO_PROGRAMME)
        elif gps_s is not None and self._site is not None:
            level_pct, fade_s, since_s, until_s = setpoint_at(self._loader.programme, self._site, gps_s)
            self._base = (level_pct, max(0, fade_s - since_s), PROGRAMME)
            self._base_until_s = now_s + until_s
        elif not self._switched and self._photocell.night is False:
            self._base = (0, _SLOT_FADE_S, PHOTOCELL_DAY)
        elif not self._virtual_base(now_s):
            self._base = (_FULL_PCT, 0, UNKNOWN_NIGHT)

    def _virtual_base(self, now_s: int) -> bool:
        """Hold the level of a virtual night; returns whether that is possible."""
        if self._dusk_s is None or self._site is None or self._loader.programme is None:
            return False
        if not self._virtual:
            length_min = self._ledger.nights.length_min()
            if length_min is None:
                return False
            self._virtual = bytes(virtual_night(self._loader.programme, self._site, length_min))
        slot, since_s = divmod(now_s - self._dusk_s, SLOT_S)
        if slot >= len(self._virtual):
            return False
        self._base = (self._virtual[slot], max(0, _SLOT_FADE_S - since_s), VIRTUAL_NIGHT)
        self._base_until_s = now_s - since_s + SLOT_S
        return True

    def _gps_s(self, now_s: int) -> int | None:
        return None if self._time is None else self._time[0] + now_s - self._time[1]

    def _boost(self, now_s: int) -> None:
        """Somebody is there: brighter, if it is night."""
        reason = self._base[2]
        gps_s = self._gps_s(now_s)
        night = reason == VIRTUAL_NIGHT
        if reason == PROGRAMME and self._site is not None and gps_s is not None:
            night = self._base[0] > 0 or sun_is_down(self._site, gps_s)
        if night and self._settings.boost_pct:
            for door in self._doors:
                door.boost(self._settings.boost_pct, now_s + self._settings.boost_s)

    # Orders.

    def _hold(self, order: Order, now_s: int, gps_s: int | None, group: int | None) -> tuple[int, int | None]:
        level_pct = _number(order, 0)
        floor_pct = self._settings.floor_pct
        doors = self._named(_number(order, 3))
        if not doors:
            return NOT_HERE, None
        if level_pct is None:
            return BAD_ARGUMENT, None
        if group is not None and level_pct < floor_pct:
            return BELOW_FLOOR, floor_pct
        fade_s = _number(order, 1)
        hold_s = _number(order, 2)
        if hold_s is None:
            hold_s = DEFAULT_HOLD_S
        until_s = now_s + min(hold_s, self._longest_hold_s(gps_s, group))
        for door in doors:
            door.hold(level_pct, _ORDER_FADE_S if fade_s is None else fade_s, until_s)
        return DONE, _number(order, 3)

    def _longest_hold_s(self, gps_s: int | None, group: int | None) -> int:
        """Without a clock a quarter of an hour; for a group the next sunrise; else as the order says."""
        if gps_s is None:
            return HOLD_WITHOUT_CLOCK_S
        if group is None:
            return 86400
        return HOLD_WITHOUT_CLOCK_S if self._site is None else until_sunrise_s(self._site, gps_s)

    def _resume(self, order: Order) -> tuple[int, int | None]:
        doors = self._named(_number(order, 0))
        for door in doors:
            door.resume()
        return (DONE, _number(order, 0)) if doors else (NOT_HERE, None)

    def _named(self, head: int | None) -> list[Door]:
        """The doors that an order means: all without a head, none for one that is not here."""
        return self._doors if head is None else self._doors[head : head + 1]

    def _load(self, actions: list[object], order: Order) -> tuple[int, int | None]:
        version, part, parts, data = order.arguments[:4]
        # The mind has checked them; mypy has not.
        assert isinstance(version, int)
        assert isinstance(part, int)
        assert isinstance(parts, int)
        assert isinstance(data, bytes)
        state, arrived = self._loader.load(version, part, parts, data)
        if state == MISSING:
            return INCOMPLETE, arrived
        if state == REFUSED:
            actions.append(TellEvent(PROGRAMME_REFUSED, (version,)))
            return BAD_ARGUMENT, version
        if state == CHANGED:
            actions.append(Persist("programme", self._loader.stored))  # before the lamp follows it
            self._virtual = b""
            self._base_until_s = 0
        return DONE, version

    # What is measured.

    def _measured(self, actions: list[object], values: tuple[int | None, ...], now_s: int) -> None:
        """Judge a measurement, and report it when a reading is due."""
        self._asked_s = None
        if not self._ranges:
            from protocol.quantity_table import ranges_of

            self._ranges = ranges_of(self.set_number)
        ranges = self._ranges
        known = {}
        for place, (quantity, _) in enumerate(quantities_of(self.set_number)):
            value = values[place]
            if value is not None and ranges[place][0] <= value <= ranges[place][1]:
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
            self._reading_s = now_s + self._settings.reading_interval_s
            actions.append(TakeReading(self._values(known)))

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
        if not self._needs_photocell():
            return
        night_s = self._photocell.see(lux, now_s)
        if night_s:
            self._ledger.nights.add(night_s // 60)
        if self._photocell_gone.see(lux is None):
            failed = self._photocell_gone.on
            actions.append(TellEvent(SENSOR_FAILED if failed else SENSOR_BACK, (ILLUMINANCE,)))
        if self._dusk_s != self._photocell.dusk_s:
            self._dusk_s = self._photocell.dusk_s
            self._virtual = b""
        self._base_until_s = 0

    def _needs_photocell(self) -> bool:
        """Only where the night cannot be known by the clock or by having power."""
        by_the_clock = self._time is not None and self._site is not None
        return not self._switched and self._settings.on_lux > 0 and not by_the_clock

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
            self._sense_s = now_s + min(_SENSE_S, self._settings.reading_interval_s)
            self._asked_s = now_s
            actions.append(Sense(self.set_number))
            if self._loader.refused >= 0:
                actions.append(TellEvent(PROGRAMME_REFUSED, (self._loader.refused,)))
                self._loader.refused = -1

    def _tell_back(self, actions: list[object], now_s: int) -> None:
        """Power was away; how long is known once there is time. Where a cabinet cuts it every day, that is no news."""
        gps_s = self._gps_s(now_s)
        if gps_s is None and now_s < _BACK_WITHOUT_TIME_S:
            self._back_s = _BACK_WITHOUT_TIME_S
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
        gps_s = self._gps_s(now_s)
        if gps_s is not None and self._site is not None:
            return not sun_is_down(self._site, gps_s) or until_sunrise_s(self._site, gps_s) < _LAST_HOUR_S
        length_min = self._ledger.nights.length_min()
        if length_min is None or self._dusk_s is None:
            return True
        return now_s - self._dusk_s > length_min * 60 - _LAST_HOUR_S

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


def _number(order: Order, place: int) -> int | None:
    """An argument that is a number, None when it was left out."""
    argument = order.arguments[place] if place < len(order.arguments) else None
    return argument if isinstance(argument, int) else None


def _site(data: bytes) -> Site | None:
    try:
        return Site.decode(data) if data else None
    except ProtocolError:
        return None
