"""The loop of a node: it carries out every action of mind, MAC and role, and feeds them what happens.

A turn does one thing: the radio's news, an event, a measurement that has time now, a wake that is due; when there is
none of these it looks at console, pins and lamps, and rests. How it rests:

- for windows and short waits in light sleep, which keeps the memory;
- beyond the board's break-even in deep sleep, from which it begins anew with images in RTC memory: most of the time to
  look at its sensors and no more (`glance.py`), for which the role alone is loaded;
- awake while a technician is there, and on boards whose light sleep does harm.

Cores are told the times at which they wanted to be woken and asked for a measurement, as long as the loop is late by no
more than its own work: so what that takes does not add up from reading to reading.

What a driver raises is a value that is not known, and the last error. What a core raises ends the run: `start.py`
keeps what and where, and restarts. A frame whose counter could not be persisted does not leave. What happens once a
start, once a sleep or once a day is loaded for that: `birth.py`, `whole.py`, `falling.py`, `trial.py`,
`showing.py`.
"""

from protocol.compat import const

from ..actions import (
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
from ..boot import TRIAL
from ..demand import forget
from ..events import FieldMoved, MotionSeen, PowerFailing, Transmitted, Woke
from .being import NO_PINS, Being

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from protocol.settings import Settings

    from ..glance import Glance
    from ..mac import Mac
    from ..mind import Facts, Mind, Role
    from ..node import Core
    from .being import Wakers
    from .birth import Parts
    from .board import Board
    from .hardware import Hardware
    from .kept import Kept
    from .memory import Memory

_CLASS_C = const(1)
_FIELD_MS = const(60)  # what a magnetometer takes at the most
_LUX_MS = const(200)
_LOOK_MS = const(100)  # at pins, while it is awake: no pin ends that
_MOTION_MS = const(5_000)  # between two of one movement
_FORGET_MS = const(1_000)  # a rest so long is worth loading again
_LATE_MS = const(500)  # what the loop's own work may take


class NodeBody(Being):
    """One node, from the start or from the wake on; parts: what `birth.py` has made of the board.

    core: what is driven: the whole node, or after deep sleep the role's part of it until mind or MAC are needed.
    wake_ms: when the core wants to be woken. images: during a glance, what `glance.unpack` gave.
    """

    core: "Core"

    def __init__(
        self,
        hardware: "Hardware",
        kept: "Kept",
        memory: "Memory",
        settings: "Settings",
        board: "Board",
        parts: "Parts",
    ) -> None:
        super().__init__(hardware, kept, memory, board, parts.led, parts.decoder)
        self.settings = settings.encode()
        self.safe = parts.safe
        self.is_class_c = settings.device_class == _CLASS_C
        self.deep_from_ms = parts.deep_from_ms
        self.lamps = parts.lamps
        self.senses = parts.senses
        self.held = parts.held
        self.boot_ms = parts.boot_ms
        self.max_eirp_dbm = parts.max_eirp_dbm
        self._radio_pins = parts.radio_pins
        self._motion = parts.motion
        self._motion_ms = 0
        self._mains = parts.mains
        self._failing = False
        self._inbox: list[tuple[object, int]] = []  # what was measured or seen, and when
        # What is measured when there is time, how long it takes, when it was asked for.
        self._errands: list[tuple[object, int, int]] = []
        self._woke = Woke()
        self.wake_ms: int | None = memory.now_ms
        self._heard_ms = 0
        self.mind: "Mind | None" = None
        self.mac: "Mac | None" = None
        self.facts: "Facts | None" = None
        self.role: "Role | None" = None
        self.images: tuple[int, bytes, bytes, bytes, bytes] = (0, b"", b"", b"", b"")
        self.glance: "Glance | None" = None
        self.station: "Any" = parts.station(self)
        if self.senses.moved():
            self._inbox.append((FieldMoved(), memory.now_ms))

    def turn(self) -> None:
        """Do one thing, or rest until there is one."""
        now_ms = self.clock.now_ms()
        news = self.station.poll(now_ms)
        if news is not None:
            self._hear(news[0], news[1])
        elif self._inbox:
            event, at_ms = self._inbox.pop(0)
            self._hear(event, at_ms)
        elif self._errands and self.station.free_ms(now_ms) >= self._errands[0][1]:
            errand, _, asked_ms = self._errands.pop(0)
            self._measure(errand, asked_ms if now_ms - asked_ms <= _LATE_MS else now_ms)
        elif self.wake_ms is not None and self.wake_ms <= now_ms:
            self._hear(self._woke, self.wake_ms if now_ms - self.wake_ms <= _LATE_MS else now_ms)
        elif not self._look(now_ms):
            self._take_a_rest(now_ms)

    def states(self) -> "Iterator[str]":
        """What the technician's `status` shows."""
        from .showing import states_of_node

        return states_of_node(self)

    def tests(self) -> "Iterator[tuple[str, str]]":
        """The self-test."""
        from .showing import tests_of_node

        return tests_of_node(self)

    def last_error(self) -> str:
        """Of a driver since the start, else of the run that an error or a hang ended."""
        if self.facts is not None and self.facts.last_error and not self.hardware.last_error:
            return self.facts.last_error
        return super().last_error()

    def restart(self) -> None:
        """Begin anew, in good order; a lamp goes on with what holds it."""
        from .falling import keep_role

        keep_role(self)
        super().restart()

    # What happens.

    def _hear(self, event: object, at_ms: int) -> None:
        """Let the core hear it, and do what it wants. Cores know no time that goes back."""
        at_ms = self._heard_ms = max(at_ms, self._heard_ms)
        self._do(self.core.handle(event, at_ms), at_ms)
        glance = self.glance
        if glance is not None and glance.needs_node(at_ms):
            from .whole import become_whole

            become_whole(self)
            forget()
            assert self.mind is not None
            actions: list[object] = []
            self.mind.carry_out(glance.wanted, actions, at_ms)
            self._do(actions, at_ms)
            self._inbox.insert(0, (self._woke, at_ms))
        # Asked once: a core changes only as it hears something, and asking may load what joins.
        self.wake_ms = self.core.wake_at()

    def _do(self, actions: list[object], now_ms: int) -> None:
        """Carry out a list of actions, in its order."""
        kept = True
        for action in actions:
            if isinstance(action, RadioTransmit):
                if kept:
                    self.station.transmit(action, now_ms)
                else:  # its counter or nonce may come again: to the MAC this is a frame that nobody heard
                    self._inbox.append((Transmitted(), now_ms))
            elif isinstance(action, OpenWindow):
                self.station.open(action, now_ms)
            elif isinstance(action, CloseWindow):
                self.station.close()
            elif isinstance(action, Persist):
                kept = self._persist(action.key, action.value) and kept
            elif isinstance(action, Sense):
                self._errands.append((action, self.senses.cost_ms(action.set_number), now_ms))
            elif isinstance(action, (SenseField, WatchField)):
                self._errands.append((action, _FIELD_MS, now_ms))
            elif isinstance(action, SenseLux):
                self._errands.append((action, _LUX_MS, now_ms))
            elif isinstance(action, Power):
                self.senses.power_fan(action.on)
            elif isinstance(action, SetLamp):
                if self.lamps is not None:
                    self.lamps.set(action, now_ms)
            elif isinstance(action, Identify):
                self.blinker.identify(action.seconds, now_ms)
            elif isinstance(action, Restart):
                self.restart()

    def _persist(self, key: str, value: int | bytes) -> bool:
        if self.boot & TRIAL:
            from .trial import says_answered

            self.answered = self.answered or says_answered(self.kept, key, value)
        if self.kept.put(key, value):
            return True
        self.hardware.last_error = "nvs " + key
        return False

    def _measure(self, errand: object, at_ms: int) -> None:
        if isinstance(errand, SenseField):
            self._inbox.append((self.senses.field(errand.bay), at_ms))
        elif isinstance(errand, Sense):
            self._inbox.append((self.senses.sense(errand.set_number), at_ms))
        elif isinstance(errand, WatchField):
            self.senses.watch(errand.bay, errand.threshold_dut)
        else:
            self._inbox.append((self.senses.lux(), at_ms))

    def _look(self, now_ms: int) -> bool:
        """Look at what tells nobody by itself; whether there was something."""
        busy = self.tend(now_ms)
        if self.lamps is not None:
            self._inbox += [(said, now_ms) for said in self.lamps.step(now_ms)]
        if self.senses.watched and self.senses.moved():
            self._inbox.append((FieldMoved(), now_ms))
        if _is_on(self._motion) and now_ms >= self._motion_ms:
            self._motion_ms = now_ms + _MOTION_MS
            self._inbox.append((MotionSeen(), now_ms))
        failing = _is_on(self._mains)
        if failing and not self._failing:
            self._inbox.append((PowerFailing(), now_ms))
        self._failing = failing
        if self.hardware.last_error is not None and self.facts is not None:
            self.facts.last_error = self.hardware.last_error
        return busy or bool(self._inbox)

    # How it rests.

    def _take_a_rest(self, now_ms: int) -> None:
        if now_ms >= self.house_ms:
            from .trial import keep_house

            keep_house(self, now_ms)
        until_ms = self.wake_ms
        awake = self.console.listens(now_ms)
        if self._may_sleep_deep(now_ms, until_ms, awake):
            from .falling import sleep_deep

            sleep_deep(self, until_ms)
        pins = self._wake_pins()
        for next_ms in (
            self.station.next_ms(now_ms, awake),
            None if self.lamps is None else self.lamps.next_ms(now_ms),
            self._motion_ms if _is_on(self._motion) else None,
            now_ms + self.station.free_ms(now_ms) + 1 if self._errands else None,  # which wait for the radio
        ):
            if next_ms is not None and (until_ms is None or next_ms < until_ms):
                until_ms = next_ms
        talks = awake and self.console.talks  # for the next line the same would be loaded again
        if self.mac is not None and not talks and (until_ms is None or until_ms - now_ms >= _FORGET_MS):
            self.mac.rest()
            forget()
        if awake and pins != NO_PINS and (until_ms is None or until_ms - now_ms > _LOOK_MS):
            until_ms = now_ms + _LOOK_MS
        self.rest(now_ms, until_ms, pins)

    def _wake_pins(self) -> "Wakers":
        """The pins that are low now and whose rise is news, and one that is high and whose fall is: the supply's."""
        rise = self._radio_pins + self.senses.watch_pins()
        fall = None
        for alarm in (self._motion, self._mains):
            if alarm is not None and not _is_on(alarm):
                if alarm[1]:
                    rise.append(alarm[0])
                else:
                    fall = alarm[0]
        return tuple(rise), fall

    def _may_sleep_deep(self, now_ms: int, until_ms: int | None, awake: bool) -> bool:
        """Whether nothing is under way that a restart would lose, and the wait is worth a boot."""
        return (
            self.deep_from_ms > 0
            and not awake
            and (until_ms is None or until_ms - now_ms >= self.deep_from_ms)
            and self.station.idle()
            and not self._errands
            and not self.senses.fan_on
            and self.blinker.next_ms(now_ms) is None
        )

    # What mind and MAC ask of the body.

    def vitals(self) -> tuple[int | None, int | None]:
        """Battery in mV and free bytes of the heap, None for not known."""
        return self.senses.battery_mv(), self.hardware.heap_free()


def _is_on(alarm: "tuple[Any, int] | None") -> bool:
    return alarm is not None and alarm[0].value() == alarm[1]
