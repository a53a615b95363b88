"""The process from start to stop: what it finds, what it leaves behind, and what ends it."""

import asyncio
from pathlib import Path

import apsw

from gateway.api.station import Removal
from gateway.network.events import DeviceGone
from gateway.operate.importing import Batch
from gateway.process import Gateway
from gateway.readings.record import Kind
from gateway.running.last_run import FIRST, KILLED, STOPPED
from gateway.running.registry import Registry
from gateway.store.database import read_database
from gateway.store.faults import FaultKind, StoreError
from gateway.store.snapshot import read_snapshot
from gateway.store.writer import Died, Failed
from protocol.region import frame_airtime_us
from tests.fakes.clocks import HandClock
from tests.fakes.devices import Device, heard
from tests.gateway.gateways import running, until

ROW = 1


async def nothing(gateway: Gateway, clock: HandClock) -> str:
    return str((await gateway.station.health())["started_because"])


def test_why_it_began_is_told(tmp_path):
    assert running(tmp_path, nothing) == FIRST
    assert running(tmp_path, nothing) == STOPPED
    kept = (tmp_path / "store" / "last-run").read_text()
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert kept == "stopped"
    (tmp_path / "store" / "last-run").write_text(f"running {boot_id}")
    assert running(tmp_path, nothing) == KILLED


def test_an_orderly_stop_brings_the_log_home_and_the_registry_to_its_snapshot(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        await until((tmp_path / "store" / "registry.snapshot").exists)
        await gateway.station.add(Batch(registrations=(Device(1).registration(device=0),), places=(), installed=()))

    running(tmp_path, act)
    assert not (tmp_path / "store" / "gateway.sqlite-wal").exists()
    snapshot = read_snapshot(tmp_path / "store" / "registry.snapshot")
    assert snapshot is not None
    assert [row[1] for row in snapshot.tables["device"].rows] == [Device(1).dev_eui]


def test_a_device_that_was_removed_stays_known_for_what_it_told(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        entry = Device(1).registration(device=0)
        await gateway.station.add(Batch(registrations=(entry,), places=(), installed=()))
        await gateway.station.remove(Removal(dev_eui=entry.dev_eui))

    running(tmp_path, act)
    read = read_database(tmp_path / "store" / "gateway.sqlite")
    registry = Registry(read)
    known = registry.directory.device(ROW)
    assert known is not None
    assert (known.dev_eui, known.role.value) == (Device(1).dev_eui.hex(), "air")
    assert registry.registered == {}
    assert registry.dataset_of(Kind.READING, ROW) == "air"
    assert registry.dataset_of(Kind.READING, 7) == "unplaced"
    assert registry.dataset_of(Kind.NOTICE, None) == "gateway"
    assert registry.change([DeviceGone(dev_eui=bytes(8))]) == []
    read.close()


def test_a_damaged_file_or_a_dead_writer_ends_the_process_with_a_sentence(tmp_path):
    for result, sentence in (
        (Failed(StoreError(FaultKind.CORRUPT, "the file is damaged")), "the file is damaged"),
        (Failed(StoreError(FaultKind.NOT_A_DATABASE, "it is a poem")), "it is a poem"),
        (Died("the writer fell over"), "the writer fell over"),
    ):

        async def act(gateway: Gateway, clock: HandClock, result=result) -> str | None:
            gateway._pulse.deliver(result)
            await asyncio.wait_for(gateway.ended.wait(), 20)
            return gateway.failure

        assert running(tmp_path, act) == sentence
        assert running(tmp_path, nothing) == f"the gateway had ended itself: {sentence}"


def test_a_disk_that_is_full_does_not_end_it(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> str | None:
        # Not by way of the loop: the real writer, whose disk is well, would have written the alarm of it meanwhile.
        gateway._pulse._written(Failed(StoreError(FaultKind.FULL, "the disk is full")))
        assert gateway.engine.counts["commits_failed"] == 1
        assert "the disk is full" in (await gateway.station.health())["findings"]
        clock.move_to(clock.now_ms() + 10_000)
        await until(lambda: gateway.engine.fault is None)
        return gateway.failure

    assert running(tmp_path, act) is None


def test_what_the_metrics_say(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> str:
        gateway.engine.note("broker_lost", "why", clock.now_ms())
        await until(lambda: not gateway.engine.under_way)
        return (await gateway.station.metrics()).decode()

    text = running(tmp_path, act)
    assert 'lampyre_alarms_total{name="broker_lost"} 1.0' in text
    assert "lampyre_joins_total 0.0" in text
    assert "lampyre_clock_trusted 1.0" in text
    assert "lampyre_records_total 1.0" in text


def test_before_the_time_is_known_nothing_is_dated_and_health_says_why(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        gateway.engine.note("broker_lost", "why", clock.now_ms())
        await until(lambda: not gateway.engine.under_way)
        health = await gateway.station.health()
        assert health["clock"] == {"trusted": False, "why": "by hand"}

    running(tmp_path, act, trusted=False)
    database = apsw.Connection(str(tmp_path / "store" / "gateway.sqlite"))
    assert database.execute("SELECT boot, received_ms FROM record").fetchall() == [(1, 1_000_000)]
    database.close()


def test_what_was_sent_within_the_hour_is_known_to_the_next_start(tmp_path):
    """One that ends in an orderly way knows exactly; the process that comes after a cut takes more for used."""
    device = Device(1, joins=True)

    async def join(gateway: Gateway, clock: HandClock) -> int:
        await gateway.station.add(Batch(registrations=(device.registration(device=0),), places=(), installed=()))
        gateway.engine.hear(heard(device.join_request(), counter_us=5), clock.now_ms())
        gateway.engine.wake(clock.now_ms() + 200)
        await until(lambda: gateway.engine.counts["joins"])
        await until(lambda: not gateway.engine.under_way)
        return spent_us(gateway)

    async def look(gateway: Gateway, clock: HandClock) -> int:
        return spent_us(gateway)

    def spent_us(gateway: Gateway) -> int:
        [radio] = gateway.engine._server._radios._radios.values()
        return sum(radio.spent_us.values())

    sent_us = running(tmp_path, join)
    assert sent_us == frame_airtime_us(5, 33, False)  # a Join-Accept with a CFList
    assert running(tmp_path, look) == sent_us
