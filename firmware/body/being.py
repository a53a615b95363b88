"""What a node, a bridge and a board in trouble have in common: clock, console, light, watchdog, and how they rest.

The watchdog is fed where the loop comes to rest and nowhere else: a core that wants to be woken at once for ever, or a
driver that waits for ever, is a hang, and ends in a restart that /boot.py counts.
"""

from protocol.compat import const, on_demand

from ..boot import TRIAL
from .blink import Blinker
from .console import AFTER_START_MS, Console
from .memory import ASLEEP
from .trial import DAY_MS

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from protocol.envelope import Decoder

    from ..store.log import Log
    from .board import Board
    from .hardware import Hardware
    from .kept import Kept
    from .memory import Memory

    Wakers = tuple[tuple[Any, ...], Any]  # pins that wake by their rise, and one that does so by its fall, or None

WATCHDOG_MS = const(60_000)  # the longest that a turn may take: an SCD41's start and both retries of a PMS5003 are 3 s
MOST_REST_MS = const(30_000)  # so that it is fed in time
NO_PINS: "Wakers" = ((), None)
_LEAST_LIGHT_MS = const(5)  # a light sleep itself takes one or two


class Being:
    """board: None for no table that can be read; no part keeps it. boot: the number of `boot.py`.

    log: the node's, if it has one. safe: whether it runs in safe mode. answered: whether the network, or a bridge's
    gateway, has, which a firmware on trial must bring about. born_ms: when it began. house_ms: when something of the
    day is to be done.
    """

    log: "Log | None" = None
    safe = False
    answered = False

    @on_demand
    def __init__(
        self,
        hardware: "Hardware",
        kept: "Kept",
        memory: "Memory",
        board: "Board | None",
        led: "Any" = None,
        decoder: "Decoder | None" = None,
    ) -> None:
        self.hardware = hardware
        self.kept = kept
        self.memory = memory
        self.board_name = "none" if board is None else board.name
        self.boot = kept.number("boot")
        self.born_ms = memory.now_ms
        # A trial is looked after from the start on.
        self.house_ms = 0 if self.boot & TRIAL else memory.now_ms - memory.now_ms % DAY_MS + DAY_MS
        self.updating = ""  # the file of an update that is being written
        self.clock = memory.clock
        self.blinker = Blinker(led)
        slept = memory.kind == ASLEEP
        self.console = Console(self, 0 if slept else self.clock.now_ms() + AFTER_START_MS, decoder)
        self._watchdog = hardware.machine.WDT(timeout=WATCHDOG_MS)
        self._light = board is not None and bool(board.number("sleep", "light"))
        self._wakers = NO_PINS  # that end a sleep, as they were last told

    def turn(self) -> None:
        """Do one thing, or rest until there is one."""
        raise NotImplementedError

    def states(self) -> "Iterator[str]":
        """What the technician's `status` shows, as `name: value`."""
        from .showing import states_of

        return states_of(self)

    def tests(self) -> "Iterator[tuple[str, str]]":
        """The self-test, one step each time it is asked: what was tested, and "" or what is wrong."""
        from .showing import tests_of

        return tests_of(self)

    def last_error(self) -> str:
        """Of a driver since the start, else of the run that an error or a hang ended."""
        return self.hardware.last_error or self.kept.blob("error").decode()

    def restart(self) -> None:
        """Begin anew, in good order; this does not come back."""
        from ..store.slots import Slots

        for action in Slots(self.kept.number("boot"), self.kept.number("floor")).leave():
            self.carry(action)
        self.hardware.machine.reset()

    def carry(self, action: "Any") -> bool:
        """Persist what slots want."""
        return self.kept.put(action.key, action.value)

    def tend(self, now_ms: int) -> bool:
        """Console and light; whether there was something to do."""
        self.blinker.step(now_ms)
        return self.console.step(now_ms)

    def rest(self, now_ms: int, until_ms: int | None, wakers: "Wakers" = NO_PINS) -> None:
        """Sleep until *until_ms*, half a minute at most, or until one of *wakers* moves; feed the watchdog.

        Awake, what comes from the console ends it, and no pin does.
        """
        ends_ms = now_ms + MOST_REST_MS
        for next_ms in (until_ms, self.blinker.next_ms(now_ms), self.console.next_ms(now_ms)):
            if next_ms is not None and next_ms < ends_ms:
                ends_ms = next_ms
        wait_ms = ends_ms - self.clock.now_ms()
        if wait_ms <= 0:
            return
        self._watchdog.feed()
        if self._light and wait_ms >= _LEAST_LIGHT_MS and not self.console.listens(now_ms):
            self.wake_by(wakers)
            self.hardware.machine.lightsleep(wait_ms)
        else:
            self.hardware.port.wait(wait_ms)

    def wake_by(self, wakers: "Wakers") -> None:
        """Let these pins end a sleep, any of the first when it is high and the other when it is low, and no others."""
        if wakers != self._wakers:
            self._wakers = wakers
            high, low = wakers
            esp32 = self.hardware.esp32
            try:
                esp32.wake_on_ext1(high or None, esp32.WAKEUP_ANY_HIGH)
                esp32.wake_on_ext0(low, esp32.WAKEUP_ALL_LOW)
            except (ValueError, OSError) as error:
                self.hardware.report("wake pin", error)
