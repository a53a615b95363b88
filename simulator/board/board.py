"""One virtual board: a microcontroller that runs the firmware, sleeps, is reset and loses its power, on a timeline.

Its interpreter waits, in the midst of a call, until the timeline is where the firmware wants to go on. It runs ahead of
it as long as nothing else is planned there: with each answer it is told when something will happen next, and needs not
ask before. What it sends goes on the air when the timeline gets there.

    state   the firmware                       what brings it on
    ------  ---------------------------------  ----------------------------------------------------------
    OFF     has no power                       switch_on
    BUSY    runs, or waits in time.sleep       its time; the watchdog looks on
    LIGHT   sleeps light; RAM is kept          its time, a wake pin; the watchdog stands still
    DEEP    sleeps deep; RTC memory is kept    its time, a wake pin: boot.py, as after any reset
    IDLE    is at the prompt: main.py ended    the serial line; the watchdog
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

from simulator.board.hardware import Hardware
from simulator.board.nvs import Nvs
from simulator.board.operations import OPERATIONS, Ends, Waits, surroundings
from simulator.board.power import Writes
from simulator.board.process import Line
from simulator.chips.clock import Clock
from simulator.timeline import Timeline

POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, SOFT = 1, 2, 3, 4, 5  # machine.reset_cause()
BOOT_US = 700_000  # from a reset until boot.py runs; MicroPython's start
EXT1, TIMER = 3, 4  # machine.wake_reason(); EXT0 is 2

_TURN_US = 100  # what a turn takes beside its hardware
_UNASKED_US = 10_000_000  # so long at the most; the link's patience is for real seconds
_PIN, _TIMER = 0, 1  # kinds of events, as shims/clockwork.py counts them
_CTRL_C = b"\x03"


class State(Enum):
    """What a board does: see above."""

    OFF = "off"
    BUSY = "busy"
    LIGHT = "light sleep"
    DEEP = "deep sleep"
    IDLE = "at the prompt"


class FirmwareError(Exception):
    """An exception left the firmware; the message is what the board printed."""


class Board:
    """link: to its interpreter. uid: six bytes, machine.unique_id().

    Chips are wired to `hardware`; files are put on it while it is off. nvs, writes: of its flash; memory: the RTC's.
    printed: what came out of its serial port, the last 64 kB. cable: who else is told of that, at once. boots: (time in
    µs, reset cause) of each start. turns: how many calls of the firmware are over. brought_down: what ended a run that
    no order ended: tracebacks, "watchdog". heap_b: what was alive on the heap, see `host/heap.mjs`.
    strict: whether an exception that leaves the firmware is one here, too.
    """

    def __init__(self, name: str, link: Line, timeline: Timeline, uid: bytes, strict: bool = True) -> None:
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
        self.cable: Callable[[bytes], None] | None = None
        self.stdin = bytearray()  # what was typed and not read yet
        self.binary = False  # whether Ctrl-C is a byte as any other
        self.boots: list[tuple[int, int]] = []
        self.turns = 0
        self.brought_down: list[str] = []
        self.heap_b: list[int] = []  # of some fifty turns in a day
        self.strict = strict
        self.origin_us = 0  # when the RTC's time was 0
        self.watchdog_ms = 0
        self.watchdog_us: int | None = None
        self._uid = uid
        self._link = link
        self._timeline = timeline
        self._wakes: dict[int, list[tuple[int, int]]] = {}  # (pin, level) by way
        self._wake_us: int | None = None  # when it goes on by itself
        self._booting = False
        self._calling = False  # whether the interpreter is in the midst of a call, and waits for `_answer`
        self._answer: Any = None
        self._slept_us = 0
        self._until_us: int | None = None  # of a time.sleep
        self._triggers: dict[int, int] = {}
        self._events: list[int] = []
        self._timers: dict[int, int] = {}  # how often each was set
        self._plans = 0
        self._told_nvs: object = None
        self._command("make")

    # From outside.

    def put(self, path: str, content: bytes | None) -> None:
        """Put a file on the flash, as the flashing tool would; None: a folder. The board is off, or at its prompt."""
        self._command("put", path, None if content is None else content.decode("latin-1"))

    def files(self) -> dict[str, bytes | None]:
        """What is on the flash for good, by path; None for folders. The board is off, deep asleep or at its prompt."""
        found = self._command("files")
        return {path: None if content is None else content.encode("latin-1") for path, content in found}

    def switch_on(self) -> None:
        """Power comes, now."""
        assert self.state is State.OFF
        self.origin_us = self._timeline.now_us
        self._reset(POWER_ON)
        self._proceed()

    def switch_off(self) -> None:
        """Power goes, now: RTC memory with it."""
        self._leave("off")
        self._lose_power()
        self._proceed()

    def type(self, data: bytes) -> None:
        """Bytes come in at the serial port: for the firmware, unless Ctrl-C ends it, then for the prompt."""
        if self.state in (State.OFF, State.DEEP):
            return
        self.stdin += data
        if self.state is State.IDLE and not self._calling:
            self._feed()
        elif not self._booting:  # what comes meanwhile waits
            self._interrupt()
        self._proceed()

    def stirred(self) -> None:
        """Something has reached a chip or a wire by itself."""
        self._plans += 1
        plan = self._plans
        self._timeline.at(self._timeline.now_us, lambda: self._ring(plan))

    # Reset and power.

    def _reset(self, cause: int) -> None:
        """Begin anew, after what a boot takes."""
        self._forget()
        self.cause = cause
        if cause != DEEP_SLEEP:
            self.wake_reason = 0
        self.state = State.BUSY
        self._wake_us = max(self.clock.now_us, self._timeline.now_us) + BOOT_US
        self._booting = True

    def _lose_power(self) -> None:
        self.memory = b""
        self._forget()
        self.state = State.OFF

    def _forget(self) -> None:
        """What no reset leaves: interrupts, timers, wake pins, the watchdog, NVS that was not committed."""
        self.nvs.lose()
        self._wakes.clear()
        self._triggers.clear()
        self._events.clear()
        self._timers.clear()
        self.watchdog_us = self._wake_us = self._until_us = None
        self._booting = self.binary = False

    def _leave(self, why: str) -> None:
        """End the call that the interpreter is in the midst of."""
        if self._calling:
            self._link.write([self.clock.now_us, self.clock.now_us, None, [], 0, why, [], [], []])
            ended = self._link.read()
            assert ended[0] == "done", "a board that was switched off goes on"
            self._calling = False

    def _bite(self) -> None:
        self._leave("watchdog")
        self.brought_down.append("watchdog")
        self._reset(WATCHDOG)

    # Time.

    def _proceed(self) -> None:
        """Go on as long as nothing else happens meanwhile; then ring when the next thing is due.

        That is after what else happens then: the air's end of a frame, above all.
        """
        self._plans += 1
        plan = self._plans
        at_us = self._due_us()
        while at_us is not None and at_us < self._quiet_us():
            self._happen(at_us)
            at_us = self._due_us()
        if at_us is not None:
            self._timeline.at_inner(at_us, lambda: self._timeline.at_inner(at_us, lambda: self._ring(plan)))

    def _quiet_us(self) -> int:
        return self._timeline.quiet_us(self.hardware.hears())

    def _due_us(self) -> int | None:
        due = [time_us for time_us in (self.clock.next_us(), self._wake_us, self._bites_us()) if time_us is not None]
        return min(due) if due else None

    def _bites_us(self) -> int | None:
        return self.watchdog_us if self.state in (State.BUSY, State.IDLE) else None

    def _ring(self, plan: int) -> None:
        if plan == self._plans:
            self._happen(self._timeline.now_us)
            self._proceed()

    def _happen(self, now_us: int) -> None:
        """Let everything happen that is due."""
        self.clock.run(max(now_us, self.clock.now_us))
        if self.state in (State.LIGHT, State.DEEP) and self._woken_by_pin():
            self._wake_us = now_us
        if self._events and self._until_us is not None:
            self._wake_us = now_us  # handlers run in the midst of a sleep, which then goes on
        bites_us = self._bites_us()
        if bites_us is not None and bites_us <= now_us:
            self._bite()
        elif self._wake_us is not None and self._wake_us <= now_us:
            self._wake()

    def _free_us(self) -> int:
        """Before when nothing happens by itself to what the firmware sees."""
        due = [due_us for due_us in (self.clock.next_us(), self._bites_us()) if due_us is not None]
        return min(self._quiet_us(), self.clock.now_us + _UNASKED_US, *due)

    def _wake(self) -> None:
        self._wake_us = None
        if self.state is State.DEEP:
            self._reset(DEEP_SLEEP)
        elif self._booting:
            self._booting = False
            self._begin(self.cause)
        elif self._calling:
            if self.state is State.LIGHT and self.watchdog_us is not None:
                self.watchdog_us += self.clock.now_us - self._slept_us
            if self._until_us is not None:
                self._answer = max(self._until_us - self.clock.now_us, 0)
                self._until_us = None
            self._go_on()
        elif self.state is State.BUSY:
            self._call("turn", self._taken(), len(self.stdin), *surroundings(self))

    # The interpreter.

    def _command(self, *command: Any) -> Any:
        """What takes no time."""
        assert not self._calling
        self._link.write(command)
        return self._link.read()[3]

    def _begin(self, cause: int) -> None:
        self.boots.append((self.clock.now_us, cause))
        self._call("start", self._chip(cause))

    def _chip(self, cause: int) -> dict[str, object]:
        """What the firmware finds; NVS only when it is not what it was at the last start."""
        chip: dict[str, object] = {"cause": cause, "origin": self.origin_us, "uid": self._uid.hex()}
        chip |= {"memory": self.memory.hex(), "calm": self.hardware.calm}
        if self.nvs.kept != self._told_nvs:
            chip["nvs"] = self._all_nvs()
            self._told_nvs = dict(self.nvs.kept)
        return chip

    def _all_nvs(self) -> list[tuple[str, str, str, str]]:
        self._told_nvs = None  # what is not committed is not kept
        self.nvs.touched = False
        return [(space, key, kind, data.hex()) for space, key, kind, data in self.nvs.seen()]

    def _feed(self) -> None:
        typed = bytes(self.stdin)
        self.stdin.clear()
        if typed:
            self._call("feed", typed.decode("latin-1"))

    def _interrupt(self) -> None:
        """Ctrl-C ends what the firmware does, if it was typed and is no byte as any other."""
        if self.binary or _CTRL_C not in self.stdin:
            return
        self.stdin = self.stdin[self.stdin.index(_CTRL_C) + 1 :]
        if self._calling:
            self._go_on("interrupt")
        else:  # between two turns; main.py's loop is where it would come
            self.printed += b"Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n"
            self._prompt()

    def _prompt(self) -> None:
        """main.py has ended: show the prompt, and read what was typed."""
        self.state = State.IDLE
        self._wake_us = None
        self._call("feed", "")
        self._feed()

    def _call(self, name: str, *arguments: Any) -> None:
        """Begin a call of the interpreter."""
        self.clock.run(max(self.clock.now_us, self._timeline.now_us))
        self._link.write([name, self.clock.now_us, self._free_us(), *arguments])
        self._calling = True
        self._follow()

    def _go_on(self, end: str | None = None) -> None:
        """Answer what the firmware waits for, and follow it on. end: the call ends there; "interrupt": Ctrl-C."""
        self._wake_us = None
        if self.state is State.LIGHT:
            self.state = State.BUSY
        self._reply(self._answer, end)
        self._follow()

    def _reply(self, answer: Any, end: str | None) -> None:
        touched = (self._all_nvs(),) if self.nvs.touched else ()
        told = [self.clock.now_us, self._free_us(), answer, self._taken(), len(self.stdin), end]
        self._link.write([*told, *surroundings(self), *touched])

    def _follow(self) -> None:
        """Do what it asks for until it waits, or the call is over."""
        while True:
            message = self._link.read()
            for time_us, op, *args in message[1]:
                self._pass(time_us)
                OPERATIONS[op](self, *args)
            self._pass(message[2])
            if message[0] == "done":
                self._calling = False
                self.turns += 1
                self._done(message[3])
                return
            answer, end = OPERATIONS[message[3]](self, *message[4:]), None
            if isinstance(answer, Ends):
                end, answer = answer.what, None
            elif isinstance(answer, Waits):
                self._answer = None
                self._wake_us = answer.until_us
                return
            elif self._is_due():
                self._answer = answer
                self._wake_us = self.clock.now_us
                return
            self._reply(answer, end)

    def _is_due(self) -> bool:
        """Whether something has to happen before the firmware goes on."""
        now_us, bites_us = self.clock.now_us, self._bites_us()
        return now_us >= self._quiet_us() or (bites_us is not None and now_us >= bites_us)

    def _pass(self, time_us: int) -> None:
        if time_us > self.clock.now_us:
            self.clock.run(time_us)

    def _taken(self) -> list[int]:
        taken, self._events = self._events, []
        return taken

    def _done(self, result: Any) -> None:
        """A call is over. result: whether there is a turn() to call; None; or how it was ended."""
        if isinstance(result, dict):
            if "soft" in result:
                self._forget()
                self.boots.append((self.clock.now_us, SOFT))
                self._call("soft", self._chip(SOFT), result["raw"], result["rest"])
            else:
                self._ended(result["what"], result["detail"])
        elif result is True or (result is None and self.state is State.BUSY):
            self.state = State.BUSY
            self._wake_us = self.clock.now_us + _TURN_US
            self._interrupt()
        else:
            self.state = State.IDLE
            self._feed()

    def _ended(self, what: str, detail: str) -> None:
        if what == "reset":
            self._reset(HARD)
        elif what == "cut":
            self._lose_power()
        elif what == "error":
            if "KeyboardInterrupt" not in detail:
                self.brought_down.append(detail)
                if self.strict:
                    raise FirmwareError(f"{self.name}: {detail}")
            self._prompt()

    # For operations.py.

    def sleep(self, us: int) -> Waits:
        """time.sleep: the µs that are left of it, when a handler is to run in its midst."""
        self._until_us = self.clock.now_us + us
        return Waits(self._until_us)

    def sleep_light(self, ms: int) -> Waits:
        """machine.lightsleep."""
        self.state = State.LIGHT
        self.wake_reason = TIMER
        self._slept_us = self.clock.now_us
        if self._woken_by_pin():
            return Waits(self.clock.now_us)
        return Waits(None if ms < 0 else self.clock.now_us + ms * 1000)

    def sleep_deep(self, ms: int) -> Ends:
        """machine.deepsleep: ends the run."""
        wakes = dict(self._wakes)
        self._forget()
        self._wakes = wakes
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
            self._wakes.pop(way, None)
        elif way == EXT1:
            self._wakes.setdefault(way, []).append((pin, level))
        else:
            self._wakes[way] = [(pin, level)]

    def time(self, number: int, ms: int, periodic: bool) -> None:
        """machine.Timer; ms −1: stop."""
        self._timers[number] = turn = self._timers.get(number, 0) + 1
        if ms >= 0:
            self.clock.at(self.clock.now_us + ms * 1000, lambda: self._timed(number, turn, ms, periodic))

    def _timed(self, number: int, turn: int, ms: int, periodic: bool) -> None:
        if self._timers.get(number) == turn:
            if self.state in (State.BUSY, State.LIGHT):
                self._happened(number * 4 + _TIMER)
            if periodic:
                self.time(number, ms, True)

    def _edge(self, pin: int) -> None:
        """A chip has driven a wire. In light sleep it is noted when that ends, in deep sleep never."""
        wire = self.hardware.pin(pin)
        edge = wire.IRQ_RISING if wire.level else wire.IRQ_FALLING
        if self._triggers.get(pin, 0) & edge and self.state in (State.BUSY, State.LIGHT):
            self._happened(pin * 4 + _PIN)

    def _happened(self, event: int) -> None:
        """Its handler runs as soon as the firmware does; in time.sleep it does."""
        if event not in self._events:
            self._events.append(event)

    def _woken_by_pin(self) -> bool:
        for way, pins in self._wakes.items():
            levels = [self.hardware.pin(pin).value() == level for pin, level in pins]
            # ext1 with ALL_LOW wants them all, with ANY_HIGH one; ext0 has one.
            if levels and (all(levels) if way == EXT1 and not pins[0][1] else any(levels)):
                self.wake_reason = way
                return True
        return False
