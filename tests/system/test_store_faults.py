"""Disks that are full, fail or turn read-only under the whole gateway: what is not stored is not answered.

A node repeats what was not acknowledged, as the same frame; it is taken once, as soon as the disk takes it.
"""

import asyncio
import base64
import contextlib
import functools
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.api.station import UnavailableError
from gateway.process import Gateway
from gateway.readings.record import Kind, Record
from gateway.store import opening
from gateway.store.database import open_database
from gateway.store.records import records_after
from gateway.store.retention import Step
from protocol.lorawan.frames import DOWNLINK, parse_frame
from tests.cddl import NET
from tests.fakes.devices import Device
from tests.gateway.store.faulty import FaultyDisk
from tests.system.lasting import LastingStreet

SEED = 20260103
FOR_EVER = 1 << 40
UNTIL_AGAIN_S = 20  # a node repeats a confirmed frame no sooner


class Bench(LastingStreet):
    """One ABP node before a gateway without a broker. acked: FCntUp of its frames that were acknowledged."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 0, SEED)
        self.device = Device(1)
        self.acked: list[int] = []
        self.f_cnt = 0
        self.seq = 0

    @property
    def database(self) -> Path:
        return self.folder / "store" / "gateway.sqlite"

    async def say_new(self, confirmed: bool = True) -> bytes:
        """Its next reading."""
        frame = self.device.reading(self.f_cnt, self.seq)
        if confirmed:
            payload = _payload(self.device, frame)
            frame = self.device.frame(self.f_cnt, 1, payload, confirmed=True)
        self.f_cnt += 1
        self.seq += 1
        await self.hear(frame)
        return frame

    async def hear(self, frame: bytes) -> None:
        """Let the gateway hear *frame*, and decide what it can."""
        self.say(frame)
        await self.live(UNTIL_AGAIN_S)
        await self.written()

    async def written(self) -> None:
        """Let be written, or refused, what waits for that."""
        if self.gateway.engine.under_way:
            with contextlib.suppress(UnavailableError):
                await self.ask(self.gateway.station.snapshot())  # before it all is written that waits for company
        await self.until(lambda: not self.gateway.engine.under_way)

    async def open_log(self) -> None:
        """The status with which every node begins."""
        await self.hear(self.device.status(0, 0))
        self.f_cnt = 1

    def on_disk(self) -> list[int]:
        """The numbers of the readings that are on the disk, as they stand there."""
        database = apsw.Connection(str(self.database), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return [stored.record.seq for stored in _all(database) if stored.record.kind is Kind.READING]
        finally:
            database.close()

    def _emit(self, txpk: dict[str, Any]) -> None:
        frame, _ = self.device.hear(base64.b64decode(txpk["data"]))
        if frame.ack:
            self.acked.append(self.f_cnt - 1)

    def _toml(self) -> str:
        head, rest = super()._toml().split("[mqtt]")
        return f"{head}[api]{rest.split('[api]')[1]}"


def _payload(device: Device, frame: bytes) -> bytes:
    from protocol.lorawan.frames import UPLINK
    from protocol.lorawan.security import open_payload

    parsed = parse_frame(frame)
    assert parsed.direction is not DOWNLINK
    return open_payload(device.keys, parsed, UPLINK, parsed.f_cnt16)


def _all(database: apsw.Connection) -> list[Any]:
    found: list[Any] = []
    after, more = 0, True
    while more:
        page = records_after(database, after, 1000)
        assert not page.damaged
        found += page.records
        after, more = page.last_id, page.more
    return found


@pytest.fixture(name="disk")
def _disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    """The disk under every gateway that this test starts."""
    disk = FaultyDisk()
    monkeypatch.setattr(opening, "open_database", functools.partial(open_database, vfs=disk.name))
    monkeypatch.setattr(NET, "check", lambda *_: None)
    return disk


def play(folder: Path, story: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    """Run a story."""

    async def run() -> None:
        bench = Bench(folder)
        bench.register([bench.device.registration()])
        await asyncio.wait_for(story(bench), timeout=200)

    asyncio.run(run())


def fail(disk: FaultyDisk, error: type[apsw.Error], after: int = 1, width: int = FOR_EVER) -> None:
    """From the operation *after* so many on the disk fails."""
    disk.fail_at, disk.width, disk.error = disk.count + after, width, error


FAULTS = [
    (apsw.FullError, "is full; old readings are deleted as [store] says, or make room on the card"),
    (apsw.IOError, "the card did not read or write; look at `dmesg`"),
    (apsw.ReadOnlyError, "it cannot be written; was the card remounted read-only after an error"),
]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as tests/gateway/store/test_full_disk
@pytest.mark.parametrize(("error", "says"), FAULTS)
@pytest.mark.parametrize("confirmed", [True, False])
def test_what_a_disk_refuses_is_not_accepted_and_its_repetition_is(tmp_path, disk, caplog, error, says, confirmed):
    async def story(bench: Bench) -> None:
        await bench.begin()
        await bench.open_log()
        await bench.say_new(confirmed)
        fail(disk, error)
        frame = await bench.say_new(confirmed)
        engine = bench.gateway.engine
        assert says in (engine.fault or "")
        assert any(says in finding for finding in (await bench.ask(bench.gateway.station.health()))["findings"])
        assert any(says in line for line in caplog.messages)
        assert engine.counts["not_stored"] >= 1
        await bench.hear(frame)  # the disk still refuses
        assert bench.on_disk() == [0]
        disk.fail_at = None
        await bench.hear(frame)
        assert bench.on_disk() == [0, 1]
        assert engine.fault is None
        await bench.hear(frame)  # its acknowledgement was lost, say
        await bench.say_new(confirmed)
        assert bench.on_disk() == [0, 1, 2]
        assert engine.counts["refused:wrong_mic"] == 0
        assert bench.acked == ([1, 2, 2, 3] if confirmed else [])
        await bench.end()

    play(tmp_path, story)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [error for error, _ in FAULTS])
def test_a_fault_at_every_operation_of_a_commit_acknowledges_nothing_that_is_not_stored(tmp_path, disk, error):
    async def story(bench: Bench) -> None:
        await bench.begin()
        await bench.open_log()
        await bench.say_new()
        begin = disk.count
        await bench.say_new()
        most = disk.count - begin  # operations of one uplink
        assert most >= 3
        hits = 0
        for after in range(1, most + 2):
            fail(disk, error, after, width=1)
            before = disk.hits
            frame = await bench.say_new()
            hit = disk.hits > before
            hits += hit
            f_cnt = bench.f_cnt - 1
            assert hit != (f_cnt in bench.acked) or bench.seq - 1 in bench.on_disk(), f"operation {after}"
            disk.fail_at = None
            if f_cnt not in bench.acked:
                await bench.hear(frame)
            assert f_cnt in bench.acked
            found = bench.on_disk()
            # What failed may be on the disk all the same: then it stands there twice, with one key.
            assert sorted(set(found)) == list(range(bench.seq))
            assert len(found) <= bench.seq + hits
        assert hits >= most - 1
        await bench.end()

    play(tmp_path, story)


def test_a_full_store_makes_room_as_declared_and_counts_exactly(tmp_path, monkeypatch):
    monkeypatch.setattr(NET, "check", lambda *_: None)
    sized = Gateway.__init__

    def small(self: Gateway, config: Any, **options: Any) -> None:
        sized(self, replace(config, store=replace(config.store, max_disk_mb=1, reserve_mb=0)), **options)

    monkeypatch.setattr(Gateway, "__init__", small)

    async def story(bench: Bench) -> None:
        await bench.begin()
        await bench.open_log()
        engine = bench.gateway.engine
        engine.record([filler(Kind.EVENT, seq) for seq in range(10)], bench.clock.now_ms())
        for count, length in ((40, 900), (1, 900), (1, 10)):  # until not even a reading fits
            while True:
                engine.record([filler(Kind.READING, seq, length) for seq in range(count)], bench.clock.now_ms())
                await bench.written()
                if engine.fault is not None:
                    break
        assert "the share of it that Lampyre may use is full" in engine.fault
        frame = await bench.say_new()
        assert bench.acked == []
        await bench.live(120)  # until it is tidied
        await bench.until(bench.gateway.quiet)
        await bench.hear(frame)
        assert bench.acked == [1]
        await bench.live(120)
        await bench.until(bench.gateway.quiet)
        left = stored_in(bench.database)
        told = [json.loads(stored.record.content) for stored in left if stored.record.kind is Kind.NOTICE]
        notices = [said for said in told if said.get("notice") == "deleted"]
        assert {said["what"] for said in notices} == {Step.UNDELIVERED_READINGS.value}
        gone = sum(said["count"] for said in notices)
        assert gone > 100
        # Ids are given without gaps: those that are not there any more are the ones that went, and readings only.
        missing = set(range(1, left[-1].id + 1)) - {stored.id for stored in left}
        assert len(missing) == gone
        assert all(stored.id > max(missing) for stored in left if stored.record.kind is Kind.READING)
        assert sum(stored.record.kind is Kind.EVENT for stored in left) == 10
        assert [one.record.seq for one in left if one.record.epoch == bench.device.epoch] == [
            None,
            0,
        ]  # status, reading
        await bench.end()

    play(tmp_path, story)


def filler(kind: Kind, seq: int, length: int = 900) -> Record:
    """A record that takes so many bytes, and some."""
    return Record(
        kind=kind,
        device=1,
        epoch=7,
        seq=seq,
        received_ms=seq,
        boot=None,
        observed_ms=seq,
        time_error_s=0,
        content=bytes(length),
    )


def stored_in(path: Path) -> list[Any]:
    """All records of the file."""
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return _all(database)
    finally:
        database.close()
