"""The body of a node while it has power: it carries out what mind and MAC decide, on virtual time.

One body is one run, from power-up to power cut; what outlives that is its `Hardware`. It costs the timeline one event
for the node's next alarm, and one for what the radio does; sensors answer within the event that asks them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from firmware.actions import (
    CloseWindow,
    Identify,
    OpenWindow,
    Persist,
    Power,
    RadioTransmit,
    Restart,
    Sense,
    SenseField,
    SenseLux,
    SetLamp,
    WatchField,
)
from firmware.events import (
    FieldMoved,
    FieldSensed,
    FrameHeard,
    LampFeedback,
    LuxSensed,
    MotionSeen,
    PowerFailing,
    Sensed,
    Transmitted,
    WindowClosed,
    Woke,
)
from protocol.quantities import size_of
from simulator.air.interface import Air, OnAir, Reception
from simulator.fleet.clock import NodeClock
from simulator.fleet.ears import Ears
from simulator.fleet.files import PowerCut
from simulator.fleet.hardware import Field, Hardware, Sensing
from simulator.fleet.latency import Latency
from simulator.fleet.senses import BayStimulus, LampStimulus, Stimulus
from simulator.fleet.window import Window
from simulator.timeline import Timeline

if TYPE_CHECKING:
    from firmware.node import Core

_COLD, _SLEPT, _WARM = range(3)  # how the radio is found
_MOST_HURRIES = 100  # a node catches up within a few; one that does not would stop the time for all
_FORESEEN_US = 60_000_000  # a watch is set anew every few minutes: what comes later is not its business
_MOST_ANSWERS = 16  # within one event; a core that asks for more at one moment would never come to rest
# Events without anything in them are made once: no core keeps one.
_WOKE, _TRANSMITTED, _CLOSED, _MOVED = Woke(), Transmitted(), WindowClosed(), FieldMoved()
_MOTION, _FAILING = MotionSeen(), PowerFailing()


class Keeper(Protocol):
    """Who sees to a body whose run is over."""

    def cut(self) -> None:
        """The power went."""

    def restart(self) -> None:
        """It wants to start afresh."""

    def slept(self, core: "Core") -> "Core":
        """It falls into a deep sleep: what will wake of it."""

    def died(self, error: Exception) -> None:
        """Its mind or MAC raised what none of them may."""

    def lamp_set(self, head: int, level_pct: int, fade_s: int) -> None:
        """It told a lamp."""


class Body:
    """name: of the node. epoch_s: Unix time of virtual time 0.

    clock: as at power-up; None for a perfect one from then on. deep_after_ms: the shortest sleep that is worth a boot,
    None for a node that stays awake. ears: of all bodies in this air, None for one by itself. keeper: None lets errors
    through. gear: whether a control gear can be asked. latency: of its hardware; None: it does all at once.
    """

    __slots__ = (
        "_air",
        "_alarm_us",
        "_answers",
        "_bays",
        "_busy_us",
        "_clock",
        "_core",
        "_deep_after_ms",
        "_ears",
        "_epoch_s",
        "_fan_us",
        "_gear",
        "_hurries",
        "_keeper",
        "_lamp",
        "_latency",
        "_on",
        "_radio",
        "_ring_us",
        "_sent_us",
        "_slept_us",
        "_stimulus",
        "_timeline",
        "_watches",
        "_window",
        "hardware",
        "name",
        "tally",
    )

    def __init__(
        self,
        name: str,
        core: "Core",
        timeline: Timeline,
        air: Air,
        stimulus: Stimulus,
        epoch_s: int,
        *,
        hardware: Hardware | None = None,
        clock: NodeClock | None = None,
        deep_after_ms: int | None = None,
        ears: Ears | None = None,
        keeper: Keeper | None = None,
        gear: bool = False,
        latency: Latency | None = None,
    ) -> None:
        self.name = name
        self._latency = latency
        self._busy_us = 0  # what the event so far has taken
        self._radio = _COLD
        self.hardware = Hardware() if hardware is None else hardware
        self.tally = self.hardware.tally
        self._core = core
        self._timeline = timeline
        self._air = air
        self._stimulus = stimulus
        self._bays = stimulus if isinstance(stimulus, BayStimulus) else None
        self._lamp = stimulus if isinstance(stimulus, LampStimulus) else None
        self._epoch_s = epoch_s
        self._clock = clock
        self._deep_after_ms = deep_after_ms
        self._ears = ears
        self._keeper = keeper
        self._gear = gear
        self._on = False
        self._alarm_us: int | None = None  # when the core wants to be woken
        self._ring_us: int | None = None  # when the timeline calls next for that
        self._sent_us: int | None = None  # when the frame that is being sent will be out
        self._window: Window | None = None
        self._answers: list[object] = []  # events that what was just done brought about
        self._watches: dict[int, _Watch] = {}  # by bay
        self._fan_us: int | None = None  # since when it has been on
        self._slept_us = 0
        self._hurries = 0  # alarms in a row that were due when they were set

    @property
    def persisted(self) -> dict[str, int | bytes]:
        """What a power cut leaves."""
        return self.hardware.persisted

    @property
    def lamps(self) -> dict[int, tuple[int, int]]:
        """By head, (level_pct, fade_s) as last set."""
        return self.hardware.lamps

    # Its run.

    def boot(self, time_us: int) -> None:
        """Switch the node on at *time_us*; its clock starts there unless it was given one."""
        self._on = True
        if self._clock is None:
            self._clock = NodeClock(time_us)
        self._ring_us = self._alarm_us = time_us
        self.tally.boots += 1
        self._timeline.at(time_us, self._ring)
        if self._latency is not None:
            self._timeline.at(time_us + self._latency.awake_us, self._doze)

    def off(self) -> None:
        """The power is gone."""
        self._on = False
        self.settle()
        self._close()

    def move(self, timeline: Timeline, air: Air, ears: Ears | None) -> None:
        """Go on as it is on another timeline, whose times mean the same, and in another air."""
        self._timeline = timeline
        self._air = air
        self._ears = ears
        self._ring_us = self._alarm_us
        if self._alarm_us is not None:
            timeline.at(self._alarm_us, self._ring)
        if self._sent_us is not None:
            timeline.at(self._sent_us, self._sent)
        if self._window is not None:
            self._await(self._window)
        for watch in self._watches.values():
            watch.move()

    def drift(self, sleep_ppm: int) -> None:
        """From its next sleep on, its sleep clock gains so much."""
        assert self._clock is not None
        self._clock.sleep_ppm = sleep_ppm

    def warm_crystal(self, awake_ppm: int) -> None:
        """From its next event on, its crystal gains so much."""
        assert self._clock is not None
        self._clock.awake_ppm(awake_ppm)

    def settle(self) -> None:
        """Book what goes on up to now."""
        assert self._clock is not None
        now_us = self._timeline.now_us
        if self._clock.asleep:
            self.tally.deep_us += now_us - self._slept_us
            self._slept_us = now_us
        if self._fan_us is not None:
            self.tally.fan_us += now_us - self._fan_us
            self._fan_us = now_us

    # What happens to it.

    def tell(self, event: object) -> None:
        """Something happened, now."""
        if self._on:
            self._hear(event)

    def see_motion(self) -> None:
        """Somebody moves near its lamp."""
        self.tell(_MOTION)

    def lose_mains(self) -> None:
        """The mains go; what is left in its capacitors lasts a moment."""
        self.tell(_FAILING)

    def minds(self, frame: OnAir) -> bool:
        """Of frames for others a class C node would look at the address and go on; class A's have used up a window."""
        window = self._window
        return window is not None and (window.symbols > 0 or self.hardware.is_meant(frame.phy_payload))

    def begin(self, frame: OnAir) -> None:
        """A downlink begins where this node listens."""
        if self._window is not None:
            self._window.begin(frame)

    def end(self, frame: OnAir, reception: Reception | None) -> None:
        """A downlink is over; one that was destroyed on its way leaves the node with nothing, its window used up."""
        window = self._window
        if window is None or window.locked is not frame:
            return
        window.locked = None
        if window.symbols:
            self._close()
        if reception is not None:
            self.tally.frames_heard += 1
            self._hear(FrameHeard(frame.phy_payload, round(reception.rssi_dbm), round(4 * reception.snr_db)))
        elif window.symbols:
            self._hear(_CLOSED)

    def _hear(self, event: object) -> None:
        """Give *event* to the core, do what it wants, and set the alarm it asks for."""
        try:
            clock = self._clock
            assert clock is not None
            tally = self.tally
            now_us = self._timeline.now_us
            self._busy_us = 0
            if clock.asleep:
                tally.deep_us += now_us - self._slept_us
            now_ms = clock.wake(now_us) // 1000
            tally.wakes += 1
            answers = self._answers
            core = self._core
            for action in core.handle(event, now_ms):
                _DO.get(type(action), _cannot)(self, action)
            if answers:
                for answer in answers:  # which grows while more is asked
                    tally.wakes += 1
                    for action in core.handle(answer, now_ms):
                        _DO.get(type(action), _cannot)(self, action)
                    assert len(answers) <= _MOST_ANSWERS, f"{self.name} asks and asks"
                answers.clear()
            if self._on:
                wake_ms = core.wake_at()
                if wake_ms is None:
                    self._alarm_us = None
                else:
                    self._set_alarm(clock, wake_ms, now_us, now_ms)
        except PowerCut:
            if self._keeper is None:
                raise
            self._keeper.cut()
        except Exception as error:  # whatever it is, the run goes on without this node, and says so
            if self._keeper is None:
                raise
            self._keeper.died(error)

    def _set_alarm(self, clock: NodeClock, wake_ms: int, now_us: int, now_ms: int) -> None:
        """By the clock that runs until then."""
        deep_after_ms = self._deep_after_ms
        if (
            deep_after_ms is not None
            and wake_ms - now_ms >= deep_after_ms
            and self._window is None
            and self._sent_us is None
            and (self._latency is None or now_ms * 1000 >= self._latency.awake_us)
        ):
            clock.sleep(self._epoch_s + now_us // 1_000_000)
            self._radio = _SLEPT if self._radio != _COLD else _COLD
            self._slept_us = now_us
            self.tally.deep_sleeps += 1
            if self._keeper is not None:
                self._core = self._keeper.slept(self._core)
        alarm_us = self._alarm_us = clock.when_us(wake_ms * 1000)
        if alarm_us == now_us:
            self._hurries += 1
            assert self._hurries <= _MOST_HURRIES, "it wants to be woken at once, again and again"
        else:
            self._hurries = 0
        if self._ring_us is None or alarm_us < self._ring_us:
            self._ring_us = alarm_us
            self._timeline.at(alarm_us, self._ring)

    def _doze(self) -> None:
        """The time in which it stays awake is over."""
        clock = self._clock
        if self._on and clock is not None and self._alarm_us is not None:
            wake_ms = self._core.wake_at()
            if wake_ms is not None:
                now_us = self._timeline.now_us
                self._set_alarm(clock, wake_ms, now_us, clock.wake(now_us) // 1000)

    def _ring(self) -> None:
        now_us = self._timeline.now_us
        if now_us != self._ring_us or not self._on:
            return  # an earlier one took its place
        alarm_us = self._alarm_us
        if alarm_us is None:
            self._ring_us = None
        elif alarm_us > now_us:  # it was moved
            self._ring_us = alarm_us
            self._timeline.at(alarm_us, self._ring)
        else:
            self._ring_us = None
            self._hear(_WOKE)

    # Its radio.

    def _transmit(self, action: RadioTransmit) -> None:
        listened = self._window is not None
        self._close()
        if self._latency is None:
            self._emit(action)
            return
        latency = self._latency
        late_us = {_COLD: latency.cold_us, _SLEPT: latency.woken_us}.get(self._radio, latency.warm_us)
        late_us = self._busy_us + (latency.listening_us if listened else late_us)
        self._radio = _WARM
        self._sent_us = self._timeline.now_us + late_us  # so that it does not sleep meanwhile
        self._timeline.at(self._sent_us, lambda: self._emit(action))

    def _emit(self, action: RadioTransmit) -> None:
        if not self._on:
            return
        tally = self.tally
        power_dbm = action.power_dbm
        airtime_us = self._air.transmit(self.name, action.phy_payload, action.freq_hz, action.dr, power_dbm)
        tally.frames_sent += 1
        tally.sent_us[power_dbm] = tally.sent_us.get(power_dbm, 0) + airtime_us
        sent_us = self._sent_us = self._timeline.now_us + airtime_us
        self._timeline.at(sent_us, self._sent)

    def _sent(self) -> None:
        if self._on:
            self._sent_us = None
            self._hear(_TRANSMITTED)

    def _open(self, action: OpenWindow) -> None:
        self._close()
        assert self._clock is not None
        window = self._window = Window(action, self._clock.when_us(action.open_ms * 1000))
        self._await(window)

    def _await(self, window: Window) -> None:
        if self._ears is not None and window.symbols:
            self._ears.wait(self, window)
        elif window.opens_us > self._timeline.now_us:
            self._timeline.at(window.opens_us, lambda: self._listen(window))
        else:
            self._listen(window)
        if window.symbols:
            self._timeline.at(window.closes_us, lambda: self._pass(window))

    def tune(self) -> None:
        """A downlink begins that the window may catch. Who is tuned hears it; tuning anew loses what is under way."""
        window = self._window
        if window is not None and not window.tuned:
            self._listen(window)

    def _listen(self, window: Window) -> None:
        if window is self._window:
            window.tuned = True
            self._air.listen(self, window.freq_hz, window.dr)

    def _pass(self, window: Window) -> None:
        """A class A window comes to its end."""
        if window is self._window and window.locked is None:
            self._close()
            self._hear(_CLOSED)

    def _close(self, action: CloseWindow | None = None) -> None:
        window = self._window
        if window is not None:
            self._window = None
            if self._ears is not None and window.symbols:
                self._ears.forget(self, window)
            if window.tuned:
                self._air.deafen(self)
            self.tally.listened_us += max(0, self._timeline.now_us - window.opens_us)

    # Its sensors.

    def _sense(self, action: Sense) -> None:
        self.tally.senses += 1
        if self._latency is not None:
            self._busy_us += self._latency.sense_us.get(action.set_number, 0)
        hardware = self.hardware
        time_s = self._time_s()
        if hardware.sensing is Sensing.WELL:
            values = hardware.seen = self._stimulus.values(action.set_number, time_s)
        elif hardware.sensing is Sensing.STUCK and hardware.seen is not None:
            values = hardware.seen
        else:
            values = (None,) * size_of(action.set_number)
        self._answers.append(Sensed(action.set_number, values))
        if self._gear:
            assert self._lamp is not None
            for head in hardware.lamps:
                self._answers.append(LampFeedback(head, self._lamp.gear_status(head, time_s)))

    def _sense_field(self, action: SenseField) -> None:
        self.tally.senses += 1
        if self._latency is not None:
            self._busy_us += self._latency.field_us
        hardware = self.hardware
        time_s = self._time_s()
        stimulus = self._bays
        assert stimulus is not None
        if hardware.sensing is Sensing.WELL:
            field = hardware.fields[action.bay] = stimulus.field(action.bay, time_s)
        elif hardware.sensing is Sensing.STUCK and action.bay in hardware.fields:
            field = hardware.fields[action.bay]
        else:
            self._answers.append(FieldSensed(action.bay, None, None))
            return
        self._answers.append(FieldSensed(action.bay, field, stimulus.temperature_dcel(time_s)))

    def _watch_field(self, action: WatchField) -> None:
        assert self._bays is not None
        bay = action.bay
        watch = self._watches.get(bay)
        if watch is None:
            watch = self._watches[bay] = _Watch(self, bay)
        watch.arm(self.hardware.fields[bay], action.threshold_dut)  # it was asked for what the field is just now

    def _sense_lux(self, action: SenseLux) -> None:
        if self._latency is not None:
            self._busy_us += self._latency.lux_us
        lux = None
        if self._lamp is not None and self.hardware.sensing is Sensing.WELL:
            lux = self._lamp.lux(self._time_s())
        self._answers.append(LuxSensed(lux))

    def _time_s(self) -> float:
        return self._epoch_s + self._timeline.now_us / 1_000_000

    # The rest of it.

    def _persist(self, action: Persist) -> None:
        self.tally.writes += 1
        self.hardware.persist(action.key, action.value)

    def _power(self, action: Power) -> None:
        self.settle()
        self._fan_us = self._timeline.now_us if action.on else None

    def _set_lamp(self, action: SetLamp) -> None:
        self.hardware.lamps[action.head] = action.level_pct, action.fade_s
        if self._lamp is not None:
            self._lamp.lamp_set(action.head, action.level_pct, action.fade_s, self._time_s())
        if self._keeper is not None:
            self._keeper.lamp_set(action.head, action.level_pct, action.fade_s)

    def _identify(self, action: Identify) -> None:
        self.hardware.identified_s += action.seconds

    def _restart(self, action: Restart) -> None:
        if self._keeper is None:
            _cannot(self, action)
        else:
            self._keeper.restart()


class _Watch:
    """A magnetometer that wakes its node when the field leaves what it was; it looks when something moves."""

    __slots__ = ("_bay", "_body", "_look_us", "_threshold_dut", "_was")

    def __init__(self, body: Body, bay: int) -> None:
        self._body = body
        self._bay = bay
        self._was: Field | None = None  # None: not armed
        self._threshold_dut = 0
        self._look_us: int | None = None  # when the timeline calls next

    def arm(self, was: Field, threshold_dut: int) -> None:
        self._was = was
        self._threshold_dut = threshold_dut
        self._plan()

    def move(self) -> None:
        self._look_us = None
        if self._was is not None:
            self._plan()

    def _plan(self) -> None:
        """Look when the field will have moved enough: it is known ahead, so that nobody has to look in between."""
        body = self._body
        bays, bay, epoch_s = body._bays, self._bay, body._epoch_s
        assert bays is not None
        look_us = body._timeline.now_us
        until_us = look_us + _FORESEEN_US
        while True:
            change_s = bays.next_change_s(bay, epoch_s + look_us / 1_000_000)
            if change_s is None:
                return
            # What begins then has begun, whatever floats make of it.
            look_us = int((change_s - epoch_s) * 1_000_000) + 2
            if look_us > until_us or self._moved(bays.field(bay, epoch_s + look_us / 1_000_000)):
                break
        if self._look_us is None or look_us < self._look_us:
            self._look_us = look_us
            body._timeline.at(look_us, self._look)

    def _look(self) -> None:
        body = self._body
        if body._timeline.now_us != self._look_us or not body._on:
            return  # an earlier look took its place
        self._look_us = None
        if self._was is None:
            return
        assert body._bays is not None
        if body.hardware.sensing is Sensing.WELL and self._moved(body._bays.field(self._bay, body._time_s())):
            self._was = None
            clock = body._clock
            if body._latency is not None and clock is not None and clock.asleep:
                body._timeline.at(body._timeline.now_us + body._latency.boot_us, lambda: body.tell(_MOVED))
            else:
                body._hear(_MOVED)
        else:
            self._plan()

    def _moved(self, field: Field) -> bool:
        assert self._was is not None
        x, y, z = field
        was_x, was_y, was_z = self._was
        return max(abs(x - was_x), abs(y - was_y), abs(z - was_z)) >= self._threshold_dut


def _cannot(body: Body, action: object) -> None:
    raise TypeError(f"{body.name}: this body cannot {type(action).__name__}")


_DO: dict[type, Callable[[Body, Any], None]] = {
    Sense: Body._sense,
    SenseField: Body._sense_field,
    WatchField: Body._watch_field,
    SenseLux: Body._sense_lux,
    RadioTransmit: Body._transmit,
    OpenWindow: Body._open,
    CloseWindow: Body._close,
    Persist: Body._persist,
    Power: Body._power,
    SetLamp: Body._set_lamp,
    Identify: Body._identify,
    Restart: Body._restart,
}
