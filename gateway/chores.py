"""What a gateway does by the clock: trust the time, keep the disk bounded, snapshot, back up, say how it is.

Each chore stands alone: one that fails is told and done again at its next time, and disturbs nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import apsw

from gateway.api.station import StationError
from gateway.engine import Engine
from gateway.orders import states
from gateway.station import RunningStation
from gateway.store import orders
from gateway.store.caretaker import Caretaker
from gateway.store.database import PAGE_SIZE
from gateway.store.faults import StoreError
from gateway.store.lamps import forget_lamps
from gateway.store.retention import Sliced
from gateway.store.writer import Writer
from gateway.timekeeping import Clock

CLOCK_MS = 1_000  # until the time is trusted; then a step of the clock is found within ten
STEADY_CLOCK_MS = 10_000
TIDY_MS = 60_000
AGAIN_MS = 60_000  # after a chore failed
HURRY_MS = 1_000  # the soonest that a chore that is wanted at once has its next turn
LOG_HELD_PAGES = 16_000  # 16 MB: somebody else reads the database, and keeps its log from going home
SNAPSHOT_MS = 3_600_000
SNAPSHOT_SOON_MS = 10_000  # after the registry or a session changed: a street that joins is one snapshot
_NIGHTS_MS = 86_400_000  # between two looks for lamps' nights and faults that nobody needs any more
_MOVED_MS = 200  # what the wall clock may wander before nodes are told a corrected time
_JUMP_MS = 300_000  # a step that nodes would not believe at once either (firmware/clock.py)
_LOOKS = 60  # that a jump must stand: ten minutes; whoever mistypes a year is faster than retention then

_log = logging.getLogger(__name__)

Told = Callable[[str, str], None]


class Rounds:
    """Calls chores again and again on the gateway's clock, each some time after its last turn ended."""

    def __init__(self, clock: Clock, told: Told) -> None:
        self._clock = clock
        self._told = told
        self._tasks: set[asyncio.Task[None]] = set()
        self._wanted: dict[str, asyncio.Event] = {}  # set: wanted before its time; by name
        self._ended = False

    def start(self, name: str, chore: Callable[[], Awaitable[int]]) -> None:
        """Do *chore* now; it returns after how many ms it wants its next turn."""
        self._wanted[name] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._turns(name, chore), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hurry(self, name: str) -> None:
        """Do that chore at once, or once more after its turn if it has one; but never without a pause between."""
        if (wanted := self._wanted.get(name)) is not None:  # else it was not started yet, and begins at once
            wanted.set()

    async def stop(self) -> None:
        """Break off what is under way, and begin nothing more."""
        self._ended = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _turns(self, name: str, chore: Callable[[], Awaitable[int]]) -> None:
        wanted = self._wanted[name]
        while not self._ended:
            wanted.clear()
            try:
                wait_ms = await chore()
            except Exception as error:
                # Whatever it is, the other chores and the uplinks go on, and this one has another turn.
                expected = isinstance(error, StationError | StoreError)
                _log.warning("%s failed", name, exc_info=None if expected else error)
                self._told("chore_failed", f"{name}: {error}")
                wait_ms = AGAIN_MS
            began_ms = self._clock.now_ms()
            await self._until(began_ms + max(wait_ms, 1), wanted)
            await self._until(min(began_ms + HURRY_MS, began_ms + max(wait_ms, 1)), asyncio.Event())

    async def _until(self, at_ms: int, rung: asyncio.Event) -> None:
        """Wait until it is *at_ms*, or somebody else rings."""
        if self._clock.now_ms() >= at_ms:
            return
        handle = self._clock.call_at(at_ms, rung.set)
        try:
            await rung.wait()
        finally:
            handle.cancel()


class Trust:
    """Looks whether the machine's clock may be believed, and tells the engine what time it is.

    look: Unix ms minus monotonic ms if the clock is trusted, else None, and a sentence.
    """

    def __init__(
        self,
        look: Callable[[], tuple[int | None, str]],
        tell: Callable[[int], None],
    ) -> None:
        self.sentence = ""
        self._look = look
        self._tell = tell
        self._offset_ms: int | None = None
        self._jump_ms = 0  # where a jump went to, and how often it was seen there
        self._seen = 0

    async def turn(self) -> int:
        """Look once. A clock that was trusted once stays so: it runs on without NTP, and no node needs it to the ms."""
        offset_ms, self.sentence = self._look()
        if offset_ms is not None and (self._offset_ms is None or abs(offset_ms - self._offset_ms) > _MOVED_MS):
            self._moved(offset_ms)
        elif offset_ms is not None:
            self._seen = 0
        return CLOCK_MS if self._offset_ms is None else STEADY_CLOCK_MS

    def _moved(self, offset_ms: int) -> None:
        """The clock was set. By a jump data would be deleted and orders end before their time: it must last."""
        if self._offset_ms is not None:
            moved_ms = offset_ms - self._offset_ms
            if abs(moved_ms) > _JUMP_MS and not self._stands(offset_ms):
                self.sentence = f"it jumped by {moved_ms // 1000} s, which is believed once it has lasted ten minutes"
                return
            _log.warning("the clock was set by %d ms", moved_ms)
        self._seen = 0
        self._offset_ms = offset_ms
        self._tell(offset_ms)

    def _stands(self, offset_ms: int) -> bool:
        """Whether a jump was seen often enough at the same place."""
        if not self._seen or abs(offset_ms - self._jump_ms) > _JUMP_MS:
            self._seen = 0
            self._jump_ms = offset_ms
            _log.warning("the clock jumped by %d ms; it is not followed yet", offset_ms - (self._offset_ms or 0))
        self._seen += 1
        return self._seen >= _LOOKS


class Tidying:
    """Keeps the disk bounded and forgets what nobody asks for any more.

    notices: told after each turn, for what was deleted. nights_days: so long lamps' nights of energy are kept.
    """

    def __init__(
        self,
        writer: Writer,
        caretaker: Caretaker,
        unix_ms: Callable[[], int | None],
        notices: Callable[[], None],
        told: Told,
        nights_days: int = 1_100,
    ) -> None:
        self._nights_days = nights_days
        self._nights_ms = 0
        self._writer = writer
        self._caretaker = caretaker
        self._unix_ms = unix_ms
        self._notices = notices
        self._told = told
        self._log_held = False

    async def turn(self) -> int:
        """Do all slices that are due; between two of them everybody else has the writer."""
        try:
            while (await asyncio.wrap_future(self._writer.call(self._tend, alone=True))).more:
                pass
        finally:
            self._notices()
        await asyncio.wrap_future(self._writer.call(_forget_orders, urgent=False))
        if (unix_ms := self._unix_ms()) is not None and unix_ms - self._nights_ms >= _NIGHTS_MS:
            self._nights_ms = unix_ms
            days = self._nights_days
            await asyncio.wrap_future(
                self._writer.call(lambda database: forget_lamps(database, unix_ms, days), urgent=False)
            )
        self._look_at_log()
        return TIDY_MS

    def _tend(self, database: apsw.Connection) -> Sliced:
        return self._caretaker.tend(database, self._unix_ms())

    def _look_at_log(self) -> None:
        pages = self._writer.figures.log_pages
        held = pages > LOG_HELD_PAGES
        if held and not self._log_held:
            self._told(
                "log_held",
                f"the database's log has grown to {pages * PAGE_SIZE // 1_000_000} MB because another program reads "
                "the file and does not stop; end that program",
            )
        self._log_held = held


def _forget_orders(database: apsw.Connection) -> None:
    ended = {state for (state,) in database.execute("SELECT DISTINCT state FROM node_order") if states.is_over(state)}
    if ended:
        orders.forget_orders(database, ended)


class Snapshots:
    """Writes the registry's snapshot hourly, soon after it changed, and at the end."""

    def __init__(self, station: RunningStation, engine: Engine, clock: Clock) -> None:
        self._station = station
        self._engine = engine
        self._clock = clock
        self.made_ms: int | None = None  # monotonic
        self._seen = -1

    async def turn(self) -> int:
        """Write it if it is time."""
        if self._changed() or self.made_ms is None or self._clock.now_ms() - self.made_ms >= SNAPSHOT_MS:
            await self._make()
        return SNAPSHOT_SOON_MS

    async def close(self) -> None:
        """Write it if it does not say what is: the gateway stops. Raises StationError."""
        if self._changed():
            await self._make()

    def _changed(self) -> bool:
        return self._engine.registry_changes != self._seen

    async def _make(self) -> None:
        now_ms, changes = self._clock.now_ms(), self._engine.registry_changes
        await self._station.snapshot()
        self._seen, self.made_ms = changes, now_ms


class Backups:
    """Makes a backup each day at *at*, local time; while nobody knows the time there is none."""

    def __init__(
        self,
        station: RunningStation,
        at: str,
        timezone: str,
        unix_ms: Callable[[], int | None],
    ) -> None:
        self._station = station
        self._at = at
        self._zone = ZoneInfo(timezone)
        self._unix_ms = unix_ms
        self._day: str | None = None

    async def turn(self) -> int:
        """Make one if today's time has come and it was not made; a day that began after that time has none."""
        unix_ms = self._unix_ms()
        if unix_ms is None:
            return TIDY_MS
        local = datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone(self._zone)
        today = local.date().isoformat()
        due = local.strftime("%H:%M") >= self._at
        if self._day is None and due:
            self._day = today  # the gateway was started after it
        if due and self._day != today:
            self._day = today
            await self._station.backup()
        elif self._day is None:
            self._day = ""
        return TIDY_MS
