"""The node's own line of commands (`firmware/body/desk.py`), from the laptop: a line there, lines back until `ok`."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from boards.causes import BoardError, Cause
from boards.node import ports
from boards.node.held import Held, losing

BAUD = 115_200
MAX_LINE = 4096  # of what a node says: longer is no line, and is forgotten

_ANSWER_S = 20.0  # the slowest self-test has a sensor that starts for 3 s and tries three times
_START_S = 8.0  # from a reset until the console hears: MicroPython's start, the firmware's, and a slow flash
_AGAIN_S = 1.5  # a line may have been lost to what the node was doing
_LONGEST_S = 30.0  # of an answer, once it has begun; 500 records of the log take 5 s
_TESTS = 16
_TEST_AGAIN_S = 5.0
_QUIET_S = 0.15
_RESTARTS_S = 1.0
_RESET_S = 0.1
_EARLY = "error: the answer before is not over yet"  # firmware/body/console.py


class Clock(Protocol):
    """Time as a tool has it; tests make it go faster."""

    def now_s(self) -> float:
        """Seconds that only grow."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class RealClock:
    """The computer's."""

    def now_s(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Lines:
    """Lines of text among whatever else comes along a cable: envelopes, noise, what the ROM says at 74,880 baud. Pure.

    A line is printable text up to its end; what stands before it and is none is not part of it.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take what came; the lines that are complete by it."""
        found = []
        for byte in data:
            if byte in (10, 13):
                if self._rest:
                    found.append(self._rest.decode("utf-8", "replace"))
                self._rest.clear()
            elif byte < 32 or byte == 127 or len(self._rest) >= MAX_LINE:
                self._rest.clear()
            else:
                self._rest.append(byte)
        return found


class Console(Held):
    """The console of the node on a port; a context. All methods raise BoardError when port or node go away."""

    def __init__(self, path: str, clock: Clock | None = None) -> None:
        super().__init__(path, ports.open_serial(path, BAUD))
        self.clock = clock or RealClock()
        self._lines = Lines()

    def wake(self, reset: bool = True) -> None:
        """Find the node's program: at once, or behind a reset. Raises BoardError: NOT_RUNNING."""
        for attempt in range(2 if reset else 1):
            if attempt:
                self.reset()
            until_s = self.clock.now_s() + _START_S
            while self.clock.now_s() < until_s:
                try:
                    self.ask("status", _AGAIN_S)
                    self._quieten()
                    return
                except BoardError as error:
                    if error.cause not in (Cause.NOT_RUNNING, Cause.NODE_REFUSED):
                        raise
        raise BoardError(Cause.NOT_RUNNING, port=self.path)

    def ask(self, line: str, seconds: float = _ANSWER_S, last: str = "ok") -> list[str]:
        """The lines of an answer, up to *last*: a node that restarts does not say ok.

        Raises BoardError: NODE_REFUSED with the node's sentence, NOT_RUNNING for none.
        """
        self.listen(0.0)  # what was said before is no answer
        self.tell(line)
        said: list[str] = []
        early = False  # an answer to a line that we had given up is under way; ours was not heard
        until_s = self.clock.now_s() + seconds
        end_s = until_s + _LONGEST_S  # somebody else's program may say lines for ever
        while self.clock.now_s() < until_s:
            for answer in self.listen():
                if early:
                    if answer == "ok":
                        early = False
                        said.clear()
                        self.tell(line)
                    continue
                if answer == last:
                    return said
                early = answer == _EARLY
                if early:
                    continue
                if answer.startswith("error: "):
                    raise BoardError(Cause.NODE_REFUSED, detail=answer.removeprefix("error: "))
                if answer.startswith("lampyre cannot start: "):
                    continue  # a board in trouble says so by itself; its status does, too
                said.append(answer)
                until_s = max(until_s, min(self.clock.now_s() + _AGAIN_S, end_s))
        raise BoardError(Cause.NOT_RUNNING, port=self.path)

    def _quieten(self) -> None:
        """Hear out the answers to lines that were said again, for they were not lost but slow."""
        quiet_s = self.clock.now_s() + _QUIET_S
        end_s = quiet_s + _LONGEST_S
        while self.clock.now_s() < min(quiet_s, end_s):
            if self.listen():
                quiet_s = self.clock.now_s() + _QUIET_S

    def tell(self, line: str) -> None:
        """Say a line; nobody waits for its answer here."""
        self._write(b"\r" + line.encode() + b"\r")

    def test(self, progress: Callable[[int, int], None]) -> list[tuple[str, str]]:
        """The self-test: each part, and `ok` or what is wrong. progress: so many tries are over, of how many.

        A part that was well once is well: a radio may be at work, a CO2 sensor starts, a fan runs for half a minute.
        """
        passed: set[str] = set()
        found: list[tuple[str, str]] = []
        for number in range(_TESTS):
            progress(number, _TESTS)
            said = rows(self.ask("test"))
            passed |= {name for name, what in said if what == "ok"}
            found = [(name, "ok" if name in passed else what) for name, what in said]
            if found and all(what == "ok" for _, what in found):
                break
            self.clock.sleep(_TEST_AGAIN_S)
        return found

    def restart(self) -> None:
        """Let the node begin anew, and find it again."""
        self.tell("restart")
        self.clock.sleep(_RESTARTS_S)  # what is said before is lost
        self.wake()

    def follow(self) -> Iterator[str]:
        """What the node says, line by line, for ever."""
        while True:
            yield from self.listen()

    def listen(self, seconds: float | None = None) -> list[str]:
        """The lines that have come; waits for the first bytes, a tenth of a second at most."""
        with losing(self.path):
            waiting = self._port.in_waiting
            data = self._port.read(waiting or 1) if waiting or seconds is None else b""
        return self._lines.feed(data)

    def reset(self) -> None:
        """Pull the chip's reset line, where the bridge has it."""
        reset(self._port, self.clock)

    def _write(self, data: bytes) -> None:
        with losing(self.path):
            self._port.write(data)


def reset(port: Any, clock: Clock) -> None:
    """Pull EN low for a moment, BOOT stays high; a port without these lines has no reset."""
    try:
        port.dtr = False
        port.rts = True
        clock.sleep(_RESET_S)
        port.rts = False
    except OSError:
        return


def states(lines: list[str]) -> dict[str, str]:
    """What `status` says, by name."""
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def rows(lines: list[str]) -> list[tuple[str, str]]:
    """What `test` says: each part, and `ok` or what is wrong."""
    found = []
    for line in lines:
        name, _, said = line.partition(" ")
        found.append((name, said.strip()))
    return found
