"""The engine in time: woken when it wants to be, and told what the writer's thread says, on the loop's own thread."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from gateway.engine import Engine
from gateway.lighting.lighting import Lighting
from gateway.links.link import Heard
from gateway.network.events import Committed
from gateway.network.registration import Registration
from gateway.running.cores import DEDUP_MS
from gateway.running.registry import Change
from gateway.store.faults import DAMAGE_KINDS, FaultKind
from gateway.store.writer import Failed, Result
from gateway.timekeeping import Clock, Handle

_log = logging.getLogger(__name__)


class Pulse:
    """stored: called when more is on disk. full: when the disk is. failed: with why the process must not go on.

    `deliver` may be called before `drive`, and what it tells waits for the loop; everything else only after.
    """

    def __init__(
        self, clock: Clock, stored: Callable[[], None], full: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._stored = stored
        self._full = full
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._alarm: Handle | None = None
        self._alarm_ms = 0
        self._closed = False

    def drive(self, engine: Engine) -> None:
        """Wake this engine from now on."""
        self._engine = engine

    def hear(self, heard: Heard) -> None:
        """A link heard something."""
        self._engine.hear(heard, self._clock.now_ms())
        self._plan()

    def told(self, name: str, detail: str) -> None:
        """Something outside the cores that an operator must know of."""
        self._engine.note(name, detail, self._clock.now_ms())
        self._plan()

    def set_clock(self, offset_ms: int) -> None:
        """Unix ms is monotonic ms and that."""
        self._engine.set_clock(offset_ms, self._clock.now_ms())
        self._plan()

    def changed(self, changes: Sequence[Change], gone: Sequence[Registration]) -> None:
        """The registry changed, and is on disk."""
        self._engine.changed(changes, gone, self._clock.now_ms())
        self._plan()

    def relight(self, change: Callable[[Lighting], None]) -> None:
        """Lighting is planned otherwise, and that is on disk."""
        change(self._engine.lighting)
        self._plan()

    def deliver(self, result: Result) -> None:
        """Called from the writer's thread."""
        self._loop.call_soon_threadsafe(self._or_end, lambda: self._written(result))

    def finish(self) -> None:
        """No link hears anything more: what waits for copies of its frame has heard the last one."""
        self._engine.wake(self._clock.now_ms() + DEDUP_MS)
        self._engine.end(self._clock.now_ms())

    def close(self) -> None:
        """Nothing more is decided."""
        self._closed = True
        if self._alarm is not None:
            self._alarm.cancel()

    def _or_end(self, do: Callable[[], None]) -> None:
        """As for tasks: of an error here the loop would only write a line, and nothing would be decided any more."""
        try:
            do()
        except Exception as error:
            _log.exception("the engine fell over")
            self._failed(f"{type(error).__name__}: {error}")

    def _written(self, result: Result) -> None:
        if self._closed:  # it matters to nobody any more but to whoever reads the log
            if not isinstance(result, Committed):
                _log.error("what was heard last is not on disk: %s", result)
            return
        self._engine.written(result, self._clock.now_ms())
        if self._engine.dead is not None:
            self._failed(self._engine.dead)
        elif isinstance(result, Failed):
            if result.error.kind in DAMAGE_KINDS:
                self._failed(str(result.error))
            elif result.error.kind is FaultKind.FULL:
                self._full()
        elif isinstance(result, Committed):
            self._stored()
        self._plan()

    def _plan(self) -> None:
        """Set the alarm if the engine wants to be woken before it rings; one that rings too soon does no harm."""
        wake_ms = self._engine.wake_at()
        if self._closed or wake_ms is None or (self._alarm is not None and self._alarm_ms <= wake_ms):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_ms = wake_ms
        self._alarm = self._clock.call_at(wake_ms, lambda: self._or_end(self._wake))

    def _wake(self) -> None:
        self._alarm = None
        self._engine.wake(self._clock.now_ms())
        self._plan()
