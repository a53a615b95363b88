"""Chores on a clock that is moved by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.api.station import UnavailableError
from gateway.chores import (
    AGAIN_MS,
    CLOCK_MS,
    LOG_HELD_PAGES,
    SNAPSHOT_MS,
    SNAPSHOT_SOON_MS,
    STEADY_CLOCK_MS,
    TIDY_MS,
    Backups,
    Rounds,
    Snapshots,
    Tidying,
    Trust,
)
from gateway.readings.record import Kind
from gateway.store.caretaker import Bounds, Caretaker
from gateway.store.database import PAGE_SIZE
from gateway.store.records import RecordWriter, id_range
from gateway.store.retention import Reserve, Retention
from tests.fakes.clocks import HandClock
from tests.fakes.writers import InlineWriter
from tests.gateway.store.samples import new_database, record

PARIS = ZoneInfo("Europe/Paris")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Station:
    """Counts what is asked of it, and may be unable to do it."""

    def __init__(self) -> None:
        self.snapshots = 0
        self.backups = 0
        self.unable = False

    async def snapshot(self) -> str:
        if self.unable:
            raise UnavailableError("the disk is full")
        self.snapshots += 1
        return ""

    async def backup(self) -> str:
        self.backups += 1
        return ""


class Changes:
    registry_changes = 0


async def settle() -> None:
    """Let every task go as far as it can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


def living(chore: Callable[[HandClock], Callable[[], Awaitable[int]]], spans_ms: list[int]) -> list[tuple[str, str]]:
    """Let a chore live for these spans; what was told."""

    async def live() -> list[tuple[str, str]]:
        clock, told = HandClock(), []
        rounds = Rounds(clock, lambda name, detail: told.append((name, detail)))
        rounds.start("chore", chore(clock))
        await settle()
        for span_ms in spans_ms:
            until_ms = clock.now_ms() + span_ms
            while (next_ms := clock.next_ms()) is not None and next_ms <= until_ms:
                clock.move_to(next_ms)
                await settle()
            clock.move_to(until_ms)
        await rounds.stop()
        return told

    return asyncio.run(live())


def test_a_chore_has_its_turns_and_one_that_raises_has_them_again():
    turns: list[int] = []

    def chore(clock: HandClock) -> Callable[[], Awaitable[int]]:
        async def turn() -> int:
            turns.append(clock.now_ms())
            if len(turns) == 2:
                raise OSError("the card is gone")
            return 1000

        return turn

    told = living(chore, [AGAIN_MS + 3000])
    assert turns[:4] == [0, 1000, 1000 + AGAIN_MS, 2000 + AGAIN_MS]
    assert told == [("chore_failed", "chore: the card is gone")]


def test_a_chore_that_is_wanted_comes_at_once_but_never_without_a_pause():
    async def live() -> list[int]:
        clock, turns = HandClock(), []

        async def turn() -> int:
            turns.append(clock.now_ms())
            rounds.hurry("tidying")  # the disk is full still
            return TIDY_MS

        rounds = Rounds(clock, lambda name, detail: None)
        rounds.hurry("tidying")
        rounds.start("tidying", turn)
        await settle()
        for now_ms in range(0, 5001, 250):
            clock.move_to(now_ms)
            await settle()
        await rounds.stop()
        return turns

    assert asyncio.run(live()) == [0, 1000, 2000, 3000, 4000, 5000]


def test_the_clock_is_trusted_once_and_its_steps_are_told():
    looks: list[int | None] = [None, None, 5000, None, 5150, 8_000]
    told: list[int] = []

    async def look_at_all() -> list[int]:
        trust = Trust(lambda: (looks.pop(0), "NTP"), told.append)
        return [await trust.turn() for _ in range(6)]

    waits = asyncio.run(look_at_all())
    assert waits == [CLOCK_MS, CLOCK_MS, STEADY_CLOCK_MS, STEADY_CLOCK_MS, STEADY_CLOCK_MS, STEADY_CLOCK_MS]
    assert told == [5000, 8_000]  # 150 ms are not worth a word to anybody


def test_the_snapshot_follows_changes_soon_and_is_written_hourly():
    station, changes, made = Station(), Changes(), []

    def chore(clock: HandClock) -> Callable[[], Awaitable[int]]:
        snapshots = Snapshots(station, changes, clock)  # type: ignore[arg-type]

        async def turn() -> int:
            if clock.now_ms() in (40_000, 50_000):
                changes.registry_changes += 100  # a street joins
            wait_ms = await snapshots.turn()
            made.append((clock.now_ms(), station.snapshots))
            return wait_ms

        return turn

    living(chore, [SNAPSHOT_MS + MINUTE_MS])
    counts = dict(made)
    assert SNAPSHOT_SOON_MS == 10_000
    assert [counts[ms] for ms in (0, 30_000, 40_000, 50_000, 60_000, 50_000 + SNAPSHOT_MS)] == [1, 1, 2, 3, 3, 4]


def test_a_snapshot_that_cannot_be_written_is_an_alarm_and_is_written_later():
    station = Station()
    station.unable = True

    def chore(clock: HandClock) -> Callable[[], Awaitable[int]]:
        snapshots = Snapshots(station, Changes(), clock)  # type: ignore[arg-type]

        async def turn() -> int:
            station.unable = clock.now_ms() < 2 * AGAIN_MS
            return await snapshots.turn()

        return turn

    assert living(chore, [3 * AGAIN_MS]) == [("chore_failed", "chore: the disk is full")] * 2
    assert station.snapshots == 1


def test_at_the_end_the_snapshot_is_written_only_if_it_does_not_say_what_is():
    async def live() -> list[int]:
        station, changes = Station(), Changes()
        snapshots = Snapshots(station, changes, HandClock())  # type: ignore[arg-type]
        await snapshots.turn()
        await snapshots.close()
        before = station.snapshots
        changes.registry_changes += 1
        await snapshots.close()
        return [before, station.snapshots]

    assert asyncio.run(live()) == [1, 2]


@pytest.mark.parametrize(
    ("begin", "days", "made"),
    [
        ("2026-01-10 12:00", 3, ["2026-01-11 02:30", "2026-01-12 02:30", "2026-01-13 02:30"]),
        ("2026-01-10 01:00", 1, ["2026-01-10 02:30"]),
        ("2026-03-28 12:00", 2, ["2026-03-29 03:00", "2026-03-30 02:30"]),  # 02:30 does not happen
        ("2026-10-24 12:00", 2, ["2026-10-25 02:30", "2026-10-26 02:30"]),  # 02:30 happens twice
    ],
)
def test_a_backup_is_made_once_a_day_by_the_towns_clock(begin, days, made):
    begin_ms = int(datetime.fromisoformat(begin).replace(tzinfo=PARIS).timestamp() * 1000)
    found: list[str] = []

    async def live() -> None:
        station, now_ms = Station(), begin_ms
        backups = Backups(station, "02:30", "Europe/Paris", lambda: now_ms)  # type: ignore[arg-type]
        while now_ms < begin_ms + days * 24 * HOUR_MS:
            before = station.backups
            wait_ms = await backups.turn()
            if station.backups > before:
                found.append(datetime.fromtimestamp(now_ms / 1000, PARIS).strftime("%Y-%m-%d %H:%M"))
            now_ms += wait_ms

    asyncio.run(live())
    assert found == made


def test_without_the_time_there_is_no_backup():
    async def live() -> int:
        station = Station()
        backups = Backups(station, "00:00", "Europe/Paris", lambda: None)  # type: ignore[arg-type]
        for _ in range(3000):
            await backups.turn()
        return station.backups

    assert asyncio.run(live()) == 0


class Disk:
    """A store with *count* readings within bounds that hold *pages* pages, and a tidying of it."""

    def __init__(self, folder, count: int, pages: int) -> None:
        self.told: list[tuple[str, str]] = []
        self.notices = 0
        self.database = new_database(folder / "gateway.sqlite")
        with self.database:
            RecordWriter().append(self.database, [record(1, seq, Kind.READING) for seq in range(count)])
        self.writer = InlineWriter(lambda: self.database, lambda result: None)
        self.reserve = Reserve(folder / "reserve", 1 << 16)
        bounds = Bounds(max_bytes=pages * PAGE_SIZE, keep_bytes=1)
        self.tidying = Tidying(
            self.writer, Caretaker(bounds, Retention(), self.reserve), lambda: None, self.noticed, self.tell
        )

    def noticed(self) -> None:
        self.notices += 1

    def tell(self, name: str, detail: str) -> None:
        self.told.append((name, detail))


def test_tidying_makes_room_until_there_is_enough_and_keeps_space_back(tmp_path):
    disk = Disk(tmp_path, 3000, 40)
    assert asyncio.run(disk.tidying.turn()) == TIDY_MS
    low, high = id_range(disk.database)
    assert high == 3000
    assert low > 1
    assert disk.reserve.held
    assert disk.notices == 1
    assert asyncio.run(disk.tidying.turn()) == TIDY_MS
    assert id_range(disk.database) == (low, high), "no more than space asks for"


def test_what_was_deleted_is_told_also_when_tidying_fails_on_the_way(tmp_path):
    disk = Disk(tmp_path, 10, 1000)
    disk.database.execute("DROP TABLE node_order")
    with pytest.raises(Exception, match="node_order"):
        asyncio.run(disk.tidying.turn())
    assert disk.notices == 1


def test_a_log_that_a_foreign_reader_holds_is_told_once(tmp_path):
    disk = Disk(tmp_path, 10, 1000)
    for pages in (LOG_HELD_PAGES, LOG_HELD_PAGES + 1, LOG_HELD_PAGES + 2, 5, LOG_HELD_PAGES + 1):
        disk.writer.figures.log_pages = pages
        disk.database.set_wal_hook(None)
        asyncio.run(disk.tidying.turn())
    assert [name for name, _ in disk.told] == ["log_held", "log_held"]
    assert "16 MB" in disk.told[0][1]
