"""An engine with everything real behind it, on a disk that fails when told to, and a clock that is a number."""

import random
from pathlib import Path

import orjson

from gateway.application import TownApplication
from gateway.engine import Engine
from gateway.links.link import RadioReport, Transmit
from gateway.network.events import Accepted, Alarm, Refused
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.readings.record import Kind, Record
from gateway.store.database import open_database, read_database
from gateway.store.devices import add_devices, list_devices
from gateway.store.faults import FaultKind, StoreError
from gateway.store.migrate import migrate
from gateway.store.orders import list_orders, next_order_id
from gateway.store.records import records_after
from gateway.store.sessions import load_devices
from gateway.store.writer import Failed, Result
from tests.fakes.devices import Device, heard
from tests.fakes.writers import InlineWriter
from tests.gateway.store.faulty import FaultyDisk

OFFSET_MS = 1_790_000_000_000
COPIES_MS = 300
NEVER = 1 << 60


class Watcher:
    """Writes down what the engine tells."""

    def __init__(self) -> None:
        self.taken: list[Accepted] = []
        self.reasons: list[str] = []
        self.alarms: list[str] = []
        self.radios: list[RadioReport] = []

    def accepted(self, accepted: Accepted, now_ms: int) -> None:
        self.taken.append(accepted)

    def refused(self, refused: Refused, now_ms: int) -> None:
        self.reasons.append(refused.reason.value)

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        self.alarms.append(alarm.name)

    def radio(self, report: RadioReport, now_ms: int) -> None:
        self.radios.append(report)


class Bench:
    """on_disk: at each downlink, the states of orders that another connection saw. now_ms moves by `pass_ms`."""

    def __init__(self, folder: Path, *devices: Device) -> None:
        self.disk = FaultyDisk()
        self.now_ms = 1_000_000
        self.watcher = Watcher()
        self.downlinks: list[Transmit] = []
        self.on_disk: list[list[str]] = []
        self.results: list[Result] = []
        self._path = folder / "gateway.sqlite"
        database = open_database(self._path)
        migrate(database)
        with database:
            add_devices(database, [device.registration(device=0) for device in devices])
        database.close()
        self.read = read_database(self._path)
        self.begin()

    def begin(self) -> None:
        """A start with what is on disk."""
        registrations = list_devices(self.read)
        kept = load_devices(self.read)
        open_orders = reversed(list_orders(self.read))
        self.application = TownApplication(1, registrations, (), (), open_orders, next_order_id(self.read), self.now_ms)
        server = Server(NetworkSettings(), registrations, kept.values(), [], self.application, random.Random(1))
        self.engine = Engine(server, self.application, 1, self._transmit, self.watcher)
        self.writer = InlineWriter(lambda: open_database(self._path, vfs=self.disk.name), self._deliver)
        self.engine.write_with(self.writer)
        self.engine.set_clock(OFFSET_MS, self.now_ms)

    def hear(self, phy_payload: bytes) -> None:
        """A frame, and the time in which copies of it may come."""
        self.engine.hear(heard(phy_payload), self.now_ms)
        self.pass_ms(COPIES_MS)

    def pass_ms(self, span_ms: int) -> None:
        until_ms = self.now_ms + span_ms
        woken = 0
        while (wake_ms := self.engine.wake_at()) is not None and wake_ms <= until_ms:
            woken += 1
            assert woken < 10_000, f"it wants to be woken at {wake_ms} for ever"
            self.now_ms = max(self.now_ms, wake_ms)
            self.engine.wake(self.now_ms)
        self.now_ms = until_ms

    def break_disk(self, error: type[Exception], width: int = NEVER) -> None:
        self.disk.error, self.disk.fail_at, self.disk.width = error, self.disk.count + 1, width

    def mend_disk(self) -> None:
        self.disk.fail_at = None

    def fail(self, kind: FaultKind = FaultKind.FULL) -> None:
        """The writer says that nothing since the last result is on disk."""
        self._deliver(Failed(StoreError(kind, f"{kind.value} on purpose")))

    def records(self, kind: Kind = Kind.READING) -> list[Record]:
        return [row.record for row in records_after(self.read, 0, 1000).records if row.record.kind is kind]

    def notices(self) -> list[str]:
        return [orjson.loads(record.content)["notice"] for record in self.records(Kind.NOTICE)]

    def orders(self) -> list[str]:
        return [order.state for order in list_orders(self.read)]

    def close(self) -> None:
        self.read.close()
        self.writer.close()

    def _transmit(self, transmit: Transmit) -> None:
        self.on_disk.append(self.orders())
        self.downlinks.append(transmit)

    def _deliver(self, result: Result) -> None:
        self.results.append(result)
        self.engine.written(result, self.now_ms)
