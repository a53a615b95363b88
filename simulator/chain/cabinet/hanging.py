"""What hangs in the street: the card with the store, and the radios; a process comes and goes."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import apsw

from gateway.lighting.lighting import Lighting
from gateway.links.forwarders import Address
from gateway.links.link import Outcome, Received, Transmit
from gateway.operate.importing import parse_csv
from gateway.publish.publisher import PublisherFigures
from gateway.readings.record import Kind
from gateway.store.database import open_database, read_database
from gateway.store.migrate import migrate
from gateway.store.opening import Store
from gateway.store.rows import fetch
from simulator.air.interface import OnAir
from simulator.chain.broker import Broker
from simulator.chain.cabinet.concentrators import PULL_US, Concentrator, pull_data
from simulator.chain.cabinet.enrolment import enrol, enter
from simulator.chain.cabinet.process import Process
from simulator.chain.cabinet.told import MEMORY, CabinetSettings, CabinetWatcher, Member, OrderRefusedError, Team
from simulator.streams import Stream
from simulator.timeline import Timeline


class Cabinet:
    """One gateway with its store and its radios; `begin` switches it on.

    stolen: downlinks that went to another address than their radio's. Raises OSError, StoreError or apsw.Error when the
    database cannot be opened.
    """

    def __init__(
        self, timeline: Timeline, settings: CabinetSettings, dice: Stream, broker: Broker, watcher: CabinetWatcher
    ) -> None:
        self.timeline = timeline
        self.settings = settings
        self.dice = dice
        self.broker = broker
        self.watcher = watcher
        self.stolen = 0
        self.pulls_refused = 0  # PULL_DATA that did not get an EUI's downlinks
        self.held: dict[bytes, str] = {}  # where downlinks of an EUI went last, as the card has it
        self.clock_off_ms = 0  # the machine's clock is wrong by so much
        self.clock_untrusted = 0  # reasons why nobody vouches for it
        self.names: dict[bytes, str] = {}  # by DevEUI
        self.dev_euis: dict[str, bytes] = {}  # by name
        self.radios: dict[str, Concentrator] = {}
        self._euis: dict[str, str] = {}  # name of a radio by how the gateway names it
        for number, name in enumerate(settings.radios, 1):
            eui = bytes([0xAA, 0x55, 0x5A, 0, 0, 0, number >> 8, number & 0xFF])
            self.radios[name] = Concentrator(name, eui, number)
            self._euis[self.radios[name].link] = name
        self.database: apsw.Connection | None = None  # of one in memory, which outlives the process
        if settings.database == MEMORY:
            self.database = open_database(MEMORY, durable=False)
            migrate(self.database)
        self.run: Process | None = None
        self._disk_full = 0

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self.run is not None

    def enrol(self, members: Sequence[Member], teams: Sequence[Team] = ()) -> None:
        """Enter the nodes, their places and groups while no process runs."""
        if self.database is not None:
            enrol(self.database, self.settings, members, teams)
        else:
            store = Store(Path(self.settings.database), durable=False)
            database = store.connect()
            enrol(database, self.settings, members, teams)
            database.close()
            store.close()
        self.names |= {member.dev_eui: member.name for member in members}
        self.dev_euis |= {member.name: member.dev_eui for member in members}

    def enrol_file(self, path: Path) -> list[str]:
        """Enter the devices of a file as `lampyre gateway devices import` reads it; their DevEUIs in hex.

        Raises OSError, and ValueError with everything that is wrong with it.
        """
        batch = parse_csv(path.read_bytes(), self.settings.start_s * 1000)
        if batch.faults:
            raise ValueError("\n".join(f"{path}: {fault}" for fault in batch.faults))
        if self.database is not None:
            enter(self.database, batch)
        else:
            store = Store(Path(self.settings.database), durable=False)
            database = store.connect()
            enter(database, batch)
            database.close()
            store.close()
        euis = [registration.dev_eui.hex() for registration in batch.registrations]
        self.names |= {bytes.fromhex(eui): eui for eui in euis}
        return euis

    def begin(self) -> None:
        """Start the process if it does not run."""
        if self.run is None:
            self.run = Process(self)
            self.run.begin()
            for radio in self.radios.values():
                self._pull(radio, self.run)

    def stop(self) -> None:
        """End the process in an orderly way: what was accepted is written, the cursor kept."""
        run, self.run = self.run, None
        if run is not None:
            run.stop()
            self.watcher.ended(orderly=True)

    def kill(self) -> None:
        """The process is gone with everything it had in memory; what was committed is on the card."""
        run, self.run = self.run, None
        if run is not None:
            run.drop()
            self.broker.lose_client()
            self.watcher.ended(orderly=False)

    def close(self) -> None:
        """Stop and let go of the database; of one in a file nothing else stays."""
        self.stop()
        if self.database is not None:
            self.database.close()
        else:
            Path(f"{self.settings.database}.lock").unlink(missing_ok=True)

    def receive(self, radio: str, frame: OnAir, rssi_dbm: int, snr_db: float) -> bool:
        """A radio received a frame, now; whether the gateway heard of it."""
        there = self.radios[radio]
        if self.run is None or there.gone or there.cut:
            return False
        counter_us = self.timeline.now_us & 0xFFFFFFFF
        self.run.receive(Received(there.link, frame.phy_payload, frame.freq_hz, frame.dr, counter_us, rssi_dbm, snr_db))
        return True

    def order(
        self,
        target: str,
        verb: str,
        arguments: dict[str, object],
        expires_in_s: int,
    ) -> tuple[int, ...]:
        """Give an order to a node or a group by its name; the ids of the orders made.

        Raises OrderRefusedError when it does not take it now, and KeyError for a name that is not registered.
        """
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        return self.run.order(target, verb, arguments, expires_in_s)

    def plan(self, text: str, *groups: str) -> None:
        """Load a programme, the text of its file, and have *groups*, by name, run it, as `light programme load` does.

        Raises OrderRefusedError and KeyError as `order`, and ValueError for what is no programme.
        """
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        self.run.plan(text, groups)

    def hold(self, target: str, level_pct: int | None, hold_s: int, fade_s: int = 2) -> None:
        """Hold a level of a lamp or a group by its name, or of the "site", as `light set` does; None ends it.

        Raises OrderRefusedError and KeyError as `order`.
        """
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        self.run.hold(target, level_pct, hold_s, fade_s)

    def lighting(self) -> Lighting:
        """What the gateway plans and knows of lamps. Raises OrderRefusedError while no process runs."""
        if self.run is None:
            raise OrderRefusedError("the gateway does not run")
        return self.run.engine.lighting

    # Faults.

    def radio_off(self, name: str) -> None:
        """The concentrator is switched off, until as many `radio_on`."""
        self.radios[name].gone += 1

    def radio_on(self, name: str) -> None:
        """One reason less to be off."""
        self.radios[name].gone -= 1

    def cut_off(self, name: str) -> None:
        """The radio's forwarder does not reach the gateway, until as many `joined_up`."""
        self.radios[name].cut += 1

    def joined_up(self, name: str) -> None:
        """One reason less to be cut off."""
        self.radios[name].cut -= 1

    def fill_disk(self) -> None:
        """Nothing more can be written, until as many `empty_disk`."""
        self._disk_full += 1
        if self.run is not None:
            self.run.bound_file(full=True)

    def empty_disk(self) -> None:
        """One reason less to be full."""
        self._disk_full -= 1
        if self.run is not None and not self._disk_full:
            self.run.bound_file(full=False)

    @property
    def disk_is_full(self) -> bool:
        """Whether nothing can be written."""
        return self._disk_full > 0

    def pull(self, radio: str, address: Address) -> None:
        """Somebody at *address* sends PULL_DATA with the EUI of *radio*."""
        if self.run is not None:
            self.run.datagram(pull_data(self.radios[radio]), address)

    def figures(self) -> PublisherFigures | None:
        """How the publisher stands; None while no process runs."""
        return None if self.run is None else self.run.publisher.figures()

    def told(self) -> int:
        """How many readings and events are on the card."""
        database = self.database
        if database is None:
            database = read_database(self.settings.database)
        [(count,)] = fetch(
            database,
            "SELECT count(*) FROM record WHERE kind IN (?, ?)",
            (Kind.READING.value, Kind.EVENT.value),
        )
        if self.database is None:
            database.close()
        return int(count)

    @property
    def counts(self) -> Counter[str]:
        """What the engine of this process counted; empty while none runs."""
        return Counter() if self.run is None else self.run.engine.counts

    def _pull(self, radio: Concentrator, run: "Process") -> None:
        """The forwarder's own PULL_DATA, again and again while that process runs."""
        if run is not self.run:
            return
        if not (radio.gone or radio.cut):
            run.datagram(pull_data(radio), radio.address)
        self.timeline.at(self.timeline.now_us + PULL_US, lambda: self._pull(radio, run))

    def radio_called(self, radio: str) -> str:
        """The name of the radio that the gateway calls *radio*."""
        return self._euis[radio]

    def transmit(self, transmit: Transmit, address: Address) -> Outcome | None:
        """A radio's forwarder is told to send: at its µs, or now; what it answers, None for silence."""
        name = self._euis[transmit.radio]
        radio = self.radios[name]
        if address != radio.address:
            self.stolen += 1
            return None
        if radio.gone or radio.cut:
            return None
        now_us = self.timeline.now_us
        wait_us = 0 if transmit.counter_us is None else (transmit.counter_us - now_us) & 0xFFFFFFFF
        if wait_us >= 1 << 31:
            return Outcome.TOO_LATE
        self.timeline.at(now_us + wait_us, lambda: self._emit(radio, transmit))
        return Outcome.SENT

    def _emit(self, radio: Concentrator, transmit: Transmit) -> None:
        if not radio.gone:
            self.watcher.emit(radio.name, transmit.phy_payload, transmit.freq_hz, transmit.dr, transmit.power_dbm)
