"""One virtual board: a microcontroller that runs the firmware, sleeps, is reset and loses its power, on a timeline.

Its own clock runs ahead of the timeline while the firmware runs, by what that takes; what it sends meanwhile goes on the
air when the timeline gets there. Whatever the firmware waits for, it waits for in a sleep, which ends the call: so many
boards share one process and one city.

    state   the firmware                          what brings it on
    ------  ------------------------------------  -------------------------------------------------------------
    OFF     has no power                          switch_on
    BUSY    runs, or has ended a turn and wants   itself
            the next one
    LIGHT   sleeps light; RAM is kept             its time, a wake pin; the watchdog stands still
    DEEP    sleeps deep; RTC memory is kept       its time, a wake pin: boot.py, as after any reset
    IDLE    is at the prompt: main.py ended       the watchdog; the serial line
"""

from enum import Enum
from typing import Any

from simulator.board.hardware import Hardware
from simulator.board.nvs import Nvs
from simulator.board.operations import OPERATIONS
from simulator.board.power import Writes
from simulator.board.process import Ending, Host
from simulator.chips.clock import Clock
from simulator.timeline import Timeline

POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5  # machine.reset_cause()
BOOT_US = 700_000  # from a reset until boot.py runs; MicroPython's start
EXT0, EXT1, TIMER = 2, 3, 4  # machine.wake_reason()

_TURN_US = 100  # what a turn takes beside its hardware
_PIN, _TIMER = 0, 1  # kinds of events, as shims/clockwork.py counts them
_NEVER_US = 1 << 60


class State(Enum):
    """What a board does: see above."""

    OFF = "off"
    BUSY = "busy"
    LIGHT = "light sleep"
    DEEP = "deep sleep"
    IDLE = "at the prompt"


class FirmwareError(Exception):
    """The firmware did what no board could simulate, or an exception left it; the message is what it printed."""


class Board:
    """uid: six bytes, machine.unique_id(). Chips are wired to `hardware`; files are put on it while it is off.

    nvs, writes: of its flash; memory: the RTC's. printed: what came out of its serial port, the last 64 kB.
    boots: (time in µs, reset cause) of each start. turns: how many times the firmware was called, boots included.
    brought_down: what ended a run that no order ended, in words: tracebacks, the watchdog.
    """

    def __init__(self, name: str, host: Host, timeline: Timeline, uid: bytes) -> None:
        self.name = name
        self.clock = Clock(timeline.now_us)
        self.hardware = Hardware(self.clock)
        self.nvs = Nvs()
        self.writes = Writes()
        self.memory = b""
        self.state = State.OFF
        self.cause = POWER_ON
        self.wake_reason = 0
        self.printed = bytearray()
        self.stdin = bytearray()  # what was typed and not read yet
        self.boots: list[tuple[int, int]] = []
        self.turns = 0
        self.brought_down: list[str] = []
        self.origin_us = 0  # when the RTC's time was 0
        self.watchdog_ms = 0
        self.watchdog_us = _NEVER_US
        self.wakes: dict[int, list[tuple[int, int]]] = {}  # (pin, level) by way
        self.strict = True
        self._uid = uid
        self._host = host
        self._timeline = timeline
        self._wake_us: int | None = None
        self._triggers: dict[int, int] = {}
        self._events: list[int] = []
        self._timers: dict[int, int] = {}  # how often each was set
        self._plans = 0
        self._booting = False
        self._slept_us = 0
        self._running = False
        host.call(None, "make", name)

    # From outside.

    def put(self, path: str, content: bytes | None) -> None:
        """Put a file on the flash, as the flashing tool would; None: a folder."""
        self._host.call(None, "put", self.name, path, None if content is None else content.decode("latin-1"))

    def files(self) -> dict[str, bytes | None]:
        """What is on the flash for good, by path; None for folders."""
        found = self._host.call(None, "files", self.name)[1]
        return {path: None if content is None else content.encode("latin-1") for path, content in found}

    def switch_on(self) -> None:
        """Power comes, now."""
        assert self.state is State.OFF
        self.origin_us = self._timeline.now_us
        self._reset(POWER_ON)

    def switch_off(self) -> None:
        """Power goes, now: RTC memory with it."""
        self.state = State.OFF
        self.memory = b""
        self._forget()
        self._plan()

    def run(self, source: str) -> str:
        """Run Python in the interpreter, beside the firmware, as a technician would; returns what it printed."""
        before = len(self.printed)
        self.clock.run(max(self.clock.now_us, self._timeline.now_us))
        self._call("run", source)
        return self.printed[before:].decode("utf-8", "replace").replace("\r\n", "\n")

    def type(self, data: bytes) -> None:
        """Bytes come in at the serial port: for the firmware, unless Ctrl-C ends it, then for the prompt."""
        if self.state in (State.OFF, State.DEEP):
            return
        if self._booting:
            self.stdin += data  # its FIFO keeps it until the firmware runs
            return
        self.clock.run(max(self.clock.now_us, self._timeline.now_us))
        if self.state is not State.IDLE:
            typed, interrupt, data = data.partition(b"\x03")
            self.stdin += typed
            if not interrupt:
                return
            self.state = State.IDLE
            self._wake_us = None
            self._call("interrupt")
        result = self._call("feed", data.decode("latin-1"))
        while isinstance(result, dict) and "soft" in result:
            self._forget()
            self.cause = SOFT
            self.boots.append((self.clock.now_us, SOFT))
            result = self._call("soft", SOFT, self.origin_us, self._uid.hex(), result["raw"], result["rest"])
            if result is True:  # main.py goes on
                self.state = State.BUSY
        if result is not None:
            self._end(result)
        self._plan()

    def stirred(self) -> None:
        """Something has reached a chip by itself."""
        self._plan()

    # What brings it on.

    def _reset(self, cause: int) -> None:
        """Begin anew, after what a boot takes."""
        self._forget()
        self.cause = cause
        if cause != DEEP_SLEEP:
            self.wake_reason = 0
        self.state = State.BUSY
        self._wake_us = max(self.clock.now_us, self._timeline.now_us) + BOOT_US
        self._booting = True
        self._plan()

    def _forget(self) -> None:
        """What no reset leaves: interrupts, timers, wake pins, the watchdog, NVS that was not committed."""
        self.nvs.lose()
        self.wakes.clear()
        self._triggers.clear()
        self._events.clear()
        self._timers.clear()
        self.watchdog_us = _NEVER_US
        self._wake_us = None
        self._booting = False

    def _plan(self) -> None:
        """Ring when the next thing is due, after what else happens then: the air's end of a frame, above all."""
        if self._running:
            return
        self._plans += 1
        plan = self._plans
        due = [time_us for time_us in (self.clock.next_us(), self._wake_us, self._bites_us()) if time_us is not None]
        if due:
            at_us = min(due)
            self._timeline.at(at_us, lambda: self._timeline.at(at_us, lambda: self._ring(plan)))

    def _bites_us(self) -> int | None:
        return self.watchdog_us if self.state in (State.BUSY, State.IDLE) and self.watchdog_us < _NEVER_US else None

    def _ring(self, plan: int) -> None:
        if plan != self._plans:
            return
        now_us = self._timeline.now_us
        self.clock.run(max(now_us, self.clock.now_us))
        if self.state is not State.OFF:
            if self.state in (State.LIGHT, State.DEEP) and self._woken_by_pin():
                self._wake_us = now_us
            bites_us = self._bites_us()
            if bites_us is not None and bites_us <= now_us and (self._wake_us is None or bites_us <= self._wake_us):
                self._bite()
            elif self._wake_us is not None and self._wake_us <= now_us:
                self._go_on()
        self._plan()

    def _go_on(self) -> None:
        state, self._wake_us = self.state, None
        if state is State.DEEP:
            self._reset(DEEP_SLEEP)
            return
        if state is State.LIGHT and self.watchdog_us < _NEVER_US:
            self.watchdog_us += self.clock.now_us - self._slept_us
        self.state = State.BUSY
        if self._booting:
            self._booting = False
            self.boots.append((self.clock.now_us, self.cause))
            self._end(self._call("start", self.cause, self.origin_us, self._uid.hex()))
            typed, self.stdin = bytes(self.stdin), bytearray()
            if typed:
                self.type(typed)
        else:
            events = self._events[:]
            self._events.clear()
            self._end(self._call("turn", events))

    def _call(self, command: str, *args: Any) -> Any:
        self.turns += 1
        self._running = True
        try:
            time_us, result = self._host.call(self, command, self.name, self.clock.now_us, *args)
        finally:
            self._running = False
        self.clock.run(max(time_us, self.clock.now_us))
        return result

    def _end(self, result: Any) -> None:
        """What the call came to: True or None after a turn, False for a main.py without, or an ending."""
        if isinstance(result, dict):
            self._ended(result["what"], result["detail"])
        elif result is False:
            self.state = State.IDLE
        elif self.state is State.BUSY:
            self._wake_us = self.clock.now_us + _TURN_US

    def _ended(self, what: str, detail: str) -> None:
        if what == "reset":
            self._reset(HARD)
        elif what == "watchdog":
            self._bite()
        elif what == "cut":
            self.switch_off()
        elif what == "error":
            self.brought_down.append(detail)
            self.state = State.IDLE
            if self.strict:
                raise FirmwareError(f"{self.name}: {detail}")
        elif what == "fault":
            raise FirmwareError(f"{self.name}: {detail}")

    def _bite(self) -> None:
        self.brought_down.append("watchdog")
        self._reset(WATCHDOG)

    # What the firmware asks for: `process.Answers`.

    def post(self, posted: list[Any]) -> None:
        """Do what needs no answer."""
        for time_us, op, *args in posted:
            self._pass(time_us)
            OPERATIONS[op](self, *args)

    def ask(self, now_us: int, op: str, args: list[Any]) -> tuple[int, Any, list[int], Ending | None]:
        """Do what needs one."""
        end = self._pass(now_us)
        result = None
        if end is None:
            result = OPERATIONS[op](self, *args)
            if isinstance(result, Ends):
                end = result.what, ""
                result = None
        if end is None and self.clock.now_us >= self.watchdog_us and self.state is State.BUSY:
            end = "watchdog", ""
        events = self._events[:]
        self._events.clear()
        return self.clock.now_us, result, events, end

    def _pass(self, time_us: int) -> Ending | None:
        """Let time pass until the firmware's; the watchdog may end it before."""
        if self.state is State.BUSY and time_us >= self.watchdog_us:
            self.clock.run(max(self.watchdog_us, self.clock.now_us))
            return "watchdog", ""
        if time_us > self.clock.now_us:
            self.clock.run(time_us)
        return None

    # For operations.py.

    def ends(self, what: str) -> "Ends":
        """Let an operation end the call."""
        return Ends(what)

    def sleep(self, us: int) -> "Ends | None":
        """time.sleep: the watchdog looks on."""
        end = self._pass(self.clock.now_us + us)
        return None if end is None else Ends(end[0])

    def sleep_light(self, ms: int, turning: bool) -> "Ends | None":
        """machine.lightsleep: ends the turn; elsewhere it waits."""
        until_us = _NEVER_US if ms < 0 else self.clock.now_us + ms * 1000
        self._slept_us = self.clock.now_us
        if turning:
            self.state = State.LIGHT
            self._wake_us = self.clock.now_us if self._woken_by_pin() else None if ms < 0 else until_us
            return None
        while self.clock.now_us < until_us and not self._woken_by_pin():
            next_us = self.clock.next_us()
            if next_us is None and until_us == _NEVER_US:
                return Ends("fault")
            self.clock.run(until_us if next_us is None else min(next_us, until_us))
        if self.watchdog_us < _NEVER_US:
            self.watchdog_us += self.clock.now_us - self._slept_us
        return None

    def sleep_deep(self, ms: int) -> "Ends":
        """machine.deepsleep: ends the run."""
        wakes = dict(self.wakes)
        self._forget()
        self.wakes = wakes
        self.state = State.DEEP
        self.wake_reason = TIMER
        self._wake_us = None if ms < 0 else self.clock.now_us + ms * 1000
        if self._woken_by_pin():
            self._wake_us = self.clock.now_us
        return Ends("deepsleep")

    def watch(self, pin: int, trigger: int) -> None:
        """Pin.irq: note edges for the firmware."""
        self._triggers[pin] = trigger
        wire = self.hardware.pin(pin)
        wire.irq(lambda _: self._edge(pin), wire.IRQ_RISING | wire.IRQ_FALLING)

    def wake_on(self, way: int, pin: int, level: int) -> None:
        """esp32.wake_on_ext0 and ext1; pin −1: forget those before."""
        if pin < 0:
            self.wakes.pop(way, None)
            return
        pins = self.wakes.setdefault(way, [])
        if way == EXT0:
            pins.clear()
        pins.append((pin, level))

    def time(self, number: int, ms: int, periodic: bool) -> None:
        """machine.Timer; ms −1: stop."""
        self._timers[number] = set_ = self._timers.get(number, 0) + 1
        if ms >= 0:
            self.clock.at(self.clock.now_us + ms * 1000, lambda: self._timed(number, set_, ms, periodic))

    def _timed(self, number: int, set_: int, ms: int, periodic: bool) -> None:
        if self._timers.get(number) == set_ and self.state is State.BUSY:
            self._events.append(number * 4 + _TIMER)
            if periodic:
                self.time(number, ms, True)

    def _edge(self, pin: int) -> None:
        """A chip has driven a wire: in deep sleep nobody notes it."""
        wire = self.hardware.pin(pin)
        edge = wire.IRQ_RISING if wire.level else wire.IRQ_FALLING
        event = pin * 4 + _PIN
        if self._triggers.get(pin, 0) & edge and self.state in (State.BUSY, State.LIGHT) and event not in self._events:
            self._events.append(event)

    def _woken_by_pin(self) -> bool:
        for way, pins in self.wakes.items():
            levels = [self.hardware.pin(pin).value() == level for pin, level in pins]
            # ext1 with ALL_LOW wants them all, with ANY_HIGH one; ext0 has one.
            if levels and (all(levels) if way == EXT1 and not pins[0][1] else any(levels)):
                self.wake_reason = way
                return True
        return False


class Ends:
    """What an operation answers that ends the call."""

    def __init__(self, what: str) -> None:
        self.what = what
